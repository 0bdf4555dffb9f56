package report

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"frostline/hub/dossier"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// ErrNotDelivered is wrapped where there is nothing to give a receipt for.
var ErrNotDelivered = errors.New("not delivered yet")

// Receipt is what a patient is given: what came when, and how it was kept. It
// names neither them nor what they take.
type Receipt struct {
	Shipment  string     `json:"shipment"`
	Delivered int64      `json:"delivered" doc:"Unix ms."`
	Proof     string     `json:"proof,omitempty" doc:"Id of the proof of delivery; absent where a carrier told of it alone."`
	Packages  []Received `json:"packages"`
	// Evidence is the SHA-256 of the bundle that all of it can be checked by.
	Evidence string `json:"evidence,omitempty" doc:"SHA-256 of the evidence bundle by which it can be checked."`
	Moving   bool   `json:"moving,omitempty" doc:"Data arrived while it was made: make it again later."`
	Unsigned uint64 `json:"unsigned,omitempty" doc:"Blocks in the bundle that gateways have not signed yet: make it again later."`
	AsOf     int64  `json:"asOf" doc:"Everything that was known then is in it, Unix ms."`
}

// Received is a package of a receipt.
type Received struct {
	ID          string        `json:"id"`
	Units       int           `json:"units"`
	Temperature string        `json:"temperature" doc:"in range, excursion or unknown."`
	Says        string        `json:"says" doc:"The same in words, with figures."`
	Lowest      *thermal.Temp `json:"lowest,omitempty" doc:"Degrees Celsius."`
	Highest     *thermal.Temp `json:"highest,omitempty" doc:"Degrees Celsius."`
	Monitored   int64         `json:"monitoredMs"`
	Unknown     int64         `json:"unknownMs" doc:"Nobody knows how warm it was then."`
}

// Receipt gives the receipt of a shipment that was delivered. Its error wraps
// ErrNotDelivered or dossier.ErrNotFound.
func (d *Desk) Receipt(ctx context.Context, id string) (Receipt, error) {
	if d.Delivered == nil {
		return Receipt{}, fmt.Errorf("shipment %q: %w", id, ErrNotDelivered)
	}
	var s *dossier.Shipment
	e, err := d.steady(ctx, id, func() (err error) {
		s, err = d.Dossiers.Shipment(ctx, id)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{Shipment: s.ID, Evidence: e.SHA256, Moving: e.Moving, Unsigned: e.Unsigned, AsOf: s.AsOf.At, Packages: []Received{}}
	if r.Proof, r.Delivered, err = d.Delivered(ctx, id); err != nil {
		return Receipt{}, err
	}
	if r.Delivered == 0 {
		return Receipt{}, fmt.Errorf("shipment %q: %w", id, ErrNotDelivered)
	}
	for i := range s.Packages {
		r.Packages = append(r.Packages, received(&s.Packages[i]))
	}
	return r, nil
}

// received says how a package was kept: by the judgement that is worst.
func received(p *dossier.Package) Received {
	worst := p.Worst()
	out := Received{ID: p.ID, Units: len(p.Units), Temperature: dossier.Word(worst), Says: "Nobody knows how warm it was."}
	i := slices.IndexFunc(p.Judgements, func(j dossier.Judgement) bool { return j.Verdict.Outcome == worst })
	if i < 0 {
		return out
	}
	v := &p.Judgements[i].Verdict
	out.Lowest, out.Highest, out.Monitored, out.Unknown = v.Min, v.Max, v.Monitored, v.Unmonitored
	between, unknown := "", ""
	if v.Min != nil && v.Max != nil {
		between = fmt.Sprintf(", between %s and %s", dossier.Degrees(*v.Min), dossier.Degrees(*v.Max))
	}
	if v.Unmonitored > 0 {
		unknown = fmt.Sprintf(" For %s nobody knows how warm it was.", view.Span(v.Unmonitored))
	}
	switch {
	case v.Monitored == 0:
		return out
	case worst == thermal.InRange:
		out.Says = fmt.Sprintf("It was kept as it has to be: watched for %s%s.%s", view.Span(v.Monitored), between, unknown)
	case worst == thermal.Excursion:
		out.Says = fmt.Sprintf("It was not kept as it has to be: watched for %s%s, and out of range for %s of it.%s Ask the pharmacy before you use it.", view.Span(v.Monitored), between, view.Span(v.OutOfRange), unknown)
	default:
		out.Says = fmt.Sprintf("It is not known whether it was kept as it has to be: watched for %s%s.%s Ask the pharmacy before you use it.", view.Span(v.Monitored), between, unknown)
	}
	return out
}

// ReceiptPDF prints a receipt. Made of the same receipt it is the same, byte for
// byte.
func ReceiptPDF(r Receipt) ([]byte, error) {
	p := newPage("Your delivery", "Frostline · receipt of shipment "+r.Shipment, r.AsOf)
	p.Ln(1)
	p.fact("Shipment", r.Shipment)
	p.fact("Delivered", view.Moment(r.Delivered)+" UTC")
	if r.Proof != "" {
		p.fact("Proof of delivery", r.Proof)
	} else {
		p.fact("Proof of delivery", "none: its carrier told of it")
	}
	if len(r.Packages) == 0 {
		p.text(unsure, "No package is known to belong to this delivery.")
	}
	for _, k := range r.Packages {
		p.heading("Package " + k.ID)
		c := unsure
		switch k.Temperature {
		case dossier.Word(thermal.InRange):
			c = good
		case dossier.Word(thermal.Excursion):
			c = bad
		}
		p.font("B", 10, c)
		p.CellFormat(width, 5.5, "Temperature: "+k.Temperature, "", 1, "L", false, 0, "")
		p.text(ink, k.Says)
	}
	p.heading("How to check this")
	p.text(ink, "It follows from an evidence bundle, which your pharmacy can give you and anybody can check. The bundle's SHA-256 is")
	p.code("", r.Evidence)
	if r.Moving || r.Unsigned > 0 {
		p.text(unsure, "Data of this delivery is still coming in: this receipt can be had again later, with another SHA-256.")
	}
	p.fact("As of", view.Moment(r.AsOf)+" UTC")
	return p.bytes()
}
