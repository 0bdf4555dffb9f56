package gs1

// scheme is a kind of EPC URN and the GS1 key it stands for (GS1 EPC Tag Data
// Standard, 6.3).
type scheme struct {
	name string // as in urn:epc:id:name:
	ai   string
	// digits are those of the key in its element, with the check digit; 0 if
	// the key is of any length and has none.
	digits int
	zero   bool // a 0 stands before the key in the element
	moved  bool // the first digit moves behind the company prefix
	pieces bool // two digits each of piece and total follow the key
	// serial is the application identifier of the serial component, or "" if it
	// follows the key in the element. It means nothing without hasSerial.
	serial    string
	hasSerial bool
	absent    string // is written for a serial component that is not there
	class     bool   // urn:epc:class: rather than urn:epc:id:
	pattern   bool   // urn:epc:idpat: with * if there is no serial component
}

// schemes are in the order in which an element or a link is matched with them.
var schemes = []*scheme{
	{name: "sscc", ai: "00", digits: 18, moved: true},
	{name: "sgtin", ai: "01", digits: 14, moved: true, serial: "21", hasSerial: true, pattern: true},
	{name: "upui", ai: "01", digits: 14, moved: true, serial: "235", hasSerial: true},
	{name: "lgtin", ai: "01", digits: 14, moved: true, serial: "10", hasSerial: true, class: true},
	{name: "gdti", ai: "253", digits: 13, hasSerial: true, pattern: true},
	{name: "sgcn", ai: "255", digits: 13, hasSerial: true, pattern: true},
	{name: "ginc", ai: "401"},
	{name: "gsin", ai: "402", digits: 17},
	{name: "sgln", ai: "414", digits: 13, serial: "254", hasSerial: true, absent: "0"},
	{name: "pgln", ai: "417", digits: 13},
	{name: "grai", ai: "8003", digits: 13, zero: true, hasSerial: true, pattern: true},
	{name: "giai", ai: "8004"},
	{name: "itip", ai: "8006", digits: 14, moved: true, pieces: true, serial: "21", hasSerial: true, pattern: true},
	{name: "cpi", ai: "8010", serial: "8011", hasSerial: true, pattern: true},
	{name: "gsrnp", ai: "8017", digits: 18},
	{name: "gsrn", ai: "8018", digits: 18},
}

func schemeOf(name string) *scheme {
	for _, s := range schemes {
		if s.name == name {
			return s
		}
	}
	return nil
}

// lead is how many characters of an element's value stand before a serial
// component that follows in the same element.
func (s *scheme) lead() int {
	n := s.digits
	if s.zero {
		n++
	}
	if s.pieces {
		n += 4
	}
	return n
}
