package event

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/hub/store"
)

// batch is how many events a rebuild folds before it writes. The more, the
// more often an event meets a document that is to be written anyway.
const batch = 10_000

// Rebuilt is what came of the rebuild of one model.
type Rebuilt struct {
	Model  string `json:"model"`
	Events int64  `json:"events"` // that there were
	// Before and After are digests of what the model said at the same position
	// of the log; "" where they were not asked for.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Same reports whether the model says what it said before, if anything.
func (r Rebuilt) Same() bool { return r.Before == "" || r.Before == r.After }

// Rebuild makes read models anew from the events; of no names, all. progress,
// where not nil, is called from the same goroutine after each batch with the
// events done and those there are.
//
// Tables answer as before while they are rebuilt, commands go on, and the new
// documents take the place of the old at one instant. A Model of another kind
// is empty at first and keeps commands waiting until it is done. After an error
// tables are as they were.
func (l *Log) Rebuild(ctx context.Context, names []string, progress func(done, total int64)) error {
	_, err := l.rebuild(ctx, names, false, progress)
	return err
}

// RebuildVerified is Rebuild that compares what each model said before and
// says after, at the same position of the log. That they differ is not an
// error: the new is what the events say, and the caller is to tell.
func (l *Log) RebuildVerified(ctx context.Context, names []string, progress func(done, total int64)) ([]Rebuilt, error) {
	return l.rebuild(ctx, names, true, progress)
}

// Models are the names of all models, in the order given to Open.
func (l *Log) Models() []string {
	var names []string
	for _, m := range l.models {
		names = append(names, m.Name())
	}
	return names
}

func (l *Log) rebuild(ctx context.Context, names []string, verify bool, progress func(done, total int64)) ([]Rebuilt, error) {
	chosen, err := l.choose(names)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.rebuilding:
	}
	defer func() { l.rebuilding <- struct{}{} }()
	var tables, others []*model
	for _, m := range chosen {
		if _, ok := m.Model.(generational); ok {
			tables = append(tables, m)
		} else {
			others = append(others, m)
		}
	}
	var done []Rebuilt
	if len(tables) > 0 {
		r, err := l.rebuildTables(ctx, tables, verify, progress)
		if err != nil {
			return nil, fmt.Errorf("rebuild %s: %w", list(tables), err)
		}
		done = append(done, r...)
	}
	for _, m := range others {
		r, err := l.rebuildOther(ctx, m, verify, progress)
		if err != nil {
			return nil, fmt.Errorf("rebuild %s: %w", m.Name(), err)
		}
		done = append(done, r)
	}
	return done, nil
}

func (l *Log) choose(names []string) ([]*model, error) {
	if len(names) == 0 {
		return l.models, nil
	}
	var chosen []*model
	for _, name := range names {
		i := slices.IndexFunc(l.models, func(m *model) bool { return m.Name() == name })
		if i < 0 {
			return nil, fmt.Errorf("read model %q: not known; there are %s", name, strings.Join(l.Models(), ", "))
		}
		if !slices.Contains(chosen, l.models[i]) {
			chosen = append(chosen, l.models[i])
		}
	}
	return chosen, nil
}

func list(models []*model) string {
	var names []string
	for _, m := range models {
		names = append(names, m.Name())
	}
	return strings.Join(names, ", ")
}

// generationOf is a table that is being built.
type generationOf struct {
	*model
	generation int64
	builder
}

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
	position := int64(0)
	for last := l.Last(); position+batch < last; last = l.Last() {
		if position, err = l.foldBatch(ctx, builds, position); err != nil {
			return nil, err
		}
		progress(position, max(last, position))
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.commands: // for the last batch nothing may be appended
	}
	release := func() { l.commands <- struct{}{} }
	defer func() {
		if release != nil {
			release()
		}
	}()
	for {
		before := position
		if position, err = l.foldBatch(ctx, builds, position); err != nil {
			return nil, err
		}
		if position == before {
			break
		}
	}
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
func (l *Log) beginBuilds(ctx context.Context, models []*model) (builds []generationOf, err error) {
	err = l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		builds = nil
		for _, m := range models {
			generation, err := l.newGeneration(ctx, tx, m, 0)
			if err != nil {
				return err
			}
			builds = append(builds, generationOf{m, generation, m.Model.(generational).build(l.store, generation)})
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

// foldBatch folds the events after a position and writes what came of them. It
// gives the position reached, the same where there are no more.
func (l *Log) foldBatch(ctx context.Context, builds []generationOf, after int64) (int64, error) {
	events, err := read(ctx, l.store, after, batch)
	if err != nil || len(events) == 0 {
		return after, err
	}
	folds, within := errgroup.WithContext(ctx) // models know nothing of one another
	folds.SetLimit(runtime.GOMAXPROCS(0))
	for _, b := range builds {
		folds.Go(func() error {
			if err := guard(func() error { return b.fold(within, events) }); err != nil {
				return fmt.Errorf("read model %s: %w", b.Name(), err)
			}
			return nil
		})
	}
	if err := folds.Wait(); err != nil {
		return after, err
	}
	for _, b := range builds {
		for more := true; more; {
			err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				return guard(func() (err error) { more, err = b.flush(ctx, tx); return err })
			})
			if err != nil {
				return after, fmt.Errorf("read model %s: %w", b.Name(), err)
			}
		}
		b.flushed()
	}
	return events[len(events)-1].Position, nil
}

// swap makes new generations the live ones. Commands must be kept out.
func (l *Log) swap(ctx context.Context, builds []generationOf) error {
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

// rebuildOther resets a model that keeps tables of its own and replays to it.
func (l *Log) rebuildOther(ctx context.Context, m *model, verify bool, progress func(done, total int64)) (Rebuilt, error) {
	r := Rebuilt{Model: m.Name()}
	select {
	case <-ctx.Done():
		return r, ctx.Err()
	case <-l.commands:
	}
	defer func() { l.commands <- struct{}{} }()
	l.surely = false
	if err := l.refresh(ctx); err != nil {
		return r, err
	}
	if verify {
		before, err := l.Digest(ctx, m.Name())
		if err != nil && !errors.Is(err, errNeverBuilt) {
			return r, err
		}
		r.Before = before
	}
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// Not live until it is done: a crash meanwhile makes Open begin again.
		if _, err := tx.Exec(ctx, "UPDATE event_model SET live = 0 WHERE name = $1", m.Name()); err != nil {
			return err
		}
		return guard(func() error { return m.Reset(ctx, tx) })
	})
	for position := int64(0); err == nil && position < l.Last(); progress(position, l.Last()) {
		err = l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			events, err := read(ctx, tx, position, 1000)
			if err != nil || len(events) == 0 {
				return errors.Join(err, errEmpty(len(events), position))
			}
			position = events[len(events)-1].Position
			return guard(func() error { return m.Apply(ctx, tx, events) })
		})
	}
	if err == nil {
		err = l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := l.newGeneration(ctx, tx, m, 1)
			return err
		})
	}
	if err != nil {
		return r, err
	}
	if err := l.removeDead(ctx); err != nil {
		l.log.Warn("old row of read model stays until the next start", "model", m.Name(), "error", err)
	}
	if r.Events = l.Last(); verify {
		r.After, err = l.Digest(ctx, m.Name())
	}
	return r, err
}

func errEmpty(n int, position int64) error {
	if n > 0 {
		return nil
	}
	return fmt.Errorf("no event after position %d, where there must be one", position)
}
