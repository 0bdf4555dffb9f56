package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"frostline/hub/store"
)

var (
	// ErrStale is wrapped when a stream is not at the version expected:
	// somebody else has appended to it. Read again and decide again.
	ErrStale = errors.New("stream has changed")
	// ErrReused is wrapped when an event's ID is known and says something else.
	ErrReused = errors.New("id is taken by another event")
	// ErrNotDone is wrapped when a commit failed and it was found that nothing
	// of the command took place: it may be tried again.
	ErrNotDone = errors.New("command was not done")
)

// Store is what a Log needs of the hub's store; *store.DB has it.
type Store interface {
	store.Querier
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	Snapshot(ctx context.Context, do func(context.Context, *store.Tx) error) error
}

// Options of Open.
type Options struct {
	Store Store // required
	// Models are all read models of the store. One that was there before and is
	// missing here counts as never built when it comes back.
	Models []Model
	// Outbox makes each event wait in the outbox until a relay has published
	// it. Without it no outbox is kept; events that were appended meanwhile are
	// put into it when it is asked for again.
	Outbox bool
	Now    func() time.Time // the hub's clock; nil means time.Now
	Log    *slog.Logger     // required
}

// Log is the event store. It is safe for concurrent use. At most one Log that
// appends may be open on a store.
type Log struct {
	store  Store
	outbox bool
	now    func() time.Time
	log    *slog.Logger
	models []*model // in the order given
	last   atomic.Int64
	pause  func(failures int) time.Duration // of consumers

	// commands holds one token. Commands take it for their whole time, and so
	// does what must keep them out for longer than one transaction.
	commands chan struct{}
	// surely is false while the generations in models may not be those of the
	// store. It belongs to whoever has the token.
	surely bool

	rebuilding chan struct{} // one token: one rebuild at a time

	mu        sync.Mutex
	watchers  map[chan struct{}]struct{}
	consumers map[string]*consumer
}

// Open opens the event store. Models that were never built, or whose Version
// differs from the one they were built by, are built now; that takes some
// 20 µs for each event, is told in the log, and an error of a model fails Open.
func Open(ctx context.Context, o Options) (*Log, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("event log: store is not set")
	case o.Log == nil:
		return nil, errors.New("event log: logger is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Log{
		store: o.Store, outbox: o.Outbox, now: o.Now, log: o.Log, pause: pause,
		commands: make(chan struct{}, 1), rebuilding: make(chan struct{}, 1),
		watchers: map[chan struct{}]struct{}{}, consumers: map[string]*consumer{},
	}
	l.commands <- struct{}{}
	l.rebuilding <- struct{}{}
	seen := map[string]bool{}
	for _, m := range o.Models {
		if name := m.Name(); name == "" || seen[name] {
			return nil, fmt.Errorf("event log: read model %q: want a name of its own", name)
		}
		seen[m.Name()] = true
		l.models = append(l.models, &model{Model: m})
	}
	if err := l.open(ctx); err != nil {
		return nil, fmt.Errorf("open event log: %w", err)
	}
	return l, nil
}

// open reads where the log stands and brings outbox and models up to date.
func (l *Log) open(ctx context.Context) error {
	if err := l.refresh(ctx); err != nil {
		return err
	}
	if l.outbox {
		if err := l.fillOutbox(ctx); err != nil {
			return err
		}
	} else if err := l.dropOutbox(ctx); err != nil {
		return err
	}
	return l.openModels(ctx)
}

// Last is the position of the last event known to be committed, 0 before the
// first.
func (l *Log) Last() int64 { return l.last.Load() }

// refresh reads the last position from the store.
func (l *Log) refresh(ctx context.Context) error {
	last, err := lastPosition(ctx, l.store)
	if err == nil {
		l.advance(last)
	}
	return err
}

func lastPosition(ctx context.Context, q store.Querier) (last int64, err error) {
	if err := q.QueryRow(ctx, "SELECT COALESCE(MAX(position), 0) FROM event").Scan(&last); err != nil {
		return 0, fmt.Errorf("read last position: %w", err)
	}
	return last, nil
}

// advance notes the last position and wakes everybody.
func (l *Log) advance(last int64) {
	for was := l.last.Load(); last > was && !l.last.CompareAndSwap(was, last); was = l.last.Load() {
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Watch gives a channel that is woken after commits. Wake-ups coalesce: one
// may stand for many commits, and one may come for nothing. Call stop when it
// is no longer needed.
func (l *Log) Watch() (wake <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers[c] = struct{}{}
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, c)
	}
}

func (l *Log) nowMS() int64 { return l.now().UnixMilli() }
