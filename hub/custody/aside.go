package custody

import (
	"frostline/hub/event"
	"frostline/hub/fact"
)

// Aside is a scan of a device that was set aside.
type Aside struct {
	fact.ScanSetAside
	State  string `json:"state"` // waiting, accepted or dropped
	Since  int64  `json:"since"` // hub's clock, UTC, Unix ms
	By     string `json:"by"`    // who sent it
	Tries  int    `json:"tries"` // how often it was looked at with another outcome
	Ended  int64  `json:"ended,omitempty"`
	Ender  string `json:"ender,omitempty"`
	Reason string `json:"reason,omitempty"` // why it was dropped
}

const (
	waiting = "waiting"

	keyState = "state"
	keyWants = "wants" // of those that wait
)

func foldAside(e event.Event, rows *event.Rows[Aside]) error {
	switch e.Type {
	case fact.ScanWasSetAside, fact.ScanWasSettled:
	default:
		return nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return err
	}
	switch d := v.(type) {
	case *fact.ScanSetAside:
		doc, err := rows.Get(d.ID)
		if err != nil {
			return err
		}
		if doc == nil {
			doc = &Aside{Since: e.At, By: e.Actor}
		}
		doc.ScanSetAside, doc.State = *d, waiting
		doc.Tries++
		doc.Ended, doc.Ender, doc.Reason = 0, "", ""
		rows.Put(d.ID, doc)
	case *fact.ScanSettled:
		doc, err := rows.Get(d.ID)
		if err != nil || doc == nil {
			return err
		}
		doc.State, doc.Ended, doc.Ender, doc.Reason = d.How, e.At, e.Actor, e.Reason
		rows.Put(d.ID, doc)
	}
	return nil
}

func asideKeys(_ string, a *Aside) []event.Key {
	keys := []event.Key{{Name: keyState, Value: a.State}}
	if a.State == waiting && a.Wants != "" {
		keys = append(keys, event.Key{Name: keyWants, Value: a.Wants})
	}
	return keys
}
