package update

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"frostline/edge/disk"
	"frostline/proto/release"
)

// Source gives packed programs.
type Source interface {
	// Piece gives up to len(into) bytes of what has a SHA-256, from an offset on,
	// and says how many; 0 where there is nothing beyond it.
	Piece(ctx context.Context, sha256 string, from int64, into []byte) (int, error)
}

const (
	// Piece is how much is fetched at a time, in bytes: half a second of 256
	// kbit/s.
	Piece = 16 << 10
	// reserve is what a release leaves free on the disk for readings, in bytes.
	reserve = 48 << 20
	chunk   = 1 << 20 // of what is unpacked, between syncs

	maxSpoiled = 2
)

// Step is what Fetch has done.
type Step int

// The steps.
const (
	Idle   Step = iota // there is nothing to fetch
	Some               // a piece was fetched, and there is more
	Staged             // a release is on trial from the next start on
)

// Fetch takes one step towards the release that is wanted: a piece, or all of it
// into a slot once it is here. While it fails it is called again, not at once.
// The error says what holds it up, and is told the hub too; once it is plain that
// the release cannot be had it is refused, and nothing has changed.
func (k *Keeper) Fetch(ctx context.Context, from Source) (Step, error) {
	k.mu.Lock()
	c, trial := k.state.Wanted, k.state.Trial
	k.mu.Unlock()
	if c == nil || trial != "" {
		return Idle, nil
	}
	step, err := k.fetch(ctx, c, from)
	k.mu.Lock()
	defer k.mu.Unlock()
	if ctx.Err() == nil {
		k.held = ""
		if err != nil {
			k.held = clip(err.Error())
		}
	}
	return step, err
}

func (k *Keeper) fetch(ctx context.Context, c *choice, from Source) (Step, error) {
	k.mu.Lock()
	m, err := k.judge(c) // again: keys and version may have changed since
	if err != nil {
		defer k.mu.Unlock()
		return Idle, errors.Join(err, k.giveUp(c, err))
	}
	free := k.state.free()
	ready := k.state.slot(free).id() == c.id()
	k.mu.Unlock()
	p, err := m.For(k.o.OS, k.o.Arch)
	if err != nil {
		return Idle, err
	}
	if ready && verifyProgram(k.disk, k.path(free), p) == nil {
		return k.stage(c, free)
	}
	have := k.fetched(p)
	k.progress(have)
	if have < p.Packed.Size {
		if err := k.fits(p, have); err != nil {
			return Idle, err
		}
		return Some, k.piece(ctx, p, have, from)
	}
	if err := k.verifyPacked(p); err != nil {
		return Idle, k.spoil(c, p, err)
	}
	if err := k.unpack(c, p, free); err != nil {
		if errors.Is(err, release.ErrForged) || errors.Is(err, release.ErrMachine) || errors.Is(err, release.ErrMalformed) {
			return Idle, k.spoil(c, p, err)
		}
		return Idle, wordOf(err)
	}
	return k.stage(c, free)
}

// wordOf says in words that a disk is full.
func wordOf(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrRoom, err)
	}
	return err
}

// partName is the file of what is being fetched.
func partName(p release.Program) string { return "part-" + p.Packed.SHA256[:16] }

// fetched is how many bytes of a packed program are here.
func (k *Keeper) fetched(p release.Program) int64 {
	info, err := k.disk.Stat(k.path(partName(p)))
	if err != nil {
		return 0
	}
	return min(info.Size(), p.Packed.Size)
}

func (k *Keeper) progress(have int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.have = have
}

// fits says whether there is room for a release beside the readings.
func (k *Keeper) fits(p release.Program, have int64) error {
	left, err := k.o.Room()
	if err != nil {
		return err
	}
	if need := uint64(p.Packed.Size-have+p.Size) + reserve; left < need {
		return fmt.Errorf("%w: %d MiB are free, and with what readings need it takes %d MiB", ErrRoom, left>>20, need>>20+1)
	}
	return nil
}

