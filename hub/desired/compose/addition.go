package compose

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"frostline/hub/desired"
	"frostline/hub/fact"
)

// draft is an addition while it is worked out.
type draft struct {
	desired.Addition
	has map[string]bool // packages
}

// drafts are the additions to be, by gateway.
type drafts map[string]*draft

func (d drafts) of(gateway string) *draft {
	if d[gateway] == nil {
		d[gateway] = &draft{has: map[string]bool{}}
	}
	return d[gateway]
}

// add tells a gateway of a package, once. One without a profile is watched by
// that of what it is in.
func (d drafts) add(gateway string, p Package) {
	g := d.of(gateway)
	if g.has[p.ID] {
		return
	}
	g.has[p.ID] = true
	for _, profile := range p.Profiles {
		g.Packages = append(g.Packages, desired.Package{ID: p.ID, Profile: profile})
	}
}

// additions works out what each gateway is to be told: first what is there, then
// what is to come, in the order of the stops.
func (c *Composer) additions(ctx context.Context) (map[string]desired.Addition, error) {
	packages, err := c.o.World.Packages(ctx)
	if err != nil {
		return nil, fmt.Errorf("packages: %w", err)
	}
	routes, err := c.o.World.Routes(ctx)
	if err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	all, known := drafts{}, map[string]Package{}
	carriers := map[fact.Ref][]string{} // gateways by compartment and zone
	for _, p := range packages {
		known[p.ID] = p
		gateways := p.Gateways
		if len(gateways) == 0 && !p.In.IsZero() {
			at, ok := carriers[p.In]
			if !ok {
				if at, err = c.around(ctx, p.In); err != nil {
					return nil, err
				}
				carriers[p.In] = at
			}
			gateways = at
		}
		for _, g := range gateways {
			all.add(g, p)
		}
	}
	slices.SortFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Depart, b.Depart), strings.Compare(a.ID, b.ID))
	})
	for _, r := range routes {
		if err := c.route(ctx, all, known, r); err != nil {
			return nil, fmt.Errorf("route %s: %w", r.ID, err)
		}
	}
	out := make(map[string]desired.Addition, len(all))
	for gateway, d := range all {
		out[gateway] = d.Addition
	}
	return out, nil
}

// rank puts routes that are under way first.
func rank(r Route) int {
	if r.Started {
		return 0
	}
	return 1
}

// around gives the gateways of the vehicle or site that a thing is in.
func (c *Composer) around(ctx context.Context, in fact.Ref) ([]string, error) {
	carrier, err := c.o.World.Carrier(ctx, in)
	if err != nil || carrier.IsZero() {
		return nil, err
	}
	return c.o.World.Gateways(ctx, carrier)
}

// route tells of what a route carries, and of its next stop.
func (c *Composer) route(ctx context.Context, all drafts, known map[string]Package, r Route) error {
	var aboard []string // gateways
	var err error
	if r.Vehicle != "" {
		if aboard, err = c.o.World.Gateways(ctx, fact.Ref{Kind: fact.Vehicle, ID: r.Vehicle}); err != nil {
			return err
		}
	}
	if !r.Started && r.Depart-c.o.Now().UnixMilli() > ahead.Milliseconds() {
		return nil // later
	}
	if err := c.next(ctx, all, aboard, r); err != nil {
		return err
	}
	for _, s := range r.Stops {
		gateways := aboard
		if s.Delivery && s.Place.Kind == fact.Site {
			there, err := c.o.World.Gateways(ctx, s.Place)
			if err != nil {
				return err
			}
			gateways = append(slices.Clone(aboard), there...)
		}
		if len(gateways) == 0 || s.Shipment == "" {
			continue
		}
		ids, err := c.o.World.Shipment(ctx, s.Shipment)
		if err != nil {
			return err
		}
		slices.Sort(ids)
		for _, id := range ids {
			p, ok := known[id]
			if !ok {
				continue // closed
			}
			for _, g := range gateways {
				all.add(g, p)
			}
		}
	}
	return nil
}

// next sets the next stop of the vehicle's gateways, where no route before has.
func (c *Composer) next(ctx context.Context, all drafts, aboard []string, r Route) error {
	at := slices.IndexFunc(r.Stops, func(s Stop) bool { return !s.Held })
	if at < 0 || len(aboard) == 0 {
		return nil
	}
	stop := r.Stops[at]
	// A delivery that goes to no site goes to a patient: its shipment names it.
	name := stop.Shipment
	if stop.Place.Kind == fact.Site {
		var err error
		if name, err = c.o.World.Name(ctx, stop.Place); err != nil {
			return err
		}
		name = cmp.Or(label(name), stop.Place.ID)
	}
	if name == "" {
		return nil
	}
	for _, g := range aboard {
		if d := all.of(g); d.NextStop == nil {
			d.NextStop = &desired.Stop{Place: name, Due: stop.ETA}
		}
	}
	return nil
}

// label makes a name fit for a gateway's page: at most 60 printable characters.
func label(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "")))
	if r := []rune(name); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return name
}
