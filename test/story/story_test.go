// Package story runs the demonstration as a user does and compares what the hub
// says of each package with what the simulator was planned to do to it, and
// with what a few lines here make of the readings.
package story

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sim "frostline/firmware-sim"
	"frostline/firmware-sim/scenario"
	"frostline/test/rig"
)

// Packages of the demonstration, by their stories.
const (
	door       = "106141410007000012"
	sameDoor   = "106141410007000029"
	compressor = "106141410007000036"
	lost       = "106141410007000043"
	freeze     = "106141410007000050"
	delivered  = "106141410007000067"
	onItsWay   = "106141410007000074"
	whileWatch = "106141410007000081"
	nowhere    = "106141410007000098"
)

const (
	patience = 3 * time.Minute
	interval = 5_000       // ms between readings
	near     = interval    // that two ways of reckoning an instant may differ by
	late     = 30 * 60_000 // ms in which a room warms up or cools down again
)

// show runs a demonstration until all is told.
func show(t *testing.T, dir string) (end func()) {
	t.Helper()
	p, end := rig.Demo(t, "pull a gateway's link", "--dir", dir)
	for _, pkg := range []string{door, compressor, lost, freeze} {
		if want := "/view/package/" + pkg; !strings.Contains(p.Tail(1<<20), want) {
			t.Errorf("the demonstration does not say where to look: %s is missing", want)
		}
	}
	return end
}

// TestPromise7DemonstrationTellsItsStories: each planned excursion becomes the
// right verdict and the right case, what nobody measured is unknown, and a
// second start tells nothing twice.
func TestPromise7DemonstrationTellsItsStories(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole cold chain")
	}
	dir := filepath.Join(t.TempDir(), "d")
	end := show(t, dir)
	h := hubAt(t, filepath.Join(dir, "hub", "frostline.sock"))
	now := time.Now().UnixMilli()
	w := &world{h: h, plan: map[string][]scenario.Planned{}, series: map[string][]point{}}
	for _, b := range sim.Demo(dir).Boards {
		w.plan[b.Name] = b.Schedule
		w.series[b.Name] = h.readings(b.Name+"/probe-1", now-9*3_600_000, now)
	}

	// The door of the cold room: above 8 °C, one label broken and another kept.
	e := w.excursion(door, "sodo-cold", "door-open", w.series["sodo-cold"], 8, 0.5, 1)
	w.open(door, e, "under_investigation")
	if c := h.cases(door)["budget"]; len(c) != 1 || c[0].State != "acknowledged" || len(c[0].Facts.Units) != 1 {
		t.Errorf("budget of the pen with 45 minutes left: got %+v, want one acknowledged case of one unit", c)
	}
	if v := h.verdict(sameDoor); v.Outcome != "in_range" || len(v.Excursions) == 0 || v.Excursions[0].Alarm != 0 || len(h.cases(sameDoor)) != 0 {
		t.Errorf("the same door under a label that allows it: got %+v and cases %v", v, h.cases(sameDoor))
	}

	// The compressor of the freezer: above -15 °C until it runs again.
	e = w.excursion(compressor, "sodo-freezer", "compressor-off", w.series["sodo-freezer"], -15, 0.5, 1)
	w.open(compressor, e, "opened")

	// The frozen pack: below 2 °C in the van, and until the package is back.
	v := h.verdict(freeze)
	back := v.To - 15*60_000 // the scan into the cold room, as the story tells
	ride := slices.DeleteFunc(slices.Clone(w.series["van-2"]), func(p point) bool { return p.at > back })
	ride = append(ride, slices.DeleteFunc(slices.Clone(w.series["sodo-cold"]), func(p point) bool { return p.at <= back })...)
	e = w.excursion(freeze, "van-2", "frozen-pack", ride, 2, 0.5, -1)
	if e.Peak >= 0 {
		t.Errorf("the frozen pack: coldest %g °C, want below freezing", e.Peak)
	}
	c := w.open(freeze, e, "closed")
	if len(c.Signed) != 2 || c.Signed[0].Standing != "valid" || c.Signed[1].Standing != "valid" || c.Signed[0].Person == c.Signed[1].Person {
		t.Errorf("signatures %+v: want two that are valid, of two persons", c.Signed)
	}
	if len(c.Proposal) != 2 || c.Proposal[0].Decision != "reject" || c.Proposal[1].Decision != "reject" {
		t.Errorf("dispositions %+v: want both units rejected", c.Proposal)
	}

	w.unknown()
	w.atEase()
	w.carried()

	runReadme(t, dir)
	before := w.count()
	end()
	end = show(t, dir)
	if after := w.count(); after != before {
		t.Errorf("after a second start: %s, want as before: %s", after, before)
	}
	end()
}

