// Package relay brings messages for whoever drives to the gateways of the
// vehicle, and tells dispatch what became of them: that a gateway shows one, that
// the driver has confirmed it, that it cannot be shown.
//
// A message is a command to each gateway of the courier's vehicle. The gateway
// keeps it by its id, so that a command that is repeated shows it once, and tells
// in each State which messages it keeps and which were confirmed: what is lost on
// the way in either direction is told again. A command that was overtaken, or
// that the gateway could not take yet, is asked for anew, a few times; a message
// is good for Life and as long as its route is open.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/inbox"
)

// Life is for how long a message is brought.
const Life = 8 * time.Hour

const (
	attempts = 5                // commands for one message to one gateway
	between  = time.Minute      // two of them, at least
	each     = 30 * time.Second // to look again at what waits
	retry    = 5 * time.Second  // after a failure
	page     = 1000             // events read at once
	most     = 20_000           // receipts that are known to be kept
)

// Dispatch is what a Relay needs of dispatch; *dispatch.Dispatch has it.
type Dispatch interface {
	Open(ctx context.Context) ([]dispatch.Route, error)
	Courier(ctx context.Context, id string) (dispatch.Courier, error)
	Received(ctx context.Context, r fact.MessageReceived) error
}

// Events is what a Relay needs of the event log; *event.Log has it.
type Events interface {
	Last() int64
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
	Watch() (wake <-chan struct{}, stop func())
}

// Asked is a command for a gateway, and what it answered.
type Asked struct {
	Number   int64 // rising with each command to the gateway
	Answered bool
	Done     bool
	Detail   string // why not
}

// Gateways asks gateways to show messages.
type Gateways interface {
	// Of names the gateways in a vehicle.
	Of(ctx context.Context, vehicle string) ([]string, error)
	// Ask asks a gateway to show a message, until life from now; once for each id.
	Ask(ctx context.Context, id, gateway string, m fact.CourierMessaged, life time.Duration) (Asked, error)
	// Asked gives what was asked under an id; ok is false where nothing was.
	Asked(ctx context.Context, id, gateway string) (a Asked, ok bool, err error)
}

// Options of New. All but Now are required.
type Options struct {
	Dispatch Dispatch
	Events   Events
	Gateways Gateways
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger
}

// Relay is safe for concurrent use.
type Relay struct {
	o    Options
	told *inbox.Inbox

	// Owned by whoever holds work.
	work     sync.Mutex
	position int64 // of the last event looked at; -1 before the first look
	dirty    bool  // messages came that were not looked at
	newest   map[string]int64
	kept     map[fact.MessageReceived]bool // receipts; At and Note are left out
	tried    map[string]time.Time          // when the last command was asked for, by its id

	mu     sync.Mutex
	status Status
}

// Status is a snapshot for health checks.
type Status struct {
	Waiting int    // messages that no gateway shows yet, of each gateway
	Strange uint64 // receipts for messages that the gateway was not asked to show
	Failing string // why the last round failed, "" where it did not
}

// New makes a Relay. It starts nothing.
func New(o Options) (*Relay, error) {
	if o.Dispatch == nil || o.Events == nil || o.Gateways == nil || o.Log == nil {
		return nil, errors.New("relay of messages: Dispatch, Events, Gateways and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Relay{o: o, told: inbox.New(), position: -1, newest: map[string]int64{}, kept: map[fact.MessageReceived]bool{}, tried: map[string]time.Time{}}, nil
}

// Told takes a gateway's State; it never blocks. Of several that wait the last
// one counts: each tells all.
func (r *Relay) Told(gateway string, payload []byte) {
	if s := inbox.Read(payload); s != nil && (len(s.Shown) > 0 || len(s.Outcomes) > 0) {
		r.told.Put(gateway, s)
	}
}

// Status tells how the relay is doing.
func (r *Relay) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Run brings messages until ctx ends; it then returns nil. What fails is done
// again.
func (r *Relay) Run(ctx context.Context) error {
	wake, stop := r.o.Events.Watch()
	defer stop()
	beat := time.NewTicker(each)
	defer beat.Stop()
	for look := true; ; {
		err := r.Work(ctx, look)
		r.say(ctx, err)
		var again <-chan time.Time
		if err != nil {
			again = time.After(retry)
		}
		look = true
		select {
		case <-ctx.Done():
			return nil
		case <-again:
		case <-beat.C:
		case <-r.told.Rang():
		case <-wake:
			look = false
		}
	}
}

// say logs the first failure of a row, and that it is over.
func (r *Relay) say(ctx context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil && ctx.Err() == nil:
		if r.status.Failing == "" {
			r.o.Log.Error("messages for drivers are held up; trying again", "error", err)
		}
		r.status.Failing = err.Error()
	case err == nil && r.status.Failing != "":
		r.o.Log.Info("messages for drivers go on")
		r.status.Failing = ""
	}
}

// Work does one round. Where look is false only new messages are a reason to go
// through those that wait. Run calls it; tests that have no Run may.
func (r *Relay) Work(ctx context.Context, look bool) error {
	r.work.Lock()
	defer r.work.Unlock()
	if err := r.hear(ctx); err != nil {
		return fmt.Errorf("what gateways told: %w", err)
	}
	if err := r.follow(ctx); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	if !r.dirty && (!look || r.Status().Waiting == 0) {
		return nil
	}
	if err := r.bring(ctx); err != nil {
		return err
	}
	r.dirty = false
	return nil
}
