package main

import (
	"math"
	"strings"
	"testing"

	"frostline/proto/thermal"
)

// FuzzSeries: whatever a file holds, it is read whole or refused, and what was
// read can be judged.
func FuzzSeries(f *testing.F) {
	for _, s := range []string{
		"time,celsius\n2026-09-14T06:00:00Z,5.0\n2026-09-14T06:10:00Z,7.0\n", "\ufeff5\r\n6\r\n", "1789365600;5\n1789366200;\"7\"\n", "1,2,3\n", "nan\n", "6,14\n18,5\n",
		"time_utc,quantity,value,unit,quality\n2026-09-14T06:00:00Z,temperature,4,°C,ok\n", "x\n\"", "0,1e3\n1e10,-273.149\n",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, weights bool) {
		s, err := readSeries("", strings.NewReader(text), weights)
		if err != nil {
			return
		}
		if len(s.rows) == 0 || len(s.rows) > s.Lines {
			t.Fatalf("%d readings of %d lines", len(s.rows), s.Lines)
		}
		for _, r := range s.rows {
			if !(r.celsius > -273.15 && r.celsius <= 1000) || !(r.weight >= 0) {
				t.Fatalf("read %+v", r)
			}
		}
		if out, err := meanKinetic(s, weights, 0, thermal.DefaultActivation); err == nil && (math.IsNaN(out.MKT) || out.MKT < out.Mean-1e-6) {
			t.Fatalf("mkt %v of mean %v", out.MKT, out.Mean)
		}
		if s.Timed {
			p, err := thermal.Named("crt")
			if err != nil {
				t.Fatal(err)
			}
			if out, err := judgeSeries(&p, s, nil); err == nil && out.Monitored+out.Unmonitored != out.To-out.From {
				t.Fatalf("%d and %d ms of %d", out.Monitored, out.Unmonitored, out.To-out.From)
			}
		}
	})
}
