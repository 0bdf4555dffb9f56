package epcis

import (
	"slices"
	"strings"
)

// Canonical gives the constrained canonical GS1 Digital Link of an EPC URN,
// class, pattern or Digital Link (CBV 2.0 section 8.9): on id.gs1.org, keys as
// numbers, GTINs of 14 digits, without query, consumer product variant, or a
// lot that a serial makes idle. Anything else is given back as it is. Two
// identifiers name the same thing if their canonical forms are equal.
//
// Check digits of Digital Links are not looked at: a hash id has to exist for
// events that were captured wrong, too.
func Canonical(uri string) string {
	switch {
	case strings.HasPrefix(uri, "urn:epc:"):
		if link, ok := fromURN(uri[len("urn:epc:"):]); ok {
			return link
		}
	case strings.HasPrefix(uri, "https://"), strings.HasPrefix(uri, "http://"):
		if link, ok := fromLink(uri); ok {
			return link
		}
	}
	return uri
}

const linkBase = "https://id.gs1.org/"

// scheme says how an EPC URN is made.
type scheme struct {
	digits  int  // of prefix and reference together; 0: the reference is text
	leading bool // the first digit of the reference stands before the prefix
	check   bool // a check digit follows
	zero    bool // a zero stands before all of it
	key     string
	text    int    // longest text: of the serial, or of prefix and reference
	serial  string // what stands before the serial: "", "/21/"
	has     serialKind
}

type serialKind byte

const (
	noSerial serialKind = iota
	textSerial
	digitSerial
)

var schemes = map[string]scheme{
	"sgtin": {13, true, true, false, "01/", 20, "/21/", textSerial},
	"lgtin": {13, true, true, false, "01/", 20, "/10/", textSerial},
	"upui":  {13, true, true, false, "01/", 28, "/235/", textSerial},
	"itip":  {13, true, true, false, "8006/", 20, "/21/", textSerial},
	"sscc":  {17, true, true, false, "00/", 0, "", noSerial},
	"sgln":  {12, false, true, false, "414/", 20, "/254/", textSerial},
	"pgln":  {12, false, true, false, "417/", 0, "", noSerial},
	"grai":  {12, false, true, true, "8003/", 16, "", textSerial},
	"gdti":  {12, false, true, false, "253/", 19, "", textSerial},
	"sgcn":  {12, false, true, false, "255/", 12, "", digitSerial},
	"gsrn":  {17, false, true, false, "8018/", 0, "", noSerial},
	"gsrnp": {17, false, true, false, "8017/", 0, "", noSerial},
	"gsin":  {16, false, true, false, "402/", 0, "", noSerial},
	"giai":  {0, false, false, false, "8004/", 30, "", noSerial},
	"ginc":  {0, false, false, false, "401/", 30, "", noSerial},
	"cpi":   {0, false, false, false, "8010/", 30, "/8011/", digitSerial},
}

// fromURN takes what follows "urn:epc:".
func fromURN(s string) (string, bool) {
	form, s, _ := strings.Cut(s, ":")
	name, s, ok := strings.Cut(s, ":")
	sch, known := schemes[name]
	pattern := form == "idpat"
	switch {
	case !ok, !known:
		return "", false
	case form == "id" && name != "lgtin", form == "class" && name == "lgtin", pattern && sch.has != noSerial && name != "sgln":
	default:
		return "", false
	}
	prefix, s, ok := strings.Cut(s, ".")
	if !ok || len(prefix) < 6 || len(prefix) > 12 || !allDigits(prefix) {
		return "", false
	}
	var b strings.Builder
	b.Grow(80)
	b.WriteString(linkBase)
	b.WriteString(sch.key)
	if sch.digits == 0 {
		return sch.textual(&b, prefix, s, pattern)
	}
	n := sch.digits - len(prefix)
	if len(s) < n || n > 0 && !allDigits(s[:n]) {
		return "", false
	}
	key, s := s[:n], s[n:]
	switch {
	case sch.leading:
		key = key[:1] + prefix + key[1:]
	default:
		key = prefix + key
	}
	if sch.zero {
		key = "0" + key
	}
	b.WriteString(key)
	b.WriteByte(checkDigit(key))
	if name == "itip" {
		// .PP.TT, piece and total
		if len(s) < 6 || s[0] != '.' || s[3] != '.' || !allDigits(s[1:3]) || !allDigits(s[4:6]) {
			return "", false
		}
		b.WriteString(s[1:3])
		b.WriteString(s[4:6])
		s = s[6:]
	}
	if sch.has == noSerial {
		return b.String(), s == ""
	}
	serial, ok := strings.CutPrefix(s, ".")
	switch {
	case !ok:
		return "", false
	case pattern:
		return b.String(), serial == "*"
	case name == "sgln" && serial == "0":
		return b.String(), true
	case sch.has == digitSerial && !allDigits(serial), !epcText(serial, sch.text):
		return "", false
	}
	b.WriteString(sch.serial)
	writeEscaped(&b, serial)
	return b.String(), true
}

