package correlate

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
)

// mark says that a package is to be judged again.
type mark struct {
	cause     fact.Cause // the first, and the span of all
	wider     bool       // something else than the next readings: later packages of its units may be touched
	exact     bool       // tell of any change, not only of one in substance
	notBefore int64      // hub's clock, Unix ms; 0: at once
	batch     int64      // batches and events before these were judged, as far as this package goes
	position  int64
	turn      *turn
}

// turn is what a marked package is sorted by, as it was when it was first asked
// for: it decides who is judged first and nothing else.
type turn struct {
	place fact.Ref
	from  int64
}

// minorWait is how long a package waits that readings moved by milliseconds
// touch only, so that several anchors are one piece of work.
const minorWait = 5 * time.Minute

// touch marks packages. mu is held.
func (e *Engine) touch(all []join.Touched, cause fact.Cause, notBefore int64) {
	for _, t := range all {
		e.touchOne(t.Package, t.From, t.To, cause, notBefore)
	}
}

// touchOne marks a package. mu is held.
func (e *Engine) touchOne(id string, from, to int64, cause fact.Cause, notBefore int64) {
	cause.From, cause.To = max(from, 0), max(to, 0)
	if to == math.MaxInt64 {
		cause.To = 0
	}
	m := e.dirty[id]
	if m == nil {
		m = &mark{cause: cause, notBefore: notBefore, batch: e.applied, position: e.position}
		e.dirty[id] = m
	} else {
		m.notBefore = min(m.notBefore, notBefore)
		m.cause = joined(m.cause, cause)
	}
	m.wider = m.wider || cause.Kind != "reading" && cause.Kind != "silence" && cause.Kind != "evidence"
	m.exact = m.exact || cause.Kind == "evidence"
}

// rank orders causes by how much they explain.
var rank = map[string]int{"closed": 0, "packed": 1, "attachment": 2, "calibration": 3, "profile": 4, "late reading": 5, "anchor": 6, "reading": 7, "silence": 8, "rebuild": 9, "evidence": 10}

// joined is the cause that explains more, with the span of both.
func joined(a, b fact.Cause) fact.Cause {
	if rank[b.Kind] < rank[a.Kind] {
		a, b = b, a
	}
	if b.Kind == a.Kind && b.Detail != a.Detail && !strings.Contains(a.Detail, b.Detail) && len(a.Detail)+len(b.Detail) < 300 {
		a.Detail += "; " + b.Detail
	}
	switch {
	case a.To == 0 || b.To == 0:
		a.To = 0
	default:
		a.To = max(a.To, b.To)
	}
	a.From = min(a.From, b.From)
	return a
}

// due takes the packages that are to be judged now, those in one place
// together and the longest watch first, so that readings are read once.
func (e *Engine) due() []string {
	now := e.now().UnixMilli()
	type item struct {
		id string
		*turn
	}
	e.mu.Lock()
	var items []item
	for id, m := range e.dirty {
		if m.notBefore > now {
			continue
		}
		if m.turn == nil {
			m.turn = &turn{place: e.facts.Place(id, now)}
			if w, ok := e.facts.Watch(id); ok {
				m.turn.from = w.From
			}
		}
		items = append(items, item{id, m.turn})
	}
	e.mu.Unlock()
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.place.Kind, b.place.Kind), cmp.Compare(a.place.ID, b.place.ID), cmp.Compare(a.from, b.from), cmp.Compare(a.id, b.id))
	})
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it.id
	}
	return out
}

// tick marks the packages whose lead has fallen silent, and those for which
// another source may vouch from now on.
func (e *Engine) tick() {
	now := e.now().UnixMilli()
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, p := range e.open {
		if w, ok := e.facts.Watch(id); ok && w.To <= now {
			e.touchOne(id, w.To, math.MaxInt64, fact.Cause{Kind: "closed", Detail: "as stated before"}, 0)
			continue
		}
		for _, r := range p.rides {
			switch {
			case now >= r.until && r.lead == nil:
				e.touchOne(id, r.until, math.MaxInt64, fact.Cause{Kind: "silence", Detail: "nothing has been read"}, 0)
			case now >= r.until:
				e.touchOne(id, r.until, math.MaxInt64, fact.Cause{Kind: "attachment", Detail: "as stated before, from this time on"}, 0)
			case r.lead != nil && now-r.last > r.judge.Profile.LongestGap:
				e.touchOne(id, r.last, math.MaxInt64, fact.Cause{Kind: "silence", Detail: "no reading of sensor " + r.lead.id}, 0)
			}
		}
	}
}
