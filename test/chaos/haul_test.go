package chaos

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/edge/journal"
	"frostline/hub/api"
)

// TestPromise6ByTruckAndByNetwork brings a gateway's journal to the hub as a
// file that is exported beside the running agent, while the hub is killed in
// the middle of the import, and then by network: each reading is there once,
// and the gateway is told what it may forget.
func TestPromise6ByTruckAndByNetwork(t *testing.T) {
	t.Parallel()
	c := seeded(t)
	s := build(t, c, layout{gateways: 1})
	g := s.gateways[0]
	g.link.Cut()

	j, err := journal.Open(g.journal(), g.id, journal.Options{BootID: "before", KeepAcknowledged: 1000 * time.Hour, MaxBytes: 256 << 20, Log: logTo(t, s.dir, "backlog")})
	s.must(err)
	ids := series(t, j, 20)
	const ticks, step = 4000, 100
	for n := 0; n < ticks; n += step {
		keep(t, j, c, ids, int64(n+step)*1000, 1000, step)
	}
	backlog := j.Tip().Last
	s.must(j.Close())
	s.must(g.start())
	s.await("the agent to keep more", func() (bool, error) {
		st, err := g.status(t.Context())
		return err == nil && st.Journal.PendingBlocks > backlog+5, err
	})

	file := filepath.Join(s.dir, "van-1.journal")
	_, err = s.run("frostline-edge", "journal", "export", file, "--config", g.config)
	s.must(err)
	for _, of := range [][]string{{file}, {"--config", g.config}} {
		_, err = s.run("frostline-edge", append([]string{"journal", "verify"}, of...)...)
		s.must(err)
	}
	// The hub is killed while it takes the file in, which is then cut short.
	ended := make(chan error, 1)
	go func() {
		_, err := s.run("frostline", "import-journal", file, "--socket", s.socket())
		ended <- err
	}()
	s.await("the import to begin", func() (bool, error) {
		as, err := s.account()
		return err == nil && len(as) > 0 && as[0].Committed > 0, err
	})
	s.must(s.hub.kill())
	if err := <-ended; err == nil {
		t.Log("the import was over before the hub was killed")
	}
	s.must(s.hub.start())
	s.await("the hub to answer", s.answers)

	imported := func() (h api.HaulLine) {
		out, err := s.run("frostline", "import-journal", file, "--json", "--socket", s.socket())
		s.must(err)
		s.must(json.Unmarshal(out, &h))
		return h
	}
	if h := imported(); !h.Whole || h.Blocks < backlog || h.Refused+h.Waiting+h.Absent > 0 {
		t.Fatalf("import: %+v; want at least %d blocks, whole", h, backlog)
	}
	if h := imported(); h.New != 0 || !h.Whole {
		t.Errorf("the second import: %+v; want nothing new", h)
	}
	_, err = s.account()
	s.must(err)

	// An edit is named, and nothing of it believed.
	text, err := os.ReadFile(file)
	s.must(err)
	lines := strings.SplitAfter(string(text), "\n")
	at := len(lines) / 2
	lines[at] = strings.Replace(lines[at], `"head":"`, `"head":"0`, 1)
	forged := filepath.Join(s.dir, "forged.journal")
	s.write(forged, strings.Join(lines, ""))
	for _, command := range [][]string{{"frostline-edge", "journal", "verify", forged}, {"frostline", "import-journal", forged, "--socket", s.socket()}} {
		if _, err := s.run(command[0], command[1:]...); err == nil || !strings.Contains(err.Error(), "block") {
			t.Errorf("%v: %v; want the block to be named", command, err)
		}
	}

	g.link.Restore()
	s.settle()
	s.finish()
}
