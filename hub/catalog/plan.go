package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// step is one change that is to be made, checked against a view.
type step struct {
	ref    fact.Ref
	record fact.Record
	before *Entry // nil where it was not there
	after  Entry  // as it will be, without version and times where it changes
	same   bool   // nothing is to be done
}

func (s *step) append(ctx context.Context, ch event.Change, reason string) (event.Event, error) {
	return ch.Append(ctx, s.event(reason))
}

func (s *step) event(reason string) event.New {
	return event.New{Stream: s.ref.String(), Expect: -1, Type: fact.DefinedBy(s.ref.Kind), Reason: reason, Data: s.record}
}

// view is the catalog as a command or import sees it: the store, and over it
// what is planned but not yet appended.
type view struct {
	c       *Catalog
	q       store.Querier
	planned map[string]*Entry // by id of the document
	taken   map[string]string // KIND.FIELD=VALUE → stream, of what is planned
	known   map[string]*Entry // what was looked up; nil where there is none
}

func (c *Catalog) view(q store.Querier) *view {
	return &view{c: c, q: q, planned: map[string]*Entry{}, taken: map[string]string{}, known: map[string]*Entry{}}
}

// get gives the entry of a document's id, nil where there is none.
func (v *view) get(ctx context.Context, id string) (*Entry, error) {
	if e := v.planned[id]; e != nil {
		return e, nil
	}
	if e, ok := v.known[id]; ok {
		return e, nil
	}
	e, found, err := v.c.table.Get(ctx, v.q, id)
	if err != nil {
		return nil, err
	}
	if !found {
		v.known[id] = nil
		return nil, nil
	}
	v.known[id] = &e
	return &e, nil
}

// look reads the entries of many documents at once, for get.
func (v *view) look(ctx context.Context, ids []string) error {
	found, err := v.c.table.GetAll(ctx, v.q, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if e, ok := found[id]; ok {
			v.known[id] = &e
		} else {
			v.known[id] = nil
		}
	}
	return nil
}

// plan checks a definition and says what is to be done. Errors that are not an
// *Invalid, ErrExists, ErrRetired or event.ErrStale are the store's.
func (v *view) plan(ctx context.Context, record fact.Record, expect int64) (*step, error) {
	s, err := v.prepare(ctx, record, expect)
	if err != nil {
		return nil, err
	}
	problems, err := v.relations(ctx, s)
	if err == nil && problems != nil {
		err = &Invalid{problems}
	}
	return s, err
}

// prepare is plan without regard to other records.
func (v *view) prepare(ctx context.Context, record fact.Record, expect int64) (*step, error) {
	if problems := check(record); problems != nil {
		return nil, &Invalid{problems}
	}
	record = normal(record)
	s := &step{ref: record.Ref(), record: record}
	var err error
	if s.before, err = v.get(ctx, s.ref.String()); err != nil {
		return nil, err
	}
	switch b := s.before; {
	case b == nil && expect > 0:
		return nil, fmt.Errorf("version %d: %w: it is not there", expect, event.ErrStale)
	case b != nil && expect == 0:
		return nil, fmt.Errorf("%w, with version %d", ErrExists, b.Version)
	case b != nil && expect > 0 && expect != b.Version:
		return nil, fmt.Errorf("version %d: %w: it has version %d", expect, event.ErrStale, b.Version)
	case b != nil && b.Retired && expect < 0:
		return nil, fmt.Errorf("%w since %s: to take it into use again, name its version %d", ErrRetired, stamp(b.Changed), b.Version)
	}
	if err := v.compare(ctx, s); err != nil {
		return nil, err
	}
	if s.same {
		s.after = *s.before
		return s, nil
	}
	data, err := json.Marshal(s.record)
	s.after = Entry{Ref: s.ref, Data: data}
	return s, err
}

// compare finds out whether the step changes anything.
func (v *view) compare(ctx context.Context, s *step) error {
	if p, ok := s.record.(fact.ProfileRecord); ok {
		return v.compareProfile(ctx, s, p)
	}
	if s.before == nil || s.before.Retired {
		return nil
	}
	was, err := s.before.Record()
	if err != nil {
		return err
	}
	s.same, err = alike(was, s.record)
	return err
}

func alike(a, b any) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b)
	return bytes.Equal(x, y), err
}

// compareProfile settles the version and beginning of a profile.
func (v *view) compareProfile(ctx context.Context, s *step, p fact.ProfileRecord) error {
	newest := fact.ProfileRecord{}
	if s.before != nil {
		was, err := s.before.Record()
		if err != nil {
			return err
		}
		newest = was.(fact.ProfileRecord)
	}
	at, last := p.Profile.Version, newest.Profile.Version
	if at == 0 {
		at = last
	}
	if at >= 1 && at <= last {
		was := newest
		if at < last {
			e, err := v.get(ctx, versionID(p.Profile.ID, at))
			if err != nil {
				return err
			}
			if e == nil {
				return fmt.Errorf("version %d of profile %s is not in the read model", at, p.Profile.ID)
			}
			record, err := e.Record()
			if err != nil {
				return err
			}
			was = record.(fact.ProfileRecord)
		}
		same, err := sameProfile(was, p)
		if err != nil {
			return err
		}
		if same && !(s.before.Retired && at == last) {
			s.same = true
			return nil
		}
		if p.Profile.Version != 0 && !same {
			return &Invalid{[]Problem{{Field: "version", Value: fmt.Sprint(at), What: "is there already and says something else; versions are never edited",
				Remedy: fmt.Sprintf("leave version out, or give %d, to make a new one", last+1)}}}
		}
	} else if at > last+1 {
		return &Invalid{[]Problem{{Field: "version", Value: fmt.Sprint(at), What: fmt.Sprintf("would leave out version %d", last+1), Remedy: "leave version out for the next one"}}}
	}
	p.Profile.Version = last + 1
	now := v.c.o.Now().UnixMilli()
	switch {
	case p.From == 0:
		p.From = max(now, newest.From)
	case last > 0 && p.From < newest.From:
		return &Invalid{[]Problem{{Field: "from", Value: stamp(p.From), What: "is before the version before was in force, at " + stamp(newest.From), Remedy: "leave it out for now"}}}
	}
	s.record = p
	return nil
}

