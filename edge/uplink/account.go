package uplink

import (
	"time"

	"frostline/proto/chain"
)

// account is what is known of the blocks of one epoch. A block between oldest
// and last is in exactly one of these states: committed, refused, absent, taken
// (in flight, packed or waiting on the live lane), or free to be sent.
type account struct {
	epoch        uint32
	oldest, last uint64 // kept by the journal

	// What the hub has said.
	committed uint64     // blocks up to it are safe
	head      chain.Head // after committed, as the hub says
	beyond    spans      // committed beyond the first hole
	refused   spans
	restart   string // why the hub cannot go on with this epoch; empty if it can

	absent   spans     // the journal has no such blocks
	taken    spans     // in hand of somebody
	attempts []attempt // what was sent in vain, ascending

	seen   uint64   // blocks up to it were looked into for alarms
	alarms []uint64 // those found that were not settled when last looked at, ascending
	scans  []uint64 // likewise, those with scans and no alarm
}

// attempt remembers blocks that were sent and not acknowledged in time.
type attempt struct {
	span
	tries int       // times sent
	until time.Time // not to be sent again before
}

// sets are the reasons not to send a block.
func (a *account) sets() [4]spans { return [4]spans{a.beyond, a.refused, a.absent, a.taken} }

// settled reports whether all of x needs no sending any more.
func (a *account) settled(x span) bool {
	n := max(x.first, a.committed+1)
	for n <= x.last {
		last, ok := a.beyond.end(n)
		if !ok {
			last, ok = a.refused.end(n)
		}
		if !ok {
			last, ok = a.absent.end(n)
		}
		if !ok {
			return false
		}
		n = last + 1
	}
	return true
}

// free finds the oldest blocks to send: consecutive, and all tried equally
// often. ok is false when there are none now; then wait is when some may be
// tried again, or zero.
func (a *account) free(now time.Time) (x span, tries int, wait time.Time, ok bool) {
	if a.restart != "" {
		return span{}, 0, time.Time{}, false
	}
	n := max(a.oldest, a.committed+1)
scan:
	for n <= a.last {
		for _, s := range a.sets() {
			if last, in := s.end(n); in {
				n = last + 1
				continue scan
			}
		}
		x = span{n, a.last}
		for _, s := range a.sets() {
			if next, in := s.next(n); in {
				x.last = min(x.last, next-1)
			}
		}
		for _, t := range a.attempts {
			switch {
			case t.last < n || t.first > x.last:
			case t.first > n:
				x.last = t.first - 1
			case t.until.After(now):
				if wait.IsZero() || t.until.Before(wait) {
					wait = t.until
				}
				n = t.last + 1
				continue scan
			default:
				x.last, tries = min(x.last, t.last), t.tries
			}
		}
		return x, tries, time.Time{}, true
	}
	return span{}, 0, wait, false
}

// tried is how often any block of x was sent in vain.
func (a *account) tried(x span) (tries int) {
	for _, t := range a.attempts {
		if t.first <= x.last && t.last >= x.first {
			tries = max(tries, t.tries)
		}
	}
	return tries
}

// failed notes that x was sent in vain once more.
func (a *account) failed(x span, until time.Time) {
	x.first = max(x.first, a.committed+1)
	tries := a.tried(x) + 1
	a.forget(x)
	i := 0
	for i < len(a.attempts) && a.attempts[i].first < x.first {
		i++
	}
	a.attempts = append(a.attempts[:i:i], append([]attempt{{x, tries, until}}, a.attempts[i:]...)...)
	if tries < quickResends { // one parcel may carry what several did
		for _, j := range []int{i, i - 1} {
			if j >= 0 && j+1 < len(a.attempts) && a.attempts[j].last+1 == a.attempts[j+1].first && a.attempts[j].tries == a.attempts[j+1].tries {
				a.attempts[j].last, a.attempts[j].until = a.attempts[j+1].last, until
				a.attempts = append(a.attempts[:j+1:j+1], a.attempts[j+2:]...)
			}
		}
	}
}

// forget drops the attempts of x.
func (a *account) forget(x span) {
	var keep []attempt
	for _, t := range a.attempts {
		left, right := t, t
		left.last, right.first = min(t.last, x.first-1), max(t.first, x.last+1)
		if x.first > 0 && left.first <= left.last {
			keep = append(keep, left)
		}
		if right.first <= right.last {
			keep = append(keep, right)
		}
	}
	a.attempts = keep
}

// commit takes the hub's word that blocks 1..n, with head after them, are safe.
func (a *account) commit(n uint64, head chain.Head) {
	if n <= a.committed {
		return
	}
	a.committed, a.head = n, head
	a.settle(span{1, n})
	a.beyond.remove(span{1, n})
	a.absent.remove(span{1, n})
}

// settle drops what was remembered about x because it is committed.
func (a *account) settle(x span) {
	a.refused.remove(x)
	a.forget(x)
}

// pending counts the blocks that are neither committed nor absent.
func (a *account) pending() uint64 {
	first := max(a.oldest, a.committed+1)
	if first > a.last {
		return 0
	}
	n := a.last - first + 1
	for _, s := range [...]spans{a.beyond, a.absent} {
		n -= min(n, s.within(span{first, a.last}))
	}
	return n
}
