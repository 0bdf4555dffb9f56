package rest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"frostline/hub/event"
	"frostline/hub/people"
	"frostline/hub/store"
)

type note struct {
	Body struct {
		Text     string `json:"text" maxLength:"100"`
		Password string `json:"password,omitempty" maxLength:"100"`
	}
}

type noted struct {
	ETag string `header:"ETag"`
	Body struct {
		ID string `json:"id"`
		N  int    `json:"n"`
	}
}

// notes is an operation POST /notes that does what a test says.
type notes struct {
	mu sync.Mutex
	n  int
	do func(ctx context.Context, in *note) error
}

func (n *notes) register(api huma.API) {
	huma.Register(api, operation(http.MethodPost, "/notes", "make-note", Write, "Make a note"),
		func(ctx context.Context, in *struct {
			Precondition
			note
			Body struct {
				Text     string `json:"text" maxLength:"100"`
				Password string `json:"password,omitempty" maxLength:"100"`
			}
		}) (*noted, error) {
			in.note.Body = in.Body
			if n.do != nil {
				if err := n.do(ctx, &in.note); err != nil {
					return nil, err
				}
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			n.n++
			out := &noted{ETag: etag(int64(n.n))}
			out.Body.ID, out.Body.N = freshID(ctx), n.n
			return out, nil
		})
	op := operation(http.MethodPost, "/slow", "send-slowly", Write, "Send slowly")
	op.BodyReadTimeout = 50 * time.Millisecond
	huma.Register(api, op, func(context.Context, *note) (*struct{}, error) { return nil, nil })
}

func counted64(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("%s is not there", name)
	return 0
}

func TestErrorsOnTheWire(t *testing.T) {
	n := &notes{}
	reg := prometheus.NewRegistry()
	h := newAPI(t, Config{also: n.register, Metrics: reg}).Handler()
	for _, c := range []struct {
		err   error
		match string
		want  kind
		says  string
		at    string
	}{
		{fmt.Errorf("append: %w", event.ErrStale), `"v3"`, stale, "append", ""},
		{fmt.Errorf("append: %w", event.ErrStale), "", conflict, "append", ""},
		{fmt.Errorf("append: %w", event.ErrReused), "", conflict, "append", ""},
		{fmt.Errorf("commit: %w", store.ErrUnknown), "", unknown, "send it again", ""},
		{fmt.Errorf("place order: %w: disk full", event.ErrNotDone), "", unavailable, "nothing was done; send it again", ""},
		{fmt.Errorf("place order: %w", syscall.ENOSPC), "", unavailable, "nothing was done; send it again", ""},
		{errors.New("disk full on /dev/sda"), "", broken, "its log says why", ""},
		{invalid(errors.New(`text "x": want more`)), "", unacceptable, `text "x": want more`, "/text"},
		{invalid(errors.New(`nothing we know: want more`)), "", unacceptable, "nothing", ""},
		{&people.WaitError{Wait: 90 * time.Second}, "", tooMany, "1m30s", "/password"},
		{fmt.Errorf("password: %w", people.ErrRefused), "", forbidden, "password", "/password"},
		{fail(refused, "no"), "", refused, "no", ""},
	} {
		n.do = func(context.Context, *note) error { return c.err }
		w := ask(t, h, "all", "POST", "/notes", `{"text":"x"}`, "If-Match", c.match)
		p := wantProblem(t, w, c.want)
		if !strings.Contains(p.Detail, c.says) || strings.Contains(p.Detail, "sda") {
			t.Errorf("%v: detail %q, want %q in it", c.err, p.Detail, c.says)
		}
		if got := ""; len(p.Errors) > 0 {
			if got = p.Errors[0].Pointer; got != c.at {
				t.Errorf("%v: at %q, want %q", c.err, got, c.at)
			}
		} else if c.at != "" {
			t.Errorf("%v: no fault, want one at %q", c.err, c.at)
		}
		if c.want.status == 429 && w.Header().Get("Retry-After") != "90" {
			t.Errorf("retry after %q, want 90", w.Header().Get("Retry-After"))
		}
	}
	n.do = func(context.Context, *note) error { panic("boom") }
	wantProblem(t, ask(t, h, "all", "POST", "/notes", `{"text":"x"}`), broken)
	if got := counted64(t, reg, "frostline_rest_panics_total"); got != 1 {
		t.Errorf("%v panics are counted, want 1", got)
	}
	if got := counted64(t, reg, "frostline_rest_failures_total"); got != 5 {
		t.Errorf("%v failures are counted, want 5", got)
	}
	// What was sent is told back, but for secrets.
	w := ask(t, h, "all", "POST", "/notes", `{"text":"x","password":"`+strings.Repeat("geheim", 20)+`"}`)
	if p := wantProblem(t, w, unacceptable); strings.Contains(w.Body.String(), "geheim") || p.Errors[0].Pointer != "/password" {
		t.Errorf("got %s, want a fault at /password without its value", w.Body)
	}
}

func TestGuard(t *testing.T) {
	n := &notes{}
	a := newAPI(t, Config{People: some(1), also: n.register})
	h := a.Handler()
	w := ask(t, h, "all", "GET", "/people/me", "", "Origin", "https://elsewhere.example")
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Access-Control-Allow-Origin": "",
	} {
		if got := w.Header().Get(name); got != want || w.Code != 200 {
			t.Errorf("%d, %s: got %q, want %q", w.Code, name, got, want)
		}
	}
	wantProblem(t, ask(t, h, "all", "OPTIONS", "/people", ""), method)
	wantProblem(t, ask(t, h, "all", "DELETE", "/people", ""), method)
	wantProblem(t, ask(t, h, "all", "GET", "/nothing", ""), notFound)
	wantProblem(t, ask(t, h, "all", "GET", "/docs", ""), notFound)
	wantProblem(t, ask(t, h, "all", "GET", "/people/", ""), notFound)
	wantProblem(t, ask(t, h, "all", "GET", "/people//me", ""), notFound)
	wantProblem(t, ask(t, h, "all", "GET", "/people/../people", ""), notFound)
	wantProblem(t, ask(t, h, "all", "GET", "/people/%2e%2e", ""), unacceptable)
	wantProblem(t, ask(t, h, "all", "GET", "/people/a%2F..%2Fme", ""), unacceptable)
	wantProblem(t, ask(t, h, "all", "GET", "/people?x="+strings.Repeat("a", maxURI), ""), uriTooLong)
	wantProblem(t, ask(t, h, "all", "GET", "/people?a;b", ""), malformed)
	for path, want := range map[string]bool{"/people/x": true, "/people": true, "/openapi.json": true, "/": false, "/view/people": false, "/peoples": false} {
		if a.Serves(path) != want {
			t.Errorf("serves %s: want %t", path, want)
		}
	}
	// No more than so many at once.
	entered, leave := make(chan struct{}), make(chan struct{})
	n.do = func(context.Context, *note) error { entered <- struct{}{}; <-leave; return nil }
	var all sync.WaitGroup
	for range concurrency {
		all.Go(func() { ask(t, h, "all", "POST", "/notes", `{"text":"x"}`) })
	}
	for range concurrency {
		<-entered
	}
	if w := ask(t, h, "all", "GET", "/people/me", ""); w.Header().Get("Retry-After") != "1" {
		t.Errorf("retry after %q", w.Header().Get("Retry-After"))
	} else {
		wantProblem(t, w, busy)
	}
	close(leave)
	all.Wait()
	if w := ask(t, h, "all", "GET", "/people/me", ""); w.Code != 200 {
		t.Errorf("afterwards: got %d", w.Code)
	}
}

