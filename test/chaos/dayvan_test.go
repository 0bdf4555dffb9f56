package chaos

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"frostline/edge/bus"
	"frostline/edge/clock"
	"frostline/edge/guard"
	"frostline/edge/identity"
	"frostline/edge/journal"
	"frostline/edge/sampler"
	"frostline/edge/sensor"
	"frostline/edge/uplink"
	"frostline/proto/block"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

// probe is a sensor on no bus. What it says is known to the model, not to the
// gateway: a function of its name and the instant.
type probe struct {
	day      *day
	id       string
	quantity reading.Quantity
}

func (*probe) Model() string                    { return "probe" }
func (p *probe) Quantities() []reading.Quantity { return []reading.Quantity{p.quantity} }
func (*probe) Lead() time.Duration              { return 0 }
func (*probe) Begin(context.Context) error      { return nil }
func (*probe) Close() error                     { return nil }

// Read gives the value of the instant, and has the model note it.
func (p *probe) Read(context.Context) ([]sensor.Value, error) {
	d := p.day
	d.mu.Lock()
	defer d.mu.Unlock()
	tick := d.clock.Now()
	at := place{0, d.boot, name{p.id, p.quantity}, tick} // of whatever epoch
	utc := d.truth(tick)
	said := taken{value: 4600 + (utc/1000*7919+int64(len(p.id)+int(p.id[len(p.id)-1])))%700}
	if p.quantity == reading.Door {
		said.value = int64(utc / 600_000 % 7 / 6) // open for ten minutes of each seventy
	} else if d.warm {
		said.value += 6000
	}
	var err error
	switch d.broken[p.id] {
	case 1:
		said, err = taken{quality: reading.NoAnswer}, errors.New("the cable is off")
	case 2:
		said, err = taken{quality: reading.Checksum}, fmt.Errorf("answer garbled: %w", bus.ErrChecksum)
	case 3:
		said.quality, said.value = reading.OutOfRange, 300_000
	}
	d.said[at] = said
	if err != nil {
		return nil, err
	}
	return []sensor.Value{{Quantity: p.quantity, Value: said.value, Quality: said.quality}}, nil
}

// van is the gateway of a day, from one start to the next: sampler, clock,
// journal, guard and uplink as in the agent, on a clock that jumps.
type van struct {
	day     *day
	clock   *clock.Virtual
	keeper  *clock.Keeper
	journal *journal.Journal
	guard   *guard.Guard
	stop    func() // of all parts but the journal
	offline func() // of the uplink
}

