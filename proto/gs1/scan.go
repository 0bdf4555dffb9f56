package gs1

import "strings"

// Scan is what a scanner sent, with the symbology identifier in front.
type Scan struct {
	// Symbology is the identifier without its bracket, such as d2.
	Symbology string
	// Data is the message. ^ stands for FNC1 where it is an element string, and
	// \^ for a caret that a plain message begins with. A composite component
	// follows after |.
	Data string
	// Elements are those of an element string or a digital link. They are nil
	// for a plain message; [Parse] makes a GTIN of the digits of an EAN/UPC
	// symbol.
	Elements Elements
}

// carrier is what a symbology identifier says of the message.
type carrier struct {
	elements bool // an element string
	digits   int  // so many digits, and nothing else
}

// carriers are the symbology identifiers of GS1 symbols, and of plain ones that
// may hold a digital link (GS1 General Specifications, figure 5.1.3-1).
var carriers = map[string]carrier{
	"C1": {elements: true}, // GS1-128
	"E0": {digits: 13},     // EAN-13, UPC-A, UPC-E
	"E4": {digits: 8},      // EAN-8
	"e0": {elements: true}, // GS1 DataBar, and composites
	"d1": {},               // Data Matrix
	"d2": {elements: true}, // GS1 DataMatrix
	"Q1": {},               // QR Code
	"Q3": {elements: true}, // GS1 QR Code
	"J0": {},               // DotCode
	"J1": {elements: true}, // GS1 DotCode
}

// composite separates a linear symbol from its composite component.
const composite = "|]e0"

// ReadScan reads what a scanner sent. Elements are judged one by one and not
// together: those of a composite or of another symbol may be missing.
func ReadScan(s string) (Scan, error) {
	r := reader{dict: standard(), src: s}
	r.items = r.buffer[:0]
	if len(s) > maxBytes {
		return Scan{}, fault(maxBytes, "", TooLong)
	}
	scan, err := r.scan()
	if err != nil {
		return Scan{}, err
	}
	if len(r.items) > 0 {
		scan.Elements = r.elements()
	}
	return scan, nil
}

// scan reads a symbology identifier and what follows.
func (r *reader) scan() (Scan, *Error) {
	s := r.src
	if len(s) < 3 || s[0] != ']' {
		return Scan{}, fault(0, "", BadSymbology)
	}
	c, ok := carriers[s[1:3]]
	if !ok {
		return Scan{}, fault(1, "", BadSymbology)
	}
	scan := Scan{Symbology: s[1:3]}
	data := s[3:]
	switch {
	case c.elements:
		if err := r.elementString(3, gs); err != nil {
			return scan, err
		}
		scan.Data = "^" + carets(data)
	case c.digits > 0:
		return r.digitsOf(scan, c.digits)
	default:
		scan.Data = data
		if strings.HasPrefix(strings.TrimLeft(data, `\`), "^") {
			scan.Data = `\` + data
		}
		if isLink(data) {
			return scan, r.link(3)
		}
	}
	return scan, nil
}

// digitsOf reads an EAN/UPC symbol, with or without a composite component.
func (r *reader) digitsOf(scan Scan, n int) (Scan, *Error) {
	data := r.src[3:]
	if len(data) < n {
		return scan, fault(len(r.src), "", ValueTooShort)
	}
	primary, rest := data[:n], data[n:]
	if rest != "" && !strings.HasPrefix(rest, composite) {
		return scan, fault(3+n, "", ValueTooLong)
	}
	if f, at, _ := checkDigit(primary); f != "" {
		return scan, fault(3+at, "", f)
	}
	scan.Data = primary
	if rest == "" {
		return scan, nil
	}
	if err := r.elementString(3+n+len(composite), gs); err != nil {
		return scan, err
	}
	scan.Data += "|^" + carets(rest[len(composite):])
	return scan, nil
}

// carets writes FNC1 as people do.
func carets(s string) string { return strings.ReplaceAll(s, string(gs), "^") }
