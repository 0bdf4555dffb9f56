package sampler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/bus"
	"frostline/edge/clock"
	"frostline/edge/sensor"
	"frostline/proto/reading"
)

// bubble is a clock on the time of a synctest bubble.
type bubble struct {
	began time.Time
	ahead atomic.Int64 // ms by which boottime has jumped, as after a suspend
}

func (b *bubble) Now() int64   { return 1_000_000 + time.Since(b.began).Milliseconds() + b.ahead.Load() }
func (b *bubble) Busy() func() { return func() {} }
func (b *bubble) SleepUntil(ctx context.Context, at int64) error {
	d := time.Hour
	if left := at - b.Now(); left < d.Milliseconds() {
		d = time.Duration(left) * time.Millisecond
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return ctx.Err()
	}
}

// ids numbers series.
type ids struct{ list []Series }

func (t *ids) ID(s Series) (uint32, error) {
	t.list = append(t.list, s)
	return uint32(len(t.list) - 1), nil
}

// fake is a sensor whose every move a test decides.
type fake struct {
	quantities []reading.Quantity
	lead       time.Duration
	begin      func(context.Context) error
	read       func(context.Context) ([]sensor.Value, error)
}

func (f *fake) Model() string                  { return "fake" }
func (f *fake) Lead() time.Duration            { return f.lead }
func (f *fake) Close() error                   { return nil }
func (f *fake) Quantities() []reading.Quantity { return f.quantities }
func (f *fake) Begin(ctx context.Context) error {
	if f.begin == nil {
		return nil
	}
	return f.begin(ctx)
}
func (f *fake) Read(ctx context.Context) ([]sensor.Value, error) { return f.read(ctx) }

// thermometer answers after a while, by a count that goes up with each reading.
func thermometer(after func(n int) time.Duration) *fake {
	n := 0
	return &fake{quantities: []reading.Quantity{reading.Temperature}, read: func(context.Context) ([]sensor.Value, error) {
		n++
		time.Sleep(after(n))
		return []sensor.Value{{Quantity: reading.Temperature, Value: int64(n)}}, nil
	}}
}

func fast(int) time.Duration { return 5 * time.Millisecond }

// out is a batch as a test sees it.
type out struct {
	at int64 // boottime at which it came
	Batch
}

func (o out) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d@+%d:", o.Tick, o.at-o.Tick)
	for _, r := range o.Readings {
		fmt.Fprintf(&b, " %d=%d", r.Series, r.Value)
		if r.Quality != reading.OK {
			fmt.Fprintf(&b, "(%v)", r.Quality)
		}
		if r.Tick != o.Tick {
			fmt.Fprintf(&b, "[tick %d]", r.Tick)
		}
	}
	for _, l := range o.Lost {
		fmt.Fprintf(&b, " lost %d from %d to %d: %s", l.Readings, l.From, l.To, l.Reason)
	}
	return b.String()
}

// sample runs sensors for d, with f meanwhile, and gives what came out.
func sample(t *testing.T, d time.Duration, f func(*Sampler, *bubble), sensors ...Sensor) []out {
	t.Helper()
	var got []out
	synctest.Test(t, func(t *testing.T) {
		clk := &bubble{began: time.Now()}
		for i := range sensors {
			sensors[i].ID = fmt.Sprintf("s%d", i)
		}
		s, err := New(Config{Clock: clk, Sensors: sensors, Table: &ids{}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			for b := range s.Batches() {
				got = append(got, out{clk.Now(), b})
				b.Done()
			}
		})
		if f != nil {
			wg.Go(func() { f(s, clk) })
		}
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
		wg.Wait()
		time.Sleep(time.Minute) // for drivers that are slower than the end
	})
	return got
}

func want(t *testing.T, got []out, lines ...string) {
	t.Helper()
	for i := range max(len(got), len(lines)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i].String()
		}
		if i < len(lines) {
			w = lines[i]
		}
		if g != w {
			t.Errorf("batch %d:\n got %s\nwant %s", i, g, w)
		}
	}
}

