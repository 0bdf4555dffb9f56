package uplink

import "sort"

// span is the block numbers first..last, both included.
type span struct{ first, last uint64 }

func (s span) blocks() uint64 { return s.last - s.first + 1 }

// spans is a set of block numbers as ascending spans that neither overlap nor
// touch. The zero value is empty.
type spans []span

// at is the index of the first span that ends at or after n.
func (s spans) at(n uint64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].last >= n })
}

// end reports whether n is in the set, and if so the last number of its span.
func (s spans) end(n uint64) (last uint64, ok bool) {
	if i := s.at(n); i < len(s) && s[i].first <= n {
		return s[i].last, true
	}
	return 0, false
}

// next is the first number of the set at or after n.
func (s spans) next(n uint64) (first uint64, ok bool) {
	if i := s.at(n); i < len(s) {
		return max(s[i].first, n), true
	}
	return 0, false
}

func (s spans) count() (n uint64) {
	for _, x := range s {
		n += x.blocks()
	}
	return n
}

// add puts x into the set.
func (s *spans) add(x span) {
	if x.first > x.last {
		return
	}
	set := *s
	i := set.at(x.first)
	if i > 0 && set[i-1].last+1 == x.first {
		i--
	}
	j := i
	for j < len(set) && (set[j].first <= x.last || set[j].first == x.last+1) {
		x.first, x.last = min(x.first, set[j].first), max(x.last, set[j].last)
		j++
	}
	*s = append(set[:i:i], append([]span{x}, set[j:]...)...)
}

// remove takes x out of the set.
func (s *spans) remove(x span) {
	if x.first > x.last {
		return
	}
	set := *s
	i := set.at(x.first)
	j := i
	var keep []span
	for j < len(set) && set[j].first <= x.last {
		if set[j].first < x.first {
			keep = append(keep, span{set[j].first, x.first - 1})
		}
		if set[j].last > x.last {
			keep = append(keep, span{x.last + 1, set[j].last})
		}
		j++
	}
	if i != j {
		*s = append(set[:i:i], append(keep, set[j:]...)...)
	}
}

// within counts the numbers of the set that lie in x.
func (s spans) within(x span) (n uint64) {
	for i := s.at(x.first); i < len(s) && s[i].first <= x.last; i++ {
		n += min(s[i].last, x.last) - max(s[i].first, x.first) + 1
	}
	return n
}
