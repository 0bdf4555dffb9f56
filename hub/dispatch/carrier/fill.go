package carrier

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Placeholders of requests. Times are RFC 3339 in UTC, positions decimal
// degrees, load g, service s. to.latitude is where somebody lives: it is filled
// in as it is sent and kept nowhere.
var Placeholders = []string{"job", "shipment", "route", "stop", "courier", "reference", "from.kind", "from.id", "from.latitude", "from.longitude",
	"to.kind", "to.id", "to.latitude", "to.longitude", "ready", "window.from", "window.until", "eta", "load", "service", "two", "identity"}

var placeholder = regexp.MustCompile(`\{([a-z.]+)\}`)

const maxTree = 20 // levels of a body

// unknown says which placeholders of a text there are not.
func (f *faults) unknown(field, s string) {
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		f.add(!slices.Contains(Placeholders, m[1]), "%s: %q: no such placeholder; there are %s", field, m[0], strings.Join(Placeholders, ", "))
	}
}

// walk checks a body.
func (f *faults) walk(field string, v any, depth int) {
	if f.add(depth > maxTree, "%s: is more than %d levels deep", field, maxTree); depth > maxTree {
		return
	}
	switch v := v.(type) {
	case string:
		f.unknown(field, v)
	case map[string]any:
		for k, one := range v {
			f.walk(field+"."+k, one, depth+1)
		}
	case []any:
		for i, one := range v {
			f.walk(fmt.Sprintf("%s.%d", field, i), one, depth+1)
		}
	case nil, bool, int, int64, uint64, float64:
	default:
		f.add(true, "%s: %v: want texts, numbers, true or false, lists and objects with names that are texts", field, v)
	}
}

// fill puts values into a body.
func fill(v any, values map[string]any) any {
	switch v := v.(type) {
	case string:
		if m := placeholder.FindStringSubmatch(v); m != nil && m[0] == v {
			return values[m[1]]
		}
		return fillText(v, values, func(s string) string { return s })
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = fill(one, values)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = fill(one, values)
		}
		return out
	}
	return v
}

func fillText(s string, values map[string]any, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		if v := values[m[1:len(m)-1]]; v != nil {
			return escape(fmt.Sprint(v))
		}
		return ""
	})
}

// make gives the address and the body of a request.
func (r *Request) make(values map[string]any) (address string, body []byte, err error) {
	address = fillText(r.URL, values, url.PathEscape)
	if r.Body == nil {
		return address, nil, nil
	}
	body, err = json.Marshal(fill(r.Body, values))
	if err != nil {
		return "", nil, fmt.Errorf("make the body: %w", err)
	}
	return address, body, nil
}
