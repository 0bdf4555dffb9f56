package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"frostline/hub/api"
	eventlog "frostline/hub/event"
	"frostline/hub/evidence/verify"
	"frostline/hub/influx/influxtest"
)

var storming = flag.Duration("storm", 12*time.Second, "how long a hub is killed again and again while it works")

// TestPromises3And5And6HubKilledAtWork kills a hub at random instants while it
// takes commands and imports, judges packages by readings of which some come
// late, opens excursions and tells of them, logs and exports evidence, rebuilds
// its read models and copies readings to InfluxDB. Afterwards nothing is lost
// and nothing is doubled: each command that was answered is in the log and none
// is half done; the verdicts are those of a hub that was never disturbed; the
// evidence log holds every event, under every checkpoint it ever handed out;
// whoever was to be told was, under one id; and evidence and reports are the
// same, byte for byte, after another kill and after all was rebuilt.
func TestPromises3And5And6HubKilledAtWork(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short")
	}
	began := time.Now()
	c := seeded(t)
	influx := influxtest.Start(t)
	people := newTold(t, c.fork("told"))
	s := build(t, c, layout{gateways: 1, config: func(dir string) string {
		file := filepath.Join(dir, "hook-secret")
		if err := os.WriteFile(file, []byte(hookSecretText()), 0o600); err != nil {
			t.Fatal(err)
		}
		return people.config(file) + fmt.Sprintf("influx: {url: %q, org: frostline, bucket: frostline/autogen}\n", influx.URL())
	}})
	s.startAll()
	s.settle()
	p := newPharmacy(s)
	p.enter(t.Context())

	storm, over := context.WithTimeout(t.Context(), *storming)
	defer over()
	work, stop := context.WithTimeout(t.Context(), *storming+patience)
	defer stop()
	var all, looking sync.WaitGroup
	look, blind := context.WithCancel(t.Context())
	defer blind()
	seen := &checkpoints{}
	looking.Go(func() { seen.watch(look, s.web) })
	for worker := range 2 {
		c := s.fork(fmt.Sprint("stories ", worker))
		all.Go(func() {
			for n := 0; storm.Err() == nil; n++ {
				p.story(work, c, 10_000*(worker+1)+n)
			}
		})
	}
	imports := s.fork("imports")
	all.Go(func() {
		for n := 0; storm.Err() == nil; n++ {
			p.load(work, imports, n, 50+imports.below(400))
		}
	})
	exports := s.fork("exports")
	var bundles [][]byte
	all.Go(func() { bundles = p.export(storm, exports) })
	all.Go(func() { s.lateness(storm, s.fork("link")) })
	all.Go(func() { s.killer(storm, s.fork("kills")) })
	all.Wait()
	s.startAll()

	s.settle()
	p.closeAll(work)
	s.retire() // what is said of shipments then changes no more
	p.settled()
	p.acknowledgeAll(work)
	p.settled()
	for _, b := range bundles {
		if r := p.verify(b, true); !r.Holds {
			t.Errorf("evidence of %s, exported meanwhile, does not hold: %+v", r.Shipment, r.Problems)
		}
	}
	t.Logf("%d packages; %d bundles exported meanwhile", len(p.packages), len(bundles))

	// What is said of a shipment is the same after a kill and a rebuild.
	before := p.papers(3)
	s.must(s.hub.kill())
	s.must(s.hub.start())
	s.await("the hub to answer", s.answers)
	p.same(before, "after a kill")
	if out, err := s.run("frostline", "rebuild", "--verify", "--socket", s.socket()); err != nil {
		t.Errorf("rebuild: %v\n%s", err, out)
	}
	p.same(before, "after all was rebuilt")
	key, err := api.NewClient(s.socket()).LogKey(t.Context())
	s.must(err)
	p.settled()
	blind()
	looking.Wait()

	h := s.finish()
	l, err := eventlog.Open(t.Context(), eventlog.Options{Store: h.store, Log: logTo(t, s.dir, "events")})
	s.must(err)
	events := h.events(t, l)
	p.recorded(events)
	seen.hold(t, h, s.hubData(), key, events)
	people.check(h)
	p.escalated(events)
	s.copied(h, influx)
	p.judgedAnew(h, l, events)
	s.tell(began)
}

