package history

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// record is the evidence of the tests: batches in a list.
type record struct {
	mu      sync.Mutex
	batches []*batch.Batch
}

func (r *record) add(b *batch.Batch) *batch.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.ID = int64(len(r.batches)) + 1
	b.First = uint64(b.ID)
	b.Last = b.First
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
	return slices.Clone(r.batches)
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

// fixed is a registry where sensor "sN" has series N in epochs 1 and 2.
type fixed struct{}

func (fixed) Identities(_, sensor string, _ reading.Quantity, yield func(epoch, series uint32, interval time.Duration)) {
	var n uint32
	if _, err := fmt.Sscanf(sensor, "s%d", &n); err == nil {
		yield(1, n, time.Second)
		yield(2, n, time.Second)
	}
}

func key(n uint32) Key { return Key{"van-1", fmt.Sprintf("s%d", n), reading.Temperature} }

func open(t testing.TB, s Store, r *record, most int) *History {
	t.Helper()
	h, err := New(context.Background(), Options{Store: s, Evidence: r, Series: fixed{}, Log: storetest.Logger(t), HeadReadings: most})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// one is a batch of readings of series 0 at the ticks, each with its tick as
// the value.
func one(epoch, boot uint32, ticks ...int64) *batch.Batch {
	c := batch.Column{Ticks: ticks, Values: slices.Clone(ticks)}
	return &batch.Batch{Gateway: "van-1", Epoch: epoch, Received: 7, Boots: []batch.Boot{{Boot: boot, Columns: []batch.Column{c}}}}
}

func anchored(b *batch.Batch, boot uint32, a truetime.Anchor) *batch.Batch {
	m := &pb.Anchor{Boot: boot, AtMs: a.At, UtcMs: a.UTC, UncertaintyMs: uint64(a.Uncertainty), Source: uint32(a.Source)}
	b.Events = append(b.Events, batch.Event{Boot: boot, Event: &pb.Event{AtMs: a.At, Kind: &pb.Event_Anchor{Anchor: m}}})
	return b
}

// naive is what history should answer: it keeps all, and dates with truetime.
type naive struct {
	readings map[trackKey]map[int64]Reading
	anchors  map[bootKey][]truetime.Anchor
	repeated int
}

func newNaive() *naive {
	return &naive{readings: map[trackKey]map[int64]Reading{}, anchors: map[bootKey][]truetime.Anchor{}}
}

func (n *naive) add(b *batch.Batch) {
	for _, boot := range b.Boots {
		for _, c := range boot.Columns {
			k := trackKey{b.Gateway, b.Epoch, c.Series, boot.Boot}
			if n.readings[k] == nil {
				n.readings[k] = map[int64]Reading{}
			}
			c.Each(func(tick, value int64, q reading.Quality) {
				if old, ok := n.readings[k][tick]; ok {
					n.repeated++
					if !better(value, q, old.Value, old.Quality) {
						return
					}
				}
				n.readings[k][tick] = Reading{Epoch: b.Epoch, Boot: boot.Boot, Tick: tick, Value: value, Quality: q}
			})
		}
	}
	for _, e := range b.Events {
		if a := e.Event.GetAnchor(); a != nil {
			k := bootKey{b.Gateway, b.Epoch, a.Boot}
			n.anchors[k] = append(n.anchors[k], truetime.Anchor{At: a.AtMs, UTC: a.UtcMs, Uncertainty: int64(a.UncertaintyMs), Source: truetime.Source(a.Source)})
		}
	}
}

func (n *naive) query(series uint32, from, to int64) (out []Reading, undated uint64) {
	for k, readings := range n.readings {
		if k.series != series {
			continue
		}
		tl := truetime.NewTimeline(n.anchors[bootKey{k.gateway, k.epoch, k.boot}])
		for _, r := range readings {
			m, ok := tl.Resolve(r.Tick)
			if !ok {
				undated++
				continue
			}
			if r.Dated, r.UTC, r.Uncertainty, r.Conflict = true, m.UTC, m.Uncertainty, m.Conflict; m.UTC >= from && m.UTC < to {
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.UTC, b.UTC), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Boot, b.Boot), cmp.Compare(a.Tick, b.Tick))
	})
	return out, undated
}

