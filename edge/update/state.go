package update

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"frostline/edge/disk"
	"frostline/proto/release"
)

const (
	stateFile   = "update.json"
	goodFile    = "good.json" // as it was when a release was last confirmed
	damagedFile = "update.damaged"

	format   = 1
	maxState = 256 << 10 // bytes
)

// state is a file, as disk.Encode makes it.
type state struct {
	Format int     `json:"format"`           // 1
	Hub    string  `json:"hub,omitempty"`    // whose statement that was: id of its key, hex
	Number uint64  `json:"number"`           // of the last statement that was heeded
	Asked  string  `json:"asked,omitempty"`  // id of the release that it names
	Wanted *choice `json:"wanted,omitempty"` // that release, until it is confirmed or refused

	Slot    string  `json:"slot"` // that runs when none is on trial; "" for the package
	A       *choice `json:"a,omitempty"`
	B       *choice `json:"b,omitempty"`
	Package string  `json:"package,omitempty"` // version of the package when a slot was last chosen
	Highest string  `json:"highest,omitempty"` // newest version that was confirmed here

	Trial   string `json:"trial,omitempty"` // slot on trial
	Boot    string `json:"boot,omitempty"`  // the kernel's, of its last start
	Began   int64  `json:"began,omitempty"` // boottime of its first start in that boot, ms
	Starts  int    `json:"starts,omitempty"`
	Crashes int    `json:"crashes,omitempty"`
	Up      bool   `json:"up,omitempty"`    // it was started, and has not ended in order
	Tries   int    `json:"tries,omitempty"` // trials that were put off

	Refused *refusal `json:"refused,omitempty"` // of what was asked for last
}

// choice is a release as it was signed.
type choice struct {
	Manifest  []byte `json:"manifest"`
	Signature []byte `json:"signature"`
}

type refusal struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

func (c *choice) id() string {
	if c == nil {
		return ""
	}
	return release.ID(c.Manifest)
}

func (c *choice) open(keys []ed25519.PublicKey) (*release.Manifest, error) {
	return release.Open(c.Manifest, c.Signature, keys)
}

// version is that of a release in use, "" for none.
func (c *choice) version() string {
	if c == nil {
		return ""
	}
	m, err := release.Parse(c.Manifest)
	if err != nil {
		return ""
	}
	return m.Version
}

func (s *state) clone() *state {
	c := *s
	return &c
}

func (s *state) slot(name string) *choice {
	switch name {
	case "a":
		return s.A
	case "b":
		return s.B
	}
	return nil
}

func (s *state) fill(name string, c *choice) {
	if name == "a" {
		s.A = c
	} else {
		s.B = c
	}
}

// free is the slot that may be written.
func (s *state) free() string {
	if s.Slot == "a" {
		return "b"
	}
	return "a"
}

// try puts a slot on trial.
func (s *state) try(slot, packaged string) {
	s.Trial, s.Package = slot, packaged
	s.Boot, s.Began, s.Starts, s.Crashes, s.Up = "", 0, 0, 0, false
}

// undo ends a trial, and gives the release up.
func (s *state) undo(reason string) {
	c := s.slot(s.Trial)
	s.refuse(c, "undone: "+reason)
	s.done(c)
	s.Trial, s.Up = "", false
}

// done says that nothing is to be fetched of a release any more; another may be
// wanted meanwhile.
func (s *state) done(c *choice) {
	if s.Wanted.id() == c.id() {
		s.Wanted = nil
	}
}

// postpone ends a trial that proved nothing.
func (s *state) postpone(reason string) {
	if s.Tries++; s.Tries >= maxTries {
		s.undo(fmt.Sprintf("%s, in %d trials", reason, s.Tries))
		return
	}
	s.Trial, s.Up = "", false
}

// refuse keeps why what was asked for last does not run.
func (s *state) refuse(c *choice, reason string) {
	if s.Asked == c.id() {
		s.Refused = &refusal{c.id(), clip(reason)}
	}
}

func (s *state) check() error {
	for _, name := range []string{s.Slot, s.Trial} {
		if name != "" && name != "a" && name != "b" || name != "" && s.slot(name) == nil {
			return fmt.Errorf("slot %q is not there", name)
		}
	}
	if s.Trial != "" && s.Trial == s.Slot {
		return fmt.Errorf("slot %q is on trial against itself", s.Trial)
	}
	return nil
}

func parse(b []byte) (*state, error) {
	s := &state{}
	if err := disk.Decode(b, maxState, s); err != nil {
		return nil, err
	}
	if s.Format != format {
		return nil, fmt.Errorf("its format is %d, this program knows %d", s.Format, format)
	}
	return s, s.check()
}

func put(d disk.Disk, dir, name string, s *state) error {
	b, err := disk.Encode(s)
	if err == nil {
		err = disk.Put(d, filepath.Join(dir, name), b)
	}
	return err
}

// load reads the state, or where that is damaged the last good one, and says
// what was wrong. The damaged file is left beside.
func load(d disk.Disk, dir string) (s *state, trouble error) {
	read := func(name string) (*state, error) {
		b, err := d.Read(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		return parse(b)
	}
	s, err := read(stateFile)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, fs.ErrNotExist):
		return &state{Format: format}, nil
	}
	path := filepath.Join(dir, stateFile)
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &state{Format: format}, fmt.Errorf("what release is to run is not known; that of the package runs: %w", e)
	}
	trouble = fmt.Errorf("%s is damaged (%w) and set aside as %s", path, err, damagedFile)
	if s, err = read(goodFile); err != nil {
		s = &state{Format: format}
		trouble = fmt.Errorf("%w; the program of the package runs", trouble)
	} else {
		trouble = fmt.Errorf("%w; what was confirmed last runs", trouble)
	}
	return s, errors.Join(trouble, d.Rename(path, filepath.Join(dir, damagedFile)))
}
