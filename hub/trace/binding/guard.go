package binding

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"frostline/hub/gate"
)

const (
	maxURI       = 8 << 10
	maxBody      = 16 << 20 // bytes of a capture
	maxSmall     = 256 << 10
	readWithin   = 60 * time.Second
	answerWithin = 40 * time.Second
	unread       = 256 << 10 // bytes of a body that the server takes by itself
	drainMost    = 128 << 20
	drainWithin  = 10 * time.Second
)

// call is what is known of a request.
type call struct {
	id      string
	actor   string
	trusted bool
	scopes  []string
}

type callKey struct{}

func callOf(r *http.Request) *call { return r.Context().Value(callKey{}).(*call) }

// guard stands before every operation.
func (b *Binding) guard(trusted func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{id: gate.RequestID()}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), callKey{}, c), readWithin+answerWithin)
		defer cancel()
		r = r.WithContext(ctx)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Request-Id", c.id)
		b.versions(h)
		out := &gate.Counted{ResponseWriter: w}
		defer func() {
			what := recover()
			if what == nil {
				return
			}
			if what != http.ErrAbortHandler {
				b.Log.Error("request made the hub panic", "request", c.id, "by", c.actor, "path", short(r.URL.Path), "panic", what, "stack", string(debug.Stack()))
			}
			if out.Status != 0 || what == http.ErrAbortHandler {
				panic(http.ErrAbortHandler) // an answer cut short must not look whole
			}
			b.refuse(out, r, fail(broken, "the hub could not do it; its log says why"))
		}()
		select {
		case b.running <- struct{}{}:
			defer func() { <-b.running }()
		default:
			b.refuse(out, r, fail(busy, "%d requests are being answered, which is the most at once", concurrency).with("Retry-After", "1"))
			return
		}
		if p := plausible(r); p != nil {
			b.refuse(out, r, p)
			return
		}
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Now().Add(readWithin))
		_ = rc.SetWriteDeadline(time.Now().Add(readWithin + answerWithin))
		if trusted != nil {
			if c.trusted, c.actor = true, trusted(r); c.actor == "" {
				b.refuse(out, r, fail(unauthorized, "the system does not tell who asks over this socket"))
				return
			}
		} else if p := b.identify(r, c); p != nil {
			b.refuse(out, r, p)
			return
		}
		handler, pattern := b.mux.Handler(r)
		if pattern == "" {
			b.strange(out, r, handler)
			return
		}
		b.mux.ServeHTTP(out, r)
	})
}

// identify finds out who asks.
func (b *Binding) identify(r *http.Request, c *call) *Problem {
	challenge := func(detail string) *Problem {
		if wait := b.strangers.Take(gate.Origin(r), b.Now()); wait > 0 {
			return fail(tooMany, "too many requests without a valid token; ask again in %s s", seconds(wait)).with("Retry-After", seconds(wait))
		}
		return fail(unauthorized, "%s; tokens are made by: frostline token create", detail).with("WWW-Authenticate", `Bearer realm="frostline"`)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " ,") {
		return challenge("header Authorization: want Bearer, a space and a token")
	}
	actor, scopes, ok, err := b.Tokens.Authenticate(r.Context(), token)
	if err != nil {
		p := fail(busy, "the token could not be looked up; ask again in a moment").with("Retry-After", "1")
		p.cause = err
		return p
	}
	if !ok {
		return challenge("token: unknown, expired or revoked")
	}
	c.actor, c.scopes = actor, scopes
	if wait := b.callers.Take(actor, b.Now()); wait > 0 {
		return fail(tooMany, "%s asks more than %d times a second; ask again in %s s", actor, perSecond, seconds(wait)).with("Retry-After", seconds(wait))
	}
	return nil
}

// may refuses who has none of some scopes.
func (c *call) may(scopes ...string) *Problem {
	if c.trusted || slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.scopes, s) }) {
		return nil
	}
	return fail(forbidden, "token of %s: it has no scope %s", c.actor, strings.Join(scopes, " or ")).
		with("WWW-Authenticate", `Bearer realm="frostline", error="insufficient_scope", scope="`+scopes[0]+`"`)
}

// plausible refuses what no honest client sends.
func plausible(r *http.Request) *Problem {
	escaped := r.URL.EscapedPath()
	switch {
	case len(r.RequestURI) > maxURI:
		return fail(uriTooLong, "address of %d bytes: want at most %d; keep a long query by POST %s/queries", len(r.RequestURI), maxURI, Root)
	case path.Clean(escaped) != escaped && escaped != Root+"/":
		return fail(noSuchName, "path %q: write identifiers percent-encoded (/ as %%2F) and no / at the end", short(r.URL.Path))
	case !gate.Clean(r.URL.Path):
		return fail(invalid, "path: want UTF-8 without control characters")
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fail(badParameter, "query: %v; want name=value pairs, percent-encoded", err)
	}
	for name, values := range q {
		if !gate.Clean(name) || !gate.Clean(strings.Join(values, "")) {
			return fail(badParameter, "query parameter %q: want UTF-8 without control characters", short(name))
		}
	}
	return nil
}

// refuse answers with a problem and logs what is not the caller's fault.
func (b *Binding) refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	c := callOf(r)
	p.Instance = "urn:frostline:request:" + c.id
	if p.Status >= 500 && p.Status != http.StatusNotImplemented && r.Context().Err() == nil {
		b.Log.Error("request could not be answered", "request", c.id, "by", c.actor, "method", r.Method, "path", short(r.URL.Path), "status", p.Status, "error", p.cause)
	}
	asks := r.Header.Get("Expect") != "" && r.ContentLength > maxBody // and waits before it sends
	large := c.actor != "" && !asks && (r.ContentLength < 0 || r.ContentLength > unread)
	if large {
		w.Header().Set("Connection", "close")
		large = http.NewResponseController(w).EnableFullDuplex() == nil
	}
	p.write(w, wantsXML(r))
	if large {
		drain(w, r)
	}
}

// drain takes what a caller who was refused still sends, for a while: one who is
// cut off while sending sees a broken connection and not why.
func drain(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	if rc.Flush() != nil || rc.SetReadDeadline(time.Now().Add(drainWithin)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, drainMost)
}

// strange answers what no operation matches.
func (b *Binding) strange(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	if allow, other := gate.Methods(handler, r); other {
		b.refuse(w, r, fail(badMethod, "%s %s: want one of %s", r.Method, short(r.URL.Path), allow).with("Allow", allow))
		return
	}
	b.refuse(w, r, fail(noSuchName, "path %q is no resource of EPCIS", short(r.URL.Path)))
}

// short is a text of a caller as a message can have it.
func short(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
