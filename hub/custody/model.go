package custody

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// Model is the read model behind a Custody, and answers from within the
// transactions of others.
type Model struct {
	places   *event.Table[place]
	handoffs *event.Table[handoffs]
	asides   *event.Table[Aside]
}

// NewModel makes the read model, to be given to the event log before the
// Custody is made of both.
func NewModel() *Model {
	return &Model{
		places:   event.NewTable("custody.place", event.Schema[place]{Version: 2, Fold: foldPlace, Keys: placeKeys, IDs: placeIDs}),
		handoffs: event.NewTable("custody.handoff", event.Schema[handoffs]{Version: 1, Fold: foldHandoff, Keys: handoffKeys}),
		asides:   event.NewTable("custody.aside", event.Schema[Aside]{Version: 1, Fold: foldAside, Keys: asideKeys}),
	}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model { return []event.Model{m.places, m.handoffs, m.asides} }

// statement finds a statement by its ID.
func (m *Model) statement(ctx context.Context, q store.Querier, id string) (fact.Attached, bool, error) {
	found, err := m.places.Find(ctx, q, keyID, id, "", 1)
	if err != nil || len(found) == 0 {
		return fact.Attached{}, false, err
	}
	for _, a := range found[0].Doc.Statements {
		if a.ID == id {
			return a, true, nil
		}
	}
	return fact.Attached{}, false, fmt.Errorf("statement %s: its key leads to %s, which does not have it; rebuild custody.place", id, found[0].ID)
}

// Timeline gives all that was stated of where a subject is; an empty one where
// nothing was.
func (m *Model) Timeline(ctx context.Context, q store.Querier, subject fact.Ref) (*timeline.Timeline, error) {
	t := new(timeline.Timeline)
	for from := ""; ; {
		docs, err := m.places.Find(ctx, q, keyOf, subject.String(), from, pageOf)
		if err != nil {
			return nil, fmt.Errorf("timeline of %s: %w", subject, err)
		}
		for _, d := range docs {
			for _, a := range d.Doc.Statements {
				t.Add(a)
			}
			from = d.ID
		}
		if len(docs) < pageOf {
			return t, nil
		}
	}
}

const pageOf = 200

// Where says what a subject is in at an instant and since when, nil where that
// is not known.
func (m *Model) Where(ctx context.Context, q store.Querier, subject fact.Ref, at int64) (in *fact.Ref, since int64, err error) {
	t, err := m.Timeline(ctx, q, subject)
	if err != nil {
		return nil, 0, err
	}
	v, ok := t.At(at)
	if !ok {
		return nil, 0, nil
	}
	return v.In, v.From, nil
}

// MaxWindow bounds the time over which Inside looks, in ms: 366 days.
const MaxWindow = 366 * 86_400_000

// Inside gives what was in a thing by itself at some time in [from, to), cut to
// it and in order of time. At most MaxWindow is looked at.
func (m *Model) Inside(ctx context.Context, q store.Querier, thing fact.Ref, from, to int64) ([]timeline.Stay, error) {
	if to <= from || to-from > MaxWindow {
		return nil, invalidf("to %d: want a time after from, by at most 366 days", to)
	}
	subjects := map[fact.Ref]struct{}{}
	look := func(key, value string) error {
		for after := ""; ; {
			docs, err := m.places.Find(ctx, q, key, value, after, pageOf)
			if err != nil {
				return err
			}
			for _, d := range docs {
				subjects[d.Doc.Subject] = struct{}{}
				after = d.ID
			}
			if len(docs) < pageOf {
				return nil
			}
		}
	}
	err := look(keyNow, thing.String())
	for _, mon := range months(from, to-1) {
		if err == nil {
			err = look(keyIn, thing.String()+" "+mon)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", thing, err)
	}
	var stays []timeline.Stay
	for s := range subjects {
		t, err := m.Timeline(ctx, q, s)
		if err != nil {
			return nil, err
		}
		for _, v := range t.During(from, to) {
			if v.In != nil && *v.In == thing {
				stays = append(stays, timeline.Stay{Subject: s, Path: []fact.Ref{thing}, Interval: v})
			}
		}
	}
	timeline.SortStays(stays)
	return stays, nil
}

// Contents gives what is in a thing by itself at an instant, in order.
func (m *Model) Contents(ctx context.Context, q store.Querier, thing fact.Ref, at int64) ([]fact.Ref, error) {
	stays, err := m.Inside(ctx, q, thing, at, at+1)
	if err != nil {
		return nil, err
	}
	all := make([]fact.Ref, len(stays))
	for i, s := range stays {
		all[i] = s.Subject
	}
	slices.SortFunc(all, func(a, b fact.Ref) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}
