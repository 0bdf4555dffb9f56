package gs1

import (
	"strings"
	"testing"
)

func TestRulesOneByOne(t *testing.T) {
	for _, c := range []struct {
		rule, value string
		want        Fault
		at, n       int
	}{
		{"csum", "", ShortForCheck, 0, 0},
		{"csum", "0", "", 0, 0},
		{"csum", "12a", NonDigit, 2, 1},
		{"csumalpha", "1987654Ad4X4bL5ttr2310c2K", "", 0, 0}, // GS1 General Specifications, 7.9.5
		{"csumalpha", "1987654Ad4X4bL5ttr2310c2L", IncorrectPair, 23, 2},
		{"csumalpha", "22", "", 0, 0},
		{"csumalpha", "1", ShortForPair, 0, 1},
		{"csumalpha", "1 22", NotCSET82, 1, 1},
		{"csumalpha", strings.Repeat("1", 100), LongForPair, 0, 100},
		{"cset64", "ab_-", "", 0, 0},
		{"cset64", "ABCD==", "", 0, 0},
		{"cset64", "ABC==", BadCSET64Padding, 3, 2},
		{"cset64", "===", BadCSET64Padding, 0, 3},
		{"cset64", "A+B", NotCSET64, 1, 1},
		{"cset39", "A#-/9", "", 0, 0},
		{"cset39", "Aa", NotCSET39, 1, 1},
		{"importeridx", "_", "", 0, 0},
		{"importeridx", "", ImporterTooLong, 0, 0},
		{"importeridx", "ab", ImporterTooLong, 0, 2},
		{"importeridx", "!", BadImporter, 0, 1},
		{"pcenc", "a%2Fb", "", 0, 0},
		{"pcenc", "a%2", BadPercent, 1, 2},
		{"pcenc", "%gg0", BadPercent, 0, 3},
		{"iban", "GB82WEST12345698765432", "", 0, 0}, // ISO 13616's example
		{"iban", "GB82WEST12345698765433", IncorrectIBAN, 2, 2},
		{"iban", "GB8", ShortIBAN, 0, 3},
		{"iban", "GB82WEST12", ShortIBAN, 0, 10},
		{"iban", "XX82WEST12345698765432", BadIBANCountry, 0, 2},
		{"iban", "GB82WEST12345698765432" + strings.Repeat("1", 13), LongIBAN, 0, 35},
		{"iban", "GB82WEST1234569876543a", BadIBAN, 21, 1},
		{"iso3166", "840", "", 0, 0},
		{"iso3166", "84", NotCountry, 0, 2},
		{"iso3166999", "999", "", 0, 0},
		{"iso3166999", "998", NotCountryOr999, 0, 3},
		{"iso3166alpha2", "US", "", 0, 0},
		{"iso3166alpha2", "us", NotCountryLetters, 0, 2},
		{"iso4217", "978", "", 0, 0},
		{"iso4217", "007", NotCurrency, 0, 3},
		{"iso5218", "9", "", 0, 0},
		{"iso5218", "3", BadSex, 0, 1},
		{"winding", "9", "", 0, 0},
		{"winding", "00", BadWinding, 0, 2},
		{"yesno", "2", NotYesNo, 0, 1},
		{"mediatype", "10", "", 0, 0},
		{"mediatype", "11", BadMedia, 0, 2},
		{"packagetype", "BX", "", 0, 0},
		{"packagetype", "bx", BadPackage, 0, 2},
		{"hasnondigit", "1a", "", 0, 0},
		{"hasnondigit", "12", NoNonDigit, 0, 2},
		{"nonzero", "010", "", 0, 0},
		{"nonzero", "000", IllegalZero, 0, 3},
		{"nonzero", "0a0", NonDigit, 1, 1},
		{"nozeroprefix", "10", "", 0, 0},
		{"nozeroprefix", "01", IllegalZeroPrefix, 0, 1},
		{"nozeroprefix", "1a", NonDigit, 1, 1},
		{"zero", "00", "", 0, 0},
		{"zero", "01", NotZero, 0, 2},
		{"zero", "", NotZero, 0, 0},
		{"gcppos1", "061", ShortForPrefix, 0, 3},
		{"gcppos1", "061a", BadPrefix, 3, 1},
		{"gcppos2", "1", ShortForPrefix, 0, 1},
		{"gcppos2", "a061", ShortForPrefix, 1, 3},
		{"gcppos2", "106a1", BadPrefix, 3, 1},
		{"gcppos2", "a0614", "", 0, 0},
		{"hh", "23", "", 0, 0}, {"hh", "24", IllegalHour, 0, 2}, {"hh", "2", ShortHour, 0, 1}, {"hh", "230", LongHour, 0, 3},
		{"mi", "59", "", 0, 0}, {"mi", "60", IllegalMinute, 0, 2}, {"mi", "", ShortMinute, 0, 0}, {"mi", "000", LongMinute, 0, 3},
		{"ss", "59", "", 0, 0}, {"ss", "60", IllegalSecond, 0, 2}, {"ss", "1", ShortSecond, 0, 1}, {"ss", "000", LongSecond, 0, 3}, {"ss", "a0", NonDigit, 0, 1},
		{"hhmi", "2359", "", 0, 0}, {"hhmi", "2400", IllegalHour, 0, 2}, {"hhmi", "2360", IllegalMinute, 2, 2},
		{"hhmi", "23", ShortHourMinute, 0, 2}, {"hhmi", "235900", LongHourMinute, 0, 6}, {"hhmi", "235a", NonDigit, 3, 1},
		{"yyyymmdd", "20240229", "", 0, 0},
		{"yyyymmdd", "19000229", IllegalDay, 6, 2},
		{"yyyymmdd", "20240200", IllegalDay, 6, 2},
		{"yyyymmdd", "20241301", IllegalMonth, 4, 2},
		{"yyyymmdd", "2024010", ShortDate, 0, 7},
		{"yyyymmd0", "20240200", "", 0, 0},
		{"yyyymmd0", "202402000", LongDate, 0, 9},
		{"pieceoftotal", "0102", "", 0, 0},
		{"pieceoftotal", "1002", PieceExceedsTotal, 0, 4},
		{"pieceoftotal", "0002", ZeroPiece, 0, 2},
		{"pieceoftotal", "0100", ZeroTotal, 2, 2},
		{"pieceoftotal", "010", BadPieceLength, 0, 3},
		{"pieceoftotal", "", BadPieceLength, 0, 0},
		{"pieceoftotal", "01a2", NonDigit, 2, 1},
		{"posinseqslash", "9/10", "", 0, 0},
		{"posinseqslash", "10/9", PositionExceedsEnd, 0, 4},
		{"posinseqslash", "3/2", PositionExceedsEnd, 0, 3},
		{"posinseqslash", "1/02", IllegalZeroPrefix, 2, 2},
		{"posinseqslash", "01/2", IllegalZeroPrefix, 0, 2},
		{"posinseqslash", "1/", BadSequence, 0, 2},
		{"posinseqslash", "1/2/3", BadSequence, 0, 5},
		{"posinseqslash", "12", BadSequence, 0, 2},
		{"latitude", "00000000a0", NonDigit, 8, 1},
		{"couponcode", "", "coupon missing gcp vli", 0, 0},
		{"couponcode", "a", NonDigit, 0, 1},
		{"couponcode", "0123456123456111101234240229", "", 0, 0},
		{"couponcode", "01234561234561111012332402294240301", "coupon expiration before start", 21, 14},
		{"couponcode", "01234561234561111012332402294240101", "", 0, 0},
		{"couponcode", "012345612345611110123324022", "coupon too short for expiration date", 22, 5},
		{"couponposoffer", "00123456123456", "coupon missing serial number vli", 0, 14},
		{"couponposoffer", "001234561234560123456", "", 0, 0},
		{"couponposoffer", "0012345612345601234567", "coupon excess data", 21, 1},
		{"couponposoffer", "2", "coupon invalid format code", 0, 1},
		{"couponposoffer", "x", NonDigit, 0, 1},
	} {
		f, at, n := rules[c.rule](c.value)
		if f != c.want || f != "" && (at != c.at || n != c.n) {
			t.Errorf("%s of %q: %q, %d bytes at %d, want %q, %d at %d", c.rule, c.value, f, n, at, c.want, c.n, c.at)
		}
	}
}

