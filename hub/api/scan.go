package api

import (
	"context"
	"net/http"
	"net/url"
)

// GatewayScan is a scan of a gateway, as the interface for programs tells of it.
// Times are Unix ms.
type GatewayScan struct {
	Gateway     string   `json:"gateway"`
	ID          string   `json:"id"`
	Code        string   `json:"code"`
	Kind        string   `json:"kind"`
	Value       string   `json:"value"`
	Action      string   `json:"action"`
	Target      string   `json:"target,omitempty"`
	From        string   `json:"from,omitempty"`
	To          string   `json:"to,omitempty"`
	Role        string   `json:"role,omitempty"`
	Seal        string   `json:"seal,omitempty"`
	Leaves      bool     `json:"leaves,omitempty"`
	By          string   `json:"by,omitempty"`
	Corrects    string   `json:"corrects,omitempty"`
	Withdrawn   bool     `json:"withdrawn,omitempty"`
	At          *int64   `json:"at"` // nil while no anchor dates it
	Uncertainty int64    `json:"uncertainty,omitempty"`
	Received    int64    `json:"received"`
	State       string   `json:"state"`
	Problem     string   `json:"problem,omitempty"`
	Replaced    bool     `json:"replaced,omitempty"`
	Disputed    string   `json:"disputed,omitempty"`
	Statements  []string `json:"statements"`
}

// GatewayScans lists scans of a gateway, or of all where it is "", and in a state
// or all, the last received first; at most so many.
func (c *Client) GatewayScans(ctx context.Context, gateway, state string, most int) ([]GatewayScan, error) {
	all := []GatewayScan{}
	for page := ""; len(all) < most; {
		q := url.Values{"limit": {"500"}}
		for name, v := range map[string]string{"gateway": gateway, "state": state, "page": page} {
			if v != "" {
				q.Set(name, v)
			}
		}
		var answer struct {
			Items    []GatewayScan `json:"items"`
			NextPage string        `json:"nextPage"`
		}
		if err := c.call(ctx, http.MethodGet, "/gateway-scans?"+q.Encode(), nil, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Items...)
		if page = answer.NextPage; page == "" {
			break
		}
	}
	return all[:min(len(all), most)], nil
}
