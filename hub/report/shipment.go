package report

import (
	"fmt"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// Shipment prints the report of a shipment.
func Shipment(s *dossier.Shipment, bundle Evidence) ([]byte, error) {
	p := newPage("Shipment "+s.ID, "Frostline · shipment "+s.ID+" · bundle "+bundle.short(), s.AsOf.At)
	p.origin(s.AsOf, bundle)
	p.fact("Order", orNone(s.Order))
	p.fact("From", orNone(s.From))
	p.fact("To", or(s.To, "patient"))
	p.fact("Carrier", orNone(s.Carrier))
	p.fact("Status", s.Status)
	if len(s.Packages) == 0 {
		p.text(unsure, "No package is known to belong to this shipment.")
	}
	for i := range s.Packages {
		p.pack(&s.Packages[i])
	}
	p.verification(bundle)
	return p.bytes()
}

// origin says as of what, and by which evidence, a report was made.
func (p *page) origin(as dossier.AsOf, bundle Evidence) {
	p.Ln(1)
	p.fact("As of", fmt.Sprintf("%s UTC, event %s", view.Moment(as.At), view.Count(as.Position)))
	if bundle.SHA256 == "" {
		p.fact("Evidence bundle", "none: the package belongs to no shipment")
	} else {
		p.code("Evidence bundle", "sha256 "+bundle.SHA256)
	}
	if bundle.Moving {
		p.text(unsure, "Data of this shipment arrived while the report was made: the bundle may end earlier than the report. Make both again when the shipment is closed.")
	}
	if bundle.Unsigned > 0 {
		p.text(unsure, fmt.Sprintf("Gateways have not signed %s blocks in the bundle yet. They do so about once a minute, and the bundle is another then: make both again.", view.Count(bundle.Unsigned)))
	}
	p.fact("Engine", "thermal engine "+thermal.EngineVersion+"; all times are UTC")
}

func (p *page) pack(k *dossier.Package) {
	p.heading("Package " + k.ID)
	worst := k.Worst()
	p.font("B", 10, colourOf(worst))
	p.CellFormat(width, 5.5, capital(dossier.Word(worst)), "", 1, "L", false, 0, "")
	p.fact("Watched", watched(k))
	p.contents(k)
	for i := range k.Judgements {
		p.judgement(&k.Judgements[i])
	}
	if len(k.Judgements) == 0 {
		p.text(unsure, "No profile is known by which this package could be judged.")
	}
	p.whereabouts(k)
	for i := range k.Cases {
		p.caseOf(&k.Cases[i])
	}
	p.revisions(k)
}

func watched(k *dossier.Package) string {
	if k.Closed == 0 {
		return view.Moment(k.Packed) + ", and still is"
	}
	return fmt.Sprintf("%s to %s (%s), %s", view.Moment(k.Packed), view.Moment(k.Closed), view.Span(k.Closed-k.Packed), k.How)
}

func (p *page) contents(k *dossier.Package) {
	if len(k.Units) == 0 {
		p.fact("Units", "none is known")
		return
	}
	p.subheading(fmt.Sprintf("Units (%d)", len(k.Units)))
	var rows [][]string
	for _, u := range k.Units {
		rows = append(rows, []string{u.ID, u.Product, u.Lot, u.Expiry, strings.Join(u.Spendings(), "\n")})
	}
	p.table([]column{{"unit", 58}, {"product", 34}, {"lot", 24}, {"expiry", 20}, {"stability budget, whole life", 44}}, rows)
}

func (p *page) judgement(j *dossier.Judgement) {
	v := &j.Verdict
	name := fmt.Sprintf("%s, profile %s version %d", j.Profile.Name, j.Profile.ID, j.Profile.Version)
	if j.Product != "" {
		name += ", product " + j.Product
	}
	p.subheading(name)
	p.text(colourOf(v.Outcome), j.Summary())
	p.chart(j)
	p.fact("Judged", fmt.Sprintf("%s to %s", view.Moment(v.From), view.Moment(v.To)))
	p.fact("Monitored", fmt.Sprintf("%s; unknown %s", view.Span(v.Monitored), view.Span(v.Unmonitored)))
	p.fact("In range, out of range", fmt.Sprintf("%s, %s", view.Span(v.InRange), view.Span(v.OutOfRange)))
	if v.Min != nil && v.Max != nil {
		p.fact("Lowest, highest", fmt.Sprintf("%s at %s, %s at %s", dossier.Degrees(*v.Min), view.Moment(v.MinAt), dossier.Degrees(*v.Max), view.Moment(v.MaxAt)))
	}
	if v.Mean != nil {
		p.fact("Mean", dossier.Degrees(*v.Mean)+", weighted by time")
	}
	if v.MKT != nil {
		p.fact("Mean kinetic temperature", fmt.Sprintf("%s (ΔH %g kJ/mol, R %g J/(mol·K), %s)", dossier.Degrees(v.MKT.Value),
			float64(v.Constants.Activation)/1000, v.Constants.Gas, v.MKT.Method))
		if rule := dossier.MKTRule(v.MKT); rule != "" {
			p.fact("Its rule", rule)
		}
	}
	p.fact("Source of the figures", j.Profile.Source)
	p.code("Verdict", "sha256 "+j.Digest)
	if len(v.Excursions) > 0 {
		var rows [][]string
		for _, e := range v.Excursions {
			broken := "allowed"
			if e.Alarm > 0 {
				broken = "broken at " + view.Moment(e.Alarm)
			}
			rows = append(rows, []string{e.Limit, view.Moment(e.From), view.Moment(e.To) + endWord(e.Ended), view.Span(e.Duration),
				dossier.Degrees(e.Peak), fmt.Sprintf("%.2f", e.Area), broken})
		}
		p.table([]column{{"beyond limit", 30}, {"from", 30}, {"to", 32}, {"for", 22}, {"worst", 20}, {"K·h", 12}, {"rule", 34}}, rows)
		if v.ExcursionsOmitted > 0 {
			p.text(faint, fmt.Sprintf("%s more are in the bundle.", view.Count(v.ExcursionsOmitted)))
		}
	}
	if len(v.Gaps) > 0 {
		var rows [][]string
		for _, g := range v.Gaps {
			rows = append(rows, []string{view.Moment(g.From), view.Moment(g.To), view.Span(g.To - g.From), dossier.Because(g.Reason)})
		}
		p.table([]column{{"not monitored from", 34}, {"to", 34}, {"for", 26}, {"because", 86}}, rows)
		if v.GapsOmitted > 0 {
			p.text(faint, fmt.Sprintf("%s more are in the bundle.", view.Count(v.GapsOmitted)))
		}
	}
}

func endWord(ended string) string {
	switch ended {
	case thermal.Lost:
		return ", readings end"
	case thermal.Ongoing:
		return ", goes on"
	}
	return ""
}

func (p *page) revisions(k *dossier.Package) {
	if len(k.Revisions) == 0 {
		return
	}
	p.subheading("Verdicts, in the order in which they were made")
	var rows [][]string
	for _, r := range k.Revisions {
		rows = append(rows, []string{view.Moment(r.At), fmt.Sprintf("%s %d", r.Profile, r.Version), fmt.Sprint(r.Revision), dossier.Word(r.Outcome), r.Cause.Kind + ": " + r.Cause.Detail})
	}
	p.table([]column{{"recorded", 30}, {"profile", 36}, {"revision", 14}, {"outcome", 20}, {"because", 80}}, rows)
}

// verification tells how to check all of it without trusting the report.
func (p *page) verification(bundle Evidence) {
	if bundle.SHA256 == "" {
		return
	}
	p.heading("How to check this")
	p.text(ink, "Every figure above follows from the evidence bundle named on the first page. Its SHA-256 must be the one printed there. Check it with no network by either of two programs that share no code:")
	p.Ln(1)
	p.SetFont("mono", "", 8)
	p.MultiCell(width, 4, "frostline evidence verify BUNDLE\npython3 docs/verify/verify.py BUNDLE", "", "L", false)
	p.Ln(1)
	p.text(faint, "This report supports records under 21 CFR Part 11 and EU GMP Annex 11. It does not by itself make a process compliant.")
}

func colourOf(o thermal.Outcome) colour {
	switch o {
	case thermal.InRange:
		return good
	case thermal.Excursion:
		return bad
	}
	return unsure
}
