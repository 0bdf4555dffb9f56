package vrs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"frostline/hub/fact"
)

const (
	maxAnswer = 64 << 10
	within    = 10 * time.Second
)

// Resolver is another's verification service.
type Resolver struct {
	Name  string `yaml:"name"`  // by which it is called here
	URL   string `yaml:"url"`   // below which are /verify/…
	Token string `yaml:"token"` // bearer token; "" for none
	GLN   string `yaml:"gln"`   // of the requester, where it is not the hub's own
}

// Check fails for what cannot be asked.
func (r Resolver) Check() error {
	u, err := url.Parse(r.URL)
	switch {
	case r.Name == "":
		return errors.New("name: is missing")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "":
		return fmt.Errorf("url %q: want an http or https URL without a query", r.URL)
	}
	return nil
}

// Client asks others. It is safe for concurrent use.
type Client struct{ http *http.Client }

// NewClient makes a client; nil takes http.DefaultTransport. Redirections are
// not followed: a token must not go where nobody sent it.
func NewClient(t http.RoundTripper) *Client {
	return &Client{&http.Client{Transport: t, Timeout: within, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Ask asks once, for at most ten seconds. What came of it is in the result, also
// that nobody answered: then Outcome is "unknown" and Why says why.
func (c *Client) Ask(ctx context.Context, r Resolver, requester, uuid string, p fact.ProductIdentifier) fact.VerificationAsked {
	out := fact.VerificationAsked{ID: uuid, Product: p, Resolver: r.Name, Outcome: "unknown"}
	if r.GLN != "" {
		requester = r.GLN
	}
	answer, status, err := c.get(ctx, r, Path(r.URL, p, requester, uuid))
	out.Status = status
	switch {
	case err != nil:
		out.Why = err.Error()
	case answer.UUID != "" && answer.UUID != uuid:
		out.Why = fmt.Sprintf("the answer is to %q, not to what was asked", short(answer.UUID))
	case answer.Data.Verified == nil:
		out.Why = "the answer does not say whether it is verified"
	default:
		out.Outcome = "not verified"
		if *answer.Data.Verified {
			out.Outcome = "verified"
		}
		out.Responder, out.Timestamp = short(answer.Responder), short(answer.Timestamp)
		out.Reason, out.Information = short(answer.Data.Reason), short(answer.Data.Information)
	}
	return out
}

func (c *Client) get(ctx context.Context, r Resolver, address string) (a Answer, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return a, 0, err
	}
	req.Header.Set("Accept", "application/json")
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		var of *url.Error // names the whole address, which the record has
		if errors.As(err, &of) {
			err = of.Err
		}
		return a, 0, fmt.Errorf("%s could not be asked: %w", r.Name, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return a, res.StatusCode, fmt.Errorf("%s answered %s", r.Name, res.Status)
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return a, res.StatusCode, fmt.Errorf("%s answered with %q, not JSON", r.Name, short(res.Header.Get("Content-Type")))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return a, res.StatusCode, fmt.Errorf("%s: answer: %w", r.Name, err)
	case len(body) > maxAnswer:
		return a, res.StatusCode, fmt.Errorf("%s answered with more than %d bytes", r.Name, maxAnswer)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, res.StatusCode, fmt.Errorf("%s: answer: %w", r.Name, err)
	}
	return a, res.StatusCode, nil
}

func short(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100])
	}
	return s
}
