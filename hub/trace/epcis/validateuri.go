package epcis

import (
	"strings"

	"frostline/proto/gs1"
)

func (v *validator) uri(p, s string) {
	if !isURI(s) {
		v.wrong(p, "%q is no URI", s)
	}
}

// identifier checks a URI, and that an EPC URN or a Digital Link in it is well
// made, with the right check digit.
func (v *validator) identifier(p, s string) {
	switch {
	case !isURI(s):
		v.wrong(p, "%q is no URI", s)
	case strings.HasPrefix(s, "urn:epc:id:"), strings.HasPrefix(s, "urn:epc:class:"), strings.HasPrefix(s, "urn:epc:idpat:"):
		body := s[len("urn:epc:"):]
		if _, ok := fromURN(body); !ok && v.known(body) {
			v.wrong(p, "%q is not made as an EPC of its scheme", s)
		}
	case strings.HasPrefix(s, "http"):
		if link, ok := fromLink(s); ok && !rightCheckDigit(link) {
			v.wrong(p, "%q has a wrong check digit", s)
		}
	}
}

// known says whether the scheme of an EPC URN is one of the GS1 keys. Others,
// as of the defence, are only looked at as URIs.
func (v *validator) known(body string) bool {
	_, rest, _ := strings.Cut(body, ":")
	name, _, _ := strings.Cut(rest, ":")
	_, ok := schemes[name]
	return ok
}

// checked is how many digits of each key end in a check digit. That of a GRAI
// (8003) is not looked at: it is wrong in examples that GS1 itself published.
var checked = map[string]int{
	"00": 18, "01": 14, "253": 13, "255": 13, "402": 17, "414": 13, "417": 13, "8006": 14, "8017": 18, "8018": 18,
}

// rightCheckDigit looks at a canonical Digital Link.
func rightCheckDigit(link string) bool {
	key, value, _ := strings.Cut(link[len(linkBase):], "/")
	n := checked[key]
	return n == 0 || len(value) >= n && gs1.ValidCheckDigit(value[:n])
}

func (v *validator) eventID(p, s string) {
	switch {
	case !isURI(s):
		v.wrong(p, "%q is no URI", s)
	case strings.HasPrefix(s, "ni:///sha-256;"):
		hash, query, _ := strings.Cut(s[len("ni:///sha-256;"):], "?")
		if len(hash) != 64 || !allHex(hash) || !strings.HasPrefix(query, "ver=CBV") {
			v.wrong(p, "%q is no hash id: 64 hexadecimal digits and ?ver=CBV2.0 are wanted", s)
		}
	case strings.HasPrefix(s, "urn:uuid:"):
		if !isUUID(s[len("urn:uuid:"):]) {
			v.wrong(p, "%q is no UUID", s)
		}
	}
}

func allHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHex(s[i]) {
				return false
			}
		}
	}
	return true
}

// isURI says whether s is an absolute URI by RFC 3986, or an IRI: a scheme and
// something after it, without spaces and other characters that have no place
// in it.
func isURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" || len(s) > 4096 {
		return false
	}
	for i := 0; i < len(scheme); i++ {
		c := scheme[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || !isDigit(scheme[i]) && strings.IndexByte("+-.", scheme[i]) < 0) {
			return false
		}
	}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c <= ' ', c == 0x7f, strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			return false
		case c == '%':
			if i+2 >= len(rest) || !isHex(rest[i+1]) || !isHex(rest[i+2]) {
				return false
			}
		}
	}
	return true
}
