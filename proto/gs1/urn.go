package gs1

import "strings"

// ReadURN takes an EPC URN apart: urn:epc:id:, urn:epc:idpat: of one class, or
// urn:epc:class:. The check digit is computed. Characters are not judged.
func ReadURN(urn string) (EPC, error) {
	e, err := readURN(urn)
	if err != nil {
		return EPC{}, err
	}
	return e, nil
}

func readURN(urn string) (EPC, *Error) {
	rest, pattern := strings.CutPrefix(urn, urnPattern)
	at := len(urnPattern)
	class := false
	if !pattern {
		if rest, class = strings.CutPrefix(urn, urnClass); class {
			at = len(urnClass)
		} else {
			at = len(urnID)
			var id bool
			if rest, id = strings.CutPrefix(urn, urnID); !id {
				return EPC{}, fault(0, "", NotEPC)
			}
		}
	}
	name, rest, found := strings.Cut(rest, ":")
	s := schemeOf(name)
	if !found || s == nil || s.class != class || pattern && !s.pattern {
		return EPC{}, fault(at, "", NotEPC)
	}
	at += len(name) + 1
	prefix, rest, found := strings.Cut(rest, ".")
	if !found || len(prefix) < 6 || len(prefix) > 12 || !allDigits(prefix) {
		return EPC{}, fault(at, s.ai, PrefixLength)
	}
	at += len(prefix) + 1
	e := EPC{scheme: s, prefix: len(prefix)}
	if s.digits == 0 {
		e.key = rest
		if s.hasSerial { // the part number has no dots in it
			e.key, rest, found = strings.Cut(rest, ".")
			if !found {
				return e, fault(at, s.ai, IncompleteSplit)
			}
			at += len(e.key) + 1
		}
		e.key = prefix + e.key
		return e.withSerial(rest, pattern, at)
	}
	body := rest
	if s.hasSerial {
		if body, rest, found = strings.Cut(rest, "."); !found {
			return e, fault(at, s.ai, IncompleteSplit)
		}
	}
	if len(prefix)+len(body) != s.digits-1 || !allDigits(body) {
		return e, fault(at, s.ai, IncompleteSplit)
	}
	if s.moved {
		body = body[:1] + prefix + body[1:]
	} else {
		body = prefix + body
	}
	at += s.digits - len(prefix)
	e.key = body + string(checkOf(body))
	if s.zero {
		e.key = "0" + e.key
	}
	if s.pieces {
		if len(rest) < 6 || !allDigits(rest[:2]) || rest[2] != '.' || !allDigits(rest[3:5]) || rest[5] != '.' {
			return e, fault(at, s.ai, IncompleteSplit)
		}
		e.key, rest, at = e.key+rest[:2]+rest[3:5], rest[6:], at+6
	}
	return e.withSerial(rest, pattern, at)
}

// withSerial takes the last part of a URN up.
func (e EPC) withSerial(rest string, pattern bool, at int) (EPC, *Error) {
	switch {
	case !e.scheme.hasSerial:
	case pattern:
		if rest != "*" {
			return e, fault(at, e.scheme.ai, NotEPC)
		}
	case e.scheme.absent != "" && rest == e.scheme.absent:
	case rest == "" || e.scheme.class && rest == "*":
		return e, fault(at, e.scheme.ai, NoValue)
	default:
		e.serial, e.has = rest, true
	}
	return e, nil
}

// inURN are the characters of set 82 that stand for themselves in a URN.
var inURN = newBitset("!'()*+,-.:;=_" + numerals + capitals + smalls)

// escapeURN writes a serial component in a URN (GS1 EPC Tag Data Standard,
// table A-1).
func escapeURN(s string) string {
	if f, _, _ := all(&inURN, NotURI, s); f == "" {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		if c := s[i]; inURN.has(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// urn reads an EPC URN as elements. Faults of their values are at the beginning
// of the key.
func (r *reader) urn() *Error {
	epc, err := readURN(r.src)
	if err != nil {
		return err
	}
	at := strings.Index(r.src, epc.scheme.name) + len(epc.scheme.name) + 1
	for _, el := range epc.Elements() {
		it := item{entry: r.dict.find(el.AI, false), ai: el.AI, value: el.Value, at: at, valueAt: at}
		err := r.content(&it)
		if err == nil {
			err = r.whole(&it)
		}
		if err != nil {
			err.At = at
			return err
		}
		if err := r.add(it); err != nil {
			return err
		}
	}
	return nil
}

// Elements gives the elements of the key, without escapes.
func (e EPC) Elements() Elements {
	key := Element{AI: e.scheme.ai, Value: unescapeURI(e.key, false)}
	serial := unescapeURI(e.serial, false)
	switch {
	case e.has && e.scheme.serial == "":
		key.Value += serial
	case e.has:
		return Elements{key, {AI: e.scheme.serial, Value: serial}}
	}
	return Elements{key}
}
