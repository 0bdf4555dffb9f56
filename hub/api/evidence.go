package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// bundleWithin is how long evidence and reports may take to be made and sent.
const bundleWithin = 30 * time.Minute

// Evidence copies the evidence of a shipment to w. An answer that was cut short
// is an error.
func (c *Client) Evidence(ctx context.Context, w io.Writer, shipment string) (int64, error) {
	return c.document(ctx, w, "/shipments/"+url.PathEscape(shipment)+"/evidence")
}

// ShipmentReport and CaseReport copy a report to w, as PDF, of a shipment and of
// an excursion.
func (c *Client) ShipmentReport(ctx context.Context, w io.Writer, shipment string) (int64, error) {
	return c.document(ctx, w, "/shipments/"+url.PathEscape(shipment)+"/report")
}

func (c *Client) CaseReport(ctx context.Context, w io.Writer, excursion string) (int64, error) {
	return c.document(ctx, w, "/excursions/"+url.PathEscape(excursion)+"/report")
}

// document copies what takes longer to be made than other answers may.
func (c *Client) document(ctx context.Context, w io.Writer, path string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, bundleWithin)
	defer cancel()
	patient := &Client{Socket: c.Socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", c.Socket)
		},
		DisableCompression: true,
	}}}
	defer patient.http.CloseIdleConnections()
	resp, err := patient.open(ctx, http.MethodGet, path, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if err != nil {
		return n, fmt.Errorf("the answer is not whole: %w", err)
	}
	return n, nil
}

// LogKey is the verifier key of the hub's evidence log.
func (c *Client) LogKey(ctx context.Context) (string, error) {
	resp, err := c.open(ctx, http.MethodGet, "/log/key", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return strings.TrimSpace(string(b)), err
}
