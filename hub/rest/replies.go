package rest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"frostline/hub/store"
)

const (
	keptFor  = 24 * time.Hour
	maxKept  = 1 << 20 // bytes of a reply that is kept
	forgetAt = 100     // old replies forgotten with each new one, at most
)

// reply is an answer as it was given.
type reply struct {
	request string
	status  int
	header  map[string]string
	body    []byte
}

// replies keeps the answers to requests with an idempotency key.
type replies struct {
	db  *store.DB
	now func() time.Time

	mu   sync.Mutex
	busy map[string]bool // requests being worked on; one hub has the store
}

// replyKey names a request.
func replyKey(actor, operation, key string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", actor, operation, key))
	return hex.EncodeToString(sum[:])
}

// claim is false where the same request is being worked on.
func (r *replies) claim(digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[digest] {
		return false
	}
	r.busy[digest] = true
	return true
}

func (r *replies) release(digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, digest)
}

// load gives the reply that is kept, if there is one.
func (r *replies) load(ctx context.Context, digest string) (out reply, found bool, err error) {
	var header string
	var at int64
	err = r.db.QueryRow(ctx, `SELECT request, at_ms, status, header, body FROM rest_reply WHERE digest = $1`, digest).
		Scan(&out.request, &at, &out.status, &header, &out.body)
	if errors.Is(err, sql.ErrNoRows) {
		return reply{}, false, nil
	}
	if err != nil {
		return reply{}, false, err
	}
	if r.now().UnixMilli()-at > keptFor.Milliseconds() {
		return reply{}, false, nil
	}
	return out, true, json.Unmarshal([]byte(header), &out.header)
}

// save keeps a reply, and forgets some that are older than a day. When it
// returns nil the reply is on disk.
func (r *replies) save(ctx context.Context, digest string, one reply) error {
	if len(one.body) > maxKept {
		return fmt.Errorf("reply of %d bytes: want at most %d", len(one.body), maxKept)
	}
	header, err := json.Marshal(one.header)
	if err != nil {
		return err
	}
	if one.body == nil {
		one.body = []byte{}
	}
	now := r.now()
	return r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM rest_reply WHERE digest IN (SELECT digest FROM rest_reply WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)`,
			now.Add(-keptFor).UnixMilli(), forgetAt); err != nil {
			return fmt.Errorf("forget old replies: %w", err)
		}
		_, err := tx.Exec(ctx, `INSERT INTO rest_reply (digest, request, at_ms, status, header, body) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (digest) DO UPDATE SET request = excluded.request, at_ms = excluded.at_ms, status = excluded.status, header = excluded.header, body = excluded.body`,
			digest, one.request, now.UnixMilli(), one.status, string(header), one.body)
		return err
	})
}

// secretKey gives the key of a name, made once for a store.
func secretKey(ctx context.Context, db *store.DB, name string, now time.Time) (key []byte, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var text string
		switch err := tx.QueryRow(ctx, `SELECT secret FROM rest_key WHERE name = $1`, name).Scan(&text); {
		case err == nil:
			key, err = base64.StdEncoding.DecodeString(text)
			return err
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		key = make([]byte, 32)
		rand.Read(key)
		_, err := tx.Exec(ctx, `INSERT INTO rest_key (name, secret, since_ms) VALUES ($1, $2, $3)`, name, base64.StdEncoding.EncodeToString(key), now.UnixMilli())
		return err
	})
	return key, err
}
