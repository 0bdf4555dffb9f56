package asset_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"frostline/hub/asset"
	"frostline/hub/event"
	"frostline/hub/event/eventtest"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const hour = int64(3_600_000)

func TestOneBoxFromCleanToOverdue(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), int64(1_790_000_000_000)
		m := asset.NewModel()
		log, err := event.Open(ctx, event.Options{Store: db, Models: m.Models(), Log: storetest.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		tote := fact.Ref{Kind: fact.Tote, ID: "T1"}
		in := map[fact.Ref]fact.Ref{tote: {Kind: fact.Compartment, ID: "C1"}}
		used := []asset.Span{{now - 50*hour, now - 40*hour}, {now - 45*hour, now - 39*hour}, {now - 10*hour, now - 2*hour}}
		d, err := asset.New(asset.Options{
			Log: log, Store: db, Model: m, Now: func() time.Time { return time.UnixMilli(now) },
			Known: func(_ context.Context, r fact.Ref) (bool, bool, error) { return r.ID == "T8", r.ID != "T9", nil },
			List: func(_ context.Context, k fact.Kind, after string, limit int) ([]string, error) {
				if after == "" {
					return []string{"T1"}, nil
				}
				return nil, nil
			},
			Where: func(_ context.Context, r fact.Ref, at int64) (*fact.Ref, int64, error) {
				if to, ok := in[r]; ok {
					return &to, now - hour, nil
				}
				return nil, 0, nil
			},
			Used:       func(context.Context, fact.Ref, int64, int64) ([]asset.Span, error) { return used, nil },
			Calibrated: func(context.Context, fact.Ref, int64) (int64, error) { return now + 24*hour, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		must := func(a asset.Asset, err error) asset.Asset {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		a := must(d.Asset(ctx, tote))
		if a.Cycles != 2 || !a.Dirty || a.Overdue || a.LastUsed != now-2*hour || len(a.In) != 1 || a.Calibrated != now+24*hour {
			t.Errorf("%+v", a)
		}
		// Told late and twice: the last by its own time holds.
		must(d.Cleaned(ctx, "person/test", "", fact.AssetCleaned{ID: "c2", Asset: tote, At: now - hour}))
		must(d.Cleaned(ctx, "person/test", "", fact.AssetCleaned{ID: "c1", Asset: tote, At: now - 30*hour}))
		if a = must(d.Cleaned(ctx, "person/test", "", fact.AssetCleaned{ID: "c2", Asset: tote, At: now - hour})); a.Dirty || a.Cleaned != now-hour || a.Cleanings != 2 {
			t.Errorf("cleaned: %+v", a)
		}
		if a = must(d.Expect(ctx, "person/test", "", fact.AssetExpected{ID: "e1", Asset: tote, By: now - 1})); !a.Overdue {
			t.Errorf("expected and not back: %+v", a)
		}
		if list, err := d.Assets(ctx, fact.Tote, true, "", 10); err != nil || len(list) != 1 {
			t.Errorf("overdue: %v, %v", list, err)
		}
		in[tote] = fact.Ref{Kind: fact.Zone, ID: "Z1"}
		if a = must(d.Asset(ctx, tote)); a.Overdue {
			t.Errorf("back in its zone and overdue: %+v", a)
		}
		for want, r := range map[error]fact.Ref{record.ErrNotFound: {Kind: fact.Tote, ID: "T9"}, record.ErrInvalid: {Kind: fact.Vehicle, ID: "x"}, record.ErrRefused: {Kind: fact.Tote, ID: "T8"}} {
			if _, err := d.Cleaned(ctx, "person/test", "", fact.AssetCleaned{ID: "x", Asset: r, At: now}); !errors.Is(err, want) {
				t.Errorf("%s: %v; want %v", r, err, want)
			}
		}
	})
}

func TestTheModelIsDeterministic(t *testing.T) {
	tote := fact.Ref{Kind: fact.Tote, ID: "T1"}
	eventtest.Deterministic(t, func() []event.Model { return asset.NewModel().Models() }, []event.New{
		{Stream: tote.String(), Type: fact.AssetWasCleaned, Data: fact.AssetCleaned{ID: "a", Asset: tote, At: 1_790_000_000_000}},
		{Stream: tote.String(), Type: fact.AssetWasCleaned, Data: fact.AssetCleaned{ID: "b", Asset: tote, At: 1_780_000_000_000}},
		{Stream: tote.String(), Type: fact.AssetWasExpected, Data: fact.AssetExpected{ID: "c", Asset: tote, By: 1_790_000_000_000}},
	})
}
