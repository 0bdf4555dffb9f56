package carrier

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// Dispatch is what carriers report to; *dispatch.Dispatch has it.
type Dispatch interface {
	Job(ctx context.Context, id string) (dispatch.Job, error)
	Jobs(ctx context.Context, shipment string, waiting bool, after string, limit int) ([]dispatch.Job, error)
	RoutesOf(ctx context.Context, job string) ([]dispatch.Route, error)
	Leg(ctx context.Context, id string) (dispatch.Route, error)
	Open(ctx context.Context) ([]dispatch.Route, error)
	Courier(ctx context.Context, id string) (dispatch.Courier, error)
	Place(ctx context.Context, id string) (p dispatch.Place, found bool, err error)
	Report(ctx context.Context, actor, reason string, r fact.RouteReported) (dispatch.Route, error)
	ReportStop(ctx context.Context, actor, reason string, r fact.StopReported) (dispatch.Route, error)
}

// Log is what the desk needs of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Outgoing is a request to a partner.
type Outgoing struct {
	Private bool // it may reach this machine and private networks
	Method  string
	URL     string
	Header  http.Header
	Body    []byte
	ID      string // the same each time that it is tried
	Secret  []byte // to sign with as webhooks are; none for a request that is not signed
}

// Sender makes requests.
type Sender interface {
	// Send gives the answer, of up to 64 KiB, where there is one. An error means
	// that there is none, or that the address is not one that may be reached.
	Send(ctx context.Context, o Outgoing) (status int, pause time.Duration, answer []byte, err error)
}

// Options of New.
type Options struct {
	Carriers []*Mapping    // of LoadAll
	Store    *store.DB     // required
	Events   Log           // required
	Dispatch Dispatch      // required
	Tell     dispatch.Tell // required: reports to a shipment
	Send     Sender        // required
	// Site gives where a site is, nil where that is not known; required.
	Site func(ctx context.Context, id string) (*fact.Position, error)
	// Arrival estimates when a stop is reached; nil: nobody is told of estimates.
	Arrival func(route, stop string) (dispatch.Arrival, bool)
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // required
}

// Desk takes what partners send and tells them what is for them. It is safe for
// concurrent use.
type Desk struct {
	o        Options
	carriers map[string]*partner
	counts   struct{ taken, again, forged, reports, sent, failures atomic.Uint64 }
}

// partner is a mapping at work.
type partner struct {
	*Mapping
	came, due chan struct{}   // wake who works messages in, and who makes calls
	pace      *rate.Limiter   // of messages
	guesses   *rate.Limiter   // of messages that are not by a secret of theirs
	quiet     *quiet          // of forged messages
	held      [2]quietFailure // of working in, and of calling
}

const (
	perSecond  = 50
	burst      = 500
	guesses    = 20
	guessEvery = 3 * time.Second
)

// New makes a desk. It starts nothing.
func New(o Options) (*Desk, error) {
	switch {
	case o.Store == nil || o.Events == nil || o.Dispatch == nil:
		return nil, errors.New("carriers: Store, Events and Dispatch are required")
	case o.Tell == nil || o.Send == nil || o.Site == nil || o.Log == nil:
		return nil, errors.New("carriers: Tell, Send, Site and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Desk{o: o, carriers: map[string]*partner{}}
	for _, m := range o.Carriers {
		d.carriers[m.Carrier] = &partner{
			Mapping: m, came: make(chan struct{}, 1), due: make(chan struct{}, 1), quiet: &quiet{},
			pace: rate.NewLimiter(perSecond, burst), guesses: rate.NewLimiter(rate.Every(guessEvery), guesses),
		}
	}
	return d, nil
}

func (d *Desk) now() int64 { return d.o.Now().UnixMilli() }

// Run works in what came, makes calls, and removes what is kept no longer, until
// ctx ends; it then returns nil.
func (d *Desk) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.follow(ctx) })
	for _, p := range d.carriers {
		g.Go(func() error { d.workIn(ctx, p); return nil })
		g.Go(func() error { d.call(ctx, p); return nil })
	}
	g.Go(func() error { d.keep(ctx); return nil })
	return g.Wait()
}

// wake tells a loop that there is something to do.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wait waits until d has passed, c is woken or ctx ends.
func wait(ctx context.Context, d time.Duration, c <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-c:
	case <-t.C:
	}
}

// quiet lets one in a while be said.
type quiet struct {
	mu   sync.Mutex
	last time.Time
}

func (q *quiet) may(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.last) < time.Minute {
		return false
	}
	q.last = now
	return true
}

// quietFailure says a failure once, and that it is over.
type quietFailure struct {
	mu   sync.Mutex
	text string
}

func (q *quietFailure) say(log *slog.Logger, what, carrier string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case err != nil && q.text == "":
		log.Warn(what+" is held up; trying again", "carrier", carrier, "error", err)
		q.text = err.Error()
	case err != nil:
		q.text = err.Error()
	case q.text != "":
		log.Info(what+" goes on", "carrier", carrier)
		q.text = ""
	}
}

func (q *quietFailure) get() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.text
}
