package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"frostline/hub/store"
)

const (
	atOnce     = 8               // attempts under way, one for each receiver
	atMost     = time.Minute     // between looks, should a clock be set
	writeAgain = 2 * time.Second // after the store could not note an outcome
)

// refusal is an answer that will hardly change: such deliveries get few
// attempts.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

const triesOfRefused = 3

// later is an answer that says when to come back.
type later struct {
	error
	after time.Duration
}

func (l later) Unwrap() error { return l.error }

// send attempts what is due, until ctx ends. A receiver that hangs holds up
// only what is for the same receiver.
func (n *Notifier) send(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	done := make(chan string, atOnce)
	busy := map[string]bool{} // receivers
	for {
		now := n.now().UnixMilli()
		all, err := due(ctx, n.store, now)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("send notifications: %w", err)
		}
		for _, d := range all {
			to := d.Channel + ":" + d.Recipient
			if busy[to] || len(busy) == atOnce {
				continue
			}
			busy[to] = true
			running.Go(func() {
				n.deliver(ctx, d)
				done <- to
			})
		}
		at, err := next(ctx, n.store, now)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("send notifications: %w", err)
		}
		d := atMost
		if at > 0 {
			d = min(d, max(time.UnixMilli(at).Sub(n.now()), time.Millisecond))
		}
		timer := time.NewTimer(d)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case to := <-done:
			delete(busy, to)
		case <-n.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// deliver makes one attempt and notes its outcome. An attempt that was cut by
// the end of ctx is not noted: it is made again.
func (n *Notifier) deliver(ctx context.Context, d Delivery) {
	err := n.attempt(ctx, d)
	if err != nil && ctx.Err() != nil {
		return
	}
	d = n.outcome(d, err)
	// Note it even when the hub is ending, else a message that was accepted
	// would be sent again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for logged := false; ; logged = true {
		err := n.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return settle(ctx, tx, d) })
		if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return
		}
		if !logged {
			n.log.Error("cannot note the outcome of a delivery", "delivery", d.ID, "state", d.State, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(writeAgain):
		}
	}
}

func (n *Notifier) attempt(ctx context.Context, d Delivery) error {
	switch d.Channel {
	case Email:
		if n.mail == nil {
			return refusal{errors.New("smtp is no longer configured")}
		}
		return n.mail.send(ctx, d)
	default:
		h := n.hooks[d.Recipient]
		if h == nil {
			return refusal{fmt.Errorf("webhook %q is no longer configured", d.Recipient)}
		}
		return h.send(ctx, d, n.now())
	}
}

// outcome gives a delivery after an attempt.
func (n *Notifier) outcome(d Delivery, err error) Delivery {
	now := n.now()
	d.Attempts++
	if err == nil {
		d.State, d.Done, d.Due, d.Error = Sent, now.UnixMilli(), 0, ""
		n.counts.sent.Add(1)
		if d.Attempts > 1 {
			n.log.Info("delivery accepted at last", "delivery", d.ID, "to", d.Recipient, "attempts", d.Attempts)
		}
		return d
	}
	d.Error = line(err.Error())
	pause := n.config.Retry.pause(d.Attempts)
	var l later
	if errors.As(err, &l) {
		pause = max(pause, min(l.after, n.config.Retry.Longest))
	}
	over := now.Add(pause).Sub(time.UnixMilli(d.Since)) > n.config.Retry.For
	var r refusal
	if over || errors.As(err, &r) && d.Attempts >= triesOfRefused {
		d.State, d.Done, d.Due = Failed, now.UnixMilli(), 0
		n.counts.failed.Add(1)
		n.log.Error("delivery given up: somebody was not told", "delivery", d.ID, "excursion", d.About, "channel", d.Channel, "to", d.Recipient, "attempts", d.Attempts, "error", d.Error)
		return d
	}
	d.Due = now.Add(pause).UnixMilli()
	n.counts.retried.Add(1)
	if d.Attempts == 1 {
		n.log.Warn("delivery failed and is tried again", "delivery", d.ID, "channel", d.Channel, "to", d.Recipient, "error", d.Error)
	}
	return d
}

// pause is how long to wait after the nth attempt.
func (r Retry) pause(n int) time.Duration {
	d := r.First
	for i := 1; i < n && d < r.Longest; i++ {
		d *= 2
	}
	d = min(d, r.Longest)
	return d - time.Duration(rand.Int64N(int64(d)/2+1))
}
