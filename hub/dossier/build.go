package dossier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/correlate"
	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/proto/thermal"
)

const (
	chartColumns = 240
	mostPackages = 200 // of a shipment in one dossier
	mostUnits    = 2000
	mostSteps    = 1000
	page         = 500

	year         = 365 * 24 * 3_600_000 // ms that custody tells of at once
	longestWatch = 10 * year            // of an open package
)

// Shipment tells of a shipment and all its packages.
func (b *Builder) Shipment(ctx context.Context, id string) (*Shipment, error) {
	plan, err := b.Orders.Shipment(ctx, id)
	if err != nil {
		return nil, b.explain("shipment "+id, err)
	}
	progress := plan.Progress()
	s := &Shipment{ID: plan.ID, Order: plan.Order, From: plan.From, To: plan.To, Carrier: plan.Carrier, Status: progress.Status, ETA: progress.ETA}
	packages, err := b.Orders.Packages(ctx, id, "", "", mostPackages+1)
	if err != nil {
		return nil, fmt.Errorf("packages of shipment %s: %w", id, err)
	}
	if len(packages) > mostPackages {
		return nil, fmt.Errorf("shipment %s has more than %d packages: ask for each package by itself", id, mostPackages)
	}
	last := int64(0)
	for _, k := range packages {
		p, err := b.tell(ctx, k, &last)
		if err != nil {
			return nil, err
		}
		s.Packages = append(s.Packages, p)
	}
	if s.AsOf, err = b.asOf(ctx, plan.ID, s.Packages, last); err != nil {
		return nil, err
	}
	return s, nil
}

// Package tells of one package.
func (b *Builder) Package(ctx context.Context, id string) (Package, error) {
	k, err := b.Orders.Package(ctx, id)
	if err != nil {
		return Package{}, b.explain("package "+id, err)
	}
	var last int64
	return b.tell(ctx, k, &last)
}

func (b *Builder) tell(ctx context.Context, k orders.Package, last *int64) (Package, error) {
	p := Package{ID: k.ID, Shipment: shipmentOf(k), Packed: k.At}
	if k.Closed != nil {
		p.Closed, p.How = k.Closed.At, k.Closed.How
	}
	if p.Shipment != "" {
		s, err := b.Orders.Shipment(ctx, p.Shipment)
		if err != nil && !errors.Is(err, record.ErrNotFound) {
			return Package{}, fmt.Errorf("shipment of package %s: %w", p.ID, err)
		}
		p.Order = s.Order
	}
	columns := cmp.Or(b.Columns, chartColumns)
	for _, part := range []struct {
		what string
		do   func() error
	}{
		{"judgements", func() (err error) { p.Judgements, err = b.judge(ctx, p.ID, columns); return err }},
		{"units", func() error { return b.units(ctx, &p) }},
		{"whereabouts", func() error { return b.whereabouts(ctx, &p) }},
		{"custody", func() error { return b.custody(ctx, &p) }},
		{"verdicts", func() error { return b.revisions(ctx, &p, last) }},
		{"cases", func() error { return b.cases(ctx, &p, last) }},
	} {
		if err := part.do(); err != nil {
			return Package{}, fmt.Errorf("%s of package %s: %w", part.what, p.ID, err)
		}
	}
	return p, nil
}

// shipmentOf is the shipment that a package belongs to in the end.
func shipmentOf(k orders.Package) string { return k.ShipmentAt(fact.Latest) }

