package binding

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/repository"
	"frostline/hub/trace/subscription"
)

// world is a binding on a real server, with two callers.
type world struct {
	t    testing.TB
	repo *repository.Repository
	desk *subscription.Desk
	log  *event.Log
	*client
	clock   atomic.Int64
	binding *Binding
}

// tokens are those that there are.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string) (string, []string, bool, error) {
	switch token {
	case "both":
		return "partner/wholesaler", []string{CaptureScope, QueryScope}, true, nil
	case "capture":
		return "partner/wholesaler", []string{CaptureScope, "read"}, true, nil
	case "query":
		return "partner/auditor", []string{QueryScope}, true, nil
	case "none":
		return "partner/carrier", []string{"read", "write"}, true, nil
	case "away":
		return "", nil, false, errors.New("the store is away")
	}
	return "", nil, false, nil
}

// sender posts messages; the hub has its own, with guards.
type sender struct{}

func (sender) Send(ctx context.Context, m subscription.Message) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return err
	}
	req.Header = m.Header
	req.Header.Set("webhook-id", m.ID)
	req.Header.Set("GS1-Signature", string(m.Secret))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return answered(res.StatusCode)
	}
	return nil
}

type answered int

func (a answered) Error() string { return http.StatusText(int(a)) }
func (a answered) Status() int   { return int(a) }

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t}
	w.clock.Store(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixMilli())
	now := func() time.Time { return time.UnixMilli(w.clock.Load()) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.log, err = event.Open(t.Context(), event.Options{Store: db, Log: storetest.Logger(t)})
	must(err)
	w.repo, err = repository.New(t.Context(), repository.Options{Store: db, Events: w.log, Now: now, Log: storetest.Logger(t)})
	must(err)
	w.desk, err = subscription.New(subscription.Options{Store: db, Repository: w.repo, Sender: sender{}, Log: storetest.Logger(t)})
	must(err)
	b, err := New(Config{Repository: w.repo, Subscriptions: w.desk, Tokens: tokens{}, Now: now, Log: storetest.Logger(t), Version: "test"})
	must(err)
	w.binding = b
	server := httptest.NewServer(b.Handler())
	t.Cleanup(server.Close)
	w.client = &client{t: t, base: server.URL + Root, token: "both"}
	return w
}

// client is an EPCIS client as one makes it from GS1's public OpenAPI
// description: its paths, parameters and headers.
type client struct {
	t     testing.TB
	base  string
	token string
}

// answer is what a server answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request; headers are name and value in turn.
func (c *client) do(method, path, contentType string, body []byte, headers ...string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatal(err)
	}
	return a
}

// want fails where an answer has another status.
func (c *client) want(status int, a answer) answer {
	c.t.Helper()
	if a.status != status {
		c.t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// problem fails where an answer is not a problem of a type.
func (c *client) problem(status int, exception string, a answer) Problem {
	c.t.Helper()
	c.want(status, a)
	var p Problem
	if err := json.Unmarshal(a.body, &p); err != nil || p.Type != "epcisException:"+exception || p.Status != status || p.Title == "" || p.Detail == "" || a.header.Get("Content-Type") != "application/problem+json" {
		c.t.Fatalf("want a problem of type %s: %s", exception, a.body)
	}
	return p
}

// captured is a job as a client reads it.
type captured struct {
	ID        string    `json:"captureID"`
	Running   bool      `json:"running"`
	Success   bool      `json:"success"`
	Behaviour string    `json:"captureErrorBehaviour"`
	Created   time.Time `json:"createdAt"`
	Finished  time.Time `json:"finishedAt"`
	Errors    []struct {
		Type, Title, Detail, Pointer, EventID string
		Status                                int
	} `json:"errors"`
	Captured int `json:"frostline:captured"`
	Known    int `json:"frostline:known"`
}

// capture posts a document and reads its job.
func (c *client) capture(contentType string, document []byte, headers ...string) captured {
	c.t.Helper()
	a := c.want(http.StatusAccepted, c.do(http.MethodPost, "/capture", contentType, document, headers...))
	location := a.header.Get("Location")
	path, ok := strings.CutPrefix(location, Root)
	if !ok {
		c.t.Fatalf("Location %q: want one under %s", location, Root)
	}
	var j captured
	c.get(path, &j)
	if j.Running || j.Finished.Before(j.Created) {
		c.t.Fatalf("job %+v", j)
	}
	return j
}

// get reads JSON.
func (c *client) get(path string, into any, headers ...string) answer {
	c.t.Helper()
	a := c.want(http.StatusOK, c.do(http.MethodGet, path, "", nil, headers...))
	if err := json.Unmarshal(a.body, into); err != nil {
		c.t.Fatalf("%s: %v: %s", path, err, a.body)
	}
	return a
}

// queried is an EPCISQueryDocument.
type queried struct {
	Type string `json:"type"`
	Body struct {
		Results struct {
			Name         string `json:"queryName"`
			Subscription string `json:"subscriptionID"`
			Body         struct {
				Events []map[string]any `json:"eventList"`
			} `json:"resultsBody"`
		} `json:"queryResults"`
	} `json:"epcisBody"`
}

// events asks for all pages of a query, by the header Link.
func (c *client) events(path string, headers ...string) (all []map[string]any) {
	c.t.Helper()
	for pages := 0; ; pages++ {
		var d queried
		a := c.get(path, &d, headers...)
		if d.Type != "EPCISQueryDocument" || d.Body.Results.Name == "" || a.header.Get("GS1-EPCIS-Version") != "2.0.0" || pages > 200 {
			c.t.Fatalf("%s: %s", path, a.body)
		}
		all = append(all, d.Body.Results.Body.Events...)
		link, found := strings.CutSuffix(a.header.Get("Link"), `>; rel="next"`)
		if !found {
			return all
		}
		if _, err := time.Parse(time.RFC3339, a.header.Get("GS1-Next-Page-Token-Expires")); err != nil {
			c.t.Fatal(err)
		}
		path = strings.TrimPrefix(link, "<"+Root)
	}
}

// ids are those of the events of a query.
func (c *client) ids(path string, headers ...string) (all []string) {
	c.t.Helper()
	for _, e := range c.events(path, headers...) {
		all = append(all, e["eventID"].(string))
	}
	return all
}

// query makes the address of a query for events.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return "/events?" + q.Encode()
}

// vector reads a document of the codec's tests.
func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "epcis", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
