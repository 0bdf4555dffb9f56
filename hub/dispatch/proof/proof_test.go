package proof_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"frostline/hub/custody"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/proof"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

const (
	actor   = "person/driver"
	patient = "pt_7f3a9c01e2"
	sscc    = "006141411234567890"
)

type bench struct {
	*dispatchtest.Bench
	t    *testing.T
	desk *proof.Desk
	// broken makes hand-overs fail, as if the hub died before them.
	broken error
}

func run(t *testing.T, test func(b *bench)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		b := &bench{Bench: dispatchtest.New(t, db), t: t}
		b.Stock(t)
		var err error
		b.desk, err = proof.New(proof.Options{
			Events: b.Log, Dispatch: b.Dispatch, Now: b.Clock, Log: storetest.Logger(t),
			HandOver: func(ctx context.Context, actor, reason string, h fact.HandedOver) ([]string, error) {
				if b.broken != nil {
					return nil, b.broken
				}
				out, err := b.Custody.Take(ctx, actor, reason, []custody.Scan{{HandedOver: &h}}, false)
				if err != nil {
					return nil, err
				}
				return out[0].Flags, nil
			},
			Packages: func(ctx context.Context, shipment string, at int64) (ids []string, err error) {
				all, err := b.Orders.Packages(ctx, shipment, "", "", 500)
				for _, p := range all {
					if p.ShipmentAt(at) == shipment {
						ids = append(ids, p.ID)
					}
				}
				return ids, err
			},
			Inside: func(ctx context.Context, unit string, at int64) (string, error) {
				in, _, err := b.Custody.Where(ctx, db, fact.Ref{Kind: fact.Unit, ID: unit}, at)
				if in == nil || in.Kind != fact.Package {
					return "", err
				}
				return in.ID, err
			},
			Patient: func(ctx context.Context, shipment string) (string, error) { return patient, nil },
			Known: func(ctx context.Context, party string) (bool, error) {
				_, _, found, err := b.Catalog.Lookup(ctx, nil, fact.Ref{Kind: fact.Party, ID: party})
				return found, err
			},
		})
		b.must(err)
		for shipment, packages := range map[string][]string{"SH1": {sscc, "W1"}, "SH2": {"W2"}, "SH3": {"W3"}} {
			for _, id := range packages {
				_, err := b.Orders.Pack(ctx, actor, "", orders.Packing{PackagePacked: fact.PackagePacked{ID: id, Shipment: shipment, Profile: "pr1", At: b.Now()}}, 0)
				b.must(err)
			}
		}
		_, err = b.Orders.Receive(ctx, actor, "", []fact.UnitReceived{{ID: "00614141999996.A1", Product: "D1", GTIN: "00614141999996", Serial: "A1", Lot: "L1", Expiry: "2030-01-31"}}, 0)
		b.must(err)
		b.must(b.Orders.Fill(ctx, actor, "", orders.Filling{ID: "f1", Package: "W1", Units: []string{"00614141999996.A1"}, At: b.Now()}))
		_, err = b.Dispatch.Plan(ctx, actor, "", job(b, true), record.Any)
		b.must(err)
		_, err = b.Dispatch.Route(ctx, actor, "", b.Round(), 0)
		b.must(err)
		b.Pass(time.Hour)
		test(b)
	})
}

func job(b *bench, strict bool) fact.JobPlanned {
	return fact.JobPlanned{ID: "J1", Shipment: "SH1", From: fact.Ref{Kind: fact.Site, ID: "S1"}, To: fact.Ref{Kind: fact.Place, ID: dispatchtest.Home}, Load: 5000, Two: strict, Identity: strict}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// whole is a proof with everything that stop s1 wants.
func (b *bench) whole() proof.Request {
	t := thermal.Temp(5200)
	return proof.Request{
		ID: "p1", Route: "R1", Stop: "s1", At: b.Now() - 1000, Codes: []string{"]C100" + sscc, "(01)00614141999996(21)A1"}, To: patient, Role: "patient", Seal: "intact", Temperature: &t,
		Position: &fact.Position{Latitude: 407_001_000, Longitude: -740_000_000, Accuracy: 8000}, Marks: []fact.Mark{{Kind: "signature", SHA256: strings.Repeat("a", 64)}},
		Second: "st_0b1c2d3e4f", Identity: &fact.Identity{Kind: "wristband", Result: "matched"},
	}
}

func TestOneCallHandsOverAndCompletes(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		ctx := t.Context()
		first, err := b.desk.Give(ctx, actor, b.whole())
		b.must(err)
		last := b.Log.Last()
		again, err := b.desk.Give(ctx, actor, b.whole())
		b.must(err)
		if b.Log.Last() != last || again.HandOver != first.HandOver {
			t.Errorf("given twice, it was done twice: %d events more", b.Log.Last()-last)
		}
		v := first.Route.Visits()[0]
		if v.Status != "completed" || v.Last.HandOver != first.HandOver {
			t.Errorf("stop %+v; want completed by %s", v, first.HandOver)
		}
		for _, id := range []string{sscc, "W1"} {
			chain, err := b.Custody.Chain(ctx, id)
			b.must(err)
			if n := len(chain.Holds); n == 0 || chain.Holds[n-1].Handover.To != patient || *chain.Holds[n-1].Handover.Temperature != 5200 {
				t.Errorf("custody of %s: %+v", id, chain)
			}
		}
		// Where the patient lives is in no event.
		events, err := b.Log.Read(ctx, 0, 1000)
		b.must(err)
		for _, e := range events {
			if text, _ := json.Marshal(e); strings.Contains(string(text), "407001") {
				t.Errorf("%s tells where somebody lives: %s", e.Type, text)
			}
		}
		if d := first.Proof.Distance; d == nil || *d != 11_000 {
			t.Errorf("distance %v; want 11 m", d)
		}
		other := b.whole()
		other.Seal = "broken"
		if _, err := b.desk.Give(ctx, actor, other); !errors.Is(err, record.ErrExists) {
			t.Errorf("the same id with another seal: %v", err)
		}
		other.ID = "p2"
		if _, err := b.desk.Give(ctx, actor, other); !errors.Is(err, record.ErrRefused) {
			t.Errorf("a stop that is completed, once more: %v", err)
		}
	})
}

