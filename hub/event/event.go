package event

import (
	"context"
	"encoding/json"

	"frostline/hub/store"
)

// Event is something that has happened. Events are never changed or removed.
type Event struct {
	Position int64  `json:"position"` // in the order of commits, from 1 without holes
	ID       string `json:"id"`
	Stream   string `json:"stream"`  // what it is about: fact.Ref.String, such as "package/00312345…"
	Version  int64  `json:"version"` // within the stream, from 1 without holes
	Type     string `json:"type"`    // CONTEXT.WHAT_HAPPENED, see fact
	Schema   int    `json:"schema"`  // version of the type's data, from 1
	At       int64  `json:"at"`      // hub's clock when it was recorded, UTC, Unix ms
	Actor    string `json:"actor"`   // who: "person/ID", "system/NAME", "partner/ID"
	Reason   string `json:"reason,omitempty"`
	// Data is canonical JSON (RFC 8785) of the type's Go struct.
	Data json.RawMessage `json:"data"`
}

// New is an event to be appended.
type New struct {
	ID     string // "" for a new one; one that is known already has no effect when it says the same
	Stream string
	// Expect is the version the stream must have before this event; -1 for any,
	// 0 for a stream that must not exist yet.
	Expect int64
	Type   string
	Schema int // 0 means 1
	Reason string
	Data   any // marshalled to JSON, then made canonical
}

// Change is what a command does within its transaction. It reads what was
// there and what it has appended so far.
type Change interface {
	store.Querier
	// Append adds an event. It fails with ErrStale where Expect does not hold,
	// and with ErrReused where the ID is known with other data. An event whose
	// ID is known with the same data is given back as it was stored: done once.
	Append(ctx context.Context, n New) (Event, error)
	// AppendAll is Append for many events, in order and in far fewer statements:
	// on PostgreSQL each statement takes a round trip. An error makes the whole
	// command fail, since some of them may have been added.
	AppendAll(ctx context.Context, all []New) ([]Event, error)
	// Tx is the transaction, for tables of the context's own that are no read
	// models.
	Tx() *store.Tx
}

// Model is a read model.
type Model interface {
	// Name is unique and stays the same.
	Name() string
	// Apply takes events in order, in the transaction that appends them or, in
	// batches, when it is rebuilt. It is deterministic, looks at nothing but the
	// events and what it made of earlier ones, and ignores types it does not know.
	Apply(ctx context.Context, tx *store.Tx, events []Event) error
	// Reset forgets everything.
	Reset(ctx context.Context, tx *store.Tx) error
}
