package rest

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"frostline/hub/gate"
)

const (
	maxURI      = 4 << 10
	maxHeaders  = 16 << 10
	concurrency = 64
	writeWithin = 30 * time.Second
)

// guard is what stands before every operation and knows none.
func (a *API) guard(trusted func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{id: gate.RequestID(), origin: gate.Origin(r), pageKey: a.pageKey, log: a.log, failed: a.metrics.failed.Inc}
		if trusted != nil {
			c.trusted, c.actor = true, trusted(r)
		}
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Request-Id", c.id)
		out := &gate.Counted{ResponseWriter: w}
		defer func() {
			what := recover()
			if what == http.ErrAbortHandler {
				panic(what)
			}
			if what != nil {
				a.metrics.panics.Inc()
				a.log.Error("request made the hub panic", "request", c.id, "operation", c.operation, "by", c.actor, "panic", what, "stack", string(debug.Stack()))
				if out.Status != 0 {
					panic(http.ErrAbortHandler) // an answer cut short must not look whole
				}
				a.refuse(out, r, fail(broken, "the hub could not do it; its log says why"))
			}
			a.metrics.seen(c.operation, out.Status)
		}()
		select {
		case a.running <- struct{}{}:
			defer func() { <-a.running }()
		default:
			h.Set("Retry-After", "1")
			a.refuse(out, r, fail(busy, "%d requests are being answered, which is the most at once; ask again in a second", concurrency))
			return
		}
		if p := a.plausible(r); p != nil {
			a.refuse(out, r, p)
			return
		}
		rc := http.NewResponseController(w)
		_ = rc.SetWriteDeadline(time.Now().Add(writeWithin + answerWithin))
		handler, pattern := a.mux.Handler(r)
		if pattern == "" {
			a.strange(out, r, handler)
			return
		}
		if trusted != nil && c.actor == "" {
			a.refuse(out, r, fail(unauthorized, "the system does not tell who asks over this socket"))
			return
		}
		a.mux.ServeHTTP(out, r)
	})
}

// refuse answers with a problem before any operation was found.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.attend(r.Context())
	p.write(w)
}

// plausible refuses what no honest client sends.
func (a *API) plausible(r *http.Request) *Problem {
	switch {
	case len(r.RequestURI) > maxURI:
		return fail(uriTooLong, "address of %d bytes: want at most %d", len(r.RequestURI), maxURI)
	case path.Clean(r.URL.EscapedPath()) != r.URL.EscapedPath(): // ids may have a / in them, written %2F
		return fail(notFound, "path %q: write it without empty, . or .. segments and without / at its end", short(r.URL.Path))
	case !gate.Clean(r.URL.Path):
		return fail(malformed, "path: want UTF-8 without control characters")
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fail(malformed, "query: %v; want name=value pairs, percent-encoded", err)
	}
	for name, values := range q {
		if !gate.Clean(name) || !gate.Clean(strings.Join(values, "")) {
			return fail(malformed, "query parameter %q: want UTF-8 without control characters", short(name))
		}
	}
	for name, values := range r.Header {
		if !gate.Clean(strings.Join(values, "")) {
			return fail(malformed, "header %s: want UTF-8 without control characters", name)
		}
	}
	return nil
}

// strange answers what no operation matches: the multiplexer knows whether
// another method would.
func (a *API) strange(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	if allow, other := gate.Methods(handler, r); other {
		w.Header().Set("Allow", allow)
		a.refuse(w, r, fail(method, "%s %s: want one of %s", r.Method, short(r.URL.Path), allow))
		return
	}
	a.refuse(w, r, fail(notFound, "path %q is not part of this hub's interface; /openapi.json lists what is", short(r.URL.Path)))
}

// Listen bounds a server that carries the interface: time to send a header,
// size of the header, and idle connections. The rest is bounded by the handler.
func Listen(s *http.Server) {
	s.ReadHeaderTimeout = 5 * time.Second
	s.IdleTimeout = time.Minute
	s.MaxHeaderBytes = maxHeaders
}
