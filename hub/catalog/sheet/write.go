package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"reflect"
	"strings"

	"frostline/hub/fact"
)

// guarded are the first characters of a text that gets an apostrophe before
// it.
const guarded = "=+-@'\t\r\n\uFF1D\uFF0B\uFF0D\uFF20"

// guard keeps a spreadsheet from taking a text for a formula.
func guard(s string) string {
	if s != "" && strings.ContainsRune(guarded, []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// unguard is the inverse of guard.
func unguard(s string) string {
	rest, ok := strings.CutPrefix(s, "'")
	if ok && rest != "" && strings.ContainsRune(guarded, []rune(rest)[0]) {
		return rest
	}
	return s
}

// Writer writes records of a kind as CSV that Parse reads.
type Writer struct {
	kind fact.Kind
	w    *csv.Writer
	line []string
}

// NewWriter writes the line of names. It fails for a kind without columns.
func NewWriter(w io.Writer, k fact.Kind) (*Writer, error) {
	if Columns(k) == nil {
		return nil, fmt.Errorf("%s cannot be written as CSV; ask for JSON", cmpOr(k.Plural(), string(k)))
	}
	out := &Writer{kind: k, w: csv.NewWriter(w)}
	for _, c := range Columns(k) {
		out.line = append(out.line, c.Name)
	}
	return out, out.w.Write(out.line)
}

// Write writes one record. It fails where the columns cannot hold all of it.
func (w *Writer) Write(record fact.Record) error {
	if p, ok := record.(fact.ProductRecord); ok && len(p.Budgets) > MostBudgets {
		return fmt.Errorf("product %s has %d budgets, and CSV has columns for %d; ask for JSON", p.ID, len(p.Budgets), MostBudgets)
	}
	p := reflect.New(reflect.TypeOf(record))
	p.Elem().Set(reflect.ValueOf(record))
	r := row{record: p.Interface()}
	for i, c := range Columns(w.kind) {
		cell := c.cell(&r)
		w.line[i] = cell.get()
		if cell.text() {
			w.line[i] = guard(w.line[i])
		}
	}
	return w.w.Write(w.line)
}

// Flush writes what is buffered.
func (w *Writer) Flush() error {
	w.w.Flush()
	return w.w.Error()
}
