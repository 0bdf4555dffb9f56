package timeline

import (
	"encoding/json"
	"math"
	"slices"
	"sort"

	"frostline/hub/fact"
)

// Open is the To of an interval that nothing has ended.
const Open = math.MaxInt64

// Interval is a span in which a subject is in one thing. It includes From and
// not To.
type Interval struct {
	From        int64     `json:"from"`         // UTC, Unix ms
	To          int64     `json:"to"`           // UTC, Unix ms; Open where nothing has ended it
	In          *fact.Ref `json:"in,omitempty"` // nil: nowhere known, as somebody stated
	Rank        int       `json:"rank,omitempty"`
	Statement   string    `json:"statement"`             // ID of the statement that began it
	Uncertainty int64     `json:"uncertainty,omitempty"` // of From, ms
}

// Timeline is where one subject was, is and will be. The zero value knows
// nothing.
type Timeline struct {
	known     map[string]int
	all       []fact.Attached
	targets   map[string]struct{} // what corrections name
	conflicts int
	ready     bool // what follows is up to date with all
	resolved  Resolved
	intervals []Interval
}

// Add takes a statement about the subject; all statements of a timeline are
// about the same one. It reports whether anything was new: the same statement
// again is not. Where an ID comes with two contents, the one made later is
// kept, or else the one whose JSON is greater, and Conflicts counts it.
func (t *Timeline) Add(a fact.Attached) bool {
	if i, ok := t.known[a.ID]; ok {
		old, err1 := json.Marshal(t.all[i])
		same, err2 := json.Marshal(a)
		if err1 != nil || err2 != nil || string(old) == string(same) {
			return false
		}
		t.conflicts++
		if a.Made < t.all[i].Made || a.Made == t.all[i].Made && string(same) < string(old) {
			return false
		}
		t.all[i], t.ready = a, false
		return true
	}
	if t.known == nil {
		t.known = make(map[string]int)
		t.targets = make(map[string]struct{})
	}
	t.known[a.ID] = len(t.all)
	t.all = append(t.all, a)
	if a.Corrects != "" {
		t.targets[a.Corrects] = struct{}{}
	}
	if t.isLast(a) {
		t.extend(a)
	} else {
		t.ready = false
	}
	return true
}

// isLast reports whether a new statement only ends what held so far, as nearly
// all do.
func (t *Timeline) isLast(a fact.Attached) bool {
	if !t.ready || a.Corrects != "" || a.Withdrawn {
		return false
	}
	if _, ok := t.targets[a.ID]; ok {
		return false
	}
	n := len(t.resolved.Holds)
	return n == 0 || Compare(Heading(t.all[t.resolved.Holds[n-1]]), Heading(a)) < 0
}

// extend does what resolve would for a statement after all that hold.
func (t *Timeline) extend(a fact.Attached) {
	t.resolved.Holds = append(t.resolved.Holds, len(t.all)-1)
	if n := len(t.intervals); n > 0 {
		if t.intervals[n-1].From == a.At {
			t.intervals = t.intervals[:n-1]
		} else {
			t.intervals[n-1].To = a.At
		}
	}
	t.intervals = append(t.intervals, begin(a))
}

// begin is the interval that a statement opens.
func begin(a fact.Attached) Interval {
	return Interval{From: a.At, To: Open, In: a.In, Rank: a.Rank, Statement: a.ID, Uncertainty: a.Uncertainty}
}

// Intervals are the subject's whereabouts in order of time, without overlap or
// hole. Before the first nothing is known. The slice is the timeline's own: do
// not change it, nor keep it beyond the next Add.
func (t *Timeline) Intervals() []Interval {
	t.resolve()
	return t.intervals
}

// At gives the interval that has an instant, and false before the first.
func (t *Timeline) At(ms int64) (Interval, bool) {
	t.resolve()
	i := sort.Search(len(t.intervals), func(i int) bool { return t.intervals[i].To > ms })
	if i == len(t.intervals) || t.intervals[i].From > ms {
		return Interval{}, false
	}
	return t.intervals[i], true
}

// During gives the intervals that meet [from, to), cut to it.
func (t *Timeline) During(from, to int64) []Interval {
	t.resolve()
	var out []Interval
	first := sort.Search(len(t.intervals), func(i int) bool { return t.intervals[i].To > from })
	for _, v := range t.intervals[first:] {
		if v.From >= to {
			break
		}
		v.From, v.To = max(v.From, from), min(v.To, to)
		if v.From < v.To {
			out = append(out, v)
		}
	}
	return out
}

// Len is the number of statements that were taken.
func (t *Timeline) Len() int { return len(t.all) }

// Conflicts counts the statements whose ID was known with other content.
func (t *Timeline) Conflicts() int { return t.conflicts }

// Waiting counts the corrections of what is not known.
func (t *Timeline) Waiting() int {
	t.resolve()
	return len(t.resolved.Waiting)
}

// Knows gives the statement with an ID.
func (t *Timeline) Knows(id string) (fact.Attached, bool) {
	i, ok := t.known[id]
	if !ok {
		return fact.Attached{}, false
	}
	return t.all[i], true
}

// Told is a statement and what has become of it.
type Told struct {
	fact.Attached
	State string `json:"state"` // see States
}

// Told gives all statements, sorted by (At, Made, ID), corrected and withdrawn
// ones included.
func (t *Timeline) Told() []Told {
	t.resolve()
	out := make([]Told, 0, len(t.all))
	for _, g := range t.resolved.States() {
		for _, i := range g.Of {
			out = append(out, Told{t.all[i], g.State})
		}
	}
	slices.SortFunc(out, func(a, b Told) int { return Compare(Heading(a.Attached), Heading(b.Attached)) })
	return out
}

func (t *Timeline) resolve() {
	if t.ready {
		return
	}
	heads := make([]Statement, len(t.all))
	for i, a := range t.all {
		heads[i] = Heading(a)
	}
	t.resolved = Resolve(heads)
	t.intervals = make([]Interval, 0, len(t.resolved.Holds))
	for k, i := range t.resolved.Holds {
		a := t.all[i]
		v := begin(a)
		if k+1 < len(t.resolved.Holds) {
			v.To = t.all[t.resolved.Holds[k+1]].At
		}
		if v.From < v.To {
			t.intervals = append(t.intervals, v)
		}
	}
	t.ready = true
}

// Heading is what Resolve needs of a statement.
func Heading(a fact.Attached) Statement {
	return Statement{a.ID, a.At, a.Made, a.Corrects, a.Withdrawn}
}
