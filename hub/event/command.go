package event

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"

	"frostline/hub/store"
)

// Bounds on the texts of an event, in bytes.
const (
	MaxID     = 128
	MaxStream = 256
	MaxActor  = 200
	MaxReason = 4096
)

var (
	typeShape = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,63}$`)
	textShape = regexp.MustCompile(`^[!-~]+$`)
)

// Command runs do in one transaction and commits what it appended. The events
// it gives are those of its Appends in order, also where one was known before
// and so had no effect. When do fails, or a read model does, nothing has
// changed. do must not use the Log, which would wait for itself; it may run
// once only, and nothing it starts may outlive it.
//
// When Command returns nil everything is synced to disk and shows in the read
// models. When the commit itself fails, Command looks whether it took place,
// and returns nil, or an error that wraps ErrNotDone, or, where it could not
// find out, store.ErrUnknown. A caller that gives its events IDs may in any
// case run the same command again.
func (l *Log) Command(ctx context.Context, actor string, do func(context.Context, Change) error) ([]Event, error) {
	if err := checkText("actor", actor, MaxActor); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.commands:
	}
	defer func() { l.commands <- struct{}{} }()
	c := &change{l: l, actor: actor}
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		c.begin(tx)
		defer c.end()
		if err := do(ctx, c); err != nil {
			return err
		}
		return c.failed
	})
	if errors.Is(err, store.ErrUnknown) && c.appended > 0 {
		err = l.findOut(ctx, c, err)
	}
	if err != nil {
		if errors.Is(err, store.ErrUnknown) {
			l.advance(0) // they look for themselves
		}
		return nil, err
	}
	// An event that was known may be one whose commit was not.
	last := int64(0)
	for _, e := range c.events {
		last = max(last, e.Position)
	}
	if c.appended > 0 || last > l.Last() {
		l.advance(last)
	}
	return c.events, nil
}

// findOut tells whether a commit of unknown outcome took place. It asks within
// a transaction that writes: the store begins one only when the earlier is
// decided.
func (l *Log) findOut(ctx context.Context, c *change, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var done bool
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		stored, found, err := byID(ctx, tx, c.newest.ID)
		done = found && stored.Position == c.newest.Position
		return err
	})
	switch {
	case err != nil:
		l.surely = false
		return cause
	case !done:
		return fmt.Errorf("%w: %v", ErrNotDone, cause)
	}
	l.log.Warn("a commit failed and was found to be done", "error", cause, "position", c.newest.Position)
	return nil
}

// change is a command's transaction.
type change struct {
	store.Querier
	l     *Log
	tx    *store.Tx
	actor string
	at    int64

	last     int64 // position; -1 until it is read
	appended int   // events that are new
	newest   Event
	events   []Event
	failed   error // what makes the transaction unfit to be committed
}

func (c *change) begin(tx *store.Tx) {
	*c = change{Querier: tx, l: c.l, tx: tx, actor: c.actor, at: c.l.nowMS(), last: -1}
}

func (c *change) end() { c.Querier, c.tx = nil, nil }

func (c *change) Tx() *store.Tx { return c.tx }

func (c *change) Append(ctx context.Context, n New) (Event, error) {
	if c.failed != nil {
		return Event{}, c.failed
	}
	e, err := c.event(n)
	if err != nil {
		return Event{}, fmt.Errorf("append %s to %s: %w", n.Type, n.Stream, err)
	}
	if n.ID != "" {
		stored, found, err := byID(ctx, c.tx, n.ID)
		if err != nil {
			return Event{}, c.fail(err)
		}
		if found {
			if err := e.repeats(&stored); err != nil {
				return Event{}, fmt.Errorf("append %s to %s: %w", n.Type, n.Stream, err)
			}
			c.events = append(c.events, stored)
			return stored, nil
		}
	}
	if err := c.place(ctx, &e, n.Expect); err != nil {
		return Event{}, err
	}
	if err := c.insert(ctx, e); err != nil {
		return Event{}, c.fail(fmt.Errorf("append %s to %s: %w", n.Type, n.Stream, err))
	}
	c.last, c.newest = e.Position, e
	c.appended++
	c.events = append(c.events, e)
	if err := c.l.apply(ctx, c.tx, []Event{e}); err != nil {
		return Event{}, c.fail(fmt.Errorf("append %s to %s: %w", n.Type, n.Stream, err))
	}
	return e, nil
}

// fail makes the whole command fail, whatever its function returns.
func (c *change) fail(err error) error {
	c.failed = err
	return err
}

// event checks n and gives what there is to be of it.
func (c *change) event(n New) (Event, error) {
	e := Event{ID: n.ID, Stream: n.Stream, Type: n.Type, Schema: n.Schema, At: c.at, Actor: c.actor, Reason: n.Reason}
	if e.Schema == 0 {
		e.Schema = 1
	}
	if e.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return e, fmt.Errorf("make id: %w", err)
		}
		e.ID = id.String()
	}
	if err := checkText("id", e.ID, MaxID); err != nil {
		return e, err
	}
	if err := checkText("stream", e.Stream, MaxStream); err != nil {
		return e, err
	}
	switch {
	case !typeShape.MatchString(e.Type):
		return e, fmt.Errorf("type %q: want CONTEXT.WHAT_HAPPENED", e.Type)
	case e.Schema < 1 || e.Schema > 1000:
		return e, fmt.Errorf("schema %d: want 1 to 1000", e.Schema)
	case n.Expect < -1:
		return e, fmt.Errorf("expect %d: want -1 for any version, or a version", n.Expect)
	case len(e.Reason) > MaxReason:
		return e, fmt.Errorf("reason: %w: %d bytes, at most %d allowed", ErrTooLarge, len(e.Reason), MaxReason)
	}
	data, err := canonicalData(n.Data)
	e.Data = []byte(data)
	return e, err
}

func checkText(field, s string, most int) error {
	switch {
	case len(s) > most:
		return fmt.Errorf("%s: %w: %d bytes, at most %d allowed", field, ErrTooLarge, len(s), most)
	case !textShape.MatchString(s):
		return fmt.Errorf("%s %q: want printable ASCII without spaces", field, s)
	}
	return nil
}

// place gives e its position and version.
func (c *change) place(ctx context.Context, e *Event, expect int64) error {
	if c.last < 0 {
		last, err := lastPosition(ctx, c.tx)
		if err != nil {
			return c.fail(err)
		}
		c.last = last
	}
	version, err := streamVersion(ctx, c.tx, e.Stream)
	if err != nil {
		return c.fail(err)
	}
	if expect >= 0 && expect != version {
		return stale(e, version, expect)
	}
	e.Position, e.Version = c.last+1, version+1
	return nil
}

const (
	columns     = "position, id, stream, version, type, schema, at_ms, actor, reason, data"
	insertEvent = "INSERT INTO event (" + columns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)

func (c *change) insert(ctx context.Context, e Event) error {
	if _, err := c.tx.Exec(ctx, insertEvent, e.Position, e.ID, e.Stream, e.Version, e.Type, e.Schema,
		e.At, e.Actor, e.Reason, string(e.Data)); err != nil {
		return fmt.Errorf("store event: %w", err)
	}
	if !c.l.outbox {
		return nil
	}
	if _, err := c.tx.Exec(ctx, "INSERT INTO event_outbox (position) VALUES ($1)", e.Position); err != nil {
		return fmt.Errorf("store in outbox: %w", err)
	}
	return nil
}
