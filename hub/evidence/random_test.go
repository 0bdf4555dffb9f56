package evidence_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"frostline/hub/event"
	"frostline/hub/evidence/verify"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// TestRandomShipmentsVerify: whatever happened to gateways and packages, what
// the hub works out from its history is what a bundle gives. Boots without
// anchors, epochs, silences, bad readings, blocks that never came, corrections,
// loggers and totes.
func TestRandomShipmentsVerify(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 17))
			van, logger := newGateway("van-1"), newGateway("log-1")
			h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, van, logger)
			end := start
			for _, g := range []*gateway{van, logger} {
				end = max(end, live(h, g, rng))
			}
			story(h, rng, end)
			h.judge("P1")
			r := newSecond(t).check("random", h.bundleOf("S1"), verify.Options{Key: h.ledger.Key(), AllowUnsigned: true})
			if !r.Holds {
				t.Fatalf("problems: %v", r.Problems)
			}
			t.Logf("%+v %s", r.Counts, r.Verdicts[0].Outcome)
		})
	}
}

// live plays the life of a gateway, and gives when it ended.
func live(h *hub, g *gateway, rng *rand.Rand) (end int64) {
	utc := start
	epochs := 1 + rng.IntN(2)
	for e := range epochs {
		if e > 0 {
			*g = gateway{id: g.id, epoch: g.epoch + 1, key: g.key, heads: []chain.Head{chain.Genesis(g.id, g.epoch+1)}}
		}
		g.boot = 0
		for range 1 + rng.IntN(4) {
			g.boot++
			g.tick, g.began = 0, utc+rng.Int64N(400_000)
			dated := rng.IntN(4) > 0
			lie := [5]int64{}
			if rng.IntN(3) == 0 {
				lie[1+rng.IntN(4)] = 3_600_000 * (1 + rng.Int64N(3))
			}
			first := true
			for range 10 + rng.IntN(120) {
				if rng.IntN(25) == 0 {
					g.tick += rng.Int64N(900_000) // silence
				}
				var events []*pb.Event
				if first && g.boot == 1 {
					events = append(events, declare(0, "t", reading.Temperature), declare(1, "h", reading.Humidity))
				}
				if dated && (first && rng.IntN(2) == 0 || rng.IntN(15) == 0) {
					events = append(events, g.anchorOf(rng, lie))
				}
				first = false
				g.keepSome(rng, events)
			}
			utc = g.began + g.tick
		}
		h.deliver(g, rng)
	}
	return utc
}

// keepSome keeps a block with a good, bad or missing reading.
func (g *gateway) keepSome(rng *rand.Rand, events []*pb.Event) {
	g.tick += 10_000
	b := &block.Block{Number: uint64(len(g.raws)) + 1, Before: g.count, Boot: g.boot}
	if rng.IntN(15) > 0 {
		r := reading.Reading{Tick: g.tick, Value: 4000 + rng.Int64N(6000)}
		if rng.IntN(12) == 0 {
			r.Quality, r.Value = reading.NoAnswer, 0
		}
		b.Readings = append(b.Readings, r, reading.Reading{Series: 1, Tick: g.tick, Value: 50_000})
	}
	for _, e := range events {
		raw, err := block.EncodeEvent(e)
		if err != nil {
			panic(err)
		}
		b.Events = append(b.Events, raw)
	}
	g.keepBlock(b)
}

// deliver sends an epoch's blocks, at times with a hole that is never filled.
func (h *hub) deliver(g *gateway, rng *rand.Rand) {
	n := len(g.raws)
	hole := 0
	if rng.IntN(3) == 0 && n > 40 {
		hole = 20 + rng.IntN(n-30)
	}
	for from := 1; from <= n; {
		to := min(from+20+rng.IntN(40), n)
		if hole >= from && hole <= to {
			if hole > from {
				h.put(g, from, hole-1)
			}
			from = hole + 1
			hole = 0
			continue
		}
		h.put(g, from, to)
		if rng.IntN(3) > 0 || to == n {
			h.seal(g, to)
		}
		from = to + 1
	}
}

