package excursion

import (
	"cmp"
	"context"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// whereabouts is what has been stated of where a unit or package is, and of a
// unit its lot. Ids are those of fact.Ref.
type whereabouts struct {
	Lot        string      `json:"lot,omitempty"`
	Statements []statement `json:"statements"`
}

// statement is so much of a fact.Attached as is needed here.
type statement struct {
	ID        string `json:"id"`
	In        string `json:"in,omitempty"`
	At        int64  `json:"at"`
	Made      int64  `json:"made"`
	Corrects  string `json:"corrects,omitempty"`
	Withdrawn bool   `json:"withdrawn,omitempty"`
}

func foldWhere(e event.Event, rows *event.Rows[whereabouts]) error {
	if e.Type != fact.WasAttached && e.Type != fact.UnitWasReceived {
		return nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return err
	}
	var id string
	switch v := v.(type) {
	case *fact.UnitReceived:
		id = fact.Ref{Kind: fact.Unit, ID: v.ID}.String()
	case *fact.Attached:
		if v.Subject.Kind != fact.Unit && v.Subject.Kind != fact.Package {
			return nil
		}
		id = v.Subject.String()
	}
	w, err := rows.Get(id)
	if err != nil {
		return err
	}
	if w == nil {
		w = &whereabouts{Statements: []statement{}}
	}
	switch v := v.(type) {
	case *fact.UnitReceived:
		w.Lot = v.Lot
	case *fact.Attached:
		s := statement{ID: v.ID, At: v.At, Made: v.Made, Corrects: v.Corrects, Withdrawn: v.Withdrawn}
		if v.In != nil {
			s.In = v.In.String()
		}
		if slices.ContainsFunc(w.Statements, func(k statement) bool { return k.ID == s.ID }) {
			return nil // told twice
		}
		w.Statements = append(w.Statements, s)
	}
	rows.Put(id, w)
	return nil
}

// keyIn finds what was ever stated to be in a thing.
const keyIn = "in"

func whereKeys(_ string, w *whereabouts) []event.Key {
	var all []event.Key
	for _, s := range w.Statements {
		if s.In != "" {
			all = append(all, event.Key{Name: keyIn, Value: s.In})
		}
	}
	return all
}

// holding gives the statements that hold, sorted by (At, Made, ID): each lasts
// until the next. A statement is replaced by the correction of it with the
// greatest (Made, ID), which may itself be corrected; a correction whose target
// is not known waits. The order of arrival makes no difference.
func (w whereabouts) holding() []statement {
	best := map[string]statement{}
	for _, s := range w.Statements {
		if s.Corrects == "" {
			continue
		}
		if b, ok := best[s.Corrects]; !ok || cmp.Or(cmp.Compare(s.Made, b.Made), cmp.Compare(s.ID, b.ID)) > 0 {
			best[s.Corrects] = s
		}
	}
	var all []statement
	for _, s := range w.Statements {
		if s.Corrects != "" {
			continue
		}
		for c, ok := best[s.ID]; ok; c, ok = best[s.ID] {
			s = c // ends: a statement corrects one other, and the first corrects none
		}
		if !s.Withdrawn {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b statement) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// in reports whether the subject was in a thing at some instant of [from, to].
func (w whereabouts) in(thing string, from, to int64) bool {
	all := w.holding()
	for i, s := range all {
		if s.In != thing || s.At > to {
			continue
		}
		if i+1 == len(all) || all[i+1].At > max(from, s.At) {
			return true
		}
	}
	return false
}

// at is where the subject was at an instant, "" when nobody has told.
func (w whereabouts) at(when int64) string {
	place := ""
	for _, s := range w.holding() {
		if s.At <= when {
			place = s.In
		}
	}
	return place
}

// affected lists the units that were in a package in [from, to], by id, and how
// many there were beyond fact.MaxAffected.
func (t *Tables) affected(ctx context.Context, q store.Querier, pkg string, from, to int64) (units []fact.Affected, more int, err error) {
	thing := fact.Ref{Kind: fact.Package, ID: pkg}.String()
	units = []fact.Affected{}
	for after := ""; ; {
		page, err := t.where.Find(ctx, q, keyIn, thing, after, 500)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range page {
			ref, err := fact.ParseRef(e.ID)
			if err != nil || ref.Kind != fact.Unit || !e.Doc.in(thing, from, to) {
				continue
			}
			if len(units) == fact.MaxAffected {
				more++
				continue
			}
			units = append(units, fact.Affected{Unit: ref.ID, Lot: e.Doc.Lot})
		}
		if len(page) < 500 {
			return units, more, nil
		}
		after = page[len(page)-1].ID
	}
}

// affect sets the affected units of facts. Those of a budget are told by its
// verdict, and only their lots are looked up.
func (t *Tables) affect(ctx context.Context, q store.Querier, f *fact.ExcursionFacts) (err error) {
	if f.Kind != fact.BrokenBudget || len(f.Units) == 0 {
		f.Units, f.MoreUnits, err = t.affected(ctx, q, f.Package, f.From, f.To)
		return err
	}
	f.Units = slices.Clone(f.Units)
	for i, u := range f.Units {
		w, _, err := t.where.Get(ctx, q, fact.Ref{Kind: fact.Unit, ID: u.Unit}.String())
		if err != nil {
			return err
		}
		f.Units[i].Lot = w.Lot
	}
	return nil
}

// place is where a package was, as its own statements say.
func (t *Tables) place(ctx context.Context, q store.Querier, pkg string, at int64) (string, error) {
	w, _, err := t.where.Get(ctx, q, fact.Ref{Kind: fact.Package, ID: pkg}.String())
	return w.at(at), err
}
