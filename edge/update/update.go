// Package update has a gateway run another release of its agent, and go back by
// itself from one that does not work.
//
// The hub chooses a release, in a statement signed as a mandate; that the release
// may be run at all is said by a release key, which the hub does not have. The
// keys stand in the gateway's own configuration, and without one nothing is
// taken.
//
//	chosen ──► refused: forged, older, for another machine, of another journal
//	   │
//	   ▼  fetched in pieces, checked, unpacked into the slot that is free, checked
//	on trial ──► confirmed: a block with readings was acknowledged by the hub
//	   │
//	   ├──────► undone and refused: it crashed, or had a connection and yet got
//	   │        nothing acknowledged in time
//	   └──────► put off: there was no connection, here nor there; tried again
//	            when the release before it has one
//
// There are two slots, a and b, beside the program of the package, which starts
// first and always: it counts the starts of a release on trial, goes back when
// they are too many, and else becomes the program in the slot (exec). What runs,
// what is on trial and what to go back to is one small file that is only ever
// replaced whole, and it names a slot only when what lies in it is on disk: a
// power cut at any instant leaves a gateway that starts.
package update

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"frostline/edge/disk"
	"frostline/proto/chain"
	"frostline/proto/mandate"
	"frostline/proto/release"
)

var (
	// ErrOld is wrapped when a statement is not newer than one that was heeded.
	ErrOld = errors.New("not newer than what this gateway has heeded")
	// ErrKeys is wrapped where no release key is given.
	ErrKeys = errors.New("no release key is given: set update.keys in the gateway's configuration")
	// ErrRoom is wrapped where the disk has no room for a release.
	ErrRoom = errors.New("the disk has no room for it")
)

const (
	maxStarts  = 10 // of a release on trial, for whatever reason
	maxCrashes = 3  // of them in one boot, without an end in order
	maxTries   = 3  // trials that were put off for want of a connection
	maxReason  = mandate.MaxDetail
)

// Limits say how long a release may take to prove itself. The zero value of a
// field is its default.
type Limits struct {
	// Connected is for how long it may have a connection to the hub and get
	// nothing acknowledged; 10 minutes.
	Connected time.Duration
	// Alone is for how long it may have no connection; 1 hour.
	Alone time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.Connected == 0 {
		l.Connected = 10 * time.Minute
	}
	if l.Alone == 0 {
		l.Alone = time.Hour
	}
	return l
}

// whole is how long a trial may take in all, when nobody ends it.
func (l Limits) whole() time.Duration {
	l = l.withDefaults()
	return (l.Connected+l.Alone)*5/4 + 5*time.Second
}

// Options of a Keeper. All are required but Keys, Limits and Room.
type Options struct {
	Dir     string // of its own; created with mode 0700
	Gateway string
	Keys    []ed25519.PublicKey // whose releases may be run; none: none
	Version string              // of the program that runs
	Slot    string              // that it runs from; "" for the package
	OS      string              // as GOOS
	Arch    string              // as GOARCH
	Journal int                 // format of the journal that it writes
	Limits  Limits
	// Room gives the free bytes of the disk; nil for those of Dir.
	Room func() (uint64, error)
	Log  *slog.Logger
}

// Keeper keeps which release a gateway is to run. It is safe for concurrent
// use; Fetch is called by one goroutine at a time.
type Keeper struct {
	o    Options
	disk disk.Large

	mu      sync.Mutex
	state   *state // never changed, only replaced
	have    int64  // bytes of what is being fetched
	held    string // what holds the fetching up
	trouble error
	spoiled int // times that what was fetched was not what was signed
}

// Open reads what is kept. What is wrong with the files is told by Trouble: it
// keeps no gateway from running.
func Open(o Options) (*Keeper, error) { return open(o, disk.Real{}) }

