package sensor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"frostline/edge/bus"
	"frostline/edge/gnss"
	"frostline/edge/outage"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// maxFixAge is how long a position, and a receiver's silence, may be, in ms.
const maxFixAge = 3000

// reopen is how long a failed port rests.
const reopen = time.Second

// GNSS is a satellite receiver: one that sends NMEA 0183 sentences, or SiRF
// binary, on a serial port, or one that gpsd looks after.
//
// Accuracy some metres in the open and tens of metres among houses: the
// position error given is HDOP × 5 m, which is an estimate, not a bound.
//
// What looks like data and is not: positions with status void; dead reckoning,
// typed in and simulated ones, and 0°N 0°E; the last position, which some
// receivers repeat without sight of the sky; any sentence whose checksum is
// wrong or missing; times whose week counter has rolled over by 1024 weeks, or
// that are off by the leap seconds until the receiver has learnt them; the time
// of a sentence without a date, which about midnight may get that of yesterday.
//
// The readings of a tick are what was heard last, at most three seconds before.
// How sentences become fixes is told in package gnss.
type GNSS struct {
	open   func() (io.ReadWriteCloser, error)
	name   string
	now    func() int64
	onTime func(truetime.Anchor)
	log    *slog.Logger

	mu      sync.Mutex
	track   track
	times   timekeeper
	source  source
	at      int64 // boottime of what is being fed, ms
	anchors []truetime.Anchor
	err     error // of the port; nil while it works
	outage  outage.Outage
}

// source makes reports of what a receiver, or gpsd, sends.
type source interface {
	Write(b []byte) (int, error)
	Counts() gnss.Counts
}

// GNSSConfig describes a receiver.
type GNSSConfig struct {
	Name string                             // of the port, for messages
	Open func() (io.ReadWriteCloser, error) // a Read may return nothing when nothing came
	GPSD bool                               // it is gpsd that talks there
	Now  func() int64                       // boottime, ms
	// OnTime is given anchors made of the receiver's time, about every ten
	// seconds; nil where they are not wanted.
	OnTime func(truetime.Anchor)
	Log    *slog.Logger
}

var gnssKind = kind{
	bus: "a serial port such as /dev/ttyUSB0, or gpsd:HOST:PORT", real: true,
	options: []string{"baud"}, defaults: Options{Baud: 9600},
	limits: func(Options) map[reading.Quantity]Limit {
		// A position moves at most 100 m/s, a tenth of a degree of longitude
		// being shorter the nearer the poles, up to 84° where a road ends; the
		// first fix after a tunnel may lie 500 m off.
		return map[reading.Quantity]Limit{
			reading.Latitude:  {Step: 45_000, Rate: 9_000},
			reading.Longitude: {Step: 450_000, Rate: 90_000},
		}
	},
	checkBus: checkReceiver,
	open: func(s Spec, env Env) (Driver, error) {
		c := GNSSConfig{Name: s.Bus, Now: env.Now, OnTime: env.OnTime, Log: env.Log.With("sensor", s.ID)}
		if address, is := gpsdAddress(s.Bus); is {
			c.GPSD, c.Open = true, func() (io.ReadWriteCloser, error) { return dialGPSD(address) }
		} else {
			c.Open = serialOpener(env.Buses, s.Bus, s.Options.Baud)
		}
		return NewGNSS(c), nil
	},
}

// NewGNSS makes a driver; Run listens.
func NewGNSS(c GNSSConfig) *GNSS {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	g := &GNSS{open: c.Open, name: c.Name, now: c.Now, onTime: c.OnTime, log: c.Log,
		err: fmt.Errorf("gnss on %s: nobody listens yet", c.Name)}
	g.outage = outage.Outage{Log: g.log.With("port", c.Name), Fails: "satellite receiver is gone", Works: "satellite receiver is heard again"}
	if c.GPSD {
		g.source = newGPSD(g.report)
	} else {
		g.source = gnss.NewReceiver(func(f gnss.Fix) { g.track.take(f, g.at) }, g.sentence)
	}
	return g
}

// Model implements Driver.
func (g *GNSS) Model() string { return "gnss" }

// Quantities implements Driver.
func (g *GNSS) Quantities() []reading.Quantity {
	return []reading.Quantity{reading.Latitude, reading.Longitude, reading.Speed, reading.PositionError, reading.SatellitesUsed}
}

// Lead implements Driver.
func (g *GNSS) Lead() time.Duration { return 0 }