func (n *naive) count(epoch uint32) (total uint64) {
	for k, r := range n.readings {
		if k.epoch == epoch {
			total += uint64(len(r))
		}
	}
	return total
}

// flaky fails some writes, before or after they are done.
type flaky struct {
	*store.DB
	mu   sync.Mutex
	fail func() (before, after bool)
}

var errFlaky = errors.New("write failed")

func (f *flaky) Write(ctx context.Context, do func(context.Context, *store.Tx) error) error {
	f.mu.Lock()
	before, after := false, false
	if f.fail != nil {
		before, after = f.fail()
	}
	f.mu.Unlock()
	if before {
		return errFlaky
	}
	if err := f.DB.Write(ctx, do); err != nil {
		return err
	}
	if after {
		return errFlaky
	}
	return nil
}

// near tells whether two readings are the same, with UTC to the millisecond
// that rounding takes.
func near(a, b Reading) bool {
	d, u := a.UTC-b.UTC, a.Uncertainty-b.Uncertainty
	a.UTC, a.Uncertainty = b.UTC, b.Uncertainty
	return a == b && d >= -1 && d <= 1 && u >= -1 && u <= 1
}

// TestPromise3OnceInHistory: whatever order batches come in, however merges
// and restarts fall between them and whichever writes fail, history gives each
// reading once, with the time that truetime gives it.
func TestPromise3OnceInHistory(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		db := storetest.Open(t, url)
		if db.Dialect() == store.Postgres {
			checks(t, 15)
		}
		rapid.Check(t, func(rt *rapid.T) {
			wipe(t, db)
			f := &flaky{DB: db}
			rec, model := &record{}, newNaive()
			h := open(t, f, rec, 1<<20)
			batches := drawBatches(rt)
			for _, b := range batches {
				switch rapid.SampledFrom([]string{"", "", "", "merge", "fail", "fail but done", "restart", "die"}).Draw(rt, "then") {
				case "merge":
					if err := h.merge(t.Context()); err != nil {
						rt.Fatal(err)
					}
				case "fail", "fail but done":
					done := rapid.Bool().Draw(rt, "done")
					n := rapid.IntRange(0, 3).Draw(rt, "failing write")
					f.fail = func() (bool, bool) { n--; return n == -1 && !done, n == -1 && done }
					h.merge(t.Context())
					f.fail = nil
				case "restart":
					h = open(t, f, rec, 1<<20)
				case "die": // in mid-merge
					n := rapid.IntRange(0, 3).Draw(rt, "failing write")
					f.fail = func() (bool, bool) { n--; return n < 0, false }
					h.merge(t.Context())
					f.fail = nil
					h = open(t, f, rec, 1<<20)
				}
				h.Committed(rec.add(b))
				model.add(b)
			}
			compare(rt, h, model, model.repeated)
			if err := h.merge(t.Context()); err != nil {
				rt.Fatal(err)
			}
			compare(rt, h, model, 0)
			compare(rt, open(t, f, rec, 1<<20), model, 0)
			if got := h.Status(); got.Head != 0 || int(got.Repeated) != model.repeated {
				rt.Fatalf("status %+v after merging all, want an empty head and %d repeated", got, model.repeated)
			}
			for epoch := uint32(1); epoch <= 2; epoch++ {
				if got, err := h.Count(t.Context(), "van-1", epoch); err != nil || got != model.count(epoch) {
					rt.Fatalf("epoch %d holds %d readings, %v; want %d", epoch, got, err, model.count(epoch))
				}
			}
		})
	})
}

// checks sets how many cases rapid tries, for databases that are slow at it.
func checks(t *testing.T, n int) {
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	flag.Set(f.Name, strconv.Itoa(n))
	t.Cleanup(func() { flag.Set(f.Name, before) })
}

