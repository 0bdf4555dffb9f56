package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"frostline/edge/bus"
	"frostline/edge/guard"
	"frostline/edge/journal"
	"frostline/proto/block"
	"frostline/proto/pb"
	"frostline/proto/reading"

	"periph.io/x/conn/v3/gpio"
)

// Indicator is a lamp or a buzzer on a GPIO output.
type Indicator struct {
	Line      string
	Buzzer    bool
	ActiveLow bool // the line's low level switches it on
}

// guardDir is where the guard keeps its state.
func guardDir(data string) string { return filepath.Join(data, "guard") }

// openGuard makes the guard of a stage. What it cannot watch is told, and does
// not keep the gateway from measuring.
func (a *agent) openGuard(s *stage) error {
	c := guard.Config{
		Watches: a.effective(s), Sensors: s.thermometers(), Dir: guardDir(a.c.Data), BootID: a.clock.BootID(), Now: a.clock.Now,
		Journal: chain{a}, Told: a.link.seal, Log: a.log.With("part", "guard"),
	}
	if len(a.c.Indicators) > 0 {
		a.outputs = bus.NewSet(a.c.W1Root, a.log)
	}
	for _, i := range a.c.Indicators {
		line, off := a.outputs.Line(i.Line), gpio.Level(i.ActiveLow)
		l := &lamp{drive: func(on bool) error { return line.Drive(gpio.Level(on) != off) }}
		if !i.Buzzer {
			a.lamps = append(a.lamps, l)
		}
		c.Indicators = append(c.Indicators, guard.Indicator{Name: i.Line, Buzzer: i.Buzzer, Drive: l.set})
	}
	g, err := guard.New(c)
	if err != nil {
		a.trouble("guard", fmt.Errorf("nothing is watched: %w", err))
		c.Watches = nil
		if g, err = guard.New(c); err != nil {
			return err
		}
	}
	a.guard = g
	a.watched.Store(&c.Watches)
	return nil
}

// thermometers are the sensors whose temperature is sampled.
func (s *stage) thermometers() []guard.Sensor {
	var out []guard.Sensor
	for _, x := range s.sampler.Latest() {
		if x.Quantity != reading.Temperature {
			continue
		}
		for _, c := range s.sensors {
			if c.ID == x.Sensor {
				out = append(out, guard.Sensor{ID: c.ID, Series: x.Last.Series, Interval: c.Interval, Timeout: c.Timeout})
			}
		}
	}
	return out
}

// seen has the guard judge what was taken.
func (a *agent) seen(r []reading.Reading) {
	if a.guard != nil {
		a.guard.Observe(r)
		a.history.Observe(r)
	}
}

// chain lets the guard tell the journal.
type chain struct{ *agent }

// Tell implements guard.Journal.
func (c chain) Tell(ctx context.Context, e *pb.Event) (kept bool, err error) {
	_, err = c.journal.Append(ctx, nil, []*pb.Event{e})
	if errors.Is(err, journal.ErrHeld) {
		return false, nil
	}
	return err == nil, err
}

// recentBlocks is how far back Recent looks: more than are kept between a step
// and the end of the agent that told it.
const recentBlocks = 4096

// Recent implements guard.Journal.
func (c chain) Recent(_ context.Context, yield func(*pb.Alarm)) error {
	tip := c.journal.Tip()
	if tip.Epoch == 0 {
		return errors.New("the journal has not been read yet")
	}
	next := uint64(1)
	if tip.Last > recentBlocks {
		next = tip.Last - recentBlocks
	}
	for next <= tip.Last {
		run, err := c.journal.Read(tip.Epoch, next, 256, 1<<20)
		if err != nil {
			return err
		}
		if len(run.Blocks) == 0 {
			return nil
		}
		for _, raw := range run.Blocks {
			b, err := block.Decode(raw)
			if err != nil {
				return err
			}
			for _, e := range b.Events {
				if m, err := block.DecodeEvent(e); err == nil && m.GetAlarm() != nil {
					yield(m.GetAlarm())
				}
			}
		}
		next = run.First + uint64(len(run.Blocks))
	}
	return nil
}
