package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/pb"
	"frostline/proto/truetime"
)

// world is what a Keeper meets: an evidence, a custody and times that fail when
// they are told to.
type world struct {
	mu      sync.Mutex
	batches []*batch.Batch
	anchors map[string][]truetime.Anchor // by gateway, epoch and boot
	taken   map[string]Statement
	unknown map[string]bool // subjects that are set aside
	aside   map[string]Statement
	dies    func() error // before custody takes, nil for never
	forgets func() error // after it took
	now     time.Time
}

func newWorld() *world {
	return &world{anchors: map[string][]truetime.Anchor{}, taken: map[string]Statement{}, unknown: map[string]bool{}, aside: map[string]Statement{},
		now: time.UnixMilli(start + 86_400_000)}
}

// start is when boot 1 of gateway van-1 began, UTC, Unix ms.
const start = 1_800_000_000_000

// commit adds a batch of events of one block each.
func (w *world) commit(gateway string, epoch, boot uint32, block uint64, events ...*pb.Event) *batch.Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := &batch.Batch{ID: int64(len(w.batches) + 1), Gateway: gateway, Epoch: epoch, First: block, Last: block, Received: start + int64(len(w.batches))}
	for i, e := range events {
		b.Events = append(b.Events, batch.Event{Block: block, Position: i, Boot: boot, Event: e})
		if a := e.GetAnchor(); a != nil {
			k := fmt.Sprint(gateway, " ", epoch, " ", a.Boot)
			w.anchors[k] = append(w.anchors[k], truetime.Anchor{At: a.AtMs, UTC: a.UtcMs, Uncertainty: int64(a.UncertaintyMs), Source: truetime.Source(a.Source)})
		}
	}
	w.batches = append(w.batches, b)
	return b
}

func (w *world) Replay(_ context.Context, after int64, yield func(*batch.Batch) error) error {
	w.mu.Lock()
	all := slices.Clone(w.batches)
	w.mu.Unlock()
	for _, b := range all {
		if b.ID > after {
			if err := yield(b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) Told(ctx context.Context, kind string, yield func(string, uint32, int64, batch.Event) error) error {
	return w.Replay(ctx, 0, func(b *batch.Batch) error {
		for _, e := range b.Events {
			if e.Event.GetScan() != nil && kind == "scan" {
				if err := yield(b.Gateway, b.Epoch, b.Received, e); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (w *world) Timeline(_ context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.anchors[fmt.Sprint(gateway, " ", epoch, " ", boot)]
	if len(all) == 0 {
		return nil, nil
	}
	return truetime.NewTimeline(all), nil
}

func (w *world) Take(_ context.Context, actor, _ string, all []Statement) ([]Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dies != nil {
		if err := w.dies(); err != nil {
			return nil, err
		}
	}
	out := make([]Outcome, len(all))
	for i, s := range all {
		out[i] = w.take(s)
	}
	if w.forgets != nil {
		if err := w.forgets(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *world) take(s Statement) Outcome {
	id, subject, corrects := s.names()
	if old, ok := w.taken[id]; ok {
		if !equal(old, s) {
			return Outcome{"refused", "id was used for another"}
		}
		return Outcome{State: "known"}
	}
	_, known := w.taken[corrects]
	if w.unknown[subject] || corrects != "" && !known {
		w.aside[id] = s
		return Outcome{"set_aside", "unknown"}
	}
	w.taken[id] = s
	return Outcome{State: Taken}
}

func (s Statement) names() (id, subject, corrects string) {
	if s.Attached != nil {
		return s.Attached.ID, s.Attached.Subject.String(), s.Attached.Corrects
	}
	return s.HandedOver.ID, s.HandedOver.Subject.String(), s.HandedOver.Corrects
}

func equal(a, b Statement) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// holds gives the statements in effect, without what depends on the way there.
func (w *world) holds() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var heads []timeline.Statement
	var all []Statement
	for _, s := range w.taken {
		id, _, corrects := s.names()
		at, _, made := s.times()
		heads = append(heads, timeline.Statement{ID: id, At: at, Made: made, Corrects: corrects, Withdrawn: s.takesBack()})
		all = append(all, s)
	}
	for _, i := range timeline.Resolve(heads).Holds {
		at, uncertainty, _ := all[i].times()
		b, _ := json.Marshal([]any{at, uncertainty, all[i].bare()})
		out = append(out, string(b))
	}
	slices.Sort(out)
	return out
}

// Consume implements Events: nothing is ever settled.
func (w *world) Consume(ctx context.Context, _ string, _ func(context.Context, []event.Event) error) error {
	<-ctx.Done()
	return nil
}

func (w *world) keeper(t testing.TB, db *store.DB) *Keeper {
	k, err := New(Options{Store: db, Evidence: w, Times: w, Custody: w, Events: w, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// settle has a keeper do all that there is to do, small shifts too.
func (w *world) settle(t testing.TB, k *Keeper) {
	t.Helper()
	k.queue.missed()
	for i := range 20 {
		err := k.work(context.Background())
		if err == nil && i > 2 {
			return
		}
		if err != nil && !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		w.now = w.now.Add(11 * time.Minute)
		k.queue.missed()
	}
	t.Fatal("it does not come to rest")
}

var errDied = errors.New("the hub has died")

func scanned(tick int64, m *pb.Scan) *pb.Event {
	if m.Action == 0 {
		m.Action = attach
	}
	if m.Kind == 0 {
		m.Kind = 1
	}
	if m.Value == "" {
		m.Value = "BOX-1"
	}
	if m.Action == attach && m.Target == "" {
		m.Target = "compartment/van-1-a"
	}
	m.Raw, m.TickMs = []byte(m.Value), tick
	return &pb.Event{AtMs: tick, Kind: &pb.Event_Scan{Scan: m}}
}

func anchored(boot uint32, at, utc int64, uncertainty uint64, source truetime.Source) *pb.Event {
	return &pb.Event{AtMs: at, Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: boot, AtMs: at, UtcMs: utc, UncertaintyMs: uncertainty, Source: uint32(source)}}}
}
