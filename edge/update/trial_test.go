package update

import (
	"errors"
	"strings"
	"testing"
	"time"

	"frostline/edge/disk"
	"frostline/edge/disk/powercut"
	"frostline/proto/release"
)

func TestCrashLoopGoesBack(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	for range maxCrashes {
		g.runs(g.up(), "v1.1.0")
		g.is(OnTrial, "")
	}
	g.runs(g.up(), "v1.0.0")
	g.is(Refused, "undone: it ended out of order 3 times")
	g.runs(g.reboot(), "v1.0.0")
	// Asked for anew it is tried anew, without being fetched again.
	none := stock()
	if fetch, err := g.Offer(build("v1.1.0", maker, nil).statement(2), public(hub)); !fetch || err != nil {
		t.Fatal(fetch, err)
	}
	if step, err := g.fetch(none); step != Staged || err != nil || none.given != 0 {
		t.Errorf("fetched: %v, %v, %d bytes", step, err, none.given)
	}
}

// A truck whose power goes at each stop has not crashed, nor has one that was
// stopped in order.
func TestPowerCutsAreNoCrashes(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	for range maxStarts - 1 {
		g.runs(g.reboot(), "v1.1.0")
	}
	if err := g.Confirm(); err != nil {
		t.Fatal(err)
	}
	g.is(Confirmed, "")
	g.must(build("v1.2.0", maker, nil), 2)
	for range maxStarts - 1 {
		g.runs(g.up(), "v1.2.0")
		if err := g.Ended(); err != nil {
			t.Fatal(err)
		}
	}
	// But not for ever: what proved nothing is put off, and tried again.
	g.runs(g.up(), "v1.2.0")
	g.runs(g.up(), "v1.1.0")
	g.is(Fetching, "proved nothing")
	if step, err := g.fetch(stock()); step != Staged || err != nil {
		t.Errorf("tried again: %v, %v", step, err)
	}
}

// Without a network nothing is proven: the old release runs again, and the new one
// is tried when there is a connection, but not for ever.
func TestAloneIsPutOff(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	for range maxTries - 1 {
		g.runs(g.up(), "v1.1.0")
		if !g.Postpone("there was no connection to the hub for 1h0m0s") {
			t.Fatal("not put off")
		}
		g.runs(g.up(), "v1.0.0")
		g.is(Fetching, "for want of a connection")
		if step, err := g.fetch(stock()); step != Staged || err != nil {
			t.Fatalf("tried again: %v, %v", step, err)
		}
	}
	g.runs(g.up(), "v1.1.0")
	g.Postpone("there was no connection to the hub for 1h0m0s")
	g.runs(g.up(), "v1.0.0")
	g.is(Refused, "undone: there was no connection to the hub for 1h0m0s, in 3 trials")
}

// A confirmed release is not undone by being offline, for however long, nor by
// crashes: another would be no better.
func TestConfirmedStays(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	g.up()
	if err := g.Confirm(); err != nil {
		t.Fatal(err)
	}
	for range 3 * maxStarts {
		g.now += (30 * 24 * time.Hour).Milliseconds()
		g.runs(g.up(), "v1.1.0")
	}
	if g.Undo("late") || g.Postpone("late") {
		t.Error("undone")
	}
}

func TestHangIsOver(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	g.runs(g.up(), "v1.1.0")
	if g.start.Left != limits.whole() {
		t.Errorf("%v are left, want %v", g.start.Left, limits.whole())
	}
	g.now += limits.whole().Milliseconds() + 1
	g.runs(g.up(), "v1.0.0")
	g.is(Refused, "it neither proved itself nor went back")
}

func TestProgramOfAnotherVersion(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	g.up()
	g.o.Version = "v1.0.5"
	if !g.Begin() {
		t.Fatal("it goes on")
	}
	g.runs(g.up(), "v1.0.0")
	g.is(Refused, "the program says that it is v1.0.5")
}

