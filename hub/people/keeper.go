package people

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"frostline/hub/store"
)

// Options are what a Keeper needs.
type Options struct {
	Store *store.DB // required
	Log   *slog.Logger
	Now   func() time.Time // default time.Now
}

// Keeper keeps people and tokens in the tables people_*. Its methods may be
// called from any goroutine. What they have changed is on disk when they
// return nil.
type Keeper struct {
	db      *store.DB
	log     *slog.Logger
	now     func() time.Time
	hashing hashing
	tries   *attempts
	nobody  func() (string, error) // PHC string of no password at all

	refused counter
}

// counter counts and tells whether what it counts has just begun.
type counter struct {
	mu   sync.Mutex
	n    uint64
	last time.Time
}

// add counts one, and says whether it is worth a line in the log: the first in
// a minute.
func (c *counter) add(now time.Time) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if first = now.Sub(c.last) > time.Minute; first {
		c.last = now
	}
	return first
}

// New makes a Keeper. It starts nothing.
func New(o Options) (*Keeper, error) {
	if o.Store == nil || o.Log == nil {
		return nil, errors.New("people: Store and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keeper{db: o.Store, log: o.Log, now: o.Now, hashing: make(hashing, hashesAtAll), tries: newAttempts()}
	k.nobody = sync.OnceValues(func() (string, error) {
		return k.hashing.hash(context.Background(), "nobody has this password", usual)
	})
	return k, nil
}

// Refused is how many passwords were wrong or not looked at since New.
func (k *Keeper) Refused() uint64 {
	k.refused.mu.Lock()
	defer k.refused.mu.Unlock()
	return k.refused.n
}

// Change is one entry of the trail.
type Change struct {
	ID      int64  `json:"id"` // in order, from 1
	At      int64  `json:"at"` // UTC, Unix ms
	Actor   string `json:"actor"`
	Action  string `json:"action"`
	Subject string `json:"subject"` // person/ID or token/ID
	Detail  string `json:"detail"`
}

// note adds to the trail, in the transaction of what it tells of.
func (k *Keeper) note(ctx context.Context, tx *store.Tx, actor, action, subject, detail string) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_event (id, at_ms, actor, action, subject, detail)
		VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM people_event), $1, $2, $3, $4, $5)`, k.now().UnixMilli(), actor, action, subject, detail)
	if err != nil {
		return fmt.Errorf("add to the trail: %w", err)
	}
	return nil
}

// Trail gives who did what to people and tokens, in order, after an id.
func (k *Keeper) Trail(ctx context.Context, after int64, limit int) (out []Change, err error) {
	return k.trail(ctx, `SELECT id, at_ms, actor, action, subject, detail FROM people_event WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// TrailBefore gives the same, newest first, before an id; 0 is from the newest.
func (k *Keeper) TrailBefore(ctx context.Context, before int64, limit int) ([]Change, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return k.trail(ctx, `SELECT id, at_ms, actor, action, subject, detail FROM people_event WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
}

func (k *Keeper) trail(ctx context.Context, query string, args ...any) (out []Change, err error) {
	rows, err := k.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the trail: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Change
		if err := rows.Scan(&c.ID, &c.At, &c.Actor, &c.Action, &c.Subject, &c.Detail); err != nil {
			return nil, fmt.Errorf("read the trail: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
