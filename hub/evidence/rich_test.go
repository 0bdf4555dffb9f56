package evidence_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/evidence/verify"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// Promise 5: both verifiers work out the same from what gateways and people
// told, whatever it was: several gateways and epochs, boots that nobody dates,
// silences, bad readings and holes, corrections of corrections, withdrawals,
// certificates, units that change packages, budgets, open packages, and blocks
// that were not signed.
func TestPromise5BothJudgeAlike(t *testing.T) {
	seeds := 16
	if testing.Short() {
		seeds = 4
	}
	s := newSecond(t)
	outcomes, unsigned := map[string]int{}, 0
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 23))
		van, logger := newGateway("van-1"), newGateway("log-1")
		h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, van, logger)
		end := start
		for _, g := range []*gateway{van, logger} {
			end = max(end, live(h, g, rng))
		}
		end = max(end, h.goOn(van, rng))
		w := &telling{h: h, rng: rng, end: end, told: map[fact.Ref][]string{}}
		w.world()
		for _, o := range []verify.Options{{Key: h.ledger.Key()}, {Key: h.ledger.Key(), AllowUnsigned: true}} {
			r := s.check(fmt.Sprint("seed ", seed), h.bundleOf("S1"), o)
			if o.AllowUnsigned && !r.Holds {
				t.Fatalf("seed %d: %v", seed, r.Problems)
			}
			for _, v := range r.Verdicts {
				outcomes[v.Outcome]++
				if v.Signed != nil {
					unsigned++
				}
			}
		}
		h.stop()
	}
	t.Logf("%v, of which %d rest on unsigned blocks", outcomes, unsigned)
	if !testing.Short() && (len(outcomes) < 2 || unsigned == 0) {
		t.Error("the worlds are too much alike")
	}
}

// goOn sends blocks of a gateway's last epoch that are not signed, at times.
func (h *hub) goOn(g *gateway, rng *rand.Rand) int64 {
	if rng.IntN(2) == 0 {
		return 0
	}
	from := len(g.raws) + 1
	for range 1 + rng.IntN(40) {
		g.keepSome(rng, nil)
	}
	g.keep([]int64{5000, 50_000}, g.anchor())
	h.put(g, from, len(g.raws))
	return g.began + g.tick
}

// telling tells a hub a story of packages P0 to P2.
type telling struct {
	h    *hub
	rng  *rand.Rand
	end  int64
	told map[fact.Ref][]string // statements about a subject
	n    int
}

// at is an instant of the story; many are the same.
func (w *telling) at() int64 {
	span := w.end - start
	if w.rng.IntN(3) == 0 {
		return start + span*w.rng.Int64N(8)/8
	}
	return start + w.rng.Int64N(span+1)
}

func (w *telling) tell(stream, typ string, data any) {
	w.h.tell(event.New{Stream: stream, Type: typ, Data: data})
}

// place states where something is; corrects or withdraws what was stated before
// at times, or what was never stated.
func (w *telling) place(subject fact.Ref, in *fact.Ref) {
	w.n++
	a := fact.Attached{ID: fmt.Sprint("a", w.n), Subject: subject, In: in, At: w.at(), Via: "scan", Made: w.at(), Rank: w.rng.IntN(3)}
	if known := w.told[subject]; len(known) > 0 && w.rng.IntN(4) == 0 {
		a.Corrects, a.Withdrawn = pick(w.rng, known...), w.rng.IntN(4) == 0
	} else if w.rng.IntN(20) == 0 {
		a.Corrects = "never-told"
	}
	w.told[subject] = append(w.told[subject], a.ID)
	w.tell(subject.String(), fact.WasAttached, a)
}

func (w *telling) world() {
	zone, compartment, tote := ref(fact.Zone, "z"), ref(fact.Compartment, "c"), ref(fact.Tote, "t")
	logger, van, probe := ref(fact.Logger, "l"), ref(fact.Sensor, "van-1/t"), ref(fact.Sensor, "log-1/t")
	w.records()
	packages := []fact.Ref{ref(fact.Package, "P0"), ref(fact.Package, "P1"), ref(fact.Package, "P2")}
	for _, p := range packages {
		shipment := "S1"
		if p.ID == "P0" {
			shipment = "S0"
		}
		w.tell(p.String(), fact.PackageWasPacked, fact.PackagePacked{ID: p.ID, Shipment: shipment, At: w.at(), Made: start, Profile: pick(w.rng, "", "A", "B", "none"), Version: w.rng.IntN(2)})
		if w.rng.IntN(4) == 0 {
			w.tell(p.String(), fact.PackageWasPacked, fact.PackagePacked{ID: p.ID, Shipment: shipment, At: w.at(), Made: start + w.rng.Int64N(3) - 1, Profile: "A"})
		}
	}
	for range 3 {
		w.place(van, pick(w.rng, &zone, &compartment, &compartment, &tote, nil))
		w.place(probe, pick(w.rng, &logger, &logger, &compartment))
		w.place(logger, pick(w.rng, &tote, &packages[0], &packages[1], &packages[2]))
		w.place(tote, pick(w.rng, &zone, &compartment, nil))
		for _, p := range packages {
			w.place(p, pick(w.rng, &zone, &compartment, &compartment, &tote, &tote, nil))
		}
	}
	for i := range 5 {
		u := ref(fact.Unit, fmt.Sprintf("00312345678906.S%d", i))
		if i < 4 {
			r := fact.UnitReceived{ID: u.ID, Product: pick(w.rng, "alpha", "beta", "gamma", "none"), GTIN: "00312345678906", Serial: fmt.Sprint("S", i), Lot: "L", Expiry: "2027-01-01"}
			for range w.rng.IntN(3) {
				r.Spent = append(r.Spent, fact.Spent{Budget: pick(w.rng, "p0", "d0", "d1", "unheard"), Duration: w.rng.Int64N(900_000), Source: "them"})
			}
			w.tell(u.String(), fact.UnitWasReceived, r)
		}
		for range 1 + w.rng.IntN(3) {
			w.place(u, pick(w.rng, &packages[0], &packages[1], &packages[1], &packages[2], nil))
		}
	}
	for _, p := range packages {
		if w.rng.IntN(3) > 0 {
			w.tell(p.String(), fact.PackageWasClosed, fact.PackageClosed{ID: p.ID, How: "delivered", At: w.at(), Made: start})
			if w.rng.IntN(4) == 0 {
				w.tell(p.String(), fact.PackageWasClosed, fact.PackageClosed{ID: p.ID, At: w.at(), Made: start + 1, Reopen: true})
			}
		}
	}
	w.h.judgeAll(pick(w.rng, w.end, time.Now().UnixMilli()), "P1", "P2")
}

