package uplink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/proto/topic"
)

// hubState is what is known of the hub across connections.
type hubState struct {
	instance, before string        // of the hub, and the one before it
	credit           int           // parcels it takes at once
	hold             time.Time     // it wants no backlog before
	spread           time.Duration // over which it wants gateways to return when it has ended
	restarted        time.Time     // when it last had an epoch begun
}

// startCredit is how many parcels may be in flight before the hub has said.
const startCredit = 8

// session is one connection at work. Its fields belong to the goroutine that
// runs serve.
type session struct {
	*Uplink
	pipe    *pipe
	useful  bool // an acknowledgement came
	writing bool // the writer has a frame

	orders  chan order  // to the packer; capacity 1
	parcels chan packed // from it; capacity 1
	packing bool        // an order is out
	ready   *parcel     // packed, not sent yet
	resting time.Time   // no orders before: the journal could not be read

	looks   chan look   // for alarms; capacity 1
	finds   chan looked // capacity 1
	looking bool        // a look is out

	state stateDue
	seal  sealDue
}

// open makes a connection ready to serve, within Timing.Connect.
func (u *Uplink) open(ctx context.Context, helpers *sync.WaitGroup) (*session, error) {
	within, cancel := context.WithTimeoutCause(ctx, u.config.Timing.Connect,
		fmt.Errorf("no connection within %v", u.config.Timing.Connect))
	defer cancel()
	will, err := proto.Marshal(u.birth(false))
	if err != nil {
		return nil, fmt.Errorf("encode last will: %w", err)
	}
	u.inbox.take() // nothing of an earlier connection
	p, err := connect(within, &u.config, will, &u.traffic, u.receive)
	if err != nil {
		if within.Err() != nil {
			err = errors.Join(context.Cause(within), err)
		}
		return nil, fmt.Errorf("connect to the hub at %s: %w", u.config.Address, err)
	}
	now := time.Now()
	s := &session{
		Uplink: u, pipe: p,
		orders: make(chan order, 1), parcels: make(chan packed, 1),
		looks: make(chan look, 1), finds: make(chan looked, 1),
		state: stateDue{asked: true}, seal: sealDue{asked: true},
	}
	u.ledger.connected(now)
	u.ledger.sync(u.config.Journal.Tip(), u.config.Journal.Pending())
	u.ledger.returning()
	u.hub.credit = startCredit
	helpers.Go(func() { p.write(u.config.Timing.Write) })
	helpers.Go(func() {
		for o := range s.orders {
			s.parcels <- u.packer.pack(o)
		}
	})
	helpers.Go(func() {
		for o := range s.looks {
			s.finds <- find(u.config.Journal, o)
		}
	})
	u.up()
	return s, nil
}

// serve works until the connection ends, and returns why.
func (s *session) serve(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	if err := s.heed(); err != nil {
		return err
	}
	for {
		now := time.Now()
		next, err := s.tend(now)
		if err != nil {
			return err
		}
		s.dispatch(now)
		s.publish()
		timer.Reset(max(next.Sub(now), time.Millisecond))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.pipe.link.done:
			return s.pipe.link.cause
		case <-s.inbox.wake:
			s.hear()
		case <-s.config.Journal.Kept():
			s.grow()
		case p := <-s.parcels:
			s.take(p)
		case r := <-s.finds:
			s.found(r)
		case w := <-s.pipe.written:
			s.writing = false
			if w.lane == topic.State {
				s.state.token = w.token
			}
		case <-s.poke:
			if err := s.heed(); err != nil {
				return err
			}
		case <-timer.C:
		}
	}
}

// heed does what callers have asked for.
func (s *session) heed() error {
	s.mu.Lock()
	w := s.wishes
	s.wishes = wishes{cut: w.cut}
	s.mu.Unlock()
	s.seal.asked = s.seal.asked || w.seal
	s.state.asked = s.state.asked || w.birth
	if w.diverged != 0 {
		s.restart(w.diverged, w.why, time.Now())
	}
	if w.reconnect {
		return errReconnect
	}
	return nil
}

// tend does what time brings, and returns when it wants to be called again.
func (s *session) tend(now time.Time) (next time.Time, err error) {
	t, l := s.config.Timing, s.ledger
	next, err = s.state.confirmed(now)
	if err != nil {
		return time.Time{}, err
	}
	next = earlier(next, now.Add(t.Seal))
	if d := l.unanswered(now); d > 0 {
		if q := min(d, s.pipe.link.quiet()); q > t.Silence {
			return time.Time{}, fmt.Errorf("nothing received for %v though parcels were sent", q.Round(time.Millisecond))
		}
		if d > t.Unanswered {
			return time.Time{}, fmt.Errorf("the hub has acknowledged nothing for %v", d.Round(time.Second))
		}
		next = earlier(next, now.Add(t.Silence/4))
	}
	l.overtaken(now)
	l.expire(now)
	_, _, _, again, _ := l.stale(now)
	next = earlier(earlier(next, again), l.due())
	if wait := l.pace.early(now); wait > 0 && s.ready != nil {
		next = earlier(next, now.Add(wait))
	}
	for _, at := range []time.Time{s.seal.due(t), s.state.due(t), s.hub.hold, s.resting} {
		if at.After(now) {
			next = earlier(next, at)
		}
	}
	return next, nil
}