func open(o Options, d disk.Large) (*Keeper, error) {
	if o.Dir == "" || o.Gateway == "" || o.Version == "" || o.OS == "" || o.Arch == "" || o.Log == nil {
		return nil, errors.New("update: directory, gateway, version, platform and log are all needed")
	}
	o.Limits = o.Limits.withDefaults()
	if o.Room == nil {
		o.Room = func() (uint64, error) { return room(filepath.Dir(o.Dir)) }
	}
	k := &Keeper{o: o, disk: d}
	s, trouble := load(d, o.Dir)
	k.state, k.trouble = s, trouble
	if trouble != nil {
		o.Log.Error("updates", "error", trouble)
	}
	if s.Wanted != nil {
		if m, err := s.Wanted.open(o.Keys); err == nil {
			if p, err := m.For(o.OS, o.Arch); err == nil {
				k.have = k.fetched(p)
			}
		}
	}
	return k, nil
}

func room(dir string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}

func (k *Keeper) path(name string) string { return filepath.Join(k.o.Dir, name) }

// save puts a state on disk and in use, or neither. k.mu is held.
func (k *Keeper) save(next *state) error {
	if err := put(k.disk, k.o.Dir, stateFile, next); err != nil {
		k.trouble = fmt.Errorf("what release is to run could not be kept: %w", err)
		return k.trouble
	}
	k.state, k.trouble = next, nil
	return nil
}

// Trouble is what is wrong with the files; nil when all is well.
func (k *Keeper) Trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trouble
}

// Offer heeds a choice of the hub: the body of a command of mandate.ReleasePrefix,
// and the key of the hub. fetch says that there is something to fetch now. An
// error says why nothing is done about it; it wraps mandate.ErrForged,
// mandate.ErrMalformed, ErrOld, ErrKeys, or one of package release, or is the
// disk's. What is known already is neither.
func (k *Keeper) Offer(payload []byte, hub ed25519.PublicKey) (fetch bool, err error) {
	r, err := mandate.OpenRelease(k.o.Gateway, payload, hub)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	next := s.clone()
	if by := hex.EncodeToString(chain.KeyID(hub)); by != s.Hub {
		next.Hub, next.Number = by, 0 // another hub counts anew
	}
	id := ""
	if len(r.Manifest) > 0 {
		id = release.ID(r.Manifest)
	}
	switch {
	case r.Number == next.Number && id == next.Asked:
		return s.Wanted != nil, nil
	case r.Number <= next.Number:
		return false, fmt.Errorf("release %d of the hub: %w, which is %d", r.Number, ErrOld, next.Number)
	}
	former := s.Wanted
	next.Number, next.Asked, next.Wanted, next.Refused, next.Tries = r.Number, id, nil, nil, 0
	if id != "" {
		c := &choice{Manifest: r.Manifest, Signature: r.Signature}
		m, refused := k.judge(c)
		switch {
		case refused != nil:
			next.Refused = &refusal{ID: id, Reason: clip(refused.Error())}
			err = refused
		case !k.runs(next, c, m):
			next.Wanted = c
		}
	}
	if failed := k.save(next); failed != nil {
		return false, failed
	}
	k.have, k.held, k.spoiled = 0, "", 0
	if former != nil && (next.Wanted == nil || former.id() != next.Wanted.id()) {
		k.forget(former)
	}
	return next.Wanted != nil, err
}

// judge says whether this gateway may run a release.
func (k *Keeper) judge(c *choice) (*release.Manifest, error) {
	if len(k.o.Keys) == 0 {
		return nil, fmt.Errorf("release %s: %w", c.id(), ErrKeys)
	}
	m, err := c.open(k.o.Keys)
	if err != nil {
		return nil, err
	}
	if _, err := m.For(k.o.OS, k.o.Arch); err != nil {
		return nil, err
	}
	if err := m.Reads(k.o.Journal); err != nil {
		return nil, err
	}
	for _, present := range []string{k.o.Version, k.state.Highest} {
		if err := m.Follows(present); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// runs says whether a release is what runs, or is on trial, already.
func (k *Keeper) runs(s *state, c *choice, m *release.Manifest) bool {
	if s.Trial != "" {
		return s.slot(s.Trial).id() == c.id()
	}
	return k.running().id() == c.id() || k.o.Slot == "" && m.Version == k.o.Version
}

// clip bounds a text that is told the hub.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= maxReason {
		return s
	}
	cut := maxReason - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
