package progress

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"frostline/hub/dispatch/progress/fence"
)

// Work does one round: it looks at new events and positions, reports what they
// tell, and makes estimates anew. Run calls it; tests that have no Run may. What
// a failed round did not do, the next one does.
func (t *Tracker) Work(ctx context.Context) error {
	t.work.Lock()
	defer t.work.Unlock()
	if !t.begun {
		if err := t.start(ctx); err != nil {
			return err
		}
	}
	if err := t.follow(ctx); err != nil {
		return err
	}
	if err := t.reload(ctx); err != nil {
		return err
	}
	if err := t.heard(ctx); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(t.runs)) {
		r := t.runs[id]
		if err := t.one(ctx, r); err != nil {
			return fmt.Errorf("route %s: %w", id, err)
		}
		if r.until <= t.o.Now().UnixMilli() {
			t.leave(r)
			delete(t.runs, id)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	t.publish()
	return nil
}

// reload reads routes that changed. Those whose time is over are looked at once
// more and left.
func (t *Tracker) reload(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(t.stale)) {
		old := t.runs[id]
		if t.stale[id] {
			old = nil
		}
		r, err := t.load(ctx, id, old)
		if err != nil {
			return fmt.Errorf("route %s: %w", id, err)
		}
		switch {
		case r == nil:
			delete(t.runs, id)
		case r.until > t.o.Now().UnixMilli():
			t.runs[id] = r
		default:
			if err := t.one(ctx, r); err != nil {
				return fmt.Errorf("route %s: %w", id, err)
			}
			t.leave(r)
			delete(t.runs, id)
		}
		delete(t.stale, id)
	}
	return nil
}

// leave says once of a route that nobody ended that it is followed no longer.
func (t *Tracker) leave(r *run) {
	if followed(r.status) && !t.left[r.route.ID] {
		t.left[r.route.ID] = true
		t.o.Log.Warn("a route that is a day over is followed no longer, since nobody ended it; report that it ended", "route", r.route.ID, "courier", r.route.Courier)
	}
}

// heard finds the routes whose positions came, or came to be dated anew.
func (t *Tracker) heard(ctx context.Context) error {
	all := t.marks.drain()
	for k, ticks := range all {
		s, err := t.touched(ctx, k, ticks)
		if err != nil {
			t.marks.back(all)
			return err
		}
		delete(all, k)
		if s.empty() {
			continue // not dated yet
		}
		for _, courier := range t.links.couriersOf(k.gateway, s) {
			t.pending = append(t.pending, arrived{courier, s})
		}
	}
	for len(t.pending) > 0 {
		p := t.pending[0]
		ids, err := t.index.during(ctx, p.courier, p.span)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r := t.runs[id]
			switch {
			case r == nil:
				t.stale[id] = true // it is over
			case p.from < r.begin && p.until > r.from && r.fixed:
				r.anew = true
			default:
				r.due = true
			}
		}
		t.pending = t.pending[1:]
	}
	return t.reload(ctx)
}

// arrived: positions of a courier came.
type arrived struct {
	courier string
	span
}

// one brings one route up to date.
func (t *Tracker) one(ctx context.Context, r *run) error {
	if err := t.advance(ctx, r); err != nil {
		return err
	}
	if r.changed {
		r.presence = assign(r.visits, r.since, r.shown)
		if err := t.report(ctx, r); err != nil {
			return err
		}
		if err := t.learn(ctx, r); err != nil {
			return err
		}
		r.changed = false
	}
	return t.estimate(ctx, r)
}

// publish shows what is known of the routes that are followed.
func (t *Tracker) publish() {
	all := map[string]*shown{}
	for id, r := range t.runs {
		if !followed(r.status) {
			continue // it has ended lately
		}
		s := &shown{etas: r.etas, fixed: r.fixed, chart: Chart{Fences: r.places, Track: r.lately()}}
		if r.fixed {
			s.where = Where{Fix: r.fix}
			if r.way != nil {
				s.chart.Ahead = r.way.Line.Ahead(r.way.Along)
				s.where.Next, s.where.Along, s.where.Way, s.where.Off = r.next, r.way.Along, r.way.Line.Length(), r.way.Off
			}
		}
		all[id] = s
	}
	t.mu.Lock()
	t.shown = all
	t.mu.Unlock()
}

// The way driven last, as a map shows it.
const (
	latelyFor  = 30 * 60_000 // ms
	latelyMost = 180         // positions
)

// lately gives the way driven last. The track itself goes on changing.
func (r *run) lately() []fence.Fix {
	i, _ := slices.BinarySearchFunc(r.track, r.fix.At-latelyFor, func(f fence.Fix, at int64) int { return cmp.Compare(f.At, at) })
	i = max(i, len(r.track)-2*latelyMost)
	var out []fence.Fix
	for ; i < len(r.track); i += 1 + min(1, len(r.track)/(latelyMost+1)) {
		out = append(out, r.track[i])
	}
	return out
}

// followed reports whether estimates may be made for a route: it is open.
func followed(status string) bool { return status != "ended" && status != "cancelled" }
