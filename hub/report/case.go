package report

import (
	"fmt"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/fact"
	"frostline/hub/view"
)

// Case prints the report of one case of a package.
func Case(s *dossier.Shipment, k *dossier.Package, c *dossier.Case, bundle Evidence) ([]byte, error) {
	p := newPage("Excursion "+c.ID, "Frostline · excursion "+c.ID+" · bundle "+bundle.short(), s.AsOf.At)
	p.origin(s.AsOf, bundle)
	p.fact("Package", k.ID)
	p.fact("Shipment", orNone(s.ID))
	p.caseOf(c)
	for i := range k.Judgements {
		if k.Judgements[i].Profile.ID == c.Facts.Profile {
			p.heading("Verdict")
			p.judgement(&k.Judgements[i])
		}
	}
	p.whereabouts(k)
	p.revisions(k)
	p.verification(bundle)
	return p.bytes()
}

func (p *page) caseOf(c *dossier.Case) {
	p.heading("Case " + c.ID)
	for _, sentence := range c.Story() {
		p.text(ink, sentence)
	}
	p.Ln(1)
	p.fact("State", strings.ReplaceAll(c.State, "_", " "))
	p.fact("Severity", string(c.Facts.Severity))
	if c.Facts.Area > 0 {
		p.fact("Area beyond the limit", fmt.Sprintf("%.3f K·h", c.Facts.Area))
	}
	p.code("Facts", "sha256 "+c.Digest)
	if len(c.Steps) > 0 {
		var rows [][]string
		for _, s := range c.Steps {
			why := s.Why
			for _, d := range s.Documents {
				why += fmt.Sprintf("; document %s, kept at %s, sha256 %s", d.Name, d.Where, d.SHA256)
			}
			rows = append(rows, []string{view.Moment(s.At), s.Actor, s.What, strings.TrimPrefix(why, "; ")})
		}
		p.table([]column{{"when", 30}, {"who", 36}, {"what", 44}, {"why", 70}}, rows)
	}
	if a := c.Assessment; a != nil {
		p.subheading("Assessed range")
		p.fact("From, to", view.Moment(a.From)+" to "+view.Moment(a.To)+" UTC")
		p.fact("In this range", fmt.Sprintf("%s; %s monitored, %s unknown, %s out of range", dossier.Word(a.Outcome), view.Span(a.Monitored), view.Span(a.Unmonitored), view.Span(a.OutOfRange)))
		if a.Min != nil && a.Max != nil && a.Mean != nil {
			p.fact("Temperatures", dossier.Degrees(*a.Min)+" to "+dossier.Degrees(*a.Max)+", mean "+dossier.Degrees(*a.Mean))
		}
		if a.MKT != nil {
			p.fact("Mean kinetic", dossier.Degrees(*a.MKT))
		}
		p.code("Verdict on it", "sha256 "+a.Verdict)
	}
	if len(c.Dispositions) > 0 {
		var rows [][]string
		for _, d := range c.Dispositions {
			rows = append(rows, []string{or(d.Unit, or(d.Package, "all")), orNone(d.Lot), d.Decision})
		}
		p.table([]column{{"unit", 90}, {"lot", 50}, {"disposition", 40}}, rows)
	}
	for _, s := range c.Signatures {
		p.signature(&s)
	}
}

// signature shows printed name, time and meaning, as 21 CFR 11.50 asks, and
// whether it still binds to what was signed.
func (p *page) signature(s *dossier.Signature) {
	p.keep(14)
	state, col := "valid", good
	if !s.Valid {
		state, col = "no longer matches: "+s.Detail, bad
	}
	p.Ln(1)
	p.font("B", 9, ink)
	p.CellFormat(width, line, clean(fmt.Sprintf("Signed by %s (%s)", s.Name, s.Person)), "", 1, "L", false, 0, "")
	p.fact("Meaning", s.Meaning)
	p.fact("Time", view.Moment(s.At)+" UTC")
	if s.Comment != "" {
		p.fact("Comment", s.Comment)
	}
	p.code("Signed content", "sha256 "+s.Content)
	p.text(col, "Signature "+state)
}

// whereabouts writes where the package was and who had it.
func (p *page) whereabouts(k *dossier.Package) {
	if len(k.Attachments) > 0 {
		p.subheading("Where it was")
		var rows [][]string
		for _, a := range k.Attachments {
			to, in := "still", or(strings.Replace(a.In, "/", " ", 1), "nowhere known")
			if a.To != 0 {
				to = view.Moment(a.To)
			}
			via := a.Via
			if a.Corrected {
				via += ", corrected"
			}
			rows = append(rows, []string{view.Moment(a.From), to, in, via, a.Statement})
		}
		p.table([]column{{"from", 30}, {"to", 30}, {"in", 52}, {"by", 28}, {"statement", 40}}, rows)
	}
	if len(k.Custody) > 0 {
		p.subheading("Who had it")
		var rows [][]string
		for _, c := range k.Custody {
			degrees := "–"
			if c.Temperature != nil {
				degrees = dossier.Degrees(*c.Temperature)
			}
			rows = append(rows, []string{view.Moment(c.At), or(c.From, "–") + " to " + c.To, c.Role, strings.ReplaceAll(c.Seal, "_", " "), degrees, where(c.Position, c.NoPosition) + flags(c.Flags)})
		}
		p.table([]column{{"when", 30}, {"hand-over", 46}, {"role", 20}, {"seal", 20}, {"measured", 18}, {"where", 46}}, rows)
	}
}

func where(pos *fact.Position, none string) string {
	if pos == nil {
		return "no position: " + or(none, "not told")
	}
	return fmt.Sprintf("%.5f, %.5f ± %.0f m", float64(pos.Latitude)/1e7, float64(pos.Longitude)/1e7, float64(pos.Accuracy)/1000)
}

func flags(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "\n" + strings.Join(all, "; ")
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func orNone(s string) string { return or(s, "–") }

func (e Evidence) short() string {
	if len(e.SHA256) > 16 {
		return e.SHA256[:16] + "…"
	}
	return "none"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
