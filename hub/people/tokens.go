package people

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"frostline/hub/store"
)

// Token is what may be shown of a token.
type Token struct {
	ID      string   `json:"id" doc:"The part of the token between its underscores."`
	Name    string   `json:"name" doc:"What it is for."`
	Actor   string   `json:"actor" doc:"Who it speaks for: person/ID or partner/ID."`
	Scopes  []string `json:"scopes"`
	Created int64    `json:"created" doc:"Unix milliseconds UTC."`
	By      string   `json:"by" doc:"Who made it."`
	Expires int64    `json:"expires" doc:"Unix milliseconds UTC."`
	Revoked int64    `json:"revoked,omitempty" doc:"Unix milliseconds UTC; absent while it is good."`
	Used    int64    `json:"used,omitempty" doc:"Last time it was shown, to the hour, Unix milliseconds UTC; absent for never."`
}

// How long a token can be good for, and how often its use is noted.
const (
	MostLife  = 2 * 365 * 24 * time.Hour
	usedEvery = time.Hour
)

// AllScopes are the scopes that a token can have. Those of EPCIS are for its REST
// binding alone, and verify for the verification of product identifiers.
var AllScopes = []string{"admin", "epcis:capture", "epcis:query", "fleet", "qa", "read", "verify", "write"}

// partnerScopes are those that a partner's token can have.
var partnerScopes = []string{"epcis:capture", "epcis:query", "read", "verify", "write"}

const tokenColumns = `id, name, actor, scopes, created_ms, created_by, expires_ms, revoked_ms, used_ms`

func scanToken(scan func(...any) error, more ...any) (t Token, err error) {
	var scopes string
	err = scan(append([]any{&t.ID, &t.Name, &t.Actor, &scopes, &t.Created, &t.By, &t.Expires, &t.Revoked, &t.Used}, more...)...)
	t.Scopes = strings.Fields(scopes)
	return t, err
}

