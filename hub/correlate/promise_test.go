package correlate

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/correlate/join"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

const (
	noon  = 1_700_000_000_000
	world = 24_000 // ms that happen
)

// tale is a set of things that can be told in any order.
type tale struct {
	events  []event.Event
	batches []*batch.Batch
	naive   *naive
	now     int64
}

const unitA = "00012345678905.A"

func temp(v thermal.Temp) *thermal.Temp { return &v }

// drawTale makes up a world.
func drawTale(t *rapid.T) *tale {
	w := &tale{naive: &naive{anchors: map[string][]truetime.Anchor{}}, now: noon + world + rapid.SampledFrom([]int64{-3000, 0, 900, 5000}).Draw(t, "now")}
	versions := map[string]int64{}
	tell := func(typ, stream string, data any) event.Event {
		versions[stream]++
		e := made(fmt.Sprintf("%s-%d-%s", stream, versions[stream], typ), versions[stream], noon-100_000+versions[stream], typ, stream, data)
		w.events = append(w.events, e)
		return e
	}
	instant := func(name string) int64 {
		return noon + rapid.Int64Range(0, 23).Draw(t, name)*1000 + rapid.SampledFrom([]int64{0, 0, 1, 500}).Draw(t, name+" ms")
	}

	for v := range rapid.IntRange(1, 2).Draw(t, "profile versions") {
		p := thermal.Profile{ID: "cold", Version: v + 1, Name: "Cold", Source: "test", Low: temp(2000), High: temp(8000), LongestGap: rapid.SampledFrom([]int64{1000, 1500, 3000}).Draw(t, "gap"),
			Calibration: rapid.Bool().Draw(t, "calibration"), Accuracy: rapid.SampledFrom([]thermal.Temp{0, 500}).Draw(t, "accuracy"),
			Limits: []thermal.Limit{
				{Name: "high", Op: thermal.Above, At: 8000, Timer: thermal.Single, Delay: 2000, Deadband: 200, Severity: thermal.Alarm},
				{Name: "low", Op: thermal.AtOrBelow, At: 1000, Timer: thermal.Cumulative, Delay: 0, Severity: thermal.Critical},
			}}
		if rapid.Bool().Draw(t, "profile budget") {
			p.Budgets = []thermal.Budget{{Name: "room", Above: temp(8000), Below: temp(25_000), Allowed: 3000, Source: "test"}}
		}
		r := fact.ProfileRecord{Profile: p, From: noon - 50_000 + int64(v)*60_000}
		w.naive.profiles = append(w.naive.profiles, r)
		tell(fact.ProfileDefined, "profile/cold", r)
	}
	for v := range rapid.IntRange(1, 2).Draw(t, "product versions") {
		r := fact.ProductRecord{ID: "drug", Name: "Drug", Profile: "cold"}
		if v == 1 || rapid.Bool().Draw(t, "product budget") {
			r.Budgets = []thermal.Budget{{Name: "warm", Above: temp(8000), Below: temp(30_000), Allowed: int64(v+1) * 1000, Source: "test"}}
		}
		e := tell(fact.ProductDefined, "product/drug", r)
		w.naive.products = append(w.naive.products, versioned[fact.ProductRecord]{e.Version, e.At, r})
	}
	if rapid.Bool().Draw(t, "unit") {
		r := fact.UnitReceived{ID: unitA, Product: "drug", GTIN: "00012345678905", Serial: "A", Lot: "1", Expiry: "2030-01-01"}
		if rapid.Bool().Draw(t, "spent") {
			r.Spent = []fact.Spent{{Budget: "warm", Duration: 700, Source: "test"}, {Budget: "other", Duration: 1, Source: "test"}}
		}
		w.naive.received = append(w.naive.received, r)
		tell(fact.UnitWasReceived, "unit/"+unitA, r)
	}
	sensors := []string{"g1/s0", "g1/s1", "g2/s0"}
	for _, s := range sensors {
		for range rapid.IntRange(0, 2).Draw(t, "accuracies") {
			r := fact.SensorRecord{ID: s, Name: s, Accuracy: rapid.SampledFrom([]thermal.Temp{0, 300, 600}).Draw(t, "sensor accuracy")}
			e := tell(fact.SensorDefined, "sensor/"+s, r)
			w.naive.sensors = append(w.naive.sensors, versioned[fact.SensorRecord]{e.Version, e.At, r})
		}
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "certificates") {
		id := fmt.Sprintf("cert%d", i%3)
		from := instant("cert from") - 5000
		r := fact.CalibrationRecord{ID: id, Sensor: rapid.SampledFrom(sensors).Draw(t, "cert of"), Lab: "lab", From: from,
			Until: from + rapid.Int64Range(0, 30_000).Draw(t, "cert for"), Accuracy: rapid.SampledFrom([]thermal.Temp{0, 100, 900}).Draw(t, "cert accuracy")}
		e := tell(fact.CalibrationDefined, "calibration/"+id, r)
		w.naive.certs = append(w.naive.certs, versioned[fact.CalibrationRecord]{e.Version, e.At, r})
	}
	for _, p := range []string{"P1", "P2"} {
		for k := range rapid.IntRange(1, 2).Draw(t, "packings") {
			r := fact.PackagePacked{ID: p, Profile: "cold", Version: rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "version"), At: instant("packed"), Made: noon + int64(k)}
			w.naive.packed = append(w.naive.packed, r)
			tell(fact.PackageWasPacked, "package/"+p, r)
		}
		for k := range rapid.IntRange(0, 2).Draw(t, "closings") {
			r := fact.PackageClosed{ID: p, How: "delivered", At: instant("closed"), Made: noon + int64(k), Reopen: rapid.IntRange(0, 3).Draw(t, "reopen") == 0}
			w.naive.closed = append(w.naive.closed, r)
			tell(fact.PackageWasClosed, "package/"+p, r)
		}
	}
	subjects := []string{"sensor/g1/s0", "sensor/g1/s1", "sensor/g2/s0", "logger/L1", "tote/T1", "package/P1", "package/P2", "unit/" + unitA}
	homes := map[fact.Kind][]string{fact.Sensor: {"logger/L1", "tote/T1", "compartment/C1", "zone/Z1"}, fact.Logger: {"package/P1", "package/P2", "tote/T1"},
		fact.Tote: {"compartment/C1", "zone/Z1"}, fact.Package: {"tote/T1", "compartment/C1", "zone/Z1"}, fact.Unit: {"package/P1", "package/P2"}}
	for i := range rapid.IntRange(4, 18).Draw(t, "statements") {
		a := fact.Attached{ID: fmt.Sprintf("a%02d", i), Subject: ref(rapid.SampledFrom(subjects).Draw(t, "subject")), At: instant("at"), Via: "scan",
			Made: noon + rapid.Int64Range(0, 3).Draw(t, "made"), Rank: rapid.IntRange(0, 1).Draw(t, "rank")}
		if i < len(subjects) { // each is somewhere, mostly
			a.Subject, a.At = ref(subjects[i]), noon-1000
		}
		if rapid.IntRange(0, 6).Draw(t, "nowhere") > 0 {
			in := ref(rapid.SampledFrom(homes[a.Subject.Kind]).Draw(t, "in"))
			a.In = &in
		}
		if i >= len(subjects) && rapid.IntRange(0, 2).Draw(t, "corrects") == 0 {
			a.Corrects = fmt.Sprintf("a%02d", rapid.IntRange(0, i+2).Draw(t, "target"))
			if a.Corrects == a.ID {
				a.Corrects = "a00"
			}
			a.Withdrawn = rapid.IntRange(0, 3).Draw(t, "withdrawn") == 0
		}
		w.naive.statements = append(w.naive.statements, a)
		tell(fact.WasAttached, a.Subject.String(), a)
	}
	w.draw(t, sensors)
	return w
}

