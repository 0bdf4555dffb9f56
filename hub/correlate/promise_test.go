package correlate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"reflect"
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
	d := newDice(t)
	w := &tale{naive: &naive{anchors: map[string][]truetime.Anchor{}}, now: noon + world + pick(d, []int64{-3000, 0, 900, 5000}, "now")}
	versions := map[string]int64{}
	tell := func(typ, stream string, data any) event.Event {
		versions[stream]++
		e := made(fmt.Sprintf("%s-%d-%s", stream, versions[stream], typ), versions[stream], noon-100_000+versions[stream], typ, stream, data)
		w.events = append(w.events, e)
		return e
	}
	instant := func(name string) int64 {
		return noon + roll[int64](d, 0, 23, name)*1000 + pick(d, []int64{0, 0, 1, 500}, name+" ms")
	}

	for v := range roll[int](d, 1, 2, "profile versions") {
		p := thermal.Profile{ID: "cold", Version: v + 1, Name: "Cold", Source: "test", Low: temp(2000), High: temp(8000), LongestGap: pick(d, []int64{1000, 1500, 1500, 3000}, "gap"),
			Calibration: roll(d, 0, 3, "calibration") == 3, Accuracy: pick(d, []thermal.Temp{0, 0, 0, 500}, "accuracy"),
			Limits: []thermal.Limit{
				{Name: "high", Op: thermal.Above, At: 8000, Timer: thermal.Single, Delay: 2000, Deadband: 200, Severity: thermal.Alarm},
				{Name: "low", Op: thermal.AtOrBelow, At: 1000, Timer: thermal.Cumulative, Delay: 0, Severity: thermal.Critical},
			}}
		if roll[int](d, 0, 1, "profile budget") == 1 {
			p.Budgets = []thermal.Budget{{Name: "room", Above: temp(8000), Below: temp(25_000), Allowed: 3000, Source: "test"}}
		}
		r := fact.ProfileRecord{Profile: p, From: noon - 50_000 + int64(v)*60_000}
		w.naive.profiles = append(w.naive.profiles, r)
		tell(fact.ProfileDefined, "profile/cold", r)
	}
	for v := range roll[int](d, 1, 2, "product versions") {
		r := fact.ProductRecord{ID: "drug", Name: "Drug", Profile: "cold"}
		if v == 1 || roll(d, 0, 1, "product budget") == 1 {
			r.Budgets = []thermal.Budget{{Name: "warm", Above: temp(8000), Below: temp(30_000), Allowed: int64(v+1) * 1000, Source: "test"}}
		}
		e := tell(fact.ProductDefined, "product/drug", r)
		w.naive.products = append(w.naive.products, versioned[fact.ProductRecord]{e.Version, e.At, r})
	}
	if roll[int](d, 0, 1, "unit") == 1 {
		r := fact.UnitReceived{ID: unitA, Product: "drug", GTIN: "00012345678905", Serial: "A", Lot: "1", Expiry: "2030-01-01"}
		if roll[int](d, 0, 1, "spent") == 1 {
			r.Spent = []fact.Spent{{Budget: "warm", Duration: 700, Source: "test"}, {Budget: "other", Duration: 1, Source: "test"}}
		}
		w.naive.received = append(w.naive.received, r)
		tell(fact.UnitWasReceived, "unit/"+unitA, r)
	}
	sensors := []string{"g1/s0", "g1/s1", "g2/s0"}
	for _, s := range sensors {
		for range roll[int](d, 0, 2, "accuracies") {
			r := fact.SensorRecord{ID: s, Name: s, Accuracy: pick(d, []thermal.Temp{0, 300, 300, 600}, "sensor accuracy")}
			e := tell(fact.SensorDefined, "sensor/"+s, r)
			w.naive.sensors = append(w.naive.sensors, versioned[fact.SensorRecord]{e.Version, e.At, r})
		}
	}
	for i := range roll[int](d, 0, 5, "certificates") {
		id := fmt.Sprintf("cert%d", i%3)
		from := instant("cert from") - 5000
		r := fact.CalibrationRecord{ID: id, Sensor: pick(d, sensors, "cert of"), Lab: "lab", From: from,
			Until: from + roll[int64](d, 0, 30_000, "cert for"), Accuracy: pick(d, []thermal.Temp{0, 100, 900}, "cert accuracy")}
		e := tell(fact.CalibrationDefined, "calibration/"+id, r)
		w.naive.certs = append(w.naive.certs, versioned[fact.CalibrationRecord]{e.Version, e.At, r})
	}
	for _, p := range []string{"P1", "P2"} {
		for k := range roll[int](d, 1, 2, "packings") {
			r := fact.PackagePacked{ID: p, Profile: "cold", Version: pick(d, []int{0, 0, 1}, "version"), At: instant("packed"), Made: noon + int64(k)}
			w.naive.packed = append(w.naive.packed, r)
			tell(fact.PackageWasPacked, "package/"+p, r)
		}
		for k := range roll[int](d, 0, 2, "closings") {
			r := fact.PackageClosed{ID: p, How: "delivered", At: instant("closed"), Made: noon + int64(k), Reopen: roll[int](d, 0, 3, "reopen") == 0}
			w.naive.closed = append(w.naive.closed, r)
			tell(fact.PackageWasClosed, "package/"+p, r)
		}
	}
	subjects := []string{"sensor/g1/s0", "sensor/g1/s1", "sensor/g2/s0", "logger/L1", "tote/T1", "package/P1", "package/P2", "unit/" + unitA}
	homes := map[fact.Kind][]string{fact.Sensor: {"logger/L1", "tote/T1", "compartment/C1", "zone/Z1"}, fact.Logger: {"package/P1", "package/P2", "tote/T1"},
		fact.Tote: {"compartment/C1", "zone/Z1"}, fact.Package: {"tote/T1", "compartment/C1", "zone/Z1"}, fact.Unit: {"package/P1", "package/P2"}}
	for i := range roll[int](d, 4, 18, "statements") {
		a := fact.Attached{ID: fmt.Sprintf("a%02d", i), Subject: ref(pick(d, subjects, "subject")), At: instant("at"), Via: "scan",
			Made: noon + roll[int64](d, 0, 3, "made"), Rank: roll[int](d, 0, 1, "rank")}
		if i < len(subjects) { // each is somewhere, mostly
			a.Subject, a.At = ref(subjects[i]), noon-1000
		}
		if roll[int](d, 0, 6, "nowhere") > 0 {
			in := ref(pick(d, homes[a.Subject.Kind], "in"))
			if home := homes[a.Subject.Kind]; i < len(subjects) && roll(d, 0, 2, "together") > 0 { // in the zone
				in = ref(home[len(home)-1])
			}
			a.In = &in
		}
		if i >= len(subjects) && roll[int](d, 0, 2, "corrects") == 0 {
			a.Corrects = fmt.Sprintf("a%02d", roll[int](d, 0, i+2, "target"))
			if a.Corrects == a.ID {
				a.Corrects = "a00"
			}
			a.Withdrawn = roll[int](d, 0, 3, "withdrawn") == 0
		}
		w.naive.statements = append(w.naive.statements, a)
		tell(fact.WasAttached, a.Subject.String(), a)
	}
	w.draw(d, sensors)
	return w
}

