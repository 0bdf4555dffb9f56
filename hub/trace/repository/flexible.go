package repository

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/unit"
)

// flexible are the parameters whose names go on with a type, a unit or the name
// of an extension field, by what they begin with.
var flexible = map[string]handler{
	"EQ_bizTransaction_": parties(BizTransaction, "btt:", "BTT-"),
	"EQ_source_":         parties(Source, "sdt:", "SDT-"),
	"EQ_destination_":    parties(Destination, "sdt:", "SDT-"),
	"EXISTS_":            exists,
	"HASATTR_":           attribute,
	"EQATTR_":            attribute,
	"EQ_ATTR_":           attribute, // as the schema of queries has it
}

// comparisons are how numbers and times are compared.
var comparisons = map[string]Comparison{"EQ_": Equal, "GT_": Greater, "GE_": AtLeast, "LT_": Less, "LE_": AtMost}

func init() {
	for prefix, compare := range comparisons {
		for _, field := range []string{"value", "minValue", "maxValue", "meanValue", "percValue", "sDev"} {
			flexible[prefix+field+"_"] = measured(field, compare)
		}
		flexible[prefix+"quantity_"] = measured("quantity", compare)
		fixed[prefix+"quantity"] = plain("quantity", compare)
		fixed[prefix+"percRank"] = plain("percRank", compare)
		flexible[prefix] = extension(compare)
	}
	prefixes = slices.SortedFunc(maps.Keys(flexible), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}

// prefixes are the keys of flexible, the longest first.
var prefixes []string

// parties are things that have a type: transactions, sources, destinations.
func parties(kind Kind, urn, web string) handler {
	return func(q *reading, name, typ string, values []string) error {
		f := Filter{Name: name, Kind: kind}
		types := []string{typ}
		for _, before := range []string{"urn:epcglobal:cbv:" + urn, "https://ref.gs1.org/cbv/" + web} {
			if word, ok := strings.CutPrefix(typ, before); ok {
				types = append(types, word)
			}
		}
		for _, t := range types {
			for _, v := range values {
				f.Values = append(f.Values, t+" "+epcis.Canonical(v))
			}
		}
		q.filter(f)
		return nil
	}
}

// measured compares what has a unit, in SI units.
func measured(field string, compare Comparison) handler {
	return func(q *reading, name, uom string, values []string) error {
		if len(uom) > 8 || strings.ContainsAny(uom, " :#/") {
			return fmt.Errorf("unit %q: want a code of UNECE Recommendation 20, such as CEL", uom)
		}
		numbers, err := decimals(values)
		if err != nil {
			return err
		}
		in := unit.Base
		if field == "sDev" {
			in = unit.Difference
		}
		f := Filter{Name: name}
		for _, v := range numbers {
			v, base := in(v, uom)
			f.Field = field + " " + base
			f.Intervals = append(f.Intervals, compare(v, slack(v, base)))
		}
		q.filter(f)
		return nil
	}
}

// slack is how far a value in its base unit may be from what it was before it
// was converted: some units in the last place. Temperatures are sums.
func slack(v float64, base string) float64 {
	s := 1e-12 * math.Abs(v)
	if base == "KEL" {
		s = max(s, 1e-10)
	}
	return s
}

// plain compares numbers without a unit.
func plain(field string, compare Comparison) handler {
	return func(q *reading, name, _ string, values []string) error {
		f := Filter{Name: name, Field: field}
		numbers, err := decimals(values)
		for _, v := range numbers {
			f.Intervals = append(f.Intervals, compare(v, 0))
		}
		q.filter(f)
		return err
	}
}

// extension compares an extension field: of the event, of its ILMD, or at any
// depth of these.
func extension(compare Comparison) handler {
	return func(q *reading, name, rest string, values []string) error {
		field, err := q.fieldName(rest)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, "EQ_") {
			f := Filter{Name: name, Kind: Extension}
			for _, v := range values {
				f.Values = append(f.Values, field+" "+v)
			}
			q.filter(f)
			return nil
		}
		v, err := one(values)
		if err != nil {
			return err
		}
		if t, bad := time.Parse(time.RFC3339Nano, v); bad == nil {
			q.filter(Filter{Name: name, Field: field + " time", Intervals: []Interval{compare(float64(ceilMilli(t)), 0)}})
			return nil
		}
		return plain(field, compare)(q, name, "", values)
	}
}

func exists(q *reading, name, rest string, values []string) error {
	field, err := q.fieldName(rest)
	if err != nil {
		return err
	}
	return present(field)(q, name, "", values)
}

// attribute asks for an XML attribute of an extension field: one of these
// names, or one of this name with these values.
func attribute(q *reading, name, rest string, values []string) error {
	kind, attribute := "HASATTR ", ""
	if !strings.HasPrefix(name, "HASATTR_") {
		i := strings.LastIndex(rest, "_")
		if i < 0 {
			return errors.New("want EQATTR_FIELD_ATTRIBUTE")
		}
		kind, rest, attribute = "EQATTR ", rest[:i], rest[i+1:]+" "
	}
	field, err := q.fieldName(rest)
	if err != nil {
		return err
	}
	f := Filter{Name: name, Kind: Extension}
	for _, v := range values {
		f.Values = append(f.Values, kind+field+" "+attribute+v)
	}
	q.filter(f)
	return nil
}

// standardNamespaces are prefixes that the context of EPCIS declares.
var standardNamespaces = Namespaces{"cbvmda": "urn:epcglobal:cbv:mda:", "epcis": "https://ref.gs1.org/epcis/", "cbv": "https://ref.gs1.org/cbv/", "gs1": "https://gs1.org/voc/"}

// fieldName gives the name of an extension field as the index has it, of one
// in a parameter: INNER_ and ILMD_ first, then PREFIX:NAME or NAMESPACE#NAME.
func (q *reading) fieldName(rest string) (string, error) {
	scope := ""
	if after, ok := strings.CutPrefix(rest, "INNER_"); ok {
		scope, rest = "INNER ", after
	}
	if after, ok := strings.CutPrefix(rest, "ILMD_"); ok {
		scope, rest = scope+"ILMD ", after
	}
	for _, part := range []string{"ERROR_DECLARATION_", "SENSORELEMENT_", "SENSORMETADATA_", "SENSORREPORT_", "readPoint_", "bizLocation_"} {
		if strings.HasPrefix(rest, part) {
			return "", fmt.Errorf("extensions of %s cannot be asked for here", strings.TrimSuffix(part, "_"))
		}
	}
	if i := strings.LastIndex(rest, "#"); i > 0 {
		return scope + fieldName(rest[:i], rest[i+1:]), nil
	}
	prefix, local, ok := strings.Cut(rest, ":")
	if strings.Contains(rest, "://") || strings.HasPrefix(rest, "urn:") {
		i := strings.LastIndexAny(rest, "/:")
		return scope + fieldName(rest[:i], rest[i+1:]), nil
	}
	if !ok || local == "" {
		return "", errors.New("is not a parameter of the EPCIS query language; an extension field is PREFIX:NAME or NAMESPACE#NAME")
	}
	namespace, ok := q.namespaces[prefix]
	if !ok {
		namespace, ok = standardNamespaces[prefix]
	}
	if !ok {
		return "", fmt.Errorf("prefix %q: say what it stands for, by the header GS1-Extensions: %s=https://… or by @context", prefix, prefix)
	}
	return scope + fieldName(namespace, local), nil
}
