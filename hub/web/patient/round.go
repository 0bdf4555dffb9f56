package patient

import (
	"context"
	"errors"
	"time"

	"frostline/hub/correlate"
	"frostline/hub/event"
)

// run tells all deliveries that somebody watches, once a second, until ctx ends.
func (b *board) run(ctx context.Context) {
	beat := time.NewTicker(each)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			b.note(ctx, b.round(ctx))
		}
	}
}

// note logs the first failure of a row, and that it is over.
func (b *board) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	b.mu.Lock()
	was := b.failing
	if b.failing = ""; err != nil {
		b.failing = err.Error()
	}
	b.mu.Unlock()
	switch {
	case err != nil && was == "":
		b.s.log.Error("patients' pages are held up; tried again each second", "error", err)
	case err == nil && was != "":
		b.s.log.Info("patients' pages go on")
	}
}

// round tells all deliveries that are watched. Of failures it gives the last.
func (b *board) round(ctx context.Context) (failed error) {
	fail := func(err error) {
		if err != nil {
			failed = err
			b.failures.Add(1)
		}
	}
	now := b.s.now()
	watched := b.watched(now)
	fail(b.mark(ctx, watched))
	var ids []string
	begin := time.Now()
	for _, d := range watched {
		d.mu.Lock()
		if due := d.dirty.Load() || now.Sub(d.read) > readEach; due && time.Since(begin) < readAtOnce {
			fail(b.readFacts(ctx, d, now))
		}
		ids = append(ids, d.ids...)
		d.mu.Unlock()
	}
	states := map[string]correlate.State{}
	for _, s := range b.s.cfg.Sources.Verdicts.Briefs(ids) {
		states[s.Package] = s
	}
	every := drawEach * time.Duration(1+len(watched)/500)
	begin = time.Now()
	for _, d := range watched {
		d.mu.Lock()
		fail(b.again(ctx, d, now, states, every, time.Since(begin) < drawAtOnce))
		d.mu.Unlock()
	}
	return failed
}

// again tells one delivery anew. Callers hold d.mu.
func (b *board) again(ctx context.Context, d *delivery, now time.Time, states map[string]correlate.State, every time.Duration, mayDraw bool) error {
	if now.Sub(d.read) > tooOld {
		return errOld // nothing is told, and pages say that they are not connected
	}
	of := make([]correlate.State, len(d.ids))
	for i, id := range d.ids {
		s, ok := states[id]
		if !ok { // its facts were read meanwhile, for somebody who asked
			s = b.s.cfg.Sources.Verdicts.Briefs([]string{id})[0]
		}
		of[i] = s
	}
	var err error
	if mayDraw && (d.charted != d.telling.box || now.Sub(d.drawn) > every && !d.telling.Stage.Ended()) {
		err = b.redraw(ctx, d, now)
	}
	return errors.Join(err, b.tell(ctx, d, now, of))
}

// watched gives the deliveries that are watched, and drops those that nobody has
// looked at for a while.
func (b *board) watched(now time.Time) (out []*delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, d := range b.all {
		if d.watchers.Load() > 0 {
			out = append(out, d)
			continue
		}
		d.mu.Lock()
		if now.Sub(d.asked) > keepFor {
			delete(b.all, id)
		}
		d.mu.Unlock()
	}
	return out
}

// mark notes which deliveries the events since the last round touch. Where there
// are too many, or they cannot be read, all are.
func (b *board) mark(ctx context.Context, watched []*delivery) error {
	last := b.s.cfg.Events.Last()
	b.mu.Lock()
	from := b.position
	b.mu.Unlock()
	if from == last || len(watched) == 0 {
		b.reached(last)
		return nil
	}
	all := from < 0 || last-from > mostEvents
	var events []event.Event
	var err error
	if !all {
		events, err = b.s.cfg.Events.Read(ctx, from, mostEvents)
		all = err != nil
	}
	touched := map[string]bool{}
	for _, e := range events {
		touched[e.Stream] = true
		all = all || touches(e.Stream)
	}
	for _, d := range watched {
		d.mu.Lock()
		hit := all
		for s := range d.streams {
			hit = hit || touched[s]
		}
		if hit {
			d.dirty.Store(true)
		}
		d.mu.Unlock()
	}
	if err == nil {
		if n := len(events); n > 0 {
			last = events[n-1].Position
		}
		b.reached(last)
	}
	return err
}

func (b *board) reached(position int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.position = position
}
