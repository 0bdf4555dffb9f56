package carrier

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// errSigned is all that a caller is told who cannot prove where it is from.
var errSigned = errors.New("the message does not prove where it is from: look at the secret, the signature and the clock")

// Verify fails for a message that is not by one of the secrets, or was signed
// too long ago. Secrets are compared in constant time.
func (m *Mapping) Verify(header http.Header, body []byte, now time.Time) error {
	a := &m.Incoming.Authentication
	given := header.Values(a.Header)
	if len(given) != 1 {
		return errSigned
	}
	if a.Scheme == "bearer" {
		token, ok := strings.CutPrefix(given[0], a.Prefix)
		got, match := sha256.Sum256([]byte(token)), 0
		for _, key := range m.in {
			want := sha256.Sum256(key)
			match |= subtle.ConstantTimeCompare(got[:], want[:])
		}
		if !ok || match != 1 {
			return errSigned
		}
		return nil
	}
	stamp, id := "", ""
	if a.Timestamp != "" {
		if stamp = timestamp(a, header); stamp == "" {
			return errSigned
		}
		t, err := signedAt(stamp)
		if err != nil || now.Sub(t).Abs() > a.Tolerance {
			return errSigned
		}
	}
	if a.ID != "" {
		if id = header.Get(a.ID); id == "" || len(header.Values(a.ID)) != 1 {
			return errSigned
		}
	}
	before, after, _ := strings.Cut(a.Signed, "{body}")
	fill := strings.NewReplacer("{timestamp}", stamp, "{id}", id)
	match := 0
	for _, key := range m.in {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(fill.Replace(before)))
		mac.Write(body)
		mac.Write([]byte(fill.Replace(after)))
		want := mac.Sum(nil)
		for _, s := range parts(given[0]) {
			if got, ok := decoded(a, s); ok {
				match |= subtle.ConstantTimeCompare(got, want)
			}
		}
	}
	if match != 1 {
		return errSigned
	}
	return nil
}

// parts are what a header has between commas and spaces.
func parts(s string) []string {
	all := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
	return all[:min(len(all), 16)]
}

func decoded(a *Authentication, s string) ([]byte, bool) {
	s, ok := strings.CutPrefix(s, a.Prefix)
	if !ok {
		return nil, false
	}
	var b []byte
	var err error
	if a.Encoding == "base64" {
		b, err = base64.StdEncoding.DecodeString(s)
	} else {
		b, err = hex.DecodeString(s)
	}
	return b, err == nil
}

func timestamp(a *Authentication, header http.Header) string {
	if len(header.Values(a.Timestamp)) != 1 {
		return ""
	}
	whole := header.Get(a.Timestamp)
	if a.TimestampPrefix == "" {
		return whole
	}
	for _, s := range parts(whole) {
		if t, ok := strings.CutPrefix(s, a.TimestampPrefix); ok {
			return t
		}
	}
	return ""
}

func signedAt(s string) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > 1e11 { // ms, as some have it
			return time.UnixMilli(n), nil
		}
		return time.Unix(n, 0), nil
	}
	return time.Parse(time.RFC3339, s)
}
