package sheet

import (
	"encoding/csv"
	"strings"

	"frostline/hub/fact"
)

// Example is a file of a kind: CSV, or JSON for a kind without columns.
func Example(k fact.Kind) string {
	all := Columns(k)
	switch {
	case k == All:
		return exampleAll
	case all == nil:
		return exampleProfile
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

const exampleAll = `{"kind":"site","id":"depot-1","name":"Depot Boston"}
{"kind":"zone","id":"depot-1.cold","site":"depot-1","name":"Cold room"}
{"kind":"party","id":"courier-a","name":"Courier A","role":"courier"}
`

// Temperatures are degrees Celsius, delays, windows and gaps milliseconds.
const exampleProfile = `[
  {
    "id": "depot-refrigerated",
    "name": "Refrigerated, as in the depot's quality agreement",
    "source": "Quality agreement QA-2026-014, section 4",
    "low": 2, "high": 8,
    "limits": [
      {"name": "too warm", "op": ">", "at": 8, "timer": "single", "delay": 1800000, "deadband": 0.5, "severity": "alarm"},
      {"name": "freezing", "op": "<", "at": 2, "timer": "single", "delay": 0, "deadband": 0.5, "severity": "critical"}
    ],
    "mkt": {"limit": 8, "op": ">", "window": 86400000, "anchor": "last"},
    "longestGap": 1800000,
    "accuracy": 0.5,
    "calibration": true
  }
]
`