// NewToken makes a token by which a program speaks for a person or a partner,
// for some time. The secret is given once and not kept. A person's token can
// have only the scopes that their roles allow.
func (k *Keeper) NewToken(ctx context.Context, by, name, actor string, scopes []string, life time.Duration) (secret string, t Token, err error) {
	if err := checkName(name); err != nil {
		return "", t, err
	}
	kind, id, _ := strings.Cut(actor, "/")
	if kind != "person" && kind != "partner" {
		return "", t, fmt.Errorf("actor %q: %w: want person/ID or partner/ID", actor, ErrInvalid)
	}
	if err := checkID("actor", id); err != nil {
		return "", t, err
	}
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	for _, s := range scopes {
		if !slices.Contains(AllScopes, s) {
			return "", t, fmt.Errorf("scopes %q: %w: want some of %s", s, ErrInvalid, strings.Join(AllScopes, ", "))
		}
		if kind == "partner" && !slices.Contains(partnerScopes, s) {
			return "", t, fmt.Errorf("scopes %q: %w: a partner's token can have %s", s, ErrInvalid, strings.Join(partnerScopes, ", "))
		}
	}
	if len(scopes) == 0 {
		return "", t, fmt.Errorf("scopes: %w: want at least one", ErrInvalid)
	}
	if life < time.Minute || life > MostLife {
		return "", t, fmt.Errorf("expires %v from now: %w: want a minute to two years", life, ErrInvalid)
	}
	secret, t.ID = newToken()
	now := k.now()
	t = Token{ID: t.ID, Name: name, Actor: actor, Scopes: scopes, Created: now.UnixMilli(), By: by, Expires: now.Add(life).UnixMilli()}
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if kind == "person" {
			p, err := personOf(ctx, tx, id)
			if err != nil {
				return err
			}
			for _, s := range scopes {
				if !slices.Contains(p.Scopes(), s) {
					return fmt.Errorf("scopes %q: %w: what %s does allows %v", s, ErrInvalid, id, p.Scopes())
				}
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO people_token (id, digest, name, actor, scopes, created_ms, created_by, expires_ms, revoked_ms, used_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)`, t.ID, digest(secret), name, actor, strings.Join(scopes, " "), t.Created, by, t.Expires); err != nil {
			return fmt.Errorf("add token: %w", err)
		}
		return k.note(ctx, tx, by, "token_created", "token/"+t.ID, fmt.Sprintf("name %q, for %s, scopes %s, until %s", name, actor, strings.Join(scopes, " "), now.Add(life).UTC().Format(time.RFC3339)))
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// Revoke ends a token at once. It has no effect on one that is revoked.
func (k *Keeper) Revoke(ctx context.Context, by, id, reason string) (t Token, err error) {
	if err := checkReason(reason); err != nil {
		return t, err
	}
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err = scanToken(tx.QueryRow(ctx, `SELECT `+tokenColumns+` FROM people_token WHERE id = $1`, id).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("id %q: token %w; frostline token list shows those that are", id, ErrNotFound)
		}
		if err != nil || t.Revoked != 0 {
			return err
		}
		t.Revoked = k.now().UnixMilli()
		if _, err := tx.Exec(ctx, `UPDATE people_token SET revoked_ms = $2 WHERE id = $1`, id, t.Revoked); err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		return k.note(ctx, tx, by, "token_revoked", "token/"+id, reason)
	})
	return t, err
}

// Tokens gives tokens, also those that are over, in order of their ids, after
// one.
func (k *Keeper) Tokens(ctx context.Context, after string, limit int) (out []Token, err error) {
	rows, err := k.db.Query(ctx, `SELECT `+tokenColumns+` FROM people_token WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanToken(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read tokens: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// Caller is who makes a request, and what they may do now.
type Caller struct {
	Actor  string   // person/ID or partner/ID
	Roles  []string // of a person
	Scopes []string
}

// Caller gives whom a person signed in is to other parts of the hub.
func (p Person) Caller() Caller {
	return Caller{Actor: "person/" + p.ID, Roles: p.Roles, Scopes: p.Scopes()}
}

// Authenticate gives who a token speaks for and what it may do now, as Caller
// does.
func (k *Keeper) Authenticate(ctx context.Context, token string) (actor string, scopes []string, ok bool, err error) {
	c, ok, err := k.Caller(ctx, token)
	return c.Actor, c.Scopes, ok, err
}

// Caller gives who a token speaks for and what it may do now: the scopes that
// it was made for and, where it is a person's, that their roles still allow. ok
// is false where it is unknown, over, revoked, or the person disabled. An error
// means that it could not be found out.
func (k *Keeper) Caller(ctx context.Context, token string) (c Caller, ok bool, err error) {
	id, err := parseToken(token)
	if err != nil {
		return c, false, nil
	}
	var want string
	t, err := scanToken(k.db.QueryRow(ctx, `SELECT `+tokenColumns+`, digest FROM people_token WHERE id = $1`, id).Scan, &want)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("read token: %w", err)
	}
	now := k.now().UnixMilli()
	if subtle.ConstantTimeCompare([]byte(digest(token)), []byte(want)) != 1 || t.Revoked != 0 || now >= t.Expires {
		return c, false, nil
	}
	c = Caller{Actor: t.Actor, Scopes: t.Scopes}
	if person, is := strings.CutPrefix(t.Actor, "person/"); is {
		p, err := personOf(ctx, k.db, person)
		if err != nil {
			return Caller{}, false, err
		}
		if p.Disabled != 0 {
			return Caller{}, false, nil
		}
		allowed := p.Scopes()
		c.Scopes = slices.DeleteFunc(c.Scopes, func(s string) bool { return !slices.Contains(allowed, s) })
		c.Roles = p.Roles
	}
	k.used(ctx, t, now)
	return c, true, nil
}

// used notes the hour in which a token was shown, once.
func (k *Keeper) used(ctx context.Context, t Token, now int64) {
	hour := now - now%usedEvery.Milliseconds()
	if hour <= t.Used {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE people_token SET used_ms = $2 WHERE id = $1 AND used_ms < $2`, t.ID, hour)
		return err
	}); err != nil {
		k.log.Warn("use of a token is not noted", "token", t.ID, "error", err)
	}
}
