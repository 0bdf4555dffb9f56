package gs1

import "strings"

// bracketed reads (AI)value(AI)value.
func (r *reader) bracketed() *Error {
	s := r.src
	for p := 0; p < len(s); {
		if s[p] != '(' {
			return fault(p, "", NotBracketed)
		}
		end := strings.IndexByte(s[p:], ')')
		if end < 0 {
			return fault(p, "", NotBracketed)
		}
		it := item{ai: s[p+1 : p+end], at: p + 1, valueAt: p + end + 1}
		if it.entry = r.dict.find(it.ai, r.UnknownAIs); it.entry == nil {
			return fault(p+1, "", UnknownAI)
		}
		p = it.valueAt
		if p == len(s) {
			return fault(p, it.ai, NoValue)
		}
		for p < len(s) && s[p] != '(' {
			if isEscapedBracket(s[p:]) {
				it.escapes = backslash
				p++
			}
			p++
		}
		it.value = s[it.valueAt:p]
		if it.escapes == backslash {
			it.value = strings.ReplaceAll(it.value, `\(`, "(")
		}
		if err := r.content(&it); err != nil {
			return err
		}
		if err := r.add(it); err != nil {
			return err
		}
	}
	return r.judgeAll()
}

// judgeAll judges the values of all items.
func (r *reader) judgeAll() *Error {
	for i := range r.items {
		if err := r.whole(&r.items[i]); err != nil {
			return err
		}
	}
	return nil
}

// Bracketed gives the elements as (AI)value(AI)value, which Parse reads.
func (e Elements) Bracketed() string {
	var b strings.Builder
	for _, el := range e {
		b.WriteByte('(')
		b.WriteString(el.AI)
		b.WriteByte(')')
		b.WriteString(strings.ReplaceAll(el.Value, "(", `\(`))
	}
	return b.String()
}
