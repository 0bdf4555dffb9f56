package uplink

import (
	"cmp"
	"slices"
	"time"

	"frostline/edge/journal"
	"frostline/proto/topic"
)

// parcel is consecutive blocks in hand: packed, or in flight.
type parcel struct {
	epoch uint32
	span
	lane    topic.Lane
	payload []byte // nil once it is in flight
	bytes   int    // of payload
	tries   int    // how often some of its blocks were sent before

	sent    time.Time
	alone   bool      // nothing else of its lane was in flight then
	overdue time.Time // counts as lost from then on
}

// lane is how one lane's acknowledgements have been coming in.
type lane struct {
	roundtrip
	newest time.Time // sending of the latest parcel that was acknowledged
	flying int       // parcels
	bytes  int       // in flight
}

// ledger is the account of all that is kept and not committed, and of the
// parcels in flight. It decides what is to be sent, and what is lost. It does
// no input or output; times are passed in. It is not safe for concurrent use.
type ledger struct {
	timing   Timing
	accounts []*account // by epoch, ascending
	current  uint32     // the epoch that blocks are added to

	flying        []*parcel // in order of sending
	live, backlog lane
	waiting       []uint64 // blocks of the current epoch for the live lane, ascending

	// The hub answers nothing: after a timeout during which no acknowledgement
	// came at all. Then one parcel at a time is sent, ever more rarely.
	silent   bool
	timeouts int // in a row
	heard    time.Time
	asked    time.Time // when the first parcel since then was sent
	pace     *pace
}

func newLedger(t Timing, now time.Time) *ledger {
	return &ledger{timing: t, pace: newPace(now)}
}

// maxWaiting is how many blocks may wait for the live lane, and maxLive how
// many parcels of it may be in flight. What is beyond goes with the backlog,
// where hundreds share a parcel.
const (
	maxWaiting = 16
	maxLive    = 32
)

func (l *ledger) account(epoch uint32) *account {
	for _, a := range l.accounts {
		if a.epoch == epoch {
			return a
		}
	}
	return nil
}

func (l *ledger) lane(name topic.Lane) *lane {
	if name == topic.Live {
		return &l.live
	}
	return &l.backlog
}

// sync takes the journal's view: what is kept and not acknowledged, and the
// present epoch. Accounts of epochs that have nothing left are closed.
func (l *ledger) sync(tip journal.Tip, pending []journal.Pending) {
	keep := make([]*account, 0, len(pending)+1)
	have := func(epoch uint32) *account {
		for _, a := range keep {
			if a.epoch == epoch {
				return a
			}
		}
		a := l.account(epoch)
		if a == nil {
			a = &account{epoch: epoch}
		}
		a.absent = nil // it may be there by now
		keep = append(keep, a)
		return a
	}
	for _, p := range pending {
		a := have(p.Epoch)
		a.oldest, a.last = p.First, max(a.last, p.Last)
	}
	a := have(tip.Epoch)
	a.last = max(a.last, tip.Last)
	if len(pending) == 0 || !slices.ContainsFunc(pending, func(p journal.Pending) bool { return p.Epoch == tip.Epoch }) {
		a.oldest = a.last + 1
	}
	slices.SortFunc(keep, func(a, b *account) int { return cmp.Compare(a.epoch, b.epoch) })
	l.accounts = keep
	if l.current != tip.Epoch {
		l.current, l.waiting = tip.Epoch, nil
	}
}

// kept takes newly kept blocks up to last onto the live lane. It reports how
// many are behind the lane and so left to the backlog.
func (l *ledger) kept(last uint64) (behind int) {
	a := l.account(l.current)
	if last <= a.last {
		return 0
	}
	for n := max(a.last+1, last-min(last, maxWaiting)+1); n <= last; n++ {
		l.waiting = append(l.waiting, n)
		a.taken.add(span{n, n})
	}
	behind = int(last - a.last)
	a.last = max(a.last, last)
	behind -= min(behind, maxWaiting)
	return behind + l.trim(maxWaiting)
}

// maxReturning is how many of the newest blocks go on the live lane when a
// connection comes about: what was kept while it was being made.
const maxReturning = 8

