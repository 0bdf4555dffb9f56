// Package gate is what the guards before the hub's handlers share: how often
// somebody may ask, where a request comes from, and what was answered.
package gate

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Origin is where a request comes from, for bounds of rate: an address, or
// "local".
func Origin(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "local"
	}
	return host
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
