// Package desired keeps what the hub wants of this gateway: its configuration,
// as far as that is the hub's to say, and commands.
//
// A desired state is a whole document with a version, signed by the hub (package
// mandate). It is taken when the signature is that of the hub the gateway was
// enrolled with, its version is above all that came before, and the gateway
// could run it; else it is refused whole, and nothing changes.
//
//	offered ──► refused: forged, older, or not fit to run
//	   │
//	   ▼
//	on trial ──► good: a block that tells of it was acknowledged by the hub
//	   │
//	   └──────► undone: not proven in time, or the agent did not last
//
// All of it is one file that is only ever replaced whole: written beside,
// synced, renamed over, directory synced. It holds what runs and what to go back
// to, so that a power cut at any instant leaves the one or the other. A second
// file holds the last good state, for a disk that damages the first.
package desired

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"frostline/edge/disk"
	"frostline/proto/chain"
	"frostline/proto/mandate"
	"frostline/proto/pb"
)

var (
	// ErrOld is wrapped when a desired state is not newer than one that this
	// gateway has had.
	ErrOld = errors.New("not newer than what this gateway has had")
	// ErrUnfit is wrapped when the gateway could not run a desired state.
	ErrUnfit = errors.New("refused")
	// ErrKey is wrapped while no hub is trusted.
	ErrKey = errors.New("the hub's key is not known: it comes with the next renewal of the certificate, or by enrolling again")
)

const (
	stateFile   = "desired.json"
	goodFile    = "good.json"
	damagedFile = "desired.damaged"

	maxStarts = 3 // of the agent, with a state that has not proven itself
)

// Options of a Keeper. All are required.
type Options struct {
	Dir     string // of its own; created with mode 0700
	Gateway string
	// Check says why the gateway could not run a document. It changes nothing.
	Check func(document string) error
	Log   *slog.Logger
}

// Keeper keeps the desired state. It is safe for concurrent use.
type Keeper struct {
	o    Options
	disk disk.Disk

	mu      sync.Mutex
	state   *state // never changed, only replaced
	unfit   string // why Running cannot run over the file of now; empty when it can
	trouble error
}

// Open reads what is kept. Where a state is on trial this counts as a start with
// it; one that the agent did not last with is undone. What is wrong with the
// files is told by Trouble: it keeps no gateway from running.
func Open(o Options) (*Keeper, error) { return open(o, disk.Real{}) }

func open(o Options, d disk.Disk) (*Keeper, error) {
	if o.Dir == "" || o.Gateway == "" || o.Check == nil || o.Log == nil {
		return nil, errors.New("desired state: directory, gateway, check and log are all needed")
	}
	k := &Keeper{o: o, disk: d}
	s, trouble, err := k.load()
	if s == nil {
		s, trouble = &state{Format: format}, errors.Join(trouble, err)
	}
	k.state, k.trouble = s, trouble
	if s.Trial {
		next := s.clone()
		if next.Starts++; next.Starts > maxStarts {
			next.undo(fmt.Sprintf("undone: the agent did not last through %d starts with it", maxStarts))
			o.Log.Error("desired state is undone", "version", s.Running.version(), "reason", next.Refused.Reason)
		}
		k.keep(next)
	}
	if e := k.state.Running; e != nil {
		if err := o.Check(e.desired.Document); err != nil {
			// The file has changed, or the program: the state stays, and may fit again.
			k.unfit = clip("does not fit the gateway's own file: " + err.Error())
			o.Log.Error("the desired state cannot run; the gateway's own file alone is used", "version", e.version(), "error", err)
		}
	}
	if k.trouble != nil {
		o.Log.Error("desired state", "error", k.trouble)
	}
	return k, nil
}

func (k *Keeper) path(name string) string { return filepath.Join(k.o.Dir, name) }

// keep puts a state on disk and in use. What the disk does not take is in use
// all the same, and Trouble says so.
func (k *Keeper) keep(s *state) {
	if err := k.save(s); err != nil {
		k.trouble = fmt.Errorf("the desired state is not kept: %w", err)
		k.o.Log.Error("desired state", "error", k.trouble)
	}
	k.state = s
}

func (k *Keeper) save(s *state) error {
	b, err := disk.Encode(s)
	if err == nil {
		err = disk.Put(k.disk, k.path(stateFile), b)
	}
	if err == nil {
		k.trouble = nil
	}
	return err
}

// undo goes back to the last good state.
func (s *state) undo(reason string) {
	s.Refused = &refusal{Version: s.Running.version(), Sum: sum(s.Running.desired.Document), Reason: clip(reason)}
	s.Running, s.Trial, s.Starts = s.Good, false, 0
}

// Trouble is what is wrong with the files; nil when all is well.
func (k *Keeper) Trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trouble
}

