package gs1

import (
	"slices"
	"strings"
)

// associate judges the elements together: what must not go with what, what
// needs what, what is repeated, and a signature's key. Like the Barcode Syntax
// Engine it goes by ascending application identifiers within each of these.
func (r *reader) associate() *Error {
	var buffer [8]*item
	order := r.order(buffer[:0])
	if err := forbidden(order); err != nil {
		return err
	}
	if err := r.missing(order); err != nil {
		return err
	}
	if err := contradictory(order); err != nil {
		return err
	}
	return unserialised(order)
}

// order gives the items by ascending application identifiers.
func (r *reader) order(order []*item) []*item {
	for i := range r.items {
		order = append(order, &r.items[i])
	}
	slices.SortStableFunc(order, func(a, b *item) int { return strings.Compare(a.ai, b.ai) })
	return order
}

// seek gives an element of a pattern other than except.
func seek(order []*item, p pattern, except string) *item {
	for _, it := range order {
		if p.matches(it.ai) && it.ai != except {
			return it
		}
	}
	return nil
}

func forbidden(order []*item) *Error {
	for _, it := range order {
		for _, p := range it.entry.forbids {
			if other := seek(order, p, it.ai); other != nil {
				return &Error{At: it.at, AI: it.ai, Fault: Forbidden, hint: "not with (" + other.ai + ")"}
			}
		}
	}
	return nil
}

func (r *reader) missing(order []*item) *Error {
	if r.Incomplete {
		return nil
	}
	for _, it := range order {
		for _, req := range it.entry.requires {
			if !req.met(order, it.ai) {
				return &Error{At: it.at, AI: it.ai, Fault: Missing, hint: "one of " + req.text}
			}
		}
	}
	return nil
}

// met reports whether all of one group are there.
func (q requirement) met(order []*item, except string) bool {
	for _, group := range q.groups {
		met := true
		for _, p := range group {
			if seek(order, p, except) == nil {
				met = false
				break
			}
		}
		if met {
			return true
		}
	}
	return false
}

func contradictory(order []*item) *Error {
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; a.ai == b.ai && a.value != b.value {
			return fault(max(a.at, b.at), a.ai, Contradictory)
		}
	}
	return nil
}

// unserialised refuses a signature over a document, coupon or asset type
// without the serial component of its key.
func unserialised(order []*item) *Error {
	if seek(order, pattern{"8030", 4}, "") == nil {
		return nil
	}
	for _, key := range [...]string{"253", "255", "8003"} {
		if it := seek(order, pattern{key, len(key)}, ""); it != nil && len(it.value) == it.entry.min {
			return fault(it.at, it.ai, NotSerialised)
		}
	}
	return nil
}
