package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"frostline/hub/view"
)

// touched counts the readings of a span by what is to be said of the certificate
// that corrected them.
type touched struct {
	width int64                      // of a row of the table, ms
	by    map[view.Calibration]int64 // readings
	rows  map[int64]map[string]int64 // by row, and remark
}

func newTouched(width int64) *touched {
	return &touched{width: width, by: map[view.Calibration]int64{}, rows: map[int64]map[string]int64{}}
}

func (t *touched) add(r view.Reading) {
	c := r.Calibration
	if c.Certificate == "" {
		return
	}
	t.by[c]++
	if remark := c.Remark(); remark != "" && r.Dated {
		at := r.UTC / t.width
		if t.rows[at] == nil {
			t.rows[at] = map[string]int64{}
		}
		t.rows[at][remark]++
	}
}

// said tells by which certificates the readings were corrected, and of those
// that were not valid outright.
func (t *touched) said() []said {
	var out []said
	for _, c := range slices.SortedFunc(maps.Keys(t.by), func(a, b view.Calibration) int {
		if a.Certificate != b.Certificate {
			return cmp.Compare(a.Certificate, b.Certificate)
		}
		return cmp.Compare(a.State, b.State)
	}) {
		text := fmt.Sprintf("%s readings are corrected by certificate %s", view.Count(t.by[c]), c.Certificate)
		if remark := c.Remark(); remark != "" {
			out = append(out, said{text + ": " + remark + " when they were taken.", true})
			continue
		}
		out = append(out, said{Text: text + "; what was measured is shown as temperature raw."})
	}
	return out
}

// remark is what is to be said of a row that begins at an instant.
func (t *touched) remark(at int64) (out []string) {
	for _, remark := range slices.Sorted(maps.Keys(t.rows[at/t.width])) {
		out = append(out, fmt.Sprintf("%s: %s", view.Count(t.rows[at/t.width][remark]), remark))
	}
	return out
}
