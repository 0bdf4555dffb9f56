package scan

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"frostline/edge/disk"
	"frostline/edge/outage"
	"frostline/proto/pb"
)

// Place is where the chain has an event: in that block, or before it.
type Place struct {
	Epoch uint32 `json:"epoch"`
	Block uint64 `json:"block"`
}

// Instant is a boottime and the boot and epoch of the chain it is of.
type Instant struct {
	Boottime int64  `json:"boottime_ms"`
	Boot     uint32 `json:"boot"`
	Epoch    uint32 `json:"epoch"`
}

// Chain is the gateway's journal.
type Chain interface {
	// Began gives epoch and boot of the chain, once it is on disk that this boot
	// has begun in this epoch. An error says why nothing can be kept.
	Began(ctx context.Context) (epoch, boot uint32, err error)
	// Tell puts an event into the chain. kept says that it is on disk, and at is
	// where; without it, and without an error, the chain holds it in memory.
	Tell(ctx context.Context, e *pb.Event) (at Place, kept bool, err error)
	// Flush returns nil when nothing is held in memory any more; at is the end.
	Flush(ctx context.Context) (at Place, err error)
	// Fate reports whether the hub has the block of a place, or it is declared
	// lost; neither while it waits.
	Fate(at Place) (committed, lost bool)
	// Recent gives the scans that are left of the chain, in order, each with
	// epoch and boot of its block.
	Recent(ctx context.Context, yield func(at Place, boot uint32, e *pb.Event)) error
}

// Surroundings are what the gateway measures at a scan.
type Surroundings interface {
	// Temperature is that of what a package is in, by its KIND/ID, nil where no
	// sensor that vouches for it has given one just now.
	Temperature(target string) *Measured
	// Position is that of the gateway, nil without a fix; why then says so in a
	// few words.
	Position() (at *Fix, why string)
}

// Config is what a Scanner is made of. All but Profile, Changed, Told and Disk
// are required.
type Config struct {
	Dir    string    // of the scanner's own state, which it makes
	Disk   disk.Disk // nil: disk.Real
	BootID string
	Now    func() int64                                     // boottime, ms
	UTC    func(at int64) (utc, uncertainty int64, ok bool) // of a boottime of this boot
	Chain  Chain
	Around Surroundings
	// Watched reports whether the gateway watches what is aboard. nil: nothing is.
	Watched func(Aboard) bool
	// Changed is called after what is aboard has changed, and before Scan
	// returns. It must not call the scanner but for Aboard. May be nil.
	Changed func()
	// Told is called after a scan is in the chain: time for a seal. It must not
	// block. May be nil.
	Told func()
	Log  *slog.Logger
}

// Scanner takes scans. Its methods are safe for concurrent use.
type Scanner struct {
	c     Config
	store store
	chain outage.Outage
	turn  chan struct{} // capacity 1: who has put into it may change records and the disk
	wake  chan struct{} // capacity 1: there is something for Run

	mu      sync.Mutex
	records []*record // in the order in which they were taken
	unsaved bool      // the file lacks something
}

// New makes a scanner and goes on where the one before it stopped. State that
// cannot be read is set aside, told in the log, and made anew from what is left
// of the chain when Run begins.
func New(c Config) (*Scanner, error) {
	switch {
	case c.Dir == "" || c.BootID == "" || c.Now == nil || c.UTC == nil:
		return nil, errors.New("scan: Dir, BootID, Now and UTC must be set")
	case c.Chain == nil || c.Around == nil || c.Log == nil:
		return nil, errors.New("scan: Chain, Around and Log must be set")
	}
	if c.Disk == nil {
		c.Disk = disk.Real{}
	}
	s := &Scanner{c: c, store: newStore(c), chain: outage.Outage{Log: c.Log, Fails: "scans do not get into the chain; they are kept and tried again", Works: "scans get into the chain again"}, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	s.records = s.store.load()
	return s, nil
}

// Recent gives the scans of late, newest first: all that the hub does not have
// yet, all by which something is aboard, and some hundred others.
func (s *Scanner) Recent() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := fold(s.records)
	out := make([]Entry, 0, len(s.records))
	for _, r := range slices.Backward(s.records) {
		out = append(out, s.entry(r, f))
	}
	return out
}

// Aboard gives what is in something by the scans of this gateway, by target and
// then by what was scanned first.
func (s *Scanner) Aboard() []Aboard {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Aboard
	f := fold(s.records)
	for _, r := range s.records {
		if f.aboard[r.Subject] == r {
			out = append(out, s.aboard(r, f.root[r]))
		}
	}
	slices.SortStableFunc(out, func(a, b Aboard) int { return strings.Compare(a.Target, b.Target) })
	return out
}

// aboard is a package that a record says to be in something. mu is held.
func (s *Scanner) aboard(r, root *record) Aboard {
	a := Aboard{Subject: r.Subject, Target: r.Target, Scan: r.ID}
	if utc, _, ok := s.utc(root); ok {
		a.UTC = &utc
	}
	return a
}

// entry is how a record stands. mu is held.
func (s *Scanner) entry(r *record, f folded) Entry {
	e := Entry{Scan: r.Scan, State: Waiting, Replaced: f.replaced[r]}
	if r.Place != nil {
		e.State = Kept
		if committed, _ := s.c.Chain.Fate(*r.Place); r.Done || committed {
			e.State = Committed
		}
	}
	if utc, uncertainty, ok := s.utc(r); ok {
		e.UTC, e.Uncertainty = &utc, uncertainty
	}
	return e
}

// utc dates a record: by the anchors of this boot, or as it was dated last.
func (s *Scanner) utc(r *record) (utc, uncertainty int64, ok bool) {
	if r.BootID == s.c.BootID {
		if utc, uncertainty, ok = s.c.UTC(r.Boottime); ok {
			return utc, uncertainty, ok
		}
	}
	if r.UTC == nil {
		return 0, 0, false
	}
	return r.UTC.At, r.UTC.Uncertainty, true
}
