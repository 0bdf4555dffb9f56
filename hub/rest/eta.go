package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress"
)

// Progress tells how far couriers have come; *progress.Tracker does.
type Progress interface {
	ETA(route, stop string) (dispatch.Arrival, bool)
	Where(route string) (progress.Where, bool)
}

// ETABody tells when a courier comes to the stops of its route.
type ETABody struct {
	Route string `json:"route"`
	At    int64  `json:"at" doc:"The hub's clock, Unix ms."`
	// Last is how fresh what is known of the courier is. Where it is, is told by
	// the readings of its gateway.
	Last  *LastFix  `json:"last,omitempty" doc:"Of the courier's last position; left out where none came since the route began."`
	Stops []StopETA `json:"stops" maxItems:"500" doc:"All stops, in the order of the plan."`
}

// LastFix tells of a courier's last position without telling it.
type LastFix struct {
	At    int64   `json:"at" doc:"When it was taken, Unix ms."`
	Age   int64   `json:"age" doc:"By the hub's clock, ms."`
	Next  string  `json:"next,omitempty" doc:"Stop that the courier goes to, or is at."`
	Along float64 `json:"along" doc:"Metres of the way to it that are behind."`
	Way   float64 `json:"way" doc:"Metres of the whole way from the stop before."`
	Off   float64 `json:"off" doc:"Metres from that way."`
}

// StopETA is when a courier comes to a stop, or came.
type StopETA struct {
	Stop    string            `json:"stop"`
	Status  string            `json:"status" doc:"planned, arrived, departed, completed or failed."`
	Held    bool              `json:"held,omitempty"`
	Arrival *dispatch.Arrival `json:"arrival,omitempty" doc:"An estimate, no evidence; left out where nobody can tell. In four cases of five the truth is between low and high."`
}

func registerProgress(api huma.API, d Routes, p Progress, now func() time.Time) {
	huma.Register(api, inTag("dispatch")(http.MethodGet, "/routes/{id}/eta", "get-route-eta", Read, "Tell when a courier comes to the stops of its route"),
		func(ctx context.Context, in *RoutePath) (*struct{ Body ETABody }, error) {
			r, err := d.Leg(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			out := ETABody{Route: r.ID, At: now().UnixMilli(), Stops: []StopETA{}}
			if w, ok := p.Where(r.ID); ok {
				out.Last = &LastFix{At: w.Fix.At, Age: w.Age.Milliseconds(), Next: w.Next, Along: w.Along, Way: w.Way, Off: w.Off}
			}
			for _, v := range r.Visits() {
				s := StopETA{Stop: v.ID, Status: v.Status, Held: v.Held}
				a, ok := p.ETA(r.ID, v.ID)
				if !ok {
					a, ok = dispatch.Planned(v)
				}
				if ok {
					s.Arrival = &a
				}
				out.Stops = append(out.Stops, s)
			}
			return &struct{ Body ETABody }{out}, nil
		})
}