// textual ends a key whose reference is text: prefix and reference together
// have no more than 30 characters.
func (sch scheme) textual(b *strings.Builder, prefix, s string, pattern bool) (string, bool) {
	serial := ""
	if sch.has == digitSerial {
		i := strings.LastIndexByte(s, '.')
		if i < 0 {
			return "", false
		}
		s, serial = s[:i], s[i+1:]
		if pattern && serial != "*" || !pattern && (!allDigits(serial) || len(serial) > 12) {
			return "", false
		}
	}
	if !epcText(s, sch.text-len(prefix)) {
		return "", false
	}
	b.WriteString(prefix)
	writeEscaped(b, s)
	if serial != "" && !pattern {
		b.WriteString(sch.serial)
		b.WriteString(serial)
	}
	return b.String(), true
}

// epcText says whether s is of one to most characters of the GS1 set, as an
// EPC URN writes them: some only escaped.
func epcText(s string, most int) bool {
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) || s[i+1] < '2' || s[i+1] > '7' {
				return false
			}
			i += 2
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		case strings.IndexByte("!'()*+,.:;=_-", c) >= 0:
		default:
			return false
		}
		n++
	}
	return n >= 1 && n <= most
}

// writeEscaped escapes what a Digital Link has to and an EPC URN does not.
func writeEscaped(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; strings.IndexByte("!()*+,:", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
}

// checkDigit is the last digit of a GS1 key (GS1 General Specifications 7.9).
func checkDigit(s string) byte {
	sum := 0
	for i := 0; i < len(s); i++ {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// linkKey says how the value of a key of a Digital Link is made and which
// qualifiers narrow it, the finest last.
type linkKey struct {
	digits int // the value begins with as many
	text   int // and goes on with up to as many characters
	finer  []string
}

var linkKeys = map[string]linkKey{
	"00":   {18, 0, nil},
	"01":   {14, 0, []string{"10", "21", "235"}},
	"253":  {13, 17, nil},
	"255":  {13, 12, nil},
	"401":  {4, 26, nil},
	"402":  {17, 0, nil},
	"414":  {13, 0, []string{"254"}},
	"417":  {13, 0, nil},
	"8003": {14, 16, nil},
	"8004": {4, 26, nil},
	"8006": {18, 0, []string{"10", "21"}},
	"8010": {4, 26, []string{"8011"}},
	"8017": {18, 0, nil},
	"8018": {18, 0, nil},
}

var linkNames = map[string]string{
	"gtin": "01", "itip": "8006", "cpid": "8010", "gln": "414", "party": "417", "gsrnp": "8017", "gsrn": "8018",
	"gcn": "255", "sscc": "00", "gdti": "253", "ginc": "401", "gsin": "402", "grai": "8003", "giai": "8004",
	"cpv": "22", "lot": "10", "ser": "21", "glnx": "254", "cpsn": "8011",
}

// fromLink finds the key in the path of a Digital Link on any domain.
func fromLink(uri string) (string, bool) {
	uri, _, _ = strings.Cut(uri, "?")
	_, rest, _ := strings.Cut(uri, "://")
	if !strings.Contains(uri, ".") || strings.Contains(rest, "#") {
		return "", false
	}
	_, path, _ := strings.Cut(rest, "/")
	parts := strings.Split(path, "/")
	for i, name := range parts {
		if full, ok := linkNames[name]; ok {
			name = full
		}
		key, ok := linkKeys[name]
		if !ok || i+1 >= len(parts) || len(parts[i+1]) < 5 || !allDigits(parts[i+1][:4]) {
			continue
		}
		return key.link(name, parts[i+1], parts[i+2:])
	}
	return "", false
}

func (k linkKey) link(name, value string, qualifiers []string) (string, bool) {
	if name == "01" && (len(value) == 8 || len(value) == 12 || len(value) == 13) {
		value = "000000"[:14-len(value)] + value
	}
	if len(value) < k.digits || !allDigits(value[:k.digits]) || !linkText(value[k.digits:], k.text) {
		return "", false
	}
	if name == "255" && !allDigits(value) || len(qualifiers)%2 != 0 {
		return "", false
	}
	finest, last := "", -1
	for i := 0; i < len(qualifiers); i += 2 {
		q := qualifiers[i]
		if full, ok := linkNames[q]; ok {
			q = full
		}
		if q == "22" && last < 0 && (name == "01" || name == "8006") {
			continue // the variant of a consumer product
		}
		at := slices.Index(k.finer, q)
		if at <= last || !linkText(qualifiers[i+1], 28) || qualifiers[i+1] == "" {
			return "", false
		}
		if q == "8011" && !allDigits(qualifiers[i+1]) {
			return "", false
		}
		last, finest = at, "/"+q+"/"+qualifiers[i+1]
	}
	return linkBase + name + "/" + value + finest, true
}

// linkText says whether s is of at most so many characters that a Digital Link
// may hold, escaped or not.
func linkText(s string, most int) bool {
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 2
		case isDigit(c), c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		case strings.IndexByte(`"'-.;<=>_`, c) >= 0:
		default:
			return false
		}
		n++
	}
	return n <= most
}
