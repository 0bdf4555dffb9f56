package web

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy lets a page load from the hub alone and run nothing written inline.
// Charts set styles through the object model, which it allows.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses what is not a loopback page's own reading request, and sets
// the headers of every answer.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if !loopbackHost(r.Host) {
			http.Error(w, "this hub's pages answer only under 127.0.0.1, localhost or [::1], not under the name in this request", http.StatusMisdirectedRequest)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "these pages are only read: use GET", http.StatusMethodNotAllowed)
			return
		}
		if r.ContentLength != 0 {
			http.Error(w, "a request for a page has no body", http.StatusBadRequest)
			return
		}
		// Another site may link here, and may not load parts of the hub.
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			http.Error(w, "another site may not load this", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// pageHeads are the first segments of the paths of pages and their parts. All
// other paths are of the interface for programs, where there is one.
var pageHeads = map[string]bool{"": true, "sensor": true, "data": true, "export": true, "account": true, "live": true,
	"health": true, "metrics": true, "assets": true, "view": true, "dispatch": true, "favicon.ico": true}

// split gives pages and programs each their own handler. Programs bring a token
// that no browser sends by itself; the name they come under is checked all the
// same.
func split(page, program http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case pageHeads[head]:
			page.ServeHTTP(w, r)
		case !loopbackHost(r.Host):
			http.Error(w, "this hub answers only under 127.0.0.1, localhost or [::1], not under the name in this request", http.StatusMisdirectedRequest)
		default:
			program.ServeHTTP(w, r)
		}
	})
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
