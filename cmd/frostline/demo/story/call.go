package story

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// caller calls the hub's interface: over its socket as whoever runs this
// process, or over loopback with a token.
type caller struct {
	http   *http.Client
	origin string // that paths are appended to
}

const (
	longestAnswer = 8 << 20
	callWithin    = 30 * time.Second
)

func callers(socket, web string) (desk, wire *caller) {
	over := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	return &caller{&http.Client{Transport: over, Timeout: callWithin}, "http://hub"},
		&caller{&http.Client{Transport: &http.Transport{}, Timeout: callWithin}, "http://" + web}
}

// problem is an answer that is none (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
}

func (p *problem) Error() string {
	s := fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail)
	for _, e := range p.Errors {
		s += fmt.Sprintf("; %s: %s", e.Pointer, e.Detail)
	}
	return s
}

// do calls. key makes a repetition one with the first; out may be nil. An
// answer that is no success is a *problem.
func (c *caller) do(ctx context.Context, token, key, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.origin+path, body)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Authorization": token, "Idempotency-Key": key} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer))
	if err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		p := &problem{}
		if json.Unmarshal(b, p) != nil || p.Status == 0 {
			p = &problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode), Detail: string(b[:min(len(b), 200)])}
		}
		return p
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return nil
}