// A slot whose content has changed is not run.
func TestDamagedSlot(t *testing.T) {
	for _, confirmed := range []bool{false, true} {
		d := powercut.New()
		g := newGateway(t, d)
		g.up()
		g.must(build("v1.1.0", maker, nil), 1)
		if confirmed {
			g.up()
			if err := g.Confirm(); err != nil {
				t.Fatal(err)
			}
		}
		b, err := d.Read("a")
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-3] ^= 1
		g.runs(g.up(), "v1.0.0")
		g.is(Refused, "was signed")
		if g.Report().Running != "" {
			t.Error("it is said to run")
		}
	}
}

// Who can write the state cannot have a program run that nobody signed; and a key
// that is taken out of the configuration is trusted no longer.
func TestSlotNeedsASignature(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	g.up()
	if err := g.Confirm(); err != nil {
		t.Fatal(err)
	}
	l := g.launch()
	l.Keys = nil
	if s := l.choose(g.d); s.Slot != "" {
		t.Errorf("started %+v", s)
	}
	g.runs(g.up(), "v1.1.0") // with the keys back, as after a file that could not be read
}

func TestPackageThatWasInstalled(t *testing.T) {
	for version, want := range map[string]string{"v1.3.0": "v1.3.0", "v1.2.0": "v1.2.0", "v1.1.0": "v1.2.0"} {
		g := newGateway(t, powercut.New())
		g.up()
		g.must(build("v1.2.0", maker, nil), 1)
		g.up()
		if err := g.Confirm(); err != nil {
			t.Fatal(err)
		}
		g.version = version
		g.runs(g.up(), want)
		if version == "v1.2.0" && g.start.Slot != "" {
			t.Error("the slot runs, and not the package of the same version")
		}
		g.runs(g.up(), want)
	}
	// One that is on trial is given up.
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.2.0", maker, nil), 1)
	g.runs(g.up(), "v1.2.0")
	g.version = "v1.2.1"
	g.runs(g.up(), "v1.2.1")
}

func TestProgramThatCannotBeStarted(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	g.up()
	g.launch().failed(g.d, "a", errors.New("exec format error"))
	g.runs(g.up(), "v1.0.0")
	g.is(Refused, "could not be started: exec format error")
}

// Down goes only what was signed for that.
func TestSignedWayDown(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	g.must(build("v1.3.0", maker, nil), 1)
	g.up()
	if err := g.Confirm(); err != nil {
		t.Fatal(err)
	}
	down := build("v1.2.0", maker, func(m *release.Manifest) { m.Replaces = []string{"v1.3.0"} })
	g.must(down, 2)
	g.runs(g.up(), "v1.2.0")
	if err := g.Confirm(); err != nil {
		t.Fatal(err)
	}
	g.is(Confirmed, "")
}

// A damaged file is set aside; what was confirmed last runs.
func TestDamagedState(t *testing.T) {
	d := powercut.New()
	g := newGateway(t, d)
	g.up()
	g.must(build("v1.1.0", maker, nil), 1)
	g.up()
	if err := g.Confirm(); err != nil {
		t.Fatal(err)
	}
	b, err := d.Read(stateFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, len(b) / 2, len(b) - 3} {
		bad := []byte(string(b))
		bad[at] ^= 1
		if err := d.WriteSynced(stateFile, bad); err != nil {
			t.Fatal(err)
		}
		g.runs(g.up(), "v1.1.0")
		if aside, err := d.Read(damagedFile); err != nil || string(aside) != string(bad) {
			t.Error("the damaged file is gone")
		}
	}
}

func FuzzParseState(f *testing.F) {
	s := &state{Format: format, Slot: "a", A: &choice{Manifest: []byte("{}")}}
	b, err := disk.Encode(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("{}\n44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parse(b); err == nil && (s.check() != nil || strings.ContainsAny(s.Slot, "./")) {
			t.Error("an unsound state")
		}
	})
}
