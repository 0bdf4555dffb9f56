package excursion

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// Each check is some hundred synced commits: 30 by default, more by
// -rapid.checks.
func init() { flag.Set("rapid.checks", "30") }

// naive judges minutes of temperature, -1 where nothing is known: over 8 °C is
// an excursion of severity by its peak, unknown for longer than 2 minutes is
// unmonitored.
func naive(minutes []int64) thermal.Verdict {
	v := thermal.Verdict{Profile: "fridge", Version: 1, From: t0, To: t0 + int64(len(minutes))*minute, Excursions: []thermal.Event{}}
	v.Constants.LongestGap = 2 * minute
	kind := func(m int64) int {
		switch {
		case m < 0:
			return 0
		case m > 8000:
			return 2
		}
		return 1
	}
	for i := 0; i < len(minutes); {
		j, peak := i, minutes[i]
		for ; j < len(minutes) && kind(minutes[j]) == kind(minutes[i]); j++ {
			peak = max(peak, minutes[j])
		}
		from, to := t0+int64(i)*minute, t0+int64(j)*minute
		switch kind(minutes[i]) {
		case 0:
			v.Gaps = append(v.Gaps, thermal.Unmonitored{From: from, To: to, Reason: "no reading"})
		case 2:
			e := hot(int64(i), int64(j), peak, thermal.Alarm)
			if peak > 15000 {
				e.Severity = thermal.Critical
			}
			v.Excursions = append(v.Excursions, e)
		}
		i = j
	}
	return v
}

// known gives what the current cases of a package say, without which verdict
// said it first.
func known(t testing.TB, views []View) []string {
	t.Helper()
	var all []string
	for _, v := range views {
		if v.Facts.Retracted {
			continue
		}
		v.Facts.Verdict, v.Facts.Revision, v.Facts.Package = "", 0, ""
		for i, u := range v.Facts.Units {
			v.Facts.Units[i].Unit = u.Unit[strings.LastIndexByte(u.Unit, '-'):]
		}
		d, err := fact.Digest(v.Facts)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d %d %s", v.Facts.Limit, v.Facts.From, v.Facts.To, d))
	}
	slices.Sort(all)
	return all
}

// TestPromise6OrderFreeCases: blocks of readings and scans of units that come
// late in any order, some twice, with people working on the cases meanwhile,
// end in the same current facts: those of the last verdict, each once. Whatever
// was signed and has changed is open again.
func TestPromise6OrderFreeCases(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		const blocks, each = 4, 6
		truth := rapid.SliceOfN(rapid.SampledFrom([]int64{5000, 5000, 9000, 9000, 16000, -1}), blocks*each, blocks*each).Draw(r, "truth")
		units := rapid.SliceOfN(rapid.IntRange(0, blocks*each), 0, 2).Draw(r, "units leave at")
		var outcomes [][]string
		for order := range 2 {
			pkg := fmt.Sprintf("R%d-%d", run, order)
			unit := func(i int) string { return fmt.Sprintf("09506000134352.%d-%d-%d", run, order, i) }
			steps := []int{0, 1, 2, 3}
			for i := range units {
				steps = append(steps, blocks+2*i, blocks+2*i+1)
			}
			steps = rapid.Permutation(steps).Draw(r, "order")
			seen := make([]int64, len(truth))
			for i := range seen {
				seen[i] = -1
			}
			revision := 0
			judge := func() {
				revision++
				w.judge(pkg, revision, "late reading", naive(seen))
			}
			judge()
			w.handle()
			from := w.seen
			for _, s := range steps {
				switch i := (s - blocks) / 2; {
				case s < blocks:
					copy(seen[s*each:(s+1)*each], truth[s*each:(s+1)*each])
					judge()
				case (s-blocks)%2 == 0:
					w.attach(unit(i)+"-in", unit(i), pkg, 0, "")
				default:
					w.attach(unit(i)+"-out", unit(i), "", int64(units[i]), "")
				}
				if rapid.Bool().Draw(r, "now") {
					w.handle()
					for _, v := range w.all(pkg) {
						if rapid.IntRange(0, 7).Draw(r, "work") == 0 && v.State != Closed && v.State != Retracted {
							to := rapid.SampledFrom([]State{Investigating, Signed, Closed}).Draw(r, "to")
							if slices.Index(States, v.State) < slices.Index(States, to) {
								w.advance(v.ID, to)
							}
						}
					}
				}
			}
			w.handle()
			before := known(t, w.all(pkg))
			w.seen = from // again, as after a crash
			w.handle()
			views := w.all(pkg)
			if again := known(t, views); !slices.Equal(before, again) {
				r.Fatalf("handled again:\n%v\nbefore:\n%v", again, before)
			}
			for _, v := range views {
				if v.State.decided() && v.Outcome != "retracted" && v.Signed[len(v.Signed)-1].Standing != "valid" {
					r.Fatalf("case %s is %s upon facts that have changed", v.ID, v.State)
				}
			}
			outcomes = append(outcomes, before)
		}
		if !slices.Equal(outcomes[0], outcomes[1]) {
			r.Fatalf("one order: %v\nother:     %v", outcomes[0], outcomes[1])
		}
		var got, want []string
		for _, s := range outcomes[0] {
			got = append(got, s[:len(s)-64])
		}
		for _, f := range findings(fact.VerdictRevised{Verdict: naive(truth)}) {
			want = append(want, fmt.Sprintf("%s %d %d ", f.Limit, f.From, f.To))
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			r.Fatalf("cases %v\nwant those of the last verdict %v", got, want)
		}
	})
}
