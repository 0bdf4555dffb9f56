package gs1

// EPC is a GS1 key taken apart: what an EPC URN and a digital link both say.
// ReadURN, ReadLink and Elements.Key make one.
type EPC struct {
	scheme *scheme
	key    string // in the escapes of a URN, with the check digit and without serial
	serial string
	has    bool // has a serial component
	prefix int  // digits of the company prefix, or 0 if not known
}

// Scheme is the name of the kind of EPC, such as sgtin.
func (e EPC) Scheme() string { return e.scheme.name }

// PrefixLength is how many digits of the key are the company prefix: known of
// an EPC that was read from a URN, else 0.
func (e EPC) PrefixLength() int { return e.prefix }

// Class reports whether it stands for a class of objects, such as all of a GTIN
// or of a lot, rather than for one.
func (e EPC) Class() bool { return e.scheme.class || e.scheme.pattern && !e.has }

// Company gives the digits of the key from the company prefix on, in which a
// table of company prefixes can look it up.
func (e EPC) Company() string {
	if e.scheme.zero || e.scheme.moved {
		return e.key[1:]
	}
	return e.key
}

// How EPC URNs begin.
const (
	urnID      = "urn:epc:id:"
	urnPattern = "urn:epc:idpat:"
	urnClass   = "urn:epc:class:"
)

// URN writes the EPC as a URN, with a company prefix of some digits; 0 stands
// for the length that is known. What has no serial component, but others of its
// kind have, is written as a pattern.
func (e EPC) URN(prefix int) (string, error) {
	s := e.scheme
	if prefix == 0 {
		prefix = e.prefix
	}
	body := e.key
	if s.zero {
		body = body[1:]
	}
	pieces := ""
	if s.pieces {
		body, pieces = body[:14], "."+body[14:16]+"."+body[16:18]
	}
	if s.digits > 0 {
		body = body[:s.digits-1]
	}
	if s.moved {
		if prefix < 6 || prefix > 12 || prefix+1 > len(body) {
			return "", fault(0, s.ai, PrefixLength)
		}
		body = body[1:prefix+1] + "." + body[:1] + body[prefix+1:]
	} else {
		if prefix < 6 || prefix > 12 || prefix > len(body) || !allDigits(body[:prefix]) {
			return "", fault(0, s.ai, PrefixLength)
		}
		body = body[:prefix] + "." + body[prefix:]
	}
	begin, serial := urnID, ""
	switch {
	case s.class:
		begin, serial = urnClass, "."+e.serial
	case e.has:
		serial = "." + e.serial
	case s.absent != "":
		serial = "." + s.absent
	case s.pattern:
		begin, serial = urnPattern, ".*"
	}
	return begin + s.name + ":" + body + pieces + serial, nil
}

// EPC gives the URN of the first element that is a primary key, with those that
// qualify it, and a company prefix of 6 to 12 digits. A trade item without a
// serial number gives that of its lot or of all of its kind.
func (e Elements) EPC(prefix int) (string, error) {
	key, err := e.Key()
	if err != nil {
		return "", err
	}
	return key.URN(prefix)
}

// Key takes the first element that has an EPC apart, with those that qualify
// it.
func (e Elements) Key() (EPC, error) {
	for _, el := range e {
		for _, s := range schemes {
			if s.ai != el.AI {
				continue
			}
			if epc, ok := s.of(e, el); ok {
				epc.key, epc.serial = escapeURN(epc.key), escapeURN(epc.serial)
				return epc, nil
			}
		}
	}
	return EPC{}, fault(0, "", NoPrimaryKey)
}

// of takes elements apart by a scheme, and says whether they fit it. Of those
// that begin with the same key, the first has to be told by its serial, and the
// kind as a whole stands for the rest.
func (s *scheme) of(e Elements, el Element) (EPC, bool) {
	epc := EPC{scheme: s, key: el.Value}
	if n := s.lead(); n > 0 {
		if len(el.Value) < n {
			return epc, false
		}
		epc.key = el.Value[:n]
		if !allDigits(epc.key) {
			return epc, false
		}
		if s.hasSerial && s.serial == "" {
			epc.serial = el.Value[n:]
		}
	}
	if s.serial != "" {
		epc.serial, _ = e.Get(s.serial)
	}
	epc.has = epc.serial != ""
	if s.ai == "01" && !epc.has {
		_, tpx := e.Get("235")
		_, lot := e.Get("10")
		return epc, s.pattern && !tpx && !lot
	}
	return epc, true
}
