package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"frostline/hub/correlate"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

// steady is a history in which every sensor reads 5 °C each 10 s until now, but
// for the ten minutes from warm on, in which it reads 12 °C.
type steady struct{ now func() time.Time }

const warm = start - 90*60_000

func (s steady) Temperatures(_ context.Context, _, _ string, from, to int64, visit func(utc, value int64, ok, conflict bool) error) error {
	for at := (from + 9_999) / 10_000 * 10_000; at < min(to, s.now().UnixMilli()); at += 10_000 {
		value := int64(5000)
		if at >= warm && at < warm+600_000 {
			value = 12_000
		}
		if err := visit(at, value, true, false); err != nil {
			return err
		}
	}
	return nil
}

func (steady) UndatedTemperatures(context.Context, string, string) ([][2]int64, error) {
	return nil, nil
}

func (steady) Timeline(context.Context, string, uint32, uint32) (*truetime.Timeline, error) {
	return nil, nil
}

func (steady) Measured(string, uint32, uint32) (string, reading.Quantity, bool) { return "", 0, false }

func (steady) Replay(context.Context, int64, func(*batch.Batch) error) error { return nil }

func mountVerdicts(t testing.TB, db *store.DB, log *event.Log, now func() time.Time) *correlate.Engine {
	t.Helper()
	s := steady{now}
	e, err := correlate.New(t.Context(), correlate.Options{Store: db, Events: log, History: s, Series: s, Evidence: s, Now: now, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestVerdictsOverTheWire asks all there is about a package and its unit.
func TestVerdictsOverTheWire(t *testing.T) {
	db := openAt(t, storetest.SQLite(t))
	log, err := event.Open(t.Context(), event.Options{Store: db, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.UnixMilli(start + 86_400_000) }
	engine := mountVerdicts(t, db, log, now)
	h := newAPI(t, Config{Store: db, Verdicts: engine}).Handler()
	packed := now().UnixMilli() - 3_600_000
	p, err := thermal.Named("refrigerated")
	if err != nil {
		t.Fatal(err)
	}
	const unit = "00312345678906.S1"
	zone := fact.Ref{Kind: fact.Zone, ID: "cold-room"}
	pkg := fact.Ref{Kind: fact.Package, ID: "VP1"}
	_, err = log.Command(t.Context(), "person/ann", func(ctx context.Context, c event.Change) error {
		for _, n := range []event.New{
			{Type: fact.ProfileDefined, Stream: "profile/" + p.ID, Data: fact.ProfileRecord{Profile: p, From: packed - 1}},
			{Type: fact.ProductDefined, Stream: "product/drug", Data: fact.ProductRecord{ID: "drug", Name: "Drug", Profile: p.ID,
				Budgets: []thermal.Budget{{Name: "warm", Above: ptr(thermal.Temp(8000)), Allowed: 3_600_000, Source: "test"}}}},
			{Type: fact.UnitWasReceived, Stream: "unit/" + unit, Data: fact.UnitReceived{ID: unit, Product: "drug", GTIN: unit[:14], Serial: "S1", Lot: "L", Expiry: "2030-01-01"}},
			{Type: fact.PackageWasPacked, Stream: pkg.String(), Data: fact.PackagePacked{ID: pkg.ID, At: packed, Made: packed}},
			{Type: fact.WasAttached, Stream: "sensor/g1/s0", Data: fact.Attached{ID: "v1", Subject: fact.Ref{Kind: fact.Sensor, ID: "g1/s0"}, In: &zone, At: packed - 1, Made: packed, Via: "scan"}},
			{Type: fact.WasAttached, Stream: pkg.String(), Data: fact.Attached{ID: "v2", Subject: pkg, In: &zone, At: packed, Made: packed, Via: "scan"}},
			{Type: fact.WasAttached, Stream: "unit/" + unit, Data: fact.Attached{ID: "v3", Subject: fact.Ref{Kind: fact.Unit, ID: unit}, In: &pkg, At: packed, Made: packed, Via: "scan"}},
		} {
			n.Expect = -1
			if _, err := c.Append(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	get := func(path string, status int, into any) {
		t.Helper()
		res := ask(t, h, "reader", http.MethodGet, path, "")
		if res.Code != status {
			t.Fatalf("GET %s: %d %s, want %d", path, res.Code, res.Body, status)
		}
		if err := json.Unmarshal(res.Body.Bytes(), into); err != nil {
			t.Fatalf("GET %s: %v in %s", path, err, res.Body)
		}
	}
	var judged correlate.Judged
	get("/packages/VP1/verdict", 200, &judged)
	if len(judged.Judgements) != 1 || judged.Judgements[0].Verdict.Outcome != thermal.InRange || len(judged.Judgements[0].Units) != 1 {
		t.Errorf("verdict %+v", judged)
	}
	var told List[correlate.Revision]
	get("/packages/VP1/verdicts", 200, &told)
	if len(told.Items) != 1 || told.Items[0].Data.Revision != 1 {
		t.Errorf("verdicts %+v", told)
	}
	var state correlate.State
	get("/packages/VP1/state", 200, &state)
	if state.State != correlate.InRange || state.Temperature == nil || *state.Temperature != 5000 || state.Since != packed {
		t.Errorf("state %+v", state)
	}
	var chart correlate.Chart
	get("/packages/VP1/chart?buckets=10", 200, &chart)
	if len(chart.Min) == 0 || chart.Min[0] == nil || *chart.Min[0] != 5000 {
		t.Errorf("chart %+v", chart)
	}
	var watched List[correlate.State]
	get("/watch?state=in_range", 200, &watched)
	if len(watched.Items) != 1 || watched.Items[0].Package != "VP1" {
		t.Errorf("watch %+v", watched)
	}
	if get("/watch?state=unknown", 200, &watched); len(watched.Items) != 0 {
		t.Errorf("unknown ones %+v", watched)
	}
	var budget fact.UnitBudget
	get("/units/"+unit+"/budget", 200, &budget)
	if len(budget.Budgets) == 0 || budget.Budgets[0].Spent != 0 {
		t.Errorf("budget %+v", budget)
	}
	var problem Problem
	get("/packages/none/verdict", 404, &problem)
	get("/units/00312345678906.NONE/budget", 404, &problem)
	get("/packages/VP1/chart?profile=other", 404, &problem)
	get("/packages/VP1/chart?from=5&to=4", 422, &problem)
}

func ptr[T any](v T) *T { return &v }
