package dossier_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/correlate"
	"frostline/hub/dossier"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/report"
	"frostline/proto/thermal"
)

func steady(since int64) thermal.Temp { return 5000 }

// warming rises 20 mK in 10 s, from 3 °C: 8 °C is 42 min from start.
func warming(since int64) thermal.Temp { return thermal.Temp(3000 + since/500) }

// TestPromise7UnknownWhereverItIsShown: where nothing vouches for a package,
// its line in the list, its own page, its verdict and chart and the printed
// report say that it is not known, and none says in range.
func TestPromise7UnknownWhereverItIsShown(t *testing.T) {
	for name, c := range map[string]struct {
		weather weather
		away    bool // the sensor is not in the zone
		profile func(*thermal.Profile)
		before  bool // something was known before
	}{
		"no sensor":    {weather: weather{to: 2 * hour, step: 10_000, value: steady, ok: true}, away: true},
		"no reading":   {weather: weather{}},
		"stale":        {weather: weather{to: hour, step: 10_000, value: steady, ok: true}, before: true},
		"bad":          {weather: weather{to: 2 * hour, step: 10_000, value: steady}},
		"conflict":     {weather: weather{to: 2 * hour, step: 10_000, value: steady, ok: true, conflict: true}},
		"undated":      {weather: weather{to: 2 * hour, step: 10_000, value: steady, undated: true}},
		"uncalibrated": {weather: weather{to: 2 * hour, step: 10_000, value: steady, ok: true}, profile: func(p *thermal.Profile) { p.Calibration = true }},
		"too rare":     {weather: weather{to: 2 * hour, step: 40 * minute, value: steady, ok: true}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, &c.weather)
			h.stock(c.profile)
			if !c.away {
				h.place()
			}
			h.pack("P1")
			h.Now.Store(start + 2*hour)
			check := func(when string, l dossier.Line) {
				t.Helper()
				if l.Now != dossier.NowUnknown || l.Outcome != thermal.Unknown || l.Temperature != nil || l.At != 0 || l.Why == "" {
					t.Errorf("%s: %+v, want it unknown and why", when, l)
				}
			}
			list, err := h.Lines(t.Context(), 10)
			if err != nil || len(list.Lines) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			check("in the list, before it was judged", list.Lines[0])
			h.Settle()
			if list, err = h.Lines(t.Context(), 10); err != nil || list.Watched[dossier.NowUnknown] != 1 || list.Watched[dossier.NowInRange] != 0 {
				t.Fatalf("%+v, %v", list, err)
			}
			check("in the list", list.Lines[0])
			line, err := h.Line(t.Context(), "P1")
			if err != nil {
				t.Fatal(err)
			}
			check("by itself", line)
			if !strings.HasPrefix(line.Ahead, "none: ") || line.AheadUntil != 0 {
				t.Errorf("an estimate of what is not known: %q", line.Ahead)
			}
			s, err := h.Shipment(t.Context(), "H1")
			if err != nil {
				t.Fatal(err)
			}
			p := &s.Packages[0]
			if p.Worst() != thermal.Unknown || len(p.Judgements) != 1 {
				t.Fatalf("package %+v", p)
			}
			j := &p.Judgements[0]
			if (len(j.Chart.Columns) > 0) != c.before || len(j.Chart.Unmonitored) == 0 || j.Verdict.Outcome != thermal.Unknown || !strings.HasPrefix(j.Summary(), "Unknown: ") {
				t.Errorf("chart of %d columns, verdict %s, %q", len(j.Chart.Columns), j.Verdict.Outcome, j.Summary())
			}
			printed := pdf(t, s)
			if !strings.Contains(strings.ToLower(printed), "unknown") || strings.Contains(strings.ToLower(printed), "in range:") {
				t.Errorf("the report says:\n%s", printed)
			}
		})
	}
}

