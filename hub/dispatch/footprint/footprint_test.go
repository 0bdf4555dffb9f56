package footprint_test

import (
	"context"
	"strings"
	"testing"

	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/footprint"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
)

func TestFiguresNameTheirSources(t *testing.T) {
	ctx := t.Context()
	b := dispatchtest.New(t, storetest.Open(t, storetest.SQLite(t)))
	b.Stock(t)
	plan := b.Round()
	if _, err := b.Dispatch.Route(ctx, "person/test", "", plan, 0); err != nil {
		t.Fatal(err)
	}
	o := footprint.Options{Dispatch: b.Dispatch, Road: road.Estimate{}, Site: func(context.Context, string) (*fact.Position, error) {
		return &fact.Position{Latitude: 406_500_000, Longitude: -740_000_000}, nil
	}}
	m, err := footprint.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.Of(ctx, "R1")
	if err != nil {
		t.Fatal(err)
	}
	// 5.6 km to the first, 11.1 km to the next and back, by detours.
	if f.Metres < 28_000 || f.Metres > 45_000 || !f.Estimated || f.Basis != "estimate" {
		t.Errorf("%+v", f)
	}
	if want := (f.Metres*25023 + 50_000_000/1000) / 100_000; f.Grams == nil || *f.Grams < want-1 || *f.Grams > want+1 || !strings.Contains(f.Factor.Source, "2024") || *f.PerStop != *f.Grams/3 {
		t.Errorf("%+v, want about %d g", f, want)
	}
	o.Site = func(context.Context, string) (*fact.Position, error) { return nil, nil }
	if m, err = footprint.New(o); err != nil {
		t.Fatal(err)
	}
	if f, err = m.Of(ctx, "R1"); err != nil || f.Grams != nil || f.Left != 1 || f.Unknown == "" {
		t.Errorf("where it sets out is not known: %+v, %v", f, err)
	}
	for _, bad := range []footprint.Factors{{"horse": {1, "x"}}, {"van": {-1, "x"}}, {"van": {200, ""}}} {
		o.Factors = bad
		if _, err := footprint.New(o); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
