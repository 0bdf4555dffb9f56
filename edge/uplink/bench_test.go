package uplink

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"
)

// benchRig runs an uplink as in the field, but for the network.
func benchRig(b *testing.B) *rig {
	r := newRig(b, func(c *Config) {
		c.Timing = Timing{SealAnswer: time.Hour}
		c.Log = slog.New(slog.DiscardHandler)
	})
	return r
}

// BenchmarkLive counts the bytes on the socket for 20 series at 1 Hz, with a
// seal for each minute and the State.
func BenchmarkLive(b *testing.B) {
	r := benchRig(b)
	r.start()
	r.until("it is connected", func() bool { return r.uplink.Status().Acks > 0 })
	up := r.uplink.Status().Up
	n := 0
	for b.Loop() {
		if n++; n%60 == 0 {
			r.uplink.Seal()
		}
		last := r.journal.keep(20)
		r.until("it is committed", func() bool { return r.journal.committed(1) == last })
	}
	b.ReportMetric(float64(r.uplink.Status().Up-up)/float64(n*20), "B/reading")
	r.stop()
}

// BenchmarkBacklog drains 576,000 readings: 20 series at 1 Hz for 8 hours.
func BenchmarkBacklog(b *testing.B) {
	var bytes, readings uint64
	for b.Loop() {
		b.StopTimer()
		r := benchRig(b)
		r.keep(28_800)
		b.StartTimer()
		r.start()
		r.until("all is acknowledged", func() bool { return r.journal.committed(1) == 28_800 })
		b.StopTimer()
		s := r.uplink.Status()
		bytes, readings = bytes+s.Up, readings+576_000
		b.Logf("%d parcels, %d resent, window %d, base %v, round trip %v", s.Backlog, s.Resent, s.Window, s.Base, s.RoundTrip)
		r.stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(bytes)/float64(readings), "B/reading")
}

// BenchmarkLiveWhileDraining measures how long a fresh block takes until the
// journal knows that it is committed, without and with a backlog beside it.
func BenchmarkLiveWhileDraining(b *testing.B) {
	for _, backlog := range []int{0, 200_000} {
		b.Run(fmt.Sprintf("backlog=%d", backlog), func(b *testing.B) {
			r := benchRig(b)
			r.keep(backlog)
			r.start()
			r.until("it is connected", func() bool { return r.uplink.Status().Acks > 0 })
			var took []time.Duration
			during := 0
			for b.Loop() {
				start := time.Now()
				n := r.journal.keep(20)
				r.until("it is committed", func() bool {
					r.hub.mu.Lock()
					defer r.hub.mu.Unlock()
					return r.hub.epoch(1).blocks[n] != nil
				})
				took = append(took, time.Since(start))
				if r.journal.committed(1) < uint64(backlog) {
					during++
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(during)/float64(len(took)), "share-during")
			r.stop()
		})
	}
}
