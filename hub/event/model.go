package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"time"

	"frostline/hub/store"
)

// Versioned is a Model whose fold has a version, from 1. A model without one
// has version 1. A model that was built by another version is rebuilt by Open.
type Versioned interface{ Version() int }

// generational is a Model whose documents are kept under a number, so that it
// can be built anew beside the one that answers.
type generational interface {
	Model
	applyTo(ctx context.Context, tx *store.Tx, generation int64, events []Event) error
	build(q store.Querier, generation int64) builder
}

// builder folds events in memory and writes what came of them. Nobody else
// looks at or changes its generation meanwhile.
type builder interface {
	fold(ctx context.Context, events []Event) error
	// flush writes some of what has changed; more is true while there is more.
	flush(ctx context.Context, tx *store.Tx) (more bool, err error)
	// flushed is called once what flush wrote is committed.
	flushed()
}

// model is a read model of a Log.
type model struct {
	Model
	generation int64 // the live one; owned as Log.surely
}

func (m *model) version() int {
	if v, ok := m.Model.(Versioned); ok {
		return v.Version()
	}
	return 1
}

// apply applies events to all models within their command.
func (l *Log) apply(ctx context.Context, tx *store.Tx, events []Event) error {
	if !l.surely {
		if err := l.readGenerations(ctx, tx); err != nil {
			return err
		}
	}
	for _, m := range l.models {
		err := guard(func() error {
			if g, ok := m.Model.(generational); ok {
				return g.applyTo(ctx, tx, m.generation, events)
			}
			return m.Apply(ctx, tx, events)
		})
		if err != nil {
			return fmt.Errorf("read model %s: %w", m.Name(), err)
		}
	}
	return nil
}

// guard turns a panic of a model or handler into an error that says where.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v, at %s", p, panicked())
		}
	}()
	return do()
}

// panicked is the place of a panic, as "FILE:LINE".
func panicked() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	for inPanic := false; ; {
		f, more := frames.Next()
		own := strings.HasPrefix(f.Function, "runtime.")
		if inPanic && !own {
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		}
		inPanic = inPanic || f.Function == "runtime.gopanic"
		if !more {
			return "a place not known"
		}
	}
}

// readGenerations learns which generations are live. Every model has one.
func (l *Log) readGenerations(ctx context.Context, q store.Querier) error {
	for _, m := range l.models {
		err := q.QueryRow(ctx, "SELECT generation FROM event_model WHERE name = $1 AND live = 1", m.Name()).Scan(&m.generation)
		if err != nil {
			return fmt.Errorf("read model %s: find its generation: %w", m.Name(), err)
		}
	}
	l.surely = true
	return nil
}

// generationRow is a row of event_model.
type generationRow struct {
	generation int64
	name       string
	version    int
	live       bool
}

func generationRows(ctx context.Context, q store.Querier) (all []generationRow, err error) {
	rows, err := q.Query(ctx, "SELECT generation, name, version, live FROM event_model ORDER BY generation")
	if err != nil {
		return nil, fmt.Errorf("list read models: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var g generationRow
		var live int64
		if err := rows.Scan(&g.generation, &g.name, &g.version, &live); err != nil {
			return nil, fmt.Errorf("list read models: %w", err)
		}
		g.live = live == 1
		all = append(all, g)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// openModels builds the models that are missing or of another version, and
// removes what no model of this Log answers from.
func (l *Log) openModels(ctx context.Context) error {
	missing := map[string]*model{}
	for _, m := range l.models {
		missing[m.Name()] = m
	}
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := generationRows(ctx, tx)
		if err != nil {
			return err
		}
		for _, g := range all {
			m := missing[g.name]
			switch {
			case !g.live:
			case m != nil && m.version() == g.version:
				delete(missing, g.name)
			default:
				l.log.Info("read model is of another version or not known any more", "model", g.name, "version", g.version)
				if _, err := tx.Exec(ctx, "UPDATE event_model SET live = 0 WHERE generation = $1", g.generation); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	if err := l.removeDead(ctx); err != nil {
		return err
	}
	var names []string
	for _, m := range l.models {
		if missing[m.Name()] != nil {
			names = append(names, m.Name())
		}
	}
	if len(names) == 0 {
		return nil
	}
	start, told := time.Now(), time.Now()
	err = l.Rebuild(ctx, names, func(done, total int64) {
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			l.log.Info("building read models", "models", names, "done", done, "events", total)
		}
	})
	if err == nil && l.Last() > 0 {
		l.log.Info("built read models", "models", names, "events", l.Last(), "took", time.Since(start).Round(time.Millisecond))
	}
	return err
}

// removeDead removes the generations that are not live, in small transactions.
// Nothing may be building.
func (l *Log) removeDead(ctx context.Context) error {
	all, err := generationRows(ctx, l.store)
	if err != nil {
		return err
	}
	for _, g := range all {
		if g.live {
			continue
		}
		if err := l.remove(ctx, g.generation); err != nil {
			return fmt.Errorf("remove old documents of read model %s: %w", g.name, err)
		}
	}
	return nil
}

const removeAtOnce = 5000 // rows, some 20 ms

// remove removes a generation, from its first row on.
func (l *Log) remove(ctx context.Context, generation int64) error {
	for done := false; !done; {
		err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			documents, err := removeSome(ctx, tx, generation, "event_document", "id", 1)
			if err != nil {
				return err
			}
			keys, err := removeSome(ctx, tx, generation, "event_key", "name, value, id", 3)
			if err != nil {
				return err
			}
			if done = documents && keys; done {
				_, err = tx.Exec(ctx, "DELETE FROM event_model WHERE generation = $1 AND live = 0", generation)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeSome removes rows of a generation up to the one that is so many on.
// all is true when there was none so far on.
func removeSome(ctx context.Context, tx *store.Tx, generation int64, table, key string, columns int) (all bool, err error) {
	up := make([]any, columns)
	into, marks := make([]any, columns), make([]string, columns)
	for i := range up {
		into[i], marks[i] = &up[i], fmt.Sprint("$", i+2)
	}
	err = tx.QueryRow(ctx, "SELECT "+key+" FROM "+table+" WHERE model = $1 ORDER BY "+key+" LIMIT 1 OFFSET $2", generation, removeAtOnce).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.Exec(ctx, "DELETE FROM "+table+" WHERE model = $1", generation)
		return true, err
	}
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, "DELETE FROM "+table+" WHERE model = $1 AND ("+key+") <= ("+strings.Join(marks, ", ")+")", append([]any{generation}, up...)...)
	return false, err
}