const second = time.Second

// Sensors of several intervals share the ticks that are multiples of both.
func TestTicksAreAligned(t *testing.T) {
	got := sample(t, 6*second+300*time.Millisecond, nil,
		Sensor{Driver: thermometer(fast), Interval: 2 * second, Timeout: second},
		Sensor{Driver: thermometer(fast), Interval: 3 * second, Timeout: second},
	)
	want(t, got,
		"1000000@+5: 0=1", // 1000000 is no multiple of 3000
		"1002000@+5: 0=2 1=1",
		"1004000@+5: 0=3",
		"1005000@+5: 1=2",
		"1006000@+5: 0=4",
	)
}

// A slow sensor delays nobody: the others go out after the linger, and it
// follows under the same tick.
func TestSlowSensorFollows(t *testing.T) {
	got := sample(t, 2*second+900*time.Millisecond, nil,
		Sensor{Driver: thermometer(fast), Interval: second, Timeout: 800 * time.Millisecond},
		Sensor{Driver: thermometer(func(n int) time.Duration {
			if n == 2 {
				return 600 * time.Millisecond
			}
			return 200 * time.Millisecond
		}), Interval: second, Timeout: 800 * time.Millisecond},
	)
	want(t, got,
		"1000000@+200: 0=1 1=1",
		"1001000@+250: 0=2",
		"1001000@+600: 1=2",
		"1002000@+200: 0=3 1=3",
	)
}

// A sensor that hangs for good gives one no-answer for each tick, at the
// timeout at first, at the tick while it hangs, and shifts nobody's ticks. When
// it comes back, its answer is not taken for that of another tick.
func TestHungSensorIsAbsentByName(t *testing.T) {
	var freed atomic.Bool
	n := 0
	h := &fake{quantities: []reading.Quantity{reading.Temperature, reading.Humidity}}
	h.read = func(context.Context) ([]sensor.Value, error) {
		for n++; n == 2 && !freed.Load(); { // and does not look at its context
			time.Sleep(10 * time.Millisecond)
		}
		return []sensor.Value{{Quantity: reading.Temperature, Value: int64(n)}, {Quantity: reading.Humidity, Value: int64(n)}}, nil
	}
	var states []State
	got := sample(t, 5*second+900*time.Millisecond, func(s *Sampler, _ *bubble) {
		time.Sleep(3*second + 500*time.Millisecond)
		freed.Store(true)
		time.Sleep(second)
		states = s.Latest()
	},
		Sensor{Driver: thermometer(fast), Interval: second, Timeout: 800 * time.Millisecond},
		Sensor{Driver: h, Interval: second, Timeout: 800 * time.Millisecond},
	)
	want(t, got,
		"1000000@+5: 0=1 1=1 2=1",
		"1001000@+250: 0=2",
		"1001000@+800: 1=0(no-answer) 2=0(no-answer)",
		"1002000@+5: 0=3 1=0(no-answer) 2=0(no-answer)",
		"1003000@+5: 0=4 1=0(no-answer) 2=0(no-answer)",
		"1004000@+5: 0=5 1=3 2=3",
		"1005000@+5: 0=6 1=4 2=4",
	)
	if s := states[1]; s.Late != 1 || s.Failures != 3 || !s.HasGood || s.Good.Value != 3 || s.Error != "" || s.Sensor != "s1" {
		t.Errorf("state %+v", s)
	}
}

// A sensor that takes long to measure is begun before the tick, and its value
// is there at the tick.
func TestLead(t *testing.T) {
	var begun, read []int64
	now := func() int64 { return time.Now().UnixMilli() % 1000 } // bubbles begin on a whole second
	d := &fake{quantities: []reading.Quantity{reading.Temperature}, lead: 750 * time.Millisecond}
	d.begin = func(context.Context) error { begun = append(begun, now()); return nil }
	d.read = func(context.Context) ([]sensor.Value, error) {
		read = append(read, now())
		return []sensor.Value{{Quantity: reading.Temperature, Value: 7}}, nil
	}
	got := sample(t, 2*second+100*time.Millisecond, nil, Sensor{Driver: d, Interval: second, Timeout: 250 * time.Millisecond})
	want(t, got, "1001000@+0: 0=7", "1002000@+0: 0=7")
	for i := range got {
		if begun[i] != 250 || read[i] != 0 {
			t.Errorf("measurement %d begun %d ms and read %d ms after the second, want 250 and 0", i, begun[i], read[i])
		}
	}
}

