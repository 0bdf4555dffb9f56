package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"frostline/hub/store"
)

// Kinds of links. Each is good once.
const (
	FirstLink  = "first"   // makes the first administrator, while there is nobody
	InviteLink = "invite"  // enters a person with roles that the inviter chose
	SignInLink = "sign-in" // lets a person in who is entered
)

// How long links are good for.
const (
	InviteLife = 24 * time.Hour
	SignInLife = time.Hour
	mostLinks  = 1000 // that are good at once
)

// Link is a link that is good once, without its secret.
type Link struct {
	Kind    string   `json:"kind"`
	Person  string   `json:"person,omitempty" doc:"Whose it is; empty where they choose an id."`
	Name    string   `json:"name,omitempty" doc:"As printed; empty where they choose."`
	Roles   []string `json:"roles,omitempty"`
	Created int64    `json:"created"`
	By      string   `json:"by" doc:"Who made it."`
	Expires int64    `json:"expires" doc:"Unix milliseconds UTC."`
}

// Invite makes a link by which somebody enters themselves, with roles that are
// fixed by it. id and name may be empty: they then choose.
func (k *Keeper) Invite(ctx context.Context, actor, id, name string, roles []string) (secret string, l Link, err error) {
	if roles, err = checkRoles(roles); err != nil {
		return "", l, err
	}
	if id != "" {
		if err := checkID("id", id); err != nil {
			return "", l, err
		}
	}
	if name != "" {
		if err := checkName(name); err != nil {
			return "", l, err
		}
	}
	return k.link(ctx, actor, Link{Kind: InviteLink, Person: id, Name: name, Roles: roles}, InviteLife)
}

// SignInLink makes a link by which a person who is entered signs in, as when
// they have lost their passkey.
func (k *Keeper) SignInLink(ctx context.Context, actor, id string) (secret string, l Link, err error) {
	p, err := k.Person(ctx, id)
	if err != nil {
		return "", l, err
	}
	if p.Disabled != 0 {
		return "", l, fmt.Errorf("id %q: %w: the person is disabled; frostline user enable %s", id, ErrInvalid, id)
	}
	return k.link(ctx, actor, Link{Kind: SignInLink, Person: id}, SignInLife)
}

// First makes the link by which the first administrator enters themselves, in
// place of any made before. ok is false where somebody is entered already: then
// there is none.
func (k *Keeper) First(ctx context.Context) (secret string, l Link, ok bool, err error) {
	people, err := k.People(ctx, "", 1)
	if err != nil || len(people) > 0 {
		return "", l, false, err
	}
	secret, l, err = k.link(ctx, "system/people", Link{Kind: FirstLink, Roles: []string{"admin"}}, InviteLife)
	return secret, l, err == nil, err
}

func (k *Keeper) link(ctx context.Context, actor string, l Link, life time.Duration) (string, Link, error) {
	secret, now := secretText(), k.now()
	l.Created, l.By, l.Expires = now.UnixMilli(), actor, now.Add(life).UnixMilli()
	err := k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM people_link WHERE expires_ms <= $1 OR kind = $2 AND $3 = $2`, l.Created, FirstLink, l.Kind); err != nil {
			return fmt.Errorf("remove links that are over: %w", err)
		}
		var n int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM people_link`).Scan(&n); err != nil {
			return fmt.Errorf("count links: %w", err)
		}
		if n >= mostLinks {
			return fmt.Errorf("links: %w: %d are good already; wait until some are used or over", ErrInvalid, n)
		}
		if l.Kind == InviteLink && l.Person != "" {
			switch _, err := personOf(ctx, tx, l.Person); {
			case err == nil:
				return fmt.Errorf("id %q: person %w; frostline user link %s lets them in", l.Person, ErrExists, l.Person)
			case !errors.Is(err, ErrNotFound):
				return err
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO people_link (digest, kind, person, name, roles, created_ms, created_by, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			digest(secret), l.Kind, l.Person, l.Name, strings.Join(l.Roles, " "), l.Created, actor, l.Expires); err != nil {
			return fmt.Errorf("add link: %w", err)
		}
		subject := "person/" + l.Person
		if l.Person == "" {
			subject = "person"
		}
		return k.note(ctx, tx, actor, "link_made", subject, fmt.Sprintf("%s, roles %s, until %s", l.Kind, strings.Join(l.Roles, " "), now.Add(life).UTC().Format(time.RFC3339)))
	})
	if err != nil {
		return "", Link{}, err
	}
	return secret, l, nil
}

// Link gives what a link is for, and does not use it. ok is false where it is
// not known, used or over.
func (k *Keeper) Link(ctx context.Context, secret string) (l Link, ok bool, err error) {
	return k.linkOf(ctx, k.db, secret)
}

func (k *Keeper) linkOf(ctx context.Context, q store.Querier, secret string) (l Link, ok bool, err error) {
	if len(secret) != secretLen {
		return l, false, nil
	}
	var roles string
	err = q.QueryRow(ctx, `SELECT kind, person, name, roles, created_ms, created_by, expires_ms FROM people_link WHERE digest = $1`, digest(secret)).
		Scan(&l.Kind, &l.Person, &l.Name, &roles, &l.Created, &l.By, &l.Expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Link{}, false, nil
	}
	if err != nil {
		return Link{}, false, fmt.Errorf("read link: %w", err)
	}
	l.Roles = strings.Fields(roles)
	if k.now().UnixMilli() >= l.Expires {
		return Link{}, false, nil
	}
	if l.Kind == FirstLink {
		var n int
		if err := q.QueryRow(ctx, `SELECT COUNT(*) FROM people_person`).Scan(&n); err != nil {
			return Link{}, false, fmt.Errorf("count people: %w", err)
		}
		if n > 0 {
			return Link{}, false, nil
		}
	}
	return l, true, nil
}

// Enter uses a link: it enters the person whom it invites, by the id and name
// that the link says, or else by those given, or finds the person whom it lets
// in. The error wraps ErrRefused where the link is not good any more, ErrExists
// where the id is taken, and ErrInvalid where id or name cannot be; the link is
// then still good.
func (k *Keeper) Enter(ctx context.Context, secret, id, name string) (p Person, err error) {
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, ok, err := k.linkOf(ctx, tx, secret)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("link: %w", ErrRefused)
		}
		if l.Kind == SignInLink {
			if p, err = personOf(ctx, tx, l.Person); err != nil {
				return err
			}
			if p.Disabled != 0 {
				return fmt.Errorf("link: %w", ErrRefused)
			}
		} else {
			if l.Person != "" {
				id = l.Person
			}
			if l.Name != "" {
				name = l.Name
			}
			if p, err = k.insert(ctx, tx, l.By, id, name, l.Roles, ""); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM people_link WHERE digest = $1`, digest(secret)); err != nil {
			return fmt.Errorf("use link: %w", err)
		}
		return k.note(ctx, tx, "person/"+p.ID, "link_used", "person/"+p.ID, l.Kind+", made by "+l.By)
	})
	if err != nil {
		return Person{}, err
	}
	return p, nil
}