// The lengths that GS1 fixed for families of identifiers are those of the
// dictionary's members that need no FNC1.
func TestFixedLengths(t *testing.T) {
	for _, e := range standard().entries {
		if n := fixed(two(e.ai)); e.separator == (n != 0) || n != 0 && (e.min != n || e.max != n) {
			t.Errorf("%s: %d to %d bytes, FNC1 %v, and its family is %d", e.ai, e.min, e.max, e.separator, n)
		}
	}
}

func TestUnknownIdentifiers(t *testing.T) {
	o := Options{UnknownAIs: true}
	for _, c := range []struct {
		text string
		want string
	}{
		{"(89)ABC", "^89ABC"},
		{"(3106)123456", "^3106123456"},
		{"(3106)12345", ""},
		{"(31)123456", ""},
		{"(419)1234567890123(10)A", ""}, // 10 needs another
		{"(419)1234567890123(99)A", "^419123456789012399A"},
		{"^3106123456", "^3106123456"},
		{"^89ABC", ""}, // how long is the identifier
	} {
		e, err := o.Parse(c.text)
		if got := e.Unbracketed('^'); err == nil && got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, want %q: %v", c.text, got, c.want, err)
		}
		if _, err := Parse(c.text); err == nil {
			t.Errorf("%s: accepted strictly", c.text)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		urn, scheme, company string
		prefix               int
		class                bool
	}{
		{"urn:epc:id:sgtin:0300021.043380.A1", "sgtin", "0300021433802", 7, false},
		{"urn:epc:idpat:sgtin:0300021.043380.*", "sgtin", "0300021433802", 7, true},
		{"urn:epc:class:lgtin:0300021.043380.L", "lgtin", "0300021433802", 7, true},
		{"urn:epc:id:sgln:061414112345..0", "sgln", "0614141123452", 12, false},
		{"urn:epc:id:grai:0614141.12345.1", "grai", "0614141123452", 7, false},
	} {
		e, err := ReadURN(c.urn)
		if err != nil {
			t.Errorf("%s: %v", c.urn, err)
			continue
		}
		if e.Scheme() != c.scheme || e.Company() != c.company || e.PrefixLength() != c.prefix || e.Class() != c.class {
			t.Errorf("%s: %s, %s, %d, class %v", c.urn, e.Scheme(), e.Company(), e.PrefixLength(), e.Class())
		}
	}
	for _, bad := range []string{
		"", "urn:epc:id:sgtin", "urn:epc:id:lgtin:0300021.043380.L", "urn:epc:class:sgtin:0300021.043380.L", "urn:epc:idpat:sscc:0614141.*",
		"urn:epc:id:sgtin:0300021.043380.", "urn:epc:id:sgtin:0300021.43380.A", "urn:epc:idpat:sgtin:0300021.043380.A", "urn:epc:id:itip:0300021.043380.1.2.A",
		"urn:epc:id:cpi:0614141.A", "urn:epc:id:sgtin:0300021.*.*", "urn:epc:id:sgtin:03000211234567.1.1",
	} {
		if e, err := ReadURN(bad); err == nil {
			t.Errorf("%q: %+v", bad, e)
		}
		if link, err := FromURN(bad); err == nil {
			t.Errorf("%q: %s", bad, link)
		}
	}
	for _, bad := range []string{"", "ftp://a/01/00300021433802", "https://a/01", "https://a/01/x/21/1", "https://a/01/00300021433802x/21/1", "https://a/00/0061414112345678901", "https://a/8010/0614141.1/8011/2"} {
		if urn, err := ToURN(bad, 7); err == nil {
			t.Errorf("%q: %s", bad, urn)
		}
	}
}