// A bus that is busy tells the part late; it is not read before it can be ready.
func TestLeadCountsFromTheEndOfBegin(t *testing.T) {
	var told, read time.Time
	d := &fake{quantities: []reading.Quantity{reading.Temperature}, lead: 20 * time.Millisecond}
	d.begin = func(context.Context) error { time.Sleep(50 * time.Millisecond); told = time.Now(); return nil }
	d.read = func(context.Context) ([]sensor.Value, error) {
		read = time.Now()
		return []sensor.Value{{Quantity: reading.Temperature, Value: 7}}, nil
	}
	got := sample(t, 1500*time.Millisecond, nil, Sensor{Driver: d, Interval: second, Timeout: 250 * time.Millisecond})
	want(t, got, "1001000@+50: 0=7")
	if waited := read.Sub(told); waited < 20*time.Millisecond {
		t.Errorf("read %v after the part was told, want at least its lead of 20ms", waited)
	}
}

// What a driver says is what the reading says; a failure to begin is told at
// the tick, not before it.
func TestQualities(t *testing.T) {
	values := []sensor.Value{{Quantity: reading.Temperature, Value: 85000, Quality: reading.PowerOn}}
	d := &fake{quantities: []reading.Quantity{reading.Temperature}, lead: 100 * time.Millisecond}
	var errs []error
	errs = append(errs, nil, bus.ErrChecksum, bus.ErrNotReady, errors.New("bus is gone"), nil)
	n := -1
	d.begin = func(context.Context) error {
		if n++; n == 3 {
			return errs[n]
		}
		return nil
	}
	d.read = func(context.Context) ([]sensor.Value, error) {
		if n == 4 {
			return nil, nil // a bug
		}
		return values, errs[n]
	}
	got := sample(t, 5*second+50*time.Millisecond, nil, Sensor{Driver: d, Interval: second, Timeout: 100 * time.Millisecond})
	want(t, got,
		"1001000@+0: 0=85000(power-on)",
		"1002000@+0: 0=0(checksum)",
		"1003000@+0: 0=0(not-ready)",
		"1004000@+0: 0=0(no-answer)",
		"1005000@+0: 0=0(no-answer)",
	)
}

func TestImplausibleReadingsAreMarked(t *testing.T) {
	n := 0
	d := &fake{quantities: []reading.Quantity{reading.Temperature}, read: func(context.Context) ([]sensor.Value, error) {
		n++
		return []sensor.Value{{Quantity: reading.Temperature, Value: int64(4000 + 60000*(n%2))}}, nil
	}}
	got := sample(t, 1100*time.Millisecond, nil, Sensor{Driver: d, Interval: second, Timeout: second, Limits: sensor.Spec{Driver: "mcp9808"}.Limits()})
	want(t, got, "1000000@+0: 0=64000", "1001000@+0: 0=4000(impossible-step)")
}

