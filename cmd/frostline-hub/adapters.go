package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/custody"
	"frostline/hub/dossier"
	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/evidence/ledger"
	"frostline/hub/evidence/verify"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/people"
	"frostline/hub/registry"
	"frostline/hub/report"
	"frostline/hub/scan"
	"frostline/hub/trace/provenance"
	"frostline/hub/web"
	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// The contexts do not know one another: what one needs of another is fitted
// here.

// kind makes an error one of another context's, and keeps its words.
type kind struct {
	error
	of error
}

func (k kind) Unwrap() []error { return []error{k.error, k.of} }

// measured tells what a series id means.
type measured struct{ *registry.Registry }

func (m measured) Measured(gateway string, epoch, series uint32) (string, reading.Quantity, bool) {
	s, ok := m.Lookup(gateway, epoch, series)
	return s.Sensor, s.Quantity, ok
}

// device gives custody what was scanned at gateways, which cannot be asked again.
type device struct{ *custody.Custody }

func (d device) Take(ctx context.Context, actor, reason string, all []scan.Statement) ([]scan.Outcome, error) {
	scans := make([]custody.Scan, len(all))
	for i, s := range all {
		scans[i] = custody.Scan(s)
	}
	outcomes, err := d.Custody.Take(ctx, actor, reason, scans, true)
	if err != nil {
		return nil, err
	}
	out := make([]scan.Outcome, len(outcomes))
	for i, o := range outcomes {
		out[i] = scan.Outcome{State: o.State, Problem: o.Problem}
	}
	return out, nil
}

// words tells how packages fared, in a word each.
type words struct{ *correlate.Engine }

func (w words) Words(ctx context.Context, packages []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range packages {
		judged, err := w.Verdicts(ctx, id)
		if errors.Is(err, correlate.ErrUnknown) || errors.Is(err, correlate.ErrNotJudged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := dossier.Package{}
		for _, j := range judged {
			p.Judgements = append(p.Judgements, dossier.Judgement{Verdict: j.Verdict})
		}
		out[id] = map[thermal.Outcome]string{thermal.InRange: "in range", thermal.Excursion: "out of range"}[p.Worst()]
		if out[id] == "" {
			out[id] = "unknown"
		}
	}
	return out, nil
}

// signers checks the password or passkey that a signature needs.
type signers struct {
	*people.Keeper
	hub *hub // whose pages ask for passkeys
}

func (s signers) Reauthenticate(ctx context.Context, person, password string) (string, []string, error) {
	return signer(s.Keeper.Reauthenticate(ctx, person, password))
}

func (s signers) ReauthenticateByKey(ctx context.Context, person, content string, answer []byte) (string, []string, error) {
	return signer(s.hub.web.CheckSignature(ctx, person, content, answer))
}

func signer(p people.Person, err error) (string, []string, error) {
	if errors.Is(err, people.ErrRefused) {
		return "", nil, kind{err, excursion.ErrPassword}
	}
	return p.Name, p.Roles, err
}

// stories tells the pages what happened to packages.
type stories struct {
	*dossier.Builder
	evidence *evidence.Exporter
	reports  *report.Desk
	units    *provenance.Teller
	catalog  *catalog.Catalog
	events   *event.Log
	ledger   *ledger.Ledger

	witnesses []string // verifier keys of those that this hub knows
	quorum    int      // of them, that have to cosign
}

// spans judges a part of a watch for an assessment.
type spans struct{ *correlate.Engine }

func (s spans) Assess(ctx context.Context, of fact.ExcursionFacts, from, to int64) (fact.Assessment, error) {
	a, err := s.Engine.Assess(ctx, of, from, to)
	if errors.Is(err, correlate.ErrSpan) {
		err = kind{fmt.Errorf("range: %w", err), excursion.ErrInvalid}
	}
	return a, err
}

func known(err error) error {
	if errors.Is(err, dossier.ErrNotFound) {
		return kind{err, web.ErrNoStory}
	}
	return err
}

func (s stories) Package(ctx context.Context, id string) (dossier.Package, dossier.Line, error) {
	p, err := s.Builder.Package(ctx, id)
	if err != nil {
		return p, dossier.Line{}, known(err)
	}
	line, err := s.Line(ctx, id)
	return p, line, known(err)
}

func (s stories) Look(ctx context.Context, q dossier.Query) (dossier.Look, error) {
	l, err := s.Builder.Look(ctx, q)
	return l, known(err)
}

func (s stories) Profiles(ctx context.Context) (all []thermal.Profile, err error) {
	for after := ""; ; {
		list, err := s.catalog.List(ctx, fact.Profile, catalog.Filter{}, after, 200)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			after = e.Ref.ID
			r, err := e.Record()
			if err != nil {
				return nil, err
			}
			if p, ok := r.(fact.ProfileRecord); ok {
				all = append(all, p.Profile)
			}
		}
		if len(list) < 200 {
			return all, nil
		}
	}
}

