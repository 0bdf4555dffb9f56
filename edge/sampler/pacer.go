package sampler

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"frostline/edge/outage"
	"frostline/edge/sensor"
	"frostline/proto/reading"
)

// pacer keeps the ticks of one sensor. It hands each measurement to a worker,
// which may hang without holding the pacer.
type pacer struct {
	Sensor
	s          *Sampler
	lead       int64 // ms
	quantities []reading.Quantity
	series     []uint32
	judge      *sensor.Plausibility
	work       chan *job
	first      int64 // tick, boottime ms; set before run

	hung *job // a job given up that the worker has not come back from

	outage outage.Outage
}

// job is one measurement.
type job struct {
	tick     int64
	ctx      context.Context
	cancel   context.CancelFunc // ends the measurement, or the pacer's wait for it
	done     func()             // the worker's hold on the clock, handed back with the answer
	settled  atomic.Bool        // by whoever comes first: the worker's answer, or the pacer's patience
	returned atomic.Bool        // the worker is free again
	values   []sensor.Value
	err      error
}

// maxMissed is how many ticks in a row are made up for, each with a reading
// that says no-answer. More than that is declared as lost, in one piece.
const maxMissed = 60

var errHung = errors.New("it still hangs in an earlier measurement")

// run goes from tick to tick until ctx ends.
func (p *pacer) run(ctx context.Context) {
	interval := p.Interval.Milliseconds()
	for tick := p.first; ; tick += interval {
		if p.s.clock.SleepUntil(ctx, tick-p.lead) != nil {
			return
		}
		if missed := (p.s.clock.Now() - tick) / interval; missed > maxMissed {
			next := tick + missed*interval
			p.s.gather.lose(Loss{Readings: int(missed) * len(p.series), From: tick, To: next - interval, Reason: Suspended})
			tick = next
		}
		if !p.tick(ctx, tick) {
			return
		}
	}
}

// tick gets the reading of one tick, and says whether there are more.
func (p *pacer) tick(ctx context.Context, tick int64) bool {
	deadline := tick + p.Timeout.Milliseconds()
	if p.s.clock.Now() >= deadline {
		p.give(tick, nil, fmt.Errorf("too late to measure for the tick of %d ms", tick))
		return true
	}
	if p.hung != nil && !p.hung.returned.Load() {
		if p.s.clock.SleepUntil(ctx, tick) != nil {
			return false
		}
		p.give(tick, nil, errHung)
		return true
	}
	j := &job{tick: tick, done: p.s.clock.Busy()}
	j.ctx, j.cancel = context.WithCancel(ctx)
	defer j.cancel()
	p.hung = j
	p.work <- j
	_ = p.s.clock.SleepUntil(j.ctx, deadline) // ends early with the answer
	if !j.settled.Swap(true) {
		if ctx.Err() != nil {
			return false
		}
		p.give(tick, nil, fmt.Errorf("no answer within %v", p.Timeout))
		return true
	}
	p.hung = nil
	defer j.done()
	if j.err != nil && ctx.Err() != nil {
		return false // the end interrupted it: no fault of the sensor's
	}
	p.give(tick, j.values, j.err)
	return ctx.Err() == nil
}

// worker measures, one job after another.
func (p *pacer) worker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-p.work:
			j.values, j.err = p.measure(j)
			late := j.err == nil // if it is
			j.returned.Store(true)
			if j.settled.Swap(true) { // nobody waits any more
				if late {
					p.s.latest.late(p.ID)
				}
				j.done()
			}
			j.cancel()
		}
	}
}

// measure has the driver measure for a tick.
func (p *pacer) measure(j *job) ([]sensor.Value, error) {
	if err := p.Driver.Begin(j.ctx); err != nil {
		// It fails before the tick: nobody is told before it.
		return nil, errors.Join(err, p.s.clock.SleepUntil(j.ctx, j.tick))
	}
	// The lead counts from when the part has been told, which on a busy bus is
	// later than when it was to be.
	if err := p.s.clock.SleepUntil(j.ctx, max(j.tick, p.s.clock.Now()+p.lead)); err != nil {
		return nil, err
	}
	p.s.late.add(p.s.clock.Now() - j.tick)
	values, err := p.Driver.Read(j.ctx)
	if err == nil && len(values) != len(p.quantities) {
		err = fmt.Errorf("driver %s gave %d values, want %d: this is a bug in the driver", p.Driver.Model(), len(values), len(p.quantities))
	}
	return values, err
}

// give turns the outcome of a tick into readings.
func (p *pacer) give(tick int64, values []sensor.Value, err error) {
	readings := make([]reading.Reading, len(p.series))
	if err == nil {
		p.judge.Judge(tick, values)
	}
	for i, id := range p.series {
		readings[i] = reading.Reading{Series: id, Tick: tick, Quality: sensor.QualityOf(err)}
		if err == nil {
			readings[i].Quality = values[i].Quality
			if values[i].Quality.HasValue() {
				readings[i].Value = values[i].Value
			}
		}
	}
	p.tell(err)
	p.s.latest.set(readings, err)
	p.s.gather.add(tick, readings)
}

// tell logs the first of a row of failures, and their end.
func (p *pacer) tell(err error) {
	now := p.s.clock.Now()
	if err != nil {
		p.outage.Failed(now, sensor.QualityOf(err).String(), err)
	} else {
		p.outage.Worked(now)
	}
}
