package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frostline/hub/store"
)

const (
	keptAfter     = 30 * 24 * time.Hour // a link, after its end
	forgetEach    = time.Hour
	retryAfter    = time.Second
	forgetAtATime = 500
)

// Run keeps what is counted, and forgets links a month after their end, until ctx
// ends; it then keeps the rest and returns nil. What fails is done again.
func (l *Links) Run(ctx context.Context) error {
	forget := time.NewTicker(forgetEach)
	defer forget.Stop()
	failing := false
	try := func(ctx context.Context, what string, do func(context.Context) error) {
		err := do(ctx)
		switch {
		case err != nil && !failing:
			l.log.Error("patients' links: "+what+" failed; it is tried again", "error", err)
		case err == nil && failing:
			l.log.Info("patients' links are kept again")
		}
		failing = err != nil
	}
	try(ctx, "to forget old ones", l.Forget)
	for {
		var again <-chan time.Time
		if failing {
			again = time.After(retryAfter)
		}
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			try(end, "to count answers", l.Keep)
			return nil
		case <-forget.C:
			try(ctx, "to forget old ones", l.Forget)
		case <-again:
			try(ctx, "to count answers", l.Keep)
		case <-l.tries.wake:
			try(ctx, "to count answers", l.Keep)
		}
	}
}

// Keep writes what was counted since it was last called. When it returns nil it
// is on disk.
func (l *Links) Keep(ctx context.Context) error {
	all := l.tries.take()
	if len(all) == 0 {
		return nil
	}
	var locked []string
	err := l.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		locked = nil
		for digest, t := range all {
			var id string
			var wrong, opened int64
			err := tx.QueryRow(ctx, `SELECT id, wrong, opened_ms FROM privacy_link WHERE digest = $1`, digest).Scan(&id, &wrong, &opened)
			if errors.Is(err, sql.ErrNoRows) {
				continue // it was forgotten meanwhile
			}
			if err != nil {
				return fmt.Errorf("read link: %w", err)
			}
			if _, err := tx.Exec(ctx, `UPDATE privacy_link SET wrong = $2, opened_ms = $3 WHERE digest = $1`, digest, max(wrong, t.wrong), max(opened, t.opened)); err != nil {
				return fmt.Errorf("count answers: %w", err)
			}
			if wrong < MostWrong && t.wrong >= MostWrong {
				locked = append(locked, id)
				if err := l.note(ctx, tx, "system/privacy", "link_locked", id, fmt.Sprintf("%d wrong answers", t.wrong)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	l.tries.kept(err == nil)
	if err == nil && len(locked) > 0 {
		l.log.Warn("patients' links are locked after wrong answers; make new ones for those who ask", "links", locked)
	}
	return err
}

// Forget removes links that ended more than a month ago.
func (l *Links) Forget(ctx context.Context) error {
	return l.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM privacy_link WHERE digest IN (SELECT digest FROM privacy_link WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)`,
			l.now().Add(-keptAfter).UnixMilli(), forgetAtATime)
		if err != nil {
			return fmt.Errorf("forget links: %w", err)
		}
		return nil
	})
}
