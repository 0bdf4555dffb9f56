package correlate

import (
	"context"
	"encoding/json"
	"fmt"

	"frostline/hub/correlate/join"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
)

// page is how many events are read at once.
const page = 5000

// types are the events that the engine reads.
var types = append([]string{fact.VerdictWasRevised}, join.Types...)

// restore reads all facts, marks what was not worked in when the engine was
// stopped, and all packages that are open: they have to be followed.
func (e *Engine) restore(ctx context.Context) error {
	var err error
	for i, name := range []string{"batch", "position"} {
		if err = e.store.QueryRow(ctx, `SELECT value FROM correlate_state WHERE name = $1`, name).Scan(&e.saved[i]); err != nil {
			return fmt.Errorf("read how far verdicts have come: %w", err)
		}
	}
	began := e.now()
	read := 0
	for {
		events, err := e.events.Read(ctx, e.position, page, types...)
		if err != nil {
			return err
		}
		for i := range events {
			if events[i].Position <= e.saved[1] {
				e.position = events[i].Position
				err = e.load(&events[i])
			} else {
				err = e.apply(&events[i])
			}
			if err != nil {
				return err
			}
		}
		if read += len(events); len(events) < page {
			break
		}
	}
	e.applied = e.saved[0]
	now := e.now().UnixMilli()
	late := now - e.lag - 2*e.facts.LongestGap() // readings of packages closed since may come any moment
	e.facts.Packages(func(id string) {
		w, _ := e.facts.Watch(id)
		switch {
		case w.To > now:
			e.touchOne(id, w.From, w.To, fact.Cause{Kind: "rebuild", Detail: "the hub has started"}, 0)
		case w.To > late, !e.packages[id].final():
			e.touchOne(id, w.From, w.To, fact.Cause{Kind: "closed", Detail: "the hub has started"}, 0)
		}
	})
	e.queue.missed() // what was committed since is read from the evidence
	if read > 0 {
		e.log.Info("facts read", "events", read, "to_judge", len(e.dirty), "took", e.now().Sub(began))
	}
	return nil
}

// final reports whether a closed package was told of as such.
func (p *parcel) final() bool {
	if p == nil {
		return false
	}
	closed := false
	for _, t := range p.told {
		if !t.dropped && !t.closed {
			return false
		}
		closed = closed || t.closed
	}
	return closed
}

// load takes an event whose effects were judged before.
func (e *Engine) load(ev *event.Event) error {
	if ev.Type == fact.VerdictWasRevised {
		var v fact.VerdictRevised
		if err := json.Unmarshal(ev.Data, &v); err != nil {
			e.unreadable(ev, err)
			return nil
		}
		e.learn(&v)
		return nil
	}
	if err := e.facts.Apply(*ev); err != nil {
		e.unreadable(ev, err)
	}
	return nil
}

// apply takes an event and marks whom it touches.
func (e *Engine) apply(ev *event.Event) error {
	e.position = ev.Position
	if ev.Type == fact.VerdictWasRevised {
		if ev.Actor != Actor {
			return nil
		}
		return e.load(ev)
	}
	touched, err := e.facts.Revise(*ev)
	if err != nil {
		e.unreadable(ev, err)
		return nil
	}
	kind := map[string]string{
		fact.WasAttached: "attachment", fact.PackageWasPacked: "packed", fact.PackageWasClosed: "closed", fact.UnitWasReceived: "profile",
		fact.ProfileDefined: "profile", fact.ProductDefined: "profile", fact.SensorDefined: "calibration", fact.CalibrationDefined: "calibration",
	}[ev.Type]
	e.touch(touched, fact.Cause{Kind: kind, Detail: "event " + ev.ID + " in " + ev.Stream}, 0)
	return nil
}

// unreadable notes an event that this version cannot read: it is evidence and
// stays, and no verdict takes it into account.
func (e *Engine) unreadable(ev *event.Event, err error) {
	if e.counts.unreadable.Add(1) == 1 {
		e.log.Error("an event cannot be read and is left out of verdicts", "event", ev.ID, "type", ev.Type, "error", err)
	}
}

// follow takes new events; more is whether there may be others.
func (e *Engine) follow(ctx context.Context) (more bool, err error) {
	e.mu.Lock()
	after := e.position
	e.mu.Unlock()
	last := e.events.Last() // before reading
	events, err := e.events.Read(ctx, after, page, types...)
	if err != nil {
		return false, err
	}
	for i := range events {
		e.mu.Lock()
		err := e.apply(&events[i])
		e.mu.Unlock()
		if err != nil {
			return false, err
		}
	}
	more = len(events) == page
	e.mu.Lock()
	if e.followed = max(e.followed, e.position); !more {
		e.followed = max(e.followed, last)
	}
	e.mu.Unlock()
	return more, nil
}

// save notes how far the engine has come: up to what the oldest mark has not
// been judged for.
func (e *Engine) save(ctx context.Context) error {
	e.mu.Lock()
	batch, position := e.applied, e.position
	for _, m := range e.dirty {
		batch, position = min(batch, m.batch), min(position, m.position-1)
	}
	e.mu.Unlock()
	to := [2]int64{max(batch, e.saved[0]), max(position, e.saved[1])}
	if to == e.saved {
		return nil
	}
	err := e.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for i, name := range []string{"batch", "position"} {
			if _, err := tx.Exec(ctx, `UPDATE correlate_state SET value = $1 WHERE name = $2 AND value < $1`, to[i], name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note how far verdicts have come: %w", err)
	}
	e.saved = to
	return nil
}

var _ interface{ Committed(*batch.Batch) } = (*Engine)(nil)

// Status is a snapshot for health checks and pages.
type Status struct {
	Packages int    // that were packed
	Open     int    // whose watch goes on
	Waiting  int    // to be judged again
	Lag      int    // committed readings that wait
	Applied  int64  // id of the last batch worked in
	Position int64  // of the last event
	Failing  string // why verdicts are held up; "" when they are not

	Readings   uint64 // of temperature, since the start
	Evaluated  uint64 // readings times the packages that they were evaluated for as they came
	Late       uint64 // readings that came out of order
	Judged     uint64 // packages judged from history
	Revisions  uint64 // verdicts appended
	Overruns   uint64 // batches that did not fit into the queue and were read again
	Strange    uint64 // series whose meaning was not known when their readings came
	Failures   uint64
	Unreadable uint64 // events left out because this version cannot read them
}

// Status tells how the engine is doing.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &e.counts
	return Status{
		Packages: len(e.packages), Open: len(e.open), Waiting: len(e.dirty), Lag: e.queue.lag(), Applied: e.applied, Position: e.position,
		Failing: e.lately, Readings: c.readings.Load(), Evaluated: c.evaluated.Load(), Late: c.late.Load(), Judged: c.judged.Load(),
		Revisions: c.revisions.Load(), Overruns: c.overruns.Load(), Strange: c.strange.Load(), Failures: c.failures.Load(), Unreadable: c.unreadable.Load(),
	}
}