// Document is the document that is to run, with its version; "" and 0 for none.
func (k *Keeper) Document() (document string, version uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state.Running == nil || k.unfit != "" {
		return "", 0
	}
	return k.state.Running.desired.Document, k.state.Running.version()
}

// Trial says whether what runs has not proven itself yet.
func (k *Keeper) Trial() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.Trial
}

// Trust makes the key of the hub that the gateway is enrolled with the one that
// counts. Under another than before, what the former hub wanted is forgotten:
// changed says that another document is to run now. A nil key changes nothing.
func (k *Keeper) Trust(key ed25519.PublicKey) (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(key) == 0 || bytes.Equal(key, k.state.Key) {
		return false, nil
	}
	next := &state{Format: format, Key: key}
	if err := k.save(next); err != nil {
		return false, fmt.Errorf("keep the hub's key: %w", err)
	}
	changed = k.state.Running != nil && k.unfit == ""
	if k.state.Running != nil {
		k.o.Log.Warn("this gateway has another hub now; what the former one wanted is no longer used", "version", k.state.Running.version())
	}
	k.state, k.unfit = next, ""
	return changed, nil
}

// Offer takes a payload of the config lane. changed says that another document
// is to run now; it is on disk then, on trial. An error says why nothing has
// changed; it wraps mandate.ErrForged, mandate.ErrMalformed, ErrOld, ErrUnfit or
// ErrKey, or is the disk's. What is known already is neither.
func (k *Keeper) Offer(payload []byte) (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	if len(s.Key) == 0 {
		return false, fmt.Errorf("desired state: %w", ErrKey)
	}
	d, err := mandate.OpenDesired(k.o.Gateway, payload, s.Key)
	if err != nil {
		return false, err
	}
	if s.knows(d) {
		return false, nil
	}
	if d.Version <= s.Highest {
		return false, fmt.Errorf("desired state %d: %w, which is %d: set it again at the hub", d.Version, ErrOld, s.Highest)
	}
	next := s.clone()
	next.Highest = d.Version
	if err := k.o.Check(d.Document); err != nil {
		next.Refused = &refusal{Version: d.Version, Sum: sum(d.Document), Reason: clip(err.Error())}
		k.keep(next)
		return false, fmt.Errorf("desired state %d: %w: %w", d.Version, ErrUnfit, err)
	}
	if !s.Trial {
		next.Good = s.Running
	}
	next.Running, next.Trial, next.Starts, next.Refused = &entry{bytes.Clone(payload), d}, true, 0, nil
	if err := k.save(next); err != nil {
		return false, fmt.Errorf("desired state %d could not be kept and is not used: %w", d.Version, err)
	}
	k.state, k.unfit = next, ""
	return true, nil
}

// knows says that a document is what runs, or what was refused.
func (s *state) knows(d *pb.Desired) bool {
	if s.Running != nil && s.Running.version() == d.Version && s.Running.desired.Document == d.Document {
		return true
	}
	return s.Refused != nil && s.Refused.Version == d.Version && s.Refused.Sum == sum(d.Document)
}

// Confirm says that a version on trial has proven itself. Another than what runs
// is no longer of interest.
func (k *Keeper) Confirm(version uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.state.Trial || k.state.Running.version() != version {
		return nil
	}
	next := k.state.clone()
	next.Trial, next.Starts, next.Good = false, 0, next.Running
	if err := k.save(next); err != nil {
		return fmt.Errorf("keep that desired state %d is good: %w", version, err)
	}
	k.state = next
	b, err := disk.Encode(next)
	if err == nil {
		err = disk.Put(k.disk, k.path(goodFile), b)
	}
	if err != nil {
		return fmt.Errorf("keep a second copy of desired state %d: %w", version, err)
	}
	return nil
}

// Undo goes back from a version on trial to the last good state, which is to run
// now. changed is false where that version is no longer what runs.
func (k *Keeper) Undo(version uint64, reason string) (changed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.state.Trial || k.state.Running.version() != version {
		return false
	}
	next := k.state.clone()
	next.undo("undone: " + reason)
	k.keep(next)
	k.unfit = ""
	return true
}

// Report tells the hub, but for the digest of what runs.
func (k *Keeper) Report() *pb.ConfigReport {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	r := &pb.ConfigReport{Running: s.Running.version(), Trial: s.Trial}
	if len(s.Key) > 0 {
		r.KeyId = chain.KeyID(s.Key)
	}
	if s.Refused != nil {
		r.Refused, r.Reason = s.Refused.Version, s.Refused.Reason
	}
	if k.unfit != "" {
		r.Running, r.Trial, r.Refused, r.Reason = 0, false, s.Running.version(), k.unfit
	}
	return r
}

// clip bounds a text that is told the hub.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= mandate.MaxDetail {
		return s
	}
	cut := mandate.MaxDetail - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
