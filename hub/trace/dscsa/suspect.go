package dscsa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/deadline"
)

// Classifications of illegitimate product: item 5 of Form FDA 3911.
var Classifications = []string{"Counterfeit", "Diversion", "Stolen", "Intentional Adulteration", "Unfit for Distribution", "Fraudulent Transaction"}

// FDA is whom notifications of illegitimate product go to, beside partners.
const FDA = "fda"

// Untold is who has to be told of illegitimate product yet: FDA, and partners by
// GLN.
func (s Suspicion) Untold() (out []string) {
	if s.State != Illegitimate {
		return nil
	}
	for _, to := range append([]string{FDA}, s.Partners...) {
		if !slices.ContainsFunc(s.Told, func(t PartnerTold) bool { return t.To == to }) {
			out = append(out, to)
		}
	}
	return out
}

// Open decides that product that was proposed is suspect, with a reason. Units,
// package and cause that are not given stay as proposed.
func (d *Desk) Open(ctx context.Context, by, reason string, o fact.SuspectOpened) (Suspicion, error) {
	return d.step(ctx, by, reason, o.ID, func(s Suspicion) (string, any, error) {
		if s.State != Proposed {
			return "", nil, record.Refusedf("id %q: the case is %s", o.ID, s.State)
		}
		if len(o.Units) == 0 {
			o.Units = s.Units
		}
		o.Package, o.Cause = cmp.Or(o.Package, s.Package), cmp.Or(o.Cause, s.Cause)
		return fact.SuspectWasOpened, o, checkOpened(o)
	})
}

// Raise says that product is suspect that nothing proposed: a case of its own.
func (d *Desk) Raise(ctx context.Context, by, reason string, o fact.SuspectOpened) (out Suspicion, err error) {
	ref := fact.Ref{Kind: fact.Suspect, ID: o.ID}
	if err := ref.Check(); err != nil {
		return out, record.Invalidf("id: %w", err)
	}
	if err := errors.Join(because(reason), checkOpened(o)); err != nil {
		return out, err
	}
	err = d.command(ctx, by, reason, func(ctx context.Context, ch event.Change) error {
		if _, found, err := d.o.Model.suspicions.Get(ctx, ch, o.ID); err != nil || found {
			return errors.Join(err, fmt.Errorf("id %q: a case is %w", o.ID, record.ErrExists))
		}
		if err := add(ctx, ch, ref, fact.SuspectWasOpened, reason, o); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, d.o.Model.suspicions, ref)
		return err
	})
	return out, err
}

func checkOpened(o fact.SuspectOpened) error {
	switch {
	case len(o.Units) == 0 && o.Package == "":
		return record.Invalidf("units: name units, a package, or both")
	case len(o.Units) > fact.MaxAffected:
		return record.Invalidf("units: %d of them; at most %d in a case", len(o.Units), fact.MaxAffected)
	case o.Cause == "" || len(o.Cause) > 2000:
		return record.Invalidf("cause: say in at most 2000 bytes what makes it suspect")
	}
	for i, u := range o.Units {
		if err := (fact.Ref{Kind: fact.Unit, ID: u}).Check(); err != nil {
			return record.Invalidf("units.%d: %w", i, err)
		}
	}
	return record.Invalid(fact.CheckNote("cause", o.Cause))
}

// Dismiss says that what was proposed is not suspect.
func (d *Desk) Dismiss(ctx context.Context, by, reason, id string) (Suspicion, error) {
	return d.move(ctx, by, reason, id, Proposed, fact.SuspectWasDismissed)
}

// Clear says that suspect product is not illegitimate, after its investigation.
func (d *Desk) Clear(ctx context.Context, by, reason, id string) (Suspicion, error) {
	return d.move(ctx, by, reason, id, Suspected, fact.SuspectWasCleared)
}

// Terminate ends a case of illegitimate product, after FDA was consulted.
func (d *Desk) Terminate(ctx context.Context, by, reason, id string) (Suspicion, error) {
	return d.move(ctx, by, reason, id, Illegitimate, fact.SuspectWasTerminated)
}

func (d *Desk) move(ctx context.Context, by, reason, id, from, typ string) (Suspicion, error) {
	return d.step(ctx, by, reason, id, func(s Suspicion) (string, any, error) {
		switch {
		case s.State != from:
			return "", nil, record.Refusedf("id %q: the case is %s, not %s", id, s.State, from)
		case typ == fact.SuspectWasTerminated && len(s.Untold()) > 0:
			return "", nil, record.Refusedf("id %q: %v was not told yet", id, s.Untold())
		}
		return typ, fact.SuspectStep{ID: id}, nil
	})
}

