package gs1

import "strings"

// isLink reports whether a text begins as the address of a digital link does.
func isLink(s string) bool { return schemeLength(s) > 0 }

func schemeLength(s string) int {
	for _, scheme := range [...]string{"https://", "HTTPS://", "http://", "HTTP://"} {
		if strings.HasPrefix(s, scheme) {
			return len(scheme)
		}
	}
	return 0
}

var (
	inURI     = newBitset(capitals + smalls + numerals + "-._~:/?#[]@!$&'()*+,;=%")
	badDomain = newBitset("_~?#@!$&'()*+,;=%")
)

// link reads a digital link that begins at a byte (GS1 Digital Link Standard:
// URI Syntax).
func (r *reader) link(begin int) *Error {
	s := r.src
	for i := begin; i < len(s); i++ {
		if !inURI.has(s[i]) {
			return fault(i, "", NotURI)
		}
	}
	n := schemeLength(s[begin:])
	if n == 0 {
		return fault(begin, "", BadScheme)
	}
	domain := begin + n
	p := domain
	for p < len(s) && s[p] != '/' {
		if badDomain.has(s[p]) {
			return fault(p, "", BadDomain)
		}
		p++
	}
	if p == len(s) || p == domain {
		return fault(p, "", BadDomain)
	}
	end := len(s)
	if i := strings.IndexByte(s[p:], '#'); i >= 0 {
		end = p + i
	}
	pathEnd := end
	if i := strings.IndexByte(s[p:end], '?'); i >= 0 {
		pathEnd = p + i
	}
	if err := r.linkPath(p, pathEnd); err != nil {
		return err
	}
	if pathEnd < end {
		if err := r.linkQuery(pathEnd+1, end); err != nil {
			return err
		}
	}
	if err := r.linkShape(); err != nil {
		return err
	}
	return r.judgeAll()
}

// linkPath reads key and qualifiers from the path between two bytes. They are
// the last pairs of it; the first that can be a primary key, from the end,
// begins them.
func (r *reader) linkPath(begin, end int) *Error {
	s := r.src
	root := -1
	for at := end; root < 0; {
		slash := strings.LastIndexByte(s[begin:at], '/')
		if slash <= 0 {
			break
		}
		slash += begin
		before := begin + strings.LastIndexByte(s[begin:slash], '/')
		e := r.named(s[before+1 : slash])
		if e == nil {
			break
		}
		if r.dict.isKey(e) {
			root = before
		}
		at = before
	}
	if root < 0 {
		return fault(begin, "", NoPrimaryKey)
	}
	for p := root; p < end; {
		slash := p + 1 + strings.IndexByte(s[p+1:end], '/')
		next := strings.IndexByte(s[slash+1:end], '/')
		if next < 0 {
			next = end
		} else {
			next += slash + 1
		}
		e := r.named(s[p+1 : slash])
		it := item{entry: e, ai: e.ai, at: p + 1, valueAt: slash + 1, path: true}
		if err := r.unescape(&it, s[slash+1:next], false); err != nil {
			return err
		}
		p = next
	}
	return nil
}

// named gives the entry of an application identifier, or of its short name.
func (r *reader) named(ai string) *entry {
	if r.ShortNames {
		if full := shortNames[ai]; full != "" {
			ai = full
		}
	}
	return r.dict.find(ai, r.UnknownAIs)
}

// shortNames are those of early issues of the standard.
var shortNames = map[string]string{
	"cpid": "8010", "cpsn": "8011", "cpv": "22", "gcn": "255", "gdti": "253", "giai": "8004", "ginc": "401",
	"gln": "414", "glnx": "254", "gmn": "8013", "grai": "8003", "gsin": "402", "gsrn": "8018", "gsrnp": "8017",
	"gtin": "01", "itip": "8006", "lot": "10", "party": "417", "refno": "8020", "ser": "21", "srin": "8019", "sscc": "00",
}

// linkQuery reads attributes. What has no value or no number for a name is not
// GS1's, and is passed over.
func (r *reader) linkQuery(begin, end int) *Error {
	s := r.src
	for p := begin; p < end; {
		if s[p] == '&' {
			p++
			continue
		}
		next := strings.IndexByte(s[p:end], '&')
		if next < 0 {
			next = end
		} else {
			next += p
		}
		ai, value, found := strings.Cut(s[p:next], "=")
		if !found || !allDigits(ai) {
			if r.ignored++; len(r.items)+r.ignored > maxElements {
				return fault(p, "", TooMany)
			}
			p = next
			continue
		}
		e := r.dict.find(ai, r.UnknownAIs)
		if e == nil {
			return fault(p, "", UnknownAI)
		}
		it := item{entry: e, ai: ai, at: p, valueAt: p + len(ai) + 1}
		if err := r.unescape(&it, value, true); err != nil {
			return err
		}
		p = next
	}
	return nil
}

// unescape takes an element up with the value that is written so.
func (r *reader) unescape(it *item, text string, query bool) *Error {
	if text == "" {
		return fault(it.valueAt, it.ai, NoValue)
	}
	it.value = unescapeURI(text, query)
	if len(it.value) != len(text) {
		it.escapes = triplets
	}
	if i := strings.IndexByte(it.value, 0); i >= 0 {
		return fault(r.where(it, i), it.ai, NullCharacter)
	}
	if n := len(it.value); r.ShortGTINs && it.ai == "01" && (n == 8 || n == 12 || n == 13) {
		it.value = "00000000000000"[n:] + it.value
	}
	if err := r.content(it); err != nil {
		return err
	}
	return r.add(*it)
}

// linkShape judges where elements are: the order in the path, and what may be
// an attribute.
func (r *reader) linkShape() *Error {
	path := 0
	for path < len(r.items) && r.items[path].path {
		path++
	}
	if !r.dict.paths[sequence(r.items[:path], path, "")] {
		return fault(r.items[0].at, r.items[0].ai, BadQualifiers)
	}
	for i := range r.items {
		for j := range i {
			if r.items[i].ai == r.items[j].ai {
				return fault(r.items[i].at, r.items[i].ai, Repeated)
			}
		}
	}
	for i := path; i < len(r.items); i++ {
		it := &r.items[i]
		switch it.entry.attribute {
		case noAttribute:
			return fault(it.at, it.ai, NotAttribute)
		case unknownAttribute:
			if !r.UnknownAttributes {
				return fault(it.at, it.ai, NotAttribute)
			}
		}
		for at := 1; at <= path; at++ {
			if r.dict.paths[sequence(r.items[:path], at, it.ai)] {
				return fault(it.at, it.ai, BelongsInPath)
			}
		}
	}
	return nil
}

// sequence writes application identifiers in a row, with one more at a place.
func sequence(items []item, at int, more string) string {
	var buffer [32]byte
	b := buffer[:0]
	for i := range len(items) + 1 {
		if i == at && more != "" {
			b = append(append(b, more...), ' ')
		}
		if i < len(items) {
			b = append(append(b, items[i].ai...), ' ')
		}
	}
	return string(b[:len(b)-1])
}
