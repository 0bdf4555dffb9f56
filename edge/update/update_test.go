package update

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"frostline/edge/disk"
	"frostline/edge/disk/powercut"
	"frostline/proto/mandate"
	"frostline/proto/release"
)

// What may not run is refused with a clear word, and nothing changes.
func TestRefused(t *testing.T) {
	other := map[bool]string{true: "arm64", false: "amd64"}[runtime.GOARCH == "amd64"]
	one := build("v1.1.0", maker, nil)
	for name, x := range map[string]struct {
		b    *built
		want error
		word string
	}{
		"signed by the hub":    {build("v1.2.0", hub, nil), release.ErrForged, "not signed by a release key"},
		"another's signature":  {&built{manifest: build("v1.2.0", maker, nil).manifest, signature: one.signature}, release.ErrForged, "not signed"},
		"no signature":         {&built{manifest: one.manifest}, release.ErrForged, "not signed"},
		"older":                {build("v1.0.9", maker, nil), release.ErrDowngrade, "go back to an older version"},
		"for another machine":  {build("v1.2.0", maker, func(m *release.Manifest) { m.Programs[0].Arch = other }), release.ErrPlatform, "no program for this platform"},
		"of another journal":   {build("v1.2.0", maker, func(m *release.Manifest) { m.Journal = release.Formats{Oldest: 2, Newest: 3} }), release.ErrJournal, "does not read the present journal"},
		"of another's program": {build("v0.0.1", maker, nil), release.ErrDowngrade, "older"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, powercut.New())
			g.up()
			g.must(one, 1)
			g.runs(g.up(), "v1.1.0")
			if err := g.Confirm(); err != nil {
				t.Fatal(err)
			}
			before := g.state
			fetch, err := g.Offer(x.b.statement(2), public(hub))
			if fetch || !errors.Is(err, x.want) {
				t.Errorf("offered: %v, %v, want %v", fetch, err, x.want)
			}
			g.is(Refused, x.word)
			if step, err := g.fetch(stock(one)); step != Idle || err != nil {
				t.Errorf("fetched: %v, %v", step, err)
			}
			if g.state.Slot != before.Slot || g.state.A != before.A || g.state.B != before.B || g.state.Trial != "" {
				t.Errorf("changed: %+v", g.state)
			}
			g.runs(g.reboot(), "v1.1.0")
			g.is(Refused, x.word)
		})
	}
}

func TestStatementsOfOthersChangeNothing(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	one := build("v1.1.0", maker, nil)
	if _, err := g.Offer(one.statement(5), public(key('x'))); !errors.Is(err, mandate.ErrForged) {
		t.Errorf("of another hub: %v", err)
	}
	if fetch, err := g.Offer(one.statement(5), public(hub)); !fetch || err != nil {
		t.Errorf("offered: %v, %v", fetch, err)
	}
	if fetch, err := g.Offer(one.statement(5), public(hub)); !fetch || err != nil {
		t.Errorf("repeated: %v, %v", fetch, err)
	}
	for _, number := range []uint64{4, 5} {
		if _, err := g.Offer(build("v1.2.0", maker, nil).statement(number), public(hub)); !errors.Is(err, ErrOld) {
			t.Errorf("number %d: %v", number, err)
		}
	}
	if fetch, err := g.Offer((*built)(nil).statement(6), public(hub)); fetch || err != nil {
		t.Errorf("withdrawn: %v, %v", fetch, err)
	}
	g.is(None, "")
	g.runs(g.reboot(), "v1.0.0")
}

func TestWithoutAKeyNothingIsTaken(t *testing.T) {
	g := newGateway(t, powercut.New())
	k, err := open(Options{Dir: g.dir, Gateway: "van-1", Version: "v1.0.0", OS: runtime.GOOS, Arch: runtime.GOARCH, Journal: 1, Log: slog.New(slog.DiscardHandler)}, g.d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Offer(build("v1.1.0", maker, nil).statement(1), public(hub)); !errors.Is(err, ErrKeys) {
		t.Error(err)
	}
	if r := k.Report(); r.Phase != Refused || !strings.Contains(r.Reason, "update.keys") {
		t.Errorf("reports %v", r)
	}
}

// What a hub gives that was not signed is fetched once more, and then given up.
func TestWrongBytes(t *testing.T) {
	one := build("v1.1.0", maker, nil)
	sum := digest(one.packed)
	flipped := bytes.Clone(one.packed)
	flipped[len(flipped)/2] ^= 1
	unlike := build("v1.1.0", maker, func(m *release.Manifest) { m.Programs[0].SHA256 = digest([]byte("x")) })
	script := build("v1.1.0", maker, func(m *release.Manifest) {
		p := []byte("#!/bin/sh\n")
		m.Programs[0] = release.Program{OS: runtime.GOOS, Arch: runtime.GOARCH, Size: int64(len(p)), SHA256: digest(p), Packed: release.Packed{Size: int64(len(pack(p))), SHA256: digest(pack(p))}}
	})
	for name, x := range map[string]struct {
		b    *built
		from *shelf
		word string
	}{
		"a bit":             {one, &shelf{files: map[string][]byte{sum: flipped}}, "was signed"},
		"another program":   {unlike, stock(unlike), "was signed"},
		"no program at all": {script, &shelf{files: map[string][]byte{script.m.Programs[0].Packed.SHA256: pack([]byte("#!/bin/sh\n"))}}, "is for another machine"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, powercut.New())
			g.up()
			if fetch, err := g.Offer(x.b.statement(1), public(hub)); !fetch || err != nil {
				t.Fatal(fetch, err)
			}
			for range maxSpoiled {
				if step, err := g.fetch(x.from); step != Idle || err == nil {
					t.Fatalf("fetched: %v, %v", step, err)
				}
			}
			g.is(Refused, x.word)
			g.runs(g.reboot(), "v1.0.0")
		})
	}
	t.Run("too few", func(t *testing.T) {
		g := newGateway(t, powercut.New())
		g.up()
		if _, err := g.Offer(one.statement(1), public(hub)); err != nil {
			t.Fatal(err)
		}
		short := &shelf{files: map[string][]byte{sum: one.packed[:20]}}
		if step, err := g.fetch(short); err == nil || !strings.Contains(err.Error(), "the hub has 20 bytes") {
			t.Fatalf("fetched: %v, %v", step, err)
		}
		g.is(Fetching, "the hub has 20 bytes") // it may be given the rest
		if step, err := g.fetch(stock(one)); step != Staged || err != nil {
			t.Errorf("fetched: %v, %v", step, err)
		}
	})
}

