package api

import (
	"context"
	"net/http"
)

// Carrier is how the exchange with a partner carrier is doing, as the interface
// for programs tells of it.
type Carrier struct {
	Carrier  string           `json:"carrier"`
	Party    string           `json:"party"`
	Incoming bool             `json:"incoming"`
	Booking  bool             `json:"booking"`
	Tasks    bool             `json:"tasks"`
	Messages map[string]int64 `json:"messages"` // by state
	Calls    map[string]int64 `json:"calls"`    // by state
	Failing  string           `json:"failing,omitempty"`
}

// Carriers tells of all partner carriers.
func (c *Client) Carriers(ctx context.Context) ([]Carrier, error) {
	var answer struct {
		Items []Carrier `json:"items"`
	}
	err := c.call(ctx, http.MethodGet, "/carriers", nil, &answer)
	return answer.Items, err
}
