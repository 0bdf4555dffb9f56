package event

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/hub/store"
)

// building is a table that is being built.
type building struct {
	*model
	generation int64
	position   int64 // of the last event that is folded and written
	builder
}

// folded is how far all have come.
func folded(builds []*building) int64 { return builds[0].position }

// rebuildTables builds new generations beside the live ones and swaps them.
func (l *Log) rebuildTables(ctx context.Context, models []*model, verify bool, progress func(done, total int64)) (done []Rebuilt, err error) {
	builds, err := l.beginBuilds(ctx, models)
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx := ctx
		if err != nil { // most likely because ctx has ended
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
		}
		if removing := l.removeDead(ctx); removing != nil {
			l.log.Warn("old documents of read models stay until the next start", "models", list(models), "error", removing)
		}
	}()
	events, full, err := l.readSegment(ctx, 0)
	for err == nil && full {
		var next []Event
		next, full, err = l.fold(ctx, builds, events)
		position := events[len(events)-1].Position
		progress(position, max(l.Last(), position))
		events = next
	}
	if err == nil && len(events) > 0 {
		events, _, err = l.fold(ctx, builds, events)
	}
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.commands: // for the last events nothing may be appended
	}
	release := func() { l.commands <- struct{}{} }
	defer func() {
		if release != nil {
			release()
		}
	}()
	if len(events) == 0 {
		events, _, err = l.readSegment(ctx, folded(builds))
	}
	for err == nil && len(events) > 0 {
		events, _, err = l.fold(ctx, builds, events)
	}
	if err != nil {
		return nil, err
	}
	position := folded(builds)
	if !verify {
		if err := l.swap(ctx, builds); err != nil {
			return nil, err
		}
		progress(position, position)
		for _, b := range builds {
			done = append(done, Rebuilt{Model: b.Name(), Events: position})
		}
		return done, nil
	}
	// The snapshot has both generations at the same position, whatever is
	// appended once commands go on.
	err = l.store.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := generationRows(ctx, tx)
		if err != nil {
			return err
		}
		if err := l.swap(ctx, builds); err != nil {
			return err
		}
		release()
		release = nil
		progress(position, position)
		for _, b := range builds {
			r := Rebuilt{Model: b.Name(), Events: position}
			for _, g := range all {
				if g.name == b.Name() && g.live {
					if r.Before, err = digest(ctx, tx, g.generation); err != nil {
						return err
					}
				}
			}
			if r.After, err = digest(ctx, tx, b.generation); err != nil {
				return err
			}
			done = append(done, r)
		}
		return nil
	})
	return done, err
}

// beginBuilds makes the generations.
func (l *Log) beginBuilds(ctx context.Context, models []*model) (builds []*building, err error) {
	err = l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		builds = nil
		for _, m := range models {
			generation, err := l.newGeneration(ctx, tx, m, 0)
			if err != nil {
				return err
			}
			builds = append(builds, &building{m, generation, 0, m.Model.(generational).build(l.store, generation)})
		}
		return nil
	})
	return builds, err
}

func (l *Log) newGeneration(ctx context.Context, tx *store.Tx, m *model, live int) (generation int64, err error) {
	if err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(generation), 0) + 1 FROM event_model").Scan(&generation); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, "INSERT INTO event_model (generation, name, version, live, built_ms) VALUES ($1, $2, $3, $4, $5)",
		generation, m.Name(), m.version(), live, l.nowMS())
	return generation, err
}

// readSegment reads the events after a position. full says that there may be
// more.
func (l *Log) readSegment(ctx context.Context, after int64) (events []Event, full bool, err error) {
	for size := 0; size < segment; {
		some, err := read(ctx, l.store, after, batch)
		if err != nil {
			return nil, false, err
		}
		events = append(events, some...)
		if len(some) < batch {
			return events, false, nil
		}
		after = some[len(some)-1].Position
		for _, e := range some {
			size += len(e.Data)
		}
	}
	return events, true, nil
}

// fold folds events, at least one, writes what came of them, and reads those
// that come next. Models know nothing of one another: while one is written,
// others are folded.
func (l *Log) fold(ctx context.Context, builds []*building, events []Event) (next []Event, full bool, err error) {
	last := events[len(events)-1].Position
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0) + 1)
	work.Go(func() (err error) { next, full, err = l.readSegment(ctx, last); return err })
	for _, b := range builds {
		work.Go(func() error {
			if err := guard(func() error { return b.fold(ctx, events) }); err != nil {
				return fmt.Errorf("read model %s: %w", b.Name(), err)
			}
			for more := true; more; {
				err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					return guard(func() (err error) { more, err = b.flush(ctx, tx); return err })
				})
				if err != nil {
					return fmt.Errorf("read model %s: %w", b.Name(), err)
				}
			}
			b.flushed()
			b.position = last
			return nil
		})
	}
	err = work.Wait()
	return next, full, err
}

// swap makes new generations the live ones. Commands must be kept out.
func (l *Log) swap(ctx context.Context, builds []*building) error {
	l.surely = false
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, b := range builds {
			if _, err := tx.Exec(ctx, "UPDATE event_model SET live = 0 WHERE name = $1 AND live = 1", b.Name()); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE event_model SET live = 1, built_ms = $2 WHERE generation = $1", b.generation, l.nowMS()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("take new documents into use: %w", err)
	}
	return nil
}
