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

// recipient is how one is dealt with: one attempt after the other.
type recipient struct {
	busy  bool
	free  time.Time // when the next attempt may be made
	fails int       // in a row
}

// result is what an attempt means for its receiver.
type result struct {
	to    string
	ok    bool
	after time.Duration // that it asked to be left alone for
}

// send makes messages of news and attempts what is due, until ctx ends. A
// receiver that hangs holds up only what is for the same receiver; one that
// fails is asked again after a pause, whatever waits for it.
func (n *Notifier) send(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	done := make(chan result, atOnce)
	receivers := map[string]*recipient{}
	busy := 0
	for ctx.Err() == nil {
		wait := atMost
		now := n.now()
		err := n.tell(ctx)
		all, err2 := due(ctx, n.store, now.UnixMilli())
		at, err3 := n.nextDue(ctx, now)
		n.troubled(ctx, errors.Join(err, err2, err3))
		if err != nil || err2 != nil || err3 != nil {
			wait = writeAgain
		}
		for _, d := range all {
			to := d.Channel + ":" + d.Recipient
			r := receivers[to]
			if r == nil {
				r = &recipient{}
				receivers[to] = r
			}
			if r.busy || busy == atOnce {
				continue
			}
			if left := r.free.Sub(now); left > 0 {
				wait = min(wait, left)
				continue
			}
			r.busy, r.free = true, now.Add(n.gap(d))
			busy++
			running.Go(func() { done <- n.deliver(ctx, d) })
		}
		if at > 0 {
			wait = min(wait, max(time.UnixMilli(at).Sub(n.now()), time.Millisecond))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case o := <-done:
			busy--
			receivers[o.to].ended(o, n.now(), n.config.Retry)
		case <-n.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// troubled notes that the store does not do what it should, once, and that it
// does again.
func (n *Notifier) troubled(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch was := n.failing.Swap(&text); {
	case err != nil && (was == nil || *was == ""):
		n.log.Error("notifications are held up", "error", err)
	case err == nil && was != nil && *was != "":
		n.log.Info("notifications go on")
	}
}

// ended takes in the end of an attempt.
func (r *recipient) ended(o result, now time.Time, retry Retry) {
	r.busy = false
	if o.ok {
		r.fails = 0
		return
	}
	r.fails++
	if free := now.Add(max(retry.pause(r.fails), min(o.after, retry.Longest))); free.After(r.free) {
		r.free = free
	}
}

// gap is between two attempts at a receiver at least.
func (n *Notifier) gap(d Delivery) time.Duration {
	if h := n.hooks[d.Recipient]; d.Channel == Hook && h != nil {
		return time.Duration(float64(time.Second) / h.config.Rate)
	}
	return 0
}

// nextDue is when something will be due that is not now, Unix ms; 0 for never.
func (n *Notifier) nextDue(ctx context.Context, now time.Time) (int64, error) {
	at, err := next(ctx, n.store, now.UnixMilli())
	if err != nil {
		return 0, err
	}
	news, err := nextNews(ctx, n.store)
	if news > 0 && (at == 0 || news < at) {
		at = news
	}
	return at, err
}

// deliver makes one attempt and notes its outcome. An attempt that was cut by
// the end of ctx is not noted: it is made again.
func (n *Notifier) deliver(ctx context.Context, d Delivery) result {
	res := result{to: d.Channel + ":" + d.Recipient}
	err := n.attempt(ctx, d)
	if err != nil && ctx.Err() != nil {
		return res
	}
	res.ok = err == nil
	var l later
	if errors.As(err, &l) {
		res.after = l.after
	}
	d = n.outcome(d, err)
	// Note it even when the hub is ending, else a message that was accepted
	// would be sent again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for logged := false; ; logged = true {
		err := n.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return settle(ctx, tx, d) })
		if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return res
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
