package api

import (
	"context"
	"net/http"
	"net/url"
)

// Notification is a message to somebody, as the interface for programs tells
// of it. Times are Unix ms.
type Notification struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Excursion  string `json:"excursion"`
	Excursions int    `json:"excursions"` // that it tells of
	Channel    string `json:"channel"`
	Recipient  string `json:"recipient"`
	Why        string `json:"why"`
	Subject    string `json:"subject"`
	State      string `json:"state"` // pending, sent, failed
	Attempts   int    `json:"attempts"`
	Created    int64  `json:"created"`
	Due        int64  `json:"due,omitempty"`
	Done       int64  `json:"done,omitempty"`
	Error      string `json:"error,omitempty"`
}

// mostNotifications bounds a list.
const mostNotifications = 10_000

// Notifications lists deliveries in a state, by id, at most ten thousand.
func (c *Client) Notifications(ctx context.Context, state string) ([]Notification, error) {
	all := []Notification{}
	for page := ""; len(all) < mostNotifications; {
		q := url.Values{"state": {state}, "limit": {"500"}}
		if page != "" {
			q.Set("page", page)
		}
		var answer struct {
			Items    []Notification `json:"items"`
			NextPage string         `json:"nextPage"`
		}
		if err := c.call(ctx, http.MethodGet, "/notifications?"+q.Encode(), nil, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Items...)
		if page = answer.NextPage; page == "" {
			break
		}
	}
	return all, nil
}

// RetryNotification has a delivery that was given up tried again.
func (c *Client) RetryNotification(ctx context.Context, id string) error {
	var done Notification
	return c.call(ctx, http.MethodPost, "/notifications/"+url.PathEscape(id)+"/retry", nil, &done)
}