// starts begins a boot.
func (d *day) starts(interval time.Duration) *van {
	d.Helper()
	v := &van{day: d}
	log := logTo(d.TB, d.dir, fmt.Sprint("boot-", d.boots))
	var err error
	hook := func(_ context.Context, _, to int64) error { d.hear(v, to); return nil }
	v.clock, err = clock.NewVirtual(clock.VirtualConfig{BootID: fmt.Sprint("boot-", d.boots), Start: 20_000, UTC: d.wrong, Hook: hook, MaxStep: 10 * time.Second})
	d.must(err)
	d.boots++
	v.journal, err = journal.Open(d.gateway.journal(), d.gateway.id, journal.Options{
		Boottime: v.clock.Now, BootID: v.clock.BootID(), SegmentBytes: 64 << 10, BallastBytes: 64 << 10, RetryWait: 20 * time.Millisecond, Log: log,
	})
	d.must(err)
	d.Cleanup(func() { _ = v.journal.Close() }) // of a test that fails: its disk is to be unmounted
	d.mu.Lock()
	d.clock, d.boot, d.began[v.journal.Tip().Boot] = v.clock, v.journal.Tip().Boot, d.now-v.clock.Now()
	d.mu.Unlock()
	v.keeper, err = clock.NewKeeper(clock.KeeperConfig{Clock: v.clock, Log: log, Poll: 10 * time.Second, Record: func(_ context.Context, e clock.Event) error {
		event := &pb.Event{AtMs: e.At}
		if a := e.Anchor; a != nil {
			event.Kind = &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: v.journal.Tip().Boot, AtMs: a.At, UtcMs: a.UTC, UncertaintyMs: uint64(a.Uncertainty), Source: uint32(a.Source)}}
		} else {
			event.Kind = &pb.Event_ClockStep{ClockStep: &pb.ClockStep{ByMs: e.Step}}
		}
		return v.tell(event)
	}})
	d.must(err)
	var sensors []sampler.Sensor
	for _, p := range d.probes {
		sensors = append(sensors, sampler.Sensor{ID: p.id, Driver: p, Interval: interval, Timeout: time.Second})
	}
	s, err := sampler.New(sampler.Config{Clock: v.clock, Sensors: sensors, Table: table{v.journal}, Seen: func(r []reading.Reading) { v.guard.Observe(r) }, Log: log})
	d.must(err)
	var watched []guard.Sensor
	for _, x := range s.Latest() {
		d.series[x.Last.Series] = name{x.Sensor, x.Quantity}
		if x.Quantity == reading.Temperature {
			watched = append(watched, guard.Sensor{ID: x.Sensor, Series: x.Last.Series, Interval: interval, Timeout: time.Second})
		}
	}
	fridge := thermal.Profile{ID: "fridge", Version: 1, Name: "fridge", Source: "a test", LongestGap: 600_000,
		Limits: []thermal.Limit{{Name: "too warm", Op: thermal.Above, At: 8000, Timer: thermal.Single, Delay: 300_000, Severity: thermal.Alarm}}}
	v.guard, err = guard.New(guard.Config{
		Watches: []guard.Watch{{Name: "box", Profile: fridge, Sensors: []string{d.probes[0].id}}}, Sensors: watched,
		Dir: filepath.Join(d.gateway.data, "guard"), BootID: v.clock.BootID(), Now: v.clock.Now, Journal: v, Log: log,
	})
	d.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	hold := v.clock.Busy() // until the keeper runs, the clock must not
	v.stop = running(d.TB, cancel,
		func() error { return s.Run(ctx) },
		func() error { hold(); return v.keeper.Run(ctx) },
		func() error { return v.guard.Run(ctx) },
		func() error {
			for b := range s.Batches() {
				v.keep(b)
			}
			return nil
		})
	v.connect()
	<-s.Ready()
	return v
}

// connect runs the uplink over the gateway's own link.
func (v *van) connect() {
	d := v.day
	id, err := identity.Open(identity.Options{Dir: filepath.Join(d.gateway.data, "identity"), Log: d.log})
	d.must(err)
	signer, err := id.Signer()
	d.must(err)
	u, err := uplink.New(uplink.Config{
		Gateway: d.gateway.id, Address: d.gateway.link.Addr(), TLS: func() (*tls.Config, error) { return id.TLS("127.0.0.1") }, Signer: signer,
		Journal: v.journal, Boottime: v.clock.Now,
		Anchor: func() *pb.Anchor {
			a, ok := v.keeper.Best()
			if !ok {
				return nil
			}
			return &pb.Anchor{Boot: v.journal.Tip().Boot, AtMs: a.At, UtcMs: a.UTC, UncertaintyMs: uint64(a.Uncertainty), Source: uint32(a.Source)}
		},
		Birth: func() *pb.State {
			return &pb.State{Boot: v.journal.Tip().Boot, BootId: v.clock.BootID(), Series: v.journal.Declared()}
		},
		Log: d.log,
		Timing: uplink.Timing{
			BackoffBase: 10 * time.Millisecond, BackoffCeiling: 300 * time.Millisecond, Silence: 2 * time.Second, Ping: 2 * time.Second, Connect: 3 * time.Second, Write: 3 * time.Second,
			MinResend: 100 * time.Millisecond, MaxResend: time.Second, Seal: 200 * time.Millisecond, SealAnswer: 100 * time.Millisecond,
			State: 100 * time.Millisecond, StateRefresh: 500 * time.Millisecond,
		},
	})
	d.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	v.offline = running(d.TB, cancel, func() error { return u.Run(ctx) }, func() error { return v.journal.Run(ctx) })
}