func TestWhatIsMissingIsNamedAtOnce(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		last := b.Log.Last()
		_, err := b.desk.Give(t.Context(), actor, proof.Request{ID: "p1", Route: "R1", Stop: "s1", At: b.Now()})
		for _, field := range []string{"codes:", "to:", "seal:", "temperature:", "position:", "marks:", "second:", "identity:"} {
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%s is not named in: %v", field, err)
			}
		}
		r := b.whole()
		r.Codes = r.Codes[:1]
		if _, err := b.desk.Give(t.Context(), actor, r); err == nil || !strings.Contains(err.Error(), "W1") {
			t.Errorf("a package that was not scanned: %v", err)
		}
		for what, change := range map[string]func(*proof.Request){
			"codes.0":  func(r *proof.Request) { r.Codes[0] = "]C100" + sscc[:17] + "9" },
			"second":   func(r *proof.Request) { r.Second = r.To },
			"marks.0":  func(r *proof.Request) { r.Marks = []fact.Mark{{Kind: "photo", Where: "https://x.example/a?name=Jane"}} },
			"at":       func(r *proof.Request) { r.At = b.Now() + 3_600_000 },
			"identity": func(r *proof.Request) { r.Identity = &fact.Identity{Kind: "passport", Result: "C01X00T47"} },
			"to":       func(r *proof.Request) { r.To, r.Role = "nobody", "clinic" },
		} {
			r := b.whole()
			change(&r)
			if _, err := b.desk.Give(t.Context(), actor, r); err == nil || !strings.HasPrefix(err.Error(), what) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if b.Log.Last() != last {
			t.Errorf("what was refused has written %d events", b.Log.Last()-last)
		}
	})
}

func TestWhatDoesNotMatchIsRefusedAndShown(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		ctx := t.Context()
		for why, change := range map[string]func(*proof.Request){
			"other_package":        func(r *proof.Request) { r.Codes = append(r.Codes, "W2") },
			"other_recipient":      func(r *proof.Request) { r.To = "pt_000000ffff" },
			"identity_not_matched": func(r *proof.Request) { r.Identity.Result = "not_matched" },
			"held":                 func(r *proof.Request) {},
		} {
			if why == "held" {
				continue
			}
			r := b.whole()
			change(&r)
			for range 2 {
				if _, err := b.desk.Give(ctx, actor, r); !errors.Is(err, record.ErrRefused) {
					t.Errorf("%s: %v", why, err)
				}
			}
		}
		_, err := b.Dispatch.Hold(ctx, actor, "", fact.StopHeld{ID: "h1", Route: "R1", Stop: "s1", Held: true, Cause: "looked warm"})
		b.must(err)
		if _, err := b.desk.Give(ctx, actor, b.whole()); !errors.Is(err, record.ErrRefused) || !strings.Contains(err.Error(), "looked warm") {
			t.Errorf("a held stop: %v", err)
		}
		events, err := b.Log.Stream(ctx, "shipment/SH1", 0, 100)
		b.must(err)
		shown := map[string]int{}
		for _, e := range events {
			if e.Type == fact.ProofWasRefused {
				v, err := fact.Decode(e.Type, e.Data)
				b.must(err)
				shown[v.(*fact.ProofRefused).Why]++
			}
		}
		for _, why := range fact.Refusals {
			if shown[why] != 1 {
				t.Errorf("%s is shown %d times; want once", why, shown[why])
			}
		}
		_, err = b.Dispatch.Hold(ctx, actor, "", fact.StopHeld{ID: "h2", Route: "R1", Stop: "s1"})
		b.must(err)
		if _, err := b.desk.Give(ctx, actor, b.whole()); err != nil {
			t.Errorf("let go, and all is well: %v", err)
		}
	})
}

func TestWhatWasProvenIsCompletedLater(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		b.broken = errors.New("the hub died here")
		if _, err := b.desk.Give(t.Context(), actor, b.whole()); err == nil {
			t.Fatal("no error")
		}
		b.broken = nil
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.desk.Follow(ctx) }()
		var r dispatch.Route
		for r.ID == "" || r.Visits()[0].Status != "completed" {
			select {
			case err := <-done:
				t.Fatalf("ended early: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
			var err error
			r, err = b.Dispatch.Leg(ctx, "R1")
			b.must(err)
		}
		if _, err := b.Custody.Statement(ctx, r.Visits()[0].Last.HandOver); err != nil {
			t.Error(err)
		}
		stop()
		b.must(<-done)
	})
}
