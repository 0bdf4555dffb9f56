package excursion

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// Tables are the context's read models: a function of events alone.
type Tables struct {
	cases *event.Table[Case]
	where *event.Table[whereabouts]
}

// NewTables makes them. Hand Models to event.Open and the Tables to New.
func NewTables() *Tables {
	return &Tables{
		cases: event.NewTable("excursion.case", event.Schema[Case]{Version: 2, Fold: fold, Keys: keys}),
		where: event.NewTable("excursion.whereabouts", event.Schema[whereabouts]{Fold: foldWhere, Keys: whereKeys}),
	}
}

// Models lists the read models.
func (t *Tables) Models() []event.Model { return []event.Model{t.cases, t.where} }

// judge is by what a package is judged: its verdicts are counted each by itself.
type judge struct {
	profile string
	version int
	product string
}

func judgeOf(f fact.ExcursionFacts) judge { return judge{f.Profile, f.Version, f.Product} }

// ofPackage gives the cases of a package, by id; of one judge, or of all.
func (t *Tables) ofPackage(ctx context.Context, q store.Querier, pkg string, by *judge) ([]*Case, error) {
	var all []*Case
	for after := ""; ; {
		page, err := t.cases.Find(ctx, q, keyPackage, pkg, after, 500)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if c := &page[i].Doc; by == nil || *by == judgeOf(c.Facts) {
				all = append(all, c)
			}
		}
		if len(page) < 500 {
			return all, nil
		}
		after = page[len(page)-1].ID
	}
}

// get gives a case or an error that wraps ErrNotFound.
func (t *Tables) get(ctx context.Context, q store.Querier, id string) (*Case, error) {
	if err := (fact.Ref{Kind: fact.Excursion, ID: id}).Check(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotFound, err)
	}
	c, found, err := t.cases.Get(ctx, q, id)
	if err == nil && !found {
		err = fmt.Errorf("excursion %q: %w", id, ErrNotFound)
	}
	return &c, err
}
