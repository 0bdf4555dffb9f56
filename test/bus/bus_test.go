package bus

import (
	"math"
	"testing"
	"time"

	"frostline/proto/reading"
)

// all says that every reading has a quality.
func all(t *testing.T, when, name string, got map[string][]reading.Reading, want reading.Quality) {
	t.Helper()
	if len(got[name]) == 0 {
		t.Errorf("%s: no readings of %s", when, name)
	}
	for _, r := range got[name] {
		if r.Quality != want || !want.HasValue() && r.Value != 0 {
			t.Errorf("%s: %s at %d is %d (%v), want %v", when, name, r.Tick, r.Value, r.Quality, want)
			return
		}
	}
}

// healthy says that all readings are OK but those of the series named, and
// thermometers show the truth at the end.
func (g *gateway) healthy(when string, got map[string][]reading.Reading, but ...string) {
	g.t.Helper()
	for _, name := range g.names {
		sick := false
		for _, b := range but {
			sick = sick || b == name
		}
		if !sick {
			all(g.t, when, name, got, reading.OK)
		}
	}
	for _, d := range g.board.Devices {
		rs := got[d.Name+" temperature"]
		if len(rs) == 0 || rs[len(rs)-1].Quality != reading.OK {
			continue
		}
		last := float64(rs[len(rs)-1].Value) / 1000
		if truth := g.truth(d.Name); math.Abs(last-truth) > 0.5 {
			g.t.Errorf("%s: %s shows %.3f °C, true is %.3f", when, d.Name, last, truth)
		}
	}
}

func TestColdRoom(t *testing.T) {
	g := open(t, "sodo-cold")
	g.healthy("at first", g.pass(30*time.Minute))

	// Each fault shows in the readings of that sensor, from the next tick on,
	// and in no other's; and when it is over nothing of it is left.
	for _, f := range []struct {
		device, kind string
		value        []float64
		series       []string
		want         reading.Quality
	}{
		{"probe-1", "unplugged", nil, []string{"probe-1 temperature"}, reading.NoAnswer},
		{"probe-1", "crc", []float64{1}, []string{"probe-1 temperature"}, reading.Checksum},
		{"probe-2", "power-on", nil, []string{"probe-2 temperature"}, reading.PowerOn},
		{"air", "unplugged", nil, []string{"air temperature", "air humidity"}, reading.NoAnswer},
		{"air", "crc", []float64{1}, []string{"air temperature", "air humidity"}, reading.Checksum},
		{"air", "slow", []float64{2}, []string{"air temperature", "air humidity"}, reading.NotReady},
		{"wall", "unplugged", nil, []string{"wall temperature"}, reading.NoAnswer},
	} {
		when := f.device + " " + f.kind
		g.fault(f.device, f.kind, f.value...)
		got := g.pass(2 * time.Minute)
		for _, s := range f.series {
			all(t, when, s, got, f.want)
		}
		g.healthy(when, got, f.series...)
		g.fault(f.device, "none")
		g.healthy("after "+when, g.pass(2*time.Minute))
	}

	g.fault("probe-1", "stuck", 7.5)
	got := g.pass(time.Minute)
	if rs := got["probe-1 temperature"]; rs[0].Value != 7500 || rs[5].Value != 7500 {
		t.Errorf("stuck at 7.5 °C: %v", rs)
	}
	g.fault("probe-1", "none")
	g.pass(time.Minute)

	g.fault("room", "door-open")
	got = g.pass(time.Minute)
	if rs := got["door door"]; rs[5].Value != 1 {
		t.Errorf("door open: %v", rs)
	}
	g.fault("room", "none")
	g.fault("door", "stuck", 0)
	if rs := g.pass(time.Minute)["door door"]; rs[0].Value != 0 || rs[5].Value != 0 {
		t.Errorf("contact closed: %v", rs)
	}
	g.fault("door", "unplugged") // a cut cable shows an open door
	if rs := g.pass(time.Minute)["door door"]; rs[0].Value != 1 || rs[5].Value != 1 {
		t.Errorf("cable cut: %v", rs)
	}
}

// Two sensors on one bus: unplugging both leaves an empty bus, which is no
// answer either, and both come back.
func TestEmptyBus(t *testing.T) {
	g := open(t, "sodo-freezer")
	g.healthy("at first", g.pass(time.Minute))
	series := []string{"probe-1 temperature", "probe-2 temperature"}
	g.fault("probe-1", "unplugged")
	g.fault("probe-2", "unplugged")
	got := g.pass(time.Minute)
	for _, s := range series {
		all(t, "empty bus", s, got, reading.NoAnswer)
	}
	g.healthy("empty bus", got, series...)
	g.fault("probe-1", "none")
	g.fault("probe-2", "none")
	g.healthy("plugged in again", g.pass(time.Minute))
}

// While the simulator is down every reading says no-answer, and after its
// restart every sensor is back, without a restart of the gateway.
func TestSimulatorRestarts(t *testing.T) {
	g := open(t, "van-1")
	g.healthy("at first", g.pass(time.Minute))
	g.stop()
	got := g.pass(time.Minute)
	for _, name := range g.names {
		all(t, "without simulator", name, got, reading.NoAnswer)
	}
	g.start("van-1", begin.Add(2*time.Minute), g.clock.Now())
	got = g.pass(time.Minute)
	g.healthy("after a restart", got, "gnss latitude", "gnss longitude", "gnss speed", "gnss position-error", "gnss satellites-used")
	// The receiver's port is opened again once a second of real time.
	for range 100 {
		if got = g.pass(10 * time.Second); got["gnss latitude"][0].Quality == reading.OK {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("the receiver did not come back: %v", got)
}

func TestVan(t *testing.T) {
	g := open(t, "van-1")
	got := g.pass(30 * time.Minute)
	g.healthy("under way", got)
	moved := false
	for i, r := range got["gnss latitude"] {
		lat, lon := float64(r.Value)/1e7, float64(got["gnss longitude"][i].Value)/1e7
		if lat < 47.5 || lat > 47.7 || lon < -122.4 || lon > -122.1 {
			t.Fatalf("at %d: %.5f, %.5f is not in Seattle", r.Tick, lat, lon)
		}
		moved = moved || got["gnss speed"][i].Value > 10_000
	}
	if !moved {
		t.Error("the van did not move in half an hour")
	}
	g.mu.Lock()
	anchors := g.anchors
	g.mu.Unlock()
	if len(anchors) < 100 {
		t.Errorf("%d anchors in half an hour, want one every ten seconds", len(anchors))
	}
	for _, a := range anchors {
		if truth := begin.UnixMilli() + a.At; max(a.UTC-truth, truth-a.UTC) > a.Uncertainty {
			t.Fatalf("anchor %+v is off: it was %d", a, truth)
		}
	}

	position := []string{"gnss latitude", "gnss longitude", "gnss speed", "gnss position-error"}
	g.fault("gnss", "fix-loss")
	got = g.pass(time.Minute)
	for _, s := range position {
		all(t, "in a tunnel", s, got, reading.NoFix)
	}
	g.healthy("in a tunnel", got, position...)
	g.fault("gnss", "unplugged")
	g.settle()
	got = g.pass(time.Minute)
	for _, s := range append(position, "gnss satellites-used") {
		all(t, "receiver unplugged", s, got, reading.NoAnswer)
	}
	g.fault("gnss", "none")
	g.pass(10 * time.Second)
	g.healthy("receiver back", g.pass(time.Minute))
}
