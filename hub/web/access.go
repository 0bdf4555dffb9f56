package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"frostline/hub/excursion"
	"frostline/hub/gate"
	"frostline/hub/people"
	"frostline/hub/policy"
)

// Access keeps who may sign in, and who is; *people.Keeper is one. Its methods
// are called from many goroutines at once.
type Access interface {
	Begin(ctx context.Context, person, method, about string) (secret string, s people.Session, err error)
	Session(ctx context.Context, secret string, use bool) (s people.Session, p people.Person, ok bool, err error)
	Sessions(ctx context.Context, person string) ([]people.Session, error)
	End(ctx context.Context, secret string) error
	EndAll(ctx context.Context, actor, person string) error

	Reauthenticate(ctx context.Context, id, password string) (people.Person, error)
	SetPassword(ctx context.Context, actor, id, password string) (people.Person, error)
	HasPassword(ctx context.Context, id string) (bool, error)
	HasTOTP(ctx context.Context, id string) (bool, error)
	SetTOTP(ctx context.Context, actor, id, secret, code string) error
	DropTOTP(ctx context.Context, actor, id string) error
	CheckTOTP(ctx context.Context, id, code string) error
	Passkeys(ctx context.Context, id string) ([]people.Passkey, error)
	DropPasskey(ctx context.Context, actor, person, id string) error

	Link(ctx context.Context, secret string) (l people.Link, ok bool, err error)
	Enter(ctx context.Context, secret, id, name string) (people.Person, error)
	Invite(ctx context.Context, actor, id, name string, roles []string) (secret string, l people.Link, err error)
	SignInLink(ctx context.Context, actor, id string) (secret string, l people.Link, err error)

	People(ctx context.Context, after string, limit int) ([]people.Person, error)
	SetRoles(ctx context.Context, actor, id string, roles []string) (people.Person, error)
	Disable(ctx context.Context, actor, id, reason string) (people.Person, error)
	Enable(ctx context.Context, actor, id, reason string) (people.Person, error)
	Strangers(ctx context.Context) (refused, last int64, err error)

	Key(ctx context.Context, name string) ([]byte, error)
}

// sessionCookie is where a browser keeps the secret of its session.
const sessionCookie = "frostline_session"

// Signed tells the interface for programs who is signed in at the pages.
type Signed struct{ Access Access }

// Signed gives who a request is made by, and notes the use of the session.
func (s Signed) Signed(r *http.Request) (c people.Caller, ok bool, err error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return c, false, nil
	}
	_, p, ok, err := s.Access.Session(r.Context(), cookie.Value, true)
	if err != nil || !ok {
		return c, false, err
	}
	return p.Caller(), true, nil
}

// viewer is who looks at a page; nobody where Person has no id.
type viewer struct {
	Person  people.Person
	Session people.Session
	secret  string
	Form    string // what a form has to carry, so that no other page can send it
	Lang    string // in which they read
	Turns   []turn // to other languages; none where the page was sent for
}

func (v *viewer) actor() string { return "person/" + v.Person.ID }

// Signed says whether anybody is.
func (v *viewer) Signed() bool { return v.Person.ID != "" }

// May says whether the viewer may ask for a route.
func (v *viewer) May(pattern string) bool {
	rule, ok := policy.Page(pattern)
	return ok && v.Person.Disabled == 0 && rule.Person(v.Person.Roles)
}

type viewerKey struct{}

// viewerOf gives who a request is made by.
func viewerOf(r *http.Request) *viewer {
	if v, ok := r.Context().Value(viewerKey{}).(*viewer); ok {
		return v
	}
	return &viewer{}
}

// watched is an answer to somebody, so that every page can say who they are.
type watched struct {
	http.ResponseWriter
	viewer *viewer
}

