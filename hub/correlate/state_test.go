package correlate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

const minute = 60_000

// doubts are worlds in which nothing vouches for package P now, by what is
// wrong with it, and what the hub has to say of it.
var doubts = map[string]struct {
	sensor    bool                                 // in the compartment
	readings  []*batch.Batch                       // from noon on
	profile   func(*thermal.Profile)               // how the profile differs
	now       int64                                // ms after noon
	why       string                               // in the state
	monitored bool                                 // something was, before
	more      func(tell func(string, string, any)) // facts
}{
	"no sensor":    {why: "no sensor", now: 10 * minute},
	"no reading":   {sensor: true, why: "sensor silent", now: 10 * minute},
	"one reading":  {sensor: true, readings: []*batch.Batch{anchored(readings(0, 0, 10_000, 1))}, now: 5000, why: "only one reading so far"},
	"stale":        {sensor: true, readings: []*batch.Batch{anchored(readings(0, 0, 10_000, 60))}, now: 100 * minute, why: "sensor silent", monitored: true},
	"undated":      {sensor: true, readings: []*batch.Batch{readings(0, 0, 10_000, 60)}, now: 10 * minute, why: "undated readings"},
	"bad":          {sensor: true, readings: []*batch.Batch{anchored(spoilt(readings(0, 0, 10_000, 60)))}, now: 10 * minute, why: "bad readings"},
	"conflicting":  {sensor: true, readings: []*batch.Batch{contradicted(anchored(readings(0, 0, 10_000, 60)))}, now: 10 * minute, why: "clock sources in conflict"},
	"uncalibrated": {sensor: true, readings: []*batch.Batch{anchored(readings(0, 0, 10_000, 60))}, now: 10 * minute, why: "no valid calibration", profile: func(p *thermal.Profile) { p.Calibration = true }},
	"not accurate": {sensor: true, readings: []*batch.Batch{anchored(readings(0, 0, 10_000, 60))}, now: 10 * minute, why: "sensor not accurate", profile: func(p *thermal.Profile) { p.Accuracy = 300 }},
	"taken out": {sensor: true, readings: []*batch.Batch{anchored(readings(0, 0, 10_000, 60))}, now: 10 * minute, why: "no attachment", monitored: true, more: func(tell func(string, string, any)) {
		tell(fact.WasAttached, "package/P", fact.Attached{ID: "out", Subject: ref("package/P"), At: noon + 5*minute, Made: noon, Via: "scan"})
	}},
}

func spoilt(b *batch.Batch) *batch.Batch {
	c := &b.Boots[0].Columns[0]
	for i := range c.Values {
		c.Flaws = append(c.Flaws, batch.Flaw{At: i, Quality: reading.Stuck})
	}
	return b
}

func contradicted(b *batch.Batch) *batch.Batch {
	b.Events = append(b.Events, anchor(1, truetime.Anchor{At: 1000, UTC: noon + 4000, Uncertainty: 20, Source: truetime.NTP}))
	return b
}

// one fills a rig with package P in a compartment.
func one(r *rig, sensor bool, change func(*thermal.Profile)) (tell func(typ, stream string, data any)) {
	p, err := thermal.Named("refrigerated")
	if err != nil {
		r.t.Fatal(err)
	}
	if change != nil {
		change(&p)
	}
	n := int64(0)
	tell = func(typ, stream string, data any) {
		n++
		r.journal.deliver(made(fmt.Sprint("e", n), n, noon, typ, stream, data))
	}
	in := ref("compartment/C")
	tell(fact.ProfileDefined, "profile/"+p.ID, fact.ProfileRecord{Profile: p})
	if sensor {
		tell(fact.WasAttached, "sensor/g0/s0", fact.Attached{ID: "s", Subject: sensorRef("g0/s0"), In: &in, At: noon - 1000, Made: noon, Via: "scan"})
	}
	tell(fact.PackageWasPacked, "package/P", fact.PackagePacked{ID: "P", Profile: p.ID, At: noon, Made: noon})
	tell(fact.WasAttached, "package/P", fact.Attached{ID: "p", Subject: ref("package/P"), In: &in, At: noon, Made: noon, Via: "scan"})
	return tell
}

