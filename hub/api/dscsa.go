package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"frostline/hub/trace/dscsa"
)

// SendStatement makes the transaction information and statement of a shipment
// for a trading partner. buyer, order and advice may be "".
func (c *Client) SendStatement(ctx context.Context, x dscsa.Export) (out dscsa.TradeStatement, err error) {
	body := map[string]any{"dropShipment": x.Drop}
	for name, v := range map[string]string{"buyer": x.Buyer, "purchaseOrder": x.Order, "despatchAdvice": x.Advice} {
		if v != "" {
			body[name] = v
		}
	}
	return out, c.call(ctx, http.MethodPost, "/shipments/"+url.PathEscape(x.Shipment)+"/statement", body, &out)
}

// StatementDocument copies a document to w, as it came or was sent.
func (c *Client) StatementDocument(ctx context.Context, w io.Writer, id string) (int64, error) {
	_, n, err := c.document(ctx, w, "/statements/"+url.PathEscape(id)+"/document")
	return n, err
}

// ReceiveStatement has the hub take a partner's document.
func (c *Client) ReceiveStatement(ctx context.Context, document io.Reader, media, reason string) (out dscsa.TradeStatement, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://hub/statements?"+url.Values{"reason": {reason}}.Encode(), document)
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", media)
	resp, err := c.do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the hub's answer: %w", err)
	}
	return out, nil
}

// TraceRequests lists trace requests without an answer, at most 500.
func (c *Client) TraceRequests(ctx context.Context) ([]dscsa.TraceRequest, error) {
	var page struct {
		Items []dscsa.TraceRequest `json:"items"`
	}
	err := c.call(ctx, http.MethodGet, "/trace-requests?state=open&limit=500", nil, &page)
	return page.Items, err
}

// Suspects lists cases of suspect product in a state, at most 500.
func (c *Client) Suspects(ctx context.Context, state string) ([]dscsa.Suspicion, error) {
	var page struct {
		Items []dscsa.Suspicion `json:"items"`
	}
	err := c.call(ctx, http.MethodGet, "/suspects?"+url.Values{"state": {state}, "limit": {"500"}}.Encode(), nil, &page)
	return page.Items, err
}
