package plan

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// instances is the folder of the public ones: Solomon's (1987) and Gehring and
// Homberger's (1999), one text file each under its usual name in lower case,
// and best-dimacs.txt with a line "name distance" for each: the best known
// distances by the rules of the 12th DIMACS implementation challenge (2022),
// which minimise distance, cut to a tenth, and not vehicles first.
var instances = flag.String("instances", "../../../../shared/vectors/vrptw", "folder of Solomon's and Gehring and Homberger's instances, with best-dimacs.txt")

// chosen are of all six classes, with narrow windows and with wide ones.
var chosen = []string{
	"c101", "r101", "rc101", "c201", "r201", "rc201", "r112", "r211", "rc208",
	"c1_2_1", "c1_2_4", "r1_2_1", "r1_2_4", "rc1_2_1", "rc1_2_5",
	"c2_2_1", "c2_2_4", "r2_2_1", "r2_2_4", "rc2_2_1", "rc2_2_4",
}

// known gives the public instances that are there, by name.
func known(t testing.TB) map[string]reference {
	t.Helper()
	if _, err := os.Stat(filepath.Join(*instances, "best-dimacs.txt")); err != nil {
		return nil
	}
	best := bestKnown(t, *instances)
	found := map[string]reference{}
	for _, name := range chosen {
		p := readSolomon(t, filepath.Join(*instances, name+".txt"))
		found[name] = reference{p, best[name] * 10}
	}
	return found
}

// reference is a problem and a distance that is known to be reached.
type reference struct {
	p      *Problem
	metres float64
}

// planted makes an instance in Solomon's manner whose solution is known because
// the windows were laid around it: each of the routes goes out and back along a
// ring through the depot, at random places of it. More slack makes windows
// wider, and routes that gain from an exchange possible; what is planted stays
// feasible all the same.
func planted(seed uint64, routes, each int, slack int) reference {
	rng := rand.New(rand.NewPCG(seed, 0))
	const x0, y0 = 500, 500
	rows := [][]int{{0, x0, y0, 0, 0, 0, 0}}
	length, end := 0.0, 0.0
	for range routes {
		toward, radius := rng.Float64()*2*math.Pi, 60+rng.Float64()*140
		angles := make([]float64, each)
		for i := range angles {
			angles[i] = (0.05 + 0.9*rng.Float64()) * 2 * math.Pi
		}
		slices.Sort(angles)
		x, y, now := float64(x0), float64(y0), 0.0
		for _, a := range angles {
			// The depot lies on the ring at angle 0.
			cx, cy := x0+radius*math.Cos(toward), y0+radius*math.Sin(toward)
			px, py := math.Round(cx-radius*math.Cos(toward+a)), math.Round(cy-radius*math.Sin(toward+a))
			leg := math.Hypot(px-x, py-y)
			length, now = length+math.Floor(leg*10), now+leg
			before := rng.IntN(slack)
			rows = append(rows, []int{len(rows), int(px), int(py), 1 + rng.IntN(20), max(0, int(now)-before), int(now) + 1 + slack - before, 10})
			x, y, now = px, py, now+10
		}
		leg := math.Hypot(x-x0, y-y0)
		length, end = length+math.Floor(leg*10), max(end, now+leg)
	}
	rows[0][5] = int(end) + 2
	most := 0
	for i := range routes {
		load := 0
		for _, row := range rows[1+i*each : 1+(i+1)*each] {
			load += row[3]
		}
		most = max(most, load)
	}
	return reference{solomon(routes+routes/4, most, rows), length}
}

// courier is one vehicle's day of 200 stops with windows and thermal limits,
// all of which can be kept, and a present order that a person has spoilt: runs
// of stops turned and moved.
func courier(seed uint64) reference {
	ref := planted(seed, 1, 200, 400)
	p, rng := ref.p, rand.New(rand.NewPCG(seed, 1))
	p.Strict, p.Vehicles = false, p.Vehicles[:1]
	order := make([]int, len(p.Stops))
	for i := range order {
		order[i] = i
		if s := &p.Stops[i]; rng.IntN(3) == 0 {
			s.Loads = []Load{{ID: s.ID, Limit: s.Windows[0].To.Add(s.Service)}}
			s.Windows = nil // the load alone says when
		}
	}
	for range 30 {
		i, n := rng.IntN(180), 2+rng.IntN(18)
		slices.Reverse(order[i : i+n])
	}
	p.Given = [][]int{order}
	return ref
}

// plantings are the instances that are always there, of 200 stops each.
func plantings() map[string]reference {
	return map[string]reference{
		"planted, 20 routes": planted(1, 20, 10, 10),
		"planted, 8 routes":  planted(3, 8, 25, 60),
		"courier, 1 route":   courier(6),
		"planted, 4 routes":  planted(5, 4, 50, 300),
	}
}

// TestWithinFivePercent: with a fixed number of moves, so that it says the same
// on every machine.
func TestWithinFivePercent(t *testing.T) {
	all := plantings()
	public := known(t)
	if public == nil {
		t.Logf("no public instances in %s: planted ones only", *instances)
	}
	maps.Copy(all, public)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if testing.Short() && name != "planted, 4 routes" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := all[name]
			q, err := Search{}.Propose(context.Background(), ref.p, Budget{Iterations: DefaultIterations, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			c := naive(ref.p, q.Plan.Orders)
			if c != q.Plan.Cost || c.Unserved+int(c.Excess+c.Spoiled+c.Warm+c.Late) > 0 {
				t.Fatalf("said %+v, naively %+v: not feasible", q.Plan.Cost, c)
			}
			gap := 100 * (float64(q.Plan.Metres)/ref.metres - 1)
			t.Logf("distance %.1f with %d vehicles, reference %.1f: %+.2f %%", float64(q.Plan.Metres)/10, q.Plan.Vehicles, ref.metres/10, gap)
			if gap > 5 {
				t.Errorf("%.2f %% over the reference; at most 5", gap)
			}
		})
	}
}

// BenchmarkInstances measures what one second of one core reaches.
func BenchmarkInstances(b *testing.B) {
	all := plantings()
	maps.Copy(all, known(b))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			for range b.N {
				ref := all[name]
				began := time.Now()
				q, err := Search{}.Propose(context.Background(), ref.p, Budget{Iterations: 1 << 30, Time: 950 * time.Millisecond, Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				took := time.Since(began)
				if c := naive(ref.p, q.Plan.Orders); c != q.Plan.Cost || c.Unserved > 0 {
					b.Fatal(fmt.Errorf("said %+v, naively %+v", q.Plan.Cost, c))
				}
				b.ReportMetric(100*(float64(q.Plan.Metres)/ref.metres-1), "%gap")
				b.ReportMetric(took.Seconds(), "s/plan")
				b.ReportMetric(float64(q.Iterations), "moves")
				b.ReportMetric(float64(q.Plan.Vehicles), "vehicles")
			}
		})
	}
}
