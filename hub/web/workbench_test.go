package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"frostline/hub/custody"
	"frostline/hub/dossier"
	"frostline/hub/dossier/dossiertest"
	"frostline/hub/event"
	"frostline/hub/evidence/verify"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/people"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/provenance"
	"frostline/hub/view"
	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// bench is the pages over a real store, log, engine, cases and people; what was
// measured, where the van was, and the evidence are given.
type bench struct {
	*guarded
	world    *dossiertest.World
	verified *verify.Report // what verifying finds
	id       string         // of the excursion
}

const hourMS = int64(3_600_000)

// cargo is warm from three hours on, by up to 6 °C for 50 minutes.
func cargo(gateway, sensor string, utc int64) (thermal.Temp, bool) {
	if gateway != "van-1" || sensor != "cargo" {
		return 0, false
	}
	at := utc - dossiertest.Start
	v := 4800 + 300*math.Sin(float64(at)/3e6)
	if begin := 3 * hourMS; at > begin && at < begin+50*60_000 {
		v += 6000 * math.Sin(math.Pi*float64(at-begin)/(50*60_000))
	}
	return thermal.Temp(v), true
}

// signers checks passwords and passkeys as the hub does.
type signers struct {
	*people.Keeper
	pages func() *Server
}

func (s signers) Reauthenticate(ctx context.Context, person, password string) (string, []string, error) {
	return signer(s.Keeper.Reauthenticate(ctx, person, password))
}

func (s signers) ReauthenticateByKey(ctx context.Context, person, content string, answer []byte) (string, []string, error) {
	return signer(s.pages().CheckSignature(ctx, person, content, answer))
}

func signer(p people.Person, err error) (string, []string, error) {
	if errors.Is(err, people.ErrRefused) {
		return "", nil, fmt.Errorf("%w: %w", excursion.ErrPassword, err)
	}
	return p.Name, p.Roles, err
}

// patience is how soon somebody has to acknowledge.
type patience struct{}

func (patience) Levels(string, string) []time.Duration {
	return []time.Duration{30 * time.Minute, time.Hour}
}
func (patience) Repeats() int { return 1 }

// teller is the world as the hub tells the pages of it.
type teller struct {
	*dossiertest.World
	verified *verify.Report
}

func noStory(err error) error {
	if errors.Is(err, dossier.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNoStory, err)
	}
	return err
}

func (w teller) Package(ctx context.Context, id string) (dossier.Package, dossier.Line, error) {
	p, err := w.Builder.Package(ctx, id)
	if err != nil {
		return p, dossier.Line{}, noStory(err)
	}
	line, err := w.Line(ctx, id)
	return p, line, noStory(err)
}

func (w teller) Case(ctx context.Context, id string) (dossier.Case, dossier.Package, error) {
	c, p, err := w.Builder.Case(ctx, id)
	return c, p, noStory(err)
}

func (w teller) Profiles(ctx context.Context) ([]thermal.Profile, error) {
	return thermal.Ready(), nil
}

func (w teller) Trail(ctx context.Context, of fact.Ref, after int64, limit int) ([]event.Event, error) {
	return w.Log.Stream(ctx, of.String(), after, limit)
}

func (w teller) Verify(context.Context, string) (*verify.Report, error) { return w.verified, nil }

func (teller) Unit(context.Context, string) (*provenance.Provenance, error) { return nil, ErrNoStory }
func (teller) ShipmentReport(context.Context, string) ([]byte, string, error) {
	return []byte("%PDF-"), "shipment.pdf", nil
}
func (teller) CaseReport(context.Context, string) ([]byte, string, error) {
	return []byte("%PDF-"), "case.pdf", nil
}
func (teller) Bundle(_ context.Context, _ string, documents bool) (Bundle, error) {
	return zipped(documents), nil
}

const unitOne, unitTwo, unitThree = "09506000134352.S1", "09506000134352.S2", "09506000134352.S3"

// openBench tells the story of a package that was warm on a van, with a hole in
// its readings, ten hours after it began.
func openBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{verified: &verify.Report{Holds: true}}
	b.guarded = openGuarded(t, func(c *Config) {
		keeper := c.Access.(*people.Keeper)
		holes := [][2]int64{{dossiertest.Start + 6*hourMS, dossiertest.Start + 7*hourMS + 600_000}}
		db := storetest.Open(t, storetest.SQLite(t))
		b.world = dossiertest.New(t, db, dossiertest.Every(10_000, dossiertest.Start+10*hourMS, holes, cargo), signers{keeper, func() *Server { return b.Server }}, patience{})
		made := teller{World: b.world, verified: b.verified}
		van := &company{base: dossiertest.Start + 10*hourMS, started: time.Now(), models: map[view.Series]model{}, watchers: map[int]func(view.Batch){}}
		van.gateway("van-1", func(*view.Gateway) {})
		van.sensor("van-1", "gnss", "nmea", "/dev/ttyUSB0", 10*time.Second, map[reading.Quantity]model{
			reading.Latitude:  {value: func(ms int64) int64 { return 475_800_000 + (ms-dossiertest.Start)/400 }},
			reading.Longitude: {value: func(ms int64) int64 { return -1_223_300_000 + (ms-dossiertest.Start)/300 }},
		})
		c.Stories, c.Excursions, c.Fleet, c.History, c.Feed = made, b.world.Cases, van, van, van
	})
	b.mu.Lock()
	b.off = time.Until(time.UnixMilli(dossiertest.Start + 10*hourMS))
	b.mu.Unlock()
	b.tell()
	return b
}

