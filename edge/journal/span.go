package journal

import (
	"slices"
	"sort"
)

// span is the blocks First to Last of an epoch, and how many readings of the
// epoch lie before them and up to their end.
type span struct {
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Before uint64 `json:"before"`
	After  uint64 `json:"after"`
}

func (s span) blocks() uint64   { return s.Last - s.First + 1 }
func (s span) readings() uint64 { return s.After - s.Before }

// spans is a set of blocks: ascending, apart from one another.
type spans []span

// add puts a span into the set. Spans that overlap agree about readings,
// because both count from the start of the epoch.
func (s *spans) add(x span) {
	if x.First == 0 || x.Last < x.First {
		return
	}
	set := *s
	from := sort.Search(len(set), func(i int) bool { return set[i].Last+1 >= x.First })
	to := from
	for to < len(set) && set[to].First <= x.Last+1 {
		if o := set[to]; o.First < x.First {
			x.First, x.Before = o.First, o.Before
		}
		if o := set[to]; o.Last > x.Last {
			x.Last, x.After = o.Last, o.After
		}
		to++
	}
	*s = slices.Replace(set, from, to, x)
}

// at finds the span that holds block n.
func (s spans) at(n uint64) (span, bool) {
	i := sort.Search(len(s), func(i int) bool { return s[i].Last >= n })
	if i == len(s) || s[i].First > n {
		return span{}, false
	}
	return s[i], true
}

// covers reports whether all blocks from first to last are in the set.
func (s spans) covers(first, last uint64) bool {
	x, ok := s.at(first)
	return ok && x.Last >= last
}

// without lists the parts of first..last that are not in the set. Readings
// are left out.
func (s spans) without(first, last uint64) []span {
	var out []span
	for first <= last {
		x, ok := s.at(first)
		if ok {
			first = x.Last + 1
			continue
		}
		i := sort.Search(len(s), func(i int) bool { return s[i].First > first })
		end := last
		if i < len(s) {
			end = min(last, s[i].First-1)
		}
		out = append(out, span{First: first, Last: end})
		first = end + 1
	}
	return out
}

func (s spans) total() (blocks, readings uint64) {
	for _, x := range s {
		blocks += x.blocks()
		readings += x.readings()
	}
	return blocks, readings
}

// valid reports whether a set read from a file can be one.
func (s spans) valid() bool {
	for i, x := range s {
		if x.First == 0 || x.Last < x.First || x.After < x.Before || x.Last == ^uint64(0) ||
			i > 0 && (x.First <= s[i-1].Last || x.Before < s[i-1].After) {
			return false
		}
	}
	return true
}
