package provenance

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/evidence/ledger"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

const (
	start  = int64(1_790_000_000_000)
	hour   = int64(3_600_000)
	unitID = "00614141999996.A1"
	unit1  = "https://id.gs1.org/01/00614141999996/21/A1"
	unit2  = "https://id.gs1.org/01/00614141999996/21/A2"
	box    = "https://id.gs1.org/00/003400000000000014"
	pallet = "https://id.gs1.org/00/003400000000000021"
	maker  = "https://id.gs1.org/417/0614141000005"
	shop   = "https://id.gs1.org/417/0614141000012"
)

// world is a Teller on a real log, repository and ledger.
type world struct {
	t testing.TB
	*Teller
	log        *event.Log
	repository *repository.Repository
	ledger     *ledger.Ledger
	now        int64
}

type shelf map[string]fact.UnitReceived

func (s shelf) Unit(_ context.Context, id string) (fact.UnitReceived, bool, error) {
	u, ok := s[id]
	return u, ok, nil
}

// logged finds domain events in the ledger.
type logged struct{ *ledger.Ledger }

func (l logged) Logged(ctx context.Context, id string, position int64) (uint64, bool, error) {
	at, ok, err := l.Locate(ctx, ledger.Event, ledger.EventName(id, position))
	return at.Index, ok, err
}

type noSeals struct{}

func (noSeals) Chains(func(string, uint32, int64, uint64)) {}
func (noSeals) Seals(context.Context, string, uint32, uint64, int, func(uint64, []byte) error) error {
	return nil
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, now: start + 100*hour}
	clock := func() time.Time { return time.UnixMilli(w.now) }
	log := storetest.Logger(t)
	var err error
	if w.log, err = event.Open(t.Context(), event.Options{Store: db, Now: clock, Log: log}); err != nil {
		t.Fatal(err)
	}
	if w.repository, err = repository.New(t.Context(), repository.Options{Store: db, Events: w.log, Now: clock, Log: log}); err != nil {
		t.Fatal(err)
	}
	if w.ledger, err = ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Origin: "frostline/test", Store: db, Events: w.log, Seals: noSeals{}, Log: log, Interval: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	w.Teller = &Teller{Repository: w.repository, Events: w.log, Log: logged{w.ledger}, Units: shelf{}, Now: clock}
	return w
}

// sealed runs the ledger until all that was recorded is in it.
func (w *world) sealed() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.ledger.Run(ctx) }()
	err := w.ledger.Reach(ctx, w.log.Last())
	cancel()
	if end := <-done; err != nil || end != nil {
		w.t.Fatalf("evidence log: %v, %v", err, end)
	}
}

// fields are what an event has beside its time.
type fields map[string]any

// say captures an event at so many hours after start, and gives it.
func (w *world) say(by string, at float64, f fields) *epcis.Event {
	w.t.Helper()
	all := fields{"type": "ObjectEvent", "action": "OBSERVE", "eventTime": stamp(at), "eventTimeZoneOffset": "+00:00"}
	for k, v := range f {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := epcis.ParseEvent(b)
	if err != nil {
		w.t.Fatal(err)
	}
	if problems := e.Validate(); len(problems) > 0 {
		w.t.Fatalf("%s: %v", b, problems)
	}
	rec, err := repository.Index(e)
	if err != nil {
		w.t.Fatal(err)
	}
	job, err := w.repository.Capture(w.t.Context(), repository.Capture{By: by, Items: []repository.Item{{Record: rec}}})
	if err != nil || !job.Success {
		w.t.Fatalf("capture: %+v, %v", job, err)
	}
	return e
}

func stamp(at float64) string {
	return time.UnixMilli(start + int64(at*float64(hour))).UTC().Format("2006-01-02T15:04:05.000Z")
}

func list(all ...string) []string { return all }

func packed(parent, action string, children ...string) fields {
	step := "packing"
	if action == epcis.Delete {
		step = "unpacking"
	}
	return fields{"type": "AggregationEvent", "action": action, "bizStep": step, "parentID": parent, "childEPCs": children}
}

func moved(step, from, to string, epcs ...string) fields {
	f := fields{"bizStep": step, "epcList": epcs}
	if from != "" {
		f["sourceList"] = []fields{{"type": "possessing_party", "source": from}}
	}
	if to != "" {
		f["destinationList"] = []fields{{"type": "possessing_party", "destination": to}}
	}
	return f
}

// sensed is a report; a max of 0 says that nothing is known.
func sensed(from, to, most float64, epcs ...string) fields {
	report := fields{"type": "Temperature", "exception": "ERROR_CONDITION"}
	if most != 0 {
		report = fields{"type": "Temperature", "minValue": 275.15, "maxValue": most + 273.15, "uom": "KEL"}
	}
	return fields{"bizStep": "sensor_reporting", "epcList": epcs, "sensorElementList": []fields{{
		"sensorMetadata": fields{"startTime": stamp(from), "endTime": stamp(to)}, "sensorReport": []fields{report}}}}
}

func (w *world) tell() *Provenance {
	w.t.Helper()
	p, err := w.Tell(w.t.Context(), unitID)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// brief gives the steps and gaps in short lines.
func (p *Provenance) brief() (steps, gaps []string) {
	at := func(ms int64) string {
		if ms == 0 {
			return "?"
		}
		return fmt.Sprint(float64(ms-start) / float64(hour))
	}
	for _, s := range p.Steps {
		line := at(s.At) + " " + s.Step
		if s.Via != "" {
			line += " via " + name(s.Via)
		}
		if s.Wrong != nil {
			line += " wrong"
		}
		steps = append(steps, line)
	}
	for _, g := range p.Gaps {
		gaps = append(gaps, g.Kind+" "+at(g.From)+".."+at(g.To))
	}
	return steps, gaps
}
