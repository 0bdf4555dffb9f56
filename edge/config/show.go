package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Show writes the configuration as a file that says of each value who has given
// it. What does not apply is left out.
func (m Merged) Show(w io.Writer) error {
	s := &shower{m: m}
	s.fields(reflect.ValueOf(m.Config), "", "", "")
	_, err := io.WriteString(w, s.b.String())
	return err
}

// Origin tells who has given a field, such as sensors[0].interval.
func (m Merged) Origin(field string) Origin {
	if o, ok := m.origins[field]; ok {
		return o
	}
	return ByDefault
}

type shower struct {
	m Merged
	b strings.Builder
}

func (s *shower) line(lead, text string, o Origin) {
	text = lead + text
	fmt.Fprintf(&s.b, "%-44s # %s\n", text, o)
}

// fields writes those of a struct; first leads the first of them, rest others.
func (s *shower) fields(v reflect.Value, path, first, rest string) {
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Tag.Get("yaml"), v.Field(i)
		at := name
		if path != "" {
			at = path + "." + name
		}
		switch {
		case f.IsZero() && s.m.Origin(at) == ByDefault && at != "sensors":
			continue
		case f.Kind() == reflect.Struct:
			fmt.Fprintf(&s.b, "%s%s:\n", first, name)
			s.fields(f, at, rest+"  ", rest+"  ")
		case f.Kind() == reflect.Slice && f.Len() == 0:
			s.line(first, name+": []", s.m.Origin(at))
		case f.Kind() == reflect.Slice:
			fmt.Fprintf(&s.b, "%s%s:\n", first, name)
			for k := range f.Len() {
				entry := fmt.Sprintf("%s[%d]", at, k)
				if f.Index(k).Kind() == reflect.Struct {
					s.fields(f.Index(k), entry, rest+"  - ", rest+"    ")
				} else {
					s.line(rest+"  - ", scalarText(f.Index(k)), s.m.Origin(entry))
				}
			}
		default:
			s.line(first, name+": "+scalarText(f), s.m.Origin(at))
		}
		first = rest
	}
}

// scalarText writes a value as the file would have it.
func scalarText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case Size:
		return x.String()
	case fmt.Stringer:
		return x.String()
	}
	text := fmt.Sprint(v.Interface())
	if v.Kind() == reflect.String {
		if b, err := yaml.Marshal(text); err == nil {
			text = strings.TrimSuffix(string(b), "\n")
		}
	}
	return text
}
