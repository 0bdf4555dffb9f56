package api

import (
	"context"
	"net/http"
	"net/url"

	"frostline/hub/view"
)

// Thinned tells what remains of readings that gateways gave up.
type Thinned interface {
	Thinned(ctx context.Context, gateway string, visit func(view.Thinned) error) error
}

// Summary is what remains of readings that a gateway gave up because its
// journal was full: no reading, and of no instant in range.
type Summary struct {
	Sensor   string `json:"sensor,omitempty"`
	Quantity string `json:"quantity"`
	Unit     string `json:"unit,omitempty"`
	Epoch    uint32 `json:"epoch"`
	First    uint64 `json:"first"` // block
	Last     uint64 `json:"last"`
	From     string `json:"from,omitempty"` // empty where nobody can date it
	To       string `json:"to,omitempty"`
	Count    uint64 `json:"count"`
	Min      string `json:"min"`
	Mean     string `json:"mean"`
	Max      string `json:"max"`
	Reason   string `json:"reason"`
}

const maxSummaries = 10_000 // of one answer

// thinned is GET /v1/gateways/{gateway}/thinned.
func (s *Server) thinned(w http.ResponseWriter, r *http.Request) {
	out := []Summary{}
	err := s.cfg.Thinned.Thinned(r.Context(), r.PathValue("gateway"), func(t view.Thinned) error {
		unit, _ := t.Quantity.Unit()
		if len(out) == maxSummaries { // the newest are kept
			out = out[1:]
		}
		out = append(out, Summary{
			Sensor: t.Sensor, Quantity: t.Quantity.String(), Unit: unit, Epoch: t.Epoch, First: t.First, Last: t.Last, From: stamp(t.From), To: stamp(t.To),
			Count: t.Count, Min: view.Exact(t.Quantity, t.Min), Mean: view.Exact(t.Quantity, t.Mean), Max: view.Exact(t.Quantity, t.Max), Reason: t.Reason,
		})
		return nil
	})
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.write(w, out)
}

// Thinned lists what remains of the readings that a gateway gave up, the newest
// 10,000 at most.
func (c *Client) Thinned(ctx context.Context, gateway string) (out []Summary, err error) {
	return out, c.call(ctx, "GET", "/v1/gateways/"+url.PathEscape(gateway)+"/thinned", nil, &out)
}