// TestPromise7UnknownNow: where nothing vouches, every answer about a package
// says that it is not known, and none that it is in range.
func TestPromise7UnknownNow(t *testing.T) {
	for name, d := range doubts {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
			tell := one(r, d.sensor, d.profile)
			if d.more != nil {
				d.more(tell)
			}
			for _, b := range d.readings {
				copied := *b
				r.commit(&copied)
			}
			r.now = noon + d.now
			unknown := func(when string, exact bool) {
				t.Helper()
				s, err := r.engine.State(t.Context(), "P")
				if err != nil {
					t.Fatal(err)
				}
				for what, s := range map[string]State{"state": s, "brief": r.engine.Briefs([]string{"P"})[0]} {
					if s.State != Unknown || s.Temperature != nil || s.Outcome != thermal.Unknown || s.Reason == "" || len(s.Outlook) > 0 || s.At != 0 {
						t.Errorf("%s, %s: %+v, want it unknown and nothing else", when, what, s)
					}
				}
				if exact && s.Reason != d.why || s.NoOutlook == "" {
					t.Errorf("%s: unknown because of %q, want %q; no outlook because of %q", when, s.Reason, d.why, s.NoOutlook)
				}
				if l := r.engine.States(InRange, "", 10); len(l) != 0 {
					t.Errorf("%s: listed as in range: %+v", when, l)
				}
			}
			if _, err := r.engine.follow(t.Context()); err != nil {
				t.Fatal(err)
			}
			unknown("before it is judged", false)
			r.settle()
			unknown("judged", true)
			if l := r.engine.States(Unknown, "", 10); len(l) != 1 || l[0].Package != "P" {
				t.Errorf("not listed as unknown: %+v", l)
			}
			j, err := r.engine.Judgements(t.Context(), "P")
			if err != nil || len(j.Judgements) != 1 {
				t.Fatal(j, err)
			}
			v := j.Judgements[0].Verdict
			if v.Outcome != thermal.Unknown || v.Unmonitored == 0 && d.now > 10_000 || (v.Monitored > 0) != d.monitored {
				t.Errorf("verdict %+v", v)
			}
			c, err := r.engine.Chart(t.Context(), "P", "", 0, 0, 20)
			if err != nil {
				t.Fatal(err)
			}
			if known := slices.ContainsFunc(c.Min, func(v *thermal.Temp) bool { return v != nil }); known != d.monitored {
				t.Errorf("chart %+v", c)
			}
			r.start() // after a restart nothing is known that was not
			unknown("started again", false)
			r.settle()
			unknown("started again and judged", true)
		})
	}
}

// TestStateFollows: a package that is followed has its state at once, and loses
// it when its readings cease.
func TestStateFollows(t *testing.T) {
	r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
	tell := one(r, true, nil)
	r.commit(anchored(readings(0, 0, 10_000, 60)))
	r.now = noon + 10*minute
	r.settle()
	want := func(when string, state Condition, outcome thermal.Outcome) State {
		t.Helper()
		b, err := r.engine.State(t.Context(), "P")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []State{b, r.engine.Briefs([]string{"P"})[0]} {
			if s.State != state || s.Outcome != outcome || (s.Temperature != nil) != (state != Unknown) {
				t.Errorf("%s: %+v, want %s and %s", when, s, state, outcome)
			}
		}
		return b
	}
	s := want("fresh", InRange, thermal.InRange)
	if s.At != noon+590_000 || s.Until != s.At+30*minute || len(s.Outlook) == 0 || s.OutlookUntil != s.At+minute {
		t.Errorf("state %+v", s)
	}
	r.now = s.OutlookUntil + 1 // it vouches still
	if s := want("readings cease", InRange, thermal.InRange); len(s.Outlook) != 0 || !strings.HasPrefix(s.NoOutlook, "stale") {
		t.Errorf("an outlook of stale readings: %+v", s)
	}
	r.now = s.Until
	want("at the end of the longest gap", InRange, thermal.InRange)
	r.now++
	want("after it, before the engine has looked", Unknown, thermal.Unknown)
	r.settle()
	want("after it", Unknown, thermal.Unknown)

	hot := readings(0, 2*3_600_000, 10_000, 60)
	for k := range hot.Boots[0].Columns[0].Values {
		hot.Boots[0].Columns[0].Values[k] += 20_000
	}
	r.commit(hot)
	r.now = noon + 2*3_600_000 + 10*minute
	r.settle()
	out := want("warm after a gap", OutOfRange, thermal.Excursion)
	if out.Since != noon+2*3_600_000 {
		t.Errorf("out of range since noon%+d", out.Since-noon)
	}
	tell(fact.PackageWasClosed, "package/P", fact.PackageClosed{ID: "P", How: "delivered", At: r.now - minute, Made: r.now})
	r.settle()
	if s := want("closed", Unknown, thermal.Excursion); s.Reason != "the watch has ended: delivered" || s.Since != r.now-minute || s.NoOutlook == "" {
		t.Errorf("closed: %+v", s)
	}
	if s := r.engine.Briefs([]string{"P", "nobody"})[1]; s.State != Unknown || s.Outcome != thermal.Unknown || s.Reason == "" {
		t.Errorf("never packed: %+v", s)
	}
}

