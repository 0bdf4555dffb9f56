// Package desired says what gateways are to be and do: a signed desired state
// for each, with a version, and commands.
//
// Who set or asked for what, when and why is in the event log, and so is what a
// gateway said to it. The broker only carries: a desired state is published
// retained when it is set, and again to a gateway whose State tells that it runs
// another and has not refused this one; a command is published when it is asked
// for, and again to a gateway that comes back before it expires. A gateway does
// neither twice.
//
// To what persons set, the hub adds by itself what it knows: packages with
// storage profiles of their own and the next stop; see Addition and package
// compose.
package desired

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"frostline/hub/event"
	"frostline/hub/inbox"
	"frostline/hub/store"
	"frostline/proto/chain"
	"frostline/proto/topic"
)

var (
	// ErrUnknown is wrapped where there is no such gateway or command.
	ErrUnknown = errors.New("not known")
	// ErrInvalid is wrapped when what is asked for cannot be; the text begins
	// with the field.
	ErrInvalid = errors.New("cannot be")
	// ErrChanged is wrapped when another version is set than the one expected.
	ErrChanged = errors.New("set by somebody else meanwhile")
)

// Events is the log of domain events; *event.Log is one.
type Events interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
}

// Options of a Keeper. All but Now are required.
type Options struct {
	Store  store.Querier
	Events Events
	Key    ed25519.PrivateKey // that gateways are given when they enrol
	// Publish sends to a gateway, at most once.
	Publish  func(gateway string, lane topic.Lane, payload []byte) error
	Enrolled func(gateway string) bool
	Now      func() time.Time // time.Now when nil
	Log      *slog.Logger
}

// Keeper keeps desired states and commands. It is safe for concurrent use.
type Keeper struct {
	o     Options
	keyID string

	mu     sync.Mutex
	told   *inbox.Inbox // what gateways told, and Run has not worked in
	stands map[string]Standing
	sent   map[string]sent
	// refused are documents with an addition that a gateway has refused.
	refused map[string]string
}

// sent is the last desired state sent to a gateway because of a State.
type sent struct {
	version int64
	at      time.Time
}

// Standing is what a gateway is to run, and what it runs.
type Standing struct {
	Version int64  // wanted; 0 for none
	Running int64  // told by the gateway; 0: its own file alone
	Trial   bool   // it runs, and has not proven itself yet
	Refused int64  // newest version that it refused or undid; 0 for none since
	Reason  string // why
	Digest  string // SHA-256 of the whole configuration that runs, hex
	Told    int64  // when it said so, UTC, Unix ms; 0 never
	// Stranger says that it trusts another key than this hub's: it obeys nothing
	// until it is enrolled again.
	Stranger bool
	// Keyless says that it trusts no key yet: one comes with its next renewal.
	Keyless bool
}

// New reads what is known.
func New(ctx context.Context, o Options) (*Keeper, error) {
	if o.Store == nil || o.Events == nil || len(o.Key) != ed25519.PrivateKeySize || o.Publish == nil || o.Enrolled == nil || o.Log == nil {
		return nil, errors.New("desired state: store, events, key, publish, enrolled and log are all needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keeper{
		o: o, keyID: hex.EncodeToString(chain.KeyID(o.Key.Public().(ed25519.PublicKey))),
		told: inbox.New(), stands: map[string]Standing{}, sent: map[string]sent{}, refused: map[string]string{},
	}
	if err := k.load(ctx); err != nil {
		return nil, fmt.Errorf("read desired states: %w", err)
	}
	return k, nil
}

// Standing tells of one gateway; it is zero for one of which nothing is known.
func (k *Keeper) Standing(gateway string) Standing {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stands[gateway]
}

func (k *Keeper) change(gateway string, f func(*Standing)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.stands[gateway]
	f(&s)
	k.stands[gateway] = s
}
