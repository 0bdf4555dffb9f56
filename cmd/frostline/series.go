package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a series: what fits into the memory of a small machine, and how
// many bad rows are worth telling.
const (
	maxSeriesLines = 20_000_000
	maxSeriesLine  = 64 << 10
	maxBadRows     = 20
)

// row is a line of a series. Which of first is given depends on the file.
type row struct {
	at      int64 // Unix ms
	weight  float64
	celsius float64
}

// series is a file of temperatures.
type series struct {
	Lines   int  // of the file
	Header  bool // it began with names of columns
	Timed   bool // its lines have times
	Skipped int  // lines of another quality than ok, or another quantity than temperature
	rows    []row
}

// seriesReader reads lines of time,celsius.
type seriesReader struct {
	weights bool // the first column is a weight
	s       series
	bad     []error
	more    int

	separator string
	columns   map[string]int // by what they hold, if there is a header
	fields    int            // of the first line
	clock     string         // how times are written: RFC 3339 and so on
	clockLine int            // that told; 0 is the header
	fractions bool           // of numbers of more than whole ones
}

// readSeries reads a file, or standard input for "" and "-". All bad rows are
// named; there is no series if there is one.
func readSeries(file string, in io.Reader, weights bool) (*series, error) {
	name := "standard input"
	if file != "" && file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, name = f, file
	}
	r := seriesReader{weights: weights}
	if err := r.read(in); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(r.bad) > 0 {
		if r.more > 0 {
			r.bad = append(r.bad, fmt.Errorf("and %d more bad lines", r.more))
		}
		return nil, fmt.Errorf("%s:\n%w", name, errors.Join(r.bad...))
	}
	if len(r.s.rows) == 0 {
		return nil, fmt.Errorf("%s: no readings: want lines of time,celsius", name)
	}
	if r.commas() {
		return nil, fmt.Errorf("%s: these look like temperatures with a decimal comma, which is not read: write 5.1, not 5,1; if they are seconds and degrees, begin with a line time,celsius", name)
	}
	return &r.s, nil
}

func (r *seriesReader) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, maxSeriesLine), maxSeriesLine)
	first := true
	for lines.Scan() {
		if r.s.Lines++; r.s.Lines > maxSeriesLines {
			return fmt.Errorf("more than %d lines: split the file", maxSeriesLines)
		}
		line := lines.Text()
		if r.s.Lines == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if !utf8.ValidString(line) || strings.Contains(line, "\x00") {
			return fmt.Errorf("line %d: not UTF-8 text: save the file as CSV in UTF-8", r.s.Lines)
		}
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if first {
			first = false
			if ok, err := r.begin(line); err != nil {
				return fmt.Errorf("line %d: %w", r.s.Lines, err)
			} else if ok {
				continue
			}
		}
		if err := r.line(line); err != nil {
			if len(r.bad) < maxBadRows {
				r.bad = append(r.bad, fmt.Errorf("line %d: %w", r.s.Lines, err))
			} else {
				r.more++
			}
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than %d bytes: want time,celsius", r.s.Lines+1, maxSeriesLine)
	} else if err != nil {
		return fmt.Errorf("line %d: %w", r.s.Lines+1, err)
	}
	return nil
}

func (r *seriesReader) split(line string) ([]string, error) {
	var out []string
	if strings.Contains(line, `"`) {
		c := csv.NewReader(strings.NewReader(line))
		c.Comma = rune(r.separator[0])
		var err error
		if out, err = c.Read(); err != nil {
			return nil, fmt.Errorf("quotes: %w", err)
		}
	} else {
		out = strings.Split(line, r.separator)
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out, nil
}

// begin learns from the first line how the others are written, and reports
// whether it is a header.
func (r *seriesReader) begin(line string) (header bool, err error) {
	r.separator = ","
	for _, s := range []string{";", "\t"} {
		if strings.Contains(line, s) {
			r.separator = s
		}
	}
	f, err := r.split(line)
	if err != nil {
		return false, err
	}
	r.fields = len(f)
	r.s.Timed = len(f) > 1 && !r.weights
	for _, x := range f {
		if x != "" && strings.ContainsAny(x[:1], "0123456789+-.,") || slices.Contains([]string{"nan", "inf", "infinity"}, strings.ToLower(x)) {
			if len(f) > 2 {
				return false, fmt.Errorf("%d columns: want time,celsius, or a header that names more; a decimal comma is not read: write 5.1, not 5,1", len(f))
			}
			return false, nil // names begin with letters
		}
	}
	r.s.Header = true
	return true, r.name(f)
}
