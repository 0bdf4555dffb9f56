package manifest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
)

// MaxBytes is how long a file can be.
const MaxBytes = 8 << 20

// Kinds are the kinds of things that a file can have, in the order in which they
// need one another.
var Kinds = []string{"places", "couriers", "jobs", "routes"}

// Formats of a file.
const (
	CSV  = "csv"
	JSON = "json"
	YAML = "yaml"
)

// Parse reads a file of one kind. The problems say what is wrong with it, line by
// line; where there are any, nothing of it is to be entered.
func Parse(data []byte, kind, format string, separator rune) (items []dispatch.Item, problems []dispatch.Misentry) {
	whole := func(format string, args ...any) ([]dispatch.Item, []dispatch.Misentry) {
		return nil, []dispatch.Misentry{{What: fmt.Sprintf(format, args...)}}
	}
	if columns[kind] == nil {
		return whole("kind %q: want one of %v", kind, Kinds)
	}
	if len(data) > MaxBytes {
		return whole("file: has %d bytes; want at most %d, cut it into several", len(data), MaxBytes)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return whole("file: is not UTF-8; save it as UTF-8")
	}
	switch format {
	case CSV:
		items, problems = readCSV(data, kind, separator)
	case YAML:
		converted, err := yaml.YAMLToJSON(data)
		if err != nil {
			return whole("file: is no YAML: %v", err)
		}
		if items, problems = readJSON(converted, kind); len(data) > 0 && len(items) == 0 && len(problems) == 0 {
			return whole("file: has no records; want a list")
		}
	case JSON:
		items, problems = readJSON(data, kind)
	default:
		return whole("format %q: want csv, json or yaml", format)
	}
	if len(items) == 0 && len(problems) == 0 {
		return whole("file: has no records")
	}
	if len(items) > dispatch.MaxItems {
		return whole("file: has %d records; want at most %d, cut it into several", len(items), dispatch.MaxItems)
	}
	return items, problems
}

// readJSON reads a list of records.
func readJSON(data []byte, kind string) (items []dispatch.Item, problems []dispatch.Misentry) {
	if !jsontext.Value(data).IsValid() { // also where a name is there twice
		return nil, []dispatch.Misentry{{What: "file: is not JSON with each name once; want a list of records"}}
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(data, &raws); err != nil {
		return nil, []dispatch.Misentry{{What: "file: want a list of records"}}
	}
	for i, raw := range raws {
		it := dispatch.Item{Line: i + 1}
		var into any
		switch kind {
		case "places":
			it.Place = new(dispatch.Place)
			into = it.Place
		case "couriers":
			it.Courier = new(fact.CourierDefined)
			into = it.Courier
		case "jobs":
			it.Job = new(fact.JobPlanned)
			into = it.Job
		default:
			it.Route = new(fact.RoutePlanned)
			into = it.Route
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			problems = append(problems, dispatch.Misentry{Line: i + 1, What: "record: " + strings.TrimPrefix(err.Error(), "json: ") + "; see the schema of this kind in /openapi.json"})
			continue
		}
		items = append(items, it)
	}
	return items, problems
}

// readCSV reads lines under a line of column names.
func readCSV(data []byte, kind string, separator rune) (items []dispatch.Item, problems []dispatch.Misentry) {
	r := csv.NewReader(bytes.NewReader(data))
	if r.Comma = separator; separator == 0 {
		r.Comma = ','
	}
	bad := func(line int, id, format string, args ...any) {
		problems = append(problems, dispatch.Misentry{Line: line, ID: id, What: fmt.Sprintf(format, args...)})
	}
	head, err := r.Read()
	if err != nil {
		bad(1, "", "file: %s", csvText(err))
		return nil, problems
	}
	var cols []*Column
	seen := map[string]bool{}
	for _, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		c := column(kind, name)
		switch {
		case c == nil:
			bad(1, "", "%s: there is no such column; there are %s", name, strings.Join(names(kind), ", "))
		case seen[name]:
			bad(1, "", "%s: is there twice; take one out", name)
		}
		seen[name] = true
		cols = append(cols, c)
	}
	for _, c := range columns[kind] {
		if c.Required && !seen[c.Name] {
			bad(1, "", "%s: this column is needed", c.Name)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	r.FieldsPerRecord = len(head)
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return items, problems
		}
		line, _ := r.FieldPos(0)
		if err != nil {
			bad(line, "", "file: %s", csvText(err))
			if !errors.Is(err, csv.ErrFieldCount) {
				return nil, problems
			}
			continue
		}
		var w row
		ok := true
		for i, c := range cols {
			text := strings.TrimSpace(cells[i])
			if text == "" {
				if c.Required {
					bad(line, w.id, "%s: is empty; %s", c.Name, c.Help)
					ok = false
				}
				continue
			}
			if err := c.set(&w, text); err != nil {
				bad(line, w.id, "%s %q: %v", c.Name, clip(text), err)
				ok = false
			}
		}
		if ok {
			items = w.add(kind, line, items, bad)
		}
		if len(items) > dispatch.MaxItems || len(problems) > 2000 {
			return items, problems
		}
	}
}

func csvText(err error) string {
	if err == io.EOF {
		return "is empty; begin with a line of column names"
	}
	var p *csv.ParseError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