// Determine says that suspect product is illegitimate, at an instant, 0 for now:
// from it FDA and trading partners have to be told within 24 hours. Partners are
// those that documents name as seller or buyer of the units.
func (d *Desk) Determine(ctx context.Context, by, reason, id, classification string, at int64) (Suspicion, error) {
	if at == 0 {
		at = d.now()
	}
	if !slices.Contains(Classifications, classification) {
		return Suspicion{}, record.Invalidf("classification %q: want one of %v", classification, Classifications)
	}
	if err := fact.CheckTime("at", at); err != nil {
		return Suspicion{}, record.Invalid(err)
	}
	if at > d.now()+(2*time.Minute).Milliseconds() {
		return Suspicion{}, record.Invalidf("at %d: is ahead of the hub's clock", at)
	}
	s, err := d.Suspicion(ctx, id)
	if err != nil {
		return s, err
	}
	partners, err := d.partners(ctx, s.Units)
	if err != nil {
		return s, err
	}
	return d.step(ctx, by, reason, id, func(s Suspicion) (string, any, error) {
		if s.State != Suspected {
			return "", nil, record.Refusedf("id %q: the case is %s, not %s", id, s.State, Suspected)
		}
		return fact.SuspectIsIllegitimate, fact.SuspectIllegitimate{
			ID: id, At: at, Classification: classification, Due: at + deadline.Illegitimate.Milliseconds(), Partners: partners,
		}, nil
	})
}

// partners are those from whom units came and to whom they went, by documents.
func (d *Desk) partners(ctx context.Context, units []string) (out []string, err error) {
	seen := map[string]bool{"": true, d.o.Config.GLN: true}
	asked := map[string]bool{}
	for _, u := range units {
		gtin, serial := ofUnit(u)
		found, err := itemsAbout(ctx, d.o.Store, fact.TraceAbout{GTIN: gtin, Serial: serial}, 100)
		if err != nil {
			return nil, err
		}
		for _, it := range found {
			if asked[it.Document] {
				continue
			}
			asked[it.Document] = true
			s, err := d.Statement(ctx, it.Document)
			if err != nil {
				return nil, err
			}
			for _, gln := range []string{s.Seller, s.Buyer} {
				if !seen[gln] {
					seen[gln] = true
					out = append(out, gln)
				}
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Notified notes that FDA or a partner was told of illegitimate product.
func (d *Desk) Notified(ctx context.Context, by, reason string, n fact.SuspectNotified) (Suspicion, error) {
	if n.At == 0 {
		n.At = d.now()
	}
	return d.step(ctx, by, reason, n.ID, func(s Suspicion) (string, any, error) {
		switch {
		case s.State != Illegitimate:
			return "", nil, record.Refusedf("id %q: the case is %s, not %s", n.ID, s.State, Illegitimate)
		case n.To != FDA && !slices.Contains(s.Partners, n.To):
			return "", nil, record.Invalidf("to %q: want %q or one of %v", n.To, FDA, s.Partners)
		case n.At < s.Determined || n.At > d.now()+(2*time.Minute).Milliseconds():
			return "", nil, record.Invalidf("at %d: want a time between the determination and now", n.At)
		case n.How == "" || len(n.How) > 200:
			return "", nil, record.Invalidf("how: say in at most 200 bytes by which way")
		case len(n.Incident) > 64:
			return "", nil, record.Invalidf("incident: has %d bytes; at most 64", len(n.Incident))
		}
		return fact.SuspectWasNotified, n, record.Invalid(fact.CheckNote("how", n.How))
	})
}

// step decides, in one transaction, what happens to a case. A reason is needed.
func (d *Desk) step(ctx context.Context, by, reason, id string, decide func(s Suspicion) (string, any, error)) (out Suspicion, err error) {
	ref := fact.Ref{Kind: fact.Suspect, ID: id}
	if err := ref.Check(); err != nil {
		return out, record.Invalidf("id: %w", err)
	}
	if err := because(reason); err != nil {
		return out, err
	}
	err = d.command(ctx, by, reason, func(ctx context.Context, ch event.Change) error {
		s, err := record.Get(ctx, ch, d.o.Model.suspicions, ref)
		if err != nil {
			return err
		}
		typ, data, err := decide(s)
		if err != nil {
			return err
		}
		if err := add(ctx, ch, ref, typ, reason, data); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, d.o.Model.suspicions, ref)
		return err
	})
	return out, err
}

// Suspicion gives a case.
func (d *Desk) Suspicion(ctx context.Context, id string) (Suspicion, error) {
	return record.Get(ctx, d.o.Store, d.o.Model.suspicions, fact.Ref{Kind: fact.Suspect, ID: id})
}

// Suspicions lists up to limit cases after an id, in one state or all.
func (d *Desk) Suspicions(ctx context.Context, state, after string, limit int) ([]Suspicion, error) {
	if state == "" {
		return record.Docs(d.o.Model.suspicions.List(ctx, d.o.Store, after, limit))
	}
	return record.Docs(d.o.Model.suspicions.Find(ctx, d.o.Store, "state", state, after, limit))
}
