package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/fact"
)

// entered is a record on the wire: its fields, and in meta what the hub says
// of it. Callers may send meta back; it is passed over.
type entered[W any] struct {
	Record W
	Meta   RecordMeta
	ref    fact.Ref
}

// RecordMeta is what the hub says of a record.
type RecordMeta struct {
	Version int64  `json:"version" minimum:"0" maximum:"9007199254740991" doc:"As in the ETag; it grows with every change."`
	Created int64  `json:"created" minimum:"0" maximum:"9007199254740991" doc:"When it was entered, Unix ms."`
	Changed int64  `json:"changed" minimum:"0" maximum:"9007199254740991" doc:"When it was changed last, Unix ms."`
	By      string `json:"by" maxLength:"200" doc:"Who changed it last."`
	Retired bool   `json:"retired" doc:"It is out of use."`
}

func enteredOf[W any](e catalog.Entry) (out entered[W], err error) {
	record, err := e.Record()
	if err != nil {
		return out, err
	}
	out.ref = e.Ref
	out.Meta = RecordMeta{Version: e.Version, Created: e.Created, Changed: e.Changed, By: e.By, Retired: e.Retired}
	if p, ok := record.(fact.ProfileRecord); ok {
		record, ok := any(&out.Record).(*sheet.FlatProfile)
		if !ok {
			return out, fmt.Errorf("%s: is a profile", e.Ref)
		}
		*record = sheet.FlatProfile{Profile: p.Profile, From: p.From}
		return out, nil
	}
	w, ok := record.(W)
	if !ok {
		return out, fmt.Errorf("%s: is a %T", e.Ref, record)
	}
	out.Record = w
	return out, nil
}

// recordOf is the record that was sent.
func recordOf(w any) fact.Record {
	if p, ok := w.(sheet.FlatProfile); ok {
		return fact.ProfileRecord{Profile: p.Profile, From: p.From}
	}
	return w.(fact.Record)
}

// named gives a record that has no id the one of the path.
func named[W any](w W, id string) W {
	if field := reflect.ValueOf(&w).Elem().FieldByName("ID"); field.String() == "" {
		field.SetString(id)
	}
	return w
}

func (e entered[W]) MarshalJSON() ([]byte, error) {
	record, err := json.Marshal(e.Record)
	if err != nil {
		return nil, err
	}
	meta, err := json.Marshal(e.Meta)
	if err != nil {
		return nil, err
	}
	return slices.Concat(bytes.TrimSuffix(record, []byte("}")), []byte(`,"meta":`), meta, []byte("}")), nil
}

func (e *entered[W]) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &e.Record) }

// optional are the fields that a record may be sent without, besides those that
// its JSON leaves out when they are empty.
var optional = map[reflect.Type][]string{
	reflect.TypeFor[fact.GatewayRecord](): {"name"}, reflect.TypeFor[fact.SensorRecord](): {"name"},
	reflect.TypeFor[fact.ToteRecord](): {"name"}, reflect.TypeFor[fact.LoggerRecord](): {"name"},
	reflect.TypeFor[sheet.FlatProfile](): {"version", "activation"},
}

// TransformSchema makes the schema of the fields on the wire.
func (entered[W]) TransformSchema(r huma.Registry, _ *huma.Schema) *huma.Schema {
	t := reflect.TypeFor[W]()
	s := huma.SchemaFromType(r, t)
	s.Required = slices.DeleteFunc(s.Required, func(name string) bool { return name == "id" || slices.Contains(optional[t], name) })
	bound(r, s, map[*huma.Schema]bool{})
	for name, p := range s.Properties {
		identify(t, name, p)
	}
	meta := r.Schema(reflect.TypeFor[RecordMeta](), true, "")
	s.Properties["meta"] = &huma.Schema{Ref: meta.Ref, ReadOnly: true, Description: "What the hub says of the record. It may be sent back, and is passed over."}
	s.PrecomputeMessages()
	return s
}

// identify gives properties that name records the shape of their ids.
func identify(t reflect.Type, name string, p *huma.Schema) {
	const id, sensor = "^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$", "^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}/[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$"
	most := 64
	switch {
	case name == "sensor", name == "id" && t == reflect.TypeFor[fact.SensorRecord]():
		most, p.Pattern = 129, sensor
	case name == "id":
		p.Pattern = id
	case slices.Contains([]string{"site", "vehicle", "profile"}, name):
		p.Pattern = strings.TrimSuffix(strings.TrimPrefix(id, "^"), "$")
		p.Pattern = "^(" + p.Pattern + ")?$" // empty where there is none
	case name == "gln":
		most, p.Pattern = 13, "^[0-9]*$"
	case name == "gtin":
		most, p.Pattern = 14, "^[0-9]*$"
	case name == "ndc":
		most, p.Pattern = 14, "^[0-9-]*$"
	default:
		return
	}
	p.MaxLength = &most
	p.PrecomputeMessages()
}

// bound sets bounds where a schema has none: package catalog has the exact
// ones, and says them in words.
func bound(r huma.Registry, s *huma.Schema, seen map[*huma.Schema]bool) {
	if s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	switch s.Type {
	case huma.TypeString:
		if s.MaxLength == nil && s.Enum == nil {
			s.MaxLength = new(int)
			*s.MaxLength = 500
		}
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum == nil && s.Maximum == nil {
			s.Minimum, s.Maximum = new(float64), new(float64)
			*s.Minimum, *s.Maximum = -(1<<53)+1, 1<<53-1
			if s.Type == huma.TypeNumber {
				*s.Minimum, *s.Maximum = math.Floor(-1e6), 1e6
			}
		}
	case huma.TypeArray:
		if s.MaxItems == nil {
			s.MaxItems = new(int)
			*s.MaxItems = 64
		}
		bound(r, s.Items, seen)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		bound(r, s.Properties[name], seen)
	}
	s.PrecomputeMessages()
}
