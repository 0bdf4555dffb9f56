package bus

import (
	_ "embed"
	"testing"
	"time"

	sim "frostline/firmware-sim"
	"frostline/firmware-sim/scenario"
	"frostline/proto/reading"
)

//go:embed bench.yaml
var benchYAML []byte

// bench is a board with one of each wired sensor that the demonstration does
// not have.
func bench(dir string) sim.Scenario {
	s, err := scenario.Parse(benchYAML)
	if err != nil {
		panic("bench.yaml: " + err.Error())
	}
	return s.In(dir)
}

// Each fault shows in the readings of that sensor, from the next tick on, and
// in no other's; and when it is over nothing of it is left.
func TestBench(t *testing.T) {
	g := openIn(t, bench, "bench")
	g.healthy("at first", g.pass(5*time.Minute))
	for _, f := range []struct {
		device, kind string
		value        []float64
		want         reading.Quality
		series       []string
	}{
		{"old", "unplugged", nil, reading.NoAnswer, []string{"old temperature"}},
		{"old", "crc", []float64{1}, reading.Checksum, []string{"old temperature"}},
		{"old", "power-on", nil, reading.PowerOn, []string{"old temperature"}},
	} {
		when := f.device + " " + f.kind
		g.fault(f.device, f.kind, f.value...)
		got := g.pass(time.Minute)
		for _, s := range f.series {
			all(t, when, s, got, f.want)
		}
		g.healthy(when, got, f.series...)
		g.fault(f.device, "none")
		g.healthy("after "+when, g.pass(time.Minute))
	}
}
