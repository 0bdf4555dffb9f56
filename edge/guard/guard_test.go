package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// chain is the journal of the tests.
type chain struct {
	mu     sync.Mutex
	alarms []*pb.Alarm
	held   bool  // it takes steps into memory alone
	err    error // it takes none
	lost   bool  // it takes one and says that it did not
}

func (c *chain) Tell(_ context.Context, e *pb.Event) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil && !c.lost {
		return false, c.err
	}
	c.alarms = append(c.alarms, e.GetAlarm())
	if c.err != nil {
		return false, c.err
	}
	return !c.held, nil
}

func (c *chain) Recent(_ context.Context, yield func(*pb.Alarm)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.alarms {
		yield(a)
	}
	return nil
}

// steps tells the story of the chain.
func (c *chain) steps() (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.alarms {
		s := fmt.Sprintf("%s %s of %s", stateWords[a.State], Kind(a.Kind), a.Sensor)
		if a.Limit != "" {
			s += ": " + a.Limit
		}
		if a.Severity != 2 {
			s += [...]string{"", ", a warning", "", ", critical"}[a.Severity]
		}
		if a.Reason != "" {
			s += " (" + a.Reason + ")"
		}
		out = append(out, s)
	}
	return out
}

// bench is a guard with a clock that is moved by hand.
type bench struct {
	t     *testing.T
	c     Config
	chain *chain
	now   int64
	g     *Guard
}

const second = 1000

