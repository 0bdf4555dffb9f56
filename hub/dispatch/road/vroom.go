package road

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"frostline/hub/dispatch/plan"
)

// Vroom is a VROOM optimiser by URL (vroom-express or a like service), behind
// the planner's interface. Its answer is evaluated here like any other: one
// that is worse than the given order, or than nothing gained, is not taken. Own
// then answers, which the proposal says in a note.
//
// VROOM knows hard windows only, so the instant by which a load must be handed
// over ends its stop's window. What it cannot express is left to Own.
type Vroom struct {
	Remote
	Own     plan.Engine
	Log     *slog.Logger
	failing atomic.Bool
}

// VroomName is the Engine of its proposals.
const VroomName = "vroom"

// Codes of notes.
const (
	NoteEngine = "engine-failed" // Own answered, since VROOM did not
	NoteUntold = "engine-untold" // Own answered, since VROOM's language has no word for something
	NoteWorse  = "engine-worse"  // Own answered, since VROOM's order was worse
)

// Propose asks VROOM, and Own where that fails.
func (v *Vroom) Propose(ctx context.Context, p *plan.Problem, b plan.Budget) (*plan.Proposal, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	orders, err := v.orders(ctx, p)
	code := NoteEngine
	if errors.As(err, new(untold)) {
		code = NoteUntold
	} else if ctx.Err() == nil {
		v.saw(err)
	}
	if err == nil {
		q, compared := compare(p, orders)
		if compared != nil {
			err = compared
		} else if q.Given == nil && q.Plan.Cost.Unserved == 0 || q.Given != nil && q.Plan.Cost.Compare(q.Given.Cost) < 0 {
			q.Engine, q.Ended, q.Seed = VroomName, "answered", b.Seed
			return q, nil
		} else {
			code, err = NoteWorse, errors.New("its order leaves out stops, or is no better than the given one")
		}
	}
	if ctx.Err() != nil && code == NoteEngine {
		return nil, err
	}
	q, own := v.Own.Propose(ctx, p, b)
	if own != nil {
		return nil, own
	}
	q.Notes = append(q.Notes, plan.Note{Code: code, Text: fmt.Sprintf("vroom: %v", err)})
	return q, nil
}

// saw says a failure once, and its end.
func (v *Vroom) saw(err error) {
	if was := v.failing.Swap(err != nil); was == (err != nil) {
		return
	}
	if err != nil {
		v.Log.Warn("optimiser does not answer; the built-in one does", "error", err)
	} else {
		v.Log.Info("optimiser answers again")
	}
}

// untold is something of a problem that VROOM has no word for.
type untold struct{ what string }

func (u untold) Error() string { return u.what + " cannot be told to it" }

func compare(p *plan.Problem, orders [][]int) (*plan.Proposal, error) {
	if p.Given != nil {
		return plan.Compare(p, p.Given, orders)
	}
	one, err := plan.Evaluate(p, orders)
	return &plan.Proposal{Plan: one}, err
}

type vroomVehicle struct {
	ID          int     `json:"id"`
	Start       int     `json:"start_index"`
	End         *int    `json:"end_index,omitempty"`
	Capacity    []int64 `json:"capacity,omitempty"`
	Skills      []int   `json:"skills"`
	Window      []int64 `json:"time_window"`
	Speed       float64 `json:"speed_factor,omitempty"`
	MaxDistance int64   `json:"max_distance,omitempty"`
	Profile     string  `json:"profile"`
}

type vroomJob struct {
	ID       int        `json:"id"`
	Place    int        `json:"location_index"`
	Service  int64      `json:"service"`
	Delivery []int64    `json:"delivery,omitempty"`
	Pickup   []int64    `json:"pickup,omitempty"`
	Skills   []int      `json:"skills,omitempty"`
	Windows  [][2]int64 `json:"time_windows"`
}

type vroomShipment struct {
	Amount   []int64  `json:"amount"`
	Pickup   vroomJob `json:"pickup"`
	Delivery vroomJob `json:"delivery"`
	Skills   []int    `json:"skills,omitempty"`
}

type vroomReply struct {
	Code   int    `json:"code"`
	Error  string `json:"error"`
	Routes []struct {
		Vehicle int `json:"vehicle"`
		Steps   []struct {
			Type string `json:"type"`
			ID   int    `json:"id"`
		} `json:"steps"`
	} `json:"routes"`
}

const profile = "frostline" // of the matrix that is sent along

// orders asks VROOM for sequences.
func (v *Vroom) orders(ctx context.Context, p *plan.Problem) ([][]int, error) {
	ask, err := vroomProblem(p)
	if err != nil {
		return nil, err
	}
	var r vroomReply
	status, err := v.call(ctx, "/", ask, &r)
	if err != nil {
		return nil, err
	}
	if status != 200 || r.Code != 0 {
		return nil, fmt.Errorf("%s: status %d, code %d: %s", v.host(), status, r.Code, r.Error)
	}
	orders := make([][]int, len(p.Vehicles))
	for _, route := range r.Routes {
		if route.Vehicle < 0 || route.Vehicle >= len(orders) {
			return nil, fmt.Errorf("%s: a route of vehicle %d, which was not asked about", v.host(), route.Vehicle)
		}
		for _, s := range route.Steps {
			switch s.Type {
			case "job", "pickup", "delivery":
				orders[route.Vehicle] = append(orders[route.Vehicle], s.ID)
			}
		}
	}
	return orders, nil
}

