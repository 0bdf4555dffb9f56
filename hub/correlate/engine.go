package correlate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"frostline/hub/correlate/join"
	"frostline/hub/event"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// History gives what sensors have measured.
type History interface {
	// Temperatures gives the dated readings of a sensor from from (inclusive)
	// to to (exclusive), in order of UTC, in thousandths of a degree.
	Temperatures(ctx context.Context, gateway, sensor string, from, to int64, visit func(utc, value int64, ok, conflict bool) error) error
	// UndatedTemperatures bounds when those were taken that nobody can date.
	UndatedTemperatures(ctx context.Context, gateway, sensor string) ([][2]int64, error)
	// Timeline dates a boot by the anchors known so far; nil without any.
	Timeline(ctx context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error)
}

// Series tells what a series id means; ok is false while nobody has told.
type Series interface {
	Measured(gateway string, epoch, series uint32) (sensor string, q reading.Quantity, ok bool)
}

// Evidence gives what intake has committed.
type Evidence interface {
	Replay(ctx context.Context, after int64, yield func(*batch.Batch) error) error
}

// Log is the event log.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
	Last() int64
	Watch() (wake <-chan struct{}, stop func())
}

// Store keeps how far the engine has come.
type Store interface {
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	store.Querier
}

// Options of New. All are needed unless they say otherwise.
type Options struct {
	Store    Store
	Events   Log
	History  History
	Series   Series
	Evidence Evidence
	Log      *slog.Logger
	Now      func() time.Time // default: time.Now
	// QueueReadings is how many committed readings may wait; default 4 million.
	// Batches beyond that are read again from the evidence.
	QueueReadings int
}

// Engine judges packages. Its methods may be called from any goroutine.
type Engine struct {
	store    Store
	events   Log
	history  History
	series   Series
	evidence Evidence
	log      *slog.Logger
	now      func() time.Time
	queue    *queue
	lag      int64 // see lagging

	mu       sync.Mutex // guards what follows; held for microseconds by Run, never while reading history
	facts    *join.Facts
	position int64         // of the last event in facts
	followed int64         // of the last event that was looked at
	round    chan struct{} // closed when the engine has worked
	begun    uint64        // rounds of work, with the one under way
	ended    uint64        // rounds that are over
	applied  int64         // id of the last batch worked in
	packages map[string]*parcel
	open     map[string]*parcel // those whose watch goes on
	sensors  map[string]*sensor
	dirty    map[string]*mark
	lately   string // last error of the engine; "" when it works

	// Owned by Run.
	shelf   *join.Shelf // of a gateway what was read since its last batch was worked in
	feeds   map[seriesKey]*feed
	boots   map[bootKey]*truetime.Timeline
	missed  map[seriesKey]bool // series with readings whose meaning is not known yet
	saved   [2]int64           // batch and position in the store
	failing bool

	counts counts
}

type counts struct {
	readings, evaluated, late, judged, revisions, overruns, strange, failures, unreadable atomic.Uint64
}

// New reads all facts and how far the engine had come. It takes some
// microseconds for each event; packages are judged by Run.
func New(ctx context.Context, o Options) (*Engine, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.QueueReadings == 0 {
		o.QueueReadings = 4 << 20
	}
	if o.QueueReadings < 1024 {
		return nil, fmt.Errorf("correlate: QueueReadings is %d: want at least 1024", o.QueueReadings)
	}
	e := &Engine{
		store: o.Store, events: o.Events, history: o.History, series: o.Series, evidence: o.Evidence, log: o.Log, now: o.Now,
		queue: newQueue(o.QueueReadings), facts: join.NewFacts(), packages: map[string]*parcel{}, open: map[string]*parcel{}, sensors: map[string]*sensor{},
		lag: lagging, round: make(chan struct{}), dirty: map[string]*mark{}, feeds: map[seriesKey]*feed{}, boots: map[bootKey]*truetime.Timeline{}, missed: map[seriesKey]bool{},
	}
	e.shelf = join.NewShelf(e.readings(), maxShelf)
	if err := e.restore(ctx); err != nil {
		return nil, fmt.Errorf("start correlate: %w", err)
	}
	return e, nil
}

// Committed implements intake's Sink: it only queues the batch.
func (e *Engine) Committed(b *batch.Batch) {
	if !e.queue.push(b) {
		e.counts.overruns.Add(1)
	}
}

// Times of Run.
const (
	slice     = 100 * time.Millisecond // of judging, before new readings are looked at
	tick      = time.Second
	saveEvery = 5 * time.Second
	retry     = time.Second
)

// Run follows readings and events until ctx ends, and gives nil then. What
// fails is tried again: an error of the store holds verdicts up and loses none.
func (e *Engine) Run(ctx context.Context) error {
	wake, stop := e.events.Watch()
	defer stop()
	beat := time.NewTicker(tick)
	defer beat.Stop()
	saved := time.Now()
	for {
		busy, err := e.work(ctx)
		switch {
		case ctx.Err() != nil:
			return e.finish(ctx)
		case err != nil:
			e.failed(err)
			select {
			case <-ctx.Done():
				return e.finish(ctx)
			case <-time.After(retry):
			}
			continue
		}
		e.recovered()
		if time.Since(saved) >= saveEvery {
			if err := e.save(ctx); err != nil {
				e.failed(err)
			}
			saved = time.Now()
		}
		if busy {
			continue
		}
		select {
		case <-ctx.Done():
			return e.finish(ctx)
		case <-wake:
		case <-e.queue.wake:
		case <-beat.C:
			e.tick()
		}
	}
}

// work does what there is to do for about a slice; busy is whether there is
// more.
func (e *Engine) work(ctx context.Context) (busy bool, err error) {
	e.mu.Lock()
	e.begun++
	e.mu.Unlock()
	defer e.lap()
	if err := e.drain(ctx); err != nil {
		return false, err
	}
	more, err := e.follow(ctx)
	if err != nil {
		return false, err
	}
	left, err := e.judgeSome(ctx, slice)
	return more || left || e.queue.waiting(), err
}

// Settle works until nothing is left to be done. It is for those who do not
// let the engine run by itself, such as tests and benchmarks.
func (e *Engine) Settle(ctx context.Context) error {
	for {
		busy, err := e.work(ctx)
		if err != nil {
			return err
		}
		e.mu.Lock()
		for _, m := range e.dirty {
			m.notBefore = 0
			busy = true
		}
		e.mu.Unlock()
		if !busy {
			return e.save(ctx)
		}
	}
}

// finish notes how far the engine has come, so that the next start has less to
// do.
func (e *Engine) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := e.save(ctx); err != nil {
		e.log.Warn("how far verdicts have come was not noted; the next start works more of it in again", "error", err)
	}
	return nil
}

func (e *Engine) failed(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	e.counts.failures.Add(1)
	e.mu.Lock()
	e.lately = err.Error()
	e.mu.Unlock()
	if !e.failing {
		e.failing = true
		e.log.Error("verdicts are held up; tried again until it works", "error", err)
	}
}

func (e *Engine) recovered() {
	if e.failing {
		e.failing = false
		e.mu.Lock()
		e.lately = ""
		e.mu.Unlock()
		e.log.Info("verdicts go on")
	}
}
