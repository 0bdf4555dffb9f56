package bus

import (
	"bytes"
	_ "embed"
	"net"
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
	// Whoever takes the port between here and there makes the test fail loudly.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	l.Close()
	s, err := scenario.Parse(bytes.ReplaceAll(benchYAML, []byte("MODBUS"), []byte(l.Addr().String())))
	if err != nil {
		panic("bench.yaml: " + err.Error())
	}
	return s.In(dir)
}

func TestPower(t *testing.T) {
	g := openIn(t, bench, "bench")
	last := func(got map[string][]reading.Reading, series string) int64 {
		return got[series][len(got[series])-1].Value
	}
	got := g.pass(30 * time.Second)
	for series, want := range map[string]int64{"backup voltage": 12_600, "backup state-of-charge": 89_000, "supply voltage": 24_200, "lid tamper": 0} {
		if v := last(got, series); v < want-want/50 || v > want+want/50 {
			t.Errorf("%s is %d, want about %d", series, v, want)
		}
	}
	g.fault("lid", "door-open")
	g.fault("backup", "stuck", 11.5)
	got = g.pass(30 * time.Second)
	if last(got, "lid tamper") != 1 || last(got, "backup voltage") != 11_500 || last(got, "backup state-of-charge") != 28_000 {
		t.Errorf("lid open and battery low: %v %v %v", got["lid tamper"], got["backup voltage"], got["backup state-of-charge"])
	}
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
	controller := []string{"controller temperature", "controller compressor-setpoint", "controller compressor-running"}
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
		{"controller", "unplugged", nil, reading.NoAnswer, controller},
		{"controller", "crc", []float64{1}, reading.Checksum, controller},
		{"controller", "no-value", nil, reading.NoAnswer, controller[:1]},
		{"reefer", "unplugged", nil, reading.NoAnswer, []string{"reefer temperature"}},
		{"reefer", "no-value", nil, reading.NoAnswer, []string{"reefer temperature"}},
		{"lid", "unplugged", nil, reading.OK, nil}, // a cut cable is an open lid
		{"backup", "unplugged", nil, reading.NoAnswer, []string{"backup voltage", "backup state-of-charge"}},
		{"supply", "unplugged", nil, reading.NoAnswer, []string{"supply voltage"}},
		{"supply", "open", nil, reading.OutOfRange, []string{"supply voltage"}},
	} {
		when := f.device + " " + f.kind
		g.fault(f.device, f.kind, f.value...)
		got := g.pass(30 * time.Second)
		for _, s := range f.series {
			all(t, when, s, got, f.want)
		}
		g.healthy(when, got, f.series...)
		g.fault(f.device, "none")
		g.healthy("after "+when, g.pass(30*time.Second))
	}
}
