package uplink

import (
	"fmt"
	"slices"
	"time"

	"frostline/proto/block"
	"frostline/proto/topic"
)

// A block with an alarm goes before all others, fresh or old, and one with a scan
// before all that have neither: somebody waits for it. Which blocks have one is
// found by looking into them: beside the session, when they have been
// kept, and after a start or an outage, when they are pending. That takes no
// mark in the journal, which could be lost with it or disagree with the chain.

// Limits of what is urgent.
const (
	maxAlarms  = 512 // blocks remembered of one epoch, and as many with scans; more come with the backlog
	maxLook    = 512 // blocks looked into at a time
	overCredit = 2   // parcels with alarms that may be in flight beyond the hub's credit
)

// look asks which blocks have alarms.
type look struct {
	epoch uint32
	span
}

// looked answers: of the blocks of span, those with alarms, and those with scans
// alone. The span may be shorter than asked for.
type looked struct {
	look
	alarms, scans []uint64
	err           error
}

// find looks into blocks.
func find(j Journal, o look) looked {
	res := looked{look: o}
	run, err := j.Read(o.epoch, o.first, int(min(o.blocks(), maxLook)), rawShare)
	if err != nil {
		res.err = fmt.Errorf("look for alarms from block %d of epoch %d: %w", o.first, o.epoch, err)
		return res
	}
	if len(run.Blocks) == 0 {
		return res // they are gone
	}
	res.last = min(o.last, max(run.First+uint64(len(run.Blocks))-1, o.first))
	for i, raw := range run.Blocks {
		n := run.First + uint64(i)
		if n > res.last {
			break
		}
		switch alarm, scan := pressing(raw); {
		case alarm:
			res.alarms = append(res.alarms, n)
		case scan:
			res.scans = append(res.scans, n)
		}
	}
	return res
}

// pressing reports whether a block has an alarm, and a scan. One that cannot be
// read has none: the hub shall say so, in its turn.
func pressing(raw []byte) (alarm, scan bool) {
	b, err := block.Decode(raw)
	if err != nil {
		return false, false
	}
	for _, raw := range b.Events {
		if e, err := block.DecodeEvent(raw); err == nil {
			alarm, scan = alarm || e.GetAlarm() != nil, scan || e.GetScan() != nil
		}
	}
	return alarm, scan
}

// unseen is the next blocks to be looked into, newest epoch first.
func (l *ledger) unseen() (o look, ok bool) {
	for _, a := range slices.Backward(l.accounts) {
		first := max(a.seen+1, a.oldest, a.committed+1)
		if first <= a.last && len(a.alarms) < maxAlarms {
			return look{a.epoch, span{first, min(a.last, first+maxLook-1)}}, true
		}
	}
	return look{}, false
}

// saw takes what was found.
func (l *ledger) saw(r looked) {
	a := l.account(r.epoch)
	if a == nil {
		return
	}
	a.seen = max(a.seen, r.last)
	a.alarms = append(a.alarms, r.alarms...)
	a.scans = append(a.scans, r.scans[:min(len(r.scans), max(maxAlarms-len(a.scans), 0))]...)
}

// urgent is the oldest block with an alarm that may be sent now, or without one
// the oldest with a scan.
func (l *ledger) urgent(credit int, now time.Time) (epoch uint32, n uint64, ok bool) {
	if len(l.flying) >= max(credit, 1)+overCredit || l.silent && len(l.flying) > 0 {
		return 0, 0, false
	}
	settled := func(a *account) func(n uint64) bool { return func(n uint64) bool { return a.settled(span{n, n}) } }
	for _, a := range l.accounts {
		a.alarms, a.scans = slices.DeleteFunc(a.alarms, settled(a)), slices.DeleteFunc(a.scans, settled(a))
	}
	for _, of := range []func(*account) []uint64{func(a *account) []uint64 { return a.alarms }, func(a *account) []uint64 { return a.scans }} {
		for _, a := range l.accounts {
			if a.restart != "" {
				continue
			}
			for _, n := range of(a) {
				_, taken := a.taken.end(n)
				if (!taken || a.epoch == l.current && slices.Contains(l.waiting, n)) && !a.rests(n, now) {
					return a.epoch, n, true
				}
			}
		}
	}
	return 0, 0, false
}

// rests reports whether a block was sent in vain and has to wait.
func (a *account) rests(n uint64, now time.Time) bool {
	return slices.ContainsFunc(a.attempts, func(t attempt) bool { return t.first <= n && n <= t.last && t.until.After(now) })
}

// takeUrgent takes the block that urgent gave, from the live lane's queue if it
// is there.
func (l *ledger) takeUrgent(epoch uint32, n uint64) {
	if epoch == l.current {
		l.waiting = slices.DeleteFunc(l.waiting, func(m uint64) bool { return m == n })
	}
	l.take(epoch, span{n, n})
}

// seek has blocks looked into, if that is not being done.
func (s *session) seek(now time.Time) {
	if s.looking || now.Before(s.resting) {
		return
	}
	if o, ok := s.ledger.unseen(); ok {
		s.looking = true
		s.looks <- o
	}
}

// found takes the answer.
func (s *session) found(r looked) {
	s.looking = false
	if r.err != nil {
		s.resting = time.Now().Add(s.config.Timing.MaxResend)
		s.trouble("journal", r.err, func(st *Status) { st.JournalErrs++ })
		return
	}
	s.ledger.saw(r)
}

// alarm makes the next parcel with an alarm, or a scan.
func (s *session) alarm(now time.Time) (*parcel, bool) {
	epoch, n, ok := s.ledger.urgent(s.hub.credit, now)
	if !ok {
		return nil, false
	}
	s.ledger.takeUrgent(epoch, n)
	p, err := s.single(epoch, n)
	if err != nil { // the backlog looks closer
		a := s.ledger.account(epoch)
		this := func(m uint64) bool { return m == n }
		a.alarms, a.scans = slices.DeleteFunc(a.alarms, this), slices.DeleteFunc(a.scans, this)
		return nil, false
	}
	s.count(func(st *Status) { st.Urgent++ })
	return p, true
}

// single makes a parcel for the live lane of one block, which is taken. If that
// fails it is given back.
func (s *session) single(epoch uint32, n uint64) (*parcel, error) {
	x := span{n, n}
	run, err := s.config.Journal.Read(epoch, n, 1, rawShare)
	if err == nil && (len(run.Blocks) == 0 || run.First != n) {
		err = fmt.Errorf("the journal does not have it")
	}
	var payload []byte
	if err == nil {
		payload, _, err = enclose(run, run.Blocks[:1])
	}
	if err != nil {
		s.ledger.drop(epoch, x)
		s.trouble("journal", fmt.Errorf("read block %d of epoch %d for the live lane: %w", n, epoch, err), func(st *Status) { st.JournalErrs++ })
		return nil, err
	}
	return &parcel{epoch: epoch, span: x, lane: topic.Live, payload: payload, bytes: len(payload), tries: s.ledger.account(epoch).tried(x)}, nil
}
