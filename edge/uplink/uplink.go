// Package uplink carries a gateway's kept blocks to the hub over MQTT, and
// learns from the hub which of them are committed.
//
// The MQTT library serves as a plain pipe. Neither its tokens nor the broker
// decide anything: a block is in one of these states until the hub's own
// acknowledgement settles it, and only that acknowledgement is passed on to the
// journal, which alone forgets.
//
//	free ──► taken (packed, waiting, in flight) ──► committed
//	  ▲          │                             └──► refused: kept, not sent again
//	  └──────────┘ connection or time lost
//
// There are two lanes over one connection. A block with an alarm goes before
// everything, on the live lane, however old it is, and one with a scan before all
// but that. A block that is kept while
// the connection stands, or was as it came about, is sent at once on the live
// lane too, in a parcel of its own.
// All else that is pending goes on the backlog lane, oldest first, hundreds of
// blocks to a parcel, with what capacity is left: its window follows the delay
// of acknowledgements and leaves about 100 ms of queue on the path, whether the
// bottleneck is a modem or the hub. The live lane is not a promise but an
// express: what does not fit, or is lost on it, comes with the backlog. Order
// is the block number, whatever lane carried it.
//
// A connection that is lost is made again after a wait with full jitter. If the
// hub has ended it, the wait is drawn from the time over which the hub, by its
// last Ack, wants its gateways to return.
//
// One goroutine, the session, owns what is sent when; around it one packs
// backlog, one writes, one passes acknowledgements to the journal, and one runs
// commands. None of them holds up sampling: the journal is read, and tells of
// new blocks through a channel of capacity 1.
package uplink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"frostline/edge/outage"
)

// Uplink is the gateway's way to the hub. Its methods are safe for concurrent
// use.
type Uplink struct {
	config  Config
	traffic traffic
	inbox   *inbox
	settler *settler
	runner  *runner
	poke    chan struct{} // capacity 1: a wish below has changed

	mu     sync.Mutex
	wishes wishes
	stop   context.CancelCauseFunc // ends the present connection or attempt, or nil
	status Status
	outage outage.Outage
	began  time.Time // of outage's clock

	// Owned by Run.
	backoff backoff
	ledger  *ledger
	packer  *packer
	hub     hubState
}

// wishes is what callers, and the settler, have asked for.
type wishes struct {
	cut       bool
	reconnect bool
	seal      bool
	birth     bool
	diverged  uint32 // epoch of which the hub has another chain; 0 none
	why       string
}

// New makes an Uplink. It fails where the configuration cannot work; the error
// names the field.
func New(c Config) (*Uplink, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("uplink: %w", err)
	}
	c.Timing = c.Timing.withDefaults()
	u := &Uplink{
		config: c, inbox: newInbox(), poke: make(chan struct{}, 1),
		backoff: backoff{base: c.Timing.BackoffBase, ceiling: c.Timing.BackoffCeiling},
		packer:  &packer{journal: c.Journal},
	}
	u.settler = newSettler(c.Journal, u.failed)
	u.runner = newRunner(c.Log, u.count)
	u.status = Status{Address: c.Address, Since: time.Now(), Why: "not started"}
	u.began = time.Now()
	u.outage = outage.Outage{Log: c.Log.With("hub", c.Address), Fails: "uplink is down; everything is kept and sent later", Works: "uplink is connected again"}
	return u, nil
}

// errReconnect ends a connection that Reconnect asked to replace.
var errReconnect = errors.New("reconnecting as asked")

// errCut ends a connection because an operator pulled the link.
var errCut = errors.New("the link is cut by an operator")

// Run connects, and connects again, until ctx ends; then it says goodbye to the
// hub and returns nil. It may be called once.
func (u *Uplink) Run(ctx context.Context) error {
	u.ledger = newLedger(u.config.Timing, time.Now())
	var helpers sync.WaitGroup
	helpers.Go(func() { u.settler.run(ctx) })
	helpers.Go(func() { u.runner.run(ctx) })
	defer helpers.Wait()
	for ctx.Err() == nil {
		if !u.awaitLink(ctx) {
			break
		}
		err := u.connection(ctx, &helpers)
		if ctx.Err() != nil || errors.Is(err, errReconnect) {
			u.down(nil, 0)
			continue
		}
		if errors.Is(err, errCut) {
			u.backoff.reset()
			u.down(err, 0)
			continue
		}
		if gone(err) {
			u.backoff.spread = u.hub.spread
		}
		wait := u.wait(time.Now())
		u.down(err, wait)
		u.pause(ctx, wait)
	}
	u.count(func(s *Status) {
		s.Connected, s.Since, s.Why, s.Retry = false, time.Now(), "stopped", time.Time{}
	})
	return nil
}

// connection makes one connection and serves it to its end, which is ctx's, a
// cut or a failure.
func (u *Uplink) connection(ctx context.Context, helpers *sync.WaitGroup) error {
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	u.mu.Lock()
	u.stop = stop
	if u.wishes.cut {
		stop(errCut)
	}
	u.mu.Unlock()
	s, err := u.open(within, helpers)
	if err == nil {
		err = s.serve(within)
		s.close(ctx.Err() != nil || errors.Is(err, errReconnect), err)
	}
	if errors.Is(context.Cause(within), errCut) {
		return errCut
	}
	return err
}

// wait is the pause before the next attempt: full jitter, and not before the
// hub wants to hear more.
func (u *Uplink) wait(now time.Time) time.Duration {
	d := u.backoff.next()
	if left := u.hub.hold.Sub(now); left > 0 {
		d += jitter(left)
	}
	return d
}

// awaitLink waits while the link is cut. It reports whether ctx goes on.
func (u *Uplink) awaitLink(ctx context.Context) bool {
	for {
		u.mu.Lock()
		cut := u.wishes.cut
		u.wishes.reconnect = false
		u.mu.Unlock()
		if !cut {
			return ctx.Err() == nil
		}
		select {
		case <-u.poke:
		case <-ctx.Done():
			return false
		}
	}
}

// pause waits before another attempt; Cut and Reconnect end it early.
func (u *Uplink) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		u.mu.Lock()
		early := u.wishes.cut || u.wishes.reconnect
		u.mu.Unlock()
		if early {
			return
		}
		select {
		case <-t.C:
			return
		case <-u.poke:
		case <-ctx.Done():
			return
		}
	}
}

// Cut pulls the link or restores it: while it is cut the socket is closed and
// no attempt to connect is made. Restored, it connects at once.
func (u *Uplink) Cut(cut bool) {
	u.wish(func(w *wishes) { w.cut, w.reconnect = cut, w.reconnect || !cut && w.cut })
	if cut {
		u.mu.Lock()
		stop := u.stop
		u.mu.Unlock()
		if stop != nil {
			stop(errCut)
		}
	}
}

// Reconnect replaces the connection by a new one without waiting, as after the
// certificate was renewed. What is in flight is sent again.
func (u *Uplink) Reconnect() { u.wish(func(w *wishes) { w.reconnect = true }) }

// Seal has a seal of the present tip sent at once, as at an alarm.
func (u *Uplink) Seal() { u.wish(func(w *wishes) { w.seal = true }) }

// Changed says that Config.Birth gives something new, such as a series; it is
// noticed without, but later.
func (u *Uplink) Changed() { u.wish(func(w *wishes) { w.birth = true }) }

// wish changes the wishes and wakes Run.
func (u *Uplink) wish(change func(*wishes)) {
	u.mu.Lock()
	change(&u.wishes)
	u.mu.Unlock()
	select {
	case u.poke <- struct{}{}:
	default:
	}
}
