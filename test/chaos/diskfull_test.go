package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"frostline/edge/panel"
)

// TestPromise1AccountedDiskFull fills the disk of a gateway while it runs, and
// frees it again: once without more, once with a kill while it is full, once
// with the link cut meanwhile.
func TestPromise1AccountedDiskFull(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short")
	}
	c := seeded(t)
	disk := filepath.Join(folder(t), "disk")
	s := build(t, c, layout{gateways: 1, dirs: func(of string) string {
		if of == "hub" {
			return filepath.Join(filepath.Dir(disk), of)
		}
		mountMemory(t, disk, "4m")
		return filepath.Join(disk, "data")
	}})
	g := s.gateways[0]
	s.startAll()
	s.settle()
	for _, also := range []string{"nothing", "kill", "cut"} {
		before := s.holding(g, func(panel.Status) bool { return true })
		fill := filepath.Join(disk, "fill")
		if also == "cut" {
			g.link.Cut()
		}
		full := s.holding(g, func(st panel.Status) bool {
			s.fill(fill) // also what the journal has had in reserve
			return st.Journal.MemoryReadings > 60 && st.Journal.Error != ""
		})
		if also == "kill" {
			// What was in memory was never kept. It begins again on a full disk.
			s.must(g.kill())
			s.must(g.start())
			s.holding(g, func(st panel.Status) bool { return st.Journal.MemoryReadings > 20 })
			before, full = panel.Status{}, panel.Status{}
		}
		s.must(os.Remove(fill))
		s.holding(g, func(st panel.Status) bool {
			return st.Journal.MemoryReadings == 0 && st.Journal.Error == "" &&
				st.Journal.Readings >= before.Journal.Readings+full.Journal.MemoryReadings && st.Journal.Readings > 0
		})
		g.link.Restore()
		s.settle()
	}
	s.finish()
	k := readJournal(t, g.journal(), g.id)
	if len(k.epochs) != 1 || len(k.lost[1]) > 0 {
		t.Errorf("a full disk has cost epochs or blocks: %+v", k.epochs)
	}
	said := false
	for _, e := range k.events {
		said = said || e.GetFault() != nil
	}
	if !said {
		t.Error("the chain does not say that the disk was full")
	}
}

// holding waits until the gateway's status is as wanted.
func (s *site) holding(g *gateway, as func(panel.Status) bool) (st panel.Status) {
	s.Helper()
	s.await("the journal to be as wanted", func() (bool, error) {
		var err error
		if st, err = g.status(s.Context()); err != nil {
			return false, err
		}
		return as(st), fmt.Errorf("journal %+v", st.Journal)
	})
	return st
}

// fill makes a file take all the space there is left.
func (s *site) fill(path string) {
	s.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	s.must(err)
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			if !errors.Is(err, unix.ENOSPC) {
				s.Fatal(err)
			}
			size /= 2
		}
	}
	s.must(f.Close())
}
