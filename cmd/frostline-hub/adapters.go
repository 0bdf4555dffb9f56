package main

import (
	"context"
	"errors"
	"strings"

	"frostline/hub/correlate"
	"frostline/hub/dossier"
	"frostline/hub/excursion"
	"frostline/hub/people"
	"frostline/hub/registry"
	"frostline/hub/report"
	"frostline/hub/web"
	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// The contexts do not know one another: what one needs of another is fitted
// here.

// measured tells what a series id means.
type measured struct{ *registry.Registry }

func (m measured) Measured(gateway string, epoch, series uint32) (string, reading.Quantity, bool) {
	s, ok := m.Lookup(gateway, epoch, series)
	return s.Sensor, s.Quantity, ok
}

// words tells how packages fared, in a word each.
type words struct{ *correlate.Engine }

func (w words) Words(ctx context.Context, packages []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range packages {
		judged, err := w.Judgements(ctx, id)
		if errors.Is(err, correlate.ErrUnknown) || errors.Is(err, correlate.ErrNotJudged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := dossier.Package{}
		for _, j := range judged.Judgements {
			p.Judgements = append(p.Judgements, dossier.Judgement{Verdict: j.Verdict})
		}
		out[id] = map[thermal.Outcome]string{thermal.InRange: "in range", thermal.Excursion: "out of range"}[p.Worst()]
		if out[id] == "" {
			out[id] = "unknown"
		}
	}
	return out, nil
}

// signers checks the password that a signature needs.
type signers struct{ *people.Keeper }

func (s signers) Reauthenticate(ctx context.Context, person, password string) (string, []string, error) {
	p, err := s.Keeper.Reauthenticate(ctx, person, password)
	if errors.Is(err, people.ErrRefused) {
		return "", nil, errors.Join(excursion.ErrPassword, err)
	}
	return p.Name, p.Roles, err
}

// stories tells the pages what happened to packages.
type stories struct {
	*dossier.Builder
	bundle func(ctx context.Context, shipment string) (zip []byte, digest string, err error)
}

func known(err error) error {
	if errors.Is(err, dossier.ErrNotFound) {
		return errors.Join(web.ErrNoStory, err)
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

func (s stories) Cases(ctx context.Context, limit int) ([]dossier.CaseLine, error) {
	return s.CaseLines(ctx, limit)
}

func (s stories) Case(ctx context.Context, id string) (dossier.Case, dossier.Package, error) {
	c, p, err := s.Builder.Case(ctx, id)
	return c, p, known(err)
}

func (s stories) Bundle(ctx context.Context, shipment string) ([]byte, string, error) {
	zip, _, err := s.bundle(ctx, shipment)
	return zip, "frostline-" + shipment + ".zip", known(err)
}

func (s stories) ShipmentReport(ctx context.Context, shipment string) ([]byte, string, error) {
	_, digest, err := s.bundle(ctx, shipment)
	if err != nil {
		return nil, "", known(err)
	}
	d, err := s.Shipment(ctx, shipment)
	if err != nil {
		return nil, "", known(err)
	}
	pdf, err := report.Shipment(d, digest)
	return pdf, "frostline-" + shipment + ".pdf", err
}

func (s stories) CaseReport(ctx context.Context, id string) ([]byte, string, error) {
	c, p, err := s.Builder.Case(ctx, id)
	if err != nil {
		return nil, "", known(err)
	}
	d, digest := &dossier.Shipment{}, "none: the package belongs to no shipment"
	if p.Shipment != "" {
		if _, digest, err = s.bundle(ctx, p.Shipment); err != nil {
			return nil, "", known(err)
		}
		if d, err = s.Shipment(ctx, p.Shipment); err != nil {
			return nil, "", known(err)
		}
	}
	pdf, err := report.Case(d, &p, &c, digest)
	return pdf, "frostline-" + strings.ReplaceAll(id, "/", "-") + ".pdf", err
}
