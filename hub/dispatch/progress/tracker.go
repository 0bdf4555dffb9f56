package progress

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/progress/learn"
	"frostline/hub/dispatch/road"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
)

// Events is what a Tracker needs of the event log; *event.Log has it.
type Events interface {
	Last() int64
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
	Watch() (wake <-chan struct{}, stop func())
}

// Routes is what a Tracker needs of dispatch; *dispatch.Dispatch has it.
type Routes interface {
	Open(ctx context.Context) ([]dispatch.Route, error)
	Leg(ctx context.Context, id string) (dispatch.Route, error)
	Job(ctx context.Context, id string) (dispatch.Job, error)
	Jobs(ctx context.Context, shipment string, waiting bool, after string, limit int) ([]dispatch.Job, error)
	Courier(ctx context.Context, id string) (dispatch.Courier, error)
	Place(ctx context.Context, id string) (p dispatch.Place, found bool, err error)
	Report(ctx context.Context, actor, reason string, r fact.RouteReported) (dispatch.Route, error)
	ReportStop(ctx context.Context, actor, reason string, r fact.StopReported) (dispatch.Route, error)
}

// Options of New.
type Options struct {
	Store    *store.DB // required: what was learnt, and when routes were under way
	Events   Events    // required
	Routes   Routes    // required
	Measured Measured  // required
	// Site gives where the gate of a site is; nil where nobody has told. Required.
	Site func(ctx context.Context, id string) (*fact.Position, error)
	// Road estimates ways; nil: road.Estimate. One that stands in for an engine
	// that fails (road.Standin) notes it in its answers, and the engine is then
	// left alone for a minute.
	Road     road.Router
	Location *time.Location   // whose hours of the day legs are learnt by; nil: time.Local
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // required
}

// Times of Run.
const (
	each  = time.Second            // estimates are made anew
	pause = 100 * time.Millisecond // between two rounds of work, at least
)

// Tracker follows all routes. Its methods may be called from any goroutine.
type Tracker struct {
	o     Options
	index index
	book  *learn.Book
	links *links
	marks marks

	// Owned by whoever holds work.
	work     sync.Mutex
	begun    bool
	position int64           // of the last event looked at
	runs     map[string]*run // that are open
	left     map[string]bool // routes that are open and not followed, which was said
	stale    map[string]bool // routes to be read again; true: with their whole track
	pending  []arrived       // positions whose routes are not found yet
	dated    map[bootKey]*dating
	ways     *ways
	failing  bool

	counts counts

	mu     sync.RWMutex
	shown  map[string]*shown
	lately string // why the last round failed
}

type counts struct{ fixes, late, reports, refused, failures atomic.Uint64 }

// shown is what is told of a route.
type shown struct {
	etas  map[string]dispatch.Arrival // by stop
	where Where
	fixed bool // there is a position
	chart Chart
}

// Chart is what a map shows of a route. It is not to be changed.
type Chart struct {
	Fences map[fact.Ref]fence.Fence // of the places whose position is known
	Track  []fence.Fix              // the way driven last, oldest first
	// Ahead is the way to the next stop from here on, where the road engine drew
	// it; nil where it did not.
	Ahead []road.Point
}

// Where is the last that is known of where a route's courier is.
type Where struct {
	Fix   fence.Fix     `json:"fix"`
	Age   time.Duration `json:"age"`            // of the position, by the hub's clock
	Next  string        `json:"next,omitempty"` // stop that it goes to, or is at
	Along float64       `json:"along"`          // m of the way to Next that are behind it
	Way   float64       `json:"way"`            // m from the stop before to Next
	Off   float64       `json:"off"`            // m from that way
}

// New opens a Tracker. It starts nothing; nothing is told before Run.
func New(ctx context.Context, o Options) (*Tracker, error) {
	if o.Store == nil || o.Events == nil || o.Routes == nil || o.Measured == nil || o.Site == nil || o.Log == nil {
		return nil, errors.New("progress: Store, Events, Routes, Measured, Site and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Road == nil {
		o.Road = road.Estimate{}
	}
	book, err := learn.Open(ctx, o.Store)
	if err != nil {
		return nil, err
	}
	return &Tracker{
		o: o, index: index{o.Store}, book: book, links: newLinks(), marks: marks{wake: make(chan struct{}, 1), touched: map[bootKey]ticks{}},
		runs: map[string]*run{}, left: map[string]bool{}, stale: map[string]bool{}, dated: map[bootKey]*dating{}, ways: newWays(o.Road, o.Now), shown: map[string]*shown{},
	}, nil
}

// Committed implements intake's Sink. It takes some nanoseconds for each column.
func (t *Tracker) Committed(b *batch.Batch) { t.marks.take(b, t.o.Measured) }

// ETA tells when the courier of a route comes to a stop, or came; false where
// nobody knows better than the plan.
func (t *Tracker) ETA(route, stop string) (dispatch.Arrival, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if s := t.shown[route]; s != nil {
		a, ok := s.etas[stop]
		return a, ok
	}
	return dispatch.Arrival{}, false
}

// Where tells where the courier of an open route was last; false where no
// position came since the route began.
func (t *Tracker) Where(route string) (Where, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.shown[route]
	if s == nil || !s.fixed {
		return Where{}, false
	}
	w := s.where
	w.Age = time.Duration(t.o.Now().UnixMilli()-w.Fix.At) * time.Millisecond
	return w, true
}

// Chart gives what a map shows of an open route; false of one that is not
// followed.
func (t *Tracker) Chart(route string) (Chart, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.shown[route]
	if s == nil {
		return Chart{}, false
	}
	return s.chart, true
}

// Status is a snapshot for health checks.
type Status struct {
	Routes   int    // followed
	Fixes    uint64 // positions taken
	Late     uint64 // tracks gone through again since positions came late or were dated anew
	Reports  uint64 // arrivals, departures, starts and ends told
	Refused  uint64 // that dispatch did not take
	Failures uint64 // rounds of work that failed and were done again
	Failing  string // why the last round failed, "" where it did not
}

// Status tells how the tracker is doing.
func (t *Tracker) Status() Status {
	t.mu.RLock()
	n, failing := len(t.shown), t.lately
	t.mu.RUnlock()
	c := &t.counts
	return Status{n, c.fixes.Load(), c.late.Load(), c.reports.Load(), c.refused.Load(), c.failures.Load(), failing}
}

// Run follows positions and events until ctx ends; it then returns nil. What
// fails is done again.
func (t *Tracker) Run(ctx context.Context) error {
	wake, stop := t.o.Events.Watch()
	defer stop()
	beat := time.NewTicker(each)
	defer beat.Stop()
	for {
		err := t.Work(ctx)
		t.say(ctx, err)
		if err != nil {
			wait(ctx, each)
		} else {
			wait(ctx, pause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-t.marks.wake:
		case <-beat.C:
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// say logs the first failure of a row, and that it is over.
func (t *Tracker) say(ctx context.Context, err error) {
	t.mu.Lock()
	if t.lately = ""; err != nil {
		t.lately = err.Error()
	}
	t.mu.Unlock()
	t.work.Lock()
	defer t.work.Unlock()
	switch {
	case err != nil && ctx.Err() == nil:
		t.counts.failures.Add(1)
		if !t.failing {
			t.o.Log.Error("arrivals and estimates are held up; tried again until it works", "error", err)
		}
		t.failing = true
	case err == nil && t.failing:
		t.o.Log.Info("arrivals and estimates go on")
		t.failing = false
	}
}
