package road

import (
	"context"
	"fmt"
)

// Valhalla is a Valhalla service by URL (sources_to_targets and route).
// Profiles are its costings: auto, bicycle, pedestrian.
type Valhalla struct{ Remote }

// ValhallaSource is the Source of its answers.
const ValhallaSource = "valhalla"

type spot struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

type valhallaError struct {
	Code    int    `json:"error_code"`
	Message string `json:"error"`
}

func (v *Valhalla) ask(ctx context.Context, path string, post any, answer any, fault *valhallaError) error {
	status, err := v.call(ctx, path, post, answer)
	if err != nil {
		return fmt.Errorf("valhalla: %w", err)
	}
	if status != 200 || fault.Code != 0 {
		return fmt.Errorf("valhalla: %s: status %d, error %d: %s", v.host(), status, fault.Code, fault.Message)
	}
	return nil
}

func spots(points []Point, which []int) (list []spot) {
	for _, i := range which {
		list = append(list, spot{points[i].lat(), points[i].lon()})
	}
	return list
}

// Table asks for the matrix of times and distances, in pieces of MaxTable
// points.
func (v *Valhalla) Table(ctx context.Context, kind Kind, points []Point) (*Table, error) {
	if err := checked(points, 1, MaxPoints); err != nil {
		return nil, err
	}
	costing, err := v.profile(kind)
	if err != nil {
		return nil, err
	}
	t, err := v.blocks(len(points), func(from, to []int) (seconds, metres [][]*float64, err error) {
		var r struct {
			valhallaError
			Cells [][]struct {
				Time     *float64 `json:"time"`
				Distance *float64 `json:"distance"` // kilometres
			} `json:"sources_to_targets"`
		}
		ask := map[string]any{"sources": spots(points, from), "targets": spots(points, to), "costing": costing, "units": "kilometers", "verbose": true}
		if err := v.ask(ctx, "/sources_to_targets", ask, &r, &r.valhallaError); err != nil {
			return nil, nil, err
		}
		for _, row := range r.Cells {
			var s, m []*float64
			for _, c := range row {
				if c.Distance != nil {
					*c.Distance *= 1000
				}
				s, m = append(s, c.Time), append(m, c.Distance)
			}
			seconds, metres = append(seconds, s), append(metres, m)
		}
		return seconds, metres, nil
	})
	if err != nil {
		return nil, err
	}
	t.Source = ValhallaSource
	return t, nil
}

// Way asks for the best route through the points.
func (v *Valhalla) Way(ctx context.Context, kind Kind, points []Point) (*Way, error) {
	if err := checked(points, 2, MaxPoints); err != nil {
		return nil, err
	}
	costing, err := v.profile(kind)
	if err != nil {
		return nil, err
	}
	var r struct {
		valhallaError
		Trip struct {
			Legs []struct {
				Shape   string `json:"shape"`
				Summary struct {
					Time   float64 `json:"time"`
					Length float64 `json:"length"`
				} `json:"summary"`
			} `json:"legs"`
		} `json:"trip"`
	}
	ask := map[string]any{"locations": spots(points, between(0, len(points))), "costing": costing, "units": "kilometers", "directions_type": "none"}
	if err := v.ask(ctx, "/route", ask, &r, &r.valhallaError); err != nil {
		return nil, err
	}
	if len(r.Trip.Legs) != len(points)-1 {
		return nil, fmt.Errorf("valhalla: %s: %d legs for %d points", v.host(), len(r.Trip.Legs), len(points))
	}
	w := &Way{Source: ValhallaSource, Low: 1, High: 1}
	for i, l := range r.Trip.Legs {
		shape, err := polyline6(l.Shape)
		if err != nil {
			return nil, fmt.Errorf("valhalla: %s: leg %d: %w", v.host(), i, err)
		}
		if i > 0 && len(shape) > 0 {
			shape = shape[1:] // the end of the leg before
		}
		w.Shape = append(w.Shape, shape...)
		w.Legs = append(w.Legs, Leg{l.Summary.Time, l.Summary.Length * 1000})
	}
	return w, nil
}
