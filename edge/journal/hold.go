package journal

import (
	"errors"
	"fmt"

	"frostline/proto/block"
	"frostline/proto/pb"
)

// hold puts a group into memory and says so to those who wait for it.
func (j *Journal) hold(group []*request, cause error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range group {
		if err := j.holdOne(r); err != nil {
			r.finish(Kept{}, err)
			continue
		}
		r.finish(Kept{}, fmt.Errorf("%w: %w", ErrHeld, cause))
	}
	j.bound()
}

// holdOne encodes a request into the held queue. j.mu is held.
func (j *Journal) holdOne(r *request) error {
	sortByTick(r.readings)
	unique := r.readings[:0]
	for i, x := range r.readings {
		if i > 0 && x.Tick == r.readings[i-1].Tick && x.Series == r.readings[i-1].Series {
			j.count.repeats++
			continue
		}
		unique = append(unique, x)
	}
	var drafts []draft
	for _, b := range split(unique, r.events, 128) {
		b.Number = 1
		raw, err := b.AppendTo(nil)
		if err != nil {
			return fmt.Errorf("%w: %w", errPlan, err)
		}
		d := draft{raw: raw, readings: uint64(len(b.Readings))}
		for i, x := range b.Readings {
			if i == 0 {
				d.from, d.to = x.Tick, x.Tick
			}
			d.from, d.to = min(d.from, x.Tick), max(d.to, x.Tick)
		}
		drafts = append(drafts, d)
	}
	for _, d := range drafts {
		j.held.push(d)
	}
	return nil
}

// bound drops the oldest of what is in memory beyond HeldBytes. j.mu is held.
func (j *Journal) bound() {
	dropped := false
	for j.held.bytes+j.queued > j.o.HeldBytes && len(j.held.drafts) > 0 {
		j.held.drop()
		dropped = true
	}
	for j.queued > j.o.HeldBytes && len(j.queue) > 1 {
		r := j.queue[0]
		j.queue = j.queue[1:]
		j.queued -= r.size()
		if n := len(r.readings); n > 0 || len(r.events) > 0 {
			g := &pb.Gap{Readings: uint64(n), Reason: overflow, FromMs: maxTick}
			for _, x := range r.readings {
				g.FromMs, g.ToMs = min(g.FromMs, x.Tick), max(g.ToMs, x.Tick)
			}
			j.held.lose(g)
		}
		r.finish(Kept{}, ErrDropped)
		dropped = true
	}
	if dropped && !j.count.overflowing {
		j.log.Error("memory for readings is full: the oldest are dropped and will be declared lost", "limit", j.o.HeldBytes)
	}
	j.count.overflowing = j.count.overflowing || dropped
}

// drainReadings is how many readings of the held queue are kept at a time.
const drainReadings = 4096

// drain keeps what is held, oldest first. j.disk is held.
func (j *Journal) drain() error {
	for {
		j.mu.Lock()
		if !j.held.any() {
			j.mu.Unlock()
			return nil
		}
		r, drafts := &request{}, []draft(nil)
		for len(j.held.drafts)+len(j.held.saved) > 0 && len(r.readings) < drainReadings && len(r.events) < groupEvents {
			d := j.held.next()
			drafts = append(drafts, d)
			b, err := block.Decode(d.raw)
			if err != nil { // our own encoding, in memory
				j.refuseLocked(d.readings, err)
				drafts = drafts[:len(drafts)-1]
				continue
			}
			r.readings = append(r.readings, b.Readings...)
			r.events = append(r.events, b.Events...)
		}
		j.held.leaving = counted{len(drafts), uint64(len(r.readings))}
		j.mu.Unlock()
		_, err := j.keep([]*request{r}, false)
		j.mu.Lock()
		j.held.leaving = counted{}
		switch {
		case errors.Is(err, errPlan):
			j.refuseLocked(uint64(len(r.readings)), err)
			err = nil
		case err != nil:
			j.held.unpop(drafts)
		}
		j.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// refused declares lost what cannot be made into blocks.
func (j *Journal) refused(group []*request, cause error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range group {
		j.refuseLocked(uint64(len(r.readings)), cause)
	}
}

func (j *Journal) refuseLocked(readings uint64, cause error) {
	if readings == 0 {
		return
	}
	j.log.Error("readings cannot be kept", "readings", readings, "error", cause)
	j.notices = append(j.notices, notice{event: &pb.Event{AtMs: j.o.Boottime(), Kind: &pb.Event_Gap{
		Gap: &pb.Gap{Readings: readings, Boot: j.boot, Reason: text("%v", cause)}}}})
}
