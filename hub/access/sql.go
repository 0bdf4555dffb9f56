package access

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// SQL is the Repository on the hub's store, in the tables access_*.
type SQL struct{ db *store.DB }

// NewSQL makes it; the store has brought its tables up to date.
func NewSQL(db *store.DB) SQL { return SQL{db} }

// Update is as in Repository.
func (s SQL) Update(ctx context.Context, do func(context.Context, Tx) error) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return do(ctx, sqlTx{tx}) })
}

// Load is as in Repository.
func (s SQL) Load(ctx context.Context, after int64) (k Known, err error) {
	err = s.db.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) error {
		k = Known{}
		if k.Authorities, err = collect(ctx, tx, func(rows *sql.Rows) (f string, err error) {
			return f, rows.Scan(&f)
		}, `SELECT fingerprint FROM access_authority ORDER BY since_ms, fingerprint`); err != nil {
			return fmt.Errorf("read authorities: %w", err)
		}
		if k.Gateways, err = collect(ctx, tx, func(rows *sql.Rows) (g Gateway, err error) {
			return g, rows.Scan(&g.ID, &g.Enrolled, &g.Revoked, &g.RevokedFor)
		}, `SELECT id, enrolled_ms, revoked_ms, revoked_for FROM access_gateway ORDER BY id`); err != nil {
			return fmt.Errorf("read gateways: %w", err)
		}
		if k.Certificates, err = collect(ctx, tx, func(rows *sql.Rows) (c Certificate, err error) {
			return c, rows.Scan(&c.Serial, &c.Gateway, &c.NotBefore, &c.NotAfter, &c.Revoked, &c.RevokedFor)
		}, `SELECT serial, gateway, not_before_ms, not_after_ms, revoked_ms, revoked_for FROM access_certificate
			WHERE not_after_ms > $1 ORDER BY not_after_ms, serial`, after); err != nil {
			return fmt.Errorf("read certificates: %w", err)
		}
		if k.SealKeys, err = collect(ctx, tx, func(rows *sql.Rows) (SealKey, error) {
			var key SealKey
			var public string
			if err := rows.Scan(&key.Gateway, &key.ID, &public, &key.From); err != nil {
				return key, err
			}
			b, err := base64.StdEncoding.DecodeString(public)
			if err == nil && len(b) != ed25519.PublicKeySize {
				err = fmt.Errorf("%d bytes", len(b))
			}
			if err != nil {
				return key, fmt.Errorf("key %s of gateway %q: %w", key.ID, key.Gateway, err)
			}
			key.Public = b
			return key, nil
		}, `SELECT gateway, key_id, public_key, from_ms FROM access_seal_key ORDER BY from_ms, key_id`); err != nil {
			return fmt.Errorf("read seal keys: %w", err)
		}
		return nil
	})
	return k, err
}