// Close implements Driver.
func (g *GNSS) Close() error { return nil }

// Begin implements Driver.
func (g *GNSS) Begin(context.Context) error { return nil }

// Counts tells what the receiver has sent.
func (g *GNSS) Counts() gnss.Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.source.Counts()
}

// Run implements Runner. A port that fails is opened again every second.
func (g *GNSS) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := g.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		g.mu.Lock()
		g.err = fmt.Errorf("gnss on %s: %w", g.name, err)
		g.outage.Failed(g.now(), "", err)
		g.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(reopen):
		}
	}
}

// serialOpener opens a port of the gateway.
func serialOpener(buses *bus.Set, name string, baud int) func() (io.ReadWriteCloser, error) {
	return func() (io.ReadWriteCloser, error) { return buses.Serial(name, baud) }
}

// listen reads the port until it fails or ctx ends.
func (g *GNSS) listen(ctx context.Context) error {
	port, err := g.open()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = port.Close() }) // ends a Read under way
	defer func() {
		if stop() {
			_ = port.Close() // nothing was written to it
		}
	}()
	g.mu.Lock()
	g.err = nil
	g.mu.Unlock()
	g.log.Debug("listening to satellite receiver", "port", g.name)
	buf := make([]byte, 4096)
	for {
		n, err := port.Read(buf)
		if n > 0 {
			g.Feed(buf[:n], g.now())
		}
		if err != nil {
			return err
		}
	}
}

// Feed takes bytes of the receiver, heard at boottime at in ms.
func (g *GNSS) Feed(b []byte, at int64) {
	g.mu.Lock()
	before := g.source.Counts()
	g.at = at
	g.outage.Worked(at)
	_, _ = g.source.Write(b) // it never fails
	after := g.source.Counts()
	if after.Sentences+after.Other+after.SiRF > before.Sentences+before.Other+before.SiRF {
		g.track.heard = at
	}
	if after.BadChecksum > before.BadChecksum {
		g.track.bad = at
	}
	anchors := g.anchors
	g.anchors = nil
	g.mu.Unlock()
	if g.onTime != nil {
		for _, a := range anchors {
			g.onTime(a)
		}
	}
}

// sentence makes time of those that name it. g.mu is held.
func (g *GNSS) sentence(s gnss.Sentence) {
	if utc, ok := g.track.instant(s, g.at); ok {
		g.tell(utc)
	}
}

// report takes one of gpsd, whose dates are right when the fix is. g.mu is held.
func (g *GNSS) report(f gnss.Fix) {
	if g.track.take(f, g.at) && !f.Time.IsZero() {
		g.tell(f.Time)
	}
}

func (g *GNSS) tell(utc time.Time) {
	if a, ok := g.times.take(utc, g.at); ok {
		g.anchors = append(g.anchors, a)
	}
}

// Read implements Driver.
func (g *GNSS) Read(context.Context) ([]Value, error) {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &g.track
	if !fresh(t.heard, now) {
		switch {
		case fresh(t.bad, now):
			return nil, fmt.Errorf("gnss on %s: %w: is the baud rate right?", g.name, bus.ErrChecksum)
		case g.err != nil:
			return nil, g.err
		}
		return nil, fmt.Errorf("gnss on %s: the receiver is silent: %s", g.name, g.hint())
	}
	values := []Value{
		{reading.Latitude, 0, reading.NoFix}, {reading.Longitude, 0, reading.NoFix}, {reading.Speed, 0, reading.NoFix},
		{reading.PositionError, 0, reading.NoFix}, {reading.SatellitesUsed, 0, reading.NoFix},
	}
	set := func(i int, v int64) { values[i].Value, values[i].Quality = v, reading.OK }
	if fresh(t.satellitesAt, now) {
		set(4, t.satellites)
	}
	if !fresh(t.fixAt, now) {
		return values, nil
	}
	set(0, t.lat)
	set(1, t.lon)
	if fresh(t.speedAt, now) {
		set(2, t.speed)
	}
	if fresh(t.precisionAt, now) {
		set(3, t.precision)
	}
	return values, nil
}

// hint says what to look at when nothing comes.
func (g *GNSS) hint() string {
	if _, is := g.source.(*gpsd); is {
		return "gpsd answers and has no receiver: see cgps, and the devices it was started with"
	}
	return "is the baud rate right?"
}

// fresh says whether something heard at a boottime still holds.
func fresh(at, now int64) bool { return at != 0 && now-at <= maxFixAge }
