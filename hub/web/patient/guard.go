package patient

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"frostline/hub/privacy"
)

// Bounds of what strangers may ask.
const (
	maxForm     = 1 << 10 // bytes
	maxAddress  = 1 << 10
	answersWait = 128 // answers that are looked at together
	loads       = 32  // pages that are made together
	loadWithin  = 10 * time.Second
	writeWithin = 15 * time.Second
	cookieName  = "delivery"
	maxCookie   = 200
)

// head of an answer, the same for all that this package answers.
func (s *Server) head(h http.Header) {
	h.Set("Content-Security-Policy", s.policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// ServeHTTP answers what is under Prefix. Addresses are not logged: they are
// secrets.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.head(w.Header())
	defer func() {
		if what := recover(); what != nil {
			if what != http.ErrAbortHandler {
				s.log.Error("a patient's page made the hub panic", "panic", what, "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}
	}()
	path := r.URL.EscapedPath()
	rest, ok := strings.CutPrefix(path, Prefix)
	if !ok || len(r.RequestURI) > maxAddress || !s.hosts(r.Host) {
		s.gone(w, r)
		return
	}
	if a, ok := s.assets[rest]; ok {
		s.asset(w, r, a)
		return
	}
	secret, live := strings.CutSuffix(rest, "/live")
	if !privacy.Plausible(secret) {
		s.gone(w, r)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(loadWithin + writeWithin))
	switch {
	case r.Method == http.MethodGet && live:
		s.live(w, r, secret)
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && !live:
		s.open(w, r, secret)
	case r.Method == http.MethodPost && !live:
		s.answer(w, r, secret)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "this is not understood here", http.StatusMethodNotAllowed)
	}
}

// session is the cookie's content; "" for none. Of several, none counts.
func session(r *http.Request) string {
	all := r.CookiesNamed(cookieName)
	if len(all) != 1 || len(all[0].Value) > maxCookie {
		return ""
	}
	return all[0].Value
}

// cookie binds a session to one link: no other address gets it. How long it is
// kept does not depend on the clock of the phone.
func cookie(r *http.Request, secret, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: Prefix + secret, MaxAge: max(1, int(life.Seconds())),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https"),
	}
}

// slots bounds how many do something together.
type slots chan struct{}

// take waits for a slot until the request or the time for it ends.
func (s slots) take(r *http.Request, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case s <- struct{}{}:
		return true
	default:
	}
	select {
	case s <- struct{}{}:
		return true
	case <-timer.C:
	case <-r.Context().Done():
	}
	return false
}

func (s slots) give() { <-s }

// trouble logs that something could not be read, without the address.
func (s *Server) trouble(r *http.Request, what string, err error, args ...any) {
	if r.Context().Err() == nil {
		s.log.LogAttrs(r.Context(), slog.LevelError, "a patient's page could not "+what, append([]slog.Attr{slog.Any("error", err)}, attrs(args)...)...)
	}
}

func attrs(args []any) (out []slog.Attr) {
	for i := 0; i+1 < len(args); i += 2 {
		out = append(out, slog.Any(args[i].(string), args[i+1]))
	}
	return out
}
