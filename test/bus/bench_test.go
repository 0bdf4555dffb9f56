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

// Nitrogen's temperature is far from what other sensors measure.
func TestCryogenic(t *testing.T) {
	g := openIn(t, bench, "bench")
	g.fault("cryo", "stuck", -196)
	got := g.pass(2 * time.Minute)
	for _, r := range got["cryo temperature"][6:] { // the first few are an impossible step
		if r.Quality != reading.OK || r.Value < -196_030 || r.Value > -195_970 {
			t.Errorf("at -196 °C: %+v", r)
		}
	}
}

// Each fault shows in the readings of that sensor, from the next tick on, and
// in no other's; and when it is over nothing of it is left.
func TestBench(t *testing.T) {
	g := openIn(t, bench, "bench")
	g.healthy("at first", g.pass(5*time.Minute))
	older := []string{"older temperature", "older humidity"}
	weather := []string{"weather temperature", "weather humidity", "weather pressure"}
	for _, f := range []struct {
		device, kind string
		value        []float64
		want         reading.Quality
		series       []string
	}{
		{"old", "unplugged", nil, reading.NoAnswer, []string{"old temperature"}},
		{"old", "crc", []float64{1}, reading.Checksum, []string{"old temperature"}},
		{"old", "power-on", nil, reading.PowerOn, []string{"old temperature"}},
		{"older", "unplugged", nil, reading.NoAnswer, older},
		{"older", "crc", []float64{1}, reading.Checksum, older},
		{"older", "slow", []float64{2}, reading.NotReady, older},
		{"precise", "unplugged", nil, reading.NoAnswer, []string{"precise temperature"}},
		{"precise", "power-on", nil, reading.PowerOn, []string{"precise temperature"}},
		{"precise", "slow", []float64{2}, reading.NotReady, []string{"precise temperature"}},
		{"weather", "unplugged", nil, reading.NoAnswer, weather},
		{"weather", "power-on", nil, reading.PowerOn, weather},
		{"weather", "slow", []float64{2}, reading.NotReady, weather},
		{"cryo", "unplugged", nil, reading.NoAnswer, []string{"cryo temperature"}},
		{"cryo", "open", nil, reading.NoAnswer, []string{"cryo temperature"}},
		{"cryo", "short", nil, reading.NoAnswer, []string{"cryo temperature"}},
		{"cryo", "power-on", nil, reading.PowerOn, []string{"cryo temperature"}},
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
