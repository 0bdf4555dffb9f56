// Package sampler reads every sensor at its interval and gives the readings of
// a tick out together.
//
// A tick is a multiple of the interval in milliseconds of boottime, so that
// sensors with the same interval share theirs, whatever the system clock does.
// Each sensor has goroutines of its own: a slow or hung one delays no other and
// shifts no tick. For every tick of a sensor there is one reading of each of its
// quantities; where it did not answer in time, one that says so.
//
// The readings of a tick go out as one Batch when all sensors due have
// answered, or Linger after the tick with those that have; later ones follow in
// a Batch of their own under the same tick. Batches wait in a channel of bounded
// length. What does not fit there is lost, and the next Batch says how much.
//
// All waiting is by the Clock. With clock.Virtual the same code runs as fast as
// the sensors answer: time stands still while a sensor measures, and while a
// Batch has not been dealt with.
package sampler

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"frostline/edge/outage"
	"frostline/edge/sensor"
	"frostline/proto/reading"
)

// Clock is what the sampler knows of time; see clock.Clock.
type Clock interface {
	Now() int64
	SleepUntil(ctx context.Context, at int64) error
	Busy() (done func())
}

// Series says what a series is, for the table that gives it an id.
type Series struct {
	Sensor   string           // id from the configuration
	Quantity reading.Quantity //
	Model    string           // driver
	Address  string           // on its bus
	Interval time.Duration    // between readings, whole milliseconds
}

// Table gives a series its id, the same for the same series as long as the
// process lives.
type Table interface {
	ID(Series) (uint32, error)
}

// Sensor is a sensor to be read.
type Sensor struct {
	ID       string
	Driver   sensor.Driver
	Address  string                            // on its bus, for Series
	Interval time.Duration                     // between ticks; at least MinInterval, whole milliseconds
	Timeout  time.Duration                     // after the tick, until which it may answer; at most Interval less the driver's Lead
	Limits   map[reading.Quantity]sensor.Limit // what is believed
}

// MinInterval is the shortest interval of a sensor.
const MinInterval = 100 * time.Millisecond

// Batch is readings of one tick.
type Batch struct {
	Tick     int64             // boottime, ms
	Readings []reading.Reading // by series, ascending
	// Lost says what was taken, or should have been, and is not in this or any
	// batch before: the chain has to name it as a gap.
	Lost []Loss
	// Done is called once the batch has been dealt with, on whatever goroutine.
	// A virtual clock stands still until then.
	Done func()
}

// Loss is readings that never got into a batch.
type Loss struct {
	Readings int
	From, To int64 // ticks, boottime ms
	Reason   string
}

// Reasons of a Loss.
const (
	Overflow  = "readings came faster than they could be kept"
	Suspended = "the gateway slept or was stopped"
)

// Config describes a Sampler. Zero values take the default.
type Config struct {
	Clock   Clock
	Sensors []Sensor
	Table   Table
	Linger  time.Duration // default 250 ms
	Buffer  int           // batches that may wait; default 1024
	// Seen is given the readings of each batch as it is complete, before it
	// waits to be kept. It must not block, change them or call the Sampler. May
	// be nil.
	Seen func([]reading.Reading)
	Log  *slog.Logger
}

// Sampler reads sensors. Its methods are safe for concurrent use.
type Sampler struct {
	clock  Clock
	log    *slog.Logger
	pacers []*pacer
	gather *gatherer
	ready  chan struct{}
	latest latest
	late   lateness
}

// New checks c, gets the series their ids and makes a Sampler. Nothing is read
// before Run.
func New(c Config) (*Sampler, error) {
	if c.Clock == nil || c.Table == nil || c.Log == nil {
		return nil, fmt.Errorf("sampler: Clock, Table and Log are required")
	}
	if c.Linger == 0 {
		c.Linger = 250 * time.Millisecond
	}
	if c.Buffer == 0 {
		c.Buffer = 1024
	}
	s := &Sampler{clock: c.Clock, log: c.Log, ready: make(chan struct{})}
	seen := map[string]bool{}
	longest := c.Linger
	for _, d := range c.Sensors {
		if err := check(d); err != nil {
			return nil, err
		}
		if seen[d.ID] {
			return nil, fmt.Errorf("sensor %s: there are two of that id: rename one", d.ID)
		}
		seen[d.ID] = true
		longest = max(longest, d.Timeout)
		p := &pacer{Sensor: d, s: s, lead: d.Driver.Lead().Milliseconds(), judge: sensor.NewPlausibility(d.Limits), work: make(chan *job, 1)}
		p.outage = outage.Outage{Log: c.Log.With("sensor", d.ID), Fails: "sensor fails", Works: "sensor answers again"}
		for _, q := range d.Driver.Quantities() {
			id, err := c.Table.ID(Series{Sensor: d.ID, Quantity: q, Model: d.Driver.Model(), Address: d.Address, Interval: d.Interval})
			if err != nil {
				return nil, fmt.Errorf("sensor %s: %w", d.ID, err)
			}
			p.quantities = append(p.quantities, q)
			p.series = append(p.series, id)
			s.latest.add(d.ID, d.Driver.Model(), q, id)
		}
		s.pacers = append(s.pacers, p)
	}
	s.gather = newGatherer(c.Clock, c.Linger.Milliseconds(), longest.Milliseconds(), c.Buffer, s.due)
	s.gather.seen = c.Seen
	return s, nil
}

// check says what is wrong with a sensor.
func check(d Sensor) error {
	switch lead := d.Driver.Lead(); {
	case d.Interval < MinInterval || d.Interval%time.Millisecond != 0:
		return fmt.Errorf("sensor %s: interval %v: want whole milliseconds, at least %v", d.ID, d.Interval, MinInterval)
	case d.Timeout < time.Millisecond || d.Timeout > d.Interval-lead:
		return fmt.Errorf("sensor %s: timeout %v: want at most %v, which is the interval of %v less the %v a %s takes to measure", d.ID, d.Timeout, d.Interval-lead, d.Interval, lead, d.Driver.Model())
	}
	return nil
}

// Batches gives the batches, in the order in which they were complete. It is
// closed at the end of Run.
func (s *Sampler) Batches() <-chan Batch { return s.gather.out }

// Ready is closed when Run has taken hold of the clock: before that, a virtual
// clock must not run.
func (s *Sampler) Ready() <-chan struct{} { return s.ready }

// Run reads until ctx ends, and returns nil then. Readings that have been taken
// go out first. It does not wait for a sensor that hangs.
func (s *Sampler) Run(ctx context.Context) error {
	defer close(s.gather.out)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var pacers, gather sync.WaitGroup
	held := make([]func(), len(s.pacers)+1)
	for i := range held {
		held[i] = s.clock.Busy()
	}
	now := s.clock.Now()
	for i, p := range s.pacers {
		p.first = ceil(now+p.lead, p.Interval.Milliseconds())
		pacers.Go(func() {
			defer held[i]()
			p.run(ctx)
		})
		go p.worker(ctx)
	}
	gather.Go(func() {
		defer held[len(s.pacers)]()
		s.gather.run(ctx)
	})
	close(s.ready)
	<-ctx.Done()
	pacers.Wait()
	gather.Wait()
	s.gather.close()
	return nil
}

// due counts the sensors that have a reading at a tick.
func (s *Sampler) due(tick int64) (n int) {
	for _, p := range s.pacers {
		if tick >= p.first && tick%p.Interval.Milliseconds() == 0 {
			n++
		}
	}
	return n
}

// ceil is the first multiple of interval at or after t.
func ceil(t, interval int64) int64 { return (t + interval - 1) / interval * interval }