func vroomProblem(p *plan.Problem) (map[string]any, error) {
	var vehicles []vroomVehicle
	for i, c := range p.Vehicles {
		if c.Fixed > 0 {
			return nil, untold{fmt.Sprintf("vehicle %d %q: fixed stops", i, c.ID)}
		}
		if c.Speed > 5 {
			return nil, untold{fmt.Sprintf("vehicle %d %q: a speed of %g, over 5,", i, c.ID, c.Speed)}
		}
		w := span(p, c.Shift)
		one := vroomVehicle{ID: i, Start: c.Start, Window: w[:], Speed: c.Speed, MaxDistance: c.Range, Skills: []int{i + 1}, Profile: profile}
		if c.End != plan.Open {
			one.End = &c.End
		}
		one.Capacity = []int64{c.Capacity}
		if c.Capacity == 0 {
			one.Capacity[0] = 1 << 40
		}
		vehicles = append(vehicles, one)
	}
	var shipments []vroomShipment
	paired := map[int]bool{}
	for _, pair := range p.Pairs {
		if paired[pair.Pickup] || p.Stops[pair.Pickup].Pick > 0 || p.Stops[pair.Delivery].Pick > 0 || p.Stops[pair.Pickup].Drop > 0 {
			return nil, untold{fmt.Sprintf("stop %d %q: a pickup for several deliveries, or with other goods,", pair.Pickup, p.Stops[pair.Pickup].ID)}
		}
		paired[pair.Pickup], paired[pair.Delivery] = true, true
		a, err := vroomStop(p, pair.Pickup)
		if err != nil {
			return nil, err
		}
		b, err := vroomStop(p, pair.Delivery)
		if err != nil {
			return nil, err
		}
		s := vroomShipment{Amount: []int64{p.Stops[pair.Delivery].Drop}, Skills: append(a.Skills, b.Skills...)}
		a.Skills, a.Delivery, a.Pickup, b.Skills, b.Delivery, b.Pickup = nil, nil, nil, nil, nil, nil
		s.Pickup, s.Delivery = a, b
		shipments = append(shipments, s)
	}
	jobs := []vroomJob{}
	for i := range p.Stops {
		if !paired[i] {
			j, err := vroomStop(p, i)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, j)
		}
	}
	ask := map[string]any{"vehicles": vehicles, "jobs": jobs, "matrices": map[string]any{profile: map[string]any{"durations": p.Matrix.Seconds, "distances": p.Matrix.Metres}}}
	if len(shipments) > 0 {
		ask["shipments"] = shipments
	}
	return ask, nil
}

// vroomStop tells a stop: its windows end where a load of it would get too warm
// in the vehicle in which that is soonest, unless that is before they begin.
func vroomStop(p *plan.Problem, i int) (vroomJob, error) {
	s := p.Stops[i]
	j := vroomJob{ID: i, Place: s.Place, Service: int64((s.Service + time.Second - 1) / time.Second), Delivery: []int64{s.Drop}, Pickup: []int64{s.Pick}}
	switch len(s.Vehicles) {
	case 0:
	case 1:
		j.Skills = []int{s.Vehicles[0] + 1}
	default:
		if len(s.Vehicles) < len(p.Vehicles) {
			return j, untold{fmt.Sprintf("stop %d %q: a choice of vehicles", i, s.ID)}
		}
	}
	due := int64(1 << 40)
	for _, l := range s.Loads {
		for _, c := range p.Vehicles {
			limit := plan.LimitIn(p.Now, l, c.Tau).Add(-s.Service)
			due = min(due, int64(limit.Sub(p.Now)/time.Second))
		}
	}
	windows := s.Windows
	if len(windows) == 0 {
		windows = []plan.Window{{}}
	}
	for _, w := range windows {
		if a := span(p, w); a[0] <= due {
			j.Windows = append(j.Windows, [2]int64{a[0], min(a[1], due)})
		}
	}
	if len(j.Windows) == 0 { // lost already: it is served as early as may be
		for _, w := range windows {
			j.Windows = append(j.Windows, span(p, w))
		}
	}
	return j, nil
}

// span is a window in seconds from now.
func span(p *plan.Problem, w plan.Window) [2]int64 {
	a := [2]int64{0, int64(plan.MaxHorizon / time.Second)}
	if !w.From.IsZero() {
		a[0] = max(0, int64((w.From.Sub(p.Now)+time.Second-1)/time.Second))
	}
	if !w.To.IsZero() {
		a[1] = max(a[0], int64(w.To.Sub(p.Now)/time.Second))
	}
	return a
}
