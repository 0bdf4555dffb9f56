package sensing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
	"frostline/proto/thermal"
)

// TestRevisedIsDeclaredAndStatedAnew: late readings make the old report wrong,
// by a declaration that names the new one; when all is as it was before, that
// is stated once more under an id of its own.
func TestRevisedIsDeclaredAndStatedAnew(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Pass(days(2))
		w.pack(sscc, "S-1", start)
		w.close(sscc, start+10*hour)
		w.measure(sscc, start, start+4*hour, steady)
		w.handle()
		_, first := w.captured()
		w.measure(sscc, start+4*hour, start+10*hour, steady)
		w.handle()
		all, second := w.captured()
		if len(first) != 2 || len(second) != 2 || len(all) != 6 {
			t.Fatalf("%d, then %d of %d events: want a report and a verdict, each declared wrong and stated anew", len(first), len(second), len(all))
		}
		for _, e := range all {
			if e.Error == nil {
				continue
			}
			if e.Error.Reason != "incorrect_data" || len(e.Error.Corrective) != 1 || !slices.ContainsFunc(second, func(n *epcis.Event) bool { return n.ID == e.Error.Corrective[0] }) {
				t.Errorf("declaration %+v does not name the event that corrects it", e.Error)
			}
			if !slices.ContainsFunc(first, func(o *epcis.Event) bool { return o.ID == e.ID && o.HashID() == e.HashID() }) {
				t.Errorf("declaration of %s: it is not that of an event that was stated", e.ID)
			}
		}
		w.samples[sscc] = w.samples[sscc][:4*60+1]
		w.measure(sscc, start, start+4*hour, steady)
		w.handle()
		_, third := w.captured()
		if len(third) != 2 || third[0].HashID() != first[0].HashID() || third[0].ID == first[0].ID || !strings.HasPrefix(third[0].ID, "urn:uuid:") {
			t.Errorf("%d events, %s: want what was stated first, under an id of its own", len(third), third[0].ID)
		}
		w.Pass(days(1))
		w.handle() // looks again and finds nothing to say
		if again, _ := w.captured(); len(again) != len(all)+4 {
			t.Errorf("%d events after nothing had happened, want %d", len(again), len(all)+4)
		}
	})
}

func excursionOf(from, to int64, units ...int) fact.ExcursionFacts {
	peak := thermal.Temp(11_900)
	f := fact.ExcursionFacts{Package: sscc, Profile: "refrigerated", Version: 3, Kind: fact.BrokenLimit, Limit: "above 8 °C", Severity: thermal.Alarm,
		From: from, To: to, Ended: thermal.Returned, Alarm: from + 10*minute, Peak: &peak, PeakAt: from + 20*minute, Source: "sensor/gw-1/cargo in compartment/C1", Verdict: "abc", Revision: 7}
	for _, n := range units {
		f.Units = append(f.Units, fact.Affected{Unit: unitID(n), Lot: "L1"})
	}
	return f
}

func (w *world) decide(id string, c Case) {
	w.cases[id] = c
	w.tell("excursion/"+id, fact.ExcursionWasProposed, fact.ExcursionProposed{ID: id})
	w.handle()
}