// story tells what happened to a package.
func story(h *hub, rng *rand.Rand, end int64) {
	temp := func(v thermal.Temp) *thermal.Temp { return &v }
	at := func(part float64) int64 { return start + int64(part*float64(end-start)) }
	place, tote, lg, pkg := ref(fact.Compartment, "van-1-a"), ref(fact.Tote, "T1"), ref(fact.Logger, "L1"), ref(fact.Package, "P1")
	unit := ref(fact.Unit, "00312345678906.S1")
	profile := thermal.Profile{ID: "fridge", Version: 1, Name: "2–8 °C", Source: "test", Low: temp(2000), High: temp(8000), LongestGap: 60_000 + rng.Int64N(300_000),
		Limits: []thermal.Limit{{Name: "high", Op: thermal.Above, At: 8000, Timer: thermal.Cumulative, Delay: 60_000, Severity: thermal.Alarm}}}
	packed, closed := at(0.1+0.3*rng.Float64()), at(0.6+0.5*rng.Float64())
	h.tell(
		event.New{Stream: "profile/fridge", Type: fact.ProfileDefined, Data: fact.ProfileRecord{Profile: profile}},
		event.New{Stream: "product/insulin", Type: fact.ProductDefined, Data: fact.ProductRecord{ID: "insulin", Name: "Insulin", Profile: "fridge",
			Budgets: []thermal.Budget{{Name: "warm", Above: temp(8000), Below: temp(25_000), Allowed: 3_600_000, Source: "maker"}}}},
		event.New{Stream: unit.String(), Type: fact.UnitWasReceived, Data: fact.UnitReceived{ID: unit.ID, Product: "insulin", GTIN: "00312345678906", Serial: "S1", Lot: "L1", Expiry: "2027-01-01"}},
		event.New{Stream: "shipment/S0", Type: fact.ShipmentWasPlanned, Data: fact.ShipmentPlanned{ID: "S0"}},
		event.New{Stream: "shipment/S1", Type: fact.ShipmentWasPlanned, Data: fact.ShipmentPlanned{ID: "S1"}},
		// An earlier leg of the unit, in another package.
		event.New{Stream: "package/P0", Type: fact.PackageWasPacked, Data: fact.PackagePacked{ID: "P0", Shipment: "S0", At: at(0.01), Made: at(0.01)}},
		attached("b1", ref(fact.Package, "P0"), place, at(0.02)),
		attached("b2", unit, ref(fact.Package, "P0"), at(0.02)),
		event.New{Stream: "package/P0", Type: fact.PackageWasClosed, Data: fact.PackageClosed{ID: "P0", How: "delivered", At: at(0.08), Made: at(0.08)}},
		event.New{Stream: pkg.String(), Type: fact.PackageWasPacked, Data: fact.PackagePacked{ID: "P1", Shipment: "S1", At: packed, Made: packed}},
		attached("b3", unit, pkg, packed),
		attached("c1", ref(fact.Sensor, "van-1/t"), place, at(0.2*rng.Float64())),
		attached("c2", ref(fact.Sensor, "log-1/t"), lg, at(0.2*rng.Float64())),
		attached("c3", lg, []fact.Ref{tote, pkg}[rng.IntN(2)], at(0.7*rng.Float64())),
		attached("c4", pkg, tote, at(0.1+0.4*rng.Float64())),
		attached("c5", tote, place, at(0.5*rng.Float64())),
		attached("c6", pkg, place, at(0.6+0.3*rng.Float64())),
		event.New{Stream: pkg.String(), Type: fact.PackageWasClosed, Data: fact.PackageClosed{ID: "P1", How: "delivered", At: closed, Made: closed}},
	)
	if rng.IntN(2) == 0 {
		fix := fact.Attached{ID: "c7", Subject: tote, In: &place, At: at(0.3 * rng.Float64()), Via: "statement", Made: end, Corrects: "c5"}
		h.tell(event.New{Stream: tote.String(), Type: fact.WasAttached, Data: fix})
	}
}
