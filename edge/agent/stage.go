package agent

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"frostline/edge/bus"
	"frostline/edge/guard"
	"frostline/edge/sampler"
	"frostline/edge/sensor"
	"frostline/proto/truetime"
)

// stage is what reads the sensors of one configuration: buses, drivers and
// sampler. Another configuration takes its place while journal, uplink and page
// go on.
type stage struct {
	began   int64 // boottime, ms
	sensors []Sensor
	rules   atomic.Pointer[rules]
	buses   *bus.Set
	drivers []sensor.Driver
	sampler *sampler.Sampler
	ctx     context.Context // ends with its time as the present one
	end     context.CancelFunc
}

// rules are what is watched, and the packages whose storage profiles are known;
// see watching. They are never changed, only replaced.
type rules struct {
	watches  []guard.Watch
	packages []Package
}

// openStage makes drivers and sampler. No sensor has to answer for that.
func (a *agent) openStage(c Settings) (*stage, error) {
	s := &stage{began: a.clock.Now(), sensors: c.Sensors, buses: bus.NewSet(a.c.W1Root, a.log)}
	s.rules.Store(&rules{c.Watches, c.Packages})
	s.ctx, s.end = context.WithCancel(context.Background())
	env := sensor.Env{
		Buses: s.buses, Now: a.clock.Now, Log: a.log,
		OnTime: func(t truetime.Anchor) { a.keeper.Offer(t) },
	}
	var sampled []sampler.Sensor
	for _, c := range c.Sensors {
		d, err := sensor.Open(c.Spec, env)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		if c.Calibration != nil {
			corrected, ok := sensor.Calibrate(d, *c.Calibration)
			if !ok {
				return nil, errors.Join(fmt.Errorf("sensor %s: it measures no temperature that could be calibrated", c.ID), d.Close(), s.close())
			}
			d = corrected
		}
		s.drivers = append(s.drivers, d)
		sampled = append(sampled, sampler.Sensor{
			ID: c.ID, Driver: d, Address: c.Address, Interval: c.Interval, Timeout: c.Timeout, Limits: c.Limits(),
		})
	}
	var err error
	s.sampler, err = sampler.New(sampler.Config{Clock: a.clock, Sensors: sampled, Table: table{a.journal}, Seen: a.seen, Log: a.log.With("part", "sampler")})
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// reads says whether it reads just that.
func (s *stage) reads(c Settings) bool { return reflect.DeepEqual(s.sensors, c.Sensors) }

// watches says whether it watches just that.
func (s *stage) watches(c Settings) bool {
	r := s.rules.Load()
	return reflect.DeepEqual(r.watches, c.Watches) && reflect.DeepEqual(r.packages, c.Packages)
}

// rule has other rules watched, by the sensors that are read; on an error those
// of before are.
func (a *agent) rule(c Settings) error {
	s := a.stage()
	was := s.rules.Swap(&rules{c.Watches, c.Packages})
	if a.guard == nil { // it is not made yet, and begins with these
		return nil
	}
	err := a.watch(s)
	if err != nil {
		s.rules.Store(was)
	}
	return err
}

// stage is the present one.
func (a *agent) stage() *stage { return a.present.Load() }

// run reads and keeps until ctx or the stage's own time ends, and all that was
// taken is kept; see keep for together.
func (s *stage) run(ctx context.Context, a *agent, together int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(s.ctx, stop)()
	g, ctx := errgroup.WithContext(ctx)
	listening, deaf := context.WithCancel(context.WithoutCancel(ctx))
	for _, d := range s.drivers {
		if r, ok := d.(sensor.Runner); ok {
			g.Go(func() error { r.Run(listening); return nil })
		}
	}
	g.Go(func() error { defer deaf(); return s.sampler.Run(ctx) })
	g.Go(func() error { a.keep(s.sampler.Batches(), together); return nil })
	return g.Wait()
}

// close gives back what it holds. It is called once, after run.
func (s *stage) close() error {
	s.end()
	var errs []error
	for _, d := range s.drivers {
		errs = append(errs, d.Close())
	}
	return errors.Join(append(errs, s.buses.Close())...)
}

// swap is a wish for another configuration.
type swap struct {
	to   Settings
	done chan error
}

// errEnding is what a swap gets that came too late.
var errEnding = errors.New("the agent is ending")

// replace has other sensors read, and others watched, than now. Readings of the former are kept
// before the first of the new ones is taken; the ticks between are not read,
// some tens of milliseconds as a rule. Where the new ones cannot be opened the
// former go on, and the error says why.
func (a *agent) replace(ctx context.Context, to Settings) error {
	w := swap{to, make(chan error, 1)}
	select {
	case a.swaps <- w:
	case <-ctx.Done():
		return errEnding
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return errEnding
	}
}

// stages runs one stage after the other, until ctx ends or nothing can be read.
func (a *agent) stages(ctx context.Context, together int) error {
	for {
		s := a.stage()
		result := make(chan error, 1)
		go func() { result <- s.run(ctx, a, together) }()
		select {
		case err := <-result:
			return err
		case w := <-a.swaps:
			s.end()
			if err := <-result; err != nil || ctx.Err() != nil {
				w.done <- errEnding
				return err
			}
			if err := a.swapTo(s, w); err != nil {
				return err
			}
		}
	}
}

// swapTo makes w's sensors the present ones, or again those of the former stage.
func (a *agent) swapTo(former *stage, w swap) error {
	if err := former.close(); err != nil {
		a.log.Warn("sensors could not be closed", "err", err)
	}
	next, err := a.openStage(w.to)
	if err == nil {
		if err = a.watch(next); err != nil {
			err = errors.Join(err, next.close())
		}
	}
	if err != nil {
		var again error
		if next, again = a.openStage(Settings{Sensors: former.sensors, Watches: former.rules.Load().watches, Packages: former.rules.Load().packages}); again != nil {
			w.done <- err
			return fmt.Errorf("open the sensors of before again: %w", again)
		}
	}
	a.tellCalibrations(next)
	a.follow(next)
	a.present.Store(next)
	a.rewatch() // something may have come aboard meanwhile
	w.done <- err
	return nil
}
