package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/propose"
	"frostline/hub/dispatch/risk"
)

// Route is one run of a courier, as the interface for programs tells of it.
// Times are Unix ms.
type Route struct {
	ID       string           `json:"id"`
	Courier  string           `json:"courier"`
	Depart   int64            `json:"depart"`
	Status   string           `json:"status"`
	Revision int64            `json:"revision"`
	Visits   []dispatch.Visit `json:"visits"`
}

// Routes lists routes by id, of one courier or, where courier is "", all; at
// most so many, and whether there are more.
func (c *Client) Routes(ctx context.Context, courier string, limit int) (all []Route, more bool, err error) {
	for next := ""; len(all) < limit; {
		var page struct {
			Items    []Route `json:"items"`
			NextPage string  `json:"nextPage"`
		}
		q := url.Values{"limit": {strconv.Itoa(min(500, limit-len(all)))}}
		if courier != "" {
			q.Set("courier", courier)
		}
		if next != "" {
			q.Set("page", next)
		}
		if err := c.call(ctx, http.MethodGet, "/routes?"+q.Encode(), nil, &page); err != nil {
			return nil, false, err
		}
		all = append(all, page.Items...)
		if next = page.NextPage; next == "" {
			return all, false, nil
		}
	}
	return all, true, nil
}

func routePath(id string) string { return "/routes/" + url.PathEscape(id) }

// Route gives one.
func (c *Client) Route(ctx context.Context, id string) (out Route, err error) {
	return out, c.call(ctx, http.MethodGet, routePath(id), nil, &out)
}

// AtRisk lists deliveries, most urgent first, at most so many; of one courier or,
// where courier is "", all. says puts each in words.
func (c *Client) AtRisk(ctx context.Context, courier string, limit int) (all []DeliveryAtRisk, more int, err error) {
	var list struct {
		Deliveries []DeliveryAtRisk `json:"deliveries"`
		More       int              `json:"more"`
	}
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if courier != "" {
		q.Set("courier", courier)
	}
	err = c.call(ctx, http.MethodGet, "/deliveries/at-risk?"+q.Encode(), nil, &list)
	return list.Deliveries, list.More, err
}

// DeliveryAtRisk is a delivery with how it stands in words.
type DeliveryAtRisk struct {
	risk.Delivery
	Says string `json:"says"`
}

// Proposal asks for another order of the stops of a route. Nothing is changed.
func (c *Client) Proposal(ctx context.Context, route string) (out propose.Proposal, err error) {
	return out, c.call(ctx, http.MethodGet, routePath(route)+"/proposal", nil, &out)
}

// OrderStops makes the stops of a route in another order. revision is that of
// the route that the caller has seen; 0 stands for any.
func (c *Client) OrderStops(ctx context.Context, route string, order []string, revision int64, reason string) (out Route, err error) {
	b, err := json.Marshal(map[string][]string{"order": order})
	if err != nil {
		return out, err
	}
	path := "http://hub" + routePath(route) + "/order?" + url.Values{"reason": {reason}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(b))
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", "application/json")
	if revision != 0 {
		req.Header.Set("If-Match", fmt.Sprintf(`"v%d"`, revision))
	}
	resp, err := c.do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the hub's answer: %w; look with: frostline routes show %s", err, route)
	}
	return out, nil
}
