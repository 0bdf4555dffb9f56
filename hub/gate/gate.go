// Package gate is what the guards before the hub's handlers share: how often
// somebody may ask, where a request comes from, and what was answered.
package gate

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Origin is where a request comes from, for bounds of rate: what Elsewhere
// gives, this machine's address, or "local".
func Origin(r *http.Request) string {
	if other, ok := Elsewhere(r); ok {
		return other
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "local"
	}
	return host
}

// Elsewhere is the address that a request comes from: the peer's, or, where that
// is this machine's own proxy, the last that it has added to X-Forwarded-For.
// Of IPv6 it is the network of 64 bits, since one household or machine has all
// of its addresses. ok is false for this machine itself, and where nobody can
// tell.
func Elsewhere(r *http.Request) (origin string, ok bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "", false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "", false
	}
	if ip.Unmap().IsLoopback() {
		all := r.Header.Values("X-Forwarded-For")
		if len(all) == 0 {
			return "", false
		}
		last := all[len(all)-1]
		last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		if ip, err = netip.ParseAddr(last); err != nil {
			return "", false
		}
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String(), true
		}
	}
	return ip.String(), true
}

// RequestID names a request, in the log and in what is answered.
func RequestID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Clean says that a text is UTF-8 without control characters.
func Clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Counted notes what an answer's status was; 0 before there is one.
type Counted struct {
	http.ResponseWriter
	Status int
}

// WriteHeader is for http.ResponseWriter.
func (c *Counted) WriteHeader(status int) {
	if c.Status == 0 {
		c.Status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write is for http.ResponseWriter.
func (c *Counted) Write(b []byte) (int, error) {
	if c.Status == 0 {
		c.Status = http.StatusOK
	}
	return c.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (c *Counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Methods gives those that the path of a request is served under, where a
// multiplexer has given handler because none of them is the request's; false
// where no path is like it.
func Methods(handler http.Handler, r *http.Request) (allow string, other bool) {
	probe := &swallow{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	return probe.header.Get("Allow"), probe.status == http.StatusMethodNotAllowed
}

// swallow keeps the head of an answer.
type swallow struct {
	header http.Header
	status int
}

func (s *swallow) Header() http.Header         { return s.header }
func (s *swallow) WriteHeader(status int)      { s.status = status }
func (s *swallow) Write(b []byte) (int, error) { return len(b), nil }
