package intake

import (
	"slices"

	"frostline/proto/chain"
)

// span is a committed range of blocks.
type span struct {
	first, last uint64
	before      mark // after block first-1
	after       mark // after block last
}

// ranges are the committed ranges of a chain: ascending, disjoint, and none
// adjoins another. The methods change nothing; they return new slices.
type ranges []span

// watermark is the last block of the range that starts at 1, 0 without one.
func (r ranges) watermark() uint64 {
	if len(r) > 0 && r[0].first == 1 {
		return r[0].last
	}
	return 0
}

// from is the index of the first range that ends at or after block n.
func (r ranges) from(n uint64) int {
	i, _ := slices.BinarySearchFunc(r, n, func(s span, n uint64) int {
		if s.last < n {
			return -1
		}
		return 1
	})
	return i
}

// holding gives the range that has block n.
func (r ranges) holding(n uint64) (span, bool) {
	if i := r.from(n); i < len(r) && r[i].first <= n {
		return r[i], true
	}
	return span{}, false
}

// interval is consecutive blocks.
type interval struct{ first, last uint64 }

// unknown lists what of a parcel is not committed, after comparing what is:
// the chain head after a block stands for all blocks before it, so that one
// comparison in each range tells whether the contents agree. inside gives the
// mark of a committed block that is not the end of a range.
func (r ranges) unknown(p *parcel, inside func(n uint64) (mark, error)) ([]interval, error) {
	var out []interval
	next := p.first
	for _, s := range r[r.from(p.first):] {
		if s.first > p.last {
			break
		}
		common := min(s.last, p.last)
		want := s.after
		if common < s.last {
			var err error
			if want, err = inside(common); err != nil {
				return nil, err
			}
		}
		if got := p.mark(common); got != want {
			no := p.refuse("block %d or one before it is not what is committed: its chain head is %s with %d readings, the committed one %s with %d",
				common, short(got.head), got.count, short(want.head), want.count)
			no.fork = true
			return nil, no
		}
		if s.first > next {
			out = append(out, interval{next, s.first - 1})
		}
		next = s.last + 1
	}
	if next <= p.last {
		out = append(out, interval{next, p.last})
	}
	return out, nil
}

// join adds a parcel none of whose blocks is committed. Where it adjoins a
// range, heads and counts must agree; where it does not, counts must not
// contradict the order.
func (r ranges) join(p *parcel) (ranges, error) {
	i := r.from(p.first)
	s := p.span()
	from, to := i, i
	if i > 0 {
		left := r[i-1]
		switch {
		case left.last+1 < s.first:
			if s.before.count < left.after.count {
				return nil, p.refuse("block %d counts %d readings before it, where block %d ended at %d", s.first, s.before.count, left.last, left.after.count)
			}
		case left.after.head != s.before.head:
			no := p.refuse("block %d: the chain head before it is %s, that of committed block %d is %s", s.first, short(s.before.head), left.last, short(left.after.head))
			no.fork = true
			return nil, no
		case left.after.count != s.before.count:
			return nil, p.refuse("block %d counts %d readings before it, where there are %d", s.first, s.before.count, left.after.count)
		default:
			from, s.first, s.before = i-1, left.first, left.before
		}
	}
	if i < len(r) {
		right := r[i]
		switch {
		case s.last+1 < right.first:
			if s.after.count > right.before.count {
				return nil, p.refuse("block %d ends at %d readings, where block %d counts %d before it", s.last, s.after.count, right.first, right.before.count)
			}
		case s.after.head != right.before.head:
			no := p.refuse("block %d: the chain head after it is %s, that before committed block %d is %s", s.last, short(s.after.head), right.first, short(right.before.head))
			no.fork = true
			return nil, no
		case s.after.count != right.before.count:
			return nil, p.refuse("block %d ends at %d readings, where block %d counts %d before it", s.last, s.after.count, right.first, right.before.count)
		default:
			to, s.last, s.after = i+1, right.last, right.after
		}
	}
	out := make(ranges, 0, len(r)+1)
	out = append(append(out, r[:from]...), s)
	return append(out, r[to:]...), nil
}

// top is the last committed block and the readings up to it.
func (r ranges) top() (number, readings uint64) {
	if len(r) == 0 {
		return 0, 0
	}
	s := r[len(r)-1]
	return s.last, s.after.count
}

// short is the start of a head, enough to tell two apart in a message.
func short(h chain.Head) string { return h.String()[:12] }
