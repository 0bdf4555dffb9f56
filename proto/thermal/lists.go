package thermal

import (
	"cmp"
	"slices"
)

// top keeps the most important of any number: a heap with the least important
// first. Which are kept does not depend on the order in which they came.
type top[T any] struct {
	list    []T
	next    T // what is being put: on the heap already
	omitted int64
}

// put adds x and drops the least important beyond most.
func (h *top[T]) put(x T, most int, less func(a, b *T) bool) {
	if len(h.list) == most {
		h.omitted++
		if h.next = x; less(&h.next, &h.list[0]) {
			return
		}
		h.list[0] = x
		for i := 0; ; {
			c := 2*i + 1
			if c+1 < most && less(&h.list[c+1], &h.list[c]) {
				c++
			}
			if c >= most || !less(&h.list[c], &h.list[i]) {
				return
			}
			h.list[i], h.list[c] = h.list[c], h.list[i]
			i = c
		}
	}
	h.list = append(h.list, x)
	for i := len(h.list) - 1; i > 0; {
		parent := (i - 1) / 2
		if !less(&h.list[i], &h.list[parent]) {
			return
		}
		h.list[i], h.list[parent] = h.list[parent], h.list[i]
		i = parent
	}
}

// listed is an event on its way to a verdict.
type listed struct {
	Event
	index int // of its limit
}

// lessEvent reports whether a matters less than b.
func lessEvent(a, b *listed) bool {
	if a.Broken != b.Broken {
		return b.Broken
	}
	if a.Duration != b.Duration {
		return a.Duration < b.Duration
	}
	if a.From != b.From {
		return a.From > b.From
	}
	return a.index > b.index || a.index == b.index && a.To > b.To
}

// sortedEvents are in the order of beginning, end and limit.
func sortedEvents(l []listed) []Event {
	slices.SortFunc(l, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.index, b.index), cmp.Compare(a.To, b.To))
	})
	out := make([]Event, len(l))
	for i := range l {
		out[i] = l[i].Event
	}
	return out
}

// gaps are the unmonitored spans. Neighbours with one reason are one.
type gaps struct {
	top[Unmonitored]
	open  Unmonitored // the last one, which may grow
	any   bool
	total int64
}

func (g *gaps) add(u Unmonitored) {
	g.total += u.To - u.From
	if g.any && g.open.To == u.From && g.open.Reason == u.Reason {
		g.open.To = u.To
		return
	}
	g.close()
	g.open, g.any = u, true
}

func (g *gaps) close() {
	if g.any {
		g.put(g.open, MaxGaps, func(a, b *Unmonitored) bool {
			x, y := a.To-a.From, b.To-b.From
			return x < y || x == y && a.From > b.From
		})
	}
	g.any = false
}

// sorted gives the spans in order.
func (g *gaps) sorted() []Unmonitored {
	g.close()
	slices.SortFunc(g.list, func(a, b Unmonitored) int { return cmp.Compare(a.From, b.From) })
	return append([]Unmonitored{}, g.list...)
}
