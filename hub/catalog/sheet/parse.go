package sheet

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"frostline/hub/fact"
)

// Bounds of a file.
const (
	MaxBytes = 16 << 20
	MaxRows  = 50_000
)

// Format is how a file is written.
type Format string

// The formats. JSON is an array of records or JSON lines.
const (
	CSV  Format = "csv"
	JSON Format = "json"
)

// All stands for a file with records of several kinds: JSON in which each
// record says its kind.
const All fact.Kind = "all"

// Options of Parse.
type Options struct {
	Kind      fact.Kind // or All
	Format    Format
	Separator rune // of CSV: ',', ';' or '\t'; 0 is a comma
}

// Row is a record of a file.
type Row struct {
	Line   int // where it begins, from 1
	Record fact.Record
	// In is what a sensor is in since From, Unix ms; nil where the file does not say.
	In   *fact.Ref
	From int64
}

// Sheet is a file that was read.
type Sheet struct {
	Rows     []Row
	Blank    int // lines that hold nothing, and were passed over
	Problems Mistakes
	columns  bool // whether fields are to be told as names of columns
	names    map[fact.Kind]map[string]string
}

// Column is what the file calls a field of a kind's records.
func (s *Sheet) Column(k fact.Kind, field string) string {
	if !s.columns {
		return field
	}
	for _, f := range []string{field, field + ".name"} { // a whole budget is told by its first column
		if name, ok := s.names[k][f]; ok {
			return name
		}
	}
	return field
}

// Parse reads a file. Everything that is wrong with it is in the Sheet's
// Problems; rows with problems are not among its Rows.
func Parse(data []byte, o Options) *Sheet {
	s := &Sheet{}
	if p := unreadable(data, o); p != nil {
		s.Problems.Add(*p)
		return s
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if o.Format == CSV {
		s.parseCSV(data, o)
	} else {
		s.parseJSON(data, o)
	}
	if s.Problems.Len() == 0 && len(s.Rows) == 0 {
		s.Problems.Add(Mistake{What: "the file has no records", Remedy: "add at least one line with a record"})
	}
	return s
}

// unreadable looks for what makes it useless to read on.
func unreadable(data []byte, o Options) *Mistake {
	switch {
	case o.Format != CSV && o.Format != JSON:
		return &Mistake{What: fmt.Sprintf("format %q is not known", o.Format), Remedy: "give csv or json"}
	case o.Format == CSV && Columns(o.Kind) == nil:
		return &Mistake{What: fmt.Sprintf("%s cannot be given as CSV", cmpOr(o.Kind.Plural(), string(o.Kind))), Remedy: "give them as JSON: they have lists within them, or are of several kinds"}
	case o.Separator != 0 && !strings.ContainsRune(",;\t", o.Separator):
		return &Mistake{What: fmt.Sprintf("separator %q is not known", o.Separator), Remedy: "give a comma, a semicolon or a tab"}
	case len(data) > MaxBytes:
		return &Mistake{What: fmt.Sprintf("the file has %d bytes, and may have %d", len(data), MaxBytes), Remedy: "cut it into several"}
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return &Mistake{Line: 1, What: "the file is UTF-16", Remedy: `save it as UTF-8 ("CSV UTF-8" in Excel)`}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return &Mistake{Line: lineOf(data, i), What: "there is a NUL byte", Remedy: "the file is damaged or no text: export it again as UTF-8"}
	}
	if !utf8.Valid(data) {
		i := 0
		for i < len(data) {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		line := data[bytes.LastIndexByte(data[:i], '\n')+1:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		return &Mistake{Line: lineOf(data, i), Value: Clip(string(line)), What: fmt.Sprintf("byte %#02x is not UTF-8", data[i]), Remedy: `save the file as UTF-8 ("CSV UTF-8" in Excel)`}
	}
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') >= 0 && o.Format == CSV {
		return &Mistake{Line: 1, What: "lines end with CR alone", Remedy: "save the file with LF or CRLF at the ends of lines"}
	}
	return nil
}

func lineOf(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte{'\n'}) }

// lineCounter is lineOf for offsets that grow.
type lineCounter struct {
	data     []byte
	offset   int
	newlines int // before it
}

func (l *lineCounter) at(offset int) int {
	l.newlines += bytes.Count(l.data[l.offset:offset], []byte{'\n'})
	l.offset = offset
	return 1 + l.newlines
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// add takes a row in, unless there are too many.
func (s *Sheet) add(r Row) (more bool) {
	if len(s.Rows) >= MaxRows {
		s.Problems.Add(Mistake{Line: r.Line, What: fmt.Sprintf("the file has more than %d records", MaxRows), Remedy: "cut it into several"})
		return false
	}
	s.Rows = append(s.Rows, r)
	return true
}

// place fills in where a sensor is, by what a file says of it.
func (r *Row) place(in string, from int64) *Mistake {
	switch {
	case in == "" && from == 0:
		return nil
	case in == "":
		return &Mistake{Field: "in", What: "from is given, and not what the sensor is in", Remedy: "give in as KIND/ID, or leave from empty"}
	case from == 0:
		return &Mistake{Field: "from", What: "since when it is there is not said", Remedy: wantTime}
	}
	ref, err := fact.ParseRef(in)
	if err == nil {
		a := fact.Attached{ID: "x", Subject: r.Record.Ref(), In: &ref, At: from, Via: "statement", Made: fact.Earliest}
		if err = fact.CheckTime("from", from); err != nil {
			return &Mistake{Field: "from", Value: formatTime(from), What: "is not between the years 2000 and 2200", Remedy: wantTime}
		}
		err = a.Check()
	}
	if err != nil {
		return &Mistake{Field: "in", Value: in, What: err.Error(), Remedy: "give KIND/ID, such as compartment/van-14.cargo"}
	}
	r.In, r.From = &ref, from
	return nil
}
