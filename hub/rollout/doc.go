// Package rollout has gateways run another release of their agent, wave by wave.
//
// A release is published here as it was signed elsewhere; the hub can neither
// make nor change one. A rollout divides the gateways into waves. A wave is asked
// when the waves before it have confirmed, each gateway by a block of readings
// that this hub has acknowledged under the new release; too many failures stop
// it, and those who have not begun are told to leave it.
//
//	running ──► done
//	 │  ▲ ▲
//	 │  │ └── paused    by a person: no further wave
//	 │  └──── stopped   by failures: and what has not begun is withdrawn
//	 └──────► aborted   by a person: the same, for good
//
// Who did what, when and why is in the event log, and so is what gateways made
// of it. What a gateway was told last is kept, numbered and signed as a mandate,
// and sent until the gateway says that it has heeded it; the broker only carries.
package rollout

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"frostline/hub/event"
	"frostline/hub/inbox"
	"frostline/hub/store"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

var (
	// ErrUnknown is wrapped where there is no such release or rollout.
	ErrUnknown = errors.New("not known")
	// ErrInvalid is wrapped when what is asked for cannot be; the text begins
	// with the field.
	ErrInvalid = errors.New("cannot be")
	// ErrBusy is wrapped when another rollout is under way.
	ErrBusy = errors.New("another rollout is under way")
	// ErrState is wrapped when a rollout is not in a state for what is asked.
	ErrState = errors.New("not possible now")
)

// Events is the log of domain events; *event.Log is one.
type Events interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
}

// Options of a Keeper. All but Now are required.
type Options struct {
	Store  store.Querier
	Events Events
	Dir    string             // of the programs; made with mode 0700
	Key    ed25519.PrivateKey // that gateways are given when they enrol
	// Publish sends to a gateway, at most once.
	Publish func(gateway string, lane topic.Lane, payload []byte) error
	// Enrolled lists the gateways that are enrolled and not revoked.
	Enrolled func() []string
	Now      func() time.Time // time.Now when nil
	Log      *slog.Logger
}

// Keeper keeps releases and rollouts. It is safe for concurrent use.
type Keeper struct {
	o       Options
	serving chan struct{} // a token for each piece that is given

	changing sync.Mutex // held by whoever changes a rollout

	mu      sync.Mutex
	choices map[string]choice
	told    *inbox.Inbox // what gateways told, and Run has not worked in
	last    map[string]*pb.ReleaseReport
	sent    map[string]time.Time
}

// choice is what a gateway was told last.
type choice struct {
	number  int64
	release string // "" for none
	set     int64
}

// New reads what is known.
func New(ctx context.Context, o Options) (*Keeper, error) {
	if o.Store == nil || o.Events == nil || o.Dir == "" || len(o.Key) != ed25519.PrivateKeySize || o.Publish == nil || o.Enrolled == nil || o.Log == nil {
		return nil, errors.New("rollout: store, events, directory, key, publish, enrolled and log are all needed")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory of releases: %w", err)
	}
	// What a hub that ended meanwhile was being given.
	left, err := filepath.Glob(filepath.Join(o.Dir, incoming+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("directory of releases: %w", err)
		}
	}
	k := &Keeper{
		o: o, serving: make(chan struct{}, maxServing),
		choices: map[string]choice{}, told: inbox.New(), last: map[string]*pb.ReleaseReport{}, sent: map[string]time.Time{},
	}
	rows, err := o.Store.Query(ctx, "SELECT gateway, number, release, set_ms FROM rollout_choice")
	if err != nil {
		return nil, fmt.Errorf("read what gateways were told: %w", err)
	}
	for rows.Next() {
		var gateway string
		var c choice
		if err := rows.Scan(&gateway, &c.number, &c.release, &c.set); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		k.choices[gateway] = c
	}
	return k, errors.Join(rows.Err(), rows.Close())
}
