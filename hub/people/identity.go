package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"frostline/hub/store"
)

// mostSameIDs bounds how many persons of a provider may want one id.
const mostSameIDs = 1000

// Federated gives the person whom an OpenID provider vouches for by issuer and
// subject, with the roles that its claims come to. Who is new is entered under
// the id that they go by there, or one like it where that is taken: an account
// of a provider is never taken for a person of this hub by its name. Other
// roles than before end the person's sessions; none at all, or being disabled
// here, is ErrRefused.
func (k *Keeper) Federated(ctx context.Context, issuer, subject, id, name string, roles []string) (p Person, err error) {
	if issuer == "" || subject == "" || len(issuer) > 500 || len(subject) > 500 {
		return p, fmt.Errorf("identity of a provider: %w: want issuer and subject of 1 to 500 bytes", ErrInvalid)
	}
	if len(roles) > 0 {
		if roles, err = checkRoles(roles); err != nil {
			return p, err
		}
	}
	none := false
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var person string
		err := tx.QueryRow(ctx, `SELECT person FROM people_identity WHERE issuer = $1 AND subject = $2`, issuer, subject).Scan(&person)
		known := err == nil
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read identity: %w", err)
		}
		if len(roles) == 0 {
			none = true
			if known { // what they had is over; their tokens go with their roles' scopes when they are disabled
				_, err := endAll(ctx, tx, person)
				return err
			}
			return nil
		}
		if !known {
			if p, err = k.insertLike(ctx, tx, issuer, id, name, roles); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO people_identity (issuer, subject, person, since_ms) VALUES ($1, $2, $3, $4)`, issuer, subject, p.ID, k.now().UnixMilli()); err != nil {
				return fmt.Errorf("add identity: %w", err)
			}
			return k.note(ctx, tx, "system/oidc", "identity_bound", "person/"+p.ID, fmt.Sprintf("%s at %s", printable(subject), printable(issuer)))
		}
		if p, err = personOf(ctx, tx, person); err != nil {
			return err
		}
		before, after := strings.Join(p.Roles, " "), strings.Join(roles, " ")
		if p.Disabled != 0 || before == after {
			return nil
		}
		p.Roles = roles
		p.Version++
		if _, err := tx.Exec(ctx, `UPDATE people_person SET roles = $2, version = $3, changed_ms = $4 WHERE id = $1`, person, after, p.Version, k.now().UnixMilli()); err != nil {
			return fmt.Errorf("change person: %w", err)
		}
		if _, err := endAll(ctx, tx, person); err != nil {
			return err
		}
		return k.note(ctx, tx, "system/oidc", "roles_changed", "person/"+person, fmt.Sprintf("from %s to %s, by the claims of %s", before, after, printable(issuer)))
	})
	if err != nil {
		return Person{}, err
	}
	if none || p.Disabled != 0 {
		return Person{}, fmt.Errorf("person of %s: %w", printable(issuer), ErrRefused)
	}
	return p, nil
}

// insertLike enters a person under an id, or the first like it that is free.
func (k *Keeper) insertLike(ctx context.Context, tx *store.Tx, issuer, id, name string, roles []string) (Person, error) {
	id = idLike(id)
	if checkName(name) != nil {
		name = id
	}
	for n := 1; n < mostSameIDs; n++ {
		try := id
		if n > 1 {
			try += "-" + strconv.Itoa(n)
		}
		switch _, err := personOf(ctx, tx, try); {
		case errors.Is(err, ErrNotFound):
			return k.insert(ctx, tx, "system/oidc", try, name, roles, "")
		case err != nil:
			return Person{}, err
		}
	}
	return Person{}, fmt.Errorf("id %q: %w: too many of %s go by it", id, ErrInvalid, printable(issuer))
}

// idLike makes an id of how somebody goes elsewhere.
func idLike(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(s), "@")
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, s)
	s = strings.TrimLeft(s, "._-")
	if len(s) > 50 {
		s = s[:50]
	}
	if s == "" {
		return "person"
	}
	return s
}
