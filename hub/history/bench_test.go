package history

import (
	"testing"

	"frostline/hub/intake/batch"
	"frostline/hub/store/storetest"
	"frostline/proto/truetime"
)

// bundle is what one parcel of a gateway with 20 probes at 1 Hz holds.
func bundle(gateway string, first, seconds int64) *batch.Batch {
	boot := batch.Boot{Boot: 1}
	for s := range uint32(20) {
		c := batch.Column{Series: s}
		v := int64(4000)
		for i := range seconds {
			v += (i*7+int64(s)*3)%5 - 2
			c.Ticks = append(c.Ticks, (first+i)*1000)
			c.Values = append(c.Values, v*125/2)
		}
		boot.Columns = append(boot.Columns, c)
	}
	return &batch.Batch{Gateway: gateway, Epoch: 1, Boots: []batch.Boot{boot}}
}

// BenchmarkCommitted is what history costs a commit.
func BenchmarkCommitted(b *testing.B) {
	rec := &record{}
	h := open(b, storetest.Open(b, storetest.SQLite(b)), rec, 1<<30)
	n := int64(0)
	readings := 0
	for b.Loop() {
		one := bundle("van-1", n*512, 512)
		b.StopTimer()
		one.ID = n + 1
		b.StartTimer()
		h.Committed(one)
		n++
		readings += 512 * 20
		if n%200 == 0 {
			b.StopTimer()
			h = open(b, h.store, rec, 1<<30)
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(readings), "ns/reading")
}

// BenchmarkMerge moves a million readings into chunks.
func BenchmarkMerge(b *testing.B) {
	readings := 0
	for b.Loop() {
		b.StopTimer()
		rec := &record{}
		h := open(b, storetest.Open(b, storetest.SQLite(b)), rec, 1<<30)
		for i := range int64(100) {
			h.Committed(rec.add(bundle("van-1", i*512, 512)))
		}
		readings += h.Status().Head
		b.StartTimer()
		if err := h.merge(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(readings), "ns/reading")
	b.ReportMetric(float64(readings)/b.Elapsed().Seconds(), "readings/s")
}

// BenchmarkDay queries a day of one series at 1 Hz from chunks.
func BenchmarkDay(b *testing.B) {
	rec := &record{}
	h := open(b, storetest.Open(b, storetest.SQLite(b)), rec, 1<<30)
	first := anchored(bundle("van-1", 0, 512), 1, truetime.Anchor{UTC: noon, Uncertainty: 20})
	h.Committed(rec.add(first))
	for i := int64(1); i < 170; i++ {
		h.Committed(rec.add(bundle("van-1", i*512, 512)))
	}
	if err := h.merge(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("readings", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = 0
			if err := h.Readings(b.Context(), key(3), noon, noon+86_400_000, func(Reading) error { n++; return nil }); err != nil || n != 86_400 {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/reading")
	})
	b.Run("envelope", func(b *testing.B) {
		for b.Loop() {
			if e, err := h.Envelope(b.Context(), key(3), noon, noon+86_400_000, 1000, 0, noon+86_400_000); err != nil || e.Readings != 86_400 {
				b.Fatal(e.Readings, err)
			}
		}
	})
	b.Run("latest", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := h.Latest(b.Context(), key(3)); err != nil || !ok {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMonth reads 30 days of one series at 10 s, of a boot that has an
// anchor every hour, from chunks.
func BenchmarkMonth(b *testing.B) {
	rec := &record{}
	h := open(b, storetest.Open(b, storetest.SQLite(b)), rec, 1<<30)
	const day = 86_400_000
	for d := range int64(30) {
		c := batch.Column{Series: 3}
		for i := range int64(day / 10_000) {
			c.Ticks = append(c.Ticks, d*day+i*10_000)
			c.Values = append(c.Values, 4000+(i*7)%50*5)
		}
		one := &batch.Batch{Gateway: "van-1", Epoch: 1, Boots: []batch.Boot{{Boot: 1, Columns: []batch.Column{c}}}}
		for i := range int64(24) {
			at := d*day + i*3_600_000
			anchored(one, 1, truetime.Anchor{At: at, UTC: noon + at + i%3, Uncertainty: 20, Source: truetime.NTP})
		}
		h.Committed(rec.add(one))
	}
	if err := h.merge(b.Context()); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n = 0
		if err := h.Readings(b.Context(), key(3), noon-day, noon+31*day, func(Reading) error { n++; return nil }); err != nil || n != 30*8640 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/reading")
}
