package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"

	"frostline/hub/event"
	"frostline/hub/evidence/witness"
	"frostline/hub/store"
)

// Store is what the ledger needs of the hub's store.
type Store interface {
	// Write runs do in a transaction. When it returns nil the transaction is
	// synced to disk. When it returns an error, it may have been done or not.
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	store.Querier
}

// Events gives the domain events in the order of their positions.
type Events interface {
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
	Last() int64
}

// Seals gives the verified seals of gateways. It may be nil in Options.
type Seals interface {
	// Chains tells of every chain: version rises with each change, and waiting
	// is the first block with a seal that is not verified yet, 0 for none.
	Chains(yield func(gateway string, epoch uint32, version int64, waiting uint64))
	// Seals gives the verified seals for blocks above after, ascending.
	Seals(ctx context.Context, gateway string, epoch uint32, after uint64, limit int, yield func(number uint64, body []byte) error) error
}

// Options are the parts that the ledger works with. All fields are needed
// unless they say otherwise.
type Options struct {
	Dir    string // of the log's files and key; made with mode 0700
	Origin string // of the log, such as "frostline/" and the hub's fingerprint; never changes
	Store  Store
	Events Events
	Seals  Seals // optional
	// Keys lists the seal keys of gateways; optional. It answers from memory.
	Keys func() []KeyRecord
	// Witnesses cosign checkpoints; Quorum is how many have to. A checkpoint
	// that lacks some is kept all the same, and asked for again.
	Witnesses []witness.Peer
	Quorum    int
	Client    *http.Client  // to reach witnesses; default: one with a timeout of 10 s
	Interval  time.Duration // between checkpoints at least; default 2 s
	Log       *slog.Logger
	Now       func() time.Time // default time.Now
}

// Ledger is the evidence log. Its methods may be called from any goroutine.
type Ledger struct {
	o     Options
	log   *slog.Logger
	keys  *keyset
	files client.FileFetcher
	check note.Verifier // of the log's own signature
	poke  chan struct{}

	// Owned by Run.
	add      func(ctx context.Context, data [][]byte) error // durable when it returns nil
	size     func(ctx context.Context) (uint64, error)      // of the log's tree
	ready    bool                                           // the table is known to hold all that the log has
	next     uint64                                         // entries in the table, and in the log when ready
	cursor   int64                                          // position of the last event in the log
	chains   map[string]*chainCursor
	known    map[string]bool // keys in the log
	more     bool            // the last turn left entries for the next
	unstable bool            // the last checkpoint kept lacks witnesses

	mu     sync.Mutex
	latest Checkpoint    // zero before the first
	moved  chan struct{} // closed when latest or reached has moved
	status Status
}

// Status tells how the ledger is doing.
type Status struct {
	Entries     uint64 // in the log
	Position    int64  // of the last event in it
	Checkpoint  uint64 // size of the last checkpoint kept
	Cosigned    int    // by how many witnesses
	Quorum      int    // how many are asked for
	Short       uint64 // checkpoints since the start that were kept with fewer
	Diverged    int64  // events of the log that the store no longer has
	Edited      uint64 // records of the store that are not what the log has of them
	Failing     string // why entries are not logged now; "" when they are
	FailingFrom time.Time
	Witnesses   []witness.State
}

// Open reads the keys, or makes them for a log that is empty, and checks that
// the log is not behind the checkpoints that were kept of it. Nothing is
// appended before Run.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	if o.Dir == "" || o.Origin == "" || o.Store == nil || o.Events == nil || o.Log == nil {
		return nil, errors.New("ledger: Dir, Origin, Store, Events and Log are required")
	}
	if o.Quorum < 0 || o.Quorum > len(o.Witnesses) {
		return nil, fmt.Errorf("ledger: quorum %d of %d witnesses: want 0 to %d", o.Quorum, len(o.Witnesses), len(o.Witnesses))
	}
	if o.Interval == 0 {
		o.Interval = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, "log"), 0o700); err != nil {
		return nil, fmt.Errorf("evidence log: %w", err)
	}
	l := &Ledger{
		o: o, log: o.Log, files: client.FileFetcher{Root: filepath.Join(o.Dir, "log")},
		poke: make(chan struct{}, 1), moved: make(chan struct{}), chains: map[string]*chainCursor{}, known: map[string]bool{},
	}
	var rows uint64
	if err := o.Store.QueryRow(ctx, `SELECT count(*) FROM evidence_entry`).Scan(&rows); err != nil {
		return nil, fmt.Errorf("evidence log: read entries: %w", err)
	}
	var err error
	if l.keys, err = loadKeys(filepath.Join(o.Dir, "log.key"), o.Origin, rows > 0); err != nil {
		return nil, err
	}
	if l.check, err = note.NewVerifier(l.keys.logVerify); err != nil {
		return nil, fmt.Errorf("evidence key: %w", err)
	}
	if c, ok, err := l.newest(ctx); err != nil {
		return nil, err
	} else if ok {
		l.latest, l.unstable = c, !c.Quorum
	}
	l.status.Quorum = o.Quorum
	return l, nil
}

// Key is the verifier key of the log, by which its checkpoints are checked.
func (l *Ledger) Key() string { return l.keys.logVerify }

// BundleKey is the verifier key of the manifests of bundles. It is in the log.
func (l *Ledger) BundleKey() string { return l.keys.bundleVerify }

// BundleRecord is the bundle key as the log has it.
func (l *Ledger) BundleRecord() KeyRecord {
	return KeyRecord{Use: "bundle", ID: l.keys.bundle.Name(), Public: l.keys.bundleVerify}
}

// Origin is the log's name, the first line of its checkpoints.
func (l *Ledger) Origin() string { return l.o.Origin }

// Hurry asks for what is new to be logged now.
func (l *Ledger) Hurry() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// SignManifest signs a text as a note by the bundle key. Equal texts have
// equal notes.
func (l *Ledger) SignManifest(text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, l.keys.bundle)
}

// Status tells how the ledger is doing.
func (l *Ledger) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Checkpoint, s.Cosigned = l.latest.Size, l.latest.Cosigned
	s.Witnesses = append([]witness.State(nil), s.Witnesses...)
	return s
}

// Latest is the last checkpoint kept; ok is false before the first.
func (l *Ledger) Latest() (c Checkpoint, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest, l.latest.Note != ""
}

// Reach waits until all events up to a position are under a checkpoint that is
// kept. It asks for one now.
func (l *Ledger) Reach(ctx context.Context, position int64) error {
	for {
		l.mu.Lock()
		moved, reached, failing := l.moved, l.status.Position >= position && l.latest.Size >= l.status.Entries && l.latest.Size > 0, l.status.Failing
		l.mu.Unlock()
		if reached {
			return nil
		}
		l.Hurry()
		select {
		case <-ctx.Done():
			if failing != "" {
				return fmt.Errorf("the evidence log does not take entries now: %s: %w", failing, ctx.Err())
			}
			return fmt.Errorf("wait for the evidence log to hold event %d: %w", position, ctx.Err())
		case <-moved:
		}
	}
}

// notify wakes those who wait in Reach, after change was made under the lock.
func (l *Ledger) notify(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.moved)
	l.moved = make(chan struct{})
}
