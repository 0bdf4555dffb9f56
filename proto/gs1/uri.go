package gs1

import "strings"

// unreserved are the characters that stand for themselves anywhere in a URI
// (RFC 3986, 2.3).
var unreserved = newBitset(capitals + smalls + numerals + "-._~")

// unescapeURI undoes %hh. What is none stays as it is. In a query, + is a
// blank.
func unescapeURI(s string, query bool) string {
	if strings.IndexByte(s, '%') < 0 && (!query || strings.IndexByte(s, '+') < 0) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case isTriplet(s[i:]):
			b = append(b, nibble(s[i+1])<<4|nibble(s[i+2]))
			i += 2
		case query && s[i] == '+':
			b = append(b, ' ')
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

func nibble(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// appendEscaped writes a component of a URI. Only unreserved characters stay as
// they are: a + in particular is read in two ways.
func appendEscaped(b []byte, s string, query bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case unreserved.has(c):
			b = append(b, c)
		case c == ' ' && query:
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
