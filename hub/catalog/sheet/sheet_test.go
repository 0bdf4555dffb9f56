package sheet

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

func parseCSV(k fact.Kind, text string) *Sheet {
	return Parse([]byte(text), Options{Kind: k, Format: CSV})
}

func parseJSON(k fact.Kind, text string) *Sheet {
	return Parse([]byte(text), Options{Kind: k, Format: JSON})
}

func problems(s *Sheet) string {
	var b strings.Builder
	for _, p := range s.Problems.List {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func TestCSVIsReadAsSpreadsheetsWriteIt(t *testing.T) {
	want := []Row{
		{Line: 2, Record: fact.SiteRecord{ID: "a", Name: "Depot, Boston", GLN: "0614141000012", Position: &fact.Position{Latitude: 423467001, Longitude: -710421000, Accuracy: 5000}}},
		{Line: 4, Record: fact.SiteRecord{ID: "b", Name: "two\nlines"}},
	}
	plain := "id,name,gln,latitude,longitude,accuracy_m\na,\"Depot, Boston\",0614141000012,42.3467001,-71.0421,5\n,,,,,\nb,\"two\nlines\",,,,\n"
	for name, text := range map[string]string{
		"plain":             plain,
		"byte order mark":   "\ufeff" + plain,
		"CRLF":              strings.ReplaceAll(plain, "\n", "\r\n"),
		"no last line end":  strings.TrimSuffix(plain, "\n"),
		"names with spaces": strings.Replace(plain, "id,name,gln,latitude,longitude,accuracy_m", "ID, Name ,GLN,Latitude,LONGITUDE,Accuracy M", 1),
		"padded":            strings.Replace(plain, "a,\"", "  a ,\"", 1),
		"in another order":  "name,id,longitude,latitude,accuracy-m,gln\n\"Depot, Boston\",a,-71.0421,42.3467001,5,0614141000012\n,,,,,\n\"two\nlines\",b,,,,\n",
	} {
		s := parseCSV(fact.Site, text)
		if s.Problems.Len() > 0 || !reflect.DeepEqual(s.Rows, want) || s.Blank != 1 {
			t.Errorf("%s: got %+v, %d blank, problems:\n%s", name, s.Rows, s.Blank, problems(s))
		}
	}
	s := Parse([]byte("id;name\na;b,c\n"), Options{Kind: fact.Site, Format: CSV, Separator: ';'})
	if len(s.Rows) != 1 || s.Rows[0].Record != (fact.SiteRecord{ID: "a", Name: "b,c"}) {
		t.Errorf("semicolons: got %+v %s", s.Rows, problems(s))
	}
}

func TestMistakesAreToldByLineColumnValueAndRemedy(t *testing.T) {
	for _, c := range []struct {
		name string
		kind fact.Kind
		text string
		want string // in each line of the problems
	}{
		{"UTF-16", fact.Site, "\xff\xfei\x00d\x00", `line 1: the file is UTF-16; save it as UTF-8`},
		{"Latin-1", fact.Site, "id,name\na,Z\xfcrich\n", `line 2: byte 0xfc is not UTF-8; save the file as UTF-8`},
		{"NUL", fact.Site, "id,name\na,b\x00\n", `line 2: there is a NUL byte; `},
		{"CR alone", fact.Site, "id,name\ra,b\r", `line 1: lines end with CR alone; save the file`},
		{"semicolons", fact.Site, "id;name\na;b\n", `line 1: fields seem to be separated by semicolons or tabs; say so`},
		{"nothing", fact.Site, "", `the file has no records; add`},
		{"header alone", fact.Site, "id,name\n", `the file has no records; add`},
		{"unknown column", fact.Site, "id,name,colour\na,b,c\n", `line 1: there is no such column; columns are id, name, gln`},
		{"column twice", fact.Site, "id,name,Name\na,b,c\n", `line 1: the column is there twice`},
		{"column without name", fact.Site, "id,name,\na,b,c\n", `line 1: column 3 has no name`},
		{"column missing", fact.Zone, "id,name\na,b\n", `line 1: columns are missing: site;`},
		{"field missing", fact.Site, "id,name\na\n", `line 2: 1 fields, and the first line has 2;`},
		{"required empty", fact.Site, "id,name\na,\n", `line 2: name: is empty; give what people call it`},
		{"quote", fact.Site, "id,name\na,b\"c\n", `line 2: bare " in non-quoted-field; write a field with quotes`},
		{"quote not closed", fact.Site, "id,name\na,\"b\nc,d\n", `line 2: extraneous or missing "`},
		{"comma decimal", fact.Sensor, "id,accuracy\ng/s,\"0,5\"\n", `line 2: accuracy "0,5": is of the wrong form; want degrees Celsius with at most three decimals, such as 0.5, with a point and no comma`},
		{"typographic minus", fact.Site, "id,name,latitude\na,b,−1\n", `line 2: latitude "−1": is of the wrong form; want a number with a point and at most 7 decimals, with the ASCII sign -`},
		{"too fine", fact.Sensor, "id,accuracy\ng/s,0.5001\n", `line 2: accuracy "0.5001"`},
		{"not a number", fact.Sensor, "id,accuracy\ng/s,NaN\n", `line 2: accuracy "NaN"`},
		{"American date", fact.Calibration, "id,sensor,lab,from,until,accuracy\nc,g/s,L,01/15/2026,2027-01-15,0.1\n", `line 2: from "01/15/2026": is of the wrong form; want a time such as 2026-09-14T06:00:00Z`},
		{"duration", fact.Product, "id,name,profile,budget,budget_allowed\np,n,q,b,28\n", `line 2: budget_allowed "28": is of the wrong form; want a duration such as 30m, 12h or 14d`},
		{"place without time", fact.Sensor, "id,in\ng/s,zone/z\n", `line 2: from: since when it is there is not said`},
		{"time without place", fact.Sensor, "id,from\ng/s,2026-01-01\n", `line 2: in: from is given`},
		{"wrong home", fact.Sensor, "id,in,from\ng/s,site/z,2026-01-01\n", `line 2: in "site/z": in site/z: a sensor can be in`},
		{"profiles", fact.Profile, "id\na\n", `profiles cannot be given as CSV; give them as JSON`},
	} {
		s := parseCSV(c.kind, c.text)
		if got := problems(s); !strings.HasPrefix(got, c.want) || s.Problems.Len() != 1 {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		}
	}
}

func TestReadingGoesOnAfterAMistake(t *testing.T) {
	s := parseCSV(fact.Sensor, "id,accuracy\ng/a,x\ng/b,0.5\ng/c,\"y\ng/d,0.5\n")
	if got := problems(s); s.Problems.Len() != 2 || !strings.Contains(got, `line 2: accuracy "x"`) || !strings.Contains(got, "line 4:") || len(s.Rows) != 1 {
		t.Errorf("got rows %+v and\n%s", s.Rows, got)
	}
	s = parseJSON(fact.Tote, "{\"id\":\"a\"}\n{\"id\":\n{\"id\":\"c\",\"nmae\":\"x\"}\n\n{\"id\":\"d\"}\n")
	if got := problems(s); s.Problems.Len() != 2 || !strings.Contains(got, `line 3: nmae: there is no such field`) || len(s.Rows) != 2 || s.Rows[1].Line != 5 {
		t.Errorf("got rows %+v and\n%s", s.Rows, got)
	}
	many := "id,accuracy\n" + strings.Repeat("g/a,x\n", MostMistakes+7)
	if s := parseCSV(fact.Sensor, many); len(s.Problems.List) != MostMistakes || s.Problems.More != 7 {
		t.Errorf("got %d problems and %d more", len(s.Problems.List), s.Problems.More)
	}
	rows := "id\n" + strings.Repeat("a\n", MaxRows+1)
	if s := parseCSV(fact.Tote, rows); len(s.Rows) != MaxRows || !strings.Contains(problems(s), "more than 50000 records") {
		t.Errorf("got %d rows and\n%s", len(s.Rows), problems(s))
	}
	if s := parseCSV(fact.Tote, strings.Repeat("x", MaxBytes+1)); !strings.Contains(problems(s), "may have 16777216") {
		t.Errorf("got %s", problems(s))
	}
}

func TestJSONIsReadAsRecordsOrLines(t *testing.T) {
	want := []fact.Record{fact.CalibrationRecord{ID: "c1", Sensor: "g/s", Lab: "L", From: 1768435200000, Until: 1799971200000, Accuracy: 100}, fact.CalibrationRecord{ID: "c2", Sensor: "g/s", Lab: "L", From: 1, Until: 2, Accuracy: 50}}
	one := `{"id":"c1","sensor":"g/s","lab":"L","from":"2026-01-15","until":"2027-01-15T00:00:00Z","accuracy":0.1}`
	two := `{"id":"c2","sensor":"g/s","lab":"L","from":1,"until":2,"accuracy":0.05,"meta":{"version":7}}`
	for name, text := range map[string]string{
		"array": "[" + one + ",\n" + two + "]", "lines": one + "\n" + two + "\n", "lines with CRLF": one + "\r\n\r\n" + two, "byte order mark": "\ufeff[" + one + "," + two + "]",
	} {
		s := parseJSON(fact.Calibration, text)
		var got []fact.Record
		for _, r := range s.Rows {
			got = append(got, r.Record)
		}
		if !reflect.DeepEqual(got, want) || s.Problems.Len() > 0 {
			t.Errorf("%s: got %+v, problems %s", name, got, problems(s))
		}
	}
	s := parseJSON(All, `[{"kind":"site","id":"a","name":"A"},{"kind":"zones","id":"z","site":"a","name":"Z"}]`)
	if len(s.Rows) != 2 || s.Rows[1].Record != (fact.ZoneRecord{ID: "z", Site: "a", Name: "Z"}) {
		t.Errorf("several kinds: got %+v %s", s.Rows, problems(s))
	}
	for text, want := range map[string]string{
		`[{"id":"a"},`:                           "line 1: is no JSON: the file ends",
		"[{\"id\":\"a\"},\n{\"id\":}]":           "line 2: is no JSON",
		`[{"id":"a"}] {}`:                        "there is something after the end of the array",
		`[1]`:                                    `line 1: is no JSON object`,
		`[{"id":"a","id":"b"}]`:                  `id: is there twice`,
		`[{"id":"a","ID":"b"}]`:                  `ID: is there twice`,
		`[{"id":7}]`:                             `id "number": is a number; want a string`,
		`{"id":` + strings.Repeat("[", 20) + "}": "is no JSON",
		`{"id":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "}": "more than 8 levels deep",
	} {
		if got := problems(parseJSON(fact.Tote, text)); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestEachExampleIsRead(t *testing.T) {
	for _, k := range append(fact.RecordKinds(), All) {
		format := CSV
		if Columns(k) == nil {
			format = JSON
		}
		if s := Parse([]byte(Example(k)), Options{Kind: k, Format: format}); s.Problems.Len() > 0 || len(s.Rows) == 0 {
			t.Errorf("%s: %s", k, problems(s))
		}
	}
}

// TestWhatIsWrittenIsReadBack: for any record, also with text that a
// spreadsheet would run.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom([]string{"", "=", "+", "-", "@", "'", "'=", "''"}).Draw(t, "first") + rapid.StringMatching(`[ -~äß✓"',;=+]{0,12}`).Draw(t, "rest")
		return strings.TrimSpace(s)
	})
	rapid.Check(t, func(t *rapid.T) {
		must := func(s string) string {
			if s == "" {
				return "x"
			}
			return s
		}
		site := fact.SiteRecord{ID: must(text.Draw(t, "id")), Name: must(text.Draw(t, "name")), Address: text.Draw(t, "address"), GLN: text.Draw(t, "gln")}
		if rapid.Bool().Draw(t, "placed") {
			at := rapid.Int64Range(-1800000000, 1800000000)
			site.Position = &fact.Position{Latitude: at.Draw(t, "latitude"), Longitude: at.Draw(t, "longitude"), Accuracy: rapid.Int64Range(0, 1e9).Draw(t, "accuracy")}
		}
		roundTrip(t, site)
		product := fact.ProductRecord{ID: "p", Name: must(text.Draw(t, "product")), Profile: "q", Activation: rapid.Int64Range(0, 1e6).Draw(t, "activation")}
		for range rapid.IntRange(0, MostBudgets).Draw(t, "budgets") {
			b := thermal.Budget{Name: must(text.Draw(t, "budget")), Source: text.Draw(t, "source"), Allowed: 1000 * rapid.Int64Range(0, 1e9).Draw(t, "allowed")}
			if rapid.Bool().Draw(t, "has above") {
				b.Above = new(thermal.Temp)
				*b.Above = thermal.Temp(rapid.Int64Range(-300_000, 300_000).Draw(t, "above"))
			}
			product.Budgets = append(product.Budgets, b)
		}
		roundTrip(t, product)
		from := rapid.Int64Range(fact.Earliest, fact.Latest).Draw(t, "from")
		roundTrip(t, fact.CalibrationRecord{ID: "c", Sensor: "g/s", Lab: must(text.Draw(t, "lab")), From: from, Until: from + 1, Accuracy: thermal.Temp(rapid.Int64Range(1, 10_000).Draw(t, "±"))})
	})
}

func roundTrip(t *rapid.T, record fact.Record) {
	k := record.Ref().Kind
	var b bytes.Buffer
	w, err := NewWriter(&b, k)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	s := parseCSV(k, b.String())
	if len(s.Rows) != 1 || !reflect.DeepEqual(s.Rows[0].Record, record) {
		t.Fatalf("wrote %+v as\n%sread %+v, problems %s", record, b.String(), s.Rows, problems(s))
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range lines[1] {
		if field != "" && strings.ContainsRune("=+@", rune(field[0])) {
			t.Fatalf("field %q is a formula", field)
		}
	}
	j, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if s := parseJSON(k, string(j)); len(s.Rows) != 1 || !reflect.DeepEqual(s.Rows[0].Record, record) {
		t.Fatalf("wrote %s, read %+v, problems %s", j, s.Rows, problems(s))
	}
}

func TestColumnsFillEveryField(t *testing.T) {
	skip := map[string]bool{"position": true, "budgets": true}
	for k, cols := range columns {
		fields := map[string]bool{}
		for _, c := range cols {
			name, _, _ := strings.Cut(c.Field, ".")
			name, _, _ = strings.Cut(name, "[")
			fields[name] = true
		}
		typ := types[k]
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if !fields[name] && !skip[name] {
				t.Errorf("%s: field %s has no column", k, name)
			}
		}
	}
}

func FuzzCSV(f *testing.F) {
	for k := range columns {
		f.Add([]byte(Example(k)), string(k))
	}
	f.Add([]byte("\ufeffid;name\r\n\"a\";'=1\r\n"), "site")
	f.Fuzz(func(t *testing.T, data []byte, kind string) {
		k := fact.Kind(kind)
		if len(data) > 1<<16 || Columns(k) == nil {
			return
		}
		for _, sep := range []rune{',', ';', '\t'} {
			consistent(t, data, Parse(data, Options{Kind: k, Format: CSV, Separator: sep}))
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"id":"a","name":"b","position":{"latitude":1,"longitude":2,"accuracy":3}}]`), "site")
	f.Add([]byte("{\"kind\":\"zone\",\"id\":\"z\"}\n{\"kind\":\"party\"}"), "all")
	f.Add([]byte(`{"id":"g/s","in":"zone/z","from":"2026-01-01"}`), "sensor")
	f.Add([]byte(Example(fact.Profile)), "profile")
	f.Fuzz(func(t *testing.T, data []byte, kind string) {
		k := fact.Kind(kind)
		if len(data) > 1<<16 || k != All && forms[k] == nil {
			return
		}
		consistent(t, data, Parse(data, Options{Kind: k, Format: JSON}))
	})
}

// consistent holds for every file: it is read to records or to problems, in
// lines that it has.
func consistent(t *testing.T, data []byte, s *Sheet) {
	t.Helper()
	if len(s.Rows)+s.Problems.Len() == 0 {
		t.Fatalf("%q: neither records nor problems", data)
	}
	last, lines := 0, 1+bytes.Count(data, []byte{'\n'})
	for _, r := range s.Rows {
		if r.Line < last || r.Line < 1 || r.Line > lines {
			t.Fatalf("%q: record in line %d after %d of %d", data, r.Line, last, lines)
		}
		last = r.Line
	}
	for _, p := range s.Problems.List {
		if p.What == "" || p.Line < 0 || p.Line > lines {
			t.Fatalf("%q: problem %+v of %d lines", data, p, lines)
		}
	}
}