func TestExcursionHoldAndDecision(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Pass(days(1))
		w.pack(sscc, "S-1", start)
		c := Case{State: "opened", Facts: excursionOf(start+hour, start+2*hour, 0, 1)}
		c.Facts.Ended = thermal.Ongoing
		w.decide("X-1", c)
		_, holding := w.captured()
		if len(holding) != 1 || holding[0].Sensors[0].Reports[0].Exception != "ALARM_CONDITION" || holding[0].Sensors[0].Reports[0].Value != "" {
			t.Fatalf("going on: %s", holding[0].JSON())
		}
		w.tell("hold/H-1", fact.HoldWasPlaced, fact.HoldPlaced{ID: "H-1", Package: sscc, Units: []string{unitID(0), unitID(1)}, Excursion: "X-1", Cause: "excursion"})
		w.handle()
		c.Facts.Ended = thermal.Returned
		w.cases["X-1"] = c
		w.tell("excursion/X-1", fact.ExcursionWasRevised, fact.ExcursionRevised{ID: "X-1"})
		w.handle()
		_, holding = w.captured()
		held := find(holding, "holding")
		if len(held) != 1 || held[0].Disposition != "non_sellable_other" || !slices.Equal(held[0].EPCs, []string{packEPC, unitEPC(0), unitEPC(1)}) || string(held[0].Sensors[0].Reports[0].Value) != "11.9" {
			t.Fatalf("hold: %+v", held)
		}
		alarm := find(holding, "sensor_reporting")[0]
		m := alarm.Sensors[0].Metadata
		if alarm.Time.UnixMilli() != start+2*hour || m.Rules != base+"profiles/refrigerated/3#above%208%20%C2%B0C" || !strings.HasPrefix(m.RawData, base+"shipments/S-1/evidence#excursion=sha256:") || m.DeviceID != base+"sensor/gw-1/cargo" {
			t.Errorf("alarm: %s", alarm.JSON())
		}
		// A verdict that was made anew and says the same changes nothing.
		c.Facts.Verdict, c.Facts.Revision = "def", 8
		before, _ := w.captured()
		w.decide("X-1", c)
		if after, _ := w.captured(); len(after) != len(before) {
			t.Errorf("%d events, want %d: nothing has changed", len(after), len(before))
		}
		c.State, c.Proposal = "signed", []fact.Disposition{{Unit: unitID(0), Decision: "release"}, {Unit: unitID(1), Decision: "reject"}}
		c.Signatures = []fact.Signature{{Person: "ada", At: start + 5*hour, Content: "c", Record: "r1"}}
		w.decide("X-1", c)
		if _, holding = w.captured(); len(find(holding, "inspecting")) != 0 {
			t.Error("a decision was stated before a second person had approved")
		}
		c.State, c.Signatures = "approved", append(c.Signatures, fact.Signature{Person: "bea", At: start + 6*hour, Content: "c", Record: "r2"})
		w.decide("X-1", c)
		w.tell("hold/H-1", fact.HoldWasLifted, fact.HoldLifted{ID: "H-1", Units: []string{unitID(0)}})
		w.handle()
		_, holding = w.captured()
		var said []string
		for _, e := range find(holding, "inspecting") {
			said = append(said, e.Disposition+" "+strings.Join(e.EPCs, " ")+" "+e.Sensors[0].Metadata.RawData)
		}
		slices.Sort(said)
		proof := " " + base + "shipments/S-1/evidence#signature=sha256:r2"
		if want := []string{"conformant " + unitEPC(0) + proof, "non_conformant " + unitEPC(1) + proof}; !slices.Equal(said, want) {
			t.Errorf("decisions %q, want %q", said, want)
		}
		if free := find(holding, "storing"); len(free) != 1 || !slices.Equal(free[0].EPCs, []string{unitEPC(0)}) {
			t.Errorf("let go: %v", free)
		}
		// Data take it all back.
		c.Facts.Retracted, c.State, c.Proposal = true, "retracted", nil
		w.decide("X-1", c)
		_, holding = w.captured()
		if len(find(holding, "sensor_reporting"))+len(find(holding, "inspecting")) != 0 {
			t.Error("what data took back was not declared to be wrong")
		}
	})
}

// flaky loses some captures: not done, or done and not said so.
type flaky struct {
	Repository
	n int
}

func (f *flaky) Capture(ctx context.Context, c repository.Capture) (repository.Job, error) {
	f.n++
	switch f.n % 3 {
	case 0:
		return repository.Job{}, errors.New("away")
	case 1:
		_, err := f.Repository.Capture(ctx, c)
		return repository.Job{}, errors.Join(err, errors.New("done, but not said"))
	}
	return f.Repository.Capture(ctx, c)
}

// TestCapturedOnce: events are captured once, whatever fails, also when the log
// is handled again.
func TestCapturedOnce(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.o.Repository = &flaky{Repository: w.repository}
	w.journey()
	w.Pass(days(2))
	w.measure(sscc, start+24*hour, start+50*hour, steady)
	for range 2 {
		w.seen = 0
		for tries := 0; ; tries++ {
			events, err := w.Log.Read(w.ctx, w.seen, 1000)
			w.must(err)
			w.must(w.note(w.ctx, events))
			w.Pass(settle)
			if _, err = w.work(w.ctx); err == nil {
				break
			}
			if tries > 10 {
				t.Fatal(err)
			}
		}
	}
	all, holding := w.captured()
	if len(all) != len(holding) || len(all) != 19 {
		t.Errorf("%d events, %d hold: want 19 that hold", len(all), len(holding))
	}
}
