package history

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

const noon = 1_700_000_000_000

func ticks(from, n int64) (out []int64) {
	for i := range n {
		out = append(out, from+i*1000)
	}
	return out
}

func query(t *testing.T, h *History, from, to int64) Page {
	t.Helper()
	p, err := h.Query(t.Context(), key(0), from, to, MaxPoints)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPromise4LateAnchorsDate: readings have no time until an anchor comes,
// and a better anchor dates them anew, whether they are merged or not.
func TestPromise4LateAnchorsDate(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		rec := &record{}
		h := open(t, db, rec, 1<<20)
		h.Committed(rec.add(one(1, 1, ticks(1000, 10)...)))
		for _, merged := range []bool{false, true} {
			if merged {
				if err := h.merge(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if p := query(t, h, 0, 1<<45); len(p.Points) != 0 || p.Undated != 10 {
				t.Fatalf("merged %v: %d dated and %d undated before any anchor, want 10 undated", merged, len(p.Points), p.Undated)
			}
			r, ok, err := h.Latest(t.Context(), key(0))
			if err != nil || !ok || r.Dated || r.Tick != 10_000 {
				t.Fatalf("merged %v: latest %+v, %v, %v; want tick 10000 undated", merged, r, ok, err)
			}
		}
		h.Committed(rec.add(anchored(&batch.Batch{Gateway: "van-1", Epoch: 1}, 1, truetime.Anchor{At: 0, UTC: noon + 300, Uncertainty: 1000, Source: truetime.RTC})))
		p := query(t, h, 0, 1<<45)
		if len(p.Points) != 10 || p.Undated != 0 || p.Points[0].UTC != noon+1300 || p.Points[0].Uncertainty != 1001 {
			t.Fatalf("after the first anchor: %+v", p)
		}
		h.Committed(rec.add(anchored(&batch.Batch{Gateway: "van-1", Epoch: 1}, 1, truetime.Anchor{At: 20_000, UTC: noon + 20_000, Uncertainty: 5, Source: truetime.GNSS})))
		p = query(t, h, 0, 1<<45)
		if got := p.Points[0]; got.UTC != noon+1000 || got.Uncertainty > 10 || got.Conflict {
			t.Fatalf("after a better anchor: %+v", got)
		}
		h.Committed(rec.add(anchored(&batch.Batch{Gateway: "van-1", Epoch: 1}, 1, truetime.Anchor{At: 20_000, UTC: noon + 99_000, Uncertainty: 5, Source: truetime.NTP})))
		if got := query(t, h, 0, 1<<45).Points[0]; !got.Conflict || got.Uncertainty < 39_000 {
			t.Fatalf("after one that contradicts: %+v", got)
		}
		s, err := h.ClockState(t.Context(), "van-1", 1, 1, 5000)
		if err != nil || !s.Dated || !s.Conflict || s.Source != truetime.NTP {
			t.Errorf("clock %+v, %v", s, err)
		}
		if got := query(t, open(t, db, rec, 1<<20), 0, 1<<45).Points[0]; !got.Conflict {
			t.Fatalf("after a restart: %+v", got)
		}
		h.Committed(rec.add(anchored(&batch.Batch{Gateway: "van-1", Epoch: 1}, 1, truetime.Anchor{At: 10_000, UTC: noon + 10_100, Uncertainty: 500, Source: truetime.Hub})))
		if got := query(t, h, 0, 1<<45).Points[0]; got.Conflict || got.UTC != noon+1000 || got.Uncertainty > 10 {
			t.Fatalf("after a third that agrees with the first: %+v", got)
		}
		s, err = h.ClockState(t.Context(), "van-1", 1, 1, 5000)
		if err != nil || s.Conflict || s.Source != truetime.GNSS || !slices.Equal(s.Left, []truetime.Source{truetime.NTP}) {
			t.Errorf("clock %+v, %v", s, err)
		}
	})
}

func TestQueryPages(t *testing.T) {
	rec := &record{}
	h := open(t, storetest.Open(t, storetest.SQLite(t)), rec, 1<<20)
	h.Committed(rec.add(anchored(one(1, 1, ticks(0, 100)...), 1, truetime.Anchor{UTC: noon, Uncertainty: 1})))
	for _, most := range []int{0, -1, MaxPoints + 1} {
		if _, err := h.Query(t.Context(), key(0), 0, 1, most); err == nil {
			t.Errorf("query for %d points was accepted", most)
		}
	}
	var all []int64
	for from := int64(noon - 5); ; {
		p, err := h.Query(t.Context(), key(0), from, noon+50_000, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Points {
			all = append(all, r.Tick)
		}
		if !p.More {
			break
		}
		from = p.Points[len(p.Points)-1].UTC + 1
	}
	if !slices.Equal(all, ticks(0, 50)) {
		t.Fatalf("pages gave %v", all)
	}
	if p, err := h.Query(t.Context(), Key{Gateway: "van-1", Sensor: "unknown"}, 0, 1<<45, 10); err != nil || len(p.Points) != 0 {
		t.Errorf("an unknown sensor gave %+v, %v", p, err)
	}
}

// TestEpochsAndBootsInOrderOfTime: what a vehicle measured before and after a
// restart comes in order of UTC.
func TestEpochsAndBootsInOrderOfTime(t *testing.T) {
	rec := &record{}
	h := open(t, storetest.Open(t, storetest.SQLite(t)), rec, 1<<20)
	for i, at := range []struct{ epoch, boot uint32 }{{2, 7}, {1, 1}, {1, 2}, {2, 6}} {
		start := noon + int64(at.epoch*10+at.boot)*Window
		h.Committed(rec.add(anchored(one(at.epoch, at.boot, ticks(int64(i)*5000, 5)...), at.boot, truetime.Anchor{UTC: start, Uncertainty: 1})))
		if err := h.merge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var order []uint32
	if err := h.Readings(t.Context(), key(0), 0, 1<<45, func(r Reading) error { order = append(order, r.Epoch*10+r.Boot); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(order) || len(order) != 20 {
		t.Fatalf("readings came from epochs and boots %v", order)
	}
	if r, ok, err := h.Latest(t.Context(), key(0)); err != nil || !ok || r.Epoch != 2 || r.Boot != 7 {
		t.Errorf("latest is %+v, %v, %v", r, ok, err)
	}
	if r, ok, err := open(t, h.store, rec, 1<<20).Latest(t.Context(), key(0)); err != nil || !ok || r.Epoch != 2 || r.Boot != 7 || r.Tick != 4000 {
		t.Errorf("after a restart latest is %+v, %v, %v", r, ok, err)
	}
}

// TestPromise8BacklogDoesNotTurnLatestBack: older readings that arrive later
// are not the newest.
func TestPromise8BacklogDoesNotTurnLatestBack(t *testing.T) {
	rec := &record{}
	h := open(t, storetest.Open(t, storetest.SQLite(t)), rec, 1<<20)
	h.Committed(rec.add(one(1, 2, 50_000)))
	h.Committed(rec.add(one(1, 1, ticks(90_000, 5)...)))
	h.Committed(rec.add(one(1, 2, ticks(1000, 5)...)))
	if r, _, err := h.Latest(t.Context(), key(0)); err != nil || r.Boot != 2 || r.Tick != 50_000 || r.Received != 7 {
		t.Fatalf("latest is %+v, %v", r, err)
	}
}

// TestRunMergesAndGoesOnAfterFailures: the head empties itself once it has
// enough, also when the store fails for a while.
func TestRunMergesWhatIsHeld(t *testing.T) {
	rec := &record{}
	h := open(t, storetest.Open(t, storetest.SQLite(t)), rec, 4096)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	for i := range int64(40) {
		h.Committed(rec.add(one(1, 1, ticks(i*500_000, 500)...)))
	}
	for h.Status().Head > 1024 {
		if ctx.Err() != nil {
			t.Fatal("the head was not merged")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n, err := h.Count(t.Context(), "van-1", 1); err != nil || n != 20_000 {
		t.Fatalf("%d readings, %v; want 20000", n, err)
	}
	// More than the head may hold is waiting at the next start.
	for i := range int64(40) {
		rec.add(one(1, 2, ticks(i*500_000, 500)...))
	}
	h = open(t, h.store, rec, 4096)
	if n, err := h.Count(t.Context(), "van-1", 1); err != nil || n != 40_000 || h.Full() {
		t.Fatalf("%d readings, %v, full %v; want 40000", n, err, h.Full())
	}
}

func TestEnvelopeIsNaive(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	rapid.Check(t, func(rt *rapid.T) {
		wipe(t, db)
		rec, model := &record{}, newNaive()
		h := open(t, db, rec, 1<<20)
		drift := rapid.Int64Range(0, 3000).Draw(rt, "offset")
		for boot := range rapid.Uint32Range(1, 3).Draw(rt, "boots") {
			tick := rapid.Int64Range(0, Window).Draw(rt, "start") / 1000 * 1000
			c := batch.Column{}
			for i := range rapid.IntRange(1, 200).Draw(rt, "readings") {
				c.Ticks, c.Values = append(c.Ticks, tick), append(c.Values, rapid.Int64Range(-9, 9).Draw(rt, "value"))
				if rapid.IntRange(0, 30).Draw(rt, "bad") == 0 {
					c.Flaws = append(c.Flaws, batch.Flaw{At: i, Quality: reading.Stuck})
				}
				tick += rapid.SampledFrom([]int64{1000, 1000, 1000, 1000, 1000, 2000, 600_000}).Draw(rt, "step")
			}
			b := &batch.Batch{Gateway: "van-1", Epoch: 1, Boots: []batch.Boot{{Boot: boot, Columns: []batch.Column{c}}}}
			anchored(b, boot, truetime.Anchor{At: 0, UTC: noon + int64(boot)*3*Window + drift, Uncertainty: 30})
			model.add(b)
			h.Committed(rec.add(b))
			if rapid.Bool().Draw(rt, "merge") {
				if err := h.merge(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
		}
		from := noon + rapid.Int64Range(-Window, 9*Window).Draw(rt, "from")
		to := from + rapid.SampledFrom([]int64{1, 777, 100_000, Window, 12 * Window}).Draw(rt, "span")
		buckets := rapid.SampledFrom([]int{1, 2, 3, 100, MaxBuckets}).Draw(rt, "buckets")
		now := noon + rapid.Int64Range(0, 12*Window).Draw(rt, "now")
		got, err := h.Envelope(t.Context(), key(0), from, to, buckets, 0, now)
		if err != nil {
			rt.Fatal(err)
		}
		all, _ := model.query(0, from, to)
		last, gaps := from, []Gap(nil)
		want := slices.Clone(got.Buckets)
		for i := range want {
			want[i] = Bucket{At: from + int64(i)*got.Width}
		}
		gap := func(until int64) {
			if until-last >= 1750 {
				gaps = append(gaps, Gap{last, until})
			}
			last = max(last, until)
		}
		var usable int64
		for _, r := range all {
			gap(r.UTC)
			b := &want[(r.UTC-from)/got.Width]
			if r.Quality != reading.OK {
				b.Bad++
				continue
			}
			usable++
			if b.N == 0 {
				b.Min, b.Max = r.Value, r.Value
			}
			b.Min, b.Max, b.N = min(b.Min, r.Value), max(b.Max, r.Value), b.N+1
			b.Mean += float64(r.Value) // a sum for now
		}
		gap(min(to, now))
		if got.Readings != int64(len(all)) || got.Usable != usable || !slices.Equal(got.Gaps, gaps) {
			rt.Fatalf("got %d readings, %d usable, gaps %v; want %d, %d, %v", got.Readings, got.Usable, got.Gaps, len(all), usable, gaps)
		}
		for i, w := range want {
			if w.N > 0 {
				w.Mean /= float64(w.N)
			}
			g := got.Buckets[i]
			if math.Abs(g.Mean-w.Mean) > 1e-9 {
				rt.Fatalf("bucket %d has mean %v, want %v", i, g.Mean, w.Mean)
			}
			if g.Mean = w.Mean; g != w {
				rt.Fatalf("bucket %d is %+v, want %+v", i, g, w)
			}
		}
	})
}

func drawPoints(t *rapid.T) (p points) {
	offset := rapid.Int32Range(0, 1000).Draw(t, "first")
	for range rapid.IntRange(0, 200).Draw(t, "readings") {
		q := rapid.SampledFrom([]reading.Quality{0, 0, 0, 0, reading.NoAnswer, reading.PowerOn, 120}).Draw(t, "quality")
		v := int64(0)
		if q.HasValue() {
			v = rapid.Int64().Draw(t, "value")
		}
		p.add(offset, v, q)
		offset += rapid.SampledFrom([]int32{1000, 1000, 1, 5_000}).Draw(t, "step")
	}
	return p
}

func TestChunkRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPoints(t)
		got, err := decode(p.encode())
		if err != nil || !slices.Equal(got.offsets, p.offsets) || !slices.Equal(got.values, p.values) || !slices.Equal(got.flaws, p.flaws) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, p)
		}
	})
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add([]byte{})
	f.Add((points{}).encode())
	f.Add(points{offsets: []int32{0, 1000, 2000}, values: []int64{5, 6, 0}, flaws: []flaw{{2, reading.NoAnswer}}}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(p.encode())
		if err != nil || !slices.Equal(again.offsets, p.offsets) || !slices.Equal(again.values, p.values) || !slices.Equal(again.flaws, p.flaws) {
			t.Fatalf("%x decodes as %+v, which becomes %+v, %v", data, p, again, err)
		}
	})
}

// TestOldChunk opens a chunk as the first version wrote it.
func TestOldChunk(t *testing.T) {
	for _, old := range [][]byte{
		{1, 3, 0, 0xd0, 0xf, 0, 1, 2, 1, 0xa, 2}, // 0, 1000, 2000 ms: 5, 6 and no answer
	} {
		p, err := decode(old)
		if err != nil || !slices.Equal(p.values, []int64{5, 6, 0}) || !slices.Equal(p.offsets, []int32{0, 1000, 2000}) {
			t.Errorf("%x decodes as %+v, %v", old, p, err)
		}
	}
}