// Unwrap is for http.ResponseController.
func (w watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// look finds out who a request is made by.
func (s *Server) look(r *http.Request) (*viewer, error) {
	if s.cfg.vouched != nil {
		return &viewer{Person: *s.cfg.vouched}, nil
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return &viewer{}, nil
	}
	session, p, ok, err := s.cfg.Access.Session(r.Context(), cookie.Value, r.URL.Path != "/live")
	if err != nil || !ok {
		return &viewer{}, err
	}
	return &viewer{Person: p, Session: session, secret: cookie.Value}, nil
}

// admitted lets through who may ask for a route, by the table of hub/policy.
// Where nobody is signed in, a page leads to signing in, and all else is
// refused.
func (s *Server) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pattern, rule := s.routes.rule(r)
		if pattern == "" && r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r) // which says what is allowed
			return
		}
		if rule.Local && fromHere(r) {
			next.ServeHTTP(w, r)
			return
		}
		v, err := s.look(r)
		if v != nil {
			v.speak(w, r)
		}
		if err != nil {
			s.log.Error("who asks for a page could not be looked up", "path", r.URL.Path, "error", err)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the hub could not look up who asks; its log says why", http.StatusServiceUnavailable)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), viewerKey{}, v))
		w = watched{w, v}
		switch {
		case rule.Open:
		case !v.Signed():
			s.stranger(w, r)
			return
		case !rule.Person(v.Person.Roles) && pattern == "GET /{$}":
			http.Redirect(w, r, "/me", http.StatusSeeOther) // their way in
			return
		case !rule.Person(v.Person.Roles) || v.Person.Disabled != 0:
			s.fail(w, r, http.StatusForbidden, "This is not among what you do here",
				"It is for: "+roleWords(rule.Roles)+". You are signed in as "+v.Person.Name+", with: "+roleWords(v.Person.Roles)+". An administrator can change that.")
			return
		}
		if r.Method == http.MethodPost && !s.formed(w, r, pattern) {
			return
		}
		if pattern == "GET /live" && v.secret != "" {
			ctx, stop := s.whileSigned(r.Context(), v)
			defer stop()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

// stranger answers who is not signed in. Nothing tells what there is.
func (s *Server) stranger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet && (r.Header.Get("Sec-Fetch-Mode") == "navigate" || strings.Contains(r.Header.Get("Accept"), "text/html")) {
		to := "/signin"
		if next := safeNext(r.URL.RequestURI()); next != "/" {
			to += "?next=" + url.QueryEscape(next)
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	http.Error(w, "nobody is signed in; sign in at /signin", http.StatusUnauthorized)
}

// streamChecks is how often an open stream makes sure that its session lasts.
const streamChecks = 15 * time.Second

// whileSigned ends with a session.
func (s *Server) whileSigned(ctx context.Context, v *viewer) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(streamChecks)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if _, p, ok, err := s.cfg.Access.Session(ctx, v.secret, false); err == nil && (!ok || p.Version != v.Person.Version) {
					stop()
				}
			}
		}
	}()
	return ctx, stop
}

const maxForm = 64 << 10 // bytes

// formed checks that what is sent is of one of the hub's own pages: a form with
// the token of its page, or JSON, which a page elsewhere cannot send without
// asking first.
func (s *Server) formed(w http.ResponseWriter, r *http.Request, pattern string) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) == "multipart/form-data" && pattern == stepPattern(excursion.Comment) {
		return s.uploaded(w, r)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	switch strings.TrimSpace(kind) {
	case "application/json":
		return true
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			s.fail(w, r, http.StatusBadRequest, "What was sent could not be read", "It is no form of this hub, or more than 64 KiB.")
			return false
		}
		return s.oursForm(w, r)
	}
	http.Error(w, "want a form, or JSON", http.StatusUnsupportedMediaType)
	return false
}

// oursForm checks that a form was made for whoever sends it.
func (s *Server) oursForm(w http.ResponseWriter, r *http.Request) bool {
	if want := s.formToken(r); want == "" || !same(r.PostFormValue("form"), want) {
		s.fail(w, r, http.StatusForbidden, "This form is out of date", "Whoever filled it in may have signed in or out since. Go back, load the page anew and send it again.")
		return false
	}
	return true
}

// safeNext gives where to go on after signing in: a path of this hub, or "/".
func safeNext(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || len(to) > 2000 ||
		!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\") || strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r == 0x7f }) ||
		strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, "\\") {
		return "/"
	}
	switch head, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/"); head {
	case "signin", "enter", "data", "live", "assets":
		return "/"
	}
	return to
}

// fromHere says whether a request comes from this machine, and not through a
// proxy on it.
func fromHere(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

var roleNames = map[string]string{
	policy.QA: "QA", policy.Approver: "QA approver", policy.Pharmacist: "pharmacist", policy.Dispatcher: "dispatcher", policy.Driver: "driver",
	policy.Warehouse: "warehouse", policy.Auditor: "auditor", policy.Operator: "operator", policy.Admin: "administrator",
}

func roleWords(roles []string) string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = roleNames[r]
	}
	return strings.Join(out, ", ")
}

// answerJSON answers a script of a page.
func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// about is what a session is shown by: the browser and the address.
func about(r *http.Request) string { return fmt.Sprintf("%s at %s", r.UserAgent(), gate.Origin(r)) }