// records are profiles, products, sensors and certificates, some told twice.
func (w *telling) records() {
	at := func() thermal.Temp { return thermal.Temp(w.rng.IntN(12_000) - 1000) }
	for _, id := range []string{"A", "B"} {
		for range 1 + w.rng.IntN(3) {
			r := fact.ProfileRecord{Profile: anyProfile(w.rng, id)}
			if w.rng.IntN(2) == 0 {
				r.From = w.at()
			}
			w.tell("profile/"+id, fact.ProfileDefined, r)
		}
	}
	for _, id := range []string{"alpha", "beta", "gamma"} {
		for range 1 + w.rng.IntN(2) {
			w.tell("product/"+id, fact.ProductDefined, fact.ProductRecord{ID: id, Name: id, Profile: pick(w.rng, "A", "B"), Budgets: anyBudgets(w.rng, "d", at), Activation: pick[int64](w.rng, 0, 0, 70_000)})
		}
	}
	for i, sensor := range []string{"van-1/t", "log-1/t", "van-1/t", "log-1/t"} {
		if w.rng.IntN(2) == 0 {
			w.tell("sensor/"+sensor, fact.SensorDefined, fact.SensorRecord{ID: sensor, Name: "n", Accuracy: pick[thermal.Temp](w.rng, 0, 200, 500, 900)})
		}
		id := fmt.Sprint("cert-", i%3)
		w.tell("calibration/"+id, fact.CalibrationDefined, fact.CalibrationRecord{ID: id, Sensor: sensor, Lab: "lab", From: w.at(), Until: w.at(), Accuracy: pick[thermal.Temp](w.rng, 0, 200, 500, 900)})
	}
}

// Promise 5: what a hub logs and proves in a form of its own is told alike, and
// not read by one verifier in one way and by the other in another.
func TestPromise5BothReadAlike(t *testing.T) {
	s := newSecond(t)
	place := map[string]any{"kind": "compartment", "id": "van-1-a"}
	attached := func(id string, change func(map[string]any)) map[string]any {
		m := map[string]any{"id": id, "subject": map[string]any{"kind": "package", "id": "P1"}, "in": place, "at": start + 2_000_000, "via": "scan", "made": start}
		change(m)
		return m
	}
	for _, c := range []struct {
		what, typ, stream string
		data              any
		field             string
	}{
		{"a field of its own", fact.WasAttached, "package/P1", attached("x1", func(m map[string]any) { m["more"] = 1 }), "data"},
		{"names in capitals", fact.WasAttached, "package/P1", attached("x2", func(m map[string]any) { delete(m, "at"); m["AT"] = start }), "data"},
		{"nothing in place of a field", fact.WasAttached, "package/P1", attached("x3", func(m map[string]any) { m["note"] = nil }), "data"},
		{"an empty field", fact.WasAttached, "package/P1", attached("x4", func(m map[string]any) { m["note"] = "" }), "data"},
		{"text with what JSON escapes", fact.WasAttached, "package/P1", attached("x5", func(m map[string]any) { m["note"] = "<&>\u2028\x01\"\\\U0001F9CA" }), "*"},
		{"a type of its own", "custody.dreamt", "package/P1", map[string]any{"x": nil}, "*"},
		{"a profile that cannot be", fact.ProfileDefined, "profile/fridge", map[string]any{"profile": map[string]any{
			"id": "fridge", "version": 2, "name": "", "source": "", "limits": []any{}, "activation": 0, "longestGap": 0}}, ""},
		{"a watch that ends in another age", fact.PackageWasClosed, "package/P1", map[string]any{"id": "P1", "at": int64(9e15), "made": start + 4_000_000}, "*"},
		{"a package of another time", fact.PackageWasPacked, "package/P1", map[string]any{"id": "P1", "shipment": "S1", "at": int64(-9e15), "made": start + 2_000_000}, ""},
	} {
		g := newGateway("van-1")
		h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
		ship(h, g)
		h.tell(event.New{Stream: c.stream, Type: c.typ, Data: c.data}, event.New{Stream: "shipment/S1", Type: fact.ShipmentWasPlanned, Data: fact.ShipmentPlanned{ID: "S1"}})
		r := s.check(c.what, h.bundleOf("S1"), verify.Options{Key: h.ledger.Key()})
		t.Logf("%s: %v", c.what, r.Problems)
		if r.Holds != (c.field == "*") || !r.Holds && c.field != "?" && r.Problems[0].Field != c.field {
			t.Errorf("%s: it holds: %t, %v", c.what, r.Holds, r.Problems)
		}
		h.stop()
	}
}
