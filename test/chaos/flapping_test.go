package chaos

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFlappingLeavesNothingBehind has a link flap as one does in an hour at the
// edge of a cell, at random instants: while the gateway connects, agrees on TLS,
// drains and says goodbye. After it, gateway and hub hold no more than before:
// no descriptor, no goroutine, no byte of the journal; and all that was taken is
// committed, once.
func TestFlappingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	cycles, backlog := 100, 15*time.Minute
	if testing.Short() {
		cycles, backlog = 30, time.Minute
	}
	c := seeded(t)
	s := build(t, c, layout{gateways: 1, forget: true})
	g := s.gateways[0]
	s.must(g.start())
	s.settle()
	fds, sockets, bytes := s.descriptors(g.machine, ""), s.descriptors(s.hub, "socket:"), s.bytes(g)
	s.must(g.stop())
	_, err := s.run("frostline-edge", "record", "--config", g.config, "--for", backlog.String(), "--simulator", filepath.Join(s.dir, g.id+".sock"))
	s.must(err)
	full := s.bytes(g)

	g.link.Shape(5*time.Millisecond, 40<<10)
	s.must(g.start())
	s.await("the gateway to answer", func() (bool, error) { _, err := g.status(t.Context()); return err == nil, err })
	for range cycles {
		switch c.below(4) {
		case 0:
			g.link.Cut()
		case 1:
			g.link.CutAfter(int64(c.below(5000)))
		case 2:
			g.link.Stall()
		case 3: // a short one that may pass unnoticed
			g.link.Stall()
			g.link.Restore()
		}
		c.wait(t, 60*time.Millisecond)
		g.link.Restore()
		s.must(g.reconnect(t.Context())) // spares the back-off, which would be most of the hour
		c.wait(t, 150*time.Millisecond)
	}
	g.link.Shape(0, 0)
	g.link.Cut()
	g.link.Restore()
	s.settle()

	s.await("the journal to have let go of what is acknowledged", func() (bool, error) {
		n := s.bytes(g)
		return n <= bytes+2*segment, fmt.Errorf("its files have %d bytes, %d before, %d with the backlog", n, bytes, full)
	})
	for _, p := range []struct {
		m      *machine
		kind   string
		before int
	}{{g.machine, "", fds}, {s.hub, "socket:", sockets}} { // of its files, the hub's database keeps some open for a while
		s.await("descriptors of "+p.m.name+" to be closed", func() (bool, error) {
			n := s.descriptors(p.m, p.kind)
			return n <= p.before+spareDescriptors, fmt.Errorf("%d are open, %d were before", n, p.before)
		})
	}
	text := s.quit(g.machine)
	goroutines := len(regexp.MustCompile(`(?m)^goroutine \d+ `).FindAllString(text, -1))
	if goroutines == 0 || goroutines > most {
		t.Errorf("%d goroutines after %d cycles: want at most %d", goroutines, cycles, most)
	}
	for _, f := range []string{"uplink.(*pipe).write(", "uplink.(*session).serve(", "paho%2emqtt%2egolang.startOutgoingComms.func1("} {
		if n := strings.Count(text, f); n > 1 {
			t.Errorf("%s runs %d times after the end of its connection", f, n)
		}
	}
	s.must(g.start())
	s.settle()
	s.retire()
	as, err := s.account()
	s.must(err)
	for _, a := range as {
		if a.Pending != 0 || a.Produced != a.Committed+a.Gaps || a.Gaps != 0 {
			t.Errorf("the account of %s, epoch %d is left with %+v", a.Gateway, a.Epoch, a)
		}
	}
	s.must(s.hub.stop())
	s.must(s.sensors.stop())
	s.lookBack(s.hubData()).audit(t)
	t.Logf("%d cycles; journal %d bytes before, %d with the backlog; %d goroutines; %d descriptors; accounts %+v",
		cycles, bytes, full, goroutines, fds, as)
}

const (
	// most goroutines that a gateway with nine sensors has: 64 were counted,
	// and there is one for each sensor, bus and helper.
	most    = 85
	segment = 64 << 10 // bytes of a journal's segment, as configured
	// spareDescriptors may be open at one moment and not at another: of a
	// connection, of a database or of a directory being synced.
	spareDescriptors = 4
)

// descriptors counts the open files of a machine whose names begin with kind.
func (s *site) descriptors(m *machine, kind string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir := fmt.Sprintf("/proc/%d/fd", m.process.Pid())
	list, err := os.ReadDir(dir)
	s.must(err)
	for _, e := range list {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		if s.must(ignoreGone(err)); err == nil && strings.HasPrefix(to, kind) {
			n++
		}
	}
	return n
}

// bytes is what the files of a gateway's journal have.
func (s *site) bytes(g *gateway) (n int64) {
	s.must(filepath.WalkDir(g.journal(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return ignoreGone(err)
	}))
	return n
}

// ignoreGone takes a file that is deleted meanwhile for none.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// quit ends a machine by SIGQUIT, and gives the stacks of its goroutines.
func (s *site) quit(m *machine) string {
	s.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	before, err := os.ReadFile(m.log)
	s.must(err)
	s.must(syscall.Kill(m.process.Pid(), syscall.SIGQUIT))
	<-m.process.Done()
	m.process = nil
	after, err := os.ReadFile(m.log)
	s.must(err)
	return string(after[len(before):])
}
