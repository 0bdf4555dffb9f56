package uplink

import (
	"slices"
	"time"

	"frostline/proto/topic"
)

// quickResends is how often blocks are sent again as soon as they are taken to
// be lost. After that they wait longer each time, and in smaller company:
// something on the way may not want to carry them.
const quickResends = 4

// lose takes a parcel out of flight because it is taken to be lost. A single
// fresh block goes to the live lane again while that is current; all else is
// free for the backlog.
func (l *ledger) lose(p *parcel, now, until time.Time) {
	l.land(p)
	a := l.account(p.epoch)
	if a == nil || a.settled(p.span) {
		return
	}
	a.failed(p.span, until)
	if p.lane == topic.Backlog {
		l.pace.lost(now)
		return
	}
	recent := a.last < p.first+maxWaiting
	if recent && p.epoch == l.current && a.tried(p.span) < quickResends && !l.silent {
		i, _ := slices.BinarySearch(l.waiting, p.first)
		l.waiting = slices.Insert(l.waiting, i, p.first)
		a.taken.add(p.span)
		l.trim(maxWaiting)
	}
}

// overtaken gives up parcels that later ones of their lane have overtaken by
// more than reordering explains, and reports how many.
func (l *ledger) overtaken(now time.Time) (n int) {
	for _, p := range slices.Clone(l.flying) {
		lane := l.lane(p.lane)
		if !p.sent.Before(lane.newest) || now.Sub(p.sent) <= lane.reorder() {
			continue
		}
		l.lose(p, now, l.again(p, now))
		n++
	}
	return n
}

// expire gives up parcels whose acknowledgement is overdue, and reports how
// many. If nothing at all was heard since one of them was sent, the hub is
// silent, and everything in flight is given up with it.
func (l *ledger) expire(now time.Time) (n int) {
	for _, p := range slices.Clone(l.flying) {
		if p.overdue.After(now) {
			continue
		}
		if p.sent.After(l.heard) {
			l.silent = true
			l.timeouts++
			l.pace.silence(now)
			return n + l.recall(now)
		}
		l.lose(p, now, l.again(p, now))
		n++
	}
	return n
}

// again is when the blocks of a lost parcel may be sent again.
func (l *ledger) again(p *parcel, now time.Time) time.Time {
	if p.tries < quickResends {
		return now
	}
	return now.Add(jitter(l.lane(p.lane).timeout(l.timing, p.tries-quickResends)))
}

// recall gives up all parcels in flight: the connection is gone, the hub has
// started anew or is silent. It reports how many there were.
func (l *ledger) recall(now time.Time) int {
	n := len(l.flying)
	for _, p := range slices.Clone(l.flying) {
		l.lose(p, now, now)
	}
	return n
}

// connected starts the books of a new connection, over a path that may be
// another one: delays and the window are found out afresh.
func (l *ledger) connected(now time.Time) {
	l.recall(now)
	l.trim(0)
	l.live, l.backlog, l.pace = lane{}, lane{}, newPace(now)
	l.silent, l.timeouts, l.heard, l.asked = false, 0, now, time.Time{}
	for _, a := range l.accounts {
		for i := range a.attempts {
			a.attempts[i].until = now
		}
	}
}

// due is when overtaken or expire may next give something up; zero if nothing
// is in flight.
func (l *ledger) due() (at time.Time) {
	for _, p := range l.flying {
		at = earlier(at, p.overdue)
		if lane := l.lane(p.lane); p.sent.Before(lane.newest) {
			at = earlier(at, p.sent.Add(lane.reorder()+1))
		}
	}
	return at
}
