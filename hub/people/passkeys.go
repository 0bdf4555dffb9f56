package people

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// mostPasskeys is how many a person can have.
const mostPasskeys = 20

// Passkey is what is kept of one.
type Passkey struct {
	ID         string `json:"id" doc:"Credential id, base64url."`
	Person     string `json:"person"`
	Name       string `json:"name" doc:"As its owner calls it."`
	Credential []byte `json:"-"` // credential record, JSON
	Created    int64  `json:"created" doc:"Unix milliseconds UTC."`
	Used       int64  `json:"used,omitempty" doc:"Last time, Unix milliseconds UTC; absent for never."`
}

// Passkeys gives those of a person, in the order in which they were added.
func (k *Keeper) Passkeys(ctx context.Context, person string) (out []Passkey, err error) {
	rows, err := k.db.Query(ctx, `SELECT id, person, name, credential, created_ms, used_ms FROM people_passkey WHERE person = $1 ORDER BY created_ms, id`, person)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Passkey
		var record string
		if err := rows.Scan(&p.ID, &p.Person, &p.Name, &record, &p.Created, &p.Used); err != nil {
			return nil, fmt.Errorf("read passkeys: %w", err)
		}
		p.Credential = []byte(record)
		out = append(out, p)
	}
	return out, rows.Err()
}

// AddPasskey gives a person a passkey, whose proof was checked. The error wraps
// ErrExists where it is somebody's already.
func (k *Keeper) AddPasskey(ctx context.Context, actor string, p Passkey) error {
	if err := checkName(p.Name); err != nil {
		return err
	}
	return k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := personOf(ctx, tx, p.Person); err != nil {
			return err
		}
		var n, same int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM people_passkey WHERE person = $1`, p.Person).Scan(&n); err != nil {
			return fmt.Errorf("count passkeys: %w", err)
		}
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM people_passkey WHERE id = $1`, p.ID).Scan(&same); err != nil {
			return fmt.Errorf("count passkeys: %w", err)
		}
		switch {
		case same > 0:
			return fmt.Errorf("passkey: %w", ErrExists)
		case n >= mostPasskeys:
			return fmt.Errorf("passkeys: %w: there are %d; remove one first", ErrInvalid, n)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO people_passkey (id, person, name, credential, created_ms, used_ms) VALUES ($1, $2, $3, $4, $5, 0)`,
			p.ID, p.Person, p.Name, string(p.Credential), k.now().UnixMilli()); err != nil {
			return fmt.Errorf("add passkey: %w", err)
		}
		return k.note(ctx, tx, actor, "passkey_added", "person/"+p.Person, fmt.Sprintf("%q", p.Name))
	})
}

// UsePasskey keeps the record of a passkey as its use has left it.
func (k *Keeper) UsePasskey(ctx context.Context, id string, credential []byte) error {
	return k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE people_passkey SET credential = $2, used_ms = $3 WHERE id = $1`, id, string(credential), k.now().UnixMilli())
		if err == nil && n == 0 {
			err = fmt.Errorf("passkey: %w", ErrRefused) // removed meanwhile
		}
		return err
	})
}

// DropPasskey takes a passkey from a person. Sessions go on: EndAll ends them.
// The error wraps ErrNotFound where it is not theirs.
func (k *Keeper) DropPasskey(ctx context.Context, actor, person, id string) error {
	return k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM people_passkey WHERE person = $1 AND id = $2`, person, id)
		if err != nil {
			return fmt.Errorf("remove passkey: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("passkey: %w", ErrNotFound)
		}
		return k.note(ctx, tx, actor, "passkey_removed", "person/"+person, "passkey "+printable(id))
	})
}

// RefusePasskey notes that somebody showed what is not a person's passkey. The
// error wraps ErrRefused.
func (k *Keeper) RefusePasskey(ctx context.Context, person string, why error) error {
	if k.refused.add(k.now()) {
		k.log.Warn("passkey refused", "person", person, "origin", originOf(ctx), "error", why)
	}
	if _, err := k.Person(ctx, person); errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalid) {
		return fmt.Errorf("passkey: %w", ErrRefused)
	}
	return k.refusal(ctx, "passkey_refused", person, originOf(ctx))
}
