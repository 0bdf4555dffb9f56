package update

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/mod/semver"

	"frostline/edge/disk"
	"frostline/proto/release"
)

// Launch is what the program of the package has to know to choose what runs.
// All fields but Keys and Limits are required.
type Launch struct {
	Dir     string
	Keys    []ed25519.PublicKey
	Version string // of the package
	BootID  string // the kernel's
	Now     int64  // boottime, ms
	Limits  Limits
	Log     *slog.Logger
}

// Start is what is to run.
type Start struct {
	Slot    string // "" for the program of the package itself
	Program string // path of the program
	// Left is for how long the release may be on trial yet, in all; 0 where it
	// is not on trial.
	Left time.Duration
}

// Choose says what is to run, and counts the start where that is on trial: what
// could not be counted is not tried. It never fails: where something is wrong,
// an older program runs, and the Keeper tells why.
func (l Launch) Choose() Start { return l.choose(disk.Real{}) }

func (l Launch) choose(d disk.Large) Start {
	s, trouble := load(d, l.Dir)
	if trouble != nil {
		l.Log.Error("updates", "error", trouble)
	}
	next := s.clone()
	l.decide(next)
	if next.Trial != "" && l.sound(d, next, next.Trial) {
		if next.Boot != l.BootID {
			next.Boot, next.Began, next.Crashes = l.BootID, l.Now, 0
		}
		next.Starts++
		next.Up = true
		if err := put(d, l.Dir, stateFile, next); err != nil {
			l.Log.Error("a release on trial is not started, as that could not be counted", "error", err)
		} else {
			left := l.Limits.whole() - time.Duration(l.Now-next.Began)*time.Millisecond
			return Start{next.Trial, filepath.Join(l.Dir, next.Trial), left}
		}
		next = s.clone()
	} else if *next != *s {
		l.keep(d, next)
	}
	if next.Slot != "" {
		before := next.clone()
		if l.sound(d, next, next.Slot) {
			return Start{Slot: next.Slot, Program: filepath.Join(l.Dir, next.Slot)}
		}
		if *next != *before {
			l.keep(d, next)
		}
	}
	return Start{}
}

func (l Launch) keep(d disk.Disk, s *state) {
	if err := put(d, l.Dir, stateFile, s); err != nil {
		l.Log.Error("what release is to run could not be kept", "error", err)
	}
}

// decide ends a trial that failed, and heeds that a newer package was installed.
func (l Launch) decide(s *state) {
	if (s.Slot != "" || s.Trial != "") && s.Package != l.Version {
		// A person has installed another package. It runs unless it is older
		// than what ran: then the person will say so by removing update/.
		if present := s.slot(s.Slot).version(); semver.Compare(l.Version, present) >= 0 {
			l.Log.Info("the package that was installed takes the place of the release that ran", "package", l.Version, "release", present)
			if s.Trial != "" {
				s.undo("the package " + l.Version + " was installed meanwhile")
			}
			s.Slot, s.Package = "", l.Version
			return
		}
		s.Package = l.Version
	}
	if s.Trial == "" {
		return
	}
	if s.Up && s.Boot == l.BootID {
		s.Crashes++
	}
	reason := ""
	switch over := time.Duration(l.Now-s.Began) * time.Millisecond; {
	case s.Crashes >= maxCrashes:
		reason = fmt.Sprintf("it ended out of order %d times", s.Crashes)
	case s.Boot == l.BootID && over > l.Limits.whole():
		reason = fmt.Sprintf("it neither proved itself nor went back within %v", over.Round(time.Second))
	case s.Starts >= maxStarts:
		s.Starts = 0
		l.Log.Warn("the release on trial is put off", "starts", maxStarts)
		s.postpone(fmt.Sprintf("nothing was acknowledged through %d starts", maxStarts))
		return
	default:
		return
	}
	l.Log.Error("the release on trial is undone", "version", s.slot(s.Trial).version(), "reason", reason)
	s.undo(reason)
}

// sound says whether what lies in a slot may be run. What may not is given up.
func (l Launch) sound(d disk.Large, s *state, slot string) bool {
	err := l.examine(d, s.slot(slot), slot)
	if err == nil {
		return true
	}
	l.Log.Error("a release cannot be run, and an older program runs", "slot", slot, "error", err)
	if errors.Is(err, release.ErrForged) && !errors.Is(err, errContent) {
		return false // the keys may come back: a configuration that cannot be read has none
	}
	if s.Trial == slot {
		s.undo(err.Error())
		return false
	}
	// The same release is taken again when it is chosen again.
	s.refuse(s.slot(slot), "no longer runs: "+err.Error())
	s.Slot = ""
	s.fill(slot, nil)
	return false
}

func (l Launch) examine(d disk.Large, c *choice, slot string) error {
	m, err := c.open(l.Keys)
	if err != nil {
		return err
	}
	p, err := m.For(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return err
	}
	return verifyProgram(d, filepath.Join(l.Dir, slot), p)
}

func verifyProgram(d disk.Large, path string, p release.Program) error {
	f, err := d.Open(path)
	if err != nil {
		return fmt.Errorf("program: %w", err)
	}
	if err := errors.Join(release.Verify(io.Reader(f), p.Size, p.SHA256, "program"), f.Close()); err != nil {
		return fmt.Errorf("%w: %w", errContent, err)
	}
	return nil
}

// errContent is wrapped where what lies in a slot is not what was signed.
var errContent = errors.New("what lies in the slot is not what was put there")

// Failed notes that a program that Choose gave could not be started.
func (l Launch) Failed(slot string, err error) { l.failed(disk.Real{}, slot, err) }

func (l Launch) failed(d disk.Large, slot string, err error) {
	s, _ := load(d, l.Dir)
	next := s.clone()
	switch reason := "could not be started: " + err.Error(); slot {
	case next.Trial:
		next.undo(reason)
	case next.Slot:
		next.refuse(next.slot(slot), reason)
		next.Slot = ""
	}
	l.keep(d, next)
}
