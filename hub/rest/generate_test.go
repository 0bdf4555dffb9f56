package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"
)

// shapes makes values that a schema allows, and ones that it does not.
type shapes struct{ registry huma.Registry }

func (g shapes) resolve(s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = g.registry.SchemaFromRef(s.Ref)
	}
	return s
}

const deepest = 6 // levels of optional things that are made

// valid gives a value that a schema allows, with everything optional in it.
func (g shapes) valid(s *huma.Schema, depth int) any {
	s = g.resolve(s)
	switch {
	case s == nil:
		return nil
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.OneOf) > 0:
		return g.valid(s.OneOf[0], depth)
	case len(s.AnyOf) > 0:
		return g.valid(s.AnyOf[0], depth)
	}
	switch s.Type {
	case huma.TypeString:
		return text(s)
	case huma.TypeInteger, huma.TypeNumber:
		low, high := bounds(s)
		return max(low, min(high, 1))
	case huma.TypeBoolean:
		return true
	case huma.TypeArray:
		n := 1
		if depth >= deepest {
			n = 0
		}
		if s.MinItems != nil {
			n = max(n, *s.MinItems)
		}
		out := []any{}
		for range n {
			out = append(out, g.valid(s.Items, depth+1))
		}
		return out
	case huma.TypeObject:
		out := map[string]any{}
		for name, p := range s.Properties {
			if slices.Contains(s.Required, name) || depth < deepest {
				out[name] = g.valid(p, depth+1)
			}
		}
		return out
	}
	return "anything"
}

var patterns sync.Map

// compiled is a pattern of the document.
func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(pattern)
	patterns.Store(pattern, re)
	return re
}

func bounds(s *huma.Schema) (low, high float64) {
	low, high = -math.MaxFloat64, math.MaxFloat64
	if s.Minimum != nil {
		low = *s.Minimum
	}
	if s.ExclusiveMinimum != nil {
		low = *s.ExclusiveMinimum + 1
	}
	if s.Maximum != nil {
		high = *s.Maximum
	}
	if s.ExclusiveMaximum != nil {
		high = *s.ExclusiveMaximum - 1
	}
	return low, high
}

func text(s *huma.Schema) string {
	least, most := 1, 64
	if s.MinLength != nil {
		least = *s.MinLength
	}
	if s.MaxLength != nil {
		most = *s.MaxLength
	}
	switch {
	case s.Format == "date-time":
		return "2026-09-14T06:00:00Z"
	case s.Format == "uri":
		return "https://example.org/"
	case s.Format == "email":
		return "ann@example.org"
	case s.Pattern != "":
		gen := rapid.StringMatching(s.Pattern)
		for seed := range 400 {
			if v := gen.Example(seed); len(v) >= least && len(v) <= most && compiled(s.Pattern).MatchString(v) {
				return v
			}
		}
	}
	return strings.Repeat("a", min(max(least, 1), most))
}

// raw is a number as it is written.
type raw = json.RawMessage

// wrong calls emit with variants of a valid value, each with one fault that
// the schema sees, and where that is. Optional members that the value lacks are
// tried too.
func (g shapes) wrong(s *huma.Schema, v any, at string, emit func(at, what string, v any)) {
	s = g.resolve(s)
	if s == nil || len(s.OneOf) > 0 || len(s.AnyOf) > 0 {
		return
	}
	say := func(what string, v any) { emit(at, at+": "+what, v) }
	other := map[string]any{
		huma.TypeString: map[string]any{}, huma.TypeInteger: "x", huma.TypeNumber: "x", huma.TypeBoolean: "true",
		huma.TypeArray: map[string]any{}, huma.TypeObject: "x",
	}
	if o, ok := other[s.Type]; ok {
		say("wrong type", o)
		say("wrong type, list", []any{[]any{}})
		if !s.Nullable {
			say("null", nil)
		}
	}
	if len(s.Enum) > 0 {
		say("not in the enum", "none of these")
	}
	switch s.Type {
	case huma.TypeString:
		if s.MaxLength != nil {
			say("too long", strings.Repeat("a", *s.MaxLength+1))
		}
		if s.MinLength != nil && *s.MinLength > 0 {
			say("too short", strings.Repeat("a", *s.MinLength-1))
		}
		if s.Pattern != "" && !compiled(s.Pattern).MatchString("\u2603' OR 1=1 --") {
			say("not the pattern", "\u2603' OR 1=1 --")
		}
		say("NUL", "a\x00b")
	case huma.TypeInteger, huma.TypeNumber:
		low, high := bounds(s)
		if low > -math.MaxFloat64 {
			say("too small", raw(fmt.Sprintf("%.0f", low-max(1, math.Abs(low)/1e6))))
		}
		if high < math.MaxFloat64 {
			say("too large", raw(fmt.Sprintf("%.0f", high+max(1, math.Abs(high)/1e6))))
		}
		say("far too large", raw("1e999"))
		if s.Type == huma.TypeInteger {
			say("broken number", raw("1.5"))
		}
	case huma.TypeArray:
		list, _ := v.([]any)
		if s.MaxItems != nil && *s.MaxItems < 5000 {
			say("too many", slices.Repeat([]any{g.valid(s.Items, deepest)}, *s.MaxItems+1))
		}
		if s.MinItems != nil && *s.MinItems > 0 {
			say("too few", []any{})
		}
		if len(list) > 0 {
			g.wrong(s.Items, list[0], at+"/0", func(at, what string, v any) {
				emit(at, what, append([]any{v}, list[1:]...))
			})
		}
	case huma.TypeObject:
		object, _ := v.(map[string]any)
		if s.AdditionalProperties == false {
			say("unknown name", with(object, "nobodyKnowsThis", 1))
		}
		for _, name := range s.Required {
			say("without "+name, without(object, name))
		}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			v, ok := object[name]
			if !ok {
				v = g.valid(s.Properties[name], 0)
			}
			g.wrong(s.Properties[name], v, at+"/"+name, func(at, what string, v any) {
				emit(at, what, with(object, name, v))
			})
		}
	}
}

// strings calls emit with variants of a valid value in which one free text is
// another.
func (g shapes) strings(s *huma.Schema, v any, text string, emit func(v any)) {
	s = g.resolve(s)
	if s == nil {
		return
	}
	switch v := v.(type) {
	case string:
		if len(s.Enum) == 0 {
			emit(text)
		}
	case []any:
		if len(v) > 0 {
			g.strings(s.Items, v[0], text, func(one any) { emit(append([]any{one}, v[1:]...)) })
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if one, ok := v[name]; ok {
				g.strings(s.Properties[name], one, text, func(other any) { emit(with(v, name, other)) })
			}
		}
	}
}

func with(m map[string]any, name string, v any) map[string]any {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	out[name] = v
	return out
}

func without(m map[string]any, name string) map[string]any {
	out := maps.Clone(m)
	delete(out, name)
	return out
}

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
