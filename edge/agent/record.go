package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/edge/clock"
	"frostline/edge/journal"
	"frostline/proto/truetime"
)

// recordedUncertainty is claimed for the host's clock while recording.
const recordedUncertainty = 2 * time.Second

// recordedTogether batches of a recording are kept at once.
const recordedTogether = 64

// Advance moves whatever the sensors are simulated by to a boottime of the
// recording, in milliseconds from 0.
type Advance func(ctx context.Context, to int64) error

// Record lives through a span of time that ends about now, as fast as the
// sensors answer: the same sampler, drivers and journal as in Run, on a clock
// that jumps. There is no uplink meanwhile, as in a gateway without a network.
// What it keeps is a boot of its own, marked as recorded in the chain. It is
// for simulated sensors: real ones would be read too early.
//
// begin is the UTC at which the span starts. progress is told, now and then,
// how much is done.
func Record(ctx context.Context, c Config, begin time.Time, span time.Duration, advance Advance, progress func(time.Duration)) error {
	var step time.Duration
	var minutes int64
	for _, s := range c.Sensors {
		if s.Driver == "gnss" { // its receiver speaks each second
			step = time.Second
		}
	}
	v, err := clock.NewVirtual(clock.VirtualConfig{
		BootID: "recorded-" + rand.Text(), UTC: begin.UnixMilli(), MaxStep: step,
		Hook: func(ctx context.Context, _, to int64) error {
			if done := to / 60_000; done > minutes {
				minutes = done
				progress(time.Duration(to) * time.Millisecond)
			}
			return advance(ctx, to)
		},
	})
	if err != nil {
		return err
	}
	a, err := open(c, v, journal.Options{Recorded: true})
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	a.keeper.Offer(truetime.Anchor{At: v.Now(), UTC: v.UTC(), Uncertainty: recordedUncertainty.Milliseconds(), Source: truetime.RTC})
	g, outer := errgroup.WithContext(ctx)
	inner, end := context.WithCancel(outer)
	g.Go(func() error { return a.sample(inner, recordedTogether) })
	g.Go(func() error {
		defer end()
		select {
		case <-a.stage().sampler.Ready():
		case <-outer.Done():
			return context.Cause(outer)
		}
		return v.RunUntil(outer, span.Milliseconds())
	})
	return errors.Join(g.Wait(), a.close())
}
