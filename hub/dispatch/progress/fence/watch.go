package fence

import (
	"cmp"
	"slices"
)

// Times of the rules, ms.
const (
	Dwell = 45_000 // to stay before one has come
	Gone  = 30_000 // to stay away before one has left
)

// Visit is a stay at a place.
type Visit struct {
	Fence         string `json:"fence"`
	Entered       int64  `json:"entered"`       // UTC, Unix ms: the first position inside
	EnteredWithin int64  `json:"enteredWithin"` // it may have come so much earlier, ms; -1: nothing is known of before
	Left          int64  `json:"left"`          // the first position outside; 0: it is there
	LeftWithin    int64  `json:"leftWithin"`    // it may have left so much earlier, ms
}

// Watch follows one track past the fences of a set. It is for one goroutine.
type Watch struct {
	set    *Set
	active map[int]*stay
	done   []Visit // that are over
	recent []Fix   // the last few, oldest first
}

// stay is a fence in which the track is, or may be.
type stay struct {
	visit   Visit
	came    bool  // it has dwelt
	inside  int64 // last position inside
	outside int64 // first position of those beyond, 0 none
}

// NewWatch begins before the first position.
func NewWatch(s *Set) *Watch { return &Watch{set: s, active: map[int]*stay{}} }

const remembered = 16

// Take takes the next position. One that is not after the last is passed over:
// ok is then false.
func (w *Watch) Take(f Fix) (ok bool) {
	if n := len(w.recent); n > 0 && f.At <= w.recent[n-1].At {
		return false
	}
	w.set.At(f.Where, func(i int, _ float64) {
		if w.active[i] == nil && f.accuracy() <= w.set.fences[i].Radius*1000 {
			fence := w.set.fences[i]
			w.active[i] = &stay{visit: Visit{Fence: fence.ID, Entered: f.At, EnteredWithin: w.before(f.At, fence)}, inside: f.At}
		}
	})
	for i, s := range w.active {
		fence := w.set.fences[i]
		if f.accuracy() > fence.Radius*1000 {
			continue
		}
		if Distance(fence.Centre, f.Where) <= fence.Leave() {
			if !s.came && s.outside > 0 && f.At-s.outside >= Gone { // it passed by and is back
				s.visit.Entered, s.visit.EnteredWithin = f.At, f.At-s.outside
			}
			s.inside, s.outside = f.At, 0
			s.came = s.came || f.At-s.visit.Entered >= Dwell
			continue
		}
		if s.outside == 0 {
			s.outside = f.At
		}
		if f.At-s.outside < Gone {
			continue
		}
		if s.came { // otherwise it passed by
			s.visit.Left, s.visit.LeftWithin = s.outside, s.outside-s.inside
			w.done = append(w.done, s.visit)
		}
		delete(w.active, i)
	}
	if len(w.recent) == remembered {
		w.recent = slices.Delete(w.recent, 0, 1)
	}
	w.recent = append(w.recent, f)
	return true
}

// before is how long before at the last position was that a fence took notice
// of; -1 where there is none among those remembered.
func (w *Watch) before(at int64, f Fence) int64 {
	for _, r := range slices.Backward(w.recent) {
		if r.accuracy() <= f.Radius*1000 {
			return at - r.At
		}
	}
	return -1
}

// Visits gives the visits so far, in the order in which they began. Those that
// have not dwelt yet are not among them.
func (w *Watch) Visits() []Visit {
	all := slices.Clone(w.done)
	for _, s := range w.active {
		if s.came {
			all = append(all, s.visit)
		}
	}
	slices.SortFunc(all, func(a, b Visit) int {
		return cmp.Or(cmp.Compare(a.Entered, b.Entered), cmp.Compare(a.Fence, b.Fence))
	})
	return all
}

// Last is the last position taken; ok is false before the first.
func (w *Watch) Last() (f Fix, ok bool) {
	if len(w.recent) == 0 {
		return Fix{}, false
	}
	return w.recent[len(w.recent)-1], true
}

// Set is the set of fences that it watches.
func (w *Watch) Set() *Set { return w.set }
