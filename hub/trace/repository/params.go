package repository

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrParameter is wrapped where a query is not one of EPCIS. The text begins
// with the parameter.
var ErrParameter = errors.New("query parameter")

// Bounds of a query.
const (
	MaxParameters = 50   // of a query
	MaxValues     = 200  // of a parameter
	MaxLength     = 2048 // bytes of a value
	maxMost       = 100_000
)

// Parameters are those of an EPCIS query (section 8.2.7.1 of EPCIS 2.0), each
// with its values. All have to hold; of the values of one, any.
type Parameters map[string][]string

// Namespaces are what prefixes in names of extension fields stand for.
type Namespaces map[string]string

// handler reads one parameter whose name has a beginning; rest is what follows.
type handler func(q *reading, name, rest string, values []string) error

// reading is a query being read.
type reading struct {
	Query
	namespaces Namespaces
}

// NewQuery reads the parameters of a query. Errors wrap ErrParameter.
func NewQuery(p Parameters, ns Namespaces) (Query, error) {
	q := &reading{namespaces: ns}
	if len(p) > MaxParameters {
		return q.Query, fmt.Errorf("%w: %d are given: want at most %d", ErrParameter, len(p), MaxParameters)
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		values := p[name]
		if len(values) == 0 || len(values) > MaxValues {
			return q.Query, fmt.Errorf("%w %s: %d values: want 1 to %d", ErrParameter, name, len(values), MaxValues)
		}
		for _, v := range values {
			if len(v) > MaxLength || v == "" {
				return q.Query, fmt.Errorf("%w %s: a value of %d bytes: want 1 to %d", ErrParameter, name, len(v), MaxLength)
			}
		}
		if err := q.read(name, values); err != nil {
			return q.Query, fmt.Errorf("%w %s: %w", ErrParameter, name, err)
		}
	}
	return q.Query, q.consistent(p)
}

// consistent checks what parameters say together.
func (q *reading) consistent(p Parameters) error {
	_, ordered := p["orderBy"]
	switch {
	case q.Limit > 0 && q.Most > 0:
		return fmt.Errorf("%w eventCountLimit: excludes maxEventCount; give one of them", ErrParameter)
	case q.Limit > 0 && !ordered:
		return fmt.Errorf("%w eventCountLimit: wants orderBy, which says what the first events are", ErrParameter)
	case ordered && p["orderDirection"] == nil:
		q.Descending = true
	}
	return nil
}

func (q *reading) read(name string, values []string) error {
	if h, ok := fixed[name]; ok {
		return h(q, name, "", values)
	}
	for _, prefix := range prefixes {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			return flexible[prefix](q, name, rest, values)
		}
	}
	return errors.New("is not a parameter of the EPCIS query language, or not one that is supported here")
}

func one(values []string) (string, error) {
	if len(values) != 1 {
		return "", fmt.Errorf("%d values: want one", len(values))
	}
	return values[0], nil
}

func instant(values []string) (int64, error) {
	v, err := one(values)
	if err != nil {
		return 0, err
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(v, " ", "+", 1)) // an unescaped + of a URL
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return 0, fmt.Errorf("%q: want a time with its offset, such as 2026-11-21T18:00:00.000+00:00", v)
	}
	return ceilMilli(t), nil
}

// ceilMilli is the first millisecond not before a time: events are kept to the
// millisecond.
func ceilMilli(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

func decimals(values []string) (all []float64, err error) {
	for _, v := range values {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || f-f != 0 {
			return nil, fmt.Errorf("%q: want a number", v)
		}
		all = append(all, f)
	}
	return all, nil
}

// count reads a number of events.
func count(values []string, most int64) (int64, error) {
	v, err := one(values)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%q: want a number from 1 to %d", v, most)
	}
	return n, nil
}

// truly reads a parameter that only says that something is to be there: the
// standard gives it no value, its REST binding a boolean or null.
func truly(values []string) (bool, error) {
	v, err := one(values)
	switch strings.ToLower(v) {
	case "true", "1", "null", "void":
		return true, err
	case "false", "0":
		return false, err
	}
	return false, fmt.Errorf("%q: want true or false", v)
}

func (q *reading) filter(f Filter) { q.Filters = append(q.Filters, f) }
