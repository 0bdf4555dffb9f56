package web

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// contentPolicy lets a page load from the hub alone and run nothing written inline.
// Charts set styles through the object model, which it allows.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// guard refuses what is not a page's own request under a name of this hub, and
// sets the headers of every answer.
func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if s.cfg.TLS != nil && !loopbackHost(r.Host) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !s.ourName(r.Host) {
			http.Error(w, s.otherName(), http.StatusMisdirectedRequest)
			return
		}
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			if r.ContentLength != 0 {
				http.Error(w, "a request for a page has no body", http.StatusBadRequest)
				return
			}
			// Another site may link here, and may not load parts of the hub.
			if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
				http.Error(w, "another site may not load this", http.StatusForbidden)
				return
			}
		} else if err := cross.Check(r); err != nil {
			http.Error(w, "another site may not send this", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// split gives pages and programs each their own handler; heads are the first
// segments of the paths of pages. The name that programs come under is checked
// all the same.
func (s *Server) split(page, program http.Handler) http.Handler {
	heads := s.routes.heads()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case heads[head]:
			page.ServeHTTP(w, r)
		case !s.ourName(r.Host):
			http.Error(w, s.otherName(), http.StatusMisdirectedRequest)
		default:
			program.ServeHTTP(w, r)
		}
	})
}

// ourName says whether a Host header names this hub: loopback, or over TLS a
// name that the configuration says.
func (s *Server) ourName(host string) bool {
	if loopbackHost(host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return s.cfg.TLS != nil && slices.ContainsFunc(s.cfg.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

func (s *Server) otherName() string {
	names := "127.0.0.1, localhost or [::1]"
	if s.cfg.TLS != nil && len(s.cfg.Names) > 0 {
		names = strings.Join(s.cfg.Names, ", ") + ", " + names
	}
	return "this hub answers only under " + names + ", not under the name in this request"
}

// loopbackHost reports whether a Host header names this machine's loopback.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if name == "localhost" {
		return true
	}
	if n := len(name); n > 2 && name[0] == '[' && name[n-1] == ']' {
		name = name[1 : n-1]
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && (ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || ip == netip.IPv6Loopback())
}

func token() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
