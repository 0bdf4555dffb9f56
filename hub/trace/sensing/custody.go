package sensing

import (
	"fmt"
	"slices"

	"frostline/hub/custody/timeline"
	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
)

// packing states what went into the package and came out of it, and when it
// went into a tote and out. What happened at one instant is one event.
func (p *parcel) packing() (all []statement) {
	type group struct {
		at  int64
		out bool
	}
	things := map[group][]string{}
	for _, s := range p.contents {
		things[group{s.from, false}] = append(things[group{s.from, false}], s.unit)
		if s.to != timeline.Open {
			things[group{s.to, true}] = append(things[group{s.to, true}], s.unit)
		}
	}
	for g, units := range things {
		slices.Sort(units)
		s := statement{topic: fmt.Sprintf("packed %d", g.at), At: g.at, Step: "packing", Action: epcis.Add, Parent: p.ref.String(), Things: units, Place: p.place(g.at), Shipment: p.shipment(g.at)}
		if g.out {
			s.topic, s.Step, s.Action = fmt.Sprintf("unpacked %d", g.at), "unpacking", epcis.Delete
		}
		all = append(all, s)
	}
	for _, v := range p.places {
		if v.In == nil || v.In.Kind != fact.Tote {
			continue
		}
		s := statement{topic: fmt.Sprintf("loaded %d", v.From), At: v.From, Step: "packing", Action: epcis.Add, Parent: v.In.String(), Things: []string{p.ref.String()}, Place: p.place(v.From), Shipment: p.shipment(v.From)}
		all = append(all, s)
		if v.To != timeline.Open {
			s.topic, s.At, s.Step, s.Action = fmt.Sprintf("unloaded %d", v.To), v.To, "unpacking", epcis.Delete
			s.Place, s.Shipment = p.place(v.To), p.shipment(v.To)
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b statement) int { return compare(&a, &b) })
	return all
}

// handovers states each hand-over: as shipping where a courier took it, as
// dispensing where a patient did, else as receiving.
func (p *parcel) handovers() (all []statement) {
	patient := "" // who has it, if that is a patient
	for i, h := range p.handed {
		s := statement{
			topic: "handed over " + h.ID, At: h.At, Step: "receiving", Disposition: "in_progress", Action: epcis.Observe,
			Things: []string{p.ref.String()}, Place: p.place(h.At), From: h.From, To: h.To, Shipment: p.shipment(h.At),
		}
		switch h.Role {
		case "courier":
			s.Step, s.Disposition = "shipping", "in_transit"
		case "patient":
			s.Step, s.Disposition, s.To = "dispensing", "dispensed", ""
		}
		if h.From == "" && i > 0 {
			s.From = p.handed[i-1].To
		}
		if s.From == patient {
			s.From = ""
		}
		// Where a patient gives or takes is where somebody lives.
		if pos := h.Position; pos != nil && s.Place == "" && h.Role != "patient" && patient == "" {
			s.Place = fmt.Sprintf("geo:%s,%s;u=%s", degrees(pos.Latitude), degrees(pos.Longitude), metres(pos.Accuracy))
		}
		if h.Temperature != nil {
			s.Elements = []element{{Says: []report{{Type: "Temperature", At: h.At, Value: h.Temperature}}}}
		}
		patient = ""
		if h.Role == "patient" {
			patient = h.To
		}
		all = append(all, s)
	}
	return all
}

// degrees writes 1e-7 degrees; metres writes mm.
func degrees(v int64) string { return decimal(v, 7) }
func metres(v int64) string  { return decimal(v, 3) }

// decimal writes an integer with so many decimals, without zeros at its end.
func decimal(v int64, places int) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	s := fmt.Sprintf("%0*d", places+1, v)
	whole, rest := s[:len(s)-places], s[len(s)-places:]
	for len(rest) > 0 && rest[len(rest)-1] == '0' {
		rest = rest[:len(rest)-1]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}
