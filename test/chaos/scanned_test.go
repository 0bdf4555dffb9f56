package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/edge/panel"
	"frostline/edge/scan"
	"frostline/hub/fact"
)

// TestPromise6ScannedWithoutANetwork scans packages at a gateway that has no
// network, kills it, and brings its journal to the hub as a file and then by
// network, while the hub is killed: each scan becomes one fact, at the time at
// which it was done.
func TestPromise6ScannedWithoutANetwork(t *testing.T) {
	t.Parallel()
	s := build(t, seeded(t), layout{gateways: 1, few: true})
	g := s.gateways[0]
	g.link.Cut()
	s.write(g.config, s.config(g)+`watches:
  - {id: cold-1, profile: refrigerated, sensors: [air-1], when: aboard}
packages:
  - {id: P-2, profile: refrigerated}
  - {id: P-3, profile: room-temperature}
`)
	p := newPharmacy(s)
	p.enter(t.Context())
	packed := ms(time.Now().Add(-time.Minute))
	p.pack("P-1", packed)

	s.must(g.start())
	s.watches(g) // nothing is aboard
	v := scannedAt{site: s, g: g, done: map[string]span{}}
	v.scan("scan-0001-a", "P-1", "--attach", "zone/cold-1", "--seal", "intact")
	v.scan("scan-0001-a", "P-1", "--attach", "zone/cold-1", "--seal", "intact") // the scanner sends twice
	s.watches(g, "cold-1")

	s.must(g.kill())
	s.must(g.start())
	s.watches(g, "cold-1")
	v.scan("scan-0001-a", "P-1", "--attach", "zone/cold-1", "--seal", "intact")
	v.scan("scan-0002-h", "P-1", "--hand-over", "courier", "--role", "courier", "--from", "pharmacy", "--by", "tok-8842-xk41")
	v.scan("scan-0003-u", "P-2", "--attach", "zone/cold-1") // the hub does not know it yet
	v.scan("scan-0004-w", "P-1", "--attach", "zone/cold-2") // by mistake
	_, err := s.run("frostline-edge", "scan", "--withdraw", "scan-0004-w", "--id", "scan-0005-t", "--config", g.config)
	s.must(err)
	v.scan("scan-0006-o", "P-3", "--attach", "zone/cold-1")
	s.watches(g, "P-3", "cold-1")
	if _, err := s.run("frostline-edge", "scan", "(00)095060001343520018", "--attach", "zone/cold-1", "--config", g.config); err == nil || !strings.Contains(err.Error(), "check digit") {
		t.Errorf("a wrong check digit: %v", err)
	}
	if got := v.aboard(); !slices.Equal(got, []string{"P-1 zone/cold-1", "P-2 zone/cold-1", "P-3 zone/cold-1"}) {
		t.Fatalf("aboard %v", got)
	}

	file := filepath.Join(s.dir, "van-1.journal")
	_, err = s.run("frostline-edge", "journal", "export", file, "--config", g.config)
	s.must(err)
	_, err = s.run("frostline", "import-journal", file, "--socket", s.socket())
	s.must(err)
	s.must(s.hub.kill()) // after the commit, and perhaps before the facts
	s.must(s.hub.start())
	s.await("the hub to answer", s.answers)
	s.await("the hub to list the scans", func() (bool, error) { all, err := p.scans(); return len(all) == 6, err })
	if dated := v.dated(); !dated {
		s.await("the scans to be shown as undated", func() (bool, error) {
			all, err := p.scans()
			return all["scan-0001-a"].State == "undated" && all["scan-0001-a"].At == nil, err
		})
	} else {
		t.Log("this machine dates a gateway that has no network")
	}

	g.link.Restore()
	s.must(g.reconnect(t.Context()))
	settled := func(unknown string) func() (bool, error) {
		return func() (bool, error) {
			all, err := p.scans()
			return err == nil && all["scan-0001-a"].State == "taken" && all["scan-0002-h"].State == "taken" && all["scan-0003-u"].State == unknown && all["scan-0005-t"].State == "withdrawn", err
		}
	}
	s.await("the scans to be facts", settled("set_aside"))
	s.must(s.hub.kill())
	s.must(s.hub.start())
	s.await("the hub to answer", s.answers)
	p.pack("P-2", packed)
	s.await("the package that was not known to be in its place", settled("taken"))
	s.settle()

	all, err := p.scans()
	s.must(err)
	if len(all) != 6 {
		t.Errorf("%d scans, want 6", len(all))
	}
	for id, when := range v.done {
		x := all[id]
		if x.At == nil || *x.At+x.Uncertainty < when.from || *x.At-x.Uncertainty > when.to || x.Disputed != "" {
			t.Errorf("scan %s is of %v ± %d, %s; it was done from %d to %d", id, x.At, x.Uncertainty, x.Disputed, when.from, when.to)
		}
	}
	var stays struct {
		Intervals []struct {
			From int64     `json:"from"`
			In   *fact.Ref `json:"in"`
		} `json:"intervals"`
	}
	p.read("/packages/P-1/attachments", &stays)
	last := stays.Intervals[len(stays.Intervals)-1]
	if when := v.done["scan-0001-a"]; last.In == nil || last.In.ID != "cold-1" || last.From < when.from-5000 || last.From > when.to+5000 || len(stays.Intervals) != 2 {
		t.Errorf("P-1 was in %+v; it was put into cold-1 at %d", stays, when.from)
	}
	var chain struct {
		Holds []struct {
			Party    string `json:"party"`
			From     int64  `json:"from"`
			Handover struct {
				Seal       string `json:"seal"`
				NoPosition string `json:"noPosition"`
			} `json:"handover"`
		} `json:"holds"`
	}
	p.read("/packages/P-1/custody", &chain)
	if h := chain.Holds; len(h) != 1 || h[0].Party != "courier" || h[0].Handover.Seal != "not_checked" || h[0].Handover.NoPosition != "no receiver" {
		t.Errorf("P-1 was held by %+v", chain)
	}

	// The same file again, and whatever the network brought, changes nothing.
	out, err := s.run("frostline", "import-journal", file, "--json", "--socket", s.socket())
	s.must(err)
	if !bytes.Contains(out, []byte(`"new":0`)) && !bytes.Contains(out, []byte(`"new": 0`)) {
		t.Errorf("the file again: %s", out)
	}
	again, err := p.scans()
	s.must(err)
	for id, x := range all {
		if !slices.Equal(x.Statements, again[id].Statements) {
			t.Errorf("scan %s: statements %v, and after the import of what was known %v", id, x.Statements, again[id].Statements)
		}
	}
	s.await("the gateway to know that the hub has them", func() (bool, error) {
		list, err := panel.NewClient(g.data).Scans(t.Context())
		waits := slices.ContainsFunc(list.Scans, func(e scan.Entry) bool { return e.State != "committed" })
		return err == nil && len(list.Scans) == 6 && !waits, err
	})
	s.finish()
}

