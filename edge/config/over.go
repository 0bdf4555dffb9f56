package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Merged is a gateway's configuration with its hub's desired state laid over it.
type Merged struct {
	Config
	origins map[string]Origin // of the fields that are given
}

// Origin is who has given a field.
type Origin string

// Origins of a field.
const (
	ByDefault Origin = "default"
	ByFile    Origin = "file"  // the gateway's own
	ByFinding Origin = "found" // on the gateway's own buses
	ByHub     Origin = "hub"   // its desired state
)

// Over lays a desired state over the gateway's own configuration, fills in
// defaults and checks everything, all by the rules of the file. It is that or
// nothing: the error is an *Error with all that is wrong, whose fields name
// entries of lists by their ids. An empty document leaves the file's.
func (o Own) Over(document []byte) (Merged, error) {
	d := &decoder{lines: map[string]int{}}
	c := o.config
	if body := d.parse(document); body != nil {
		d.desired(body, &c)
	}
	m := Merged{Config: c.WithDefaults(o.host), origins: map[string]Origin{}}
	err := d.judge(m.Config)
	if err != nil {
		names := ids(c)
		e := err.(*Error)
		for i := range e.Problems {
			p := &e.Problems[i]
			p.Field, p.Remedy = names.in(p.Field), names.in(p.Remedy)
		}
		return m, e
	}
	for path := range o.given {
		m.origins[path] = ByFile
	}
	if o.found {
		m.origins["sensors"] = ByFinding
		for i, s := range o.config.Sensors {
			at := fmt.Sprintf("sensors[%d].", i)
			for path, v := range map[string]string{"id": s.ID, "driver": s.Driver, "bus": s.Bus, "address": s.Address} {
				if v != "" {
					m.origins[at+path] = ByFinding
				}
			}
		}
	}
	for path := range d.lines {
		if _, there := m.origins[path]; !there || !strings.HasSuffix(path, "].id") {
			m.origins[path] = ByHub
		}
	}
	return m, nil
}

// desired reads the top of a desired state over c.
func (d *decoder) desired(n ast.Node, c *Config) {
	switch n.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		return
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		d.add(n, "file", short(n), "want fields, each on a line of its own as name: value")
		return
	}
	v, t := reflect.ValueOf(c).Elem(), reflect.TypeFor[Config]()
	var open []string
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("desired") != "" {
			open = append(open, t.Field(i).Tag.Get("yaml"))
		}
	}
	for it := m.MapRange(); it.Next(); {
		key, _ := scalar(it.Key())
		f, known := field(t, key)
		switch how := f.Tag.Get("desired"); {
		case !known:
			d.add(it.Key(), key, "", "there is no such field: want one of "+strings.Join(open, ", ")+likely(key, open))
		case how == "each":
			d.each(it.Value(), v.FieldByIndex(f.Index), key)
		case how == "whole":
			v.FieldByIndex(f.Index).SetZero()
			d.value(it.Value(), v.FieldByIndex(f.Index), key)
		default:
			d.add(it.Key(), key, "", "the gateway's own file gives it: leave it out; the hub gives "+strings.Join(open, ", "))
		}
	}
}

// field finds the field of a struct that a name of the file means.
func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("yaml") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// each lays the entries of a list over those of v that have the same id.
func (d *decoder) each(n ast.Node, v reflect.Value, path string) {
	if _, null := n.(*ast.NullNode); null || n == nil {
		return
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.add(n, path, short(n), "want a list, each entry beginning with '-'")
		return
	}
	v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()+len(list.Values)), v)) // the file's stays as it is
	own, seen := v.Len(), map[string]bool{}
	for _, e := range list.Values {
		id, m := entryID(e)
		if id == "" {
			d.add(e, path, short(e), "want entries with an id")
			continue
		}
		if seen[id] {
			d.add(e, fmt.Sprintf("%s[%s]", path, id), "", "it is there twice: give it once")
			continue
		}
		seen[id] = true
		at := indexID(v, id)
		if at < 0 {
			at = v.Len()
			v.Set(reflect.Append(v, reflect.New(v.Type().Elem()).Elem()))
		}
		where := fmt.Sprintf("%s[%d]", path, at)
		for it := m.MapRange(); at < own && it.Next(); {
			key, _ := scalar(it.Key())
			if f, _ := field(v.Type().Elem(), key); f.Tag.Get("desired") == "new" {
				d.add(it.Key(), where+"."+key, "", "the gateway's own file gives it: leave it out, or choose another id for another sensor")
			}
		}
		d.value(e, v.Index(at), where)
	}
}

// entryID gives the id of an entry of a list; empty where it has none.
func entryID(n ast.Node) (id string, m ast.MapNode) {
	m, ok := n.(ast.MapNode)
	if !ok {
		return "", nil
	}
	for it := m.MapRange(); it.Next(); {
		if key, _ := scalar(it.Key()); key == "id" {
			id, _ = scalar(it.Value())
		}
	}
	return id, m
}

func indexID(list reflect.Value, id string) int {
	f, ok := field(list.Type().Elem(), "id")
	for i := range list.Len() {
		if ok && list.Index(i).FieldByIndex(f.Index).String() == id {
			return i
		}
	}
	return -1
}

// names has the ids of the entries of lists that a desired state may name.
type names map[string][]string

func ids(c Config) names {
	all := names{}
	v, t := reflect.ValueOf(c), reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("desired") != "each" {
			continue
		}
		f, _ := field(t.Field(i).Type.Elem(), "id")
		list := make([]string, v.Field(i).Len())
		for k := range list {
			list[k] = v.Field(i).Index(k).FieldByIndex(f.Index).String()
		}
		all[t.Field(i).Tag.Get("yaml")] = list
	}
	return all
}

var numbered = regexp.MustCompile(`\b([a-z-]+)\[(\d+)\]`)

// in puts ids in the place of positions, which mean nothing to who wrote a
// desired state.
func (n names) in(text string) string {
	return numbered.ReplaceAllStringFunc(text, func(s string) string {
		m := numbered.FindStringSubmatch(s)
		i, err := strconv.Atoi(m[2])
		if list := n[m[1]]; err == nil && i < len(list) && !slices.Contains([]string{"", m[2]}, list[i]) {
			return m[1] + "[" + list[i] + "]"
		}
		return s
	})
}