func wipe(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, q := range []string{"DELETE FROM history_chunk", "DELETE FROM history_track", "UPDATE history_state SET value = 0"} {
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

// drawBatches makes batches of two epochs, three boots and three series, over
// a few windows, some late, some of them with anchors.
func drawBatches(t *rapid.T) []*batch.Batch {
	var out []*batch.Batch
	next := map[trackKey]int64{}
	for range rapid.IntRange(1, 12).Draw(t, "batches") {
		b := &batch.Batch{Gateway: "van-1", Epoch: rapid.Uint32Range(1, 2).Draw(t, "epoch"), Received: 7}
		for _, boot := range rapid.SliceOfNDistinct(rapid.Uint32Range(1, 3), 1, 2, rapid.ID).Draw(t, "boots") {
			bb := batch.Boot{Boot: boot}
			for _, series := range rapid.SliceOfNDistinct(rapid.SampledFrom([]uint32{0, 1, 5000}), 1, 3, rapid.ID).Draw(t, "series") {
				c := batch.Column{Series: series}
				k := trackKey{"van-1", b.Epoch, series, boot}
				tick := next[k]
				if rapid.IntRange(0, 3).Draw(t, "jump") == 0 {
					tick = rapid.Int64Range(-Window, 4*Window).Draw(t, "tick") / 1000 * 1000
				}
				for i := range rapid.IntRange(1, 30).Draw(t, "readings") {
					c.Ticks, c.Values = append(c.Ticks, tick), append(c.Values, rapid.Int64Range(-50, 50).Draw(t, "value"))
					if q := rapid.SampledFrom([]reading.Quality{0, 0, 0, reading.NoAnswer, reading.Stuck}).Draw(t, "quality"); q != 0 {
						c.Flaws = append(c.Flaws, batch.Flaw{At: i, Quality: q})
						if !q.HasValue() {
							c.Values[i] = 0
						}
					}
					tick += rapid.SampledFrom([]int64{1000, 1000, 1000, 60_000, Window / 3, 0, -1000}).Draw(t, "step")
				}
				next[k] = tick
				bb.Columns = append(bb.Columns, c)
			}
			b.Boots = append(b.Boots, bb)
		}
		for range rapid.IntRange(0, 2).Draw(t, "anchors") {
			boot := rapid.Uint32Range(1, 3).Draw(t, "anchored boot")
			at := rapid.Int64Range(-Window, 5*Window).Draw(t, "at")
			// The boots of an epoch begin hours after one another, so that they overlap.
			utc := 1_700_000_000_000 + int64(b.Epoch*3+boot)*Window + at + rapid.Int64Range(-20, 20).Draw(t, "error")
			anchored(b, boot, truetime.Anchor{At: at, UTC: utc, Uncertainty: rapid.Int64Range(20, 5000).Draw(t, "uncertainty"), Source: truetime.NTP})
		}
		out = append(out, b)
	}
	return out
}

// compare asks history and the model the same questions. Readings that are
// repeated are counted as often as they are until they are merged.
func compare(t *rapid.T, h *History, model *naive, repeated int) {
	t.Helper()
	const base = 1_700_000_000_000
	spans := [][2]int64{{0, 1 << 45}, {base + 5*Window, base + 6*Window}, {base + 4*Window + 1234, base + 4*Window + 1_234_000}, {5, 5}}
	for _, series := range []uint32{0, 1, 5000} {
		for _, span := range spans {
			want, undated := model.query(series, span[0], span[1])
			p, err := h.Query(context.Background(), key(series), span[0], span[1], MaxPoints)
			if err != nil {
				t.Fatal(err)
			}
			if p.Undated < undated || p.Undated > undated+uint64(repeated) {
				t.Fatalf("series %d: %d undated, want %d", series, p.Undated, undated)
			}
			if !sameReadings(p.Points, want, span) {
				t.Fatalf("series %d from %d to %d: got %d readings, want %d\n%+v\n%+v", series, span[0], span[1], len(p.Points), len(want), p.Points, want)
			}
		}
	}
}

// sameReadings compares regardless of the order of readings that differ by
// rounding, and of those at the ends of the span.
func sameReadings(got, want []Reading, span [2]int64) bool {
	if !slices.IsSortedFunc(got, func(a, b Reading) int { return cmp.Compare(a.UTC, b.UTC) }) {
		return false
	}
	place := func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Boot, b.Boot), cmp.Compare(a.Tick, b.Tick))
	}
	inner := func(r Reading) bool { return r.UTC > span[0]+1 && r.UTC < span[1]-1 }
	edge := func(all []Reading) []Reading {
		all = slices.Clone(all)
		slices.SortFunc(all, place)
		return slices.DeleteFunc(all, func(r Reading) bool { return !inner(r) })
	}
	g, w := edge(got), edge(want)
	return slices.EqualFunc(g, w, near) && len(got)-len(want) >= -4 && len(got)-len(want) <= 4
}
