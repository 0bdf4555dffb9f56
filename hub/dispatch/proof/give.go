package proof

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"slices"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// refusal is what does not match, and is written down.
type refusal struct {
	why      string // see fact.Refusals
	packages []string
	error
}

func (r refusal) Unwrap() error { return r.error }

// Give takes a proof: the shipment is handed over and the stop is completed, or
// nothing is. A proof whose id is known has no effect when it says the same.
// Errors wrap those of package record.
func (d *Desk) Give(ctx context.Context, actor string, r Request) (Outcome, error) {
	if err := d.check(r); err != nil {
		return Outcome{}, err
	}
	var p fact.ProofGiven
	var no *refusal
	_, err := d.o.Events.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		var err error
		no = nil // the command may be tried again
		p, no, err = d.decide(ctx, r)
		switch {
		case err != nil:
			return err
		case no != nil:
			_, err = ch.Append(ctx, event.New{ID: derived("proof-refused", r.ID, no.why, fmt.Sprint(no.packages)), Stream: "shipment/" + p.Shipment, Expect: -1, Type: fact.ProofWasRefused,
				Data: fact.ProofRefused{ID: r.ID, Route: p.Route, Stop: p.Stop, Job: p.Job, Shipment: p.Shipment, At: p.At, Why: no.why, Packages: no.packages}})
			return err
		}
		_, err = ch.Append(ctx, event.New{ID: "proof:" + p.ID, Stream: "shipment/" + p.Shipment, Expect: -1, Type: fact.ProofWasGiven, Data: p})
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	if no != nil {
		d.o.Log.Warn("a delivery was refused at the door", "route", p.Route, "stop", p.Stop, "shipment", p.Shipment, "why", no.why)
		return Outcome{}, no
	}
	return d.complete(ctx, actor, p)
}

// check names all that is missing or makes no sense by itself.
func (d *Desk) check(r Request) error {
	if err := (fact.Ref{Kind: fact.Route, ID: r.ID}).Check(); err != nil {
		return record.Invalidf("id %q: want up to 64 letters, digits and ._:+-", r.ID)
	}
	if err := fact.CheckTime("at", r.At); err != nil {
		return record.Invalid(err)
	}
	if ahead := r.At - d.o.Now().UnixMilli(); ahead > d.o.Skew.Milliseconds() {
		return record.Invalidf("at %d: is %d s ahead of the hub's clock; look at the clock it was taken from", r.At, ahead/1000)
	}
	if len(r.Codes) > maxCodes {
		return record.Invalidf("codes: %d of them; want at most %d", len(r.Codes), maxCodes)
	}
	for i, m := range r.Marks {
		if err := m.Check(); err != nil {
			return record.Invalidf("marks.%d.%w", i, err)
		}
	}
	if r.Identity != nil {
		if err := r.Identity.Check(); err != nil {
			return record.Invalidf("identity.%w", err)
		}
	}
	if r.Second != "" {
		if err := fact.CheckToken("second", r.Second); err != nil {
			return record.Invalid(err)
		}
		if r.Second == r.To {
			return record.Invalidf("second: is the one who took it; want another person")
		}
	}
	for field, note := range map[string]string{"noTemperature": r.NoTemperature, "noPosition": r.NoPosition} {
		if err := fact.CheckNote(field, note); err != nil {
			return record.Invalid(err)
		}
	}
	if r.Position != nil {
		return record.Invalid(r.Position.Check())
	}
	return nil
}

// missing lists what a job wants and a request does not have, each with what to
// do.
func missing(r Request, j dispatch.Job) (all []string) {
	lack := func(is bool, what string) {
		if is {
			all = append(all, what)
		}
	}
	lack(len(r.Codes) == 0, "codes: scan the packages")
	lack(r.To == "" || r.Role == "", "to: say who took it, and role")
	lack(r.Seal == "" || r.Seal == "not_checked", "seal: look at it, and say intact, broken or absent")
	lack(r.Temperature == nil && r.NoTemperature == "", "temperature: read it, or say in noTemperature why not")
	lack(r.Position == nil && r.NoPosition == "", "position: give it with its accuracy, or say in noPosition why not")
	lack(len(r.Marks) == 0, "marks: refer to a signature or photo")
	lack(j.Two && r.Second == "", "second: the job needs two persons; give the token of the other")
	lack(j.Identity && r.Identity == nil, "identity: the job needs an identity check; give its kind and result")
	return all
}

