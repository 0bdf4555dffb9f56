package gs1

import "strings"

// rule judges one component of a value. It gives no fault, or a fault and the
// bytes it is about.
type rule func(v string) (f Fault, at, n int)

// sets are the character sets of components.
var sets = map[byte]rule{'N': digits, 'X': cset82, 'Y': cset39, 'Z': cset64}

// rules are those that the dictionary names.
var rules = map[string]rule{
	"couponcode":     couponCode,
	"couponposoffer": couponOffer,
	"cset39":         cset39,
	"cset64":         cset64,
	"cset82":         cset82,
	"csetnumeric":    digits,
	"csum":           checkDigit,
	"csumalpha":      checkPair,
	"gcppos1":        prefixAt1,
	"gcppos2":        prefixAt2,
	"hasnondigit":    hasNonDigit,
	"hh":             hour,
	"hhmi":           hourMinute,
	"hyphen":         hyphen,
	"iban":           iban,
	"importeridx":    importer,
	"iso3166":        newCodes(countries).in(NotCountry),
	"iso3166999":     newCodes(countries + " 999").in(NotCountryOr999),
	"iso3166alpha2":  countryLetter,
	"iso4217":        newCodes(currencies).in(NotCurrency),
	"iso5218":        oneOf("0129", BadSex),
	"latitude":       ordinate(1_800_000_000, LatitudeLength, BadLatitude),
	"longitude":      ordinate(3_600_000_000, LongitudeLength, BadLongitude),
	"mediatype":      newCodes(media).in(BadMedia),
	"mi":             minute,
	"nonzero":        nonZero,
	"nozeroprefix":   noZeroPrefix,
	"packagetype":    newCodes(packages).in(BadPackage),
	"pcenc":          percent,
	"pieceoftotal":   pieceOfTotal,
	"posinseqslash":  positionSlash,
	"ss":             second,
	"winding":        oneOf("019", BadWinding),
	"yesno":          oneOf("01", NotYesNo),
	"yymmd0":         yymmd0,
	"yymmdd":         yymmdd,
	"yyyymmd0":       yyyymmd0,
	"yyyymmdd":       yyyymmdd,
	"zero":           zero,
}

// media are the kinds of carriers of AI 7241 (ICCBBA's in part): 01 to 10, and
// 80 to 99 for local use.
const media = "01 02 03 04 05 06 07 08 09 10 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99"

// Rules lists the rules of the dictionary by name.
func Rules() []string {
	names := make([]string, 0, len(rules))
	for name := range rules {
		names = append(names, name)
	}
	return sorted(names)
}

// Check judges a component of a value by one rule of the dictionary, such as
// csum. The Error's At is the first byte that is wrong. It fails with an
// ordinary error if there is no such rule.
func Check(name, value string) error {
	r := rules[name]
	if r == nil {
		return unknownRule(name)
	}
	if f, at, _ := r(value); f != "" {
		return fault(at, "", f)
	}
	return nil
}

// digits is the rule of numeric components.
func digits(v string) (Fault, int, int) {
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return NonDigit, i, 1
		}
	}
	return "", 0, 0
}

// oneOf gives the rule of a single character out of some.
func oneOf(allowed string, f Fault) rule {
	return func(v string) (Fault, int, int) {
		if len(v) == 1 {
			for i := range len(allowed) {
				if allowed[i] == v[0] {
					return "", 0, 0
				}
			}
		}
		return f, 0, len(v)
	}
}

func hasNonDigit(v string) (Fault, int, int) {
	if allDigits(v) {
		return NoNonDigit, 0, len(v)
	}
	return "", 0, 0
}

func nonZero(v string) (Fault, int, int) {
	if f, at, n := digits(v); f != "" {
		return f, at, n
	}
	if strings.Trim(v, "0") != "" {
		return "", 0, 0
	}
	return IllegalZero, 0, len(v)
}

func noZeroPrefix(v string) (Fault, int, int) {
	if v != "" && v[0] == '0' {
		return IllegalZeroPrefix, 0, 1
	}
	return digits(v)
}

func zero(v string) (Fault, int, int) { return only('0', NotZero, v) }

func hyphen(v string) (Fault, int, int) { return only('-', NotHyphen, v) }

func only(c byte, f Fault, v string) (Fault, int, int) {
	for i := range len(v) {
		if v[i] != c {
			return f, 0, len(v)
		}
	}
	if v == "" {
		return f, 0, 0
	}
	return "", 0, 0
}

// prefixAt1 is the rule of a company prefix at the beginning. The shortest has
// four digits; which prefixes are assigned is not known here.
func prefixAt1(v string) (Fault, int, int) {
	if len(v) < 4 {
		return ShortForPrefix, 0, len(v)
	}
	if f, at, _ := digits(v[:4]); f != "" {
		return BadPrefix, at, 1
	}
	return "", 0, 0
}

func prefixAt2(v string) (Fault, int, int) {
	if len(v) < 2 {
		return ShortForPrefix, 0, len(v)
	}
	f, at, n := prefixAt1(v[1:])
	if f == "" {
		return "", 0, 0
	}
	return f, at + 1, n
}
