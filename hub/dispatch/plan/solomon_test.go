package plan

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// readSolomon reads an instance in the format of Solomon (1987) and of Gehring
// and Homberger (1999). As in the DIMACS challenge of 2022, distances and times
// are Euclidean, cut to one decimal: a tenth is a second and a metre here.
func readSolomon(t testing.TB, path string) *Problem {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows [][]int
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var row []int
		for _, w := range strings.Fields(lines.Text()) {
			n, err := strconv.ParseFloat(w, 64)
			if err != nil {
				row = nil
				break
			}
			row = append(row, int(n))
		}
		if len(row) == 2 || len(row) == 7 {
			rows = append(rows, row)
		}
	}
	if len(rows) < 3 || len(rows[0]) != 2 {
		t.Fatalf("%s: not an instance", path)
	}
	return solomon(rows[0][0], rows[0][1], rows[1:])
}

// solomon makes a problem of rows: number, x, y, demand, ready, due, service.
func solomon(fleet, capacity int, rows [][]int) *Problem {
	p := &Problem{Now: noon, Strict: true, Rates: Rates{Metre: 1}}
	at := func(tenths int) time.Time { return noon.Add(time.Duration(tenths) * 10 * time.Second) }
	for i, a := range rows {
		line := make([]int32, len(rows))
		for j, b := range rows {
			line[j] = int32(10 * math.Hypot(float64(a[1]-b[1]), float64(a[2]-b[2])))
		}
		p.Matrix.Seconds = append(p.Matrix.Seconds, line)
		if i > 0 {
			p.Stops = append(p.Stops, Stop{ID: fmt.Sprint(a[0]), Place: i, Windows: []Window{{at(a[4]), at(a[5])}},
				Service: time.Duration(a[6]) * 10 * time.Second, Drop: int64(a[3])})
		}
	}
	p.Matrix.Metres = p.Matrix.Seconds
	for i := range fleet {
		p.Vehicles = append(p.Vehicles, Vehicle{ID: fmt.Sprint(i), Shift: Window{at(rows[0][4]), at(rows[0][5])}, Capacity: int64(capacity)})
	}
	return p
}

func bestKnown(t testing.TB, dir string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "best-dimacs.txt"))
	if err != nil {
		t.Fatal(err)
	}
	best := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		v, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		best[f[0]] = v
	}
	return best
}