// world is what was planned for the simulator, and what its first probes read.
type world struct {
	h      *hub
	plan   map[string][]scenario.Planned
	series map[string][]point
}

// fault gives the span of the first planned fault of a kind.
func (w *world) fault(board, kind string) (from, to int64) {
	w.h.t.Helper()
	for _, p := range w.plan[board] {
		if p.Fault == kind && len(w.series[board]) > 0 {
			zero := w.series[board][0].at - interval
			return zero + p.At.Milliseconds(), zero + (p.At + p.For).Milliseconds()
		}
	}
	w.h.t.Fatalf("%s: no fault %s is planned, or there are no readings", board, kind)
	return 0, 0
}

// excursion compares the first broken limit of a package with the plan and with
// the readings.
func (w *world) excursion(pkg, board, kind string, all []point, limit, deadband, sign float64) event {
	t := w.h.t
	t.Helper()
	v := w.h.verdict(pkg)
	if v.Outcome != "excursion" || len(v.Excursions) == 0 {
		t.Fatalf("%s: got %s with %d excursions, want one", kind, v.Outcome, len(v.Excursions))
	}
	all = slices.DeleteFunc(slices.Clone(all), func(p point) bool { return p.at < v.From })
	want, err := beyond(all, limit, deadband, sign)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	got := v.Excursions[0]
	if apart(got.From, want.From) > near || apart(got.To, want.To) > near || math.Abs(got.Peak-want.Peak) > 0.001 || got.Alarm == 0 {
		t.Errorf("%s: got %+v, want about %+v", kind, got, want)
	}
	from, to := w.fault(board, kind)
	if got.From < from-near || got.From > to || got.To < min(to, v.To-late)-near || got.To > to+late {
		t.Errorf("%s: from %s to %s, and the fault was from %s to %s", kind, clock(got.From), clock(got.To), clock(from), clock(to))
	}
	if v.Unmonitored != 0 || v.InRange+v.OutOfRange != v.Monitored || v.OutOfRange > got.To-got.From+near || v.OutOfRange < (got.To-got.From)/2 {
		t.Errorf("%s: %d ms of %d out of range, %d unknown, for an excursion of %d ms", kind, v.OutOfRange, v.Monitored, v.Unmonitored, got.To-got.From)
	}
	return got
}

// open finds the case of an excursion.
func (w *world) open(pkg string, e event, state string) (c excursion) {
	t := w.h.t
	t.Helper()
	for _, c := range w.h.cases(pkg)["limit"] {
		if c.Facts.From == e.From {
			if c.State != state || c.Facts.To != e.To || c.Facts.Peak == nil || *c.Facts.Peak != e.Peak || c.Facts.Ended != "returned" || c.Facts.Retracted || len(c.Facts.Units) == 0 {
				t.Errorf("case of package %s: got %+v, want %s with %+v and its units", pkg, c, state, e)
			}
			return c
		}
	}
	t.Errorf("package %s: no case of %+v among %+v", pkg, e, w.h.cases(pkg))
	return c
}

