package gs1

import "strings"

// FromURN gives the digital link of an EPC URN, under CanonicalStem. The serial
// component stays in the escapes of the URN, which are right in a link, too.
func FromURN(urn string) (string, error) {
	e, err := ReadURN(urn)
	if err != nil {
		return "", err
	}
	return e.Link(""), nil
}

// ToURN gives the EPC URN of a digital link, with a company prefix of 6 to 12
// digits.
func ToURN(link string, prefix int) (string, error) {
	e, err := ReadLink(link)
	if err != nil {
		return "", err
	}
	return e.URN(prefix)
}

// Link writes the EPC as a digital link under a stem, or under CanonicalStem if
// it is "".
func (e EPC) Link(stem string) string {
	if stem == "" {
		stem = CanonicalStem
	}
	link := strings.TrimSuffix(stem, "/") + "/" + e.scheme.ai + "/" + e.key
	switch {
	case !e.has:
	case e.scheme.serial == "":
		link += e.serial
	default:
		link += "/" + e.scheme.serial + "/" + e.serial
	}
	return link
}

// ReadLink takes a digital link apart, more leniently than [Parse] does: the
// check digit is not judged, attributes are left out, and a text with
// characters that no URI may have is taken to have no escapes in it and copied
// as it is, since EPCIS documents hold such. It finds the leftmost key of which
// all digits are there.
func ReadLink(link string) (EPC, error) {
	begin := strings.Index(link, "://")
	if begin < 0 || !strings.HasPrefix(strings.ToLower(link), "http") {
		return EPC{}, fault(0, "", BadScheme)
	}
	for p := begin + 3; p < len(link); p++ {
		if link[p] != '/' {
			continue
		}
		ai, rest, found := strings.Cut(link[p+1:], "/")
		if !found {
			break
		}
		for _, s := range schemes {
			if s.ai != ai {
				continue
			}
			if e, ok := s.inLink(rest); ok {
				return e, nil
			}
		}
	}
	return EPC{}, fault(begin, "", NoPrimaryKey)
}

// inLink reads what follows the application identifier of a key.
func (s *scheme) inLink(rest string) (EPC, bool) {
	e := EPC{scheme: s}
	rest = s.withoutQuery(rest)
	n := s.lead()
	if n == 0 {
		n = 6
	}
	if len(rest) < n || !allDigits(rest[:n]) {
		return e, false
	}
	switch {
	case s.serial != "":
		e.key, e.serial, e.has = strings.Cut(rest, "/"+s.serial+"/")
		if lead := s.lead(); lead > 0 {
			if len(e.key) > lead && e.key[lead] != '/' {
				return e, false
			}
			e.key = e.key[:lead]
		}
		if e.has && e.serial == "" || s.ai == "01" && !e.has && (!s.pattern || otherSerial(rest)) {
			return e, false
		}
	case s.hasSerial:
		e.key, e.serial = rest[:n], rest[n:]
		e.has = e.serial != ""
	case s.digits > 0:
		if len(rest) > n && rest[n] != '/' {
			return e, false
		}
		e.key = rest[:n]
	default:
		e.key = rest
	}
	if s.digits == 0 && s.hasSerial && strings.Contains(e.key, ".") { // no part number has a dot
		return e, false
	}
	if isEscaped(rest) {
		e.key, e.serial = escapeURN(unescapeURI(e.key, false)), escapeURN(unescapeURI(e.serial, false))
	}
	return e, true
}

func otherSerial(rest string) bool {
	return strings.Contains(rest, "/235/") || strings.Contains(rest, "/10/")
}

// withoutQuery cuts attributes and a fragment off. A ? is only their mark if a
// name and = follow, and a # may be in a part number.
func (s *scheme) withoutQuery(rest string) string {
	if s.serial != "8011" {
		rest, _, _ = strings.Cut(rest, "#")
	}
	for i := range len(rest) {
		if rest[i] != '?' {
			continue
		}
		name, _, found := strings.Cut(rest[i+1:], "=")
		if found && name != "" && strings.Trim(name, numerals+capitals+smalls) == "" {
			return rest[:i]
		}
	}
	return rest
}

// inPath are the characters of the path of a URI (RFC 3986, 3.3).
var inPath = newBitset(capitals + smalls + numerals + "-._~:/@!$&'()*+,;=%")

// isEscaped reports whether a text can be a part of the path of a URI.
func isEscaped(s string) bool {
	for i := range len(s) {
		if !inPath.has(s[i]) || s[i] == '%' && !isTriplet(s[i:]) {
			return false
		}
	}
	return true
}
