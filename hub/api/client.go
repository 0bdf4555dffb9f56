package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client asks a hub over its socket. It is safe for concurrent use. An error
// that the hub answered is a *Problem.
type Client struct {
	Socket string
	http   *http.Client
}

// NewClient makes a client of the hub behind a socket. It does not connect yet.
func NewClient(socket string) *Client {
	return &Client{Socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", socket)
		},
		ResponseHeaderTimeout: time.Minute,
		DisableCompression:    true,
	}}}
}

// open sends a request and checks the answer's status.
func (c *Client) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://hub"+path, in)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req)
}

// send sends a request with a body as it is, and checks the answer's status.
func (c *Client) send(ctx context.Context, method, path string, in io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://hub"+path, in)
	if err != nil {
		return nil, err
	}
	return c.do(req)
}

func (c *Client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode)}
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(p)
	return nil, p
}

func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	resp, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the hub's answer: %w", err)
	}
	return nil
}

// Health asks how the hub is doing.
func (c *Client) Health(ctx context.Context) (h Health, err error) {
	return h, c.call(ctx, "GET", "/v1/health", nil, &h)
}

// Gateways lists all gateways with their sensors, by id.
func (c *Client) Gateways(ctx context.Context) (gs []Gateway, err error) {
	return gs, c.call(ctx, "GET", "/v1/gateways", nil, &gs)
}

// Accounts lists the account of each gateway and epoch.
func (c *Client) Accounts(ctx context.Context) (as []Account, err error) {
	return as, c.call(ctx, "GET", "/v1/accounts", nil, &as)
}

// Code makes a one-time code by which a gateway can be enrolled.
func (c *Client) Code(ctx context.Context, gateway string) (code Code, err error) {
	return code, c.call(ctx, "POST", "/v1/gateways/"+url.PathEscape(gateway)+"/code", nil, &code)
}

// Revoke takes a gateway's right to connect away.
func (c *Client) Revoke(ctx context.Context, gateway, reason string) error {
	var done map[string]string
	return c.call(ctx, "POST", "/v1/gateways/"+url.PathEscape(gateway)+"/revoke", map[string]string{"reason": reason}, &done)
}

// BrokerConfig makes the files of an external broker.
func (c *Client) BrokerConfig(ctx context.Context, req BrokerRequest) (files []BrokerFile, err error) {
	return files, c.call(ctx, "POST", "/v1/broker-config", req, &files)
}

// History copies the readings of a sensor to w, as CSV or as JSON lines. It
// gives how many more there are that nobody can date. An answer that was cut
// short is an error.
func (c *Client) History(ctx context.Context, w io.Writer, sensor string, from, to time.Time, asJSON bool) (undated uint64, err error) {
	q := url.Values{"sensor": {sensor}, "from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	if asJSON {
		q.Set("format", "json")
	}
	resp, err := c.open(ctx, "GET", "/v1/history?"+q.Encode(), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	undated, _ = strconv.ParseUint(resp.Header.Get(UndatedHeader), 10, 64)
	if _, err := io.Copy(w, resp.Body); err != nil {
		return undated, fmt.Errorf("the history is not whole: %w", err)
	}
	return undated, nil
}

// Tail calls fn for each line of a gateway's tail until ctx ends, the hub
// stops, or fn fails.
func (c *Client) Tail(ctx context.Context, gateway string, fn func(Line) error) error {
	resp, err := c.open(ctx, "GET", "/v1/gateways/"+url.PathEscape(gateway)+"/tail", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if len(in.Bytes()) == 0 {
			continue // a sign of life
		}
		var l Line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("read the hub's answer: %w", err)
		}
		if err := fn(l); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	return ErrEnded
}

// ErrEnded means that the hub ended a tail because it stops.
var ErrEnded = errors.New("the hub has stopped")