// draw makes up readings and anchors.
func (w *tale) draw(t *rapid.T, sensors []string) {
	for _, g := range []string{"g1", "g2"} {
		boots := rapid.Uint32Range(1, 3).Draw(t, "boots")
		// From one of its boots on the gateway is another one of the same name,
		// enrolled anew, and counts its boots from 1 again.
		anew := rapid.Uint32Range(2, 6).Draw(t, "enrolled anew")
		for boot := uint32(1); boot <= boots; boot++ {
			epoch, number := uint32(1), boot
			if boot >= anew {
				epoch, number = 2, boot-anew+1
			}
			begin := noon - 2000 + int64(boot-1)*(world+4000)/int64(boots)
			for i := range rapid.IntRange(0, 3).Draw(t, "anchors") {
				if boot > 1 && i == 0 && rapid.Bool().Draw(t, "no anchor") {
					break
				}
				at := rapid.Int64Range(0, 8000).Draw(t, "anchor at")
				a := truetime.Anchor{At: at, UTC: begin + at + rapid.Int64Range(-3, 3).Draw(t, "error"), Uncertainty: rapid.Int64Range(2, 40).Draw(t, "uncertainty"), Source: truetime.NTP}
				if rapid.IntRange(0, 15).Draw(t, "wild") == 0 {
					a.UTC += 3000
				}
				k := fmt.Sprintf("%s/%d", g, boot)
				w.naive.anchors[k] = append(w.naive.anchors[k], a)
				w.batches = append(w.batches, &batch.Batch{Gateway: g, Epoch: epoch, Events: []batch.Event{anchor(number, a)}})
			}
			for n, s := range sensors {
				if s[:2] != g {
					continue
				}
				series := uint32(s[len(s)-1] - '0')
				tick, v := rapid.Int64Range(0, 1500).Draw(t, "first tick"), thermal.Temp(5000)
				for range rapid.IntRange(0, 4).Draw(t, "blocks") {
					c := batch.Column{Series: series}
					step := rapid.SampledFrom([]int64{500, 1000, 1001, 1400}).Draw(t, "step")
					for i := range rapid.IntRange(1, 8).Draw(t, "readings") {
						q := reading.OK
						if rapid.IntRange(0, 12).Draw(t, "bad") == 0 {
							q = reading.Stuck
							c.Flaws = append(c.Flaws, batch.Flaw{At: i, Quality: q})
						}
						c.Ticks, c.Values = append(c.Ticks, tick), append(c.Values, int64(v))
						w.naive.readings = append(w.naive.readings, tickReading{s, g, boot, tick, v, q})
						tick += step
						v += thermal.Temp(rapid.SampledFrom([]int64{-3000, -1000, -1, 0, 1, 700, 2500}).Draw(t, "change"))
					}
					tick += rapid.SampledFrom([]int64{0, 0, 0, 1200, 4000}).Draw(t, "pause")
					w.batches = append(w.batches, &batch.Batch{Gateway: g, Epoch: epoch, Boots: []batch.Boot{{Boot: number, Columns: []batch.Column{c}}}})
				}
				_ = n
			}
		}
	}
}