// draw makes up readings and anchors.
func (w *tale) draw(d *dice, sensors []string) {
	for _, g := range []string{"g1", "g2"} {
		boots := roll[uint32](d, 1, 3, "boots")
		// From one of its boots on the gateway is another one of the same name,
		// enrolled anew, and counts its boots from 1 again.
		anew := roll[uint32](d, 2, 6, "enrolled anew")
		for boot := uint32(1); boot <= boots; boot++ {
			epoch, number := uint32(1), boot
			if boot >= anew {
				epoch, number = 2, boot-anew+1
			}
			begin := noon - 2000 + int64(boot-1)*(world+4000)/int64(boots)
			for i := range pick(d, []int{0, 1, 1, 2, 2, 3, 5}, "anchors") {
				if boot > 1 && i == 0 && roll(d, 0, 1, "no anchor") == 1 {
					break
				}
				at := roll[int64](d, 0, 8000, "anchor at")
				a := truetime.Anchor{At: at, UTC: begin + at + roll[int64](d, -3, 3, "error"), Uncertainty: roll[int64](d, 2, 40, "uncertainty"), Source: truetime.Source(roll[int](d, 1, 4, "source"))}
				if roll[int](d, 0, 9, "wild") == 0 {
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
				tick, v := roll[int64](d, 0, 1500, "first tick"), thermal.Temp(5000)
				for range roll[int](d, 0, 6, "blocks") {
					c := batch.Column{Series: series}
					step := pick(d, []int64{500, 900, 1000, 1001, 1400}, "step")
					for i := range roll[int](d, 1, 8, "readings") {
						q := reading.OK
						if roll[int](d, 0, 12, "bad") == 0 {
							q = reading.Stuck
							c.Flaws = append(c.Flaws, batch.Flaw{At: i, Quality: q})
						}
						c.Ticks, c.Values = append(c.Ticks, tick), append(c.Values, int64(v))
						w.naive.readings = append(w.naive.readings, tickReading{s, g, boot, tick, v, q})
						tick += step
						v += thermal.Temp(pick(d, []int64{-3000, -1000, -1, 0, 1, 700, 2500}, "change"))
					}
					tick += pick(d, []int64{0, 0, 0, 0, 0, 1200, 4000}, "pause")
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
	checkLooks(t, r, id, j)
	p := r.engine.packages[id]
	was := p.told[j.Key()]
	if _, ok := revise(caseOf(r, id), j, was, &mark{}); ok {
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

// checkLooks: a look at the whole watch is the verdict, and a look at a part is
// what Evaluate says of it when the part is cut out here. Budgets along the way end
// where the verdict says, and add up to what each part by itself spends.
func checkLooks(t *rapid.T, r *rig, id string, j *join.Judgement) {
	ctx := context.Background()
	whole, err := r.engine.Look(ctx, Look{Package: id, Key: j.Key(), Marks: 5})
	if err != nil {
		t.Fatal(err)
	}
	if whole.Digest != j.Digest {
		t.Fatalf("package %s: a look at the whole watch says\n%+v\nand the verdict\n%+v", id, whole.Verdict, j.Verdict)
	}
	from, to := j.History.From, j.History.To
	if to-from < 4 {
		return
	}
	for _, s := range whole.Spending {
		for _, u := range j.Units {
			if slices.Contains(s.Units, u.Unit) && !reflect.DeepEqual(s.At[len(s.At)-1].Budgets, u.Budgets) {
				t.Fatalf("unit %s: budgets along the way end at %+v, the verdict says %+v", u.Unit, s.At[len(s.At)-1], u)
			}
		}
	}
	of := fact.ExcursionFacts{Package: id, Profile: j.Profile, Version: j.Version, Product: j.Product}
	if got, err := r.engine.Assess(ctx, of, from-999, to+999); err != nil || got.Verdict != j.Digest || got.From != from || got.To != to {
		t.Fatalf("package %s: assessed to the second %+v, %v; want the verdict", id, got, err)
	}
	for _, span := range [][2]int64{{from - 1000, to}, {from, to + 1000}, {to + 5000, to + 9000}, {from - 9000, from - 5000}} {
		if _, err := r.engine.Assess(ctx, of, span[0], span[1]); !errors.Is(err, ErrSpan) {
			t.Fatalf("package %s from %d to %d assessed from %d to %d: %v", id, from, to, span[0], span[1], err)
		}
	}
	a, b := from+(to-from)/3, to-(to-from)/4
	part, err := r.engine.Look(ctx, Look{Package: id, Key: j.Key(), From: a, To: b})
	if err != nil {
		t.Fatal(err)
	}
	h := thermal.History{From: a, To: b}
	for _, s := range j.History.Stretches {
		if s.From, s.To = max(s.From, a), min(s.To, b); s.From < s.To {
			h.Stretches = append(h.Stretches, s) // Evaluate takes no notice of what lies outside
		}
	}
	for _, u := range j.History.Unmonitored {
		if u.From, u.To = max(u.From, a), min(u.To, b); u.From < u.To {
			h.Unmonitored = append(h.Unmonitored, u)
		}
	}
	for i := range h.Stretches {
		s := &h.Stretches[i]
		for len(s.Samples) > 1 && s.Samples[1].At <= s.From {
			s.Samples = s.Samples[1:]
		}
	}
	want, err := thermal.Evaluate(profileOf(r, id, j), &h)
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := want.Digest(); d != part.Digest {
		t.Fatalf("package %s from %d to %d: a look says\n%+v\nEvaluate\n%+v", id, a, b, part.Verdict, want)
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