// TestOutlookIsOfOneCourse: what was before a gap shows no course.
func TestOutlookIsOfOneCourse(t *testing.T) {
	r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
	one(r, true, func(p *thermal.Profile) { p.LongestGap = 5 * minute })
	warming := func(from int64, n int, first, step int64) *batch.Batch {
		b := readings(0, from, 10_000, n)
		for i := range b.Boots[0].Columns[0].Values {
			b.Boots[0].Columns[0].Values[i] = first + int64(i)*step
		}
		return b
	}
	r.commit(anchored(warming(0, 60, 3000, 20)))
	r.now = noon + 10*minute
	r.settle()
	s, err := r.engine.State(t.Context(), "P")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Outlook, func(o thermal.Outlook) bool { return o.OnCourse })
	if i < 0 || s.Outlook[i].At != 8000 || !s.Outlook[i].Estimate || s.Outlook[i].Earliest > s.Outlook[i].Reached || s.Outlook[i].Reached <= r.now {
		t.Fatalf("a straight line up: %+v", s)
	}
	if in := s.Outlook[i].Reached - s.At; in < 20*minute || in > 40*minute { // 3.82 K at 0.02 K in 10 s: 32 min
		t.Errorf("8 °C in %d s", in/1000)
	}
	// A gap, and three readings far colder: with those before the gap they would
	// be a steep course down.
	r.commit(warming(30*minute, 3, 2500, 0))
	r.now = noon + 30*minute + 25_000
	r.settle()
	if s, err = r.engine.State(t.Context(), "P"); err != nil || len(s.Outlook) > 0 || !strings.Contains(s.NoOutlook, "3 readings") {
		t.Errorf("after a gap: %+v, %v", s, err)
	}
}

// TestPromise7ListsAreNeverBetterThanTheTruth: in worlds told in any order, the
// states in lists are those that the history says, and are known exactly when a
// source that a model finds by itself has a fresh reading.
func TestPromise7ListsAreNeverBetterThanTheTruth(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	rapid.Check(t, func(rt *rapid.T) {
		w := drawTale(rt)
		wipe(t, db)
		r := newRig(t, db)
		r.now = noon
		w.play(rt, r, newRand(rt))
		for _, id := range []string{"P1", "P2"} {
			s, err := r.engine.State(t.Context(), id)
			if err != nil {
				rt.Fatal(err)
			}
			b := r.engine.Briefs([]string{id})[0]
			if b.State != s.State || b.Outcome != s.Outcome && b.Outcome != thermal.Unknown || (b.Temperature == nil) != (s.Temperature == nil) || b.Temperature != nil && *b.Temperature != *s.Temperature {
				rt.Fatalf("package %s: listed as %+v, and history says %+v", id, b, s)
			}
			value, known := w.naive.now(id, w.now)
			if (s.State != Unknown) != known || known && *s.Temperature != value {
				rt.Fatalf("package %s: %+v, want known %v with %d", id, s, known, value)
			}
		}
	})
}

// BenchmarkStates10000 lists 10,000 live packages of 200 compartments.
func BenchmarkStates10000(b *testing.B) {
	r := newRig(b, storetest.Open(b, storetest.SQLite(b)))
	fleet(r, 200, 10_000)
	for g := range 200 {
		r.commit(anchored(readings(g, 0, 10_000, 60)))
	}
	r.now = noon + 600_000
	r.settle()
	for b.Loop() {
		if n := len(r.engine.States(InRange, "", 20_000)); n != 10_000 {
			b.Fatalf("%d are in range", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(time.Millisecond)/float64(b.N), "ms/list")
}

// TestBudgetsAhead: what is left of a budget is the least that any unit has
// over its whole life, and it ends on the course that the readings show.
func TestBudgetsAhead(t *testing.T) {
	r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
	above := thermal.Temp(8000)
	tell := one(r, true, func(p *thermal.Profile) {
		p.Budgets = []thermal.Budget{{Name: "room", Above: &above, Allowed: 3_600_000, Source: "label"}}
	})
	tell(fact.ProductDefined, "product/D1", fact.ProductRecord{ID: "D1", Profile: "refrigerated", GTIN: "00614141999996"})
	tell(fact.UnitWasReceived, "unit/00614141999996.A1", fact.UnitReceived{ID: "00614141999996.A1", Product: "D1", GTIN: "00614141999996", Serial: "A1", Lot: "L", Expiry: "2030-01-31",
		Spent: []fact.Spent{{Budget: "room", Duration: 1_800_000, Source: "wholesaler"}}})
	tell(fact.WasAttached, "unit/00614141999996.A1", fact.Attached{ID: "u1", Subject: fact.Ref{Kind: fact.Unit, ID: "00614141999996.A1"}, In: &fact.Ref{Kind: fact.Package, ID: "P"}, At: noon, Made: noon})
	b := readings(0, 0, 10_000, 60)
	for i := range b.Boots[0].Columns[0].Values {
		b.Boots[0].Columns[0].Values[i] = 12_000 + int64(i) // beyond 8 °C, and rising by 6 K in an hour
	}
	r.commit(anchored(b))
	r.now = noon + 10*minute
	r.settle()
	for _, when := range []string{"judged", "started again"} {
		s, err := r.engine.State(t.Context(), "P")
		if err != nil || len(s.Budgets) != 1 {
			t.Fatalf("%s: %+v, %v: want one budget", when, s, err)
		}
		o, spent := s.Budgets[0], int64(590_000)
		if left := 1_800_000 - spent; o.Left != left || !o.Spending || !o.OnCourse || o.Ends != s.At+left {
			t.Errorf("%s: %+v, want %d ms left that last until %d", when, o, left, s.At+left)
		}
		r.start()
		r.settle()
	}
}
