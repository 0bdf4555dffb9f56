package main

import (
	"context"
	"errors"

	"frostline/hub/asset"
	"frostline/hub/catalog"
	"frostline/hub/custody"
	"frostline/hub/dispatch/footprint"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
)

// openAssets makes what tells of reusable boxes, and of the footprints of
// routes.
func (h *hub) openAssets(model *asset.Model, records *catalog.Model, router road.Router, site func(context.Context, string) (*fact.Position, error)) (err error) {
	c := &h.contexts
	if c.assets, err = asset.New(asset.Options{
		Log: c.events, Store: h.store, Model: model,
		Known: func(ctx context.Context, r fact.Ref) (retired, found bool, err error) {
			_, retired, found, err = records.Lookup(ctx, h.store, r)
			return retired, found, err
		},
		List: func(ctx context.Context, k fact.Kind, after string, limit int) (ids []string, err error) {
			list, err := c.catalog.List(ctx, k, catalog.Filter{}, after, limit)
			for _, e := range list {
				ids = append(ids, e.Ref.ID)
			}
			return ids, err
		},
		Where: func(ctx context.Context, r fact.Ref, at int64) (*fact.Ref, int64, error) {
			return c.custody.Where(ctx, h.store, r, at)
		},
		Used: c.used,
		Calibrated: func(ctx context.Context, r fact.Ref, at int64) (int64, error) {
			inside, err := c.custody.Contents(ctx, h.store, r, at)
			if err != nil {
				return 0, err
			}
			return c.calibrated(ctx, inside)
		},
	}); err != nil {
		return err
	}
	c.footprints, err = footprint.New(footprint.Options{Dispatch: c.dispatch, Site: site, Road: router, Factors: h.config.Footprint})
	return err
}

// used gives when a tote had a package in it, or a logger was in something.
func (c *contexts) used(ctx context.Context, r fact.Ref, from, to int64) (all []asset.Span, err error) {
	if r.Kind == fact.Logger {
		w, err := c.custody.Whereabouts(ctx, r, from, to)
		if err != nil && !errors.Is(err, custody.ErrNotFound) {
			return nil, err
		}
		for _, v := range w.Intervals {
			if v.In != nil {
				all = append(all, asset.Span{From: v.From, To: v.To})
			}
		}
		return all, nil
	}
	stays, err := c.custody.Stays(ctx, r, from, to)
	for _, s := range stays {
		if s.Subject.Kind == fact.Package {
			all = append(all, asset.Span{From: s.From, To: s.To})
		}
	}
	return all, err
}

// calibrated gives when the first of the last calibrations of sensors ends; 0
// where there is none.
func (c *contexts) calibrated(ctx context.Context, inside []fact.Ref) (first int64, err error) {
	for _, s := range inside {
		if s.Kind != fact.Sensor {
			continue
		}
		list, err := c.catalog.List(ctx, fact.Calibration, catalog.Filter{Field: "sensor", Value: s.ID}, "", 500)
		if err != nil {
			return 0, err
		}
		last := int64(0)
		for _, e := range list {
			r, err := e.Record()
			if err != nil {
				return 0, err
			}
			if cal, ok := r.(fact.CalibrationRecord); ok {
				last = max(last, cal.Until)
			}
		}
		if last > 0 && (first == 0 || last < first) {
			first = last
		}
	}
	return first, nil
}
