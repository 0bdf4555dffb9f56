package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"frostline/hub/fact"
)

// maxDepth is how deep a record's JSON may be.
const maxDepth = 8

func (s *Sheet) parseJSON(data []byte, o Options) {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	if len(trimmed) == 0 {
		return
	}
	offset := len(data) - len(trimmed)
	if trimmed[0] == '[' {
		s.array(data, offset, o)
		return
	}
	for offset < len(data) {
		offset = s.sequence(data, offset, o)
	}
}

// array reads the elements of one array. A mistake in the JSON itself ends it.
func (s *Sheet) array(data []byte, offset int, o Options) {
	d := json.NewDecoder(bytes.NewReader(data[offset:]))
	lines := lineCounter{data: data}
	_, err := d.Token()
	for err == nil && d.More() {
		start := offset + int(d.InputOffset())
		var raw json.RawMessage
		if err = d.Decode(&raw); err == nil && !s.element(raw, lines.at(elementStart(data, start)), o) {
			return
		}
	}
	if err == nil {
		_, err = d.Token()
	}
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("there is something after the end of the array")
		}
	}
	if err != nil {
		s.Problems.Add(syntax(data, offset, d, err))
	}
}

// sequence reads records one after the other, until a mistake in the JSON; it
// gives where to go on: the next line.
func (s *Sheet) sequence(data []byte, offset int, o Options) int {
	d := json.NewDecoder(bytes.NewReader(data[offset:]))
	lines := lineCounter{data: data}
	for {
		start := offset + int(d.InputOffset())
		var raw json.RawMessage
		err := d.Decode(&raw)
		if err == io.EOF {
			return len(data)
		}
		start = elementStart(data, start)
		if err != nil {
			s.Problems.Add(syntax(data, offset, d, err))
			next := bytes.IndexByte(data[start:], '\n')
			if next < 0 || s.Problems.Len() > MostMistakes {
				return len(data)
			}
			return start + next + 1
		}
		if !s.element(raw, lines.at(start), o) {
			return len(data)
		}
	}
}

// elementStart skips what lies between elements.
func elementStart(data []byte, i int) int {
	for i < len(data) && strings.IndexByte(" \t\r\n,", data[i]) >= 0 {
		i++
	}
	return i
}

func syntax(data []byte, offset int, d *json.Decoder, err error) Mistake {
	at := offset + int(d.InputOffset())
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		at = offset + int(e.Offset)
	}
	what := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		at, what = len(data), "the file ends within a record or before the array does"
	}
	return Mistake{Line: lineOf(data, min(at, len(data))), What: "is no JSON: " + what, Remedy: "give an array of records, or one record a line; what follows in an array was not read"}
}

// element reads one record.
func (s *Sheet) element(raw json.RawMessage, line int, o Options) (more bool) {
	row := Row{Line: line}
	p := shape(raw)
	var id string
	if p == nil {
		p = row.decode(raw, o.Kind)
		if row.Record != nil {
			id = row.Record.Ref().ID
		}
	}
	if p != nil {
		p.Line, p.ID = line, Clip(id)
		s.Problems.Add(*p)
		return s.Problems.Len() <= MostMistakes*10
	}
	return s.add(row)
}

// decode reads the record of a kind. What the REST interface adds to a record,
// in meta, is passed over.
func (r *Row) decode(raw json.RawMessage, k fact.Kind) *Mistake {
	if k == All {
		var of struct {
			Kind string `json:"kind"`
		}
		_ = json.Unmarshal(raw, &of)
		kind, err := fact.ParseRecordKind(of.Kind)
		if err != nil {
			return &Mistake{Field: "kind", Value: of.Kind, What: "each record of a file with several kinds says its kind", Remedy: err.Error()}
		}
		k = kind
	}
	into := forms[k]
	if into == nil {
		return &Mistake{What: fmt.Sprintf("kind %q has no records", k), Remedy: "name one of sites, zones, …"}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	f := into()
	if err := d.Decode(f); err != nil {
		return jsonProblem(err)
	}
	r.Record = f.record()
	if s, ok := f.(*sensorForm); ok {
		return r.place(s.In, int64(s.From))
	}
	return nil
}

func jsonProblem(err error) *Mistake {
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, ok := strings.CutPrefix(text, "unknown field "); ok {
		return &Mistake{Field: strings.Trim(name, `"`), What: "there is no such field", Remedy: "see the schema of this kind in /openapi.json"}
	}
	if e := (*json.UnmarshalTypeError)(nil); errors.As(err, &e) {
		return &Mistake{Field: e.Field, Value: e.Value, What: "is a " + e.Value, Remedy: "want a " + wanted(e.Type.Kind().String())}
	}
	return &Mistake{What: text}
}

func wanted(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"):
		return "whole number"
	case kind == "struct" || kind == "map":
		return "object"
	case kind == "slice":
		return "array"
	}
	return kind
}

// shape looks for what encoding/json would pass over in silence: names that
// are there twice, and too much depth.
func shape(raw json.RawMessage) *Mistake {
	if len(raw) == 0 || raw[0] != '{' {
		return &Mistake{Value: Clip(string(raw)), What: "is no JSON object", Remedy: "give each record as {…}"}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	var open []map[string]bool // nil for an array
	name := false
	for {
		t, err := d.Token()
		if err != nil {
			return nil // the end
		}
		switch t {
		case json.Delim('{'):
			open, name = append(open, map[string]bool{}), true
		case json.Delim('['):
			open, name = append(open, nil), false
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			name = len(open) > 0 && open[len(open)-1] != nil
		default:
			if !name {
				name = len(open) > 0 && open[len(open)-1] != nil
				continue
			}
			key := strings.ToLower(t.(string))
			if open[len(open)-1][key] {
				return &Mistake{Field: Clip(t.(string)), What: "is there twice", Remedy: "take one out"}
			}
			open[len(open)-1][key], name = true, false
		}
		if len(open) > maxDepth {
			return &Mistake{What: fmt.Sprintf("is more than %d levels deep", maxDepth), Remedy: "see the schema of this kind in /openapi.json"}
		}
	}
}
