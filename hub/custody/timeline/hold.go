package timeline

import (
	"cmp"
	"slices"
)

// Statement is what has to be known of a statement to tell whether it holds.
type Statement struct {
	ID        string
	At        int64 // when it happened, UTC, Unix ms
	Made      int64 // when it was stated, UTC, Unix ms
	Corrects  string
	Withdrawn bool
}

// Resolved is what a set of statements comes to. Each slice holds indices of
// the set.
type Resolved struct {
	Holds    []int // in effect, sorted by (At, Made, ID)
	Replaced []int // corrected or withdrawn by another, or lost to another correction of the same
	Takes    []int // withdrawals in effect: they hold nothing themselves
	Waiting  []int // corrections that reach no known statement
}

// Group is the statements of one state.
type Group struct {
	State string
	Of    []int
}

// States groups the set: holds, replaced (by a correction or withdrawal),
// withdraws, and waits (for the statement that it corrects).
func (r Resolved) States() []Group {
	return []Group{{"holds", r.Holds}, {"replaced", r.Replaced}, {"withdraws", r.Takes}, {"waits", r.Waiting}}
}

// Resolve tells which of the statements hold. IDs must be unique.
func Resolve(all []Statement) Resolved {
	known := make(map[string]int, len(all))
	best := make(map[string]int) // target's ID to its winning correction
	for i, s := range all {
		known[s.ID] = i
		if s.Corrects == "" {
			continue
		}
		if b, ok := best[s.Corrects]; !ok || later(s, all[b]) {
			best[s.Corrects] = i
		}
	}
	var r Resolved
	const (
		unseen = iota
		effective
		reached // by a chain of corrections from a statement that corrects nothing
	)
	state := make([]byte, len(all))
	for i, s := range all {
		if s.Corrects != "" {
			continue
		}
		for {
			c, ok := best[all[i].ID]
			if !ok {
				break
			}
			state[i] = reached
			i = c
		}
		state[i] = effective
		if all[i].Withdrawn {
			r.Takes = append(r.Takes, i)
		} else {
			r.Holds = append(r.Holds, i)
		}
	}
	for i := range all {
		switch {
		case state[i] == effective:
		case state[i] == reached || grounded(all, known, i):
			r.Replaced = append(r.Replaced, i)
		default:
			r.Waiting = append(r.Waiting, i)
		}
	}
	for _, s := range [][]int{r.Holds, r.Replaced, r.Takes, r.Waiting} {
		slices.SortFunc(s, func(a, b int) int { return Compare(all[a], all[b]) })
	}
	return r
}

// grounded reports whether a correction leads, target by target, to a known
// statement that corrects nothing.
func grounded(all []Statement, known map[string]int, i int) bool {
	for range all {
		if all[i].Corrects == "" {
			return true
		}
		next, ok := known[all[i].Corrects]
		if !ok {
			return false
		}
		i = next
	}
	return false // a circle
}

// Compare orders statements by (At, Made, ID).
func Compare(a, b Statement) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
}

func later(a, b Statement) bool {
	return cmp.Or(cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID)) > 0
}