func (b *Builder) units(ctx context.Context, p *Package) error {
	to := p.Closed
	if to == 0 {
		to = p.Packed + longestWatch
	}
	var ids []string
	for from := p.Packed; from < to; from += year {
		stays, err := b.Places.Stays(ctx, fact.Ref{Kind: fact.Package, ID: p.ID}, from, min(from+year, to))
		if err != nil {
			return err
		}
		for _, s := range stays {
			if s.Subject.Kind == fact.Unit {
				ids = append(ids, s.Subject.ID)
			}
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	ids = ids[:min(len(ids), mostUnits)]
	for _, id := range ids {
		u := Unit{ID: id}
		known, err := b.Orders.Unit(ctx, id)
		switch {
		case err == nil:
			u.Product, u.Lot, u.Expiry = known.Product, known.Lot, known.Expiry
		case !errors.Is(err, record.ErrNotFound):
			return err
		}
		budget, err := b.Verdicts.Budget(ctx, id)
		if err != nil && !errors.Is(err, correlate.ErrUnknown) && !errors.Is(err, correlate.ErrNotJudged) {
			return err
		}
		u.Budgets, u.Unmonitored = budget.Budgets, budget.Unmonitored
		p.Units = append(p.Units, u)
	}
	return nil
}

func (b *Builder) whereabouts(ctx context.Context, p *Package) error {
	w, err := b.Places.Whereabouts(ctx, fact.Ref{Kind: fact.Package, ID: p.ID}, 0, 0)
	if err != nil {
		return err
	}
	told := map[string]timeline.Told{}
	for _, t := range w.Statements {
		told[t.ID] = t
	}
	for _, i := range w.Intervals {
		a := Attachment{From: i.From, To: i.To, Statement: i.Statement}
		if i.To == timeline.Open {
			a.To = 0
		}
		if i.In != nil {
			a.In = i.In.String()
		}
		if t, ok := told[i.Statement]; ok {
			a.Via, a.Corrected = t.Via, t.Corrects != ""
		}
		p.Attachments = append(p.Attachments, a)
	}
	return nil
}

func (b *Builder) custody(ctx context.Context, p *Package) error {
	c, err := b.Places.Chain(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, h := range c.Holds {
		o := h.Handover
		if o.NoPosition != "" { // it is said where the position would be
			h.Flags = slices.DeleteFunc(slices.Clone(h.Flags), func(flag string) bool { return flag == "no position: "+o.NoPosition })
		}
		p.Custody = append(p.Custody, Custody{At: h.From, From: o.From, To: h.Party, Role: h.Role, Seal: o.Seal, Temperature: o.Temperature,
			Position: o.Position, NoPosition: o.NoPosition, Flags: h.Flags})
	}
	return nil
}

// revisions reads the verdicts that were stated of a package.
func (b *Builder) revisions(ctx context.Context, p *Package, last *int64) error {
	return b.stream(ctx, fact.Ref{Kind: fact.Package, ID: p.ID}.String(), last, func(e event.Event) error {
		if e.Type != fact.VerdictWasRevised {
			return nil
		}
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return err
		}
		r := v.(*fact.VerdictRevised)
		p.Revisions = append(p.Revisions, Revision{At: e.At, Profile: r.Profile, Version: r.Version, Revision: r.Revision,
			Outcome: r.Verdict.Outcome, Digest: r.Digest, Cause: r.Cause})
		return nil
	})
}

// stream reads all events of a stream, and notes the last position.
func (b *Builder) stream(ctx context.Context, name string, last *int64, each func(event.Event) error) error {
	for after := int64(0); ; {
		events, err := b.Events.Stream(ctx, name, after, page)
		if err != nil {
			return err
		}
		for _, e := range events {
			*last = max(*last, e.Position)
			if err := each(e); err != nil {
				return err
			}
			after = e.Version
		}
		if len(events) < page {
			return nil
		}
	}
}

func (b *Builder) cases(ctx context.Context, p *Package, last *int64) error {
	for after := ""; ; {
		list, err := b.Cases.List(ctx, excursion.Filter{Package: p.ID}, after, page)
		if err != nil {
			return err
		}
		for _, v := range list {
			c, err := b.caseOf(ctx, v, last)
			if err != nil {
				return err
			}
			p.Cases = append(p.Cases, c)
			after = v.ID
		}
		if len(list) < page {
			break
		}
	}
	slices.SortStableFunc(p.Cases, func(a, c Case) int { return strings.Compare(a.ID, c.ID) })
	for i := range p.Cases {
		p.Cases[i].Live = p.live(&p.Cases[i].Facts)
	}
	return nil
}

// live finds the event of a case that goes on among those that are known now.
func (p *Package) live(f *fact.ExcursionFacts) *thermal.Event {
	if f.Kind != fact.BrokenLimit || f.Ended != thermal.Ongoing || f.Retracted {
		return nil
	}
	for i := range p.Judgements {
		j := &p.Judgements[i]
		if j.Profile.ID != f.Profile || j.Profile.Version != f.Version || j.Product != f.Product {
			continue
		}
		for k := range j.Verdict.Excursions {
			if e := &j.Verdict.Excursions[k]; e.Limit == f.Limit && e.From == f.From {
				return e
			}
		}
	}
	return nil
}

// Case tells of a case, and of its package.
func (b *Builder) Case(ctx context.Context, id string) (Case, Package, error) {
	v, err := b.Cases.Get(ctx, id)
	if err != nil {
		return Case{}, Package{}, b.explain("excursion "+id, err)
	}
	p, err := b.Package(ctx, v.Facts.Package)
	if err != nil {
		return Case{}, Package{}, err
	}
	for _, c := range p.Cases {
		if c.ID == id {
			return c, p, nil
		}
	}
	return Case{}, Package{}, fmt.Errorf("excursion %s: %w", id, ErrNotFound)
}

func (b *Builder) caseOf(ctx context.Context, v excursion.View, last *int64) (Case, error) {
	c := Case{ID: v.ID, State: string(v.State), Facts: v.Facts, Digest: v.Digest, Place: v.Place, Assessment: v.Assessment, Dispositions: v.Proposal}
	for _, s := range v.Signed {
		signature := Signature{Signature: s.Signature, Valid: s.Standing == "valid"}
		if !signature.Valid {
			signature.Detail = s.Standing
			if s.Standing == "no longer matches" {
				signature.Detail = "what was signed has changed since"
			}
		}
		c.Signatures = append(c.Signatures, signature)
	}
	events, err := b.Cases.Trail(ctx, v.ID, 0, mostSteps)
	if err != nil {
		return c, err
	}
	for _, e := range events {
		*last = max(*last, e.Position)
		c.Steps = append(c.Steps, stepOf(e))
	}
	return c, nil
}

// asOf finds when the last event that a dossier tells of was recorded.
func (b *Builder) asOf(ctx context.Context, shipment string, _ []Package, last int64) (AsOf, error) {
	if err := b.stream(ctx, fact.Ref{Kind: fact.Shipment, ID: shipment}.String(), &last, func(event.Event) error { return nil }); err != nil {
		return AsOf{}, err
	}
	if last == 0 {
		return AsOf{}, nil
	}
	events, err := b.Events.Read(ctx, last-1, 1)
	if err != nil || len(events) == 0 {
		return AsOf{Position: last}, err
	}
	return AsOf{Position: last, At: events[0].At}, nil
}

// explain makes the contexts' words for what is not there one.
func (b *Builder) explain(what string, err error) error {
	if errors.Is(err, record.ErrNotFound) || errors.Is(err, excursion.ErrNotFound) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return fmt.Errorf("%s: %w", what, err)
}