// returning takes the newest blocks onto the live lane, so that a hub that
// hears from a gateway again learns first how things are now.
func (l *ledger) returning() {
	a := l.account(l.current)
	for n := a.last - min(a.last, maxReturning) + 1; n <= a.last; n++ {
		x := span{n, n}
		if n < a.oldest || a.settled(x) || a.taken.within(x) > 0 {
			continue
		}
		l.waiting = append(l.waiting, n)
		a.taken.add(x)
	}
}

// trim leaves the newest blocks on the live lane and the others to the backlog.
func (l *ledger) trim(to int) int {
	over := max(len(l.waiting)-to, 0)
	for _, n := range l.waiting[:over] {
		l.account(l.current).taken.remove(span{n, n})
	}
	l.waiting = l.waiting[over:]
	return over
}

// fresh is the next block for the live lane, if it may be sent now. credit is
// how many parcels the hub takes.
func (l *ledger) fresh(credit int) (n uint64, ok bool) {
	a := l.account(l.current)
	for len(l.waiting) > 0 && a.settled(span{l.waiting[0], l.waiting[0]}) {
		l.trim(len(l.waiting) - 1)
	}
	if l.silent {
		l.trim(1)
	}
	if len(l.waiting) == 0 || a.restart != "" || len(l.flying) >= max(credit, 1) ||
		l.live.flying >= maxLive || l.silent && len(l.flying) > 0 {
		return 0, false
	}
	return l.waiting[0], true
}

// takeFresh takes the block that fresh gave off the live lane's queue; it stays
// taken until it is sent or dropped.
func (l *ledger) takeFresh() { l.waiting = l.waiting[1:] }

// stale is the next blocks for the backlog, oldest first. Otherwise wait is
// when to ask again, or zero.
func (l *ledger) stale(now time.Time) (epoch uint32, x span, tries int, wait time.Time, ok bool) {
	for _, a := range l.accounts {
		x, tries, again, ok := a.free(now)
		if ok {
			return a.epoch, x, tries, time.Time{}, true
		}
		wait = earlier(wait, again)
	}
	return 0, span{}, 0, wait, false
}

// admits reports whether a backlog parcel may be sent now. One place of the
// hub's credit is left for what is fresh.
func (l *ledger) admits(bytes, credit int, now time.Time) bool {
	if l.silent {
		return len(l.flying) == 0 && len(l.waiting) == 0
	}
	if credit == 0 {
		return false
	}
	return len(l.flying) < max(credit-1, 1) && l.pace.room(l.backlog.bytes, bytes, now)
}

// take reserves the blocks of a parcel that is being made.
func (l *ledger) take(epoch uint32, x span) { l.account(epoch).taken.add(x) }

// drop gives reserved blocks back.
func (l *ledger) drop(epoch uint32, x span) {
	if a := l.account(epoch); a != nil {
		a.taken.remove(x)
	}
}

// absent notes that the journal has no such blocks.
func (l *ledger) absent(epoch uint32, x span) {
	if a := l.account(epoch); a != nil {
		a.absent.add(x)
	}
}

// launch puts a parcel in flight; its blocks must be taken.
func (l *ledger) launch(p *parcel, now time.Time) {
	lane := l.lane(p.lane)
	if !l.asked.After(l.heard) {
		l.asked = now
	}
	p.payload = nil
	p.sent, p.alone = now, lane.flying == 0
	p.overdue = now.Add(jitter(lane.timeout(l.timing, max(l.timeouts, p.tries-1))))
	lane.flying++
	lane.bytes += p.bytes
	if p.lane == topic.Backlog {
		l.pace.launched(p.bytes, now)
	}
	l.flying = append(l.flying, p)
}

// unanswered is for how long parcels have been sent and nothing was heard.
func (l *ledger) unanswered(now time.Time) time.Duration {
	if l.asked.After(l.heard) {
		return now.Sub(l.asked)
	}
	return 0
}

// land takes a parcel out of flight.
func (l *ledger) land(p *parcel) {
	lane := l.lane(p.lane)
	lane.flying--
	lane.bytes -= p.bytes
	l.flying = slices.DeleteFunc(l.flying, func(q *parcel) bool { return q == p })
	l.drop(p.epoch, p.span)
}

// earlier is the earlier of two times, where zero is no time at all.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