func (b *bench) tell() {
	t, w, ctx := b.t, b.world, b.t.Context()
	t.Helper()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Now.Store(dossiertest.Start + 10*hourMS)
	profile, err := thermal.Named("refrigerated")
	must(profile, err)
	warm, room := thermal.Temp(8000), thermal.Temp(25_000)
	w.Define(fact.SiteRecord{ID: "sodo", Name: "SoDo"}, fact.VehicleRecord{ID: "van-1", Name: "Van 1", Type: "van"}, fact.CompartmentRecord{ID: "van-1-box", Vehicle: "van-1", Name: "Box"},
		fact.GatewayRecord{ID: "van-1", Vehicle: "van-1"}, fact.SensorRecord{ID: "van-1/cargo"}, fact.ProfileRecord{Profile: profile},
		fact.ProductRecord{ID: "insulin", Name: "Insulin", GTIN: "09506000134352", Profile: profile.ID, Budgets: []thermal.Budget{{Name: "8 to 25 °C", Above: &warm, Below: &room, Allowed: 2 * hourMS, Source: "maker's letter 7"}}},
		fact.PartyRecord{ID: "pharmacy", Name: "Pharmacy", Role: "pharmacy"}, fact.PartyRecord{ID: "couriers", Name: "Couriers", Role: "courier"})
	box, pack := fact.Ref{Kind: fact.Compartment, ID: "van-1-box"}, fact.Ref{Kind: fact.Package, ID: "P1"}
	w.State(dossiertest.Put("s1", fact.Ref{Kind: fact.Sensor, ID: "van-1/cargo"}, box, dossiertest.Start))
	var units []fact.UnitReceived
	for serial, lot := range map[string]string{"S1": "L1", "S2": "L1", "S3": "L2"} {
		units = append(units, fact.UnitReceived{ID: "09506000134352." + serial, Product: "insulin", GTIN: "09506000134352", Serial: serial, Lot: lot, Expiry: "2028-01-31"})
	}
	must(w.Orders.Receive(ctx, "person/ann", "", units, 0))
	must(w.Orders.Place(ctx, "person/ann", "", fact.OrderPlaced{ID: "RX-1", Lines: []fact.OrderLine{{Product: "insulin", Quantity: 3}}}, 0))
	must(w.Orders.Plan(ctx, "person/ann", "", fact.ShipmentPlanned{ID: "H1", Order: "RX-1", From: "sodo"}, 0))
	must(w.Orders.Pack(ctx, "person/ann", "", orders.Packing{PackagePacked: fact.PackagePacked{ID: "P1", Shipment: "H1", At: dossiertest.Start}, Units: []string{unitOne, unitTwo, unitThree}, In: &box}, 0))
	w.State(custody.Scan{HandedOver: &fact.HandedOver{ID: "h1", Subject: pack, To: "pharmacy", Role: "pharmacy", At: dossiertest.Start + 1000, Made: dossiertest.Start + 1000, Seal: "intact", NoPosition: "indoors"}},
		custody.Scan{HandedOver: &fact.HandedOver{ID: "h2", Subject: pack, From: "pharmacy", To: "couriers", Role: "courier", At: dossiertest.Start + 2*hourMS, Made: dossiertest.Start + 2*hourMS, Seal: "intact",
			Position: &fact.Position{Latitude: 475_818_000, Longitude: -1_223_276_000, Accuracy: 4000}}})
	w.Settle()
	all, err := w.Cases.List(ctx, excursion.Filter{Package: "P1"}, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Facts.Kind == fact.BrokenLimit {
			b.id = c.ID
		}
	}
	if b.id == "" {
		t.Fatalf("no excursion was opened: %+v", all)
	}
}

// zipped is a bundle of few bytes.
func zipped(documents bool) Bundle {
	b := []byte("PK, and no documents")
	if documents {
		b = b[:2]
	}
	return Bundle{"bundle.zip", int64(len(b)), held{bytes.NewBuffer(b)}}
}

type held struct{ *bytes.Buffer }

func (held) Close() error { return nil }