// decide works out the proof that a request comes to, or why it is refused.
func (d *Desk) decide(ctx context.Context, r Request) (p fact.ProofGiven, no *refusal, err error) {
	route, err := d.o.Dispatch.Leg(ctx, r.Route)
	if err != nil {
		return p, nil, err
	}
	i := slices.IndexFunc(route.Stops, func(s fact.Stop) bool { return s.ID == r.Stop })
	if i < 0 {
		return p, nil, fmt.Errorf("stop %q of route %q: %w", r.Stop, r.Route, record.ErrNotFound)
	}
	visit := route.Visits()[i]
	if visit.Kind != "delivery" {
		return p, nil, record.Invalidf("stop %q: is a %s; a proof is of a delivery", r.Stop, visit.Kind)
	}
	j, err := d.o.Dispatch.Job(ctx, visit.Job)
	if err != nil {
		return p, nil, err
	}
	p = fact.ProofGiven{
		ID: r.ID, Route: r.Route, Stop: r.Stop, Job: j.ID, Shipment: j.Shipment, At: r.At, Uncertainty: r.Uncertainty, To: r.To, Role: r.Role, Seal: r.Seal,
		Temperature: r.Temperature, NoTemperature: r.NoTemperature, NoPosition: r.NoPosition, Marks: r.Marks, Second: r.Second, Identity: r.Identity,
	}
	if given, err := d.Proofs(ctx, j.Shipment); err != nil {
		return p, nil, err
	} else if known := slices.IndexFunc(given, func(g fact.ProofGiven) bool { return g.ID == r.ID }); known >= 0 {
		if err := d.same(ctx, given[known], p, r); err != nil {
			return p, nil, err
		}
		return given[known], nil, nil
	}
	if lack := missing(r, j); len(lack) > 0 {
		return p, nil, missingError(lack)
	}
	if visit.Ended() {
		return p, nil, record.Refusedf("stop %q: is %s already", r.Stop, visit.Status)
	}
	if visit.Held {
		return p, &refusal{"held", nil, record.Refusedf("stop %q: is held: %s; do not deliver, call dispatch", r.Stop, or(visit.Cause, "no cause was given"))}, nil
	}
	courier, err := d.o.Dispatch.Courier(ctx, route.Courier)
	if err != nil {
		return p, nil, err
	}
	p.From = courier.Party
	if no, err := d.scanned(ctx, &p, r); no != nil || err != nil {
		return p, no, err
	}
	if no, err := d.met(ctx, p); no != nil || err != nil {
		return p, no, err
	}
	if err := d.where(ctx, &p, visit.Place, r.Position); err != nil {
		return p, nil, err
	}
	if p.Seal != "intact" {
		p.Flags = append(p.Flags, "the seal was "+p.Seal)
	}
	// What custody would refuse is refused before anything is written.
	h := fact.HandedOver{ID: "x", Subject: fact.Ref{Kind: fact.Shipment, ID: p.Shipment}, From: p.From, To: p.To, Role: p.Role, At: p.At, Uncertainty: p.Uncertainty, Made: d.o.Now().UnixMilli(),
		Seal: p.Seal, Temperature: p.Temperature, Position: p.Position, NoPosition: or(p.NoPosition, "-")}
	if h.Position != nil {
		h.NoPosition = ""
	}
	return p, nil, record.Invalid(h.Check())
}

// missingError is one error whose text begins with the first field.
func missingError(lack []string) error {
	text := lack[0]
	for _, l := range lack[1:] {
		text += "; " + l
	}
	return record.Refusedf("%s", text)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// same fails where a proof that is known says something else than a request.
func (d *Desk) same(ctx context.Context, old, p fact.ProofGiven, r Request) error {
	codes, err := d.packages(ctx, r)
	if err != nil {
		return err
	}
	slices.Sort(codes)
	p.Packages = slices.Compact(codes)
	p.From, p.Flags, p.Position, p.Distance, p.Accuracy = old.From, old.Flags, old.Position, old.Distance, old.Accuracy // which are worked out
	if len(p.Marks) == 0 {
		p.Marks = old.Marks[:0:0]
	}
	if !reflect.DeepEqual(old, p) {
		return fmt.Errorf("id %q: a proof of stop %s of route %s is %w; give each an id of its own", old.ID, old.Stop, old.Route, record.ErrExists)
	}
	return nil
}

// where tells where it was: at a site the position, at a place the distance
// from it.
func (d *Desk) where(ctx context.Context, p *fact.ProofGiven, at fact.Ref, fix *fact.Position) error {
	if fix == nil {
		p.Flags = append(p.Flags, "there is no position: "+p.NoPosition)
		return nil
	}
	if at.Kind == fact.Site {
		p.Position = fix
		return nil
	}
	place, found, err := d.o.Dispatch.Place(ctx, at.ID)
	if err != nil {
		return err
	}
	if !found {
		p.NoPosition = "where the place of the stop is was forgotten"
		p.Flags = append(p.Flags, p.NoPosition)
		return nil
	}
	m := apart(place, *fix)
	mm := int64(math.Round(m)) * 1000
	p.Distance, p.Accuracy = &mm, fix.Accuracy
	if m > float64(place.Radius)+float64(fix.Accuracy)/1000 {
		p.Flags = append(p.Flags, fmt.Sprintf("it was handed over %.0f m from the place of the stop, which reaches %d m", m, place.Radius))
	}
	return nil
}

// apart is the distance in m, by the haversine formula on a sphere of 6371.0088
// km (IUGG mean radius).
func apart(p dispatch.Place, f fact.Position) float64 {
	const radius, unit = 6_371_008.8, math.Pi / 180 / 1e7
	lat1, lat2 := float64(p.Latitude)*unit, float64(f.Latitude)*unit
	dlat, dlng := lat2-lat1, float64(f.Longitude-p.Longitude)*unit
	a := math.Pow(math.Sin(dlat/2), 2) + math.Cos(lat1)*math.Cos(lat2)*math.Pow(math.Sin(dlng/2), 2)
	return 2 * radius * math.Asin(math.Sqrt(min(a, 1)))
}

// derived makes an id of others that may be as long as an id can be.
func derived(kind string, parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return kind + "-" + hex.EncodeToString(sum[:16])
}