func (s stories) Trail(ctx context.Context, of fact.Ref, after int64, limit int) ([]event.Event, error) {
	return s.events.Stream(ctx, of.String(), after, limit)
}

// Verify checks the evidence of a shipment by the hub's own log key and the
// witnesses that it knows, as a stranger would who has got their keys.
func (s stories) Verify(ctx context.Context, shipment string) (*verify.Report, error) {
	r, err := s.evidence.Check(ctx, shipment, verify.Options{Key: s.ledger.Key(), Witnesses: s.witnesses, Known: true, Quorum: s.quorum})
	return r, noShipment(err)
}

func (s stories) Case(ctx context.Context, id string) (dossier.Case, dossier.Package, error) {
	c, p, err := s.Builder.Case(ctx, id)
	return c, p, known(err)
}

func (s stories) Unit(ctx context.Context, id string) (*provenance.Provenance, error) {
	p, err := s.units.Tell(ctx, id)
	if errors.Is(err, provenance.ErrNotFound) {
		err = kind{err, web.ErrNoStory}
	}
	return p, err
}

func (s stories) Bundle(ctx context.Context, shipment string, documents bool) (web.Bundle, error) {
	b, err := s.evidence.ExportWith(ctx, shipment, evidence.Wanted{WithoutDocuments: !documents})
	if err != nil {
		return web.Bundle{}, noShipment(err)
	}
	return web.Bundle{Name: "frostline-" + shipment + ".zip", Size: b.Size, Body: b}, nil
}

// noShipment makes the evidence's word for what it does not know that of pages.
func noShipment(err error) error {
	if errors.Is(err, evidence.ErrNotFound) {
		return kind{err, web.ErrNoStory}
	}
	return err
}

func (s stories) ShipmentReport(ctx context.Context, shipment string) ([]byte, string, error) {
	pdf, err := s.reports.Shipment(ctx, shipment)
	return pdf, "frostline-" + shipment + ".pdf", known(err)
}

func (s stories) CaseReport(ctx context.Context, id string) ([]byte, string, error) {
	pdf, err := s.reports.Case(ctx, id)
	return pdf, "frostline-" + strings.ReplaceAll(id, "/", "-") + ".pdf", known(err)
}

// newReports makes what makes reports, for pages and programs.
func newReports(b *dossier.Builder, e *evidence.Exporter) *report.Desk {
	return &report.Desk{Dossiers: b, Bundle: func(ctx context.Context, shipment string) (report.Evidence, error) {
		sum := sha256.New()
		unsigned, err := export(ctx, e, shipment, sum)
		return report.Evidence{SHA256: hex.EncodeToString(sum.Sum(nil)), Unsigned: unsigned}, err
	}}
}

// export writes the evidence of a shipment, and counts the blocks in it that are
// not signed yet.
func export(ctx context.Context, e *evidence.Exporter, shipment string, w io.Writer) (unsigned uint64, err error) {
	b, err := e.Export(ctx, shipment)
	if errors.Is(err, evidence.ErrNotFound) {
		return 0, kind{err, dossier.ErrNotFound}
	}
	if err != nil {
		return 0, err
	}
	defer b.Close()
	for _, u := range b.Unsigned {
		unsigned += u.Last - u.First + 1
	}
	_, err = b.WriteTo(w)
	return unsigned, err
}

// tellShipment tells orders what became of a shipment on its route.
func (c *contexts) tellShipment(ctx context.Context, actor, reason string, r fact.ShipmentReported) error {
	_, err := c.orders.Report(ctx, actor, reason, r)
	return err
}
