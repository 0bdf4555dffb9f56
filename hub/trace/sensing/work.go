package sensing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/hub/fact"
	"frostline/hub/store"
)

const (
	look      = 30 * time.Second // at the store when nothing wakes it
	dueAtOnce = 50
	firstWait = 5 * time.Second // after a failure; doubled after each
	mostWait  = time.Hour
)

// Run states what there is to state until ctx ends; it then returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return k.o.Events.Consume(ctx, "sensing", k.note) })
	g.Go(func() error {
		for ctx.Err() == nil {
			next, err := k.work(ctx)
			if err != nil && ctx.Err() == nil {
				k.told(err)
				next = k.o.Now().Add(firstWait).UnixMilli()
			} else if err == nil {
				k.told(nil)
			}
			k.rest(ctx, next)
		}
		return nil
	})
	return g.Wait()
}

// told notes why nothing can be stated, and logs it once and its end once.
func (k *Keeper) told(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.trouble
	switch {
	case err == nil && was != "":
		k.trouble = ""
		k.o.Log.Info("EPCIS events of the hub's own are stated again")
	case err != nil:
		if k.trouble = err.Error(); was == "" {
			k.o.Log.Warn("EPCIS events of the hub's own cannot be stated; trying again", "error", err)
		}
	}
}

// rest waits until an instant, or until something is due.
func (k *Keeper) rest(ctx context.Context, until int64) {
	d := min(max(time.UnixMilli(until).Sub(k.o.Now()), 0), look)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-k.wake:
	case <-t.C:
	}
}

// due is a subject to look at.
type due struct {
	subject  string
	mark     int64
	failures int64
}

// work looks at all that is due, captures what is to be stated, and gives when
// the next is due. An error is of the store or the repository.
func (k *Keeper) work(ctx context.Context) (next int64, err error) {
	for ctx.Err() == nil {
		now := k.o.Now().UnixMilli()
		all, err := k.due(ctx, now)
		if err != nil {
			return 0, err
		}
		for _, d := range all {
			if err := k.one(ctx, d, now); err != nil {
				return 0, err
			}
		}
		if err := k.flush(ctx); err != nil {
			return 0, err
		}
		if len(all) < dueAtOnce {
			break
		}
	}
	err = k.o.Store.QueryRow(ctx, "SELECT due_ms FROM sensing_due ORDER BY due_ms LIMIT 1").Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return k.o.Now().Add(look).UnixMilli(), nil
	}
	return next, err
}

func (k *Keeper) due(ctx context.Context, now int64) (all []due, err error) {
	rows, err := k.o.Store.Query(ctx, "SELECT subject, mark, failures FROM sensing_due WHERE due_ms <= $1 ORDER BY due_ms, subject LIMIT $2", now, int64(dueAtOnce))
	if err != nil {
		return nil, fmt.Errorf("read what is to be stated: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d due
		if err := rows.Scan(&d.subject, &d.mark, &d.failures); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// one looks at a subject. What fails for reasons of its own is tried again
// later and holds up nothing else.
func (k *Keeper) one(ctx context.Context, d due, now int64) error {
	again, err := k.state(ctx, d.subject, now)
	switch {
	case err == nil:
	case ctx.Err() != nil || store.Unwell(err) || errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrClosed):
		return err
	default:
		wait := min(firstWait<<min(d.failures, 20), mostWait)
		if d.failures == 0 {
			k.o.Log.Warn("nothing can be stated of a subject; trying again", "subject", d.subject, "error", err)
		}
		return k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE sensing_due SET due_ms = $1, failures = failures + 1, error = $2 WHERE subject = $3", now+wait.Milliseconds(), err.Error(), d.subject)
			return err
		})
	}
	return k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// What was marked meanwhile is looked at again.
		if again == 0 {
			_, err := tx.Exec(ctx, "DELETE FROM sensing_due WHERE subject = $1 AND mark = $2", d.subject, d.mark)
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE sensing_due SET due_ms = $1, failures = 0, error = '' WHERE subject = $2 AND mark = $3", again, d.subject, d.mark)
		return err
	})
}

// state states of a subject what follows from the facts, and gives when to
// look at it again, 0 for when something changes.
func (k *Keeper) state(ctx context.Context, subject string, now int64) (again int64, err error) {
	ref, err := fact.ParseRef(subject)
	if err != nil {
		return 0, err
	}
	var all []statement
	switch ref.Kind {
	case fact.Unit:
		all, err = k.unit(ctx, ref)
	case fact.Package:
		all, again, err = k.parcel(ctx, ref, now)
	case fact.Excursion:
		all, err = k.excursion(ctx, ref.ID)
	case fact.Hold:
		all, err = k.hold(ctx, ref)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", subject, err)
	}
	return again, k.reconcile(ctx, subject, split(all), now)
}
