package correlate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/history"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// journal is an event log in memory. Events keep the version they were made
// with, whatever the order in which they are delivered.
type journal struct {
	mu     sync.Mutex
	events []event.Event
	fail   func(event.New) error // asked before an append
	after  error                 // given after the next command was done
}

func (j *journal) deliver(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Position = int64(len(j.events)) + 1
	j.events = append(j.events, e)
}

func (j *journal) Read(_ context.Context, after int64, limit int, types ...string) (out []event.Event, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events[after:] {
		for _, t := range types {
			if e.Type == t && len(out) < limit {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

func (j *journal) Stream(_ context.Context, stream string, after int64, limit int) (out []event.Event, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events {
		if e.Stream == stream && e.Type == fact.VerdictWasRevised && e.Version > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (j *journal) Last() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int64(len(j.events))
}

func (j *journal) Watch() (<-chan struct{}, func()) { return make(chan struct{}), func() {} }

type change struct {
	event.Change
	j    *journal
	news []event.New
}

func (c *change) Append(_ context.Context, n event.New) (event.Event, error) {
	if c.j.fail != nil {
		if err := c.j.fail(n); err != nil {
			return event.Event{}, err
		}
	}
	c.news = append(c.news, n)
	return event.Event{}, nil
}

func (c *change) AppendAll(ctx context.Context, all []event.New) ([]event.Event, error) {
	for _, n := range all {
		if _, err := c.Append(ctx, n); err != nil {
			return nil, err
		}
	}
	return make([]event.Event, len(all)), nil
}

func (j *journal) Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error) {
	c := &change{j: j}
	if err := do(ctx, c); err != nil {
		return nil, err
	}
	for _, n := range c.news {
		data, err := json.Marshal(n.Data)
		if err != nil {
			return nil, err
		}
		j.mu.Lock()
		known := false
		for _, e := range j.events {
			if e.ID == n.ID {
				known = true
				if string(e.Data) != string(data) {
					j.mu.Unlock()
					return nil, fmt.Errorf("append %s: %w", n.ID, event.ErrReused)
				}
			}
		}
		version := int64(0)
		for _, e := range j.events {
			if e.Stream == n.Stream {
				version = max(version, e.Version)
			}
		}
		j.mu.Unlock()
		if !known {
			j.deliver(event.Event{ID: n.ID, Stream: n.Stream, Version: version + 1, Type: n.Type, Data: data, Actor: actor})
		}
	}
	err := j.after
	j.after = nil
	return nil, err
}

// record is the evidence of tests: batches in a list.
type record struct {
	mu      sync.Mutex
	batches []*batch.Batch
}

func (r *record) add(b *batch.Batch) *batch.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.ID = int64(len(r.batches)) + 1
	b.First, b.Last = uint64(b.ID), uint64(b.ID)
	b.Readings = 0
	for i := range b.Boots {
		for _, c := range b.Boots[i].Columns {
			b.Readings += len(c.Ticks)
		}
	}
	for i := range b.Events {
		b.Events[i].Block, b.Events[i].Position = b.First, i
	}
	r.batches = append(r.batches, b)
	return b
}

func (r *record) all() []*batch.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.batches[:len(r.batches):len(r.batches)]
}

func (r *record) Replay(_ context.Context, after int64, yield func(*batch.Batch) error) error {
	for _, b := range r.all() {
		if b.ID > after {
			if err := yield(b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *record) Anchors(_ context.Context, gateway string, epoch uint32, yield func(uint64, int, *pb.Anchor) error) error {
	for _, b := range r.all() {
		for _, e := range b.Events {
			if a := e.Event.GetAnchor(); a != nil && b.Gateway == gateway && b.Epoch == epoch {
				if err := yield(e.Block, e.Position, a); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// names is a registry where series n of every gateway is the temperature of
// sensor "sN", in both of its epochs.
type names struct{}

func (names) Identities(_, sensor string, q reading.Quantity, yield func(epoch, series uint32, interval time.Duration)) {
	var n uint32
	if _, err := fmt.Sscanf(sensor, "s%d", &n); err == nil && q == reading.Temperature {
		yield(1, n, time.Second)
		yield(2, n, time.Second)
	}
}

func (names) Measured(_ string, _, series uint32) (string, reading.Quantity, bool) {
	return fmt.Sprintf("s%d", series), reading.Temperature, true
}

// rig is an engine with all around it.
type rig struct {
	t       testing.TB
	db      *store.DB
	journal *journal
	record  *record
	history *history.History
	engine  *Engine
	now     int64
	lag     int64
}

func newRig(t testing.TB, db *store.DB) *rig {
	r := &rig{t: t, db: db, journal: &journal{}, record: &record{}}
	r.start()
	return r
}

// start makes history and engine from what is kept, as after a crash.
func (r *rig) start() {
	var err error
	ctx := context.Background()
	if r.history, err = history.New(ctx, history.Options{Store: r.db, Evidence: r.record, Series: names{}, Log: storetest.Logger(r.t)}); err != nil {
		r.t.Fatal(err)
	}
	if r.engine, err = New(ctx, Options{Store: r.db, Events: r.journal, History: r.history, Series: names{}, Evidence: r.record,
		Log: storetest.Logger(r.t), Now: func() time.Time { return time.UnixMilli(r.now) }}); err != nil {
		r.t.Fatal(err)
	}
	if r.lag != 0 {
		r.engine.lag = r.lag
	}
}

func (r *rig) commit(b *batch.Batch) {
	r.record.add(b)
	r.history.Committed(b)
	r.engine.Committed(b)
}

func (r *rig) settle() {
	r.t.Helper()
	r.engine.tick()
	if err := r.engine.Settle(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// wipe empties the tables that a rig uses.
func wipe(t interface{ Fatal(...any) }, db *store.DB) {
	err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, q := range []string{`DELETE FROM history_chunk`, `DELETE FROM history_track`, `UPDATE history_state SET value = 0`, `UPDATE correlate_state SET value = 0`} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// told makes an event of a fact.
func made(id string, version int64, at int64, typ, stream string, data any) event.Event {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return event.Event{ID: id, Stream: stream, Version: version, Type: typ, At: at, Actor: "person/test", Data: b}
}

func anchor(boot uint32, a truetime.Anchor) batch.Event {
	m := &pb.Anchor{Boot: boot, AtMs: a.At, UtcMs: a.UTC, UncertaintyMs: uint64(a.Uncertainty), Source: uint32(a.Source)}
	return batch.Event{Boot: boot, Event: &pb.Event{AtMs: a.At, Kind: &pb.Event_Anchor{Anchor: m}}}
}

func sensorRef(id string) fact.Ref { return fact.Ref{Kind: fact.Sensor, ID: id} }

func ref(s string) fact.Ref {
	k, id, _ := strings.Cut(s, "/")
	return fact.Ref{Kind: fact.Kind(k), ID: id}
}
