package main

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"frostline/hub/view"
)

// table is aligned for people: numbers to the right, texts to the left.
type table struct {
	heads []string
	right []bool // by column; texts where it is short
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) error {
	width := make([]int, len(t.heads))
	for _, row := range append([][]string{t.heads}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range append([][]string{t.heads}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if i < len(t.right) && t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// ago is the age of an RFC 3339 time, "never" for none.
func ago(stamp string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return "never"
	}
	return view.Ago(time.Since(t).Milliseconds())
}

// moment is an RFC 3339 time for people, with its zone.
func moment(stamp string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return stamp
	}
	return view.Moment(t.UnixMilli()) + " " + view.Zone
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func count(n uint64) string { return view.Count(n) }
