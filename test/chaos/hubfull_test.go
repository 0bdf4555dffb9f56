package chaos

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"frostline/hub/api"
	eventlog "frostline/hub/event"
)

// TestPromise2HubDiskFull fills the disk of a hub that works, and frees it
// again: once as it is, and once with a kill while it is full. Meanwhile it
// answers, refuses commands as a fault of its own, and takes no reading for
// committed; when there is space again it goes on by itself. What it had
// answered is there.
func TestPromise2HubDiskFull(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short")
	}
	c := seeded(t)
	disk := filepath.Join(folder(t), "disk")
	people := newTold(t, c.fork("told"))
	s := build(t, c, layout{
		gateways: 1, few: true,
		dirs: func(of string) string {
			if of != "hub" {
				return filepath.Join(filepath.Dir(disk), of)
			}
			mountMemory(t, disk, "40m")
			return filepath.Join(disk, "hub")
		},
		config: func(dir string) string {
			file := filepath.Join(dir, "hook-secret")
			if err := os.WriteFile(file, []byte(hookSecretText()), 0o600); err != nil {
				t.Fatal(err)
			}
			return people.config(file)
		},
	})
	s.startAll()
	s.settle()
	p := newPharmacy(s)
	p.enter(t.Context())
	fill := filepath.Join(disk, "fill")
	n := 0
	for _, also := range []string{"nothing", "kill"} {
		work, stop := context.WithTimeout(t.Context(), patience)
		round := s.fork(also)
		p.story(work, round, n)
		n++
		s.fill(fill)
		// A story that is told while the disk is full goes on when it no longer is.
		var all sync.WaitGroup
		story := n
		n++
		all.Go(func() { p.story(work, round, story) })
		s.await("a command to be refused", func() (bool, error) {
			s.fill(fill) // also what was freed meanwhile
			import1 := deed{method: "POST", path: "/imports/totes", kind: "application/x-ndjson", body: totes(fmt.Sprint("full-", n), 300)}
			n++
			status, answer := p.try(work, import1)
			if status/100 == 2 {
				return false, fmt.Errorf("%d %s", status, answer)
			}
			return status == http.StatusServiceUnavailable && bytes.Contains(answer, []byte("nothing was done")), fmt.Errorf("%d %s", status, answer)
		})
		s.await("health to tell of it", func() (bool, error) {
			h, err := api.NewClient(s.socket()).Health(t.Context())
			return err == nil && h.Checks["store"] != "ok", fmt.Errorf("%+v: %w", h, err)
		})
		// The readings that come meanwhile are taken for committed by nobody.
		s.await("the gateway to hold readings back", func() (bool, error) {
			s.fill(fill)
			st, err := s.gateways[0].status(t.Context())
			return err == nil && st.Journal.PendingBlocks >= 3, fmt.Errorf("%+v: %w", st.Journal, err)
		})
		if also == "kill" {
			s.must(s.hub.kill())
			s.must(os.Truncate(fill, fileSize(t, fill)-1<<20)) // it needs a little to begin
			s.must(s.hub.start())
			s.await("the hub to answer", s.answers)
		}
		s.must(os.Remove(fill))
		all.Wait()
		s.settle()
		stop()
	}
	p.closeAll(t.Context())
	s.retire()
	p.settled()
	p.papers(len(p.packages)) // fails where one does not hold
	key, err := api.NewClient(s.socket()).LogKey(t.Context())
	s.must(err)
	h := s.finish()
	l, err := eventlog.Open(t.Context(), eventlog.Options{Store: h.store, Log: logTo(t, s.dir, "events")})
	s.must(err)
	events := h.events(t, l)
	p.recorded(events)
	(&checkpoints{}).hold(t, h, s.hubData(), key, events)
	people.check(h)
	p.judgedAnew(h, l, events)
	if n := s.hub.killed(); n != 1 {
		t.Errorf("the hub was killed %d times, want once: it has ended by itself", n)
	}
}

func fileSize(t testing.TB, path string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Size
}
