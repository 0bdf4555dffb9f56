package chaos

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/edge/clock"
	"frostline/edge/journal"
	"frostline/edge/sampler"
	"frostline/edge/sensor"
	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/proto/block"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/topic"
	"frostline/proto/truetime"
	"frostline/test/rig"
)

const (
	tenYears  = 3652 * 24 * time.Hour
	rollover  = 1024 * 7 * 24 * time.Hour // of the week counter of old receivers
	bootHours = 2 * time.Hour             // that each boot lasts
)

// boot is one boot of a gateway without a battery behind its clock: what its
// oscillator and its time sources do.
type boot struct {
	name  string
	began int64   // true UTC at boottime 0, Unix ms
	ppm   float64 // by which its oscillator is slow
	// offers are anchors by the boottime at which they come.
	offers map[time.Duration][]offer

	steps  int   // of the system clock that were made
	moved  int64 // by them together, ms
	silent bool  // no anchor ever comes
	liar   bool  // a source lies and nobody settles it, so that they contradict one another
	outed  bool  // a source lies, insists, and is left out
}

// offer is what a time source says.
type offer struct {
	source      truetime.Source
	off         time.Duration // from the truth
	uncertainty time.Duration // that it claims
}

// truth is the UTC at a boottime, Unix ms.
func (b *boot) truth(at int64) float64 {
	return float64(b.began) + float64(at)*(1+b.ppm/1e6)
}

// steadily is a thermometer on no bus.
type steadily struct{ now func() int64 }

func (steadily) Model() string                  { return "steadily" }
func (steadily) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }
func (steadily) Lead() time.Duration            { return 0 }
func (steadily) Begin(context.Context) error    { return nil }
func (steadily) Close() error                   { return nil }
func (s steadily) Read(context.Context) ([]sensor.Value, error) {
	return []sensor.Value{{Quantity: reading.Temperature, Value: 4000 + s.now()/1000%200}}, nil
}

// table lets the sampler ask the journal for series ids, as the agent does.
type table struct{ *journal.Journal }

func (t table) ID(s sampler.Series) (uint32, error) { return t.Series(journal.Series(s)) }

