package gs1

// item is an element on its way: where it was and what the dictionary says of
// it.
type item struct {
	entry   *entry
	ai      string
	value   string
	at      int // byte of the identifier in the text
	valueAt int // byte of the value in the text
	escapes escapes
	path    bool // in the path of a digital link
}

// escapes says how bytes of a value were written in the text.
type escapes uint8

const (
	asIs      escapes = iota
	backslash         // \( in a bracketed text
	triplets          // %hh in a digital link
)

// reader reads one text.
type reader struct {
	Options
	dict    *dictionary
	src     string
	items   []item
	ignored int // parameters of a digital link that are no elements
	buffer  [8]item
}

// add takes an element up, without judging its value.
func (r *reader) add(it item) *Error {
	if len(r.items)+r.ignored >= maxElements {
		return fault(it.at, it.ai, TooMany)
	}
	r.items = append(r.items, it)
	return nil
}

// elements gives what was read.
func (r *reader) elements() Elements {
	e := make(Elements, len(r.items))
	for i := range r.items {
		e[i] = Element{AI: r.items[i].ai, Value: r.items[i].value}
	}
	return e
}

// content judges the length of a value as a whole, before its components, for
// which a wrong check digit would be no help if the value is too long.
func (r *reader) content(it *item) *Error {
	switch {
	case len(it.value) < it.entry.min:
		return fault(it.valueAt, it.ai, ValueTooShort)
	case len(it.value) > it.entry.max:
		return fault(it.valueAt, it.ai, ValueTooLong)
	}
	for i := range len(it.value) {
		if it.value[i] == '^' {
			return fault(r.where(it, i), it.ai, ReservedCaret)
		}
	}
	return nil
}

// judge applies the rules of the components and gives how many bytes they took.
func (r *reader) judge(it *item) (int, *Error) {
	if it.value == "" {
		return 0, fault(it.valueAt, it.ai, NoValue)
	}
	p := 0
	for i := range it.entry.parts {
		part := &it.entry.parts[i]
		n := min(part.max, len(it.value)-p)
		if part.optional && n == 0 {
			continue
		}
		if n < part.min {
			return 0, fault(r.where(it, p), it.ai, ValueTooShort)
		}
		v := it.value[p : p+n]
		if f, at, _ := part.set(v); f != "" {
			return 0, fault(r.where(it, p+at), it.ai, f)
		}
		for _, rule := range part.rules {
			if f, at, _ := rule(v); f != "" {
				return 0, fault(r.where(it, p+at), it.ai, f)
			}
		}
		p += n
	}
	return p, nil
}

// whole judges a value that has to be taken as a whole.
func (r *reader) whole(it *item) *Error {
	n, err := r.judge(it)
	if err == nil && n < len(it.value) {
		return fault(r.where(it, n), it.ai, ValueTooLong)
	}
	return err
}

// where gives the byte of the text that holds byte i of a value.
func (r *reader) where(it *item, i int) int {
	at := it.valueAt
	for ; i > 0 && at < len(r.src); i-- {
		switch {
		case it.escapes == backslash && isEscapedBracket(r.src[at:]):
			at++
		case it.escapes == triplets && isTriplet(r.src[at:]):
			at += 2
		}
		at++
	}
	return at
}

func isEscapedBracket(s string) bool { return len(s) > 1 && s[0] == '\\' && s[1] == '(' }

func isTriplet(s string) bool {
	return len(s) > 2 && s[0] == '%' && inHex.has(s[1]) && inHex.has(s[2])
}