// play tells the tale in some order, working and stopping as it comes, and
// gives the verdicts at the end.
func (w *tale) play(t *rapid.T, r *rig, rnd *rand.Rand) map[string]string {
	type telling struct {
		event *event.Event
		batch *batch.Batch
	}
	var all []telling
	for i := range w.events {
		all = append(all, telling{event: &w.events[i]})
	}
	for _, b := range w.batches {
		copied := *b
		copied.Events = slices.Clone(b.Events)
		all = append(all, telling{batch: &copied})
	}
	if rnd.Intn(4) > 0 {
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	ctx := context.Background()
	for _, x := range all {
		if x.event != nil {
			r.journal.deliver(*x.event)
			if rnd.Intn(8) == 0 {
				r.journal.deliver(*x.event) // at least once
			}
		} else {
			r.commit(x.batch)
		}
		switch rnd.Intn(12) {
		case 0, 1, 2, 3:
			if _, err := r.engine.work(ctx); err != nil {
				t.Fatal(err)
			}
		case 4:
			r.now = max(r.now, min(w.now, r.now+rnd.Int63n(4000)))
			r.engine.tick()
		case 5:
			if rnd.Intn(6) == 0 { // stopped, orderly or not, and started again
				if rnd.Intn(2) == 0 {
					if err := r.engine.save(ctx); err != nil {
						t.Fatal(err)
					}
				}
				r.start()
			}
		}
	}
	r.now = w.now
	r.settle()
	out := map[string]string{}
	for _, id := range []string{"P1", "P2"} {
		j, err := r.engine.Judgements(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal([]any{j.Judgements, j.Dissent})
		if err != nil {
			t.Fatal(err)
		}
		out[id] = string(b)
		for i := range j.Judgements {
			check(t, r, id, j.Closed != "" && !r.engine.packages[id].open, &j.Judgements[i])
		}
	}
	return out
}

// check holds what was told and what the engine follows against what is true.
func check(t *rapid.T, r *rig, id string, closed bool, j *join.Judgement) {
	again, err := thermal.Evaluate(profileOf(r, id, j), &j.History)
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := again.Digest(); d != j.Digest {
		t.Fatalf("package %s: the evaluator that goes on says other than Evaluate", id)
	}
	p := r.engine.packages[id]
	was := p.told[j.Key()]
	if _, ok := revise(caseOf(r, id), j, was, fact.Cause{}); ok {
		t.Fatalf("package %s: told %+v, but now holds\n%+v\nopen %v, of %d told, case %+v", id, was, summarize(&j.Verdict, !closed), p.open, len(p.told), caseOf(r, id))
	}
	for _, ride := range p.rides {
		if ride.judge.Key() != j.Key() || ride.ev == nil || ride.last != j.Verdict.To {
			continue
		}
		v, err := ride.ev.Verdict(ride.last)
		if err != nil {
			t.Fatal(err)
		}
		if d, _ := v.Digest(); d != j.Digest {
			t.Fatalf("package %s: its ride says\n%+v\nand history\n%+v", id, v, j.Verdict)
		}
	}
}

func caseOf(r *rig, id string) *join.Case {
	c, _ := r.engine.facts.Case(id, r.now)
	return c
}

func profileOf(r *rig, id string, j *join.Judgement) *thermal.Profile {
	c := caseOf(r, id)
	for i := range c.Judges {
		if c.Judges[i].Key() == j.Key() {
			return &c.Judges[i].Profile
		}
	}
	return nil
}

// wantTold holds the last verdict in the event log against the model's, by
// nothing of the engine's: outcome, severity and the rules that were broken.
func wantTold(t *rapid.T, r *rig, id, want string) {
	var naive []join.Judgement
	if err := json.Unmarshal([]byte(want), &[]any{&naive}); err != nil { // and who dissents
		t.Fatal(err)
	}
	v := &naive[0].Verdict
	var told *fact.VerdictRevised
	for _, e := range r.journal.events {
		var one fact.VerdictRevised
		if e.Type != fact.VerdictWasRevised || e.Stream != "package/"+id {
			continue
		}
		if err := json.Unmarshal(e.Data, &one); err != nil {
			t.Fatal(err)
		}
		if one.Product == naive[0].Product && one.Version == naive[0].Version {
			told = &one
		}
	}
	if told == nil && v.From == v.To {
		return // nothing is known yet, nor missing
	}
	broken := func(v *thermal.Verdict) (out []string) {
		for _, x := range v.Excursions {
			if x.Alarm != 0 {
				out = append(out, x.Limit)
			}
		}
		return out
	}
	if told == nil || told.Dropped || told.Verdict.Outcome != v.Outcome || told.Verdict.Severity != v.Severity || !slices.Equal(broken(&told.Verdict), broken(v)) {
		t.Fatalf("package %s: told %+v, want\n%s", id, told, want)
	}
}

func newRand(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewSource(rapid.Int64().Draw(t, "order")))
}

// TestPromise6OrderFree: whatever is told, in whatever order, with whatever
// stops between, the verdicts at the end are the same to the byte, and those
// that a model says that looks at every millisecond.
func TestPromise6OrderFree(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	rapid.Check(t, func(rt *rapid.T) {
		w := drawTale(rt)
		want := w.naive.verdicts(rt, w.now)
		for range 3 {
			wipe(t, db)
			r := newRig(t, db)
			r.now = noon
			r.lag = rapid.SampledFrom([]int64{0, 1000, 5000}).Draw(rt, "lag")
			r.engine.lag = max(r.lag, 1000)
			got := w.play(rt, r, newRand(rt))
			for id := range want {
				if got[id] != want[id] {
					rt.Fatalf("package %s: got\n%s\nwant\n%s", id, got[id], want[id])
				}
				wantTold(rt, r, id, want[id])
			}
		}
	})
}