func pdf(t *testing.T, s *dossier.Shipment) string {
	t.Helper()
	b, err := report.Shipment(s, report.Evidence{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext (run .ci/install): %v", err)
	}
	return string(text)
}

// TestTimeToLimit: a live package tells when its limit may be reached, with the
// interval; one that holds tells why not, and one whose readings have ceased
// tells nothing, though its newest reading vouches still.
func TestTimeToLimit(t *testing.T) {
	w := &weather{to: 20 * minute, step: 10_000, value: warming, ok: true}
	h := newHub(t, w)
	h.stock(nil)
	h.place()
	h.pack("P1")
	line := func(now int64) dossier.Line {
		t.Helper()
		h.Now.Store(start + now)
		h.Settle()
		l, err := h.Line(t.Context(), "P1")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := line(20 * minute)
	if l.Now != dossier.NowInRange || !strings.HasPrefix(l.Ahead, "8 °C in about 2") || !strings.Contains(l.Ahead, "between ") || !strings.Contains(l.Ahead, "an estimate") {
		t.Errorf("warming: %+v", l)
	}
	if l.AheadUntil != l.At+minute || l.Until != l.At+30*minute {
		t.Errorf("it holds until %d and %d after the reading", l.AheadUntil-l.At, l.Until-l.At)
	}
	if l = line(22 * minute); l.Now != dossier.NowInRange || !strings.HasPrefix(l.Ahead, "none: stale") || l.AheadUntil != 0 {
		t.Errorf("readings have ceased: %+v", l)
	}
	if l = line(60 * minute); l.Now != dossier.NowUnknown || !strings.HasPrefix(l.Ahead, "none: ") {
		t.Errorf("for longer than the longest gap: %+v", l)
	}

	w = &weather{to: 20 * minute, step: 10_000, value: steady, ok: true}
	h = newHub(t, w)
	h.stock(nil)
	h.place()
	h.pack("P1")
	if l = line(20 * minute); !strings.HasPrefix(l.Ahead, "none in sight: 8 °C, 2 °C: not on this course") {
		t.Errorf("steady: %+v", l)
	}
	// What is closed has no time to anything.
	if _, err := h.Orders.Close(t.Context(), "person/ann", "", "P1", "delivered", start+19*minute, -1); err != nil {
		t.Fatal(err)
	}
	if l = line(20 * minute); l.Ahead != "" || l.Closed == 0 || l.Now != dossier.NowUnknown || l.Outcome != thermal.InRange {
		t.Errorf("closed: %+v", l)
	}
}

// TestListIsSortedByUrgency: those out of range come first, then the unknown,
// and all are counted also where the list is full.
func TestListIsSortedByUrgency(t *testing.T) {
	h := newHub(t, &weather{})
	h.stock(nil)
	for _, id := range []string{"P1", "P2", "P3", "P4"} {
		h.pack(id)
	}
	h.Verdicts = told{h.Engine, map[string]correlate.State{
		"P1": {State: correlate.InRange, Outcome: thermal.InRange}, "P2": {State: correlate.Unknown, Outcome: thermal.Unknown}, "P3": {State: correlate.OutOfRange, Outcome: thermal.Unknown}, "P4": {State: "strange"},
	}}
	list, err := h.Lines(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range list.Lines {
		got = append(got, l.ID+" "+string(l.Now))
	}
	if s := strings.Join(got, ", "); s != "P3 out_of_range, P2 unknown, P4 unknown" {
		t.Errorf("listed %s", s)
	}
	if w := list.Watched; w[dossier.NowInRange] != 1 || w[dossier.NowUnknown] != 2 || w[dossier.NowOutOfRange] != 1 {
		t.Errorf("counted %v", w)
	}
}

// told has states of its own.
type told struct {
	dossier.Verdicts
	states map[string]correlate.State
}

func (v told) Briefs(ids []string) (out []correlate.State) {
	for _, id := range ids {
		out = append(out, v.states[id])
	}
	return out
}

// BenchmarkLines10000 lists 500 of 10,000 watched packages, as the page does.
func BenchmarkLines10000(b *testing.B) {
	h := newHub(b, &weather{to: 20 * minute, step: 10_000, value: steady, ok: true})
	h.stock(nil)
	h.place()
	in := fact.Ref{Kind: fact.Zone, ID: "Z1"}
	for first := 0; first < 10_000; first += 500 {
		if _, err := h.Log.Command(b.Context(), "person/ann", func(ctx context.Context, c event.Change) error {
			for i := first; i < first+500; i++ {
				k := fact.Ref{Kind: fact.Package, ID: fmt.Sprintf("P%05d", i)}
				for _, n := range []event.New{
					{Type: fact.PackageWasPacked, Data: fact.PackagePacked{ID: k.ID, Shipment: "H1", Profile: "cold", At: start, Made: start}},
					{Type: fact.WasAttached, Data: fact.Attached{ID: "in-" + k.ID, Subject: k, In: &in, At: start, Made: start, Via: "scan"}},
				} {
					n.Stream, n.Expect = k.String(), -1
					if _, err := c.Append(ctx, n); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	h.Now.Store(start + 20*minute)
	h.Settle()
	for b.Loop() {
		if list, err := h.Lines(b.Context(), 500); err != nil || list.Watched[dossier.NowInRange] != 10_000 || len(list.Lines) != 500 {
			b.Fatal(len(list.Lines), list.Watched, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/list")
}
