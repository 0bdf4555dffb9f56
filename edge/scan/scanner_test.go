package scan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"frostline/edge/disk"
	"frostline/edge/disk/powercut"
	"frostline/proto/pb"
)

// gateway is what a Scanner is made of, in a test.
type gateway struct {
	mu      sync.Mutex
	disk    disk.Disk
	now     int64
	boot    uint32
	utc     bool // there is an anchor
	chain   []*pb.Event
	boots   []uint32 // of the blocks
	held    []*pb.Event
	full    bool // the journal holds in memory
	broken  bool // and does not take anything
	off     bool // the power is gone
	acked   uint64
	lost    map[uint64]bool
	changed int
	aboard  []Aboard
}

func (g *gateway) Began(context.Context) (uint32, uint32, error) {
	if g.broken || g.off {
		return 0, 0, errors.New("the journal takes nothing")
	}
	return 1, g.boot, nil
}

func (g *gateway) Tell(_ context.Context, e *pb.Event) (Place, bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken || g.off {
		return Place{}, false, errors.New("the journal takes nothing")
	}
	e = proto.CloneOf(e)
	if g.full {
		g.held = append(g.held, e)
		return Place{}, false, nil
	}
	g.chain, g.boots = append(g.chain, e), append(g.boots, g.boot)
	return Place{1, uint64(len(g.chain))}, true, nil
}

func (g *gateway) Flush(context.Context) (Place, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.full || g.broken || g.off {
		return Place{}, errors.New("the disk is full")
	}
	for _, e := range g.held {
		g.chain, g.boots = append(g.chain, e), append(g.boots, g.boot)
	}
	g.held = nil
	return Place{1, uint64(len(g.chain))}, nil
}

func (g *gateway) Fate(at Place) (committed, lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return at.Block <= g.acked, g.lost[at.Block]
}

func (g *gateway) Recent(_ context.Context, yield func(Place, uint32, *pb.Event)) error {
	for i, e := range g.chain {
		yield(Place{1, uint64(i + 1)}, g.boots[i], e)
	}
	return nil
}

func (g *gateway) Temperature(target string) *Measured {
	if target != "compartment/van-1-a" {
		return nil
	}
	return &Measured{Value: 4125, Sensor: "box", Boottime: g.now - 500}
}

func (g *gateway) Position() (*Fix, string) { return nil, "no receiver" }

