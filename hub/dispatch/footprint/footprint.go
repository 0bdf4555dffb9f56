// Package footprint tells how far a route leads and what it emits, as figures
// with their sources. What nobody has a factor for is not told.
package footprint

import (
	"context"
	"errors"
	"fmt"
	"math"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
)

// Factor is what a kind of courier emits.
type Factor struct {
	Grams  float64 `yaml:"g-per-km" json:"gramsPerKm" doc:"Of CO2 equivalent, g/km."`
	Source string  `yaml:"source" json:"source" doc:"Who says so."`
}

// Factors by kind of courier. Those given here go before the built-in ones.
type Factors map[string]Factor

// builtIn are direct emissions. Of couriers that drive by electricity they are
// not told: they are those of whoever generates it, and a hub's configuration
// says which.
var builtIn = Factors{
	"van":  {250.23, "UK Government GHG Conversion Factors for Company Reporting 2024 v1.1: delivery vehicles, vans, average (up to 3.5 t), diesel"},
	"bike": {0, "no fuel is burnt; electricity of an assisted bike is not counted"},
}

// Validate fails for a factor that nobody has said, or of no kind of courier.
func (f Factors) Validate() error {
	for kind, v := range f {
		known := false
		for _, k := range fact.CourierKinds {
			known = known || k == kind
		}
		switch {
		case !known:
			return fmt.Errorf("footprint: %q: want one of %v", kind, fact.CourierKinds)
		case !(v.Grams >= 0 && v.Grams <= 10_000):
			return fmt.Errorf("footprint.%s.g-per-km: %v: want 0 to 10000 g of CO2 equivalent", kind, v.Grams)
		case v.Source == "":
			return fmt.Errorf("footprint.%s.source: say whose figure it is", kind)
		}
	}
	return nil
}

// Footprint is that of a route.
type Footprint struct {
	Route     string  `json:"route"`
	Courier   string  `json:"courier"`
	Kind      string  `json:"kind"`
	Metres    int64   `json:"metres" doc:"From the start by the stops in their order to the end."`
	Basis     string  `json:"basis" doc:"Who says how far that is: a road engine, or estimate."`
	Estimated bool    `json:"estimated" doc:"Nobody looked at a map."`
	Left      int     `json:"left,omitempty" doc:"Stops that are not counted: where they are was forgotten or is not known."`
	Grams     *int64  `json:"grams,omitempty" doc:"Of CO2 equivalent; absent where there is no factor."`
	Factor    *Factor `json:"factor,omitempty" doc:"That it was multiplied by."`
	Unknown   string  `json:"unknown,omitempty" doc:"Why there are no grams."`
	PerStop   *int64  `json:"gramsPerDelivery,omitempty" doc:"Shared evenly among the deliveries of the route."`
}

// Options of New. All are required but Factors.
type Options struct {
	Dispatch interface {
		Leg(ctx context.Context, id string) (dispatch.Route, error)
		Courier(ctx context.Context, id string) (dispatch.Courier, error)
		Place(ctx context.Context, id string) (dispatch.Place, bool, error)
	}
	Site    func(ctx context.Context, id string) (*fact.Position, error)
	Road    road.Router
	Factors Factors
}

// Meter makes footprints. It is safe for concurrent use.
type Meter struct{ o Options }

// New makes a meter.
func New(o Options) (*Meter, error) {
	if o.Dispatch == nil || o.Site == nil || o.Road == nil {
		return nil, errors.New("footprint: Dispatch, Site and Road are required")
	}
	return &Meter{o}, o.Factors.Validate()
}

// Of gives the footprint of a route as it is planned: of one that was recalled
// or failed in part, too.
func (m *Meter) Of(ctx context.Context, id string) (Footprint, error) {
	r, err := m.o.Dispatch.Leg(ctx, id)
	if err != nil {
		return Footprint{}, err
	}
	c, err := m.o.Dispatch.Courier(ctx, r.Courier)
	if err != nil {
		return Footprint{}, err
	}
	f := Footprint{Route: id, Courier: c.ID, Kind: c.Kind, Basis: road.Estimated}
	refs := []fact.Ref{r.Start}
	deliveries := int64(0)
	for _, s := range r.Stops {
		refs = append(refs, s.Place)
		if s.Kind == "delivery" {
			deliveries++
		}
	}
	if !r.End.IsZero() {
		refs = append(refs, r.End)
	}
	var points []road.Point
	for _, ref := range refs {
		p, ok, err := m.where(ctx, ref)
		if err != nil {
			return f, err
		}
		if !ok {
			f.Left++
		} else if len(points) == 0 || points[len(points)-1] != p {
			points = append(points, p)
		}
	}
	if len(points) > 1 {
		way, err := m.o.Road.Way(ctx, kinds(c.Kind), points)
		if err != nil {
			return f, fmt.Errorf("way of route %s: %w", id, err)
		}
		total := 0.0
		for _, l := range way.Legs {
			total += l.Metres
		}
		f.Metres, f.Basis, f.Estimated = int64(math.Round(total)), way.Source, way.Estimated
	}
	factor, ok := m.o.Factors[c.Kind]
	if !ok {
		factor, ok = builtIn[c.Kind]
	}
	switch {
	case !ok:
		f.Unknown = fmt.Sprintf("nobody has said what a %s emits: say footprint.%s in the hub's configuration, with its source", c.Kind, c.Kind)
	case f.Left > 0:
		f.Unknown = fmt.Sprintf("where %d stops are is not known any more", f.Left)
	default:
		g := int64(math.Round(factor.Grams * float64(f.Metres) / 1000))
		f.Grams, f.Factor = &g, &factor
		if deliveries > 0 {
			each := g / deliveries
			f.PerStop = &each
		}
	}
	return f, nil
}

func (m *Meter) where(ctx context.Context, r fact.Ref) (road.Point, bool, error) {
	if r.Kind == fact.Place {
		p, found, err := m.o.Dispatch.Place(ctx, r.ID)
		return road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, found, err
	}
	p, err := m.o.Site(ctx, r.ID)
	if err != nil || p == nil {
		return road.Point{}, false, err
	}
	return road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, true, nil
}

func kinds(courier string) road.Kind {
	switch courier {
	case "bike":
		return road.Bike
	case "drone":
		return road.Drone
	case "robot":
		return road.Robot
	}
	return road.Van
}
