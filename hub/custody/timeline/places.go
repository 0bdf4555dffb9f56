package timeline

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
)

// Places holds the timelines of many subjects and finds what was in a thing.
// The zero value knows nothing.
type Places struct {
	of     map[fact.Ref]*Timeline
	inside map[fact.Ref]map[fact.Ref]struct{} // thing to the subjects ever stated to be in it
}

// Stay is a subject's being in a thing for a while.
type Stay struct {
	Subject fact.Ref `json:"subject"`
	// Path leads from the subject's own home to the thing, both included.
	Path []fact.Ref `json:"path"`
	Interval
}

// Moved bounds the time in which a statement changed where its subject is.
type Moved struct {
	Subject  fact.Ref
	From, To int64 // To may be Open
}

// Add takes a statement. The second result is false where it changes nothing:
// it was known, it waits, or it says what held already.
func (p *Places) Add(a fact.Attached) (Moved, bool) {
	if p.of == nil {
		p.of = make(map[fact.Ref]*Timeline)
		p.inside = make(map[fact.Ref]map[fact.Ref]struct{})
	}
	t := p.of[a.Subject]
	if t == nil {
		t = new(Timeline)
		p.of[a.Subject] = t
	}
	t.resolve()
	since := 0 // the first interval that can change
	if t.isLast(a) {
		since = max(0, len(t.intervals)-1)
	}
	before := slices.Clone(t.intervals[since:])
	if !t.Add(a) {
		return Moved{}, false
	}
	if a.In != nil {
		in := p.inside[*a.In]
		if in == nil {
			in = make(map[fact.Ref]struct{})
			p.inside[*a.In] = in
		}
		in[a.Subject] = struct{}{}
	}
	from, to, ok := Diff(before, t.Intervals()[since:])
	return Moved{a.Subject, from, to}, ok
}

// Of gives the timeline of a subject; an empty one where nothing was stated.
func (p *Places) Of(subject fact.Ref) *Timeline {
	if t := p.of[subject]; t != nil {
		return t
	}
	return new(Timeline)
}

// Forget drops a subject.
func (p *Places) Forget(subject fact.Ref) {
	t := p.of[subject]
	if t == nil {
		return
	}
	delete(p.of, subject)
	for _, a := range t.all {
		if a.In == nil {
			continue
		}
		if in := p.inside[*a.In]; in != nil {
			delete(in, subject)
			if len(in) == 0 {
				delete(p.inside, *a.In)
			}
		}
	}
}

// Inside gives what was in a thing by itself at some time in [from, to), cut
// to it and sorted by time and subject.
func (p *Places) Inside(thing fact.Ref, from, to int64) []Stay {
	var out []Stay
	for s := range p.inside[thing] {
		for _, v := range p.of[s].During(from, to) {
			if v.In != nil && *v.In == thing {
				out = append(out, Stay{s, []fact.Ref{thing}, v})
			}
		}
	}
	SortStays(out)
	return out
}

// Within gives what was in a thing, by itself or in something that was in it,
// at some time in [from, to).
func (p *Places) Within(thing fact.Ref, from, to int64) []Stay {
	out := p.within(thing, from, to)
	SortStays(out)
	return out
}

// within ends, since fact.Homes has no circle.
func (p *Places) within(thing fact.Ref, from, to int64) []Stay {
	var out []Stay
	for _, s := range p.Inside(thing, from, to) {
		out = append(out, s)
		for _, c := range p.within(s.Subject, s.From, s.To) {
			c.Path = append(slices.Clip(c.Path), thing)
			out = append(out, c)
		}
	}
	return out
}

// SortStays orders by time, subject and statement.
func SortStays(stays []Stay) {
	slices.SortFunc(stays, func(a, b Stay) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Subject.Kind, b.Subject.Kind),
			cmp.Compare(a.Subject.ID, b.Subject.ID), cmp.Compare(a.To, b.To), cmp.Compare(a.Statement, b.Statement))
	})
}