// keep hands a batch to the journal, and has the model note what it was told.
func (v *van) keep(b sampler.Batch) {
	defer b.Done()
	d := v.day
	if len(b.Lost) > 0 {
		d.Errorf("the sampler has lost %+v", b.Lost)
	}
	k, err := v.journal.Append(context.Background(), b.Readings, nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		for i, raw := range k.Blocks {
			blk, err := block.Decode(raw)
			if err != nil {
				d.Error(err)
				return
			}
			for _, r := range blk.Readings {
				d.kept[place{0, d.boot, d.series[r.Series], r.Tick}] = k.First + uint64(i)
			}
		}
	case errors.Is(err, journal.ErrHeld): // in memory, until the disk takes it
		for _, r := range b.Readings {
			d.held[place{0, d.boot, d.series[r.Series], r.Tick}] = true
		}
	default:
		d.Errorf("append: %v", err)
	}
}

// tell puts an event into the chain.
func (v *van) tell(e *pb.Event) error {
	_, err := v.Tell(context.Background(), e)
	return err
}

// Tell implements guard.Journal.
func (v *van) Tell(ctx context.Context, e *pb.Event) (bool, error) {
	_, err := v.journal.Append(ctx, nil, []*pb.Event{e})
	if errors.Is(err, journal.ErrHeld) {
		return false, nil
	}
	return err == nil, err
}

// Recent implements guard.Journal: a test has nothing to remember.
func (*van) Recent(context.Context, func(*pb.Alarm)) error { return nil }

// hear lets the time sources speak: honest ones err within what they claim.
func (d *day) hear(v *van, to int64) {
	if to%60_000 != 0 {
		return
	}
	offer := func(s truetime.Source, off, uncertainty int64) {
		d.mu.Lock()
		utc := d.truth(to)
		d.mu.Unlock()
		v.keeper.Offer(truetime.Anchor{At: to, UTC: utc + off, Uncertainty: uncertainty, Source: s})
	}
	offer(truetime.NTP, int64(d.clocks.below(200))-100, 120)
	if to >= 3_600_000 { // the receiver has its first fix after an hour
		offer(truetime.GNSS, int64(d.clocks.below(400))-200, 500)
	}
	switch d.lie {
	case 1:
		offer(truetime.Hub, 3_600_000, 800)
	case 2:
		offer(truetime.RTC, -5*3_600_000, 600_000)
	default:
		offer(truetime.Hub, int64(d.clocks.below(1000))-500, 800)
	}
}

// day is what happens, and a naive account of it.
type day struct {
	*site
	gateway *gateway
	volume  *volume
	clocks  *chance // of time sources
	probes  []*probe
	wrong   int64 // what the system clock says at each start, Unix ms
	boots   int

	mu     sync.Mutex
	clock  *clock.Virtual
	now    int64 // true UTC at the end of the last boot, Unix ms
	boot   uint32
	began  map[uint32]int64 // true UTC at boottime 0 of each boot
	lie    int              // of a time source
	lies   bool             // a broker that lies has taken the place of the hub
	warm   bool
	broken map[string]int

	series map[uint32]name
	said   map[place]taken   // what the sensors said; epochs are left out
	kept   map[place]uint64  // and the journal said is kept: in which block, 0 where it was in memory first
	held   map[place]bool    // and the journal has taken into memory, for all that is known
	dark   map[place]bool    // and was nowhere else when the power went
	scans  map[string]uint64 // ids of scans that were said to be kept, and in which block
	tally  map[string]int    // faults
	log    *slog.Logger
}

// truth is the UTC of a boottime of this boot, Unix ms. mu is held.
func (d *day) truth(at int64) int64 {
	began := d.began[d.boot]
	return began + at + at*60/1_000_000 // an oscillator 60 ppm slow
}