// After a suspend, missed ticks are not silently absent: a few are made up for,
// many are declared as lost.
func TestSuspend(t *testing.T) {
	jump := func(d time.Duration) func(*Sampler, *bubble) {
		return func(_ *Sampler, c *bubble) {
			time.Sleep(1500 * time.Millisecond)
			c.ahead.Store(d.Milliseconds())
		}
	}
	quick := func(int) time.Duration { return 0 }
	got := sample(t, 3100*time.Millisecond, jump(3*second), Sensor{Driver: thermometer(quick), Interval: second, Timeout: 500 * time.Millisecond})
	want(t, got,
		"1000000@+0: 0=1", "1001000@+0: 0=2",
		"1002000@+3000: 0=0(no-answer)", "1003000@+2000: 0=0(no-answer)", "1004000@+1000: 0=0(no-answer)",
		"1005000@+0: 0=3", "1006000@+0: 0=4",
	)
	got = sample(t, 3100*time.Millisecond, jump(time.Hour), Sensor{Driver: thermometer(quick), Interval: second, Timeout: 500 * time.Millisecond})
	want(t, got,
		"1000000@+0: 0=1", "1001000@+0: 0=2",
		"4602000@+0: 0=3 lost 3600 from 1002000 to 4601000: "+Suspended,
		"4603000@+0: 0=4",
	)
}

// A consumer that stops loses readings, by number, and hears of it; who only
// looks sees them all.
func TestOverflowIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clk := &bubble{began: time.Now()}
		seen := 0
		s, err := New(Config{Clock: clk, Table: &ids{}, Log: slog.New(slog.DiscardHandler), Buffer: 2,
			Seen:    func(r []reading.Reading) { seen += len(r) },
			Sensors: []Sensor{{ID: "a", Driver: thermometer(fast), Interval: second, Timeout: second}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(9*second + 500*time.Millisecond) // ten ticks
		first := <-s.Batches()
		if first.Tick != 1_000_000 || first.Lost != nil {
			t.Errorf("got %+v", first)
		}
		time.Sleep(second)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		var last Batch
		n := 1
		for b := range s.Batches() {
			last = b
			n++
		}
		if n != 3 || len(last.Lost) != 1 || last.Lost[0] != (Loss{8, 1_002_000, 1_009_000, Overflow}) {
			t.Errorf("%d batches, the last %+v", n, last)
		}
		if st := s.Stats(); st.Readings != 3 || st.Lost != 8 || seen != 11 {
			t.Errorf("counted %+v, seen %d", st, seen)
		}
	})
}

// What was taken when the agent is told to end goes out.
func TestEndGivesOutWhatThereIs(t *testing.T) {
	got := sample(t, 100*time.Millisecond, nil,
		Sensor{Driver: thermometer(fast), Interval: second, Timeout: 800 * time.Millisecond},
		Sensor{Driver: thermometer(func(int) time.Duration { return 500 * time.Millisecond }), Interval: second, Timeout: 800 * time.Millisecond},
	)
	want(t, got, "1000000@+100: 0=1")
}

