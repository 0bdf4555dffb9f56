package gs1

import (
	"fmt"
	"slices"
	"strings"
)

// bitset is a set of bytes.
type bitset [4]uint64

func newBitset(chars string) bitset {
	var b bitset
	for i := range len(chars) {
		b[chars[i]>>6] |= 1 << (chars[i] & 63)
	}
	return b
}

func (b *bitset) has(c byte) bool { return b[c>>6]>>(c&63)&1 != 0 }

const (
	numerals = "0123456789"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	smalls   = "abcdefghijklmnopqrstuvwxyz"
	// set82 are the characters of AI encodable character set 82, in the order
	// of their weights in a check pair (GS1 General Specifications, 7.11).
	set82 = `!"%&'()*+,-./` + numerals + ":;<=>?" + capitals + "_" + smalls
	// set32 are the characters of a check pair.
	set32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
)

var (
	in82       = newBitset(set82)
	in39       = newBitset("#-/" + numerals + capitals)
	in64       = newBitset("-_" + numerals + capitals + smalls)
	inImporter = newBitset("-_" + numerals + capitals + smalls)
	inHex      = newBitset(numerals + "ABCDEFabcdef")
)

func all(set *bitset, f Fault, v string) (Fault, int, int) {
	for i := range len(v) {
		if !set.has(v[i]) {
			return f, i, 1
		}
	}
	return "", 0, 0
}

func cset82(v string) (Fault, int, int) { return all(&in82, NotCSET82, v) }

func cset39(v string) (Fault, int, int) { return all(&in39, NotCSET39, v) }

// cset64 is the rule of base 64 that is safe in addresses: up to two = at the
// end, and then a length that three divides, as the dictionary has it.
func cset64(v string) (Fault, int, int) {
	body := strings.TrimRight(v, "=")
	if pads := len(v) - len(body); pads > 2 || pads > 0 && len(v)%3 != 0 {
		return BadCSET64Padding, len(body), pads
	}
	return all(&in64, NotCSET64, body)
}

func importer(v string) (Fault, int, int) {
	if len(v) != 1 {
		return ImporterTooLong, 0, len(v)
	}
	return all(&inImporter, BadImporter, v)
}

// percent is the rule of texts with %hh in them.
func percent(v string) (Fault, int, int) {
	for i := 0; i < len(v); i++ {
		if v[i] != '%' {
			continue
		}
		if i+2 >= len(v) {
			return BadPercent, i, len(v) - i
		}
		if !inHex.has(v[i+1]) || !inHex.has(v[i+2]) {
			return BadPercent, i, 3
		}
		i += 2
	}
	return "", 0, 0
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

func unknownRule(name string) error {
	return fmt.Errorf("no rule %q; the dictionary has %s", name, strings.Join(Rules(), ", "))
}
