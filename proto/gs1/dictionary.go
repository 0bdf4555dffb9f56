package gs1

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed syntax-dictionary.txt
var dictionaryText string

// dictionary is the GS1 Barcode Syntax Dictionary, ready for use.
type dictionary struct {
	entries []*entry            // by application identifier, ascending
	index   [11100]*entry       // by slot of the application identifier
	widths  [100]uint8          // digits of all identifiers that begin so, or 0
	paths   map[string]bool     // "01 22 10": key and qualifiers of a digital link
	chains  map[string][]string // such sequences of a key, ascending, without the key itself
}

// standard is the embedded dictionary. It is compiled when it is first needed,
// in about two milliseconds.
var standard = sync.OnceValue(func() *dictionary {
	d, err := compile(dictionaryText)
	if err != nil {
		panic("gs1: embedded syntax dictionary: " + err.Error())
	}
	return d
})

// compile reads a syntax dictionary.
func compile(text string) (*dictionary, error) {
	d := &dictionary{paths: map[string]bool{}, chains: map[string][]string{}}
	number, last := 0, ""
	for line := range strings.Lines(text) {
		number++
		entries, err := readEntries(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		for _, e := range entries {
			if e.ai <= last {
				return nil, fmt.Errorf("line %d: AI %s comes after %s; keep them ascending", number, e.ai, last)
			}
			prefix := two(e.ai)
			if w := d.widths[prefix]; w != 0 && int(w) != len(e.ai) {
				return nil, fmt.Errorf("line %d: AI %s differs in length from others of its first two digits", number, e.ai)
			}
			last, d.widths[prefix], d.index[slot(e.ai)] = e.ai, uint8(len(e.ai)), e
			d.entries = append(d.entries, e)
			for _, qualifiers := range e.qualifiers {
				d.add(e.ai, qualifiers)
			}
		}
	}
	for _, chain := range d.chains {
		slices.Sort(chain)
	}
	return d, nil
}

// add remembers each choice of qualifiers of a key, in their order.
func (d *dictionary) add(key string, qualifiers []string) {
	d.paths[key] = true
	made := []string{key}
	for _, q := range qualifiers {
		for _, m := range made {
			made = append(made, m+" "+q)
		}
	}
	for _, m := range made[1:] {
		if !d.paths[m] {
			d.paths[m] = true
			d.chains[key] = append(d.chains[key], m)
		}
	}
}

// isKey reports whether an entry can be the primary key of a digital link.
func (d *dictionary) isKey(e *entry) bool { return d.paths[e.ai] }

// find gives the entry of an application identifier, or nil.
func (d *dictionary) find(ai string, unknown bool) *entry {
	if len(ai) < 2 || len(ai) > 4 || !allDigits(ai) {
		return nil
	}
	if e := d.index[slot(ai)]; e != nil || !unknown {
		return e
	}
	width := int(d.widths[two(ai)])
	if width != 0 && width != len(ai) {
		return nil
	}
	return stranger(ai, width != 0)
}

// begin gives the entry of the application identifier that a text begins with,
// or nil. One that the dictionary does not have is only found if others show
// how long it is.
func (d *dictionary) begin(s string, unknown bool) *entry {
	if len(s) < 2 || !allDigits(s[:2]) {
		return nil
	}
	width := int(d.widths[two(s)])
	if width == 0 || len(s) < width {
		return nil
	}
	return d.find(s[:width], unknown)
}

// fixed are the lengths of the values of all identifiers that begin with two
// digits, also of those not yet assigned (GS1 General Specifications, figure
// 7.8.5-2). An element that has one needs no FNC1 after it.
func fixed(prefix int) int {
	switch {
	case prefix == 0:
		return 18
	case prefix <= 3:
		return 14
	case prefix == 4:
		return 16
	case prefix >= 11 && prefix <= 19, prefix >= 31 && prefix <= 36:
		return 6
	case prefix == 20:
		return 2
	case prefix == 41:
		return 13
	}
	return 0
}

// stranger makes an entry for an application identifier that is not in the
// dictionary. Its value is only of a fixed length if others begin with the same
// two digits.
func stranger(ai string, family bool) *entry {
	e := &entry{ai: ai, separator: true, attribute: unknownAttribute, min: 1, max: 90}
	if n := fixed(two(ai)); n != 0 && family {
		e.separator, e.min, e.max = false, n, n
	}
	e.parts = []part{{set: cset82, min: e.min, max: e.max}}
	return e
}

// slot is the place of an application identifier in the index.
func slot(ai string) int {
	n := 0
	for i := range len(ai) {
		n = n*10 + int(ai[i]-'0')
	}
	return n + [...]int{0, 0, 0, 100, 1100}[len(ai)]
}

func two(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