// The agent's stop interrupts what is being measured. That is not the sensor's
// failure: nothing is said of a tick whose answer was not awaited.
func TestEndBlamesNoSensor(t *testing.T) {
	var sensors []Sensor // many, because pacer and worker both wake at the end, in either order
	for range 64 {
		slow := thermometer(fast)
		slow.lead = 800 * time.Millisecond
		sensors = append(sensors, Sensor{Driver: slow, Interval: time.Second, Timeout: 100 * time.Millisecond})
	}
	got := sample(t, 2500*time.Millisecond, nil, sensors...)
	for _, b := range got {
		for _, r := range b.Readings {
			if r.Quality != reading.OK {
				t.Errorf("tick %d is %v because the agent stopped", r.Tick, r.Quality)
			}
		}
	}
	if len(got) != 2 {
		t.Errorf("got %d batches, want 2: %v", len(got), got)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Sensor{ID: "a", Driver: thermometer(fast), Interval: second, Timeout: second}
	slow := thermometer(fast)
	slow.lead = 750 * time.Millisecond
	for name, sensors := range map[string][]Sensor{
		"interval": {{ID: "a", Driver: good.Driver, Interval: time.Millisecond, Timeout: time.Millisecond}},
		"timeout":  {{ID: "a", Driver: good.Driver, Interval: second}},
		"750ms":    {{ID: "a", Driver: slow, Interval: second, Timeout: 300 * time.Millisecond}},
		"two of":   {good, good},
	} {
		if _, err := New(Config{Clock: &bubble{}, Table: &ids{}, Log: slog.New(slog.DiscardHandler), Sensors: sensors}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration was taken")
	}
}

// Eight hours on a virtual clock, with a system clock that steps: every reading, no tick without, in order, and
// each batch dealt with before time goes on.
func TestVirtualHours(t *testing.T) {
	v, err := clock.NewVirtual(clock.VirtualConfig{BootID: "test", Start: 500})
	if err != nil {
		t.Fatal(err)
	}
	answer := func(q reading.Quantity, lead time.Duration) *fake {
		return &fake{quantities: []reading.Quantity{q}, lead: lead, read: func(context.Context) ([]sensor.Value, error) {
			if now := v.Now(); now%3_600_000 == 0 { // ticks do not care for the system clock
				v.StepUTC(time.Duration(now%7-3) * 11 * time.Minute)
			}
			return []sensor.Value{{Quantity: q, Value: v.Now()}}, nil
		}}
	}
	s, err := New(Config{Clock: v, Table: &ids{}, Log: slog.New(slog.DiscardHandler), Buffer: 4, Sensors: []Sensor{
		{ID: "a", Driver: answer(reading.Temperature, 750*time.Millisecond), Interval: 10 * second, Timeout: 2 * second},
		{ID: "b", Driver: answer(reading.Humidity, 20*time.Millisecond), Interval: 10 * second, Timeout: 2 * second},
		{ID: "c", Driver: answer(reading.Door, 0), Interval: 5 * second, Timeout: 2 * second},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	var readings, batches int
	consumed := make(chan struct{})
	go func() {
		defer close(consumed)
		last := int64(0)
		for b := range s.Batches() {
			if b.Tick != last+5000 || b.Tick != v.Now() || len(b.Lost) > 0 {
				t.Errorf("batch of %d at %d after %d, lost %v", b.Tick, v.Now(), last, b.Lost)
			}
			last = b.Tick
			batches++
			for _, r := range b.Readings {
				readings++
				if r.Tick != b.Tick || r.Value != b.Tick || r.Quality != reading.OK {
					t.Errorf("reading %+v in batch of %d", r, b.Tick)
				}
			}
			b.Done()
		}
	}()
	<-s.Ready()
	const hours = 8 * 3600 * 1000
	if err := v.RunUntil(ctx, hours); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-consumed
	if batches != hours/5000 || readings != hours/5000+2*hours/10000 {
		t.Errorf("%d batches and %d readings, want %d and %d", batches, readings, hours/5000, hours/5000+2*hours/10000)
	}
}

// TestAnHourOfFailureIsTwoLines: a failure that repeats is said once, and its
// end once, with the count and how long it lasted.
func TestAnHourOfFailureIsTwoLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		began := time.Now()
		f := &fake{quantities: []reading.Quantity{reading.Temperature}, read: func(context.Context) ([]sensor.Value, error) {
			switch at := time.Since(began); {
			case at < time.Minute || at > time.Hour+time.Minute:
				return []sensor.Value{{Quantity: reading.Temperature, Value: at.Milliseconds()}}, nil
			case at.Milliseconds()%3 == 0:
				return nil, fmt.Errorf("attempt at %v: %w", at, bus.ErrChecksum)
			default:
				return nil, fmt.Errorf("attempt at %v: %w", at, bus.ErrNack)
			}
		}}
		s, err := New(Config{Clock: &bubble{began: began}, Table: &ids{}, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Sensors: []Sensor{{ID: "box", Driver: f, Interval: time.Second, Timeout: 500 * time.Millisecond}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		go func() {
			for b := range s.Batches() {
				b.Done()
			}
		}()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], `msg="sensor fails" sensor=box`) || !strings.Contains(lines[1], `msg="sensor answers again" sensor=box failures=360`) || !strings.Contains(lines[1], "after=1h0m") {
			t.Errorf("the log says\n%s\nwant one failure and one recovery", log.String())
		}
		if n := s.Lateness(); n.Counts[0] < 7000 {
			t.Errorf("%v measurements were on time, want all", n)
		}
	})
}
