// Package record is what commands share that keep records by events: how a
// record says when it was changed, what a caller may expect of it, and the
// kinds of errors that callers tell apart.
package record

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// Any is the expected revision that every record has.
const Any = -1

// Changed tells of the last change of a record.
type Changed struct {
	Revision int64  `json:"revision"` // version of its stream when it was last changed here
	Created  int64  `json:"created"`  // hub's clock, UTC, Unix ms
	Changed  int64  `json:"changed"`  // likewise
	By       string `json:"by"`
	Reason   string `json:"reason,omitempty"`
}

// Note takes an event that changed the record.
func (c *Changed) Note(e event.Event) {
	if c.Created == 0 {
		c.Created = e.At
	}
	c.Revision, c.Changed, c.By, c.Reason = e.Version, e.At, e.Actor, e.Reason
}

// Expect fails where a record's revision is not the one expected; 0 expects
// that there is none, and Any whatever there is.
func Expect(what fact.Ref, expected, revision int64, found bool) error {
	switch {
	case expected < 0 || found && expected == revision || !found && expected == 0:
		return nil
	case !found:
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	case expected == 0:
		return fmt.Errorf("%s: %w; change it by its revision", what, ErrExists)
	}
	return fmt.Errorf("%s: %w: its revision is %d, not %d", what, event.ErrStale, revision, expected)
}

// Catalog tells what people have entered; *catalog.Model has it. q is the store
// or a command under way.
type Catalog interface {
	// Lookup gives a record, and whether it is retired and whether there is one.
	Lookup(ctx context.Context, q store.Querier, r fact.Ref) (record fact.Record, retired, found bool, err error)
}

// Usable gives a record of the catalog that may be used for something new, as a
// field of a command names it.
func Usable(ctx context.Context, q store.Querier, c Catalog, field string, ref fact.Ref) (fact.Record, error) {
	if err := ref.Check(); err != nil {
		return nil, Invalidf("%s: %w", field, err)
	}
	r, retired, found, err := c.Lookup(ctx, q, ref)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look up %s: %w", ref, err)
	case !found:
		return nil, Invalidf("%s %q: there is no such %s; enter it first", field, ref.ID, ref.Kind)
	case retired:
		return nil, Refusedf("%s %q: is retired; use another %s", field, ref.ID, ref.Kind)
	}
	return r, nil
}

// Come fails for a time, in a field of a command, that is not to be meant, or
// that has not come: it may lie ahead of the hub's clock by skew.
func Come(field string, at int64, now time.Time, skew time.Duration) error {
	if err := fact.CheckTime(field, at); err != nil {
		return Invalid(err)
	}
	if ahead := at - now.UnixMilli(); ahead > skew.Milliseconds() {
		return Invalidf("%s %d: is %d s ahead of the hub's clock; look at the clock it was taken from", field, at, ahead/1000)
	}
	return nil
}

// Get reads a document that must be there.
func Get[T any](ctx context.Context, q store.Querier, t *event.Table[T], ref fact.Ref) (T, error) {
	if err := ref.Check(); err != nil {
		var none T
		return none, Invalidf("id: %w", err)
	}
	doc, found, err := t.Get(ctx, q, ref.ID)
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", ref, ErrNotFound)
	}
	return doc, err
}

// Docs takes the documents out of entries.
func Docs[T any](entries []event.Entry[T], err error) ([]T, error) {
	all := make([]T, len(entries))
	for i, e := range entries {
		all[i] = e.Doc
	}
	return all, err
}

// Data reads the data of an event that is of one of the types; nil of another.
func Data(e event.Event, types ...string) (any, error) {
	for _, t := range types {
		if e.Type == t {
			return fact.Decode(e.Type, e.Data)
		}
	}
	return nil, nil
}

// Change changes the document of an id, a fresh one where there is none.
func Change[T any](rows *event.Rows[T], id string, do func(*T)) error {
	doc, err := rows.Get(id)
	if err != nil {
		return err
	}
	if doc == nil {
		doc = new(T)
	}
	do(doc)
	rows.Put(id, doc)
	return nil
}
