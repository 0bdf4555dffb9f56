package update

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"frostline/edge/disk"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/release"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var (
	hub    = key('h')
	maker  = key('r') // of releases
	keys   = []ed25519.PublicKey{public(maker)}
	limits = Limits{}.withDefaults()
)

// built is a release and its packed program.
type built struct {
	m                   *release.Manifest
	manifest, signature []byte
	program, packed     []byte
}

func digest(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// self begins with what every program of this machine begins with.
var self = sync.OnceValue(func() []byte {
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	return b[:200<<10]
})

// elf is a program: this one's beginning with no sections, and a text.
func elf(text string) []byte {
	b := bytes.Clone(self()[:64])
	copy(b[40:], make([]byte, 8))   // no section headers
	copy(b[60:], make([]byte, 4))   // none of them
	copy(b[56:58], make([]byte, 2)) // nor of segments
	return append(b, text...)
}

var packing struct {
	sync.Mutex
	done map[string][]byte
}

// pack packs a program, once.
func pack(program []byte) []byte {
	packing.Lock()
	defer packing.Unlock()
	if packing.done == nil {
		packing.done = map[string][]byte{}
	}
	if b := packing.done[string(program)]; b != nil {
		return b
	}
	var b bytes.Buffer
	if err := release.Pack(&b, bytes.NewReader(program)); err != nil {
		panic(err)
	}
	packing.done[string(program)] = b.Bytes()
	return b.Bytes()
}

// make makes a release of a version; change may spoil the manifest before it is
// signed.
func build(version string, by ed25519.PrivateKey, change func(*release.Manifest)) *built {
	b := &built{program: elf("program " + version + strings.Repeat(" noise "+version, 40))}
	b.packed = pack(b.program)
	b.m = &release.Manifest{Format: 1, Name: release.Name, Version: version, Created: 5, Journal: release.Formats{Oldest: 1, Newest: 1}, Programs: []release.Program{
		{OS: runtime.GOOS, Arch: runtime.GOARCH, Size: int64(len(b.program)), SHA256: digest(b.program), Packed: release.Packed{Size: int64(len(b.packed)), SHA256: digest(b.packed)}},
	}}
	if change != nil {
		change(b.m)
	}
	var err error
	if b.manifest, b.signature, err = release.Sign(b.m, by); err != nil {
		panic(err)
	}
	return b
}

// statement is what the hub sends.
func (b *built) statement(number uint64) []byte {
	r := &pb.Release{Gateway: "van-1", Number: number, SetUtcMs: 5}
	if b != nil {
		r.Manifest, r.Signature = b.manifest, b.signature
	}
	p, err := mandate.SignRelease(r, hub)
	if err != nil {
		panic(err)
	}
	return p[len(mandate.ReleasePrefix):]
}

// shelf is a hub's; piece is how much it gives at a time.
type shelf struct {
	files map[string][]byte
	piece int
	fail  error
	given int
}

func (s *shelf) Piece(_ context.Context, sum string, from int64, into []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	f, ok := s.files[sum]
	if !ok {
		return 0, errors.New("no such program here")
	}
	if s.piece > 0 {
		into = into[:min(len(into), s.piece)]
	}
	n := copy(into, f[min(from, int64(len(f))):])
	s.given += n
	return n, nil
}

func stock(all ...*built) *shelf {
	s := &shelf{files: map[string][]byte{}}
	for _, b := range all {
		s.files[digest(b.packed)] = b.packed
	}
	return s
}

// gateway is a disk, and a program that runs from it.
type gateway struct {
	t       *testing.T
	d       disk.Large
	dir     string
	boot    string
	now     int64
	version string // of the program of the package
	room    uint64
	*Keeper
	start Start
}

func newGateway(t *testing.T, d disk.Large) *gateway {
	return &gateway{t: t, d: d, dir: "/update", boot: "boot-1", version: "v1.0.0", room: 1 << 30}
}

func (g *gateway) launch() Launch {
	return Launch{Dir: g.dir, Keys: keys, Version: g.version, BootID: g.boot, Now: g.now, Limits: limits, Log: slog.New(slog.DiscardHandler)}
}

// up starts what is to run, and gives its version: by what lies in the slot, not
// by what the state says of it.
func (g *gateway) up() string {
	g.t.Helper()
	g.start = g.launch().choose(g.d)
	version := g.version
	if g.start.Slot != "" {
		b, err := g.d.Read(g.start.Program)
		if err != nil {
			g.t.Fatalf("the program in slot %s: %v", g.start.Slot, err)
		}
		_, text, _ := bytes.Cut(b, []byte("program "))
		version, _, _ = strings.Cut(string(text), " ")
		if !bytes.Equal(b, build(version, maker, nil).program) {
			g.t.Fatalf("slot %s is started with something else than %s", g.start.Slot, version)
		}
	}
	k, err := open(Options{
		Dir: g.dir, Gateway: "van-1", Keys: keys, Version: version, Slot: g.start.Slot, OS: runtime.GOOS, Arch: runtime.GOARCH, Journal: 1,
		Room: func() (uint64, error) { return g.room, nil }, Log: slog.New(slog.DiscardHandler),
	}, g.d)
	if err != nil {
		g.t.Fatal(err)
	}
	g.Keeper = k
	return version
}

// reboot is up after a power cut or a restart of the host.
func (g *gateway) reboot() string {
	g.boot += "'"
	g.now = 0
	return g.up()
}

// fetch takes steps until there is nothing more to do or something fails.
func (g *gateway) fetch(from Source) (Step, error) {
	for {
		step, err := g.Fetch(g.t.Context(), from)
		if step != Some || err != nil {
			return step, err
		}
	}
}

// must has a release staged.
func (g *gateway) must(b *built, number uint64) {
	g.t.Helper()
	if fetch, err := g.Offer(b.statement(number), public(hub)); !fetch || err != nil {
		g.t.Fatalf("offered: %v, %v", fetch, err)
	}
	if step, err := g.fetch(stock(b)); step != Staged || err != nil {
		g.t.Fatalf("fetched: %v, %v", step, err)
	}
}

// is checks what the hub is told.
func (g *gateway) is(phase uint32, reason string) {
	g.t.Helper()
	r := g.Report()
	if r.Phase != phase || !strings.Contains(r.Reason, reason) {
		g.t.Fatalf("reports phase %d, %q; want %d, %q", r.Phase, r.Reason, phase, reason)
	}
}

func (g *gateway) runs(got, want string) {
	g.t.Helper()
	if got != want {
		g.t.Fatalf("%s runs, want %s", got, want)
	}
}
