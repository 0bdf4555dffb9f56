package subscription

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"frostline/hub/store"
	"frostline/hub/trace/repository"
)

var (
	// ErrNotFound is wrapped where a query or subscription is not known.
	ErrNotFound = errors.New("not known")
	// ErrExists is wrapped where a name is taken.
	ErrExists = errors.New("exists already")
	// ErrControls is wrapped where a subscription makes no sense.
	ErrControls = errors.New("subscription")
	// ErrInvalid is wrapped where a query makes no sense.
	ErrInvalid = errors.New("query")
)

// Bounds.
const (
	MaxQueries       = 1000
	MaxSubscriptions = 200
	maxQuery         = 64 << 10 // bytes
)

// Definition is a named query.
type Definition struct {
	Name    string          `json:"name"`
	Query   json.RawMessage `json:"query"`
	Actor   string          `json:"-"`
	Created int64           `json:"-"` // Unix ms
	// Namespaces are what prefixes stand for that @context of the query does
	// not say.
	Namespaces repository.Namespaces `json:"-"`
}

// stored is a definition in its row.
type stored struct {
	Query      json.RawMessage       `json:"query"`
	Namespaces repository.Namespaces `json:"namespaces,omitempty"`
}

var nameShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$`)

// Parameters reads a query in JSON, and what prefixes it declares.
func (d *Definition) Parameters() (repository.Parameters, repository.Namespaces, error) {
	ns := repository.Namespaces{}
	for prefix, uri := range d.Namespaces {
		ns[prefix] = uri
	}
	var members map[string]json.RawMessage
	if len(d.Query) > maxQuery {
		return nil, nil, fmt.Errorf("%w of %d bytes: want at most %d", ErrInvalid, len(d.Query), maxQuery)
	}
	if err := json.Unmarshal(d.Query, &members); err != nil || members == nil {
		return nil, nil, fmt.Errorf("%w: want an object of parameters of the EPCIS query language", ErrInvalid)
	}
	p := repository.Parameters{}
	for name, raw := range members {
		if name == "@context" {
			if err := contexts(raw, ns); err != nil {
				return nil, nil, err
			}
			continue
		}
		values, err := valuesOf(raw)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
		}
		p[name] = values
	}
	return p, ns, nil
}

// contexts reads the prefixes that an @context declares. Contexts elsewhere are
// not fetched.
func contexts(raw json.RawMessage, ns repository.Namespaces) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, one := range list {
		var object map[string]any
		var link string
		if json.Unmarshal(one, &link) == nil {
			continue
		}
		if err := json.Unmarshal(one, &object); err != nil {
			return fmt.Errorf("%w: @context: want texts and objects", ErrInvalid)
		}
		for prefix, uri := range object {
			if s, ok := uri.(string); ok {
				ns[prefix] = s
			}
		}
	}
	return nil
}

// valuesOf reads the value of a parameter, or its values.
func valuesOf(raw json.RawMessage) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var all []string
	for _, one := range list {
		switch one := one.(type) {
		case string:
			all = append(all, one)
		case json.Number:
			all = append(all, one.String())
		case bool:
			all = append(all, strconv.FormatBool(one))
		case nil:
			all = append(all, "null")
		default:
			return nil, errors.New("want a text, a number, true or false, or a list of them")
		}
	}
	return all, nil
}

// Parsed is the query to run.
func (d *Definition) Parsed() (repository.Query, error) {
	p, ns, err := d.Parameters()
	if err != nil {
		return repository.Query{}, err
	}
	return repository.NewQuery(p, ns)
}

// Create keeps a query under a new name.
func (d *Desk) Create(ctx context.Context, actor string, q Definition) error {
	if !nameShape.MatchString(q.Name) {
		return fmt.Errorf("%w: name %q: want 1 to 128 of A-Z a-z 0-9 . _ ~ - and a letter or digit first", ErrInvalid, q.Name)
	}
	if _, err := q.Parsed(); err != nil {
		return err
	}
	document, err := json.Marshal(stored{q.Query, q.Namespaces})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	err = d.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM epcis_query").Scan(&n); err != nil {
			return err
		}
		if n >= MaxQueries {
			return fmt.Errorf("%w: there are %d, the most that are kept; delete one", ErrInvalid, n)
		}
		_, err := tx.Exec(ctx, "INSERT INTO epcis_query (name, actor, created_ms, document) VALUES ($1, $2, $3, $4)", q.Name, actor, d.now().UnixMilli(), string(document))
		return err
	})
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("query %q: %w", q.Name, ErrExists)
	}
	return err
}

const queryColumns = "name, actor, created_ms, document"

func scanQuery(scan func(...any) error) (q Definition, err error) {
	var document string
	if err := scan(&q.Name, &q.Actor, &q.Created, &document); err != nil {
		return q, err
	}
	var s stored
	if err := json.Unmarshal([]byte(document), &s); err != nil {
		return q, fmt.Errorf("query %q as it is stored: %w", q.Name, err)
	}
	q.Query, q.Namespaces = s.Query, s.Namespaces
	return q, nil
}

// Query gives a named query.
func (d *Desk) Query(ctx context.Context, name string) (Definition, error) {
	q, err := scanQuery(d.store.QueryRow(ctx, "SELECT "+queryColumns+" FROM epcis_query WHERE name = $1", name).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return q, fmt.Errorf("query %q: %w", name, ErrNotFound)
	}
	return q, err
}

// Queries lists named queries in order, after a name.
func (d *Desk) Queries(ctx context.Context, after string, limit int) (all []Definition, err error) {
	rows, err := d.store.Query(ctx, "SELECT "+queryColumns+" FROM epcis_query WHERE name > $1 ORDER BY name LIMIT $2", after, limit)
	if err != nil {
		return nil, fmt.Errorf("list queries: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		q, err := scanQuery(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	return all, rows.Err()
}

// Delete removes a named query and ends its subscriptions.
func (d *Desk) Delete(ctx context.Context, name string) error {
	err := d.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM epcis_query WHERE name = $1", name)
		if err == nil && n == 0 {
			err = fmt.Errorf("query %q: %w", name, ErrNotFound)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM epcis_subscription WHERE query = $1", name)
		return err
	})
	if err == nil {
		d.endOf(func(s *Subscription) bool { return s.Query == name })
	}
	return err
}