// killer kills the hub until ctx ends: sometimes when it has just begun,
// mostly when it works.
func (s *site) killer(ctx context.Context, c *chance) {
	pause := func(most time.Duration) {
		t := time.NewTimer(c.between(0, most))
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	for ctx.Err() == nil {
		if c.in(75) {
			for ctx.Err() == nil {
				if ok, _ := s.answers(); ok {
					break
				}
				breathe(ctx)
			}
		}
		pause(1500 * time.Millisecond)
		if err := s.hub.kill(); err != nil {
			s.Error(err)
			return
		}
		pause(200 * time.Millisecond)
		if err := s.hub.start(); err != nil {
			s.Error(err)
			return
		}
	}
}

// lateness cuts the gateways off for a while, again and again, so that readings
// come late.
func (s *site) lateness(ctx context.Context, c *chance) {
	for ctx.Err() == nil {
		for _, g := range s.gateways {
			g.link.Cut()
		}
		until := time.Now().Add(c.between(0, 2*time.Second))
		for ctx.Err() == nil && time.Now().Before(until) {
			breathe(ctx)
		}
		for _, g := range s.gateways {
			g.link.Restore()
		}
		until = time.Now().Add(c.between(time.Second, 3*time.Second))
		for ctx.Err() == nil && time.Now().Before(until) {
			breathe(ctx)
		}
	}
}

// export asks for evidence and rebuilds until ctx ends, and gives some of the
// bundles that came whole.
func (p *pharmacy) export(ctx context.Context, c *chance) (bundles [][]byte) {
	for ctx.Err() == nil {
		p.mu.Lock()
		n := len(p.packages)
		pkg := ""
		if n > 0 {
			pkg = p.packages[c.below(n)]
		}
		p.mu.Unlock()
		switch {
		case pkg == "":
		case c.in(20):
			_, _ = p.run("frostline", "rebuild", "--socket", p.socket()) // is cut off, mostly
		default:
			if zip, err := p.get("/shipments/S-" + pkg[2:] + "/evidence"); err == nil && len(bundles) < 5 {
				bundles = append(bundles, zip)
			}
		}
		breathe(ctx)
	}
	return bundles
}

// verify checks a bundle. One that was made of a package that was under way may
// rest on blocks that the gateway had not signed yet.
func (p *pharmacy) verify(zip []byte, underWay bool) *verify.Report {
	p.Helper()
	r, err := verify.Bundle(p.Context(), bytes.NewReader(zip), int64(len(zip)), verify.Options{AllowUnsigned: underWay})
	p.must(err)
	return r
}

// settled waits until all that follows from the events has been done: the
// verdict that was told of each package is that of all that is known, every
// consumer has come to the end, and nothing waits to be told, published, logged
// or copied.
func (p *pharmacy) settled() {
	p.Helper()
	hub := api.NewClient(p.socket())
	p.await("all consequences to be drawn", func() (bool, error) {
		s, err := hub.Events(p.Context())
		if err != nil {
			return false, err
		}
		if len(s.Parked) > 0 {
			p.Fatalf("events are parked: %+v", s.Parked)
		}
		for _, c := range s.Consumers {
			if c.Behind > 0 {
				return false, fmt.Errorf("consumer %s is %d events behind: %s", c.Name, c.Behind, c.LastError)
			}
		}
		if s.Waiting > 0 {
			return false, fmt.Errorf("%d events are not published", s.Waiting)
		}
		for _, name := range []string{
			`notify_deliveries{state="pending"}`, `notify_deliveries{state="gathered"}`, `notify_deliveries{state="failed"}`,
			"correlate_waiting_packages", "correlate_lag_readings", "influx_spooled_points",
		} {
			n, err := p.figure(name)
			if errors.Is(err, errNoFigure) {
				continue // this hub has no such part
			}
			if err != nil {
				return false, err
			}
			if n != 0 {
				return false, fmt.Errorf("%s is %g", name, n)
			}
		}
		for _, pkg := range p.packages {
			if why, err := p.judged(pkg); why != "" || err != nil {
				return false, fmt.Errorf("package %s: %s: %w", pkg, why, err)
			}
		}
		return true, nil
	})
}

// judged says what keeps the verdict that was told of a closed package from
// being that of all that is known; "" for nothing.
func (p *pharmacy) judged(pkg string) (string, error) {
	var now struct {
		Judgements []struct{ Digest string }
	}
	var told struct {
		Items []struct{ Data struct{ Digest string } }
	}
	for path, into := range map[string]any{"/packages/" + pkg + "/verdict": &now, "/packages/" + pkg + "/verdicts?limit=500": &told} {
		b, err := p.get(path)
		if err != nil {
			return "", err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return "", err
		}
	}
	switch {
	case len(now.Judgements) != 1 || len(told.Items) == 0:
		return fmt.Sprintf("%d judgements, %d verdicts", len(now.Judgements), len(told.Items)), nil
	case told.Items[len(told.Items)-1].Data.Digest != now.Judgements[0].Digest:
		return "told is another verdict than that of all that is known", nil
	}
	return "", nil
}

var errNoFigure = errors.New("there is no such figure")

// figure reads a number off /metrics.
func (p *pharmacy) figure(name string) (n float64, err error) {
	r, err := http.Get("http://" + p.web + "/metrics")
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	var page bytes.Buffer
	if _, err := page.ReadFrom(r.Body); err != nil {
		return 0, err
	}
	at := bytes.Index(page.Bytes(), []byte("\nfrostline_"+name+" "))
	if at < 0 {
		return 0, fmt.Errorf("%w: %s", errNoFigure, name)
	}
	_, err = fmt.Sscan(string(page.Bytes()[at+len("\nfrostline_"+name+" "):]), &n)
	return n, err
}

// papers gives evidence, which holds, and report of so many shipments, by path.
func (p *pharmacy) papers(n int) map[string][]byte {
	p.Helper()
	all := map[string][]byte{}
	for i := range min(n, len(p.packages)) {
		shipment := "S-" + p.packages[i*len(p.packages)/n][2:]
		for _, what := range []string{"evidence", "report"} {
			path := "/shipments/" + shipment + "/" + what
			b, err := p.get(path)
			p.must(err)
			all[path] = b
			if what == "evidence" {
				if r := p.verify(b, true); !r.Holds {
					p.Errorf("evidence of %s does not hold: %+v", shipment, r.Problems)
				}
			}
		}
	}
	return all
}

// same wants the papers to be made again as they were.
func (p *pharmacy) same(before map[string][]byte, when string) {
	p.Helper()
	for path, was := range before {
		var b []byte
		p.await("the hub to give "+path, func() (ok bool, err error) {
			b, err = p.get(path)
			return err == nil, err
		})
		if !bytes.Equal(b, was) {
			name := filepath.Join(p.dir, filepath.Base(filepath.Dir(path))+"-"+filepath.Base(path))
			p.write(name+"-before", string(was))
			p.write(name+"-after", string(b))
			p.Errorf("%s: %s is another one: %d bytes, and %d before; both are kept as %s-*", when, path, len(b), len(was), name)
		}
	}
}

// copied wants InfluxDB to have each committed reading once.
func (s *site) copied(h *hub, influx *influxtest.Server) {
	s.Helper()
	var want uint64
	for _, a := range h.audit(s.TB) {
		want += a.Committed
	}
	var got uint64
	for _, row := range influx.Query("SHOW MEASUREMENTS") {
		for _, field := range []string{"value", "flaw"} {
			got += uint64(influx.Count(row[0].(string), field))
		}
	}
	if got != want {
		s.Errorf("InfluxDB has %d readings, and %d are committed", got, want)
	}
}