// Events is as in Repository.
func (s SQL) Events(ctx context.Context, gateway string, before int64, limit int) ([]Event, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	query, args := `SELECT id, at_ms, actor, action, gateway, detail FROM access_event WHERE id < $1`, []any{before}
	if gateway != "" {
		query += ` AND gateway = $2`
		args = append(args, gateway)
	}
	args = append(args, max(limit, 0))
	query += fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args))
	events, err := collect(ctx, s.db, func(rows *sql.Rows) (e Event, err error) {
		return e, rows.Scan(&e.ID, &e.At, &e.Actor, &e.Action, &e.Gateway, &e.Detail)
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read trail: %w", err)
	}
	return events, nil
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q store.Querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// sqlTx is a Tx on a transaction of the store.
type sqlTx struct{ tx *store.Tx }

func (t sqlTx) exec(ctx context.Context, doing, query string, args ...any) error {
	if _, err := t.tx.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func found(err error, what, key string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s %q: %w", what, key, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("read %s %q: %w", what, key, err)
	}
	return nil
}

func (t sqlTx) Gateway(ctx context.Context, id string) (g Gateway, err error) {
	err = t.tx.QueryRow(ctx, `SELECT id, enrolled_ms, revoked_ms, revoked_for FROM access_gateway WHERE id = $1`, id).
		Scan(&g.ID, &g.Enrolled, &g.Revoked, &g.RevokedFor)
	return g, found(err, "gateway", id)
}

func (t sqlTx) SaveGateway(ctx context.Context, g Gateway) error {
	return t.exec(ctx, "save gateway", `INSERT INTO access_gateway (id, enrolled_ms, revoked_ms, revoked_for) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET enrolled_ms = excluded.enrolled_ms, revoked_ms = excluded.revoked_ms, revoked_for = excluded.revoked_for`,
		g.ID, g.Enrolled, g.Revoked, g.RevokedFor)
}

func (t sqlTx) Code(ctx context.Context, digest string) (c CodeState, err error) {
	err = t.tx.QueryRow(ctx, `SELECT digest, gateway, created_ms, expires_ms, void_ms, used_ms, used_keys, used_serial FROM access_code WHERE digest = $1`, digest).
		Scan(&c.Digest, &c.Gateway, &c.Created, &c.Expires, &c.Void, &c.Used, &c.UsedKeys, &c.UsedSerial)
	return c, found(err, "code", digest)
}

func (t sqlTx) SaveCode(ctx context.Context, c CodeState) error {
	return t.exec(ctx, "save code", `INSERT INTO access_code (digest, gateway, created_ms, expires_ms, void_ms, used_ms, used_keys, used_serial)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (digest) DO UPDATE SET void_ms = excluded.void_ms, used_ms = excluded.used_ms, used_keys = excluded.used_keys, used_serial = excluded.used_serial`,
		c.Digest, c.Gateway, c.Created, c.Expires, c.Void, c.Used, c.UsedKeys, c.UsedSerial)
}

func (t sqlTx) VoidCodes(ctx context.Context, gateway string, at int64) error {
	return t.exec(ctx, "withdraw codes", `UPDATE access_code SET void_ms = $1 WHERE gateway = $2 AND used_ms = 0 AND void_ms = 0`, at, gateway)
}

func (t sqlTx) DropCodes(ctx context.Context, before int64) error {
	return t.exec(ctx, "forget codes", `DELETE FROM access_code WHERE expires_ms < $1`, before)
}

func (t sqlTx) Certificate(ctx context.Context, serial string) (c Certificate, err error) {
	var der string
	err = t.tx.QueryRow(ctx, `SELECT serial, gateway, not_before_ms, not_after_ms, revoked_ms, revoked_for, der FROM access_certificate WHERE serial = $1`, serial).
		Scan(&c.Serial, &c.Gateway, &c.NotBefore, &c.NotAfter, &c.Revoked, &c.RevokedFor, &der)
	if err == nil {
		c.DER, err = base64.StdEncoding.DecodeString(der)
	}
	return c, found(err, "certificate", serial)
}

func (t sqlTx) SaveCertificate(ctx context.Context, c Certificate) error {
	return t.exec(ctx, "save certificate", `INSERT INTO access_certificate (serial, gateway, not_before_ms, not_after_ms, revoked_ms, revoked_for, der)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (serial) DO UPDATE SET revoked_ms = excluded.revoked_ms, revoked_for = excluded.revoked_for`,
		c.Serial, c.Gateway, c.NotBefore, c.NotAfter, c.Revoked, c.RevokedFor, base64.StdEncoding.EncodeToString(c.DER))
}

func (t sqlTx) RevokeCertificates(ctx context.Context, gateway string, at int64, reason string) error {
	return t.exec(ctx, "revoke certificates", `UPDATE access_certificate SET revoked_ms = $1, revoked_for = $2 WHERE gateway = $3 AND revoked_ms = 0`, at, reason, gateway)
}

func (t sqlTx) SealKeyOwner(ctx context.Context, public ed25519.PublicKey) (gateway string, err error) {
	err = t.tx.QueryRow(ctx, `SELECT gateway FROM access_seal_key WHERE public_key = $1`, base64.StdEncoding.EncodeToString(public)).Scan(&gateway)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read seal key: %w", err)
	}
	return gateway, nil
}

func (t sqlTx) SaveSealKey(ctx context.Context, k SealKey) error {
	return t.exec(ctx, "save seal key", `INSERT INTO access_seal_key (gateway, key_id, public_key, from_ms) VALUES ($1, $2, $3, $4)`,
		k.Gateway, k.ID, base64.StdEncoding.EncodeToString(k.Public), k.From)
}

func (t sqlTx) SaveAuthority(ctx context.Context, fingerprint string, at int64) error {
	return t.exec(ctx, "note authority", `INSERT INTO access_authority (fingerprint, since_ms) VALUES ($1, $2)`, fingerprint, at)
}

func (t sqlTx) AddEvent(ctx context.Context, e Event) error {
	return t.exec(ctx, "enter in trail", `INSERT INTO access_event (id, at_ms, actor, action, gateway, detail)
		VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM access_event), $1, $2, $3, $4, $5)`,
		e.At, e.Actor, string(e.Action), e.Gateway, e.Detail)
}
