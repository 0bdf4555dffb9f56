package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"frostline/hub/workflow"
)

// Saga is what follows from an excursion, as the interface for programs tells of
// it. Times are Unix ms.
type Saga struct {
	workflow.Saga
	Says string `json:"says"`
}

// Sagas lists sagas by id, at most so many: those in a state, or, where that is
// "", those that have not ended; all with all. more says that there are more.
func (c *Client) Sagas(ctx context.Context, state string, all bool, limit int) (list []Saga, more bool, err error) {
	for next := ""; len(list) < limit; {
		var page struct {
			Items    []Saga `json:"items"`
			NextPage string `json:"nextPage"`
		}
		q := url.Values{"limit": {strconv.Itoa(min(500, limit-len(list)))}}
		switch {
		case state != "":
			q.Set("state", state)
		case !all:
			q.Set("open", "true")
		}
		if next != "" {
			q.Set("page", next)
		}
		if err := c.call(ctx, http.MethodGet, "/sagas?"+q.Encode(), nil, &page); err != nil {
			return nil, false, err
		}
		list = append(list, page.Items...)
		if next = page.NextPage; next == "" {
			return list, false, nil
		}
	}
	return list, true, nil
}

// Saga gives one.
func (c *Client) Saga(ctx context.Context, id string) (out Saga, err error) {
	return out, c.call(ctx, http.MethodGet, "/sagas/"+url.PathEscape(id), nil, &out)
}

// DecideSaga decides about a saga that cannot go on by itself: retry, skip or
// compensate. step may be "", or names the one that is decided about.
func (c *Client) DecideSaga(ctx context.Context, id, step, decision, reason string) (out Saga, err error) {
	body := map[string]string{"decision": decision}
	if step != "" {
		body["step"] = step
	}
	return out, c.call(ctx, http.MethodPost, "/sagas/"+url.PathEscape(id)+"/decision?"+url.Values{"reason": {reason}}.Encode(), body, &out)
}