// sameProfile compares what two versions say, apart from their number. A
// version that says no beginning may have any.
func sameProfile(was, is fact.ProfileRecord) (bool, error) {
	is.Profile.Version = was.Profile.Version
	if is.From == 0 {
		is.From = was.From
	}
	return alike(was, is)
}

// relations lists what is wrong with a record among the others.
func (v *view) relations(ctx context.Context, s *step) (problems []Problem, err error) {
	if s.same {
		return nil, nil
	}
	old := map[reference]bool{}
	if s.before != nil && !s.before.Retired {
		was, err := s.before.Record()
		if err != nil {
			return nil, err
		}
		for _, r := range references(was) {
			old[r] = true
		}
	}
	for _, r := range references(s.record) {
		e, err := v.get(ctx, r.ref.String())
		if err != nil {
			return nil, err
		}
		field := r.field
		if s.ref.Kind == fact.Sensor {
			field = "id"
		}
		switch {
		case e == nil && r.ref.Kind == fact.Gateway && v.c.o.Enrolled != nil && v.c.o.Enrolled(r.ref.ID):
		case e == nil:
			problems = append(problems, Problem{Field: field, Value: r.ref.ID, What: fmt.Sprintf("there is no %s with this id", r.ref.Kind), Remedy: fmt.Sprintf("enter the %s first, or correct the id", r.ref.Kind)})
		case e.Retired && !old[r]:
			problems = append(problems, Problem{Field: field, Value: r.ref.ID, What: fmt.Sprintf("the %s is retired since %s", r.ref.Kind, stamp(e.Changed)), Remedy: "name one that is in use"})
		}
	}
	if p, ok := s.record.(fact.ProductRecord); ok {
		p, err := v.namesakes(ctx, p)
		if err != nil {
			return nil, err
		}
		problems = append(problems, p...)
	}
	for _, u := range uniques(s.record) {
		other, err := v.holder(ctx, s.ref, u)
		if err != nil {
			return nil, err
		}
		if other != "" {
			problems = append(problems, Problem{Field: u.field, Value: u.value, What: "belongs to " + other, Remedy: "correct the number, or retire the other record"})
		}
	}
	return problems, nil
}

// namesakes lists budgets of a product that are named like one of its profile:
// verdicts tell budgets by their names.
func (v *view) namesakes(ctx context.Context, product fact.ProductRecord) (problems []Problem, err error) {
	e, err := v.get(ctx, fact.Ref{Kind: fact.Profile, ID: product.Profile}.String())
	if e == nil || err != nil || len(product.Budgets) == 0 {
		return nil, err
	}
	record, err := e.Record()
	if err != nil {
		return nil, err
	}
	for i, b := range product.Budgets {
		for _, of := range record.(fact.ProfileRecord).Profile.Budgets {
			if of.Name == b.Name {
				problems = append(problems, Problem{Field: fmt.Sprintf("budgets[%d].name", i), Value: b.Name, What: "is a budget of profile " + product.Profile + " too", Remedy: "give it another name, or leave it out"})
			}
		}
	}
	return problems, nil
}

// holder gives who else has a number that is unique, "" for nobody.
func (v *view) holder(ctx context.Context, ref fact.Ref, u unique) (string, error) {
	if other := v.taken[slot(ref.Kind, u)]; other != "" && other != ref.String() {
		return other, nil
	}
	found, err := v.c.table.Find(ctx, v.q, string(ref.Kind)+"."+u.field, u.value, "", 2)
	if err != nil {
		return "", err
	}
	for _, e := range found {
		if e.ID == ref.String() {
			continue
		}
		// Where it is planned to give the number up, it is free.
		if p := v.planned[e.ID]; p != nil {
			record, err := p.Record()
			if err != nil {
				return "", err
			}
			if gives := uniques(record); len(gives) == 0 || gives[0] != u {
				continue
			}
		}
		return e.ID, nil
	}
	return "", nil
}

func slot(k fact.Kind, u unique) string { return string(k) + "." + u.field + "=" + u.value }

// take adds a step to what is planned.
func (v *view) take(s *step) {
	if s.same {
		return
	}
	v.planned[s.ref.String()] = &s.after
	if p, ok := s.record.(fact.ProfileRecord); ok {
		v.planned[versionID(s.ref.ID, p.Profile.Version)] = &s.after
	}
	for _, u := range uniques(s.record) {
		v.taken[slot(s.ref.Kind, u)] = s.ref.String()
	}
}
