package thermal

import (
	"runtime"
	"testing"
)

// month is 30 days at 10 s that drift about and pass limits now and then.
func month(low, wide, step int) *History {
	s := make([]Sample, 259_200)
	for i := range s {
		v := i * step % (2 * wide)
		if v > wide {
			v = 2*wide - v
		}
		s[i] = Sample{At: 1_800_000_000_000 + int64(i)*10_000, Value: Temp(low + v)}
	}
	return &History{From: s[0].At, To: s[len(s)-1].At, Stretches: []Stretch{{From: s[0].At, To: s[len(s)-1].At, Source: "bench", Samples: s}}}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, c := range []struct {
		name, profile string
		h             *History
	}{
		{"calm/refrigerated", "refrigerated", month(3000, 4000, 7)},
		{"calm/crt", "crt", month(20_500, 4000, 7)},
		{"daily-excursions/crt", "crt", month(22_000, 5000, 1)},
		{"crossing-each-minute/crt", "crt", month(22_000, 5000, 1900)},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := Named(c.profile)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Evaluate(&p, c.h); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/259_200, "ns/reading")
		})
	}
}

// BenchmarkAdd is one reading of one of ten thousand live packages.
func BenchmarkAdd(b *testing.B) {
	const packages = 10_000
	p, _ := Named("cct")
	live := make([]*Evaluator, packages)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // what other benchmarks left
	runtime.ReadMemStats(&before)
	for i := range live {
		e, err := NewEvaluator(&p, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Begin(0, "bench"); err != nil {
			b.Fatal(err)
		}
		live[i] = e
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		e, k := live[n%packages], int64(n/packages)
		if err := e.Add(Sample{At: k * 10_000, Value: Temp(3000 + (n*7919)%4000)}); err != nil {
			b.Fatal(err)
		}
		n++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(live)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/packages, "B/package")
}

func BenchmarkVerdict(b *testing.B) {
	p, _ := Named("crt")
	h := month(22_000, 5000, 1)
	e, err := NewEvaluator(&p, h.From)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.stretch(&h.Stretches[0]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Verdict(h.To); err != nil {
			b.Fatal(err)
		}
	}
}
