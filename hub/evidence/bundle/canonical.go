package bundle

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

const (
	maxDepth = 64                 // of arrays and objects in one another
	maxWhole = "9007199254740992" // 2^53: whole numbers up to it every program reads alike
)

// Canonical is v as canonical JSON (RFC 8785).
func Canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(b)
}

// Decode reads canonical JSON into v. It takes what Canonical would write of v
// and nothing else: no other field, none in another case, none left out, no
// null in place of a list.
func Decode(b []byte, v any) error {
	if !plain(b) || bytes.Contains(outside(b), []byte("null")) {
		return malformed("it is not canonical JSON (RFC 8785) of what belongs here")
	}
	return decode(b, v)
}

// DecodeEvent is Decode for an event, whose data may be any canonical JSON.
func DecodeEvent(b []byte, v any) error {
	if !plain(b) {
		return malformed("it is not canonical JSON (RFC 8785) of what belongs here")
	}
	return decode(b, v)
}

func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err == nil {
		if again, err := Canonical(v); err == nil && bytes.Equal(again, b) {
			return nil
		}
	}
	return malformed("it is not canonical JSON (RFC 8785) of what belongs here")
}

// plain reports whether b is UTF-8, not too deep, and without a whole number
// that some programs cannot hold.
func plain(b []byte) bool {
	depth, rest := 0, outside(b)
	for len(rest) > 0 {
		switch c := rest[0]; {
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == '-' || c >= '0' && c <= '9':
			n := 1
			for n < len(rest) && bytes.IndexByte([]byte("0123456789+-.eE"), rest[n]) >= 0 {
				n++
			}
			if digits := bytes.TrimPrefix(rest[:n], []byte("-")); !bytes.ContainsAny(digits, ".eE") &&
				(len(digits) > len(maxWhole) || len(digits) == len(maxWhole) && string(digits) > maxWhole) {
				return false
			}
			rest = rest[n-1:]
		}
		if depth > maxDepth {
			return false
		}
		rest = rest[1:]
	}
	return utf8.Valid(b)
}

// outside gives what of JSON is not within strings.
func outside(b []byte) (out []byte) {
	text := false
	for i := 0; i < len(b); i++ {
		switch {
		case text && b[i] == '\\':
			i++
		case b[i] == '"':
			text = !text
		case !text:
			out = append(out, b[i])
		}
	}
	return out
}
