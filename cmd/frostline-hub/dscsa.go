package main

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/catalog"
	"frostline/hub/fact"
	"frostline/hub/health"
	"frostline/hub/models"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/responder"
	"frostline/hub/trace/form"
	"frostline/hub/trace/lookup"
)

// openDSCSA makes what keeps the duties of a trading partner.
func (h *hub) openDSCSA(m models.Models, urn form.Translator) (err error) {
	c, log := &h.contexts, h.log.With("part", "dscsa")
	d := dealings{c.catalog, c.orders}
	if c.trace.duties, err = dscsa.New(dscsa.Options{
		Config: h.config.DSCSA, Log: c.events, Store: h.store, Model: m.DSCSA, Repository: c.trace.repository,
		Products: d, Units: d, Shipments: d, URN: dscsa.Translator(urn), Logger: log,
	}); err != nil {
		return err
	}
	if c.trace.lookup, err = lookup.New(lookup.Options{Store: h.store, Model: m.Lookup, Documents: c.trace.duties, Products: d, Packages: d, Events: c.trace.repository}); err != nil {
		return err
	}
	c.trace.responder, err = responder.New(c.trace.duties, c.people, log)
	return err
}

// dealings tells the duties of products, units and shipments.
type dealings struct {
	catalog *catalog.Catalog
	orders  *orders.Orders
}

func (d dealings) ByGTIN(ctx context.Context, gtin string) (fact.ProductRecord, bool, error) {
	e, err := d.catalog.ByGTIN(ctx, gtin)
	if errors.Is(err, catalog.ErrNotFound) {
		return fact.ProductRecord{}, false, nil
	}
	if err != nil {
		return fact.ProductRecord{}, false, err
	}
	r, err := fact.DecodeRecord(fact.Product, e.Data)
	p, ok := r.(fact.ProductRecord)
	return p, ok, err
}

func (d dealings) Unit(ctx context.Context, id string) (fact.UnitReceived, bool, error) {
	u, err := d.orders.Unit(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return fact.UnitReceived{}, false, nil
	}
	return u.UnitReceived, err == nil, err
}

func (d dealings) Receive(ctx context.Context, actor, reason string, units []fact.UnitReceived) error {
	_, err := d.orders.Receive(ctx, actor, reason, units, 0)
	return err
}

func (d dealings) HasPackage(ctx context.Context, id string) (bool, error) {
	_, err := d.orders.Package(ctx, id)
	if errors.Is(err, record.ErrNotFound) || errors.Is(err, record.ErrInvalid) {
		return false, nil
	}
	return err == nil, err
}

const packagesOf = 500 // of a shipment, at a time

// Load gives a shipment as it left: at the first report that it is under way or
// beyond.
func (d dealings) Load(ctx context.Context, id string) (l dscsa.Load, found bool, err error) {
	s, err := d.orders.Shipment(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return l, false, nil
	}
	if err != nil {
		return l, false, err
	}
	l.Plan = s.ShipmentPlanned
	for _, r := range s.Reports {
		switch r.Status {
		case "dispatched", "in_transit", "arrived", "delivered":
			if l.Dispatched == 0 || r.At < l.Dispatched {
				l.Dispatched = r.At
			}
		}
	}
	for _, site := range []struct {
		id   string
		into *fact.SiteRecord
	}{{s.From, &l.From}, {s.To, &l.To}} {
		if site.id == "" {
			continue
		}
		e, err := d.catalog.Get(ctx, fact.Ref{Kind: fact.Site, ID: site.id})
		if err != nil {
			return l, false, fmt.Errorf("site %s: %w", site.id, err)
		}
		r, err := fact.DecodeRecord(fact.Site, e.Data)
		if err != nil {
			return l, false, err
		}
		*site.into, _ = r.(fact.SiteRecord)
	}
	if l.Dispatched == 0 {
		return l, true, nil
	}
	for after := ""; ; {
		part, err := d.orders.Packages(ctx, id, "", after, packagesOf)
		if err != nil {
			return l, false, err
		}
		for _, p := range part {
			after = p.ID
			if p.ShipmentAt(l.Dispatched) != id {
				continue
			}
			units, err := d.orders.Units(ctx, p.ID, l.Dispatched)
			if err != nil {
				return l, false, err
			}
			parcel := dscsa.Parcel{ID: p.ID, Packed: p.At}
			for _, u := range units {
				parcel.Units = append(parcel.Units, u.UnitReceived)
			}
			l.Parcels = append(l.Parcels, parcel)
		}
		if len(part) < packagesOf {
			return l, true, nil
		}
	}
}

// suspected says whether a case of suspect product is under way.
func (c *contexts) suspected(ctx context.Context, id string) (bool, error) {
	s, err := c.trace.duties.Suspicion(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return false, nil
	}
	return s.State == dscsa.Suspected || s.State == dscsa.Illegitimate, err
}

// dscsaPart tells how the duties under the DSCSA stand.
func (h *hub) dscsaPart(ctx context.Context) (health.Report, error) {
	s, err := h.contexts.trace.duties.Status(ctx)
	var p problems
	p.add(s.Overdue > 0, "%d trace requests were not answered within their deadline", s.Overdue)
	p.add(s.Late > 0, "FDA or partners were not told within 24 hours of %d cases of illegitimate product", s.Late)
	p.add(s.Untold > s.Late, "of %d cases of illegitimate product somebody has to be told yet", s.Untold-s.Late)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("dscsa_trace_requests", "Trace requests without an answer.", s.Open-s.Overdue, "state", "open"),
		gauge("dscsa_trace_requests", "Trace requests without an answer.", s.Overdue, "state", "overdue"),
		gauge("dscsa_suspects", "Cases of suspect product.", s.Proposed, "state", "proposed"),
		gauge("dscsa_suspects", "Cases of suspect product.", s.Suspect, "state", "suspect"),
		gauge("dscsa_suspects", "Cases of suspect product.", s.Untold, "state", "untold"),
		gauge("dscsa_exceptions", "Open exceptions between product and data.", s.Exceptions),
		gauge("dscsa_incomplete_statements", "Documents that lack something, or whose units were set aside.", s.Incomplete),
	}}, err
}
