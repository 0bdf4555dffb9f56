package sheet

import (
	"encoding/csv"
	"strings"

	"frostline/hub/fact"
)

// Example is a CSV file of a kind with one record; "" for a kind without
// columns.
func Example(k fact.Kind) string {
	all := Columns(k)
	if all == nil {
		return ""
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	var names, values []string
	for _, c := range all {
		names, values = append(names, c.Name), append(values, c.Example)
	}
	_ = w.Write(names) // a Builder takes everything
	_ = w.Write(values)
	w.Flush()
	return b.String()
}
