package agent

import (
	"context"
	"errors"
	"fmt"

	"frostline/edge/clock"
	"frostline/edge/journal"
	"frostline/edge/sampler"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// table lets the sampler ask the journal for series ids.
type table struct{ *journal.Journal }

func (t table) ID(s sampler.Series) (uint32, error) { return t.Series(journal.Series(s)) }

// keep turns what was taken into what is kept, until the sampler has ended. It
// never gives up: what a disk does not take waits in the journal's memory.
//
// together is how many batches are kept by one Append. It is 1 but in a
// recording, which would otherwise wait for the disk at each simulated second.
func (a *agent) keep(batches <-chan sampler.Batch, together int) {
	var readings []reading.Reading
	var events []*pb.Event
	n := 0
	for b := range batches {
		readings = append(readings, b.Readings...)
		for _, l := range b.Lost {
			events = append(events, &pb.Event{AtMs: b.Tick, Kind: &pb.Event_Gap{Gap: &pb.Gap{
				Readings: uint64(l.Readings), Reason: l.Reason, Boot: a.journal.Tip().Boot, FromMs: l.From, ToMs: l.To,
			}}})
			a.faults.add(a.clock.Now(), "sampler", fmt.Sprintf("%d readings were lost: %s", l.Readings, l.Reason))
		}
		if n++; n >= together {
			a.append(readings, events)
			readings, events, n = nil, nil, 0
		}
		if b.Done != nil {
			b.Done()
		}
	}
	a.append(readings, events)
}

func (a *agent) append(readings []reading.Reading, events []*pb.Event) {
	if len(readings)+len(events) == 0 {
		return
	}
	_, err := a.journal.Append(context.Background(), readings, events)
	a.progress.made(err)
	switch {
	case err == nil, errors.Is(err, journal.ErrHeld), errors.Is(err, journal.ErrDropped):
		// The journal counts, says and retries those itself.
	default:
		a.faults.add(a.clock.Now(), "journal", err.Error())
		a.log.Error("readings could not be appended", "readings", len(readings), "err", err)
	}
}

// recordClock puts an anchor or a clock step into the chain.
func (a *agent) recordClock(ctx context.Context, e clock.Event) error {
	event := &pb.Event{AtMs: e.At}
	if e.Anchor != nil {
		event.Kind = &pb.Event_Anchor{Anchor: pbAnchor(a.journal.Tip().Boot, *e.Anchor)}
	} else {
		event.Kind = &pb.Event_ClockStep{ClockStep: &pb.ClockStep{ByMs: e.Step}}
	}
	_, err := a.journal.Append(ctx, nil, []*pb.Event{event})
	if errors.Is(err, journal.ErrHeld) {
		return nil // it will be kept, and once
	}
	return err
}

func pbAnchor(boot uint32, t truetime.Anchor) *pb.Anchor {
	return &pb.Anchor{Boot: boot, AtMs: t.At, UtcMs: t.UTC, UncertaintyMs: uint64(t.Uncertainty), Source: uint32(t.Source)}
}
