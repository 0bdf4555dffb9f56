package excursion

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// View is a case as it is shown.
type View struct {
	Case
	Allowed []Step     `json:"allowed"`
	Content string     `json:"content"` // digest that a signature would bind to now
	Signed  []Standing `json:"signed"`
	// Due is until when somebody has to acknowledge it, Unix ms; 0 where nobody is
	// waited for. It may have passed.
	Due int64 `json:"dueAt,omitempty"`
}

func (c *Cases) look(k *Case) (View, error) {
	v, err := look(k)
	if c.policy != nil {
		if due, _, _, ok := c.deadline(k); ok {
			v.Due = due.UnixMilli()
		}
	}
	return v, err
}

func look(c *Case) (View, error) {
	v := View{Case: *c, Allowed: Allowed(c.State)}
	v.Done = nil
	var err error
	if v.Content, err = c.Content(); err != nil {
		return v, err
	}
	v.Signed, err = standings(c)
	return v, err
}

// Get gives a case with its signatures verified, or ErrNotFound.
func (c *Cases) Get(ctx context.Context, id string) (View, error) {
	k, err := c.tables.get(ctx, c.store, id)
	if err != nil {
		return View{}, err
	}
	return c.look(k)
}

// Filter chooses cases; what is "" or 0 does not count.
type Filter struct {
	State    string
	Package  string
	Lot      string
	Severity string
	Since    int64 // Unix ms: cases with an event recorded since
}

func (f Filter) takes(c *Case) bool {
	if f.State != "" && f.State != string(c.State) || f.Package != "" && f.Package != c.Facts.Package ||
		f.Severity != "" && f.Severity != string(c.Facts.Severity) || c.Changed < f.Since {
		return false
	}
	if f.Lot == "" {
		return true
	}
	for _, u := range c.Facts.Units {
		if u.Lot == f.Lot {
			return true
		}
	}
	return false
}

// List gives up to limit cases whose ids come after one, in the order of ids:
// by when they began, as was first known.
func (c *Cases) List(ctx context.Context, f Filter, after string, limit int) ([]View, error) {
	key, value := "", ""
	for _, k := range []event.Key{{Name: keyPackage, Value: f.Package}, {Name: keyLot, Value: f.Lot}, {Name: keyState, Value: f.State}, {Name: keySeverity, Value: f.Severity}} {
		if k.Value != "" {
			key, value = k.Name, k.Value
			break
		}
	}
	all := []View{}
	for {
		var page []event.Entry[Case]
		var err error
		if key == "" {
			page, err = c.tables.cases.List(ctx, c.store, after, 500)
		} else {
			page, err = c.tables.cases.Find(ctx, c.store, key, value, after, 500)
		}
		if err != nil {
			return nil, err
		}
		for i := range page {
			after = page[i].ID
			if !f.takes(&page[i].Doc) {
				continue
			}
			v, err := c.look(&page[i].Doc)
			if err != nil {
				return nil, err
			}
			if all = append(all, v); len(all) == limit {
				return all, nil
			}
		}
		if len(page) < 500 {
			return all, nil
		}
	}
}

// Trail gives the events of a case after a version, at most limit: who, what,
// old, new and why. None is ever changed.
func (c *Cases) Trail(ctx context.Context, id string, after int64, limit int) ([]event.Event, error) {
	if _, err := c.tables.get(ctx, c.store, id); err != nil {
		return nil, err
	}
	events, err := c.events.Stream(ctx, fact.Ref{Kind: fact.Excursion, ID: id}.String(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("trail of excursion %s: %w", id, err)
	}
	return events, nil
}

// Tally counts the cases by state, and those that somebody has yet to
// acknowledge.
func (c *Cases) Tally(ctx context.Context) (states map[State]int64, awaiting int64, err error) {
	found, err := c.tables.cases.Tally(ctx, c.store, keyState)
	if err != nil {
		return nil, 0, err
	}
	waits, err := c.tables.cases.Tally(ctx, c.store, keyAwaits)
	if err != nil {
		return nil, 0, err
	}
	states = map[State]int64{}
	for s, n := range found {
		states[State(s)] = n
	}
	for _, n := range waits {
		awaiting += n
	}
	return states, awaiting, nil
}
