package gs1

import (
	"slices"
	"strings"
)

// CanonicalStem is the resolver of canonical digital links.
const CanonicalStem = "https://id.gs1.org"

// DigitalLink gives the elements as a GS1 Digital Link URI under a stem such as
// https://example.com, or under CanonicalStem if it is "". The first element
// that can be a primary key is one; as many of the others as can qualify it
// follow in the path; the rest become attributes, those of fixed length first.
// It fails if there is no primary key, or an element can be none of these. The
// elements are not judged.
func (e Elements) DigitalLink(stem string) (string, error) {
	return Options{}.DigitalLink(e, stem)
}

// DigitalLink is [Elements.DigitalLink] with UnknownAttributes observed.
func (o Options) DigitalLink(e Elements, stem string) (string, error) {
	d := standard()
	chain, err := d.chain(e)
	if err != nil {
		return "", err
	}
	if stem == "" {
		stem = CanonicalStem
	}
	b := append(make([]byte, 0, len(stem)+64), strings.TrimSuffix(stem, "/")...)
	written := make([]string, 0, len(e))
	for ai := range strings.SplitSeq(chain, " ") {
		b = append(b, '/')
		b = append(b, ai...)
		b = append(b, '/')
		b = appendEscaped(b, e.value(ai), false)
		written = append(written, ai)
	}
	mark := byte('?')
	for _, separator := range [...]bool{false, true} {
		for _, el := range e {
			entry := d.find(el.AI, true)
			if entry == nil {
				return "", fault(0, el.AI, UnknownAI)
			}
			if entry.separator != separator || slices.Contains(written, el.AI) {
				continue
			}
			if entry.attribute == noAttribute || entry.attribute == unknownAttribute && !o.UnknownAttributes {
				return "", fault(0, el.AI, NotAttribute)
			}
			b = append(b, mark)
			b = append(b, el.AI...)
			b = append(b, '=')
			b = appendEscaped(b, el.Value, true)
			written = append(written, el.AI)
			mark = '&'
		}
	}
	return string(b), nil
}

// chain gives the application identifiers of the path: the first primary key,
// and the longest choice of qualifiers that are there.
func (d *dictionary) chain(e Elements) (string, error) {
	key := slices.IndexFunc(e, func(el Element) bool { return d.paths[el.AI] })
	if key < 0 {
		return "", fault(0, "", NoPrimaryKey)
	}
	best, most := e[key].AI, 0
	for _, c := range d.chains[e[key].AI] {
		n := 0
		for ai := range strings.SplitSeq(c, " ") {
			if _, ok := e.Get(ai); !ok {
				n = 0
				break
			}
			n++
		}
		if n > most {
			best, most = c, n
		}
	}
	return best, nil
}