// A link that breaks costs what was under way, and not what is here.
func TestFetchingGoesOnWhereItWas(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	one := build("v1.1.0", maker, nil)
	from := stock(one)
	from.piece = 7
	if _, err := g.Offer(one.statement(1), public(hub)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if step, err := g.Fetch(t.Context(), from); step != Some || err != nil {
			t.Fatal(step, err)
		}
		from.fail = errors.New("no route")
		if _, err := g.Fetch(t.Context(), from); err == nil {
			t.Fatal("no error")
		}
		g.is(Fetching, "no route")
		from.fail = nil
		g.runs(g.reboot(), "v1.0.0")
	}
	if r := g.Report(); r.Have != 35 || r.Size != uint64(len(one.packed)) {
		t.Errorf("reports %d of %d bytes, want 35", r.Have, r.Size)
	}
	if step, err := g.fetch(from); step != Staged || err != nil {
		t.Fatal(step, err)
	}
	if from.given != len(one.packed) {
		t.Errorf("%d bytes were fetched of %d", from.given, len(one.packed))
	}
}

func TestFullDisk(t *testing.T) {
	g := newGateway(t, powercut.New())
	g.up()
	one := build("v1.1.0", maker, nil)
	if _, err := g.Offer(one.statement(1), public(hub)); err != nil {
		t.Fatal(err)
	}
	g.room = reserve
	if step, err := g.fetch(stock(one)); step != Idle || !errors.Is(err, ErrRoom) {
		t.Fatal(step, err)
	}
	g.is(Fetching, "the disk has no room for it: 48 MiB are free")
	g.room = 1 << 30
	full := &fullDisk{Large: g.d, left: 200}
	g.Keeper.disk = full
	for full.left = range 2000 { // each byte at which it may become full
		if step, err := g.fetch(stock(one)); step != Staged && !errors.Is(err, ErrRoom) {
			t.Fatalf("%d bytes: %v, %v", full.left, step, err)
		} else if step == Staged {
			g.runs(g.reboot(), "v1.1.0")
			return
		}
		if g.state.Trial != "" || g.state.Slot != "" {
			t.Fatalf("changed: %+v", g.state)
		}
	}
	t.Error("it never fitted")
}

// fullDisk takes so many bytes at a time.
type fullDisk struct {
	disk.Large
	left int
}

func (d *fullDisk) Append(path string, at int64, b []byte, mode fs.FileMode) error {
	if len(b) > d.left {
		return &fs.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
	}
	return d.Large.Append(path, at, b, mode)
}

func (d *fullDisk) WriteSynced(path string, b []byte) error {
	if len(b) > 20*d.left {
		return &fs.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
	}
	return d.Large.WriteSynced(path, b)
}

func TestOnTheRealDisk(t *testing.T) {
	g := newGateway(t, disk.Real{})
	g.dir = filepath.Join(t.TempDir(), "update")
	g.runs(g.up(), "v1.0.0")
	g.must(build("v1.1.0", maker, nil), 1)
	g.runs(g.up(), "v1.1.0")
	if info, err := os.Stat(g.start.Program); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v, want mode 0700", info, err)
	}
	if err := g.Confirm(); err != nil {
		t.Fatal(err)
	}
	if s, err := Look(g.dir); err != nil || s.Slot != "a" || s.Version != "v1.1.0" || s.Trial != "" {
		t.Errorf("%+v, %v", s, err)
	}
	left, err := filepath.Glob(filepath.Join(g.dir, "part-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("%v stays, %v", left, err)
	}
}