// span is a stretch of this machine's time, ms.
type span struct{ from, to int64 }

// scannedAt scans at a gateway.
type scannedAt struct {
	*site
	g    *gateway
	done map[string]span // the first time, by id
}

func (v scannedAt) scan(id, code string, more ...string) {
	v.Helper()
	at := span{from: ms(time.Now())}
	_, err := v.run("frostline-edge", append([]string{"scan", code, "--id", id, "--config", v.g.config}, more...)...)
	v.must(err)
	if at.to = ms(time.Now()); v.done[id] == (span{}) {
		v.done[id] = at
	}
}

func (v scannedAt) aboard() (out []string) {
	v.Helper()
	list, err := panel.NewClient(v.g.data).Scans(v.Context())
	v.must(err)
	for _, a := range list.Aboard {
		out = append(out, a.Subject.Value+" "+a.Target)
	}
	slices.Sort(out)
	return out
}

// dated says whether the gateway has dated what was scanned, all by itself.
func (v scannedAt) dated() bool {
	v.Helper()
	list, err := panel.NewClient(v.g.data).Scans(v.Context())
	v.must(err)
	return slices.ContainsFunc(list.Scans, func(e scan.Entry) bool { return e.ID == "scan-0001-a" && e.UTC != nil })
}

// config is what the site wrote for a gateway.
func (s *site) config(g *gateway) string {
	s.Helper()
	b, err := os.ReadFile(g.config)
	s.must(err)
	return string(b)
}

// watches waits until a gateway watches these, and no others.
func (s *site) watches(g *gateway, names ...string) {
	s.Helper()
	var got []string
	s.await(fmt.Sprint("the gateway to watch ", names), func() (bool, error) {
		st, err := g.status(s.Context())
		got = got[:0]
		for _, w := range st.Guard.Watches {
			got = append(got, w.ID)
		}
		slices.Sort(got)
		return err == nil && slices.Equal(got, names), err
	})
}

// pack makes an order, a shipment and one package.
func (p *pharmacy) pack(pkg string, at int64) {
	p.Helper()
	type o = map[string]any
	for _, c := range []deed{
		p.make("o"+pkg, "PUT", "/orders/O-"+pkg, o{"patient": "pt_a7c3" + pkg[2:], "lines": []o{{"product": "insulin", "quantity": 1}}}),
		p.make("s"+pkg, "PUT", "/shipments/S-"+pkg, o{"order": "O-" + pkg, "from": "s", "carrier": "courier"}),
		p.make("u"+pkg, "PUT", "/units/00614141100101.U"+pkg, o{"product": "insulin", "gtin": "00614141100101", "serial": "U" + pkg, "lot": "L1", "expiry": "2031-08-31"}),
		p.make("p"+pkg, "PUT", "/packages/"+pkg, o{"shipment": "S-" + pkg, "at": at, "in": o{"kind": "zone", "id": "cold-2"}, "units": []string{"00614141100101.U" + pkg}}),
	} {
		if !p.insist(p.Context(), c) {
			p.Fatalf("%s %s was not done", c.method, c.path)
		}
	}
}

// listed is a scan as the hub lists it.
type listed struct {
	ID          string   `json:"id"`
	State       string   `json:"state"`
	At          *int64   `json:"at"`
	Uncertainty int64    `json:"uncertainty"`
	Disputed    string   `json:"disputed"`
	Statements  []string `json:"statements"`
}

func (p *pharmacy) scans() (map[string]listed, error) {
	b, err := p.get("/gateway-scans?limit=500&gateway=van-1")
	if err != nil {
		return nil, err
	}
	var list struct{ Items []listed }
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	out := map[string]listed{}
	for _, x := range list.Items {
		out[x.ID] = x
	}
	return out, nil
}

func (p *pharmacy) read(path string, v any) {
	p.Helper()
	b, err := p.get(path)
	p.must(err)
	if err := json.Unmarshal(b, v); err != nil {
		p.Fatalf("%s: %v in %s", path, err, b)
	}
}
