package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// bundleWithin is how long evidence and reports may take to be made and sent.
const bundleWithin = 30 * time.Minute

// Evidence copies the evidence of a shipment to w, with what people attached to
// its excursions or without. The hub waits at most so long, up to 20 s, for
// gateways to sign their newest blocks; unsigned is how many they have not. An answer that was cut short is an error.
func (c *Client) Evidence(ctx context.Context, w io.Writer, shipment string, documents bool, wait time.Duration) (n int64, unsigned uint64, err error) {
	path := fmt.Sprintf("/shipments/%s/evidence?wait=%d", url.PathEscape(shipment), int(wait/time.Second))
	if !documents { // an older hub has none, and does not know the word
		path += "&documents=false"
	}
	h, n, err := c.document(ctx, w, path)
	if err == nil {
		unsigned, _ = strconv.ParseUint(h.Get("Frostline-Unsigned"), 10, 64) // one that an older hub does not tell is 0
	}
	return n, unsigned, err
}

// ShipmentReport and CaseReport copy a report to w, as PDF, of a shipment and of
// an excursion.
func (c *Client) ShipmentReport(ctx context.Context, w io.Writer, shipment string) (int64, error) {
	_, n, err := c.document(ctx, w, "/shipments/"+url.PathEscape(shipment)+"/report")
	return n, err
}

func (c *Client) CaseReport(ctx context.Context, w io.Writer, excursion string) (int64, error) {
	_, n, err := c.document(ctx, w, "/excursions/"+url.PathEscape(excursion)+"/report")
	return n, err
}

// document copies what takes longer to be made than other answers may.
func (c *Client) document(ctx context.Context, w io.Writer, path string) (http.Header, int64, error) {
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
		return nil, 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if err != nil {
		return nil, n, fmt.Errorf("the answer is not whole: %w", err)
	}
	return resp.Header, n, nil
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
