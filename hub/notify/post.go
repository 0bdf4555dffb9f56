package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Poster sends messages to addresses that programs gave over the interface, with
// the guards and the signature of a webhook. It is safe for concurrent use.
type Poster struct{ client *http.Client }

// NewPoster makes a poster. A private one may reach this machine and private
// networks, but never link-local addresses. Each attempt ends within timeout.
func NewPoster(private bool, timeout time.Duration) *Poster {
	return &Poster{&http.Client{
		Timeout: timeout, CheckRedirect: noRedirect,
		Transport: &http.Transport{
			DialContext: dialer(private), TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
	}}
}

// Refusal is what a receiver answered that did not accept a message.
type Refusal struct {
	Code  int           // HTTP status
	Pause time.Duration // that it asked to be left alone for, 0 where it did not
	Text  string
}

func (r *Refusal) Error() string { return r.Text }

// Status and After are what whoever tries again has to know.
func (r *Refusal) Status() int          { return r.Code }
func (r *Refusal) After() time.Duration { return r.Pause }

// Post sends a body, signed where there is a secret: see Verify. The signature
// also goes into each header named in also. It gives nil once the receiver has
// answered with a 2xx, and a *Refusal for any other answer.
func (p *Poster) Post(ctx context.Context, url, id string, secret, body []byte, header http.Header, now time.Time, also ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	at := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("User-Agent", "frostline-hub")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	if len(secret) > 0 {
		s := sign([][]byte{secret}, id, at, string(body))
		for _, name := range append(also, "webhook-signature") {
			req.Header.Set(name, s)
		}
	}
	res, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 200)) // for the message alone
	if err != nil {
		answer = []byte("answer could not be read")
	}
	if res.StatusCode/100 == 2 {
		return nil
	}
	r := &Refusal{Code: res.StatusCode, Text: fmt.Sprintf("webhook: answered %s: %s", res.Status, line(string(answer)))}
	if s, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && s > 0 && s < 1<<20 {
		r.Pause = time.Duration(s) * time.Second
	}
	return r
}