func (k *Keeper) piece(ctx context.Context, p release.Program, have int64, from Source) error {
	b := make([]byte, min(Piece, p.Packed.Size-have))
	n, err := from.Piece(ctx, p.Packed.SHA256, have, b)
	if err != nil {
		return fmt.Errorf("fetch the release: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("fetch the release: the hub has %d bytes of it, and %d were signed", have, p.Packed.Size)
	}
	if have == 0 {
		if err := k.disk.Mkdir(k.o.Dir); err != nil {
			return err
		}
	}
	if err = k.disk.Append(k.path(partName(p)), have, b[:n], 0o600); err == nil && have == 0 {
		err = k.disk.SyncDir(k.o.Dir)
	}
	if err == nil {
		k.progress(have + int64(n))
	}
	return wordOf(err)
}

func (k *Keeper) verifyPacked(p release.Program) error {
	f, err := k.disk.Open(k.path(partName(p)))
	if err != nil {
		return err
	}
	return errors.Join(release.Verify(f, p.Packed.Size, p.Packed.SHA256, "fetched release"), f.Close())
}

// spoil drops what was fetched and is not what was signed: a disk may have
// damaged it, so it is fetched once more before the release is given up.
func (k *Keeper) spoil(c *choice, p release.Program, why error) error {
	err := errors.Join(why, k.remove(partName(p)))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.have = 0
	if k.spoiled++; k.spoiled < maxSpoiled {
		return err
	}
	return errors.Join(err, k.giveUp(c, why))
}

// giveUp refuses what is wanted. k.mu is held.
func (k *Keeper) giveUp(c *choice, why error) error {
	if k.state.Wanted != c {
		return nil // another is wanted meanwhile
	}
	next := k.state.clone()
	next.Wanted = nil
	next.refuse(c, why.Error())
	return k.save(next)
}

func (k *Keeper) remove(name string) error {
	err := k.disk.Remove(k.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// forget removes what was fetched of a release that is no longer wanted. What
// cannot be removed takes room, and does no harm.
func (k *Keeper) forget(c *choice) {
	m, err := release.Parse(c.Manifest)
	if err != nil {
		return
	}
	p, err := m.For(k.o.OS, k.o.Arch)
	if err != nil {
		return
	}
	if err := k.remove(partName(p)); err != nil {
		k.o.Log.Warn("what was fetched of a release that is no longer wanted stays", "error", err)
	}
}

// unpack puts a program into the slot that is free. The state names what lies in
// the slot only before and after.
func (k *Keeper) unpack(c *choice, p release.Program, slot string) error {
	k.mu.Lock()
	next := k.state.clone()
	next.fill(slot, nil)
	err := k.save(next)
	k.mu.Unlock()
	if err != nil {
		return err
	}
	f, err := k.disk.Open(k.path(partName(p)))
	if err != nil {
		return err
	}
	w := &slotWriter{disk: k.disk, path: k.path(slot)}
	err = release.Unpack(w, f, p)
	if err == nil {
		err = w.flush()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := k.disk.SyncDir(k.o.Dir); err != nil {
		return err
	}
	// What is read back is what will be run.
	if err := verifyProgram(k.disk, w.path, p); err != nil {
		return err
	}
	if p.OS != "linux" {
		return nil
	}
	program, err := k.disk.Open(w.path)
	if err != nil {
		return err
	}
	return errors.Join(release.CheckMachine(program, p.Arch), program.Close())
}

// slotWriter writes a program chunk by chunk, each synced.
type slotWriter struct {
	disk disk.Large
	path string
	at   int64
	b    []byte
}

func (w *slotWriter) Write(b []byte) (int, error) {
	w.b = append(w.b, b...)
	if len(w.b) < chunk {
		return len(b), nil
	}
	return len(b), w.flush()
}

func (w *slotWriter) flush() error {
	if len(w.b) == 0 {
		return nil
	}
	err := w.disk.Append(w.path, w.at, w.b, 0o700)
	w.at, w.b = w.at+int64(len(w.b)), w.b[:0]
	return err
}

// stage puts a release on trial from the next start on.
func (k *Keeper) stage(c *choice, slot string) (Step, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state.Wanted != c || k.state.Trial != "" {
		return Idle, nil // another is wanted meanwhile
	}
	next := k.state.clone()
	next.fill(slot, c)
	packaged := next.Package
	if k.o.Slot == "" {
		packaged = k.o.Version
	}
	next.try(slot, packaged)
	if err := k.save(next); err != nil {
		return Idle, wordOf(err)
	}
	k.forget(c)
	return Staged, nil
}
