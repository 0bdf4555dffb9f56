package sensing

import (
	"context"
	"slices"

	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
	"frostline/proto/thermal"
)

// excursion states an alarm, and what was decided about the units it affects.
// One that later data take back is none.
func (k *Keeper) excursion(ctx context.Context, id string) ([]statement, error) {
	c, found, err := k.o.Cases.Case(ctx, id)
	if err != nil || !found {
		return nil, err
	}
	p, err := k.whereabouts(ctx, c.Facts.Package)
	if err != nil {
		return nil, err
	}
	return c.statements(p)
}

// whereabouts is so much of a package as tells its place and shipment.
func (k *Keeper) whereabouts(ctx context.Context, id string) (*parcel, error) {
	known, _, err := k.o.Orders.Parcel(ctx, id)
	if err != nil {
		return nil, err
	}
	p := &parcel{ref: fact.Ref{Kind: fact.Package, ID: id}, assigned: known.Assigned}
	return p, k.places(ctx, p)
}

func (c *Case) statements(p *parcel) (all []statement, err error) {
	f := c.Facts
	if !f.Retracted {
		s, err := c.alarm(p)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	signed := c.State == "signed" || c.State == "approved" || c.State == "closed" && c.Outcome == "disposed"
	if !signed || len(c.Signatures) == 0 {
		return all, nil
	}
	last := c.Signatures[len(c.Signatures)-1]
	for _, decision := range fact.Decisions {
		// A hold is in force once it is signed; what sets it free, or ends it, when
		// another person has approved.
		if decision != "quarantine" && c.State == "signed" {
			continue
		}
		things := decided(c.Proposal, decision)
		if len(things) == 0 {
			continue
		}
		sign := last
		if decision == "quarantine" {
			sign = firstOf(c.Signatures, last)
		}
		e := c.element()
		e.Proof = "signature=sha256:" + sign.Record
		s := statement{topic: decision, At: sign.At, Action: epcis.Observe, Things: things, Place: p.place(sign.At), Shipment: p.shipment(f.From), Elements: []element{e}}
		switch decision {
		case "quarantine":
			s.Step, s.Disposition = "holding", "non_sellable_other"
		case "release":
			s.Step, s.Disposition = "inspecting", "conformant"
		case "reject":
			s.Step, s.Disposition, s.Set = "inspecting", "non_conformant", []string{"non_conformant"}
		case "return":
			s.Step, s.Disposition = "inspecting", "returned"
		}
		all = append(all, s)
	}
	return all, nil
}

// firstOf is the signature by which the proposal in force was signed: the last
// but that of its approval.
func firstOf(all []fact.Signature, last fact.Signature) fact.Signature {
	if n := len(all); n > 1 && all[n-2].Content == last.Content {
		return all[n-2]
	}
	return last
}

// decided lists what a decision is about.
func decided(all []fact.Disposition, decision string) (things []string) {
	for _, d := range all {
		switch {
		case d.Decision != decision:
		case d.Unit != "":
			things = append(things, fact.Ref{Kind: fact.Unit, ID: d.Unit}.String())
		case d.Package != "":
			things = append(things, fact.Ref{Kind: fact.Package, ID: d.Package}.String())
		}
	}
	slices.Sort(things)
	return slices.Compact(things)
}

// alarm states the excursion itself, with the package and the units that it
// affects. While it goes on only what will not change is said.
func (c *Case) alarm(p *parcel) (statement, error) {
	f := c.Facts
	f.Verdict, f.Revision = "", 0 // which verdict said it first follows from the order of arrival
	e := c.element()
	r := &e.Says[0]
	r.Exception = "ALARM_CONDITION"
	if f.Kind == fact.Unmonitored {
		r.Exception = "ERROR_CONDITION"
	}
	at := max(f.Alarm, f.From)
	if f.Ended != thermal.Ongoing {
		at = max(at, f.To)
		digest, err := fact.Digest(f)
		if err != nil {
			return statement{}, err
		}
		e.Proof = "excursion=sha256:" + digest
	}
	s := statement{topic: "alarm", At: at, Step: "sensor_reporting", Action: epcis.Observe, Things: []string{p.ref.String()}, Place: p.place(f.From), Shipment: p.shipment(f.From), Elements: []element{e}}
	for _, u := range f.Units {
		s.Things = append(s.Things, fact.Ref{Kind: fact.Unit, ID: u.Unit}.String())
	}
	return s, nil
}

// element is what the sensor said.
func (c *Case) element() element {
	f := &c.Facts
	e := element{From: f.From, Device: device(f.Source), Method: engine + thermal.EngineVersion, Rules: rulesOf(f.Profile, f.Version, f.Product) + "#" + f.Limit}
	r := report{Type: "Temperature"}
	if f.Ended != thermal.Ongoing {
		e.To, r.Value, r.At = f.To, f.Peak, f.PeakAt
	}
	e.Says = []report{r}
	return e
}