// unknown looks at what nobody measured.
func (w *world) unknown() {
	t, v := w.h.t, w.h.verdict(lost)
	t.Helper()
	if v.Outcome != "unknown" || len(v.Gaps) != 1 || v.Unmonitored != v.Gaps[0].To-v.Gaps[0].From || v.InRange != v.Monitored || v.Monitored+v.Unmonitored != v.To-v.From {
		t.Fatalf("sensor lost: got %+v, want unknown with one gap, which is neither in range nor out", v)
	}
	// Known from and to the readings around the fault, which one reading's time
	// separates from it.
	gap := v.Gaps[0]
	from, to := w.fault("van-1", "unplugged")
	if apart(gap.From, from) > near+interval || apart(gap.To, to) > near+interval {
		t.Errorf("sensor lost: unknown from %s to %s, want %s to %s", clock(gap.From), clock(gap.To), clock(from), clock(to))
	}
	for _, p := range w.series["van-1"] {
		if !math.IsNaN(p.celsius) && p.at > gap.From && p.at < gap.To {
			t.Errorf("sensor lost: a reading at %s lies within what is unknown", clock(p.at))
		}
	}
	var chart struct {
		From        int64      `json:"from"`
		Width       int64      `json:"width"`
		Mean        []*float64 `json:"mean"`
		Unmonitored []span     `json:"unmonitored"`
	}
	w.h.get("/packages/"+lost+"/chart?buckets=2000", &chart)
	if len(chart.Unmonitored) != 1 || chart.Unmonitored[0] != gap || len(chart.Mean) < 1000 {
		t.Errorf("sensor lost: the chart has %d columns and the gaps %+v, want %+v", len(chart.Mean), chart.Unmonitored, gap)
	}
	for i, mean := range chart.Mean {
		at := chart.From + int64(i)*chart.Width
		if mean != nil && at > gap.From && at+chart.Width < gap.To {
			t.Errorf("sensor lost: the chart draws %g °C at %s, which is unknown", *mean, clock(at))
		}
	}
	if c := w.h.cases(lost)["unmonitored"]; len(c) != 1 || c[0].State != "acknowledged" || c[0].Facts.From != gap.From || c[0].Facts.To != gap.To {
		t.Errorf("sensor lost: cases %+v, want one acknowledged of %+v", c, gap)
	}
	if v := w.h.verdict(nowhere); v.Outcome != "unknown" || v.Monitored != 0 || v.InRange != 0 || len(v.Gaps) != 1 {
		t.Errorf("nobody said where: got %+v, want all of it unknown", v)
	}
	if s := w.h.state(nowhere); s != "unknown" {
		t.Errorf("nobody said where: now %s, want unknown", s)
	}
}

// atEase looks at what was in range all the time.
func (w *world) atEase() {
	t := w.h.t
	t.Helper()
	for _, pkg := range []string{delivered, onItsWay, whileWatch} {
		v := w.h.verdict(pkg)
		if v.Outcome != "in_range" || v.OutOfRange != 0 || v.Unmonitored != 0 || len(w.h.cases(pkg)) != 0 {
			t.Errorf("package %s: got %+v and cases %v, want it in range", pkg, v, w.h.cases(pkg))
		}
	}
	for _, pkg := range []string{onItsWay, whileWatch} {
		if s := w.h.state(pkg); s != "in_range" {
			t.Errorf("package %s: now %s, want in_range", pkg, s)
		}
	}
}

func (h *hub) state(pkg string) string {
	h.t.Helper()
	var s struct {
		State string `json:"state"`
	}
	h.get("/packages/"+pkg+"/state", &s)
	return s.State
}

// count says how much there is of what is told once.
func (w *world) count() string {
	w.h.t.Helper()
	var out []string
	for _, path := range []string{"/orders", "/shipments", "/packages", "/units", "/excursions", "/sensors", "/products", "/people", "/packages/" + freeze + "/trail"} {
		var list struct {
			Items []any `json:"items"`
		}
		w.h.get(path+"?limit=500", &list)
		out = append(out, fmt.Sprint(path, " ", len(list.Items)))
	}
	return strings.Join(out, ", ")
}

func apart(a, b int64) int64 { return max(a-b, b-a) }

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateTime) }
