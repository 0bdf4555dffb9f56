package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frostline/hub/store"
)

// ErrRefused is wrapped where a password is not that of an enabled person. It
// does not say which of the two is wrong.
var ErrRefused = errors.New("no such person, or not their password")

// WaitError says that too many passwords were wrong.
type WaitError struct{ Wait time.Duration }

// Error says how long to wait.
func (e *WaitError) Error() string {
	return fmt.Sprintf("password: too many were wrong; try again in %v", e.Wait.Round(time.Second))
}

// RetryAfter is how long to wait.
func (e *WaitError) RetryAfter() time.Duration { return e.Wait }

// Reauthenticate makes sure that a person is at the keyboard, before an
// electronic signature: it gives the person whose id and password these are.
// The error wraps ErrRefused, or is a WaitError after many wrong passwords from
// the origin of ctx. An unknown person takes as long as a wrong password, which
// is some 30 ms of one core and a write to the disk; two are looked at at a time.
func (k *Keeper) Reauthenticate(ctx context.Context, id, password string) (Person, error) {
	place := originOf(ctx)
	if len(id) > 64 {
		id = id[:64] // unknown as well
	}
	if wait := k.tries.begin(id, place, k.now()); wait > 0 {
		if k.refused.add(k.now()) {
			k.log.Warn("passwords are not looked at, since too many were wrong", "person", id, "origin", place, "wait", wait.Round(time.Second))
		}
		return Person{}, &WaitError{wait}
	}
	var phc string
	err := k.db.QueryRow(ctx, `SELECT password FROM people_person WHERE id = $1 AND disabled_ms = 0`, id).Scan(&phc)
	known := err == nil
	if errors.Is(err, sql.ErrNoRows) || err == nil && phc == "" { // who has no password is as unknown here
		known = false
		phc, err = k.nobody()
	}
	if err != nil {
		return Person{}, fmt.Errorf("read password: %w", err)
	}
	ok, err := k.hashing.verify(ctx, password, phc)
	if err != nil {
		return Person{}, fmt.Errorf("verify password: %w", err)
	}
	if !ok || !known {
		if k.refused.add(k.now()) {
			k.log.Warn("wrong password", "person", id, "known", known, "origin", place)
		}
		if err := k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if !known {
				return k.stranger(ctx, tx)
			}
			return k.note(ctx, tx, "system/people", "password_refused", "person/"+id, "from "+place)
		}); err != nil {
			k.log.Error("wrong password is not kept", "person", id, "known", known, "error", err)
		}
		return Person{}, fmt.Errorf("password: %w", ErrRefused)
	}
	k.tries.right(id, place, k.now())
	p, err := personOf(ctx, k.db, id)
	if err == nil && p.Disabled != 0 {
		err = fmt.Errorf("password: %w", ErrRefused)
	}
	return p, err
}

// HasPassword says whether a person has a password.
func (k *Keeper) HasPassword(ctx context.Context, id string) (bool, error) {
	var n int
	if err := k.db.QueryRow(ctx, `SELECT COUNT(*) FROM people_person WHERE id = $1 AND password <> ''`, id).Scan(&n); err != nil {
		return false, fmt.Errorf("read password: %w", err)
	}
	return n > 0, nil
}
