package hold

import (
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// Hold is a hold as it is now.
type Hold struct {
	fact.HoldPlaced
	Out    []string `json:"out,omitempty"`    // units that were taken out of it
	Lifted int64    `json:"lifted,omitempty"` // when it ended, hub's clock, Unix ms; 0 while it stands
	record.Changed
}

// Model is the read model behind a Holds.
type Model struct{ holds *event.Table[Hold] }

// NewModel makes the read model, to be given to the event log first.
func NewModel() *Model {
	return &Model{event.NewTable("hold.hold", event.Schema[Hold]{Version: 2, Fold: fold, Keys: keys})}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model { return []event.Model{m.holds} }

func fold(e event.Event, rows *event.Rows[Hold]) error {
	v, err := record.Data(e, fact.HoldWasPlaced, fact.HoldWasLifted)
	switch d := v.(type) {
	case *fact.HoldPlaced:
		return record.Change(rows, d.ID, func(h *Hold) { h.HoldPlaced = *d; h.Note(e) })
	case *fact.HoldLifted:
		return record.Change(rows, d.ID, func(h *Hold) {
			for _, u := range d.Units {
				if !slices.Contains(h.Out, u) {
					h.Out = append(h.Out, u)
				}
			}
			// Its units out, a hold of units alone holds nothing more.
			if len(d.Units) == 0 || h.Package == "" && len(h.Out) == len(h.Units) {
				h.Lifted = e.At
			}
			h.Note(e)
		})
	}
	return err
}

func keys(_ string, h *Hold) []event.Key {
	if h.Lifted != 0 {
		return []event.Key{{Name: "state", Value: "lifted"}}
	}
	all := []event.Key{{Name: "state", Value: "standing"}}
	if h.Suspect != "" {
		all = append(all, event.Key{Name: "suspect", Value: h.Suspect})
	}
	if h.Package != "" {
		all = append(all, event.Key{Name: "on", Value: fact.Ref{Kind: fact.Package, ID: h.Package}.String()})
	}
	for _, u := range h.Units {
		if !slices.Contains(h.Out, u) {
			all = append(all, event.Key{Name: "on", Value: fact.Ref{Kind: fact.Unit, ID: u}.String()})
		}
	}
	return all
}
