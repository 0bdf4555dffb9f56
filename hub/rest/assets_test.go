package rest

import (
	"context"
	"testing"

	"frostline/hub/asset"
	"frostline/hub/catalog"
	"frostline/hub/custody"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/footprint"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
)

// mountAssets makes what tells of assets and footprints.
func mountAssets(t testing.TB, w *world, m *asset.Model, cm *catalog.Model, c *custody.Custody, d Dispatch) (*asset.Desk, *footprint.Meter) {
	t.Helper()
	desk, err := asset.New(asset.Options{
		Log: w.log, Store: w.db, Model: m, Now: w.now,
		Known: func(ctx context.Context, r fact.Ref) (bool, bool, error) {
			_, retired, found, err := cm.Lookup(ctx, w.db, r)
			return retired, found, err
		},
		List: func(_ context.Context, k fact.Kind, after string, _ int) ([]string, error) {
			if k == fact.Tote && after == "" {
				return []string{"T1"}, nil
			}
			return nil, nil
		},
		Where: func(ctx context.Context, r fact.Ref, at int64) (*fact.Ref, int64, error) {
			return c.Where(ctx, w.db, r, at)
		},
		Used:       func(context.Context, fact.Ref, int64, int64) ([]asset.Span, error) { return nil, nil },
		Calibrated: func(context.Context, fact.Ref, int64) (int64, error) { return 0, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	meter, err := footprint.New(footprint.Options{Dispatch: d.(*dispatch.Dispatch), Road: road.Estimate{}, Site: func(context.Context, string) (*fact.Position, error) {
		return &fact.Position{Latitude: 406_500_000, Longitude: -740_000_000}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return desk, meter
}
