package custody

import (
	"context"
	"fmt"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// handoffs are the hand-overs of a package, or of a shipment as a whole.
type handoffs struct {
	Statements []fact.HandedOver `json:"statements"` // as they came
}

// maxHandoffs bounds the hand-overs of one package or shipment.
const maxHandoffs = 500

func foldHandoff(e event.Event, rows *event.Rows[handoffs]) error {
	if e.Type != fact.WasHandedOver {
		return nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return err
	}
	h := *v.(*fact.HandedOver)
	doc, err := rows.Get(h.Subject.String())
	if err != nil {
		return err
	}
	if doc == nil {
		doc = new(handoffs)
	}
	doc.Statements = append(doc.Statements, h)
	rows.Put(h.Subject.String(), doc)
	return nil
}

func handoffKeys(_ string, doc *handoffs) []event.Key {
	var keys []event.Key
	for _, h := range doc.Statements {
		keys = append(keys, event.Key{Name: keyID, Value: h.ID})
	}
	return keys
}

// handoff finds a hand-over by its ID.
func (m *Model) handoff(ctx context.Context, q store.Querier, id string) (fact.HandedOver, bool, error) {
	found, err := m.handoffs.Find(ctx, q, keyID, id, "", 1)
	if err != nil || len(found) == 0 {
		return fact.HandedOver{}, false, err
	}
	for _, h := range found[0].Doc.Statements {
		if h.ID == id {
			return h, true, nil
		}
	}
	return fact.HandedOver{}, false, fmt.Errorf("hand-over %s: its key leads to %s, which does not have it; rebuild custody.handoff", id, found[0].ID)
}

func (m *Model) handoffsOf(ctx context.Context, q store.Querier, subject fact.Ref) ([]fact.HandedOver, error) {
	doc, _, err := m.handoffs.Get(ctx, q, subject.String())
	return doc.Statements, err
}

// resolveHandoffs gives the hand-overs of one subject that hold, and the state
// of each, by its ID; see timeline.Told.
func resolveHandoffs(all []fact.HandedOver) (holds []fact.HandedOver, states map[string]string) {
	heads := make([]timeline.Statement, len(all))
	for i, h := range all {
		heads[i] = timeline.Statement{ID: h.ID, At: h.At, Made: h.Made, Corrects: h.Corrects, Withdrawn: h.Withdrawn}
	}
	r := timeline.Resolve(heads)
	for _, i := range r.Holds {
		holds = append(holds, all[i])
	}
	states = make(map[string]string, len(all))
	for _, g := range r.States() {
		for _, i := range g.Of {
			states[all[i].ID] = g.State
		}
	}
	return holds, states
}
