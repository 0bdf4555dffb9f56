package dscsa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/statement"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

// Inquiry is a partner's request to verify a product identifier.
type Inquiry struct {
	Product   fact.ProductIdentifier
	Requester string // GLN; may be ""
	Context   string
	UUID      string // corrUUID; "" for one of the hub's own
}

// Verify answers whether a product identifier is that of a unit whose
// commissioning is known, by documents or captured events. Product that is
// suspect or illegitimate is not verified. Each answer is noted. It fails with
// record.ErrNotFound for a product that nothing is known of.
func (d *Desk) Verify(ctx context.Context, by string, q Inquiry) (vrs.Answer, error) {
	if err := vrs.Check(q.Product); err != nil {
		return vrs.Answer{}, record.Invalid(err)
	}
	if q.Context != "" && q.Context != vrs.Context {
		return vrs.Answer{}, record.Invalidf("context %q: want %s", q.Context, vrs.Context)
	}
	if q.UUID == "" {
		q.UUID = uuid.NewString()
	} else if err := uuid.Validate(q.UUID); err != nil || len(q.UUID) != 36 {
		return vrs.Answer{}, record.Invalidf("corrUUID %q: want a UUID", q.UUID)
	}
	now := d.o.Now()
	known, lot, expiry, err := d.born(ctx, q.Product)
	if err != nil {
		return vrs.Answer{}, err
	}
	if !known {
		if ok, err := d.dealsIn(ctx, q.Product.GTIN); err != nil || !ok {
			return vrs.Answer{}, errors.Join(err, notFound(ok, q.Product.GTIN))
		}
	}
	got := fact.VerificationAnswered{ID: q.UUID, Product: q.Product, Requester: q.Requester, Context: q.Context}
	got.Verified, got.Reason, got.Information = vrs.Judge(q.Product, known, lot, expiry, now)
	cases, err := d.o.Model.suspicions.Find(ctx, d.o.Store, "unit", unitID(q.Product.GTIN, q.Product.Serial), "", 100)
	if err != nil {
		return vrs.Answer{}, err
	}
	for _, c := range cases {
		if got.Verified {
			got.Verified, got.Reason = false, vrs.NotForRedistrib
		}
		if got.Information != vrs.Illegitimate {
			got.Information = map[string]string{Suspected: vrs.Suspect, Illegitimate: vrs.Illegitimate}[c.Doc.State]
		}
	}
	ref := fact.Ref{Kind: fact.Verification, ID: q.UUID}
	if err := d.command(ctx, by, "", func(ctx context.Context, ch event.Change) error {
		return add(ctx, ch, ref, fact.VerificationWasAnswered, "", got)
	}); err != nil {
		return vrs.Answer{}, err
	}
	return vrs.Answer{
		Timestamp: now.UTC().Format(time.RFC3339), Responder: d.o.Config.GLN, UUID: q.UUID,
		Data: vrs.Data{Verified: &got.Verified, Reason: got.Reason, Information: got.Information},
	}, nil
}

func notFound(ok bool, gtin string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("gtin %q: %w: this company does not deal in it", gtin, record.ErrNotFound)
}

// dealsIn says whether anything is known of a GTIN.
func (d *Desk) dealsIn(ctx context.Context, gtin string) (bool, error) {
	if _, found, err := d.o.Products.ByGTIN(ctx, gtin); err != nil || found {
		return found, err
	}
	found, err := itemsAbout(ctx, d.o.Store, fact.TraceAbout{GTIN: gtin}, 1)
	return len(found) > 0, err
}

// Deals fails with record.ErrNotFound for a GTIN that nothing is known of, and
// else gives the GLN of the company that answers for it.
func (d *Desk) Deals(ctx context.Context, gtin string) (responder string, err error) {
	ok, err := d.dealsIn(ctx, gtin)
	if err == nil {
		err = notFound(ok, gtin)
	}
	return d.o.Config.GLN, err
}

// born finds lot and expiry of a serial as its commissioning says them: in a
// document of a partner, or else in an event that was captured.
func (d *Desk) born(ctx context.Context, p fact.ProductIdentifier) (known bool, lot, expiry string, err error) {
	found, err := itemsAbout(ctx, d.o.Store, fact.TraceAbout{GTIN: p.GTIN, Serial: p.Serial}, 100)
	if err != nil {
		return false, "", "", err
	}
	for _, it := range found {
		known = true
		if it.Lot != "" && it.Expiry != "" {
			return true, it.Lot, it.Expiry, nil
		}
	}
	q := repository.Query{Filters: []repository.Filter{
		{Name: "MATCH_epc", Kind: repository.EPC, Values: []string{epcis.Canonical(unitLink(p.GTIN, p.Serial))}, Roles: []repository.Role{repository.Child}},
		{Name: "EQ_bizStep", Kind: repository.BizStep, Values: []string{"commissioning"}},
	}}
	err = d.events(ctx, q, func(e *epcis.Event) error {
		if e.Action == epcis.Add && lot == "" {
			known, lot, expiry = true, e.Master("lotNumber"), statement.Date(e.Master("itemExpirationDate"))
		}
		return nil
	})
	return known, lot, expiry, err
}

// AskResolver asks another's verification service, by its name in the configuration,
// and notes what came of it; also that nobody answered, which is "unknown".
func (d *Desk) AskResolver(ctx context.Context, by, reason, resolver string, p fact.ProductIdentifier) (fact.VerificationAsked, error) {
	i := slices.IndexFunc(d.o.Config.Resolvers, func(r vrs.Resolver) bool { return r.Name == resolver })
	if i < 0 {
		names := []string{}
		for _, r := range d.o.Config.Resolvers {
			names = append(names, r.Name)
		}
		return fact.VerificationAsked{}, record.Invalidf("resolver %q: want one of %v, which are in the hub's configuration", resolver, names)
	}
	if err := vrs.Check(p); err != nil {
		return fact.VerificationAsked{}, record.Invalid(err)
	}
	got := d.o.Client.Ask(ctx, d.o.Config.Resolvers[i], d.o.Config.GLN, uuid.NewString(), p)
	ref := fact.Ref{Kind: fact.Verification, ID: got.ID}
	err := d.command(context.WithoutCancel(ctx), by, reason, func(ctx context.Context, ch event.Change) error {
		return add(ctx, ch, ref, fact.VerificationWasAsked, reason, got)
	})
	return got, err
}

// Verifications lists up to limit verifications, newest first, after a key; the
// key of each is given beside it.
func (d *Desk) Verifications(ctx context.Context, after string, limit int) (all []VerificationRecord, keys []string, err error) {
	entries, err := d.o.Model.verifications.List(ctx, d.o.Store, after, limit)
	for _, e := range entries {
		all, keys = append(all, e.Doc), append(keys, e.ID)
	}
	return all, keys, err
}
