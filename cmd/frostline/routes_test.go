package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/hub/access"
	"frostline/hub/api"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/propose"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/rest"
	"frostline/hub/store"
	"frostline/proto/thermal"
)

// oneRisk is a delivery that comes too late.
type oneRisk struct{ at int64 }

func (o oneRisk) List() ([]risk.Delivery, int64) {
	t := thermal.Temp(-18_500)
	return []risk.Delivery{risk.Assess(risk.Delivery{Route: "R1", Stop: "s2", Job: "J2", Shipment: "SH2", Courier: "van-1"},
		[]risk.Load{{Package: "P2", Condition: risk.NotKnown, Reason: "sensor silent", Since: o.at - 60_000, Temperature: &t}})}, o.at
}

// TestRoutes looks at a route, asks for a better order and applies it, as a
// dispatcher would, against real dispatch behind a real socket.
func TestRoutes(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "hub.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b := dispatchtest.New(t, db)
	b.Stock(t)
	if _, err := b.Dispatch.Route(t.Context(), "person/test", "", b.Round(), 0); err != nil {
		t.Fatal(err)
	}
	desk, err := propose.New(propose.Options{
		Routes: b.Dispatch, Road: road.Estimate{}, Now: b.Clock, Log: log,
		Site: func(context.Context, string) (*fact.Position, error) {
			return &fact.Position{Latitude: 406_000_000, Longitude: -740_000_000}, nil
		},
		Loads: func(context.Context, string) ([]risk.Load, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := rest.New(t.Context(), rest.Config{Store: db, Tokens: nobody{}, Log: log, Dispatch: b.Dispatch, Proposals: desk, Risks: oneRisk{b.Now()}})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := access.OpenCA(dir, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "crl.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h, socket := &hub{ca: ca, codes: map[string]bool{}}, filepath.Join(dir, "frostline.sock")
	s, err := api.New(api.Config{Socket: socket, Fleet: h, History: h, Feed: h, Access: h, Authority: ca, CRL: filepath.Join(dir, "crl.pem"), Enrol: "hub.example:8884",
		Web: "http://127.0.0.1:8080/", Log: log, Rest: a.Trusted(api.Actor)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() { cancel(); <-done }()
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  string
		code  int
		wants []string
	}{
		{"routes list", 0, []string{"ROUTE  COURIER  STATUS   STOPS  DONE  NEXT  REVISION", "R1     van-1    planned      3     0  s1           1"}},
		{"routes list --courier nobody --json", 0, []string{"[]"}},
		{"routes show R1", 0, []string{"route R1 of van-1 is planned, revision 1", "2  s2    delivery  J2   planned  –"}},
		{"deliveries", 0, []string{"SH2       unknown     −18.5 °C  van-1    R1     s2    sensor silent, since"}},
		{"deliveries --limit 0", 2, []string{"--limit 0: want 1 to 5000"}},
		{"routes propose R1", 0, []string{"another order is better: ", "km less to drive", "    2    3  s3    ", "+ ", "note: ways are estimated", "to apply it: frostline routes order R1 s1 s3 s2 --revision 1"}},
		{"routes propose R1 --json", 0, []string{`"advice": "change"`, `"revision": 1`}},
		{"routes order R1 s1 s3", 1, []string{"order: names 2 stops; the route has 3 that have not ended"}},
		{"routes order R1 s1 s3 s2 --revision 7", 1, []string{"its revision is 1, not 7"}},
		{"routes order R1 s1 s3 s2 --revision 1 --reason nearer", 0, []string{"revision 2", "2  s3    delivery"}},
		{"routes propose R1", 0, []string{"the order is fine: the planned order is the best there is"}},
		{"routes propose R9", 1, []string{"route/R9", "not known"}},
		{"routes order R1", 2, []string{"takes a route, and all its stops"}},
	} {
		var out, errOut bytes.Buffer
		code := run(append([]string{"--socket", socket}, strings.Fields(c.args)...), &out, &errOut)
		if code != c.code {
			t.Errorf("%s: status %d, want %d", c.args, code, c.code)
		}
		for _, want := range c.wants {
			if !strings.Contains(out.String()+errOut.String(), want) {
				t.Errorf("%s: no %q in\n%s%s", c.args, want, out.String(), errOut.String())
			}
		}
	}
}
