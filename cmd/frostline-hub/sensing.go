package main

import (
	"context"
	"errors"

	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/correlate/join"
	"frostline/hub/custody"
	"frostline/hub/custody/timeline"
	"frostline/hub/evidence/ledger"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/models"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/trace/provenance"
	"frostline/hub/trace/sensing"
)

// What sensing needs of the contexts that know what happened to packages.

// places tells where things were and who had them.
type places struct{ *custody.Custody }

func (p places) Intervals(ctx context.Context, subject fact.Ref) (where []timeline.Interval, ever []fact.Ref, err error) {
	w, err := p.Whereabouts(ctx, subject, 0, 0)
	if errors.Is(err, custody.ErrNotFound) {
		return nil, nil, nil
	}
	seen := map[fact.Ref]bool{}
	for _, s := range w.Statements {
		if s.In != nil && !seen[*s.In] {
			seen[*s.In] = true
			ever = append(ever, *s.In)
		}
	}
	return w.Intervals, ever, err
}

func (p places) Inside(ctx context.Context, thing fact.Ref, from, to int64) ([]timeline.Stay, error) {
	stays, err := p.Stays(ctx, thing, from, to)
	if errors.Is(err, custody.ErrNotFound) {
		return nil, nil
	}
	return stays, err
}

func (p places) Handovers(ctx context.Context, pkg string) (all []fact.HandedOver, err error) {
	chain, err := p.Chain(ctx, pkg)
	if errors.Is(err, custody.ErrNotFound) {
		return nil, nil
	}
	for _, h := range chain.Holds {
		all = append(all, h.Handover)
	}
	return all, err
}

// parcels tells of packages, and to which shipments they belonged.
type parcels struct {
	*orders.Orders
	model *orders.Model
	store *store.DB
}

func (p parcels) Parcel(ctx context.Context, id string) (sensing.Parcel, bool, error) {
	known, err := p.Package(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return sensing.Parcel{}, false, nil
	}
	if err != nil {
		return sensing.Parcel{}, false, err
	}
	assigned, err := p.model.Assignments(ctx, p.store, id)
	return sensing.Parcel{Packed: known.PackagePacked, Closed: known.Closed, Assigned: assigned}, true, err
}

func (p parcels) InShipment(ctx context.Context, shipment string) (ids []string, err error) {
	const page = 500
	for after := ""; ; {
		some, err := p.Packages(ctx, shipment, "", after, page)
		if err != nil {
			return nil, err
		}
		for i := range some {
			ids, after = append(ids, some[i].ID), some[i].ID
		}
		if len(some) < page {
			return ids, nil
		}
	}
}

// judges gives no judgement of what there is nothing to judge by.
type judges struct{ *correlate.Engine }

func (j judges) Judged(ctx context.Context, pkg string) ([]join.Judgement, error) {
	all, err := j.Verdicts(ctx, pkg)
	if errors.Is(err, correlate.ErrUnknown) || errors.Is(err, correlate.ErrNotJudged) {
		return nil, nil
	}
	return all, err
}

// decisions tells what people decided about excursions.
type decisions struct{ *excursion.Cases }

func (d decisions) Case(ctx context.Context, id string) (sensing.Case, bool, error) {
	v, err := d.Get(ctx, id)
	if errors.Is(err, excursion.ErrNotFound) {
		return sensing.Case{}, false, nil
	}
	return sensing.Case{State: string(v.State), Outcome: v.Outcome, Facts: v.Facts, Proposal: v.Proposal, Signatures: v.Signatures}, err == nil, err
}

func (d decisions) OfPackage(ctx context.Context, pkg string) (ids []string, err error) {
	all, err := d.List(ctx, excursion.Filter{Package: pkg}, "", 1000)
	for i := range all {
		ids = append(ids, all[i].ID)
	}
	return ids, err
}

// records gives what the registry says of a thing now.
type records struct {
	*catalog.Model
	store *store.DB
}

func (r records) Record(ctx context.Context, ref fact.Ref) (fact.Record, bool, error) {
	record, _, found, err := r.Lookup(ctx, r.store, ref)
	return record, found, err
}

// received gives what is known of a unit itself.
type received struct{ *orders.Orders }

func (r received) Unit(ctx context.Context, id string) (fact.UnitReceived, bool, error) {
	u, err := r.Orders.Unit(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return fact.UnitReceived{}, false, nil
	}
	return u.UnitReceived, err == nil, err
}

// logged finds domain events in the evidence log.
type logged struct{ *ledger.Ledger }

func (l logged) Logged(ctx context.Context, id string, position int64) (uint64, bool, error) {
	at, ok, err := l.Locate(ctx, ledger.Event, ledger.EventName(id, position))
	return at.Index, ok, err
}

// openSensing makes what states the hub's own facts in EPCIS.
func (h *hub) openSensing(m models.Models) (err error) {
	c, log := &h.contexts, h.log.With("part", "sensing")
	c.trace.sensing, err = sensing.New(sensing.Options{
		Store: h.store, Events: c.events, Repository: c.trace.repository, Base: h.config.Epcis.base(h.ca.Fingerprint()),
		Places: places{c.custody}, Orders: parcels{c.orders, m.Orders, h.store}, Verdicts: judges{c.correlate}, Cases: decisions{c.cases},
		Registry: records{m.Catalog, h.store}, Log: log,
	})
	c.trace.provenance = &provenance.Teller{Repository: c.trace.repository, Events: c.events, Log: logged{c.ledger}, Units: received{c.orders}}
	return err
}
