package board

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/scenario"
)

// planned is one step of the scenario's schedule.
type planned struct {
	at    time.Duration // on the clock that clients see, from 0 ms
	name  string
	fault fault.Fault
	end   bool // of the fault
}

// plan puts a checked schedule into steps in order of time: each fault, and
// its end.
func plan(schedule []scenario.Planned) ([]planned, error) {
	var steps []planned
	for _, p := range schedule {
		f, err := fault.New(p.Fault, p.Value)
		if err != nil {
			return nil, err
		}
		steps = append(steps, planned{p.At, p.Name, f, false}, planned{p.At + p.For, p.Name, f, true})
	}
	slices.SortStableFunc(steps, func(a, b planned) int { return cmp.Compare(a.at, b.at) })
	return steps, nil
}

// rehearse tries a plan on a board that nobody sees, so that a fault which a
// thing cannot have is found now and not in hours.
func rehearse(spec scenario.Board, o Options, steps []planned) error {
	if len(steps) == 0 {
		return nil
	}
	spec.Schedule = nil
	o.Log = nil
	stage, err := New(spec, o)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := stage.setFault(step.name, step.fault, 0); err != nil {
			return fmt.Errorf("at %s, %s: %w", step.at, step.name, err)
		}
	}
	return nil
}

// follow takes the steps of the schedule that are due by now, each at its own
// moment. The lock is held.
func (b *Board) follow(now time.Duration) {
	for b.taken < len(b.plan) {
		step := b.plan[b.taken]
		at := b.origin + step.at
		if at > now {
			return
		}
		b.world.AdvanceTo(at)
		b.taken++
		f := step.fault
		if step.end {
			if b.faultOf(step.name).String() != f.String() {
				continue // somebody has set another meanwhile: that one stays
			}
			f = fault.Clear
		}
		if err := b.setFault(step.name, f, at); err != nil {
			b.log.Error("schedule", "error", err)
		}
	}
}

// faultOf tells what is wrong with a device or an object. The lock is held.
func (b *Board) faultOf(name string) fault.Fault {
	for _, d := range b.devices {
		if d.spec.Name == name {
			return d.sensor.Fault()
		}
	}
	for _, s := range b.world.States() {
		if s.Name == name {
			return s.Fault
		}
	}
	return fault.Clear
}
