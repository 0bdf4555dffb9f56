// Package gs1 reads and writes what GS1 barcodes, tags and links say. It is
// driven by the GS1 Barcode Syntax Dictionary, which is embedded as data: which
// application identifiers there are, what their values are made of, which rules
// these obey, and which elements need or exclude one another.
//
// [Parse] takes any of the forms and finds out which it is from how the text
// begins:
//
//	]d2, ]C1, ]e0, ]Q3, ]J1   symbology identifier of a scanner (ISO/IEC 15424), then
//	                          an element string with GS (0x1D) as FNC1
//	]E0, ]E4                  EAN/UPC: its digits are a GTIN
//	]Q1, ]d1, ]J0             plain symbol: a digital link
//	^ or GS                   FNC1, then an element string with the same as FNC1
//	(01)09506000134352(10)A   bracketed; an opening bracket in a value is \(
//	http:// or https://       GS1 Digital Link URI
//	urn:epc:                  EPC URN: id, idpat or class
//	digits                    see below
//
// Some scanners strip the identifier. A text of 8, 12, 13 or 14 digits that end
// in their check digit is a GTIN, and one of 18 is an SSCC; anything else that
// begins with two digits is read as an element string whose first FNC1 was
// lost. A text that could be either is therefore a key only if its check digit
// is right. Nothing else is guessed.
//
// Values are checked in full: characters, lengths, check digits, dates,
// countries and currencies, and then, over all elements, repetitions, elements
// that must not go together and those that need others. No company prefix is
// looked up for whether GS1 assigned it.
//
// The behaviour is that of GS1's Barcode Syntax Engine, of whose unit tables a
// part is in testdata. All functions can be called concurrently, and inputs
// are at most 8191 bytes and 64 elements.
package gs1

import "strings"

// limits of an input, as the Barcode Syntax Engine has them.
const (
	maxBytes    = 8191
	maxElements = 64
)

// gs is the control character that stands for FNC1 in what scanners send.
const gs = '\x1d'

// Element is an application identifier with its value. The value has no escape
// sequences.
type Element struct {
	AI    string
	Value string
}

// Elements are the elements of one item, in the order in which they were found.
type Elements []Element

// Get gives the value of an application identifier.
func (e Elements) Get(ai string) (value string, ok bool) {
	for i := range e {
		if e[i].AI == ai {
			return e[i].Value, true
		}
	}
	return "", false
}

// value gives the value of an application identifier, or nothing.
func (e Elements) value(ai string) string {
	v, _ := e.Get(ai)
	return v
}

// SSCC gives the 18 digits of a logistic unit, or nothing.
func (e Elements) SSCC() string { return e.value("00") }

// GTIN gives the 14 digits of a trade item, or nothing. It is never that of the
// contents of a logistic unit (AI 02).
func (e Elements) GTIN() string {
	if v := e.value("01"); v != "" {
		return v
	}
	if v := e.value("8006"); len(v) == 18 {
		return v[:14]
	}
	return e.value("03")
}

// Serial gives the serial number of a trade item, or nothing.
func (e Elements) Serial() string { return e.value("21") }

// Lot gives the batch or lot number, or nothing.
func (e Elements) Lot() string { return e.value("10") }

// Expiry gives the expiry as YYMMDD, which [Date] reads, or nothing.
func (e Elements) Expiry() string { return e.value("17") }

// Title gives the dictionary's short title of an application identifier, such
// as BATCH/LOT, or nothing.
func Title(ai string) string {
	if e := standard().find(ai, false); e != nil {
		return e.title
	}
	return ""
}

// Options loosen what is accepted. The zero value is the strictest.
type Options struct {
	// UnknownAIs accepts elements that the dictionary does not have, where it
	// is clear how long their identifiers are.
	UnknownAIs bool
	// UnknownAttributes accepts these in the query of a digital link, too.
	UnknownAttributes bool
	// ShortGTINs accepts a GTIN-8, -12 or -13 in a digital link, which early
	// issues of the standard allowed.
	ShortGTINs bool
	// ShortNames accepts names such as gtin in the path of a digital link for
	// application identifiers, which early issues of the standard allowed.
	ShortNames bool
	// Incomplete accepts an element without those that it needs: they may be on
	// another symbol of the same item.
	Incomplete bool
}

// Parse reads a text in any of the forms that the package comment lists, with
// the strictest options. An error is an *Error.
func Parse(s string) (Elements, error) { return Options{}.Parse(s) }

// Parse reads a text in any of the forms that the package comment lists.
func (o Options) Parse(s string) (Elements, error) {
	r := reader{Options: o, dict: standard(), src: s}
	r.items = r.buffer[:0]
	if err := r.read(); err != nil {
		return nil, err
	}
	if err := r.associate(); err != nil {
		return nil, err
	}
	return r.elements(), nil
}

// read finds out the form and reads it, without judging the elements together.
func (r *reader) read() *Error {
	s := r.src
	switch {
	case len(s) > maxBytes:
		return fault(maxBytes, "", TooLong)
	case s == "":
		return fault(0, "", Empty)
	case s[0] == ']':
		return r.scanned()
	case s[0] == '^', s[0] == gs:
		return r.elementString(1, s[0])
	case s[0] == '(':
		return r.bracketed()
	case isLink(s):
		return r.link(0)
	case strings.HasPrefix(s, "urn:"):
		return r.urn()
	case len(s) < 2 || !allDigits(s[:2]):
		return fault(0, "", Unreadable)
	case r.bare(s, 0) == nil:
		return nil
	}
	err := r.elementString(0, gs)
	if err != nil && keyLength(s) && allDigits(s) {
		return fault(len(s)-1, "", IncorrectCheckDigit)
	}
	return err
}

// scanned reads what a scanner sent, and makes a GTIN of an EAN/UPC symbol.
func (r *reader) scanned() *Error {
	scan, err := r.scan()
	if err != nil {
		return err
	}
	if carriers[scan.Symbology].digits > 0 {
		primary, _, _ := strings.Cut(scan.Data, "|")
		return r.bare(primary, 3)
	}
	if len(r.items) == 0 {
		return fault(3, "", NoPlainReading)
	}
	return nil
}

func keyLength(s string) bool {
	switch len(s) {
	case 8, 12, 13, 14, 18:
		return true
	}
	return false
}

// bare reads a GTIN or an SSCC without anything around it, and puts it first.
func (r *reader) bare(s string, at int) *Error {
	ai := "01"
	switch {
	case ValidSSCC(s):
		ai = "00"
	case !ValidGTIN(s):
		return fault(at, "", NoPlainReading)
	case len(s) < 14:
		s = "00000000000000"[len(s):] + s
	}
	err := r.add(item{entry: r.dict.find(ai, false), ai: ai, value: s, at: at, valueAt: at})
	if last := len(r.items) - 1; err == nil && last > 0 {
		key := r.items[last]
		copy(r.items[1:], r.items[:last])
		r.items[0] = key
	}
	return err
}