func TestRates(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	a := newAPI(t, Config{People: some(1), Now: func() time.Time { return now }})
	h := a.Handler()
	for i := range guesses {
		if w := ask(t, h, "wrong", "GET", "/people/me", ""); w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), "invalid_token") {
			t.Fatalf("guess %d: got %d %s", i, w.Code, w.Header())
		}
	}
	if w := ask(t, h, "wrong", "GET", "/people/me", ""); w.Header().Get("Retry-After") != "3" {
		t.Errorf("retry after %q, want 3", w.Header().Get("Retry-After"))
	} else {
		wantProblem(t, w, tooMany)
	}
	// A valid token from the same place passes.
	for i := range burst {
		if w := ask(t, h, "all", "GET", "/people/me", ""); w.Code != 200 {
			t.Fatalf("request %d: got %d %s", i, w.Code, w.Body)
		}
	}
	wantProblem(t, ask(t, h, "all", "GET", "/people/me", ""), tooMany)
	if w := ask(t, h, "other", "GET", "/people/me", ""); w.Code != 200 {
		t.Errorf("another caller: got %d", w.Code)
	}
	now = now.Add(guessEvery)
	wantProblem(t, ask(t, h, "wrong", "GET", "/people/me", ""), unauthorized)
	if w := ask(t, h, "all", "GET", "/people/me", ""); w.Code != 200 {
		t.Errorf("after a while: got %d", w.Code)
	}
}

