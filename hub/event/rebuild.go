package event

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const (
	// batch is how many events a rebuild reads at once.
	batch = 10_000
	// segment bounds the data of the events that are folded before what came of
	// them is written, and so what the documents may have grown by. The larger,
	// the fewer documents are written more than once. Two are in memory.
	segment = 16 << 20
)

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
