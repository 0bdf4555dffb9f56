package gs1

import "strings"

// elementString reads from byte p, with a byte that stands for FNC1. Elements
// whose length is not fixed end with it, and others may.
func (r *reader) elementString(p int, fnc1 byte) *Error {
	s := r.src
	if p == len(s) {
		return fault(p, "", Empty)
	}
	if fnc1 != '^' {
		if at := strings.IndexByte(s[p:], '^'); at >= 0 {
			return fault(p+at, "", ReservedCaret)
		}
	}
	for p < len(s) {
		e := r.dict.begin(s[p:], r.UnknownAIs)
		if e == nil {
			return fault(p, "", UnknownAI)
		}
		it := item{entry: e, ai: s[p : p+len(e.ai)], at: p, valueAt: p + len(e.ai)}
		end := strings.IndexByte(s[it.valueAt:], fnc1)
		if end < 0 {
			end = len(s) - it.valueAt
		}
		if !e.separator {
			end = min(end, e.max)
		}
		it.value = s[it.valueAt : it.valueAt+end]
		n, err := r.judge(&it)
		if err != nil {
			return err
		}
		it.value = it.value[:n]
		p = it.valueAt + n
		if e.separator && p < len(s) && s[p] != fnc1 {
			return fault(p, it.ai, ValueTooLong)
		}
		if err := r.add(it); err != nil {
			return err
		}
		if p < len(s) && s[p] == fnc1 {
			p++
		}
	}
	return nil
}

// Unbracketed gives the elements as one string, with a byte for FNC1 in front
// and wherever one is needed: ^ for people, GS (0x1D) for what a scanner would
// send after its symbology identifier. The elements are not judged.
func (e Elements) Unbracketed(fnc1 byte) string {
	d := standard()
	var b strings.Builder
	separate := true
	for _, el := range e {
		if separate {
			b.WriteByte(fnc1)
		}
		b.WriteString(el.AI)
		b.WriteString(el.Value)
		entry := d.find(el.AI, true)
		separate = entry == nil || entry.separator
	}
	return b.String()
}
