package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"frostline/hub/privacy"
)

// PatientLink is a link by which a patient follows a shipment, with its address,
// which is given once.
type PatientLink struct {
	Link privacy.Link `json:"link"`
	URL  string       `json:"url"`
}

// NewPatientLink makes a link that asks for an answer, good for some hours (0: a
// week).
func (c *Client) NewPatientLink(ctx context.Context, shipment string, factor privacy.Factor, answer string, hours int64) (out PatientLink, err error) {
	body := map[string]any{"factor": factor, "secretAnswer": answer}
	if hours != 0 {
		body["hours"] = hours
	}
	return out, c.call(ctx, http.MethodPost, "/shipments/"+url.PathEscape(shipment)+"/links", body, &out)
}

// PatientLinks lists the links of a shipment, also those that are over.
func (c *Client) PatientLinks(ctx context.Context, shipment string) (all []privacy.Link, err error) {
	for next := ""; ; {
		var page struct {
			Items    []privacy.Link `json:"items"`
			NextPage string         `json:"nextPage"`
		}
		q := url.Values{"limit": {strconv.Itoa(200)}}
		if next != "" {
			q.Set("page", next)
		}
		if err := c.call(ctx, http.MethodGet, "/shipments/"+url.PathEscape(shipment)+"/links?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if next = page.NextPage; next == "" {
			return all, nil
		}
	}
}

// RevokePatientLink ends a link at once.
func (c *Client) RevokePatientLink(ctx context.Context, id, reason string) (out privacy.Link, err error) {
	return out, c.call(ctx, http.MethodPost, "/links/"+url.PathEscape(id)+"/revoke", map[string]string{"reason": reason}, &out)
}
