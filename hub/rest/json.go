package rest

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const maxDepth = 64 // levels of a JSON body

// hidden gives a body without the values of secrets, for a digest by which
// nobody can try passwords. The body is one that strict lets pass.
func hidden(body []byte) []byte {
	var out []byte
	d := jsontext.NewDecoder(bytes.NewReader(body))
	var kept int64
	for {
		begin := d.InputOffset()
		t, err := d.ReadToken()
		if err != nil {
			return append(out, body[kept:]...)
		}
		if t.Kind() != '"' {
			continue
		}
		if kind, n := d.StackIndex(d.StackDepth()); kind == '{' && n%2 == 1 {
			continue // a name
		}
		if secret.MatchString(string(d.StackPointer())) {
			out = append(out, body[kept:begin]...)
			kept = d.InputOffset()
		}
	}
}

// strict refuses what readers of JSON might understand differently: text that
// is not UTF-8, a name twice in one object, more than one value, numbers that
// nothing can hold, control characters, and depths that nobody means.
func strict(body []byte) *Problem {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for whole := false; ; {
		t, err := d.ReadToken()
		if whole && errors.Is(err, io.EOF) {
			return nil
		}
		if whole {
			return failAt(malformed, "body", "", "", "body: something follows its end at byte %d; send one value", d.InputOffset())
		}
		if err != nil {
			return unreadable(d, err)
		}
		where := short(string(d.StackPointer()))
		if d.StackDepth() > maxDepth {
			return failAt(malformed, "body", where, "", "body: more than %d levels deep", maxDepth)
		}
		switch t.Kind() {
		case '"':
			if !readable(t.String()) {
				return failAt(unacceptable, "body", where, "", "text at %q: it has control characters other than tab and line ends; leave them out", where)
			}
		case '0':
			if _, err := strconv.ParseFloat(t.String(), 64); err != nil {
				return failAt(unacceptable, "body", where, short(t.String()), "number at %q: too large for anything", where)
			}
		}
		whole = d.StackDepth() == 0
	}
}

// unreadable says where a body ceases to be JSON.
func unreadable(d *jsontext.Decoder, err error) *Problem {
	where, what := string(d.StackPointer()), "it is not JSON"
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		where = string(syntactic.JSONPointer)
		switch text := syntactic.Err; {
		case errors.Is(text, jsontext.ErrDuplicateName):
			return failAt(malformed, "body", short(where), "", "name at %q: it is there twice; give it once", short(where))
		case errors.Is(text, io.ErrUnexpectedEOF):
			what = "it ends early"
		case text != nil:
			what = text.Error()
		}
		return failAt(malformed, "body", short(where), "", "body: byte %d, at %q: %s", syntactic.ByteOffset, short(where), short(what))
	}
	return failAt(malformed, "body", short(where), "", "body: %s", what)
}

// readable says that a text has no control characters but tab and line ends.
func readable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < ' ' && r != '\t' && r != '\n' && r != '\r') || r == 0x7f
	})
}
