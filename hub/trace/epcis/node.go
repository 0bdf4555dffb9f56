package epcis

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

type kind byte

const (
	kindNull kind = iota
	kindText
	kindNumber // text is as it was written
	kindBool   // text is "true" or "false"
	kindObject // kids have names
	kindArray
)

// node is one value of JSON, under its name if it is a member. Names of one
// object differ.
type node struct {
	name string
	kind kind
	text string
	kids []node
}

// member finds the member called name.
func (n *node) member(name string) *node {
	if n == nil || n.kind != kindObject {
		return nil
	}
	for i := range n.kids {
		if n.kids[i].name == name {
			return &n.kids[i]
		}
	}
	return nil
}

// scalar is the text of a string, number or boolean.
func (n *node) scalar() string {
	if n == nil {
		return ""
	}
	return n.text
}

// each calls f for the elements of an array, or for n itself, which JSON-LD
// takes for an array of one.
func (n *node) each(f func(i int, e *node)) {
	switch {
	case n == nil:
	case n.kind == kindArray:
		for i := range n.kids {
			f(i, &n.kids[i])
		}
	default:
		f(-1, n)
	}
}

// appendJSON writes n without spaces. Text is valid UTF-8 by the reader.
func (n *node) appendJSON(b []byte) []byte {
	switch n.kind {
	case kindNull:
		return append(b, "null"...)
	case kindText:
		return appendQuoted(b, n.text)
	case kindNumber, kindBool:
		return append(b, n.text...)
	case kindArray:
		b = append(b, '[')
		for i := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = n.kids[i].appendJSON(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i := range n.kids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, n.kids[i].name)
		b = append(b, ':')
		b = n.kids[i].appendJSON(b)
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	// The error is only of invalid UTF-8, for which it writes U+FFFD.
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

func text(name, s string) node { return node{name: name, kind: kindText, text: s} }

// at is the pointer of a member or element below p.
func at(p, name string) string {
	if strings.ContainsAny(name, "~/") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	return p + "/" + name
}

func atIndex(p string, i int) string {
	if i < 0 {
		return p
	}
	return p + "/" + strconv.Itoa(i)
}
