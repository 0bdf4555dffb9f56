package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the largest file that is read, in bytes.
const maxFile = 256 << 10

// decoder reads a file into a Config, and goes on after each mistake.
type decoder struct {
	problems []Problem
	lines    map[string]int // of the fields that are given
}

// decode reads YAML. Fields that are wrong keep their zero value.
func decode(text []byte) (Config, *decoder) {
	var c Config
	d := &decoder{lines: map[string]int{}}
	if body := d.parse(text); body != nil {
		d.value(body, reflect.ValueOf(&c).Elem(), "")
	}
	return c, d
}

// parse gives the one document of a text; nil where there is none, or none that
// can be read, which is among the problems then.
func (d *decoder) parse(text []byte) ast.Node {
	if len(text) > maxFile {
		d.add(nil, "file", fmt.Sprint(len(text), " bytes"), fmt.Sprintf("want at most %d bytes", maxFile))
		return nil
	}
	if n := nesting(text); n > maxNesting {
		d.add(nil, "file", fmt.Sprint(n, " brackets deep"), fmt.Sprintf("want at most %d", maxNesting))
		return nil
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		d.syntax(err)
		return nil
	}
	if len(file.Docs) > 1 {
		d.add(file.Docs[1].Body, "file", "---", "want a single document")
	}
	if len(file.Docs) == 0 {
		return nil
	}
	return file.Docs[0].Body
}

// maxNesting is how deep brackets may lie in one another: far more than a
// configuration needs, and few enough for the parser, which recurses.
const maxNesting = 32

// nesting is an upper bound of how deep brackets lie in one another.
func nesting(text []byte) (deepest int) {
	depth := 0
	for _, c := range text {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return deepest
}

// syntax tells of a file that is no YAML. The library puts position and source
// into its text; the first line, "[4:7] why", is enough.
func (d *decoder) syntax(err error) {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	p := Problem{Field: "file", Remedy: text + ": correct the YAML there"}
	if at, why, ok := strings.Cut(strings.TrimPrefix(text, "["), "] "); ok {
		line, _, _ := strings.Cut(at, ":")
		if n, err := strconv.Atoi(line); err == nil {
			p.Line, p.Remedy = n, why+": correct the YAML there"
		}
	}
	d.problems = append(d.problems, p)
}

func (d *decoder) add(n ast.Node, field, value, remedy string) {
	d.problems = append(d.problems, Problem{Line: line(n), Field: field, Value: value, Remedy: remedy})
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// value reads a node into v, whose path is the field's name in messages.
func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	d.lines[path] = line(n)
	switch n.(type) {
	case *ast.NullNode, nil:
		return // the zero value
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.add(n, name(path), "", "anchors, aliases and tags are not understood: write the value out")
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			d.add(n, name(path), short(n), "want a list, each entry beginning with '-'")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
		for i, e := range list.Values {
			d.value(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		text, ok := scalar(n)
		if !ok {
			d.add(n, name(path), short(n), "want a single value")
			return
		}
		if remedy := setScalar(v, text); remedy != "" {
			d.add(n, name(path), text, remedy)
		}
	}
}

// mapping reads the fields of a struct.
func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.add(n, name(path), short(n), "want fields, each on a line of its own as name: value")
		return
	}
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("yaml")
		fields[tag] = i
		names = append(names, tag)
	}
	for it := m.MapRange(); it.Next(); {
		key, ok := scalar(it.Key())
		if !ok || key == "" {
			d.add(it.Key(), name(path), short(it.Key()), "want the name of a field before the colon")
			continue
		}
		at := key
		if path != "" {
			at = path + "." + key
		}
		i, known := fields[key]
		if !known {
			d.add(it.Key(), at, "", "there is no such field: want one of "+strings.Join(names, ", ")+likely(key, names))
			continue
		}
		d.value(it.Value(), v.Field(i), at) // the parser refuses a key that is given twice
	}
}

func name(path string) string {
	if path == "" {
		return "file"
	}
	return path
}

// scalar gives the text of a node as written, so that 0x44 stays 0x44.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// short shows a node in a message.
func short(n ast.Node) string {
	s, _, _ := strings.Cut(strings.TrimSpace(n.String()), "\n")
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}

// setScalar reads text into v, or says what it should have been.
func setScalar(v reflect.Value, text string) (remedy string) {
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return "want a number with a unit, such as 500ms, 10s, 5m or 24h"
		}
		*p = d
	case *Size:
		n, err := ParseSize(text)
		if err != nil {
			return "want a whole number with a unit, such as 64KiB, 4MiB or 1GiB"
		}
		*p = n
	case encoding.TextUnmarshaler:
		if err := p.UnmarshalText([]byte(text)); err != nil {
			return err.Error()
		}
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return "want a whole number"
		}
		*p = n
	case *float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f != f {
			return "want a number"
		}
		*p = f
	default:
		v.SetString(text)
	}
	return ""
}

// likely guesses which field was meant.
func likely(key string, names []string) string {
	flat := func(s string) string {
		return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
	}
	i := slices.IndexFunc(names, func(n string) bool {
		a, b := flat(n), flat(key)
		return a == b || len(b) > 2 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
	})
	if i < 0 {
		return ""
	}
	return "; did you mean " + names[i] + "?"
}
