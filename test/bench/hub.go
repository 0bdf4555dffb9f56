package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/custody"
	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/excursion"
	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/orders"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/proto/pb"
	"frostline/proto/thermal"
	"frostline/proto/topic"
)

// hub is what a reading goes through on its way to a verdict, made of the same
// parts with the same read models as the real hub is: only gateways and clock
// are this program's.
type hub struct {
	dir, url string
	db       *store.DB
	intake   *intake.Intake
	registry *registry.Registry
	history  *history.History
	events   *event.Log
	catalog  *catalog.Catalog
	engine   *correlate.Engine
	acks     *tally
	clock    *atomic.Int64 // the engine's, UTC, Unix ms
	fed      uint64        // blocks given to intake
	stop     func() error
}

// settings of a hub that differ from those of the real one.
type settings struct {
	url        string        // of the store; default SQLite in dir
	mergeEvery time.Duration // of history; default that of the hub
}

// openHub opens the parts over what is stored in dir; run starts them.
func openHub(ctx context.Context, dir string, clock *atomic.Int64, s settings) (*hub, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	h := &hub{dir: dir, url: s.url, acks: newTally(), clock: clock}
	if h.url == "" {
		h.url = "sqlite:" + filepath.Join(dir, "hub.db")
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	var err error
	if h.db, err = store.Open(ctx, h.url, log); err != nil {
		return nil, err
	}
	if h.intake, err = intake.New(ctx, intake.Options{Store: h.db, Publisher: h.acks, Gateways: everyone{}, Log: log}); err != nil {
		return nil, errors.Join(err, h.db.Close())
	}
	if h.registry, err = registry.New(ctx, h.db, h.intake, log); err != nil {
		return nil, errors.Join(err, h.db.Close())
	}
	if h.history, err = history.New(ctx, history.Options{Store: h.db, Evidence: h.intake, Series: h.registry, MergeEvery: s.mergeEvery, Log: log}); err != nil {
		return nil, errors.Join(err, h.db.Close())
	}
	records := catalog.NewModel()
	if h.events, err = event.Open(ctx, event.Options{Store: h.db, Models: models(records), Outbox: true, Log: log}); err != nil {
		return nil, errors.Join(err, h.db.Close())
	}
	if h.catalog, err = catalog.New(catalog.Options{Log: h.events, Store: h.db, Model: records, Logger: log}); err != nil {
		return nil, errors.Join(err, h.db.Close())
	}
	if _, err := h.catalog.Seed(ctx, thermal.Ready()); err != nil {
		return nil, errors.Join(err, h.db.Close())
	}
	return h, nil
}

// models are all read models of a hub.
func models(records *catalog.Model) []event.Model {
	all := []event.Model{records.Model(), evidence.Links}
	all = append(all, orders.NewModel().Models()...)
	all = append(all, custody.NewModel().Models()...)
	return append(all, excursion.NewTables().Models()...)
}

// run makes the engine and starts all parts. close stops them.
func (h *hub) run(ctx context.Context) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	if h.engine, err = correlate.New(ctx, correlate.Options{Store: h.db, Events: h.events, History: h.history, Series: h.registry, Evidence: h.intake,
		Log: log, Now: func() time.Time { return time.UnixMilli(h.clock.Load()) }}); err != nil {
		return err
	}
	h.intake.Follow(h.history, h.registry, h.engine)
	ctx, cancel := context.WithCancel(ctx)
	parts := []func(context.Context) error{h.intake.Run, h.history.Run, h.registry.Run, h.engine.Run}
	done := make(chan error, len(parts))
	for _, part := range parts {
		go func() { done <- part(ctx) }()
	}
	h.stop = func() (err error) {
		cancel()
		for range parts {
			err = errors.Join(err, <-done)
		}
		return err
	}
	return nil
}

func (h *hub) close() error {
	var err error
	if h.stop != nil {
		err = h.stop()
	}
	return errors.Join(err, h.db.Close())
}

// bytes of the store's file, with its log.
func (h *hub) bytes() (n int64) {
	for _, name := range []string{"hub.db", "hub.db-wal"} {
		if info, err := os.Stat(filepath.Join(h.dir, name)); err == nil {
			n += info.Size()
		}
	}
	return n
}

// feed gives a parcel to intake as the broker does, with at most window blocks
// not yet acknowledged.
func (h *hub) feed(ctx context.Context, p parcel, window uint64) error {
	if err := h.acks.wait(ctx, h.fed, window); err != nil {
		return err
	}
	h.fed += p.blocks
	h.intake.Handle(intake.Message{Gateway: p.gateway, Lane: topic.Backlog, Payload: p.payload, Received: time.Now()})
	return nil
}

// settled waits until the engine has worked in so many readings since its
// start and nothing waits to be judged.
func (h *hub) settled(ctx context.Context, readings uint64) error {
	if err := until(ctx, func() bool {
		s := h.engine.Status()
		return s.Readings >= readings && s.Waiting == 0 && s.Lag == 0
	}, func() string { return fmt.Sprintf("verdicts of %d readings: %+v", readings, h.engine.Status()) }); err != nil {
		return err
	}
	return h.engine.Settled(ctx, h.events.Last()) // and what it has begun to judge
}

// merged waits until all readings are in stored chunks.
func (h *hub) merged(ctx context.Context) error {
	return until(ctx, func() bool { return h.history.Status().Head == 0 }, func() string { return "history to be merged" })
}

// until waits for what nobody tells of.
func until(ctx context.Context, ok func() bool, what func() string) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for tick := time.NewTicker(200 * time.Microsecond); !ok(); {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what(), ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// tally counts acknowledged blocks of all gateways.
type tally struct {
	mu      sync.Mutex
	by      map[string]uint64
	all     uint64
	changed chan struct{}
}

func newTally() *tally { return &tally{by: map[string]uint64{}, changed: make(chan struct{}, 1)} }

// Publish takes the hub's acknowledgements.
func (a *tally) Publish(gateway string, lane topic.Lane, payload []byte) error {
	var m pb.Ack
	if err := proto.Unmarshal(payload, &m); err != nil || lane != topic.Ack {
		return err
	}
	n := m.Committed
	for _, r := range m.Beyond {
		n += r.Last - r.First + 1
	}
	a.mu.Lock()
	if was := a.by[gateway]; n > was {
		a.by[gateway] = n
		a.all += n - was
	}
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
	return nil
}

// wait waits until at most so many of the blocks fed are not acknowledged.
func (a *tally) wait(ctx context.Context, fed, most uint64) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		a.mu.Lock()
		ok := fed <= a.all+most
		a.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-a.changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for acknowledgements: %w", ctx.Err())
		}
	}
}