// dispatch gives the writer, if it is idle, the most urgent frame there is, and
// the packer, if it is idle, the next order.
func (s *session) dispatch(now time.Time) {
	s.seek(now)
	if !s.writing {
		if f, ok := s.choose(now); ok {
			s.writing = true
			s.pipe.frames <- f
		}
	}
	if s.packing || s.ready != nil || now.Before(s.resting) || s.ledger.silent && len(s.ledger.flying) > 0 {
		return
	}
	if epoch, x, tries, _, ok := s.ledger.stale(now); ok {
		s.packing = true
		s.ledger.take(epoch, x)
		s.orders <- order{epoch: epoch, span: x, bytes: s.ledger.pace.parcel(), most: max(maxBundle>>max(tries-quickResends+1, 0), 1), tries: tries}
	}
}

// choose is the order of precedence: an alarm, what the gateway is, a seal, what
// is fresh, and then the backlog.
func (s *session) choose(now time.Time) (frame, bool) {
	if p, ok := s.alarm(now); ok {
		return s.launch(p, now), true
	}
	if f, ok := s.stateFrame(now); ok {
		return f, true
	}
	if f, ok := s.sealFrame(now); ok {
		return f, true
	}
	if p, ok := s.fresh(); ok {
		return s.launch(p, now), true
	}
	if p := s.ready; p != nil {
		if a := s.ledger.account(p.epoch); a == nil || a.restart != "" || a.settled(p.span) {
			s.ledger.drop(p.epoch, p.span)
			s.ready = nil
		} else if !now.Before(s.hub.hold) && s.ledger.admits(p.bytes, s.hub.credit, now) {
			s.ready = nil
			return s.launch(p, now), true
		}
	}
	return frame{}, false
}

// launch makes the frame of a parcel and puts it in flight.
func (s *session) launch(p *parcel, now time.Time) frame {
	f := frame{lane: p.lane, payload: p.payload}
	s.ledger.launch(p, now)
	s.count(func(st *Status) {
		if p.lane == topic.Live {
			st.Live++
		} else {
			st.Backlog++
		}
		if p.tries > 0 {
			st.Resent++
		}
	})
	return f
}

// fresh makes the next live parcel.
func (s *session) fresh() (*parcel, bool) {
	n, ok := s.ledger.fresh(s.hub.credit)
	if !ok {
		return nil, false
	}
	s.ledger.takeFresh()
	p, err := s.single(s.ledger.current, n)
	return p, err == nil // the backlog looks closer
}

// take takes a packed parcel from the packer.
func (s *session) take(p packed) {
	s.packing = false
	l := s.ledger
	l.drop(p.epoch, p.span)
	switch {
	case p.err != nil:
		s.resting = time.Now().Add(s.config.Timing.MaxResend)
		s.trouble("journal", p.err, func(st *Status) { st.JournalErrs++ })
		return
	case p.missing.first > 0:
		l.absent(p.epoch, p.missing)
		return
	}
	if p.single {
		s.count(func(st *Status) { st.Unpackable++ })
	}
	if l.account(p.epoch) == nil {
		return // closed since
	}
	l.take(p.epoch, p.got)
	s.ready = &parcel{epoch: p.epoch, span: p.got, lane: topic.Backlog, payload: p.payload, bytes: len(p.payload), tries: p.tries}
}

// grow looks what was kept.
func (s *session) grow() {
	tip := s.config.Journal.Tip()
	if tip.Epoch != s.ledger.current {
		s.ledger.sync(tip, s.config.Journal.Pending())
		s.state.asked = true
		s.seal.asked = true
		return
	}
	if behind := s.ledger.kept(tip.Last); behind > 0 {
		s.count(func(st *Status) { st.Behind += uint64(behind) })
	}
}

// close ends the session; a willing one says goodbye.
func (s *session) close(willing bool, cause error) {
	if willing && !s.pipe.link.ended() {
		if !errors.Is(cause, errReconnect) {
			if err := s.pipe.goodbye(s.birth(false), s.config.Timing.Ping/4); err != nil {
				s.config.Log.Debug("uplink: could not say goodbye", "error", err)
			}
		}
		s.pipe.client.Disconnect(disconnectWait)
	}
	s.pipe.close(cause)
	close(s.pipe.frames)
	close(s.orders)
	close(s.looks)
	if s.ready != nil {
		s.ledger.drop(s.ready.epoch, s.ready.span)
	}
	if s.packing {
		p := <-s.parcels
		s.ledger.drop(p.epoch, p.span)
	}
	if s.looking {
		s.found(<-s.finds)
	}
	s.ledger.recall(time.Now())
}