// live lives through a boot with the real sampler, keeper of anchors and
// journal, on a clock that jumps; its system clock is stepped all the while.
func (b *boot) live(t *testing.T, c *chance, dir, gateway string) {
	t.Helper()
	log := logTo(t, dir, "edge-"+b.name)
	var v *clock.Virtual
	var keeper *clock.Keeper
	nextStep := int64(c.between(time.Minute, 5*time.Minute) / time.Millisecond)
	hook := func(_ context.Context, from, to int64) error {
		for at, offers := range b.offers {
			for _, o := range offers {
				if ms := at.Milliseconds(); from < ms && ms <= to {
					keeper.Offer(truetime.Anchor{
						At: to, UTC: int64(b.truth(to)) + o.off.Milliseconds(), Uncertainty: o.uncertainty.Milliseconds(), Source: o.source,
					})
				}
			}
		}
		if to >= nextStep {
			by := c.between(-tenYears, tenYears).Truncate(time.Millisecond)
			v.StepUTC(by)
			b.steps++
			b.moved += by.Milliseconds()
			nextStep = to + int64(c.between(10*time.Second, 10*time.Minute)/time.Millisecond)
		}
		return nil
	}
	v, err := clock.NewVirtual(clock.VirtualConfig{
		BootID: b.name, Start: 20_000, UTC: time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), Hook: hook, MaxStep: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(dir, "journal"), gateway, journal.Options{
		Boottime: v.Now, BootID: v.BootID(), KeepAcknowledged: time.Hour, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	keeper, err = clock.NewKeeper(clock.KeeperConfig{Clock: v, Log: log, Record: func(ctx context.Context, e clock.Event) error {
		event := &pb.Event{AtMs: e.At}
		if a := e.Anchor; a != nil {
			event.Kind = &pb.Event_Anchor{Anchor: &pb.Anchor{AtMs: a.At, UtcMs: a.UTC, UncertaintyMs: uint64(a.Uncertainty), Source: uint32(a.Source)}}
		} else {
			event.Kind = &pb.Event_ClockStep{ClockStep: &pb.ClockStep{ByMs: e.Step}}
		}
		_, err := j.Append(ctx, nil, []*pb.Event{event})
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	var sensors []sampler.Sensor
	for i := range 3 {
		sensors = append(sensors, sampler.Sensor{ID: fmt.Sprint("box-", i), Driver: steadily{v.Now}, Interval: 30 * time.Second, Timeout: time.Second})
	}
	s, err := sampler.New(sampler.Config{Clock: v, Sensors: sensors, Table: table{j}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	// Until the keeper runs, the clock must not.
	hold := v.Busy()
	stop := running(t, cancel,
		func() error { return s.Run(ctx) },
		func() error { hold(); return keeper.Run(ctx) },
		func() error {
			for batch := range s.Batches() {
				if _, err := j.Append(context.Background(), batch.Readings, nil); err != nil {
					return err
				}
				batch.Done()
			}
			return nil
		})
	<-s.Ready()
	if err := v.RunUntil(ctx, bootHours.Milliseconds()); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if b.steps < 10 {
		t.Fatalf("the clock was stepped %d times: too little was tried", b.steps)
	}
}

// TestPromise4TrueTime steps the system clock of a gateway by up to ten years,
// again and again. It has no battery behind its clock, an oscillator that is
// 100 ppm off, and learns the time an hour after it has started, or never; some
// of what it is told is wrong. All of it goes through journal, intake and history, in any order.
func TestPromise4TrueTime(t *testing.T) {
	t.Parallel()
	c := seeded(t)
	const gateway = "van-1"
	dir := folder(t)
	start := time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)
	fix := func(off, uncertainty time.Duration) offer { return offer{truetime.GNSS, off, uncertainty} }
	// An honest source errs within what it claims.
	honest := func(s truetime.Source, uncertainty time.Duration) offer {
		return offer{s, c.between(-uncertainty, uncertainty) / 2, uncertainty}
	}
	boots := []*boot{
		{name: "late-fix", ppm: 100, offers: map[time.Duration][]offer{
			// A receiver whose week counter has rolled over, or that guesses.
			10 * time.Minute: {fix(-rollover, time.Second), fix(rollover, time.Second)},
			time.Hour:        {honest(truetime.GNSS, 200*time.Millisecond)},
		}},
		{name: "never", ppm: -100, silent: true, offers: map[time.Duration][]offer{
			30 * time.Minute: {fix(-rollover, time.Second)},
		}},
		{name: "better-and-better", ppm: -100, offers: map[time.Duration][]offer{
			5 * time.Minute:   {honest(truetime.Hub, 4*time.Second)},
			40 * time.Minute:  {honest(truetime.NTP, 300*time.Millisecond)},
			110 * time.Minute: {honest(truetime.GNSS, 50*time.Millisecond)},
		}},
		{name: "a-liar-among-them", ppm: 100, liar: true, offers: map[time.Duration][]offer{
			time.Minute:       {{truetime.RTC, 400 * 24 * time.Hour, time.Second}},
			50 * time.Minute:  {honest(truetime.GNSS, 100*time.Millisecond)},
			51 * time.Minute:  {honest(truetime.GNSS, 100*time.Millisecond)},
			52 * time.Minute:  {honest(truetime.GNSS, 100*time.Millisecond)},
			100 * time.Minute: {honest(truetime.GNSS, 100*time.Millisecond)},
		}},
		{name: "local-time-in-the-battery", ppm: -100, outed: true, offers: map[time.Duration][]offer{
			2 * time.Minute:  {{truetime.RTC, -5 * time.Hour, 10 * time.Minute}},
			60 * time.Minute: {honest(truetime.GNSS, 400*time.Millisecond)},
			61 * time.Minute: {honest(truetime.GNSS, 400*time.Millisecond)},
			62 * time.Minute: {honest(truetime.GNSS, 400*time.Millisecond)},
			90 * time.Minute: {honest(truetime.Hub, 3*time.Second)},
		}},
		{name: "a-hub-that-is-off", ppm: 100, outed: true, offers: map[time.Duration][]offer{
			1 * time.Minute:  {{truetime.Hub, tenYears, time.Second}},
			30 * time.Minute: {honest(truetime.NTP, 200*time.Millisecond)},
			31 * time.Minute: {honest(truetime.NTP, 200*time.Millisecond)},
			32 * time.Minute: {honest(truetime.NTP, 200*time.Millisecond)},
			33 * time.Minute: {{truetime.Hub, tenYears, time.Second}},
			80 * time.Minute: {honest(truetime.GNSS, 4*time.Second)},
		}},
		{name: "ntp-stepped-half-way", ppm: -100, outed: true, offers: map[time.Duration][]offer{
			5 * time.Minute:  {honest(truetime.NTP, 200*time.Millisecond), honest(truetime.GNSS, 90*time.Millisecond)},
			20 * time.Minute: {{truetime.NTP, time.Hour, 50 * time.Millisecond}},
			21 * time.Minute: {{truetime.NTP, time.Hour, 50 * time.Millisecond}},
			22 * time.Minute: {{truetime.NTP, time.Hour, 50 * time.Millisecond}},
			23 * time.Minute: {honest(truetime.Hub, 2*time.Second)},
		}},
	}
	for i, b := range boots {
		b.began = start.Add(time.Duration(i) * 3 * time.Hour).UnixMilli()
		b.live(t, c.fork(b.name), dir, gateway)
	}
	k := readJournal(t, filepath.Join(dir, "journal"), gateway)
	inTheChain(t, k, boots)

	h := openHub(t, filepath.Join(dir, "hub"), nobody{}, logTo(t, dir, "hub"))
	h.enrolled(t, dir, gateway)
	stop := h.start(t)
	parcels, anchored := parcelsOf(t, filepath.Join(dir, "journal"), gateway)
	if anchored < 10 {
		t.Fatalf("the first anchor is in block %d already", anchored)
	}

	// What comes before any anchor is kept, counted and given no time.
	h.take(t, c, gateway, parcels[:anchored-1])
	early := 0
	for _, n := range k.block {
		if n < uint64(anchored) {
			early++
		}
	}
	dated, undated := h.dated(t, k, nil)
	if dated != 0 || undated != uint64(early) {
		t.Errorf("before the first anchor %d readings have a time and %d have none, want 0 and %d", dated, undated, early)
	}

	// Then the rest, in any order.
	h.take(t, c, gateway, parcels[anchored-1:])
	stop()
	dated, undated = h.dated(t, k, boots)
	var silent uint64
	for p := range k.readings {
		if boots[p.boot-1].silent {
			silent++
		}
	}
	if undated != silent || dated != uint64(len(k.readings))-silent {
		t.Errorf("%d readings have a time and %d have none, want %d and %d", dated, undated, uint64(len(k.readings))-silent, silent)
	}
	h.sameAs(t, k)
}

// inTheChain wants every step of the system clock in the chain, and anchors
// only of sources that could be believed.
func inTheChain(t *testing.T, k *kept, boots []*boot) {
	t.Helper()
	steps, moved, lied := make([]int, len(boots)), make([]int64, len(boots)), make([]bool, len(boots))
	for _, e := range k.events {
		if s := e.GetClockStep(); s != nil {
			steps[e.boot-1]++
			moved[e.boot-1] += s.ByMs
		}
		if a := e.GetAnchor(); a != nil {
			b := boots[a.Boot-1]
			wrong := math.Abs(float64(a.UtcMs) - b.truth(a.AtMs))
			switch lie := wrong > float64(a.UncertaintyMs)+1; {
			case lie && !b.liar && !b.outed:
				t.Errorf("boot %s has recorded an anchor that is %.0f s off: %v", b.name, wrong/1000, a)
			case lie:
				lied[a.Boot-1] = true
			}
		}
	}
	for i, b := range boots {
		if lied[i] != (b.liar || b.outed) {
			t.Errorf("boot %s: an anchor of the chain is a lie: %v, want %v", b.name, lied[i], b.liar || b.outed)
		}
		if steps[i] != b.steps || moved[i] != b.moved {
			t.Errorf("boot %s: the chain tells of %d steps by %d ms, made were %d by %d ms", b.name, steps[i], moved[i], b.steps, b.moved)
		}
	}
}

// parcelsOf reads a journal's only epoch as parcels of one block each, and says
// which block has the first anchor.
func parcelsOf(t *testing.T, dir, gateway string) (parcels [][]byte, anchored int) {
	t.Helper()
	j, err := journal.Open(copyOf(t, dir), gateway, journal.Options{KeepAcknowledged: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for next := uint64(1); ; next++ {
		run, err := j.Read(1, next, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Blocks) == 0 {
			return parcels, anchored
		}
		b, err := block.Decode(run.Blocks[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range b.Events {
			if e, err := block.DecodeEvent(raw); err == nil && e.GetAnchor() != nil && anchored == 0 {
				anchored = int(b.Number)
			}
		}
		p, err := proto.Marshal(&pb.Parcel{Epoch: 1, First: run.First, PrevHead: run.PrevHead[:], Body: &pb.Parcel_Block{Block: run.Blocks[0]}})
		if err != nil {
			t.Fatal(err)
		}
		parcels = append(parcels, p)
	}
}

// take hands parcels in, in any order, and waits until they are committed. The
// order is shuffled within a stretch, because a hub takes only so many holes.
func (h *hub) take(t *testing.T, c *chance, gateway string, parcels [][]byte) {
	t.Helper()
	const stretch = 100
	for len(parcels) > 0 {
		some := parcels[:min(stretch, len(parcels))]
		parcels = parcels[len(some):]
		c.shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		want := h.intake.Status().Blocks + uint64(len(some))
		for _, p := range some {
			h.intake.Handle(intake.Message{Gateway: gateway, Lane: topic.Backlog, Payload: p, Received: time.Now()})
		}
		rig.Must(t, patience, "the parcels to be committed", func() (bool, error) {
			s := h.intake.Status()
			return s.Blocks == want, fmt.Errorf("status %+v", s)
		})
	}
}

// dated checks each reading that history gives a time against the truth, and
// counts those it does and those it does not date.
func (h *hub) dated(t *testing.T, k *kept, boots []*boot) (dated, undated uint64) {
	t.Helper()
	for series := range k.series() {
		key := history.Key{Gateway: k.gateway, Sensor: series.sensor, Quantity: series.quantity}
		n, err := h.history.Undated(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		undated += n
		// In the order that history tells them, none may come before one that
		// was taken earlier; only contradicting sources leave that open.
		last := history.Reading{UTC: -1}
		err = h.history.Readings(t.Context(), key, earliest, latest, func(r history.Reading) error {
			dated++
			if boots == nil {
				return nil
			}
			b := boots[r.Boot-1]
			truth := b.truth(r.Tick)
			if off := math.Abs(float64(r.UTC) - truth); off > float64(r.Uncertainty) {
				t.Errorf("boot %s, tick %d is dated %.0f ms off, and claims %d", b.name, r.Tick, off, r.Uncertainty)
			}
			if most := (5 * time.Second).Milliseconds(); !b.liar && r.Uncertainty > most {
				t.Errorf("boot %s, tick %d claims an uncertainty of %d ms, want at most %d", b.name, r.Tick, r.Uncertainty, most)
			}
			if r.Conflict != b.liar {
				t.Errorf("boot %s, tick %d: conflict is %v, want %v", b.name, r.Tick, r.Conflict, b.liar)
			}
			if r.UTC < last.UTC || last.Boot == r.Boot && r.Tick <= last.Tick {
				t.Errorf("boot %s, tick %d at %d comes after boot %d, tick %d at %d", b.name, r.Tick, r.UTC, last.Boot, last.Tick, last.UTC)
			}
			last = r
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dated, undated
}
