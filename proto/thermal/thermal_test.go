package thermal

import (
	"testing"
)

func BenchmarkEvaluate30Days(b *testing.B) {
	p, _ := Named("crt")
	b.ReportAllocs()
	s := make([]Sample, 259_200)
	for i := range s {
		s[i] = Sample{At: int64(i) * 10_000, Value: Temp(22_000 + (i*7919)%4000)}
	}
	h := History{From: 0, To: s[len(s)-1].At, Stretches: []Stretch{{From: 0, To: s[len(s)-1].At, Source: "x", Samples: s}}}
	for b.Loop() {
		if _, err := Evaluate(&p, &h); err != nil {
			b.Fatal(err)
		}
	}
}