func fridge(t *testing.T) thermal.Profile {
	t.Helper()
	p, err := thermal.Named("refrigerated")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newBench(t *testing.T, p thermal.Profile) *bench {
	b := &bench{t: t, chain: &chain{}, now: 100 * second}
	b.c = Config{
		Watches: []Watch{{Name: "van-1-a", Profile: p, Sensors: []string{"box"}}},
		Sensors: []Sensor{{ID: "box", Series: 3, Interval: time.Second, Timeout: 500 * time.Millisecond}},
		Dir:     filepath.Join(t.TempDir(), "guard"), BootID: "boot-1",
		Now: func() int64 { return b.now }, Journal: b.chain, Log: slog.New(slog.DiscardHandler),
	}
	b.start()
	return b
}

func (b *bench) start() {
	b.t.Helper()
	g, err := New(b.c)
	if err != nil {
		b.t.Fatal(err)
	}
	b.g = g
	g.recall(b.t.Context())
	b.pass()
}

// pass does once what tell does.
func (b *bench) pass() {
	unsaved := false
	n := b.g.saveAlarms(&unsaved)
	if told, _ := b.g.tellFirst(context.Background(), n); told {
		b.g.saveAlarms(&unsaved)
	}
}

// read moves to the next tick, a second later, and gives a reading there.
func (b *bench) read(milli int64, q reading.Quality) {
	b.now += second
	b.g.Observe([]reading.Reading{{Series: 3, Tick: b.now, Value: milli, Quality: q}})
	b.pass()
}

func (b *bench) good(milli ...int64) {
	for _, v := range milli {
		b.read(v, reading.OK)
	}
}

func (b *bench) want(want ...string) {
	b.t.Helper()
	if got := b.chain.steps(); !slices.Equal(got, want) {
		b.t.Fatalf("the chain says\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func (b *bench) look() Look {
	b.t.Helper()
	l := b.g.Looks()
	if len(l) != 1 {
		b.t.Fatalf("%d lookouts, want 1", len(l))
	}
	return l[0]
}

// The reading that is too warm raises the alarm, at once; three that are not
// clear it; it is over when somebody has acknowledged it too.
func TestExcursion(t *testing.T) {
	b := newBench(t, fridge(t))
	if l := b.look(); l.State != StateUnknown {
		t.Errorf("before the first reading: %+v, want unknown", l)
	}
	b.good(5000, 7000)
	if l := b.look(); l.State != StateInRange || l.Value != 7000 {
		t.Errorf("%+v, want in range at 7 °C", l)
	}
	b.good(8100)
	b.want("raised excursion of box: above 8 °C")
	if a := b.chain.alarms[0]; a.TickMs != b.now || a.Value != 8100 || a.Watch != "van-1-a" || a.Profile != "refrigerated" || a.Digest == "" {
		t.Errorf("the step is %+v", a)
	}
	if l := b.look(); l.State != StateOut || l.Rule != "above 8 °C" {
		t.Errorf("%+v, want out", l)
	}
	b.good(8200, 7900, 7900, 8050, 7900, 7900)
	b.want("raised excursion of box: above 8 °C")
	b.good(7900)
	b.want("raised excursion of box: above 8 °C", "cleared excursion of box: above 8 °C")
	if a := b.g.Alarms(); len(a) != 1 || a[0].Active || a[0].Acknowledged || a[0].mood() != moodPassed {
		t.Fatalf("alarms %+v: want one that passed and waits", a)
	}
	if ids, err := b.g.Acknowledge(All, " door was\topen ", "page"); err != nil || len(ids) != 1 {
		t.Fatalf("acknowledge: %v, %v", ids, err)
	}
	b.pass()
	b.want("raised excursion of box: above 8 °C", "cleared excursion of box: above 8 °C", "acknowledged excursion of box: above 8 °C (door was open)")
	if a := b.g.Alarms(); len(a) != 0 || b.g.mood() != moodQuiet {
		t.Errorf("alarms %+v, want none", a)
	}
}

// A delay of the profile is waited for, on boottime, and shown.
func TestDelay(t *testing.T) {
	p := fridge(t)
	p.Limits[0].Delay = 5 * second
	b := newBench(t, p)
	b.good(5000, 9000)
	if l := b.look(); l.State != StatePassed || l.Rule != "above 8 °C" || l.Left <= 4*time.Second || l.Left > 5*time.Second {
		t.Errorf("%+v, want passed with more than four seconds left", l)
	}
	b.good(9000, 9000, 9000, 9000)
	b.want()
	b.good(9000)
	b.want("raised excursion of box: above 8 °C")
}

// Promise 7: what a sensor does not say is unknown, at once, and never in range.
func TestPromise7SilentSensorIsUnknown(t *testing.T) {
	b := newBench(t, fridge(t))
	b.good(5000)
	b.read(0, reading.NoAnswer)
	b.want("raised unknown of box, a warning")
	if l := b.look(); l.State != StateUnknown || !l.HasValue || l.Value != 5000 {
		t.Errorf("%+v, want unknown, and what it last said", l)
	}
	b.read(85_000, reading.PowerOn)
	b.good(5000, 5000)
	b.want("raised unknown of box, a warning")
	if l := b.look(); l.State != StateInRange {
		t.Errorf("%+v, want in range: it answers", l)
	}
	b.good(5000)
	b.want("raised unknown of box, a warning", "cleared unknown of box, a warning")
	b.read(0, reading.Checksum)
	b.want("raised unknown of box, a warning", "cleared unknown of box, a warning", "raised unknown of box, a warning")
	if a := b.g.Alarms(); len(a) != 1 || a[0].Times != 2 {
		t.Errorf("alarms %+v: want the same, raised twice", a)
	}
	for range int(b.c.Watches[0].Profile.LongestGap / second) {
		b.read(0, reading.NoAnswer)
	}
	if got := b.chain.steps(); len(got) != 4 || got[3] != "escalated unknown of box" {
		t.Errorf("longer than the profile allows: %q", got)
	}
}

// Readings that do not come at all are noticed without them, and a sensor that
// never came too.
func TestOverdue(t *testing.T) {
	b := newBench(t, fridge(t))
	look := func(at int64) {
		b.now = at
		b.g.mu.Lock()
		for _, l := range b.g.lookouts {
			l.overdue(b.g, b.now)
		}
		b.g.mu.Unlock()
		b.pass()
	}
	look(102 * second)
	b.want()
	look(102*second + 1)
	b.want("raised unknown of box, a warning")
	b.now = 103 * second
	b.good(5000, 5000, 5000)
	b.want("raised unknown of box, a warning", "cleared unknown of box, a warning")
	look(b.now + 2*second + 1)
	if got := b.chain.steps(); len(got) != 3 || b.look().State != StateUnknown {
		t.Errorf("silence: %q, %+v", got, b.look())
	}
}

func TestUnknownAfter(t *testing.T) {
	b := newBench(t, fridge(t))
	b.c.Watches[0].UnknownAfter = 3 * time.Second
	b.start()
	b.good(5000)
	b.read(0, reading.NoAnswer)
	b.read(0, reading.NoAnswer)
	b.read(0, reading.NoAnswer)
	if l := b.look(); l.State != StateUnknown {
		t.Errorf("%+v, want unknown: the delay is that of the alarm alone", l)
	}
	b.want()
	b.read(0, reading.NoAnswer)
	b.want("raised unknown of box, a warning")
}

// A graver rule escalates, and an acknowledgement of the lesser does not count.
func TestEscalates(t *testing.T) {
	p, err := thermal.Named("controlled-room")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, p)
	b.good(22_000, 31_000)
	b.want("raised excursion of box: spike above 30 °C, a warning")
	if b.g.mood() != moodWarning {
		t.Errorf("mood %d, want a warning", b.g.mood())
	}
	if _, err := b.g.Acknowledge(b.g.Alarms()[0].ID[:3], "the sun", "console"); err != nil {
		t.Fatal(err)
	}
	if b.g.mood() != moodSeen {
		t.Errorf("mood %d, want seen", b.g.mood())
	}
	b.good(41_000)
	if got := b.chain.steps(); len(got) != 3 || got[2] != "escalated excursion of box: spike above 40 °C, critical" || b.g.mood() != moodCritical {
		t.Errorf("%q, mood %d", got, b.g.mood())
	}
	b.good(31_000)
	if a := b.g.Alarms(); len(a) != 1 || a[0].Severity != thermal.Critical {
		t.Errorf("%+v: want it as grave as it was", a)
	}
}

func TestAcknowledgeRefuses(t *testing.T) {
	b := newBench(t, fridge(t))
	b.good(9000)
	id := b.g.Alarms()[0].ID
	for _, x := range []struct {
		id, reason string
		want       error
	}{
		{id, "", ErrReason}, {id, "ab", ErrReason}, {id, strings.Repeat("x", 201), ErrReason}, {id, "esc \x1b[2J", ErrReason},
		{"", "seen it", ErrNoAlarm}, {"zzz9", "seen it", ErrNoAlarm},
	} {
		if _, err := b.g.Acknowledge(x.id, x.reason, "page"); !errors.Is(err, x.want) {
			t.Errorf("%q because %q: got %v, want %v", x.id, x.reason, err, x.want)
		}
	}
	if _, err := b.g.Acknowledge(strings.ToUpper(id), "seen it", "page"); err != nil {
		t.Error(err)
	}
	if _, err := b.g.Acknowledge(id, "seen it", "page"); !errors.Is(err, ErrNoAlarm) {
		t.Errorf("twice: got %v, want %v", err, ErrNoAlarm)
	}
}

// A restart at any step tells each step once, and raises nothing again; counts
// go on.
func TestRestartDoublesNothing(t *testing.T) {
	p := fridge(t)
	p.Limits[0].Delay = 4 * second
	p.Limits[0].Timer = thermal.Cumulative
	want := []string{"raised excursion of box: above 8 °C", "cleared excursion of box: above 8 °C", "raised excursion of box: above 8 °C",
		"acknowledged excursion of box: above 8 °C (seen it)", "cleared excursion of box: above 8 °C"}
	story := []int64{5000, 9000, 9000, 5000, 9000, 9000, 9000, 5000, 5000, 5000, 9000, -1, 5000, 5000, 5000, 5000, 5000}
	for at := range story {
		b := newBench(t, p)
		for i, v := range story {
			if v < 0 {
				if _, err := b.g.Acknowledge(All, "seen it", "page"); err != nil {
					t.Fatal(err)
				}
				b.pass()
			} else {
				b.good(v)
			}
			if i == at {
				b.g.saveCounts()
				b.start()
			}
		}
		if got := b.chain.steps(); !slices.Equal(got, want) {
			t.Errorf("restarted after step %d the chain says\n  %s\nwant\n  %s", at, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

// A crash between telling and noting that it was told doubles nothing, nor does
// one after a step was noted and before it was told.
func TestCrashBetweenTellingAndNoting(t *testing.T) {
	for _, done := range []bool{false, true} {
		b := newBench(t, fridge(t))
		b.good(5000)
		b.chain.err, b.chain.lost = errors.New("no answer"), done
		b.good(9000)
		b.chain.err, b.chain.lost = nil, false
		b.start() // the agent died: what it had noted is on disk
		b.want("raised excursion of box: above 8 °C")
		b.good(9000)
		b.want("raised excursion of box: above 8 °C")
	}
}

// What the journal holds in memory is not told again, and not forgotten before
// it is on disk.
func TestHeldByTheJournal(t *testing.T) {
	b := newBench(t, fridge(t))
	b.good(5000)
	b.chain.held = true
	b.good(9000)
	b.pass()
	b.want("raised excursion of box: above 8 °C")
	if len(b.g.steps) != 1 {
		t.Fatalf("%d steps are remembered, want 1", len(b.g.steps))
	}
	b.chain.held = false
	b.good(5000, 5000, 5000)
	b.want("raised excursion of box: above 8 °C", "cleared excursion of box: above 8 °C")
	if len(b.g.steps) != 0 {
		t.Errorf("%d steps are remembered, want none", len(b.g.steps))
	}
}

// After a reboot boottime begins anew, and nobody knows for how long the gateway
// was off: a delay under way begins anew, an alarm does not.
func TestReboot(t *testing.T) {
	p := fridge(t)
	p.Limits[0].Delay = 3 * second
	b := newBench(t, p)
	b.good(9000, 9000, 9000, 9000)
	b.want("raised excursion of box: above 8 °C")
	b.g.saveCounts()
	b.c.BootID, b.now = "boot-2", 20*second
	b.start()
	b.good(9000, 9000)
	if l := b.look(); l.State != StatePassed {
		t.Errorf("%+v, want passed: the delay begins anew", l)
	}
	b.want("raised excursion of box: above 8 °C")
	b.good(9000, 9000)
	b.want("raised excursion of box: above 8 °C")
	if a := b.g.Alarms(); len(a) != 1 || a[0].Age < 3*time.Second {
		t.Errorf("%+v", a)
	}
	b.good(5000, 5000, 5000)
	b.want("raised excursion of box: above 8 °C", "cleared excursion of box: above 8 °C")
}

// Steps of a boot before are told with the boot they belong to.
func TestStepOfTheBootBefore(t *testing.T) {
	b := newBench(t, fridge(t))
	b.good(5000)
	b.chain.err = errors.New("disk full")
	b.good(9000)
	b.chain.err = nil
	b.c.BootID, b.now = "boot-2", 20*second
	b.start()
	b.want("raised excursion of box: above 8 °C")
	if a := b.chain.alarms[0]; a.BootId != "boot-1" || a.TickMs != 102*second {
		t.Errorf("%+v: want boot-1 and its tick", a)
	}
}

func TestDamagedStateIsSetAside(t *testing.T) {
	b := newBench(t, fridge(t))
	b.good(9000)
	for _, name := range []string{alarmsFile, countsFile} {
		if err := os.WriteFile(filepath.Join(b.c.Dir, name), []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.start()
	if len(b.g.Alarms()) != 0 {
		t.Error("alarms out of nonsense")
	}
	aside, err := filepath.Glob(filepath.Join(b.c.Dir, "*.damaged-*"))
	if err != nil || len(aside) != 2 {
		t.Errorf("set aside %q, %v: want both", aside, err)
	}
}

// A full disk keeps no alarm from being raised and told.
func TestStateThatCannotBeKept(t *testing.T) {
	b := newBench(t, fridge(t))
	b.g.store.dir = filepath.Join(b.c.Dir, alarmsFile, "in-a-file")
	b.good(9000)
	b.want("raised excursion of box: above 8 °C")
}

func TestNoLongerWatched(t *testing.T) {
	b := newBench(t, fridge(t))
	b.good(9000)
	b.c.Watches = nil
	b.start()
	b.want("raised excursion of box: above 8 °C", "cleared excursion of box: above 8 °C (it is no longer watched)")
}

// A change of what is watched loses no count and no alarm of what stays.
func TestSet(t *testing.T) {
	p := fridge(t)
	p.Limits[0].Delay = 3 * second
	b := newBench(t, p)
	room, err := thermal.Named("controlled-room")
	if err != nil {
		t.Fatal(err)
	}
	b.good(9000, 9000)
	more := append(slices.Clone(b.c.Watches), Watch{Name: "van-1-b", Profile: room, Sensors: []string{"box"}})
	other := slices.Clone(b.c.Sensors)
	other[0].Series, other[0].Interval = 4, 2*time.Second
	if err := b.g.Set(more, other); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b.now += second
		b.g.Observe([]reading.Reading{{Series: 4, Tick: b.now, Value: 9000}})
		b.pass()
	}
	want := []string{"raised excursion of box: above 8 °C", "raised excursion of box: below 15 °C"}
	got := b.chain.steps()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := b.g.Set([]Watch{{Name: "x", Profile: p, Sensors: []string{"attic"}}}, b.c.Sensors); err == nil || len(b.g.Looks()) != 2 {
		t.Errorf("a watch that cannot be: %v, %+v", err, b.g.Looks())
	}
	if err := b.g.Set(b.c.Watches, b.c.Sensors); err != nil {
		t.Fatal(err)
	}
	b.pass()
	if got := b.chain.steps(); len(got) != 3 || got[2] != "cleared excursion of box: below 15 °C (it is no longer watched)" {
		t.Errorf("got %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	b := newBench(t, fridge(t))
	c := b.c
	c.Watches = []Watch{{Name: "a", Profile: fridge(t), Sensors: []string{"attic"}}}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "attic") {
		t.Errorf("a sensor that there is not: %v", err)
	}
	c.Watches = []Watch{{Name: "a", Profile: fridge(t)}, {Name: "a", Profile: fridge(t)}}
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "two of that name") {
		t.Errorf("two watches of one name: %v", err)
	}
}

// BenchmarkObserve is a tick of 50 watched sensors in range.
func BenchmarkObserve(b *testing.B) {
	p, err := thermal.Named("controlled-room")
	if err != nil {
		b.Fatal(err)
	}
	now := int64(100 * second)
	c := Config{Dir: b.TempDir(), BootID: "boot-1", Now: func() int64 { return now }, Journal: &chain{}, Log: slog.New(slog.DiscardHandler)}
	var readings []reading.Reading
	for i := range 50 {
		id := fmt.Sprint("box-", i)
		c.Sensors = append(c.Sensors, Sensor{ID: id, Series: uint32(i), Interval: time.Second, Timeout: time.Second})
		c.Watches = append(c.Watches, Watch{Name: id, Profile: p, Sensors: []string{id}})
		readings = append(readings, reading.Reading{Series: uint32(i), Value: 22_000 + int64(i)})
	}
	g, err := New(c)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		now += second
		for i := range readings {
			readings[i].Tick = now
		}
		g.Observe(readings)
	}
	if len(g.Alarms()) > 0 {
		b.Fatal("in range, and alarmed")
	}
}
