package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"frostline/hub/store"
)

const personColumns = `id, name, roles, created_ms, disabled_ms, version`

func scanPerson(scan func(...any) error) (p Person, err error) {
	var roles string
	err = scan(&p.ID, &p.Name, &roles, &p.Created, &p.Disabled, &p.Version)
	p.Roles = strings.Fields(roles)
	return p, err
}

func personOf(ctx context.Context, q store.Querier, id string) (Person, error) {
	p, err := scanPerson(q.QueryRow(ctx, `SELECT `+personColumns+` FROM people_person WHERE id = $1`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, fmt.Errorf("id %q: person %w; frostline user list shows those that are", id, ErrNotFound)
	}
	if err != nil {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	return p, nil
}

// Person gives a person, enabled or not; the error wraps ErrNotFound where
// there is none.
func (k *Keeper) Person(ctx context.Context, id string) (Person, error) {
	if err := checkID("id", id); err != nil {
		return Person{}, err
	}
	return personOf(ctx, k.db, id)
}

// People gives persons in order of their ids, after one.
func (k *Keeper) People(ctx context.Context, after string, limit int) (out []Person, err error) {
	rows, err := k.db.Query(ctx, `SELECT `+personColumns+` FROM people_person WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanPerson(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read people: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// Add enters a person with a password. Errors wrap ErrInvalid or ErrExists.
func (k *Keeper) Add(ctx context.Context, actor, id, name string, roles []string, password string) (p Person, err error) {
	if err := checkID("id", id); err != nil {
		return p, err
	}
	if err := checkName(name); err != nil { // before the work of a hash
		return p, err
	}
	if roles, err = checkRoles(roles); err != nil {
		return p, err
	}
	if err := checkPassword(id, password); err != nil {
		return p, err
	}
	phc, err := k.hashing.hash(ctx, password, usual)
	if err != nil {
		return p, fmt.Errorf("hash password: %w", err)
	}
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err = k.insert(ctx, tx, actor, id, name, roles, phc)
		return err
	})
	if err != nil {
		return Person{}, err
	}
	return p, nil
}

// insert enters a person; phc is "" for one without a password.
func (k *Keeper) insert(ctx context.Context, tx *store.Tx, actor, id, name string, roles []string, phc string) (p Person, err error) {
	if err := checkID("id", id); err != nil {
		return p, err
	}
	if err := checkName(name); err != nil {
		return p, err
	}
	switch _, err := personOf(ctx, tx, id); {
	case err == nil:
		return p, fmt.Errorf("id %q: person %w; take another id, ids are never used again", id, ErrExists)
	case !errors.Is(err, ErrNotFound):
		return p, err
	}
	p = Person{ID: id, Name: name, Roles: roles, Created: k.now().UnixMilli(), Version: 1}
	if _, err := tx.Exec(ctx, `INSERT INTO people_person (id, name, roles, password, created_ms, changed_ms, disabled_ms, version)
		VALUES ($1, $2, $3, $4, $5, $5, 0, 1)`, id, name, strings.Join(roles, " "), phc, p.Created); err != nil {
		return Person{}, fmt.Errorf("add person: %w", err)
	}
	return p, k.note(ctx, tx, actor, "person_added", "person/"+id, fmt.Sprintf("name %q, roles %s", name, strings.Join(roles, " ")))
}

// change changes a person, ends their sessions, and adds to the trail.
func (k *Keeper) change(ctx context.Context, actor, id, action string, do func(*Person) (detail string, err error), phc string) (p Person, err error) {
	err = k.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if p, err = personOf(ctx, tx, id); err != nil {
			return err
		}
		detail, err := do(&p)
		if err != nil || detail == "" {
			return err
		}
		p.Version++
		if _, err := tx.Exec(ctx, `UPDATE people_person SET name = $2, roles = $3, disabled_ms = $4, version = $5, changed_ms = $6 WHERE id = $1`,
			id, p.Name, strings.Join(p.Roles, " "), p.Disabled, p.Version, k.now().UnixMilli()); err != nil {
			return fmt.Errorf("change person: %w", err)
		}
		if phc != "" {
			if _, err := tx.Exec(ctx, `UPDATE people_person SET password = $2 WHERE id = $1`, id, phc); err != nil {
				return fmt.Errorf("change password: %w", err)
			}
		}
		if _, err := endAll(ctx, tx, id); err != nil {
			return err
		}
		return k.note(ctx, tx, actor, action, "person/"+id, detail)
	})
	return p, err
}

// SetRoles gives a person other roles, and ends their sessions. Their tokens can do less from then on
// where the roles allow less, and never more than they were made for.
func (k *Keeper) SetRoles(ctx context.Context, actor, id string, roles []string) (Person, error) {
	roles, err := checkRoles(roles)
	if err != nil {
		return Person{}, err
	}
	return k.change(ctx, actor, id, "roles_changed", func(p *Person) (string, error) {
		before := strings.Join(p.Roles, " ")
		p.Roles = roles
		if after := strings.Join(roles, " "); after != before {
			return fmt.Sprintf("from %s to %s", before, after), nil
		}
		return "", nil
	}, "")
}

// Disable takes everything from a person at once: sessions, tokens, and signing. It has
// no effect on one who is disabled.
func (k *Keeper) Disable(ctx context.Context, actor, id, reason string) (Person, error) {
	if err := checkReason(reason); err != nil {
		return Person{}, err
	}
	return k.change(ctx, actor, id, "person_disabled", func(p *Person) (string, error) {
		if p.Disabled != 0 {
			return "", nil
		}
		p.Disabled = k.now().UnixMilli()
		return reason, nil
	}, "")
}

// Enable gives a person back what Disable took.
func (k *Keeper) Enable(ctx context.Context, actor, id, reason string) (Person, error) {
	if err := checkReason(reason); err != nil {
		return Person{}, err
	}
	return k.change(ctx, actor, id, "person_enabled", func(p *Person) (string, error) {
		if p.Disabled == 0 {
			return "", nil
		}
		p.Disabled = 0
		return reason, nil
	}, "")
}

// SetPassword gives a person another password, and ends their sessions.
func (k *Keeper) SetPassword(ctx context.Context, actor, id, password string) (Person, error) {
	if err := checkPassword(id, password); err != nil {
		return Person{}, err
	}
	phc, err := k.hashing.hash(ctx, password, usual)
	if err != nil {
		return Person{}, fmt.Errorf("hash password: %w", err)
	}
	return k.change(ctx, actor, id, "password_changed", func(*Person) (string, error) { return "new password", nil }, phc)
}

func checkReason(reason string) error {
	if n := len(strings.TrimSpace(reason)); n == 0 || len(reason) > 500 {
		return fmt.Errorf("reason: %w: say why, in at most 500 bytes: it is kept in the trail", ErrInvalid)
	}
	return nil
}
