package update

import (
	"fmt"
	"path/filepath"

	"frostline/edge/disk"
	"frostline/proto/pb"
	"frostline/proto/release"
)

// Phases of a release, as in pb.ReleaseReport.
const (
	None uint32 = iota
	Fetching
	OnTrial
	Confirmed
	Refused
)

// Phases are the words for them.
var Phases = []string{"none", "fetching", "trial", "confirmed", "refused"}

// Trial says whether the program that runs is on trial.
func (k *Keeper) Trial() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.onTrial()
}

func (k *Keeper) onTrial() bool { return k.state.Trial != "" && k.state.Trial == k.o.Slot }

// Limits are those of a trial.
func (k *Keeper) Limits() Limits { return k.o.Limits }

// Begin says of the program that runs, once: where it is not the release that it
// should be, its trial is over, and again says that another is to be started.
func (k *Keeper) Begin() (again bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.onTrial() {
		return false
	}
	if want := k.state.slot(k.state.Trial).version(); want != k.o.Version {
		return k.end(func(s *state) {
			s.undo(fmt.Sprintf("the program says that it is %s, and its release that it is %s", k.o.Version, want))
		})
	}
	return false
}

// Confirm says that the program on trial has proven itself.
func (k *Keeper) Confirm() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.onTrial() {
		return nil
	}
	next := k.state.clone()
	next.Slot, next.Trial, next.Up, next.Tries = next.Trial, "", false, 0
	next.done(next.slot(next.Slot))
	// A release that was signed to replace a newer one is what later ones are
	// compared with.
	next.Highest = next.slot(next.Slot).version()
	if err := k.save(next); err != nil {
		return err
	}
	if err := put(k.disk, k.o.Dir, goodFile, next); err != nil {
		return fmt.Errorf("keep a second copy of which release runs: %w", err)
	}
	return nil
}

// Undo ends the trial of the program that runs, for good; again says that what
// ran before is to be started.
func (k *Keeper) Undo(reason string) (again bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.end(func(s *state) { s.undo(reason) })
}

// Postpone ends the trial of the program that runs, which proved nothing. The
// release is tried again when it may prove something, but not for ever.
func (k *Keeper) Postpone(reason string) (again bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.end(func(s *state) { s.postpone(reason) })
}

// end ends a trial. What the disk does not take ends all the same: at the next
// start the time of the trial is over. k.mu is held.
func (k *Keeper) end(how func(*state)) bool {
	if !k.onTrial() {
		return false
	}
	next := k.state.clone()
	how(next)
	if err := k.save(next); err != nil {
		k.o.Log.Error("updates", "error", err)
		k.state = next
	}
	return true
}

// Ended says that the program ends in order, and was not ended by a fault.
func (k *Keeper) Ended() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.onTrial() || !k.state.Up {
		return nil
	}
	next := k.state.clone()
	next.Up = false
	return k.save(next)
}

// Report tells the hub.
func (k *Keeper) Report() *pb.ReleaseReport {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	r := &pb.ReleaseReport{Number: s.Number, Release: s.Asked, Running: k.running().id()}
	for _, key := range k.o.Keys {
		r.KeyId = append(r.KeyId, release.KeyID(key))
	}
	switch {
	case s.Refused != nil:
		r.Phase, r.Reason = Refused, s.Refused.Reason
	case s.Asked == "":
	case s.Trial != "" && s.slot(s.Trial).id() == s.Asked:
		r.Phase = OnTrial
	case s.Wanted != nil:
		r.Phase, r.Reason, r.Have = Fetching, k.held, uint64(k.have)
		if m, err := release.Parse(s.Wanted.Manifest); err == nil {
			if p, err := m.For(k.o.OS, k.o.Arch); err == nil {
				r.Size = uint64(p.Packed.Size)
			}
		}
		if s.Tries > 0 && r.Reason == "" {
			r.Reason = fmt.Sprintf("%d trials proved nothing, for want of a connection; tried again once there is one", s.Tries)
		}
	default:
		r.Phase = Confirmed
	}
	return r
}

// running is the confirmed release that runs, or that what is on trial goes back
// to; nil for the program of the package. k.mu is held.
func (k *Keeper) running() *choice {
	if k.o.Slot != k.state.Slot && !k.onTrial() {
		return nil // it could not be started
	}
	return k.state.slot(k.state.Slot)
}

// Standing is what is on disk, for doctor and people.
type Standing struct {
	Slot    string // that runs when none is on trial; "" for the package
	Version string // of it; "" for the package
	Trial   string // version on trial; "" for none
	OnTrial string // its slot
	Starts  int    // of that
	Wanted  string // version that is to be fetched or tried; "" for none
	Free    bool   // nothing is known to lie in the slot that is free
	Refused string // why what the hub asked for last is not run; "" where it is
}

// Look reads it beside a running agent. It changes nothing.
func Look(dir string) (Standing, error) {
	b, err := disk.Real{}.Read(filepath.Join(dir, stateFile))
	if err != nil {
		return Standing{}, err
	}
	s, err := parse(b)
	if err != nil {
		return Standing{}, fmt.Errorf("%s: %w", filepath.Join(dir, stateFile), err)
	}
	st := Standing{Slot: s.Slot, Version: s.slot(s.Slot).version(), Trial: s.slot(s.Trial).version(), OnTrial: s.Trial, Starts: s.Starts, Wanted: s.Wanted.version(), Free: s.slot(s.free()) == nil}
	if s.Refused != nil {
		st.Refused = s.Refused.Reason
	}
	return st, nil
}
