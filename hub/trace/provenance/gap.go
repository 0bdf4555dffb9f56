package provenance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/trace/epcis"
)

// find works out when the unit's way ended, and what is missing.
func (p *Provenance) find() {
	var steps []*Step
	for i := range p.Steps {
		if p.Steps[i].Wrong == nil {
			steps = append(steps, &p.Steps[i])
		}
	}
	for _, s := range steps {
		if ends(s) {
			p.Ended, p.How = s.At, s.Step
		}
	}
	if len(steps) == 0 {
		p.Gaps = append(p.Gaps, Gap{Kind: Origin, Why: "nothing that holds is told of it"})
		return
	}
	p.origin(steps)
	p.custody(steps)
	p.containers(steps)
	p.monitoring(steps)
	slices.SortStableFunc(p.Gaps, func(a, b Gap) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Kind, b.Kind)) })
	if len(p.Gaps) > maxGaps {
		p.Gaps = append(p.Gaps[:maxGaps-1:maxGaps-1], Gap{Kind: Unmonitored, From: p.Gaps[maxGaps-1].From, Why: fmt.Sprintf("%d more gaps are not listed", len(p.Gaps)-maxGaps+1)})
	}
}

// ends says whether nobody keeps the unit after a step.
func ends(s *Step) bool {
	switch s.Step {
	case "dispensing", "retail_selling", "decommissioning", "destroying":
		return true
	}
	return false
}

func (p *Provenance) gap(kind string, from, to int64, format string, a ...any) {
	p.Gaps = append(p.Gaps, Gap{kind, from, to, fmt.Sprintf(format, a...)})
}

// end is until when something should be known of the unit.
func (p *Provenance) end() int64 {
	if p.Ended != 0 {
		return p.Ended
	}
	return p.At
}

// origin looks for the commissioning.
func (p *Provenance) origin(steps []*Step) {
	for _, s := range steps {
		if s.Step == "commissioning" && s.Action == epcis.Add || s.Type == epcis.TransformationEvent && s.Via == "" {
			return
		}
	}
	p.gap(Origin, 0, steps[0].At, "its commissioning is not told; the first that is told of it is %s", words(steps[0].Step))
}

// words is a business step as people say it.
func words(step string) string {
	if step == "" {
		return "an observation"
	}
	return strings.ReplaceAll(step, "_", " ")
}

// name is the end of a URI, by which people know it.
func name(uri string) string {
	parts := strings.Split(strings.TrimRight(uri, "/"), "/")
	if n := len(parts); n >= 2 {
		return parts[n-2] + " " + parts[n-1]
	}
	return uri
}

// custody looks at who gave and who took.
func (p *Provenance) custody(steps []*Step) {
	var last *Step // shipping, receiving or an end
	holder := ""   // who has it, "" where that is not told
	for _, s := range steps {
		moves := s.Step == "shipping" || s.Step == "receiving" || ends(s) && s.Step != "destroying" && s.Step != "decommissioning"
		// That the hub took a unit into its records says nothing of who has it.
		if !moves || s.Own && s.Step == "receiving" && s.Via == "" && s.To == "" {
			continue
		}
		if last != nil {
			// Both ends of one transfer name the same parties.
			transfer := last.Step == "shipping" && s.Step == "receiving" && s.From != "" && sameParty(s.From, last.From)
			switch {
			case transfer && s.To != "" && holder != "" && !sameParty(s.To, holder):
				p.gap(Custody, last.At, s.At, "it was shipped to %s, but %s received it", name(holder), name(s.To))
			case transfer:
			case s.From != "" && holder != "" && !sameParty(s.From, holder):
				p.gap(Custody, last.At, s.At, "%s gave it, but %s had it last: who had it in between is not told", name(s.From), name(holder))
			case last.Step == "shipping" && s.Step == "shipping" && (s.From == "" || holder == ""):
				p.gap(Custody, last.At, s.At, "it was shipped twice, and nobody has told of receiving it in between")
			case last.Step == "receiving" && s.Step == "receiving" && s.Via != "" && s.From == "" && holder != "":
				p.gap(Custody, last.At, s.At, "%s received it, but who gave it is not told", orSomebody(s.To))
			}
		}
		last, holder = s, s.To
	}
	switch {
	case last == nil:
		p.gap(Custody, steps[0].At, p.open(), "nobody has told who has it")
	case last.Step == "shipping":
		p.gap(Custody, last.At, p.open(), "it was shipped to %s, and nobody has told of receiving it", orSomebody(last.To))
	}
}

// open is the end of what goes on: 0 while the unit's way has not ended.
func (p *Provenance) open() int64 { return p.Ended }

func orSomebody(uri string) string {
	if uri == "" {
		return "somebody"
	}
	return name(uri)
}

// sameParty compares parties; a GLN is one in each of its forms.
func sameParty(a, b string) bool { return epcis.Canonical(a) == epcis.Canonical(b) }

// containers looks at what the unit was put into and taken out of.
func (p *Provenance) containers(steps []*Step) {
	in, since := "", int64(0) // what it is in, or since when it is in nothing
	received := false
	for _, s := range steps {
		if ends(s) {
			break
		}
		if s.Step == "receiving" && s.Via == "" && !received {
			if received = true; in == "" {
				since = s.At
			}
		}
		if s.Type != epcis.AggregationEvent && s.Type != epcis.AssociationEvent || s.Via != "" || s.Parent == "" {
			continue
		}
		parent := epcis.Canonical(s.Parent)
		switch {
		case s.Action == epcis.Delete && in == "":
			p.gap(Aggregation, 0, s.At, "it was taken out of %s, and when it was put in is not told", name(parent))
			since = s.At
		case s.Action == epcis.Delete && in != parent:
			p.gap(Aggregation, s.At, 0, "it was taken out of %s while it was in %s: one of the two is wrong", name(parent), name(in))
		case s.Action == epcis.Delete:
			in, since = "", s.At
		case in != "" && in != parent:
			p.gap(Aggregation, s.At, s.At, "it was put into %s while it was in %s: when it was taken out is not told", name(parent), name(in))
			in = parent
		case in == "":
			if received && s.At > since && since != 0 {
				p.gap(Aggregation, since, s.At, "it was in no container that is told of")
			}
			in = parent
		}
	}
	if in == "" && since != 0 && p.Ended == 0 {
		p.gap(Pending, since, 0, "it is in no container that is told of")
	} else if in == "" && since != 0 && since < p.Ended {
		p.gap(Aggregation, since, p.Ended, "it was in no container that is told of")
	}
}
