package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"frostline/hub/fact"
)

// types of the records of each kind that has columns.
var types = map[fact.Kind]reflect.Type{
	fact.Site: reflect.TypeFor[fact.SiteRecord](), fact.Zone: reflect.TypeFor[fact.ZoneRecord](),
	fact.Vehicle: reflect.TypeFor[fact.VehicleRecord](), fact.Compartment: reflect.TypeFor[fact.CompartmentRecord](),
	fact.Gateway: reflect.TypeFor[fact.GatewayRecord](), fact.Sensor: reflect.TypeFor[fact.SensorRecord](),
	fact.Tote: reflect.TypeFor[fact.ToteRecord](), fact.Logger: reflect.TypeFor[fact.LoggerRecord](),
	fact.Calibration: reflect.TypeFor[fact.CalibrationRecord](), fact.Product: reflect.TypeFor[fact.ProductRecord](),
	fact.Party: reflect.TypeFor[fact.PartyRecord](),
}

func (s *Sheet) parseCSV(data []byte, o Options) {
	all := Columns(o.Kind)
	s.columns, s.names = true, map[fact.Kind]map[string]string{o.Kind: {}}
	for _, c := range all {
		s.names[o.Kind][c.Field] = c.Name
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	if o.Separator != 0 {
		in.Comma = o.Separator
	}
	var header []*Column
	for {
		fields, err := in.Read()
		if err == io.EOF {
			return
		}
		if err != nil { // there may be no fields, and so no position of one
			s.Problems.Add(csvProblem(err))
			if header == nil || s.Problems.Len() > MostMistakes {
				return
			}
			continue
		}
		line, _ := in.FieldPos(0)
		if blank(fields) {
			s.Blank++
			continue
		}
		if header == nil {
			if header = s.header(fields, line, all, in.Comma); header == nil {
				return
			}
			continue
		}
		if !s.line(fields, line, header, o.Kind) {
			return
		}
	}
}

func csvProblem(err error) Mistake {
	p := Mistake{What: err.Error(), Remedy: `write a field with quotes, separators or line ends as "…", and a quote in it as ""`}
	if e := (*csv.ParseError)(nil); errors.As(err, &e) {
		p.Line, p.What = e.StartLine, e.Err.Error()
		if e.Line != e.StartLine {
			p.What = fmt.Sprintf("%s, found in line %d", e.Err, e.Line)
		}
	}
	return p
}

func blank(fields []string) bool {
	for _, f := range fields {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}

// header finds the column of each field, or adds what is wrong and gives nil.
func (s *Sheet) header(fields []string, line int, all []Column, separator rune) []*Column {
	before := s.Problems.Len()
	var names, missing []string
	byName := map[string]*Column{}
	for i := range all {
		byName[squeeze(all[i].Name)] = &all[i]
		names = append(names, all[i].Name)
	}
	out := make([]*Column, len(fields))
	seen := map[*Column]bool{}
	for i, f := range fields {
		c := byName[squeeze(f)]
		switch {
		case c == nil && i == 0 && len(fields) == 1 && separator == ',' && strings.ContainsAny(f, ";\t"):
			s.Problems.Add(Mistake{Line: line, Value: Clip(f), What: "fields seem to be separated by semicolons or tabs", Remedy: "say so (separator=semicolon or separator=tab), and write decimals with a point"})
			return nil
		case c == nil && strings.TrimSpace(f) == "":
			s.Problems.Add(Mistake{Line: line, What: fmt.Sprintf("column %d has no name", i+1), Remedy: "name it, or take it out"})
		case c == nil:
			s.Problems.Add(Mistake{Line: line, Value: f, What: "there is no such column", Remedy: "columns are " + strings.Join(names, ", ")})
		case seen[c]:
			s.Problems.Add(Mistake{Line: line, Value: f, What: "the column is there twice", Remedy: "take one out"})
		default:
			out[i], seen[c] = c, true
		}
	}
	for i := range all {
		if all[i].Required && !seen[&all[i]] {
			missing = append(missing, all[i].Name)
		}
	}
	if missing != nil {
		s.Problems.Add(Mistake{Line: line, Value: strings.Join(fields, ","), What: "columns are missing: " + strings.Join(missing, ", "), Remedy: "name them in the first line"})
	}
	if s.Problems.Len() > before {
		return nil
	}
	return out
}

// squeeze makes names of columns comparable.
func squeeze(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "", "\u00a0", "", "\t", "").Replace(s))
}

// line reads one record.
func (s *Sheet) line(fields []string, line int, header []*Column, k fact.Kind) (more bool) {
	before := s.Problems.Len()
	if len(fields) != len(header) {
		s.Problems.Add(Mistake{Line: line, What: fmt.Sprintf("%d fields, and the first line has %d", len(fields), len(header)), Remedy: `write a field that contains the separator as "…"`})
		return s.Problems.Len() <= MostMistakes
	}
	r := row{record: reflect.New(types[k]).Interface()}
	id := ""
	for i, f := range fields {
		c := header[i]
		f = strings.TrimSpace(f)
		if f == "" {
			if c.Required {
				s.Problems.Add(Mistake{Line: line, Field: c.Name, What: "is empty", Remedy: "give " + c.Help})
			}
			continue
		}
		cell := c.cell(&r)
		if cell.text() {
			f = unguard(f)
		}
		if c.Field == "id" {
			id = f
		}
		if err := cell.set(f); err != nil {
			s.Problems.Add(Mistake{Line: line, ID: Clip(id), Field: c.Name, Value: f, What: "is of the wrong form", Remedy: err.Error()})
		}
	}
	if s.Problems.Len() == before {
		out := Row{Line: line, Record: reflect.ValueOf(r.record).Elem().Interface().(fact.Record)}
		if p := out.place(r.in, r.from); p != nil {
			p.Line, p.ID = line, Clip(id)
			s.Problems.Add(*p)
			return true
		}
		return s.add(out)
	}
	return s.Problems.Len() <= MostMistakes*10
}
