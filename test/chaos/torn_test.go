package chaos

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"frostline/edge/panel"
	"frostline/hub/intake"
)

// torn is what a power cut on bad flash leaves of a file's end.
var torn = []struct {
	name string
	do   func(c *chance, f *os.File, size int64) error
}{
	{"shortened", func(c *chance, f *os.File, size int64) error {
		return f.Truncate(max(size-int64(1+c.below(12<<10)), 8<<10))
	}},
	{"garbled", func(c *chance, f *os.File, size int64) error {
		b := make([]byte, 4096)
		for i := range b {
			b[i] = byte(c.below(256))
		}
		_, err := f.WriteAt(b, max(size/4096-1-int64(c.below(4)), 2)*4096)
		return err
	}},
	{"zeroed", func(c *chance, f *os.File, size int64) error {
		_, err := f.WriteAt(make([]byte, 4096), max(size/4096-1-int64(c.below(6)), 2)*4096)
		return err
	}},
	{"torn in a page", func(c *chance, f *os.File, size int64) error {
		at := (2 + int64(c.below(int(max(size/4096-2, 1))))) * 4096
		_, err := f.WriteAt(make([]byte, 4096-512), at+512)
		return err
	}},
	{"flipped", func(c *chance, f *os.File, size int64) error {
		b := make([]byte, 1)
		at := 8192 + int64(c.below(int(size-8192)))
		if _, err := f.ReadAt(b, at); err != nil {
			return err
		}
		b[0] ^= 1 << c.below(8)
		_, err := f.WriteAt(b, at)
		return err
	}},
}

// TestPromise1AccountedTornWrite damages the end of a killed gateway's newest
// segment, while all of it is committed, and while some is pending. The gateway
// samples again after each, the accounts add up, the hub has nothing that was
// not kept, and what it lacks is declared.
func TestPromise1AccountedTornWrite(t *testing.T) {
	t.Parallel()
	damages := 10
	if testing.Short() {
		damages = 2
	}
	c := seeded(t)
	s := build(t, c, layout{gateways: 1})
	g := s.gateways[0]
	s.startAll()
	s.settle()
	all := &kept{gateway: g.id, readings: map[place]taken{}, block: map[place]uint64{}}
	for n := range damages {
		if n%2 == 1 { // some of it is pending
			g.link.Cut()
			before := s.holding(g, func(panel.Status) bool { return true }).Journal.Readings
			s.holding(g, func(st panel.Status) bool { return st.Journal.Readings > before+60 })
		}
		c.wait(t, 300*time.Millisecond)
		s.must(g.kill())
		before := readJournal(t, g.journal(), g.id, all)
		before.cutAfter(s.certain(g.journal()))
		all.merge(before)
		s.damage(g.journal(), n)
		g.link.Restore()
		s.must(g.start())
		s.holding(g, func(st panel.Status) bool { return st.Journal.Error == "" && st.Journal.Epoch > 0 })
		s.settle()
	}
	s.await("the gateway to stop with nothing pending", func() (bool, error) {
		s.must(g.stop())
		as, err := s.account()
		if err != nil {
			return false, err
		}
		for _, a := range as {
			if a.Pending > 0 {
				s.must(g.start())
				s.catchUp(g)
				return false, fmt.Errorf("account %+v", a)
			}
		}
		return true, nil
	})
	s.must(s.hub.stop())
	all.merge(readJournal(t, g.journal(), g.id, all))

	h := s.lookBack(s.hubData())
	lines, unknown := map[uint32]intake.Audit{}, 0
	for _, a := range h.audit(t) {
		lines[a.Epoch] = a
	}
	h.holds(t, all, false)
	seen := h.evidence(t, g.id)
	for p, got := range seen {
		if want, ok := all.readings[p]; !ok || got != want {
			t.Errorf("the hub has %+v at %+v; kept was %+v, %v", got, p, want, ok)
		}
	}
	lost := map[uint32]uint64{} // readings by epoch, of blocks that the hub knows of
	for p, number := range all.block {
		if _, ok := seen[p]; ok {
			continue
		}
		// Where the end of a chain is damaged for good, nobody knows how far it
		// went. Then the chain that follows has to say so.
		a := lines[p.epoch]
		if number > a.Known && strings.Contains(a.Ended, "is not known") {
			unknown++
			continue
		}
		lost[p.epoch]++
	}
	for epoch, a := range lines {
		if lost[epoch] != a.Gaps {
			t.Errorf("epoch %d: %d readings of blocks up to %d are lost, and %d are declared lost; the epoch ended because of %q", epoch, lost[epoch], a.Known, a.Gaps, a.Ended)
		}
	}
	t.Logf("%d readings were ever kept in %d epochs, lost are %v, and %d behind an end that is not known", len(all.readings), len(lines), lost, unknown)
}

// certain gives the last block that was surely kept when a gateway was killed.
// A block whose commit was under way may be whole on the disk, and is taken in
// then; nobody was told that it was kept.
func (s *site) certain(dir string) (epoch uint32, number uint64) {
	s.Helper()
	dir = copyOf(s.TB, dir)
	newest := newestSegment(s.TB, dir)
	_, err := fmt.Sscanf(filepath.Base(newest), "%08d-%012d", &epoch, &number)
	s.must(err)
	number-- // of the first one in it
	db, err := bbolt.Open(newest, 0o600, &bbolt.Options{ReadOnly: true})
	s.must(err)
	s.must(db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte("blocks")); b != nil {
			if k, _ := b.Cursor().Last(); k != nil {
				number = binary.BigEndian.Uint64(k)
			}
		}
		return nil
	}))
	s.must(db.Close())
	return epoch, number
}

// cutAfter forgets the blocks after one of an epoch.
func (k *kept) cutAfter(epoch uint32, number uint64) {
	maps.DeleteFunc(k.block, func(p place, n uint64) bool {
		if p.epoch != epoch || n <= number {
			return false
		}
		delete(k.readings, p)
		return true
	})
}

// merge adds what another look at the journal has found.
func (k *kept) merge(o *kept) {
	maps.Copy(k.readings, o.readings)
	maps.Copy(k.block, o.block)
	k.names = o.names
}

// newestSegment is the file that the journal in a directory has written last.
func newestSegment(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(names) == 0 {
		t.Fatalf("there is no segment in %s (%v)", dir, err)
	}
	return slices.Max(names)
}

// damage does something to the newest segment in a directory.
func (s *site) damage(dir string, n int) {
	s.Helper()
	f, err := os.OpenFile(newestSegment(s.TB, dir), os.O_RDWR, 0)
	s.must(err)
	defer f.Close()
	st, err := f.Stat()
	s.must(err)
	d := torn[n%len(torn)]
	s.must(d.do(s.chance, f, st.Size()))
	s.Logf("%s is %s", filepath.Base(f.Name()), d.name)
}