func TestTrusted(t *testing.T) {
	a := newAPI(t, Config{People: some(1)})
	who := "os/1000"
	h := a.Trusted(func(*http.Request) string { return who })
	for range burst + 1 { // no bound of rate
		if w := ask(t, h, "", "GET", "/people/me", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"actor":"os/1000","scopes":["admin","fleet","qa","read","write"]`) {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	who = ""
	wantProblem(t, ask(t, h, "", "GET", "/people/me", ""), unauthorized)
}

func TestSlowBodyIsCut(t *testing.T) {
	n := &notes{}
	server := httptest.NewUnstartedServer(newAPI(t, Config{also: n.register}).Handler())
	Listen(server.Config)
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /slow HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s, want 408 and a problem", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}

func TestPrecondition(t *testing.T) {
	for in, want := range map[string]int64{"": -1, "*": -1, `"v0"`: 0, `"v3"`: 3, etag(1 << 40): 1 << 40} {
		p := Precondition{in}
		if got, err := p.expect(); err != nil || got != want {
			t.Errorf("%s: got %d %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"v3", `"3"`, `"v-1"`, `"v03"`, `"v+3"`, `W/"v3"`, `"v3", "v4"`, `"v99999999999999999999"`, `"`, `"v"`} {
		p := Precondition{in}
		if _, err := p.expect(); err == nil {
			t.Errorf("%s is taken for a version", in)
		}
	}
}

func TestMountRefusesWhatIsNotSound(t *testing.T) {
	type id struct {
		ID string `path:"id" maxLength:"8"`
	}
	for what, also := range map[string]func(huma.API){
		"no scope": func(api huma.API) {
			huma.Register(api, huma.Operation{Method: "GET", Path: "/x", OperationID: "x"}, func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
		},
		"no parameter": func(api huma.API) {
			huma.Register(api, operation("GET", "/x/{id}", "x", Read, "X"), func(context.Context, *struct {
				id
				Paging
			}) (*struct{}, error) {
				return nil, nil
			})
		},
	} {
		if _, err := New(t.Context(), Config{Store: opened(t), Tokens: testDoors, Log: newAPI(t, Config{}).log, also: also}); err == nil {
			t.Errorf("%s: it is mounted", what)
		}
	}
}

// What runs out of time is told to the caller as such and logged, however a
// store words it; what the caller gave up is not logged.
func TestProblemsOfTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		with   func(context.Context) (context.Context, context.CancelFunc)
		want   kind
		logged bool
	}{
		{"too slow", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		}, slow, true},
		{"given up", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, broken, false},
		{"neither", func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }, broken, true},
	} {
		var log bytes.Buffer
		ctx, cancel := c.with(context.WithValue(t.Context(), callKey{}, &call{id: "1", log: slog.New(slog.NewTextHandler(&log, nil))}))
		p := problemOf(&huma.Operation{}, errors.New("interrupted (9)"))
		p.attend(ctx)
		cancel()
		if p.Status != c.want.status || strings.Contains(log.String(), "interrupted (9)") != c.logged {
			t.Errorf("%s: got %+v and log %q, want %v", c.name, p, log.String(), c.want)
		}
	}
}
