package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"frostline/hub/record"
	"frostline/hub/store"
)

// Options are what a Links needs. All are required unless they say otherwise.
type Options struct {
	Store *store.DB
	// Key is the file of the key, made with mode 0600 where there is none.
	Key string
	// Known says whether there is a shipment.
	Known func(ctx context.Context, shipment string) (bool, error)
	Log   *slog.Logger
	Now   func() time.Time // default time.Now
}

// Links keeps links. Its methods may be called from any goroutine.
type Links struct {
	o     Options
	log   *slog.Logger
	now   func() time.Time
	key   []byte
	keyID string
	tries *tries

	mu      sync.Mutex
	changed chan struct{} // closed when a link has ended before its time
}

// New opens the links; it makes the key on first use. It starts nothing: Run
// keeps what is counted.
func New(ctx context.Context, o Options) (*Links, error) {
	if o.Store == nil || o.Key == "" || o.Known == nil || o.Log == nil {
		return nil, errors.New("privacy: Store, Key, Known and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	key, err := openKey(o.Key)
	if err != nil {
		return nil, err
	}
	l := &Links{o: o, log: o.Log, now: o.Now, key: key, keyID: keyID(key), tries: newTries(), changed: make(chan struct{})}
	var lost int
	if err := o.Store.QueryRow(ctx, `SELECT COUNT(*) FROM privacy_link WHERE answer_key <> $1 AND revoked_ms = 0 AND expires_ms > $2`, l.keyID, l.now().UnixMilli()).Scan(&lost); err != nil {
		return nil, fmt.Errorf("read patients' links: %w", err)
	}
	if lost > 0 {
		l.log.Warn("patients' links do not open, since they were made with another key: bring its file back, or make new links", "links", lost, "key", o.Key)
	}
	return l, nil
}

// Links of a shipment that are open at once, at most.
const mostOpen = 20

const columns = `id, shipment, factor, created_ms, created_by, expires_ms, revoked_ms, opened_ms, wrong, answer_key`

func (l *Links) scan(scan func(...any) error, more ...any) (k Link, err error) {
	var key string
	err = scan(append([]any{&k.ID, &k.Shipment, &k.Factor, &k.Created, &k.By, &k.Expires, &k.Revoked, &k.Opened, &k.Wrong, &key}, more...)...)
	k.State = k.state(l.now().UnixMilli(), key, l.keyID)
	return k, err
}

// Make makes a link to a shipment that asks for a factor, for some time (0:
// Life). The secret is given once and not kept.
func (l *Links) Make(ctx context.Context, by, shipment string, factor Factor, answer string, life time.Duration) (secret string, k Link, err error) {
	now := l.now()
	if life == 0 {
		life = Life
	}
	if err := factor.check(answer, now); err != nil {
		return "", k, err
	}
	if life < LeastLife || life > MostLife {
		return "", k, record.Invalidf("expires %v from now: want an hour to 31 days", life)
	}
	known, err := l.o.Known(ctx, shipment)
	if err != nil {
		return "", k, err
	}
	if !known {
		return "", k, fmt.Errorf("shipment %q is %w; plan it first", shipment, record.ErrNotFound)
	}
	secret = random(20)
	digest := digestOf(secret)
	k = Link{ID: random(5), Shipment: shipment, Factor: factor, Created: now.UnixMilli(), By: by, Expires: now.Add(life).UnixMilli(), State: "open"}
	err = l.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var open int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM privacy_link WHERE shipment = $1 AND revoked_ms = 0 AND expires_ms > $2`, shipment, k.Created).Scan(&open); err != nil {
			return fmt.Errorf("count links: %w", err)
		}
		if open >= mostOpen {
			return record.Refusedf("shipment %q: has %d links that are open, the most there can be; revoke one", shipment, open)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO privacy_link (digest, id, shipment, factor, answer, answer_key, created_ms, created_by, expires_ms, revoked_ms, opened_ms, wrong)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0)`, digest, k.ID, shipment, string(factor), l.answer(digest, factor, factor.normal(answer)), l.keyID, k.Created, by, k.Expires); err != nil {
			return fmt.Errorf("add link: %w", err)
		}
		return l.note(ctx, tx, by, "link_made", k.ID, fmt.Sprintf("shipment %q, asks for %s, until %s", shipment, factor, now.Add(life).UTC().Format(time.RFC3339)))
	})
	if err != nil {
		return "", Link{}, err
	}
	return secret, k, nil
}

// Revoke ends a link at once. It has no effect on one that was revoked.
func (l *Links) Revoke(ctx context.Context, by, id, reason string) (k Link, err error) {
	if reason == "" {
		return k, record.Invalidf("reason: say why the link is revoked")
	}
	done := false
	err = l.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		done = false
		k, err = l.scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM privacy_link WHERE id = $1`, id).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("id %q: link %w", id, record.ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("read link: %w", err)
		}
		if k.Revoked != 0 {
			return nil
		}
		k.Revoked, k.State, done = l.now().UnixMilli(), "revoked", true
		if _, err := tx.Exec(ctx, `UPDATE privacy_link SET revoked_ms = $2 WHERE id = $1`, id, k.Revoked); err != nil {
			return fmt.Errorf("revoke link: %w", err)
		}
		return l.note(ctx, tx, by, "link_revoked", id, reason)
	})
	if err == nil && done {
		l.mu.Lock()
		close(l.changed)
		l.changed = make(chan struct{})
		l.mu.Unlock()
	}
	return k, err
}

// Of gives the links of a shipment, also those that are over, in the order of
// their ids, after one. Its error wraps record.ErrNotFound where there is no such
// shipment.
func (l *Links) Of(ctx context.Context, shipment, after string, limit int) (out []Link, err error) {
	rows, err := l.o.Store.Query(ctx, `SELECT `+columns+` FROM privacy_link WHERE shipment = $1 AND id > $2 ORDER BY id LIMIT $3`, shipment, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		k, err := l.scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read links: %w", err)
		}
		out = append(out, k)
	}
	if err := rows.Err(); err != nil || len(out) > 0 {
		return out, err
	}
	known, err := l.o.Known(ctx, shipment)
	if err == nil && !known {
		err = fmt.Errorf("shipment %q is %w", shipment, record.ErrNotFound)
	}
	return out, err
}

// note adds to the trail, in the transaction of what it tells of.
func (l *Links) note(ctx context.Context, tx *store.Tx, actor, action, id, detail string) error {
	_, err := tx.Exec(ctx, `INSERT INTO privacy_event (id, at_ms, actor, action, subject, detail)
		VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM privacy_event), $1, $2, $3, $4, $5)`, l.now().UnixMilli(), actor, action, "link/"+id, detail)
	if err != nil {
		return fmt.Errorf("add to the trail of links: %w", err)
	}
	return nil
}

// Change is one entry of the trail of links.
type Change struct {
	ID      int64  `json:"id"` // in order, from 1
	At      int64  `json:"at"` // UTC, Unix ms
	Actor   string `json:"actor"`
	Action  string `json:"action"`  // link_made, link_revoked, link_locked
	Subject string `json:"subject"` // link/ID
	Detail  string `json:"detail"`
}

// Trail gives who made and revoked links, in order, after an id.
func (l *Links) Trail(ctx context.Context, after int64, limit int) (out []Change, err error) {
	rows, err := l.o.Store.Query(ctx, `SELECT id, at_ms, actor, action, subject, detail FROM privacy_event WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the trail of links: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Change
		if err := rows.Scan(&c.ID, &c.At, &c.Actor, &c.Action, &c.Subject, &c.Detail); err != nil {
			return nil, fmt.Errorf("read the trail of links: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
