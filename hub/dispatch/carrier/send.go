package carrier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"frostline/hub/record"
)

// call makes the calls of a partner until ctx ends, one after the other.
func (d *Desk) call(ctx context.Context, p *partner) {
	for ctx.Err() == nil {
		next, err := d.Deliver(ctx, p.Carrier)
		if ctx.Err() != nil {
			return
		}
		p.held[1].say(d.o.Log, "calling a carrier", p.Carrier, err)
		if err != nil {
			d.counts.failures.Add(1)
			next = look
		}
		if next > 0 {
			wait(ctx, next, p.due)
		}
	}
}

// errBusy is a failure that another attempt may mend.
type errBusy struct {
	error
	pause time.Duration // that the partner asked for
}

// Deliver makes the calls to a partner that are due, and says when to look
// again; 0 at once. Where one fails that is tried again, those after it wait.
func (d *Desk) Deliver(ctx context.Context, carrier string) (next time.Duration, err error) {
	p := d.carriers[carrier]
	if p == nil {
		return 0, d.has(carrier)
	}
	list, err := d.Calls(ctx, carrier, Due, 0, atOnce)
	if err != nil {
		return 0, err
	}
	for _, c := range list {
		if ahead := c.Due - d.now(); ahead > 0 {
			return min(time.Duration(ahead)*time.Millisecond, look), nil
		}
		if c.Since == 0 {
			c.Since = d.now()
		}
		c.Attempts++
		err := d.attempt(ctx, p, &c)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		var hub *errHub
		if errors.As(err, &hub) {
			return 0, err
		}
		busy, again := errors.AsType[errBusy](err)
		switch {
		case err == nil:
			if c.Problem = ""; c.State == Due {
				c.State = Done
				d.counts.sent.Add(1)
			}
			if c.Attempts > 1 {
				d.o.Log.Info("a carrier accepts calls again", "carrier", carrier, "call", c.ID, "attempts", c.Attempts)
			}
		case again && d.now()-c.Since < p.Retry.For.Milliseconds():
			c.Problem = clip(err.Error())
			c.Due = d.now() + p.Retry.pause(c.Attempts, busy.pause).Milliseconds()
			if c.Attempts == 1 {
				d.o.Log.Warn("a carrier does not accept a call; it is tried again", "carrier", carrier, "call", c.ID, "kind", c.Kind, "error", err)
			}
		default:
			c.State, c.Problem = Failed, clip(err.Error())
			d.o.Log.Error("a call to a carrier was given up: it was not told", "carrier", carrier, "call", c.ID, "kind", c.Kind, "job", c.Job, "attempts", c.Attempts, "error", err)
		}
		if err := d.save(ctx, c); err != nil {
			return 0, err
		}
		if c.State == Due {
			return min(time.Duration(c.Due-d.now())*time.Millisecond, look), nil
		}
	}
	if len(list) < atOnce {
		return look, nil
	}
	return 0, nil
}

func (r *Retry) pause(attempts int, asked time.Duration) time.Duration {
	d := r.Longest
	if n := attempts - 1; n < 20 {
		d = min(r.First<<n, r.Longest)
	}
	d -= time.Duration(rand.Int64N(int64(d)/2 + 1))
	return max(d, min(asked, r.Longest))
}

// errHub is a failure that lies in the hub: nothing was attempted.
type errHub struct{ error }

// attempt makes a call. It may withdraw one that there is no need for.
func (d *Desk) attempt(ctx context.Context, p *partner, c *Call) error {
	if c.Kind != "book" && c.Kind != "cancel" {
		return d.tell(ctx, p, *c)
	}
	if p.Booking == nil {
		return fmt.Errorf("booking: the mapping of %s has none any more", p.Carrier)
	}
	r := &p.Booking.Request
	if c.Kind == "book" && c.Attempts == 1 { // they know nothing of it yet
		taken, err := d.takenBack(ctx, c.ID)
		if err != nil {
			return &errHub{err}
		}
		if taken {
			c.State = Withdrawn
			return nil
		}
	}
	if c.Kind == "cancel" {
		b, err := d.Call(ctx, p.Carrier, c.booking)
		switch {
		case err != nil:
			return &errHub{err}
		case b.State == Withdrawn:
			c.State = Withdrawn // it was never booked
			return nil
		case b.State != Done:
			return fmt.Errorf("booking %s of job %s is %s (%s): look with them whether they have it, then drop this call", b.ID, c.Job, b.State, b.Problem)
		case p.Booking.Cancel == nil:
			return fmt.Errorf("booking.cancel: the mapping of %s says no way: cancel booking %q of job %s by telephone, then drop this call", p.Carrier, b.Reference, c.Job)
		}
		c.Reference, r = b.Reference, p.Booking.Cancel
	}
	values, err := d.values(ctx, c)
	if errors.Is(err, record.ErrNotFound) {
		return err
	}
	if err != nil {
		return &errHub{err}
	}
	url, body, err := r.make(values)
	if err != nil {
		return err
	}
	h := http.Header{"Idempotency-Key": {c.ID}, "Accept": {"application/json"}}
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	if len(p.out) > 0 {
		h.Set(p.Booking.Header, p.Booking.Prefix+string(p.out[0]))
	}
	answer, err := d.ask(ctx, Outgoing{Private: p.Private, Method: r.Method, URL: url, Header: h, Body: body, ID: c.ID})
	if err != nil || c.Kind == "cancel" || p.Booking.Reference == "" {
		return err
	}
	root, err := parse(answer)
	if err != nil {
		return fmt.Errorf("booking.reference: they took the booking, and their answer cannot be read: %w; look with them what it is called", err)
	}
	if c.Reference = text(root, p.Booking.Reference); c.Reference == "" || len(c.Reference) > 200 {
		return fmt.Errorf("booking.reference %s: they took the booking, and their answer has nothing there; correct the mapping, and look with them what it is called", p.Booking.Reference)
	}
	return nil
}

// ask makes a request and gives the answer to one that was accepted.
func (d *Desk) ask(ctx context.Context, o Outgoing) ([]byte, error) {
	status, pause, answer, err := d.o.Send.Send(ctx, o)
	switch {
	case err != nil:
		return nil, errBusy{err, 0}
	case status/100 == 2:
		return answer, nil
	}
	err = fmt.Errorf("they answered %d %s", status, http.StatusText(status))
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return nil, errBusy{err, pause}
	}
	if status >= 500 {
		return nil, errBusy{err, pause}
	}
	return nil, err
}

// Task is what a partner is told of a task.
type Task struct {
	ID       string `json:"id"` // the same each time that it is told
	Carrier  string `json:"carrier"`
	Trigger  string `json:"trigger"`
	Time     int64  `json:"time"` // when it was, or for eta is to be; UTC, Unix ms
	Route    string `json:"route"`
	Stop     string `json:"stop"`
	Job      string `json:"job"`
	Shipment string `json:"shipment"`
}

func (d *Desk) tell(ctx context.Context, p *partner, c Call) error {
	if p.Tasks == nil {
		return fmt.Errorf("tasks: the mapping of %s has none any more", p.Carrier)
	}
	body, err := json.Marshal(Task{c.ID, c.Carrier, c.Kind, c.At, c.Route, c.Stop, c.Job, c.Shipment})
	if err != nil {
		return err
	}
	_, err = d.ask(ctx, Outgoing{Private: p.Private, Method: http.MethodPost, URL: p.Tasks.URL, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, ID: c.ID, Secret: p.sign[0]})
	return err
}