// started gives a scanner after a start of the gateway's host.
func (g *gateway) started(t testing.TB) *Scanner {
	t.Helper()
	if g.disk == nil {
		g.disk = powercut.New()
	}
	g.boot++
	g.now = 1000
	var s *Scanner
	s, err := New(Config{
		Dir: "/data/scan", Disk: g.disk, BootID: fmt.Sprint("boot-", g.boot), Now: func() int64 { g.now += 10; return g.now },
		UTC:   func(at int64) (int64, int64, bool) { return 1_800_000_000_000 + at, 50, g.utc },
		Chain: g, Around: g, Watched: func(a Aboard) bool { return a.Target == "compartment/van-1-a" },
		Changed: func() { g.changed++; g.aboard = s.Aboard() }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (g *gateway) must(t testing.TB, s *Scanner, q Request) Result {
	t.Helper()
	r, err := s.Scan(context.Background(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return r
}

func refusedAs(t *testing.T, s *Scanner, q Request, code string) {
	t.Helper()
	before := len(s.Recent())
	_, err := s.Scan(context.Background(), q)
	if p, ok := errors.AsType[*Problem](err); !ok || p.Code != code || p.Why == "" {
		t.Errorf("%+v: %v; want the problem %s", q, err, code)
	}
	if len(s.Recent()) != before {
		t.Errorf("%+v: was kept though it was refused", q)
	}
}

// names gives what is aboard, in words.
func names(all []Aboard) (out []string) {
	for _, a := range all {
		out = append(out, a.Subject.Value+" in "+a.Target)
	}
	return out
}

func TestAttachAndDetach(t *testing.T) {
	g := &gateway{}
	s := g.started(t)
	r := g.must(t, s, Request{Code: "BOX-1\r\n", Action: Attach, Target: "van-1-a", By: "tok-8842-xk41"})
	if r.State != Kept || r.Subject != (Subject{Label, "BOX-1"}) || r.Target != "compartment/van-1-a" || !r.Watched || r.Temperature.Value != 4125 ||
		r.NoPosition != "no receiver" || r.Boottime != 1010 || r.UTC != nil || g.changed != 1 || len(g.aboard) != 1 {
		t.Fatalf("%+v, aboard %v", r, g.aboard)
	}
	m := g.chain[0].GetScan()
	if string(m.Raw) != "BOX-1\r\n" || m.Id != r.ID || m.TickMs != 1010 || m.Boot != 0 || m.Temperature.Value != 4125 || m.Position != nil || m.By != "tok-8842-xk41" {
		t.Fatalf("the chain has %v", m)
	}
	g.must(t, s, Request{Code: "BOX-2", Action: Attach, Target: "zone/dock"})
	g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "compartment/van-1-b"})
	if got := names(s.Aboard()); !slices.Equal(got, []string{"BOX-1 in compartment/van-1-b", "BOX-2 in zone/dock"}) {
		t.Fatalf("aboard %v", got)
	}
	if r := g.must(t, s, Request{Code: "BOX-1", Action: Detach}); r.Watched {
		t.Error("what was taken out is watched")
	}
	if got := names(s.Aboard()); !slices.Equal(got, []string{"BOX-2 in zone/dock"}) {
		t.Fatalf("aboard %v", got)
	}
}

func TestHandOver(t *testing.T) {
	g := &gateway{}
	s := g.started(t)
	g.must(t, s, Request{Code: "BOX-1", Action: HandOver, From: "pharmacy-1", To: "courier-7", Role: "courier", Seal: "intact", Target: "van-1-a"})
	if len(s.Aboard()) != 1 {
		t.Fatal("it is not aboard")
	}
	r := g.must(t, s, Request{Code: "BOX-1", Action: HandOver, From: "courier-7", To: "clinic-3", Role: "clinic"})
	if len(s.Aboard()) != 1 || r.Temperature == nil || r.Seal != "not_checked" {
		t.Fatalf("%+v", r)
	}
	g.must(t, s, Request{Code: "BOX-1", Action: HandOver, From: "courier-7", To: "tok-8842-xk41", Role: "patient", Leaves: true})
	if len(s.Aboard()) != 0 || !g.chain[2].GetScan().Leaves {
		t.Fatal("it is still aboard")
	}
}

func TestSentTwice(t *testing.T) {
	g := &gateway{}
	s := g.started(t)
	q := Request{ID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", Code: "BOX-1", Action: Attach, Target: "van-1-a"}
	first := g.must(t, s, q)
	if again := g.must(t, s, q); !again.Repeated || again.Boottime != first.Boottime || len(g.chain) != 1 {
		t.Fatalf("%+v, chain of %d", again, len(g.chain))
	}
	q.Target = "van-1-b"
	refusedAs(t, s, q, ReusedID)
	s = g.started(t)
	q.Target = "van-1-a"
	if again := g.must(t, s, q); !again.Repeated || again.Boottime != first.Boottime || len(g.chain) != 1 {
		t.Fatalf("after a restart: %+v, chain of %d", again, len(g.chain))
	}
}

func TestRefused(t *testing.T) {
	g := &gateway{}
	s := g.started(t)
	done := g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-a"})
	for _, c := range []struct {
		code string
		q    Request
	}{
		{CodeEmpty, Request{Code: " ", Action: Attach, Target: "a"}},
		{CodeCheckDigit, Request{Code: "(00)095060001343520018", Action: Attach, Target: "a"}},
		{CodeUnit, Request{Code: "(01)09506000134352(21)A", Action: Attach, Target: "van-1-a"}},
		{CodeUnit, Request{Code: "(01)09506000134352(21)A", Action: HandOver, To: "c", Role: "courier"}},
		{BadAction, Request{Code: "BOX-1"}},
		{BadAction, Request{Code: "BOX-1", Action: 9}},
		{BadAction, Request{Code: "BOX-1", Action: Attach, Target: "a", To: "courier-7"}},
		{BadAction, Request{Code: "BOX-1", Action: Detach, Leaves: true}},
		{BadTarget, Request{Code: "BOX-1", Action: Attach}},
		{BadTarget, Request{Code: "BOX-1", Action: Attach, Target: "moon/a"}},
		{BadTarget, Request{Code: "BOX-1", Action: Attach, Target: "compartment/a b"}},
		{BadTarget, Request{Code: "BOX-1", Action: Detach, Target: "van-1-a"}},
		{BadTarget, Request{Code: "BOX-1", Action: HandOver, To: "c", Role: "courier", Target: "a", Leaves: true}},
		{BadRole, Request{Code: "BOX-1", Action: HandOver, To: "c"}},
		{BadParty, Request{Code: "BOX-1", Action: HandOver, Role: "courier"}},
		{BadParty, Request{Code: "BOX-1", Action: HandOver, To: "c", From: "a b", Role: "courier"}},
		{BadPatient, Request{Code: "BOX-1", Action: HandOver, To: "Maria Gomez", Role: "patient"}},
		{BadPatient, Request{Code: "BOX-1", Action: HandOver, To: "mariagomez", Role: "patient"}},
		{BadSeal, Request{Code: "BOX-1", Action: Detach, Seal: "torn"}},
		{BadToken, Request{Code: "BOX-1", Action: Detach, By: "m.gomez@example.org"}},
		{BadID, Request{ID: "x", Code: "BOX-1", Action: Detach}},
		{BadCorrection, Request{Code: "BOX-1", Action: Detach, Corrects: "nosuchscan"}},
		{BadCorrection, Request{Code: "BOX-2", Action: Attach, Target: "a", Corrects: done.ID}},
		{BadCorrection, Request{Code: "BOX-1", Action: Detach, Corrects: done.ID}},
		{BadCorrection, Request{Code: "BOX-1", Action: Detach, Withdrawn: true}},
	} {
		refusedAs(t, s, c.q, c.code)
	}
	if len(g.chain) != 1 || g.changed != 1 {
		t.Errorf("the chain has %d events, what is aboard changed %d times", len(g.chain), g.changed)
	}
	r := g.must(t, s, Request{Code: "(01)09506000134352(21)A", Action: Attach, Target: "package/BOX-1"})
	if r.Subject != (Subject{Unit, "09506000134352.A"}) {
		t.Errorf("%+v", r)
	}
}

func TestCorrections(t *testing.T) {
	g := &gateway{}
	s := g.started(t)
	first := g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-a"})
	later := g.must(t, s, Request{Code: "BOX-2", Action: Attach, Target: "van-1-a"})
	second := g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-b", Corrects: first.ID})
	third := g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-c", Corrects: second.ID})
	m := g.chain[3].GetScan()
	if third.Corrects != first.ID || m.Corrects != first.ID || m.Since.AtMs != first.Boottime || m.Since.Boot != 1 || m.Temperature.Value != 4125 {
		t.Fatalf("%+v, the chain has %v", third, m)
	}
	if got := names(s.Aboard()); !slices.Equal(got, []string{"BOX-2 in compartment/van-1-a", "BOX-1 in compartment/van-1-c"}) {
		t.Fatalf("aboard %v", got)
	}
	gone := g.must(t, s, Request{Corrects: later.ID, Withdrawn: true})
	if gone.Subject.Value != "BOX-2" || len(s.Aboard()) != 1 {
		t.Fatalf("%+v, aboard %v", gone, s.Aboard())
	}
	replaced := 0
	for _, e := range s.Recent() {
		if e.Replaced {
			replaced++
		}
	}
	if replaced != 3 {
		t.Errorf("%d are replaced, want 3", replaced)
	}
	// Corrected in another boot, it is of the first all the same.
	s = g.started(t)
	g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-d", Corrects: third.ID})
	if i := g.chain[5].GetScan().Since; i.Boot != 1 || i.Epoch != 1 || i.AtMs != first.Boottime {
		t.Errorf("since %v", i)
	}
}

func TestWhatTheChainDoesNotTakeIsToldLater(t *testing.T) {
	g := &gateway{full: true}
	s := g.started(t)
	r := g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-a"})
	if r.State != Waiting {
		t.Fatalf("%+v", r)
	}
	s.advance(context.Background())
	if len(g.held) != 1 || s.Recent()[0].State != Waiting {
		t.Fatalf("held %d, %+v", len(g.held), s.Recent())
	}
	// The host restarts: what the journal held is gone.
	g.held, g.full = nil, false
	s = g.started(t)
	if got := names(s.Aboard()); len(got) != 1 {
		t.Fatalf("aboard %v", got)
	}
	s.advance(context.Background())
	if m := g.chain[0].GetScan(); len(g.chain) != 1 || m.Id != r.ID || m.TickMs != r.Boottime || m.Boot != 1 || m.Epoch != 1 || s.Recent()[0].State != Kept {
		t.Fatalf("the chain has %v, %+v", g.chain, s.Recent())
	}
	// It holds once more, and keeps.
	g.full = true
	g.must(t, s, Request{Code: "BOX-2", Action: Attach, Target: "van-1-a"})
	g.full = false
	s.advance(context.Background())
	g.acked = 1
	s.advance(context.Background())
	if e := s.Recent(); len(g.chain) != 2 || e[0].State != Kept || e[1].State != Committed {
		t.Fatalf("chain of %d, %+v", len(g.chain), e)
	}
	// The block is given up: the scan is told again.
	g.lost = map[uint64]bool{2: true}
	s.advance(context.Background())
	if len(g.chain) != 3 || g.chain[2].GetScan().Id != g.chain[1].GetScan().Id {
		t.Fatalf("chain of %d", len(g.chain))
	}
}

func TestNothingTakesIt(t *testing.T) {
	g := &gateway{broken: true}
	s := g.started(t)
	refusedAs(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-a"}, NotKept)
	g.broken = false
	g.disk.(*powercut.Disk).After(0)
	r := g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-a"}) // the chain has it
	if r.State != Kept {
		t.Fatalf("%+v", r)
	}
	g.full = true
	refusedAs(t, s, Request{Code: "BOX-2", Action: Attach, Target: "van-1-a"}, NotKept)
	g.full = false
	g.disk.(*powercut.Disk).After(-1)
	s.advance(context.Background())
	if got := names(g.started(t).Aboard()); len(got) != 1 {
		t.Fatalf("aboard %v", got)
	}
}

func TestDatedAsItBecomesKnown(t *testing.T) {
	g := &gateway{}
	s := g.started(t)
	g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-a"})
	if e := s.Recent()[0]; e.UTC != nil {
		t.Fatalf("%+v", e)
	}
	g.utc = true
	s.advance(context.Background())
	if e := s.Recent()[0]; e.UTC == nil || *e.UTC != 1_800_000_001_010 || e.Uncertainty != 50 {
		t.Fatalf("%+v", e)
	}
	g.utc = false
	s = g.started(t)
	if e := s.Recent()[0]; e.UTC == nil || *e.UTC != 1_800_000_001_010 {
		t.Fatalf("after a restart %+v", e)
	}
	if a := s.Aboard(); *a[0].UTC != 1_800_000_001_010 {
		t.Fatalf("%+v", a)
	}
}

func TestDamagedFileIsMadeAnewFromTheChain(t *testing.T) {
	g := &gateway{disk: disk.Real{}}
	dir := t.TempDir()
	g.disk = under{disk.Real{}, dir}
	s := g.started(t)
	first := g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-a"})
	g.must(t, s, Request{Code: "BOX-1", Action: Attach, Target: "van-1-b", Corrects: first.ID})
	b, err := g.disk.Read("/data/scan/" + stateFile)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := g.disk.WriteSynced("/data/scan/"+stateFile, b); err != nil {
		t.Fatal(err)
	}
	s = g.started(t)
	if len(s.Recent()) != 0 {
		t.Fatal("damage is believed")
	}
	third := g.must(t, s, Request{Code: "BOX-3", Action: Attach, Target: "van-1-a"})
	s.recover(context.Background())
	if got := names(s.Aboard()); !slices.Equal(got, []string{"BOX-3 in compartment/van-1-a", "BOX-1 in compartment/van-1-b"}) {
		t.Fatalf("aboard %v", got)
	}
	s.advance(context.Background())
	if len(g.chain) != 3 || g.chain[2].GetScan().Id != third.ID {
		t.Fatalf("the chain has %d events", len(g.chain))
	}
}

// under puts a disk's files below a directory.
type under struct {
	disk.Disk
	dir string
}

func (u under) Mkdir(dir string) error                  { return u.Disk.Mkdir(u.dir + dir) }
func (u under) Read(path string) ([]byte, error)        { return u.Disk.Read(u.dir + path) }
func (u under) Stat(path string) (fs.FileInfo, error)   { return u.Disk.Stat(u.dir + path) }
func (u under) WriteSynced(path string, b []byte) error { return u.Disk.WriteSynced(u.dir+path, b) }
func (u under) Rename(from, to string) error            { return u.Disk.Rename(u.dir+from, u.dir+to) }
func (u under) Remove(path string) error                { return u.Disk.Remove(u.dir + path) }
func (u under) SyncDir(dir string) error                { return u.Disk.SyncDir(u.dir + dir) }

func TestOldScansAreForgotten(t *testing.T) {
	g := &gateway{}
	s := g.started(t)
	kept := g.must(t, s, Request{Code: "BOX-0", Action: Attach, Target: "van-1-a"})
	fixed := g.must(t, s, Request{Code: "BOX-0", Action: Attach, Target: "van-1-b", Corrects: kept.ID})
	for i := range recent + 100 {
		g.must(t, s, Request{Code: fmt.Sprint("BOX-", 1+i), Action: Detach})
	}
	s.advance(context.Background())
	if n := len(s.Recent()); n != recent+102 {
		t.Fatalf("%d are kept though the hub has none", n)
	}
	g.acked = 1 << 20
	s.advance(context.Background())
	all := s.Recent()
	if got := names(s.Aboard()); len(all) != recent+2 || len(got) != 1 || !strings.HasSuffix(got[0], "van-1-b") || s.find(fixed.ID) == nil {
		t.Fatalf("%d are kept, aboard %v", len(all), got)
	}
	// The hub does not come back for long: at some point no more are taken.
	g.acked = 0
	for i := range s.records {
		s.records[i].Done = false
	}
	for i := len(s.records); i < maxScans-1; i++ {
		s.records = append(s.records, &record{Scan: Scan{Request: Request{ID: fmt.Sprint("waits-", i), Action: Detach}}})
	}
	g.must(t, s, Request{Code: "BOX-X", Action: Detach})
	_, err := s.Scan(context.Background(), Request{Code: "BOX-Y", Action: Detach})
	if p, ok := errors.AsType[*Problem](err); !ok || p.Code != NotKept || len(s.records) != maxScans {
		t.Fatalf("after %d: %v", len(s.records), err)
	}
}
