package sensing

import (
	"cmp"
	"context"
	"slices"

	"frostline/hub/correlate/join"
	"frostline/hub/custody/timeline"
	"frostline/hub/fact"
)

const (
	minute = int64(60_000)
	day    = 24 * 60 * minute
	// window is how long before a package was packed, and after its watch ended,
	// units are looked for in it.
	window = 31 * day
	widest = 366 * day // that Inside looks at
)

// parcel is a package with all that its statements rest on.
type parcel struct {
	ref      fact.Ref
	from, to int64 // of its watch; to is now while it is watched
	closed   bool
	assigned []fact.PackageAssigned
	places   []timeline.Interval
	totes    map[string][]timeline.Interval
	contents []stay // by time and unit
	handed   []fact.HandedOver
	judged   []join.Judgement
}

// stay is a unit's being in the package without a break.
type stay struct {
	unit     string // "unit/ID"
	from, to int64  // to may be timeline.Open
}

// parcel states all there is to state of a package, and gives when to look at it
// again.
func (k *Keeper) parcel(ctx context.Context, ref fact.Ref, now int64) ([]statement, int64, error) {
	p, found, err := k.read(ctx, ref, now)
	if err != nil || !found {
		return nil, 0, err
	}
	all := append(p.packing(), p.handovers()...)
	reports, again := p.reports(now, k.o.Grace.Milliseconds())
	return append(append(all, reports...), p.verdicts()...), again, nil
}

func (k *Keeper) read(ctx context.Context, ref fact.Ref, now int64) (*parcel, bool, error) {
	known, found, err := k.o.Orders.Parcel(ctx, ref.ID)
	if err != nil || !found {
		return nil, false, err
	}
	p := &parcel{ref: ref, from: known.Packed.At, to: now}
	if c := known.Closed; c != nil && c.How == "voided" {
		return nil, false, nil // it was entered by mistake
	} else if c != nil {
		p.to, p.closed = max(c.At, p.from), true
	}
	p.assigned = known.Assigned
	if err := k.places(ctx, p); err != nil {
		return nil, false, err
	}
	if p.contents, err = k.contents(ctx, ref, p.from-window, max(p.to, p.from)+window); err != nil {
		return nil, false, err
	}
	if p.handed, err = k.o.Places.Handovers(ctx, ref.ID); err != nil {
		return nil, false, err
	}
	p.judged, err = k.o.Verdicts.Judged(ctx, ref.ID)
	return p, true, err
}

// places reads where a package was, by itself and in totes.
func (k *Keeper) places(ctx context.Context, p *parcel) error {
	where, _, err := k.o.Places.Intervals(ctx, p.ref)
	if err != nil {
		return err
	}
	p.places, p.totes = merge(where), map[string][]timeline.Interval{}
	for _, v := range p.places {
		if v.In == nil || v.In.Kind != fact.Tote || p.totes[v.In.String()] != nil {
			continue
		}
		where, _, err := k.o.Places.Intervals(ctx, *v.In)
		if err != nil {
			return err
		}
		p.totes[v.In.String()] = merge(where)
	}
	return nil
}

// merge joins intervals in one thing that follow one another.
func merge(all []timeline.Interval) (out []timeline.Interval) {
	for _, v := range all {
		if n := len(out); n > 0 && v.In != nil && out[n-1].In != nil && *v.In == *out[n-1].In && v.From == out[n-1].To {
			out[n-1].To = v.To
			continue
		}
		out = append(out, v)
	}
	return out
}

// inside looks into a thing over any span.
func (k *Keeper) inside(ctx context.Context, thing fact.Ref, from, to int64) (all []timeline.Stay, err error) {
	for ; from < to; from += widest {
		some, err := k.o.Places.Inside(ctx, thing, from, min(from+widest, to))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// contents gives which units were in a package, and when.
func (k *Keeper) contents(ctx context.Context, pkg fact.Ref, from, to int64) (all []stay, err error) {
	found, err := k.inside(ctx, pkg, from, to)
	if err != nil {
		return nil, err
	}
	units := map[string]fact.Ref{}
	for _, s := range found {
		if s.Subject.Kind == fact.Unit {
			units[s.Subject.String()] = s.Subject
		}
	}
	for _, u := range sorted(units) {
		where, _, err := k.o.Places.Intervals(ctx, u)
		if err != nil {
			return nil, err
		}
		for _, v := range merge(where) {
			if v.In != nil && *v.In == pkg {
				all = append(all, stay{u.String(), v.From, v.To})
			}
		}
	}
	slices.SortFunc(all, func(a, b stay) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.unit, b.unit)) })
	return all, nil
}

// aboard gives the package, the units that were in it at some instant of a
// span, and the totes that it was in then.
func (p *parcel) aboard(from, to int64) []string {
	var inner []string
	for _, s := range p.contents {
		if s.from < to && s.to > from {
			inner = append(inner, s.unit)
		}
	}
	for _, v := range p.places {
		if v.In != nil && v.In.Kind == fact.Tote && v.From < to && v.To > from {
			inner = append(inner, v.In.String())
		}
	}
	slices.Sort(inner)
	return append([]string{p.ref.String()}, slices.Compact(inner)...)
}

// place is where the package was at an instant: a zone or compartment, by
// itself or in its tote; "" where nobody has told.
func (p *parcel) place(at int64) string {
	in := within(p.places, at)
	if in != nil && in.Kind == fact.Tote {
		in = within(p.totes[in.String()], at)
	}
	if in == nil {
		return ""
	}
	return in.String()
}

func within(all []timeline.Interval, at int64) *fact.Ref {
	for _, v := range all {
		if v.From <= at && at < v.To {
			return v.In
		}
	}
	return nil
}

// shipment is the one that the package belonged to at an instant.
func (p *parcel) shipment(at int64) (id string) {
	for _, a := range p.assigned {
		if a.At <= at {
			id = a.Shipment
		}
	}
	return id
}
