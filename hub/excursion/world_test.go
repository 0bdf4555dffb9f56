package excursion

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

const minute = int64(60_000)

// t0 is when the stories begin.
const t0 = int64(1_780_000_000_000)

// world is the context on a real event store.
type world struct {
	t      testing.TB
	ctx    context.Context
	log    *event.Log
	cases  *Cases
	tables *Tables
	seen   int64 // position up to which Handle has been called

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), tables: NewTables(), now: time.UnixMilli(t0).Add(24 * time.Hour)}
	w.open(db, nil)
	return w
}

// open starts the context on the store, as after a start of the hub.
func (w *world) open(db *store.DB, wrap func(Events) Events) {
	w.t.Helper()
	log, err := event.Open(w.ctx, event.Options{Store: db, Models: w.tables.Models(), Now: w.clock, Log: storetest.Logger(w.t)})
	if err != nil {
		w.t.Fatal(err)
	}
	var events Events = log
	if wrap != nil {
		events = wrap(log)
	}
	cases, err := New(Options{Events: events, Store: db, Tables: w.tables, Signers: staff{}, Spans: spans{}, Policy: policy{}, Now: w.clock, Log: storetest.Logger(w.t)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.log, w.cases = log, cases
}

// staff are those who can sign; the password is the id backwards.
type staff struct{}

func (staff) Reauthenticate(_ context.Context, person, password string) (string, []string, error) {
	known := map[string][]string{"ada": {"qa"}, "bea": {"qa", "qa_approver"}, "cyd": {"qa_approver"}, "dan": {"dispatcher"}}
	roles, ok := known[person]
	if !ok || password != "pw-"+person {
		return "", nil, fmt.Errorf("password: %w", ErrPassword)
	}
	return "Dr. " + person, roles, nil
}

// spans say of a span what follows from it alone, so that it can be told apart.
type spans struct{}

func (spans) Assess(_ context.Context, of fact.ExcursionFacts, from, to int64) (fact.Assessment, error) {
	if to > t0+1000*minute {
		return fact.Assessment{}, invalid("range: to %d is after the watch ends", to)
	}
	return fact.Assessment{From: from, To: to, Engine: "1", Verdict: fmt.Sprintf("%064d", to), Outcome: thermal.Excursion, OutOfRange: to - from, Max: of.Peak}, nil
}

type policy struct{}

func (policy) Levels(severity, _ string) []time.Duration {
	if severity == string(thermal.Warning) {
		return nil
	}
	return []time.Duration{15 * time.Minute, 30 * time.Minute}
}
func (policy) Repeats() int { return 2 }

// tell appends an event of another context.
func (w *world) tell(stream, typ string, data any) {
	w.t.Helper()
	_, err := w.log.Command(w.ctx, "system/test", func(ctx context.Context, ch event.Change) error {
		_, err := ch.Append(ctx, event.New{Stream: stream, Expect: -1, Type: typ, Data: data})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// handle gives the context all that it has not handled, as its consumer would.
func (w *world) handle() {
	w.t.Helper()
	for {
		events, err := w.log.Read(w.ctx, w.seen, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(events) == 0 {
			return
		}
		if err := w.cases.Handle(w.ctx, events); err != nil {
			w.t.Fatal(err)
		}
		w.seen = events[len(events)-1].Position
	}
}

// hot is an excursion over 8 °C.
func hot(from, to, peak int64, severity thermal.Severity) thermal.Event {
	return thermal.Event{
		Limit: "high", Op: thermal.Above, At: 8000, Severity: severity, From: t0 + from*minute, To: t0 + to*minute, Ended: thermal.Returned,
		Alarm: t0 + from*minute + 1, Peak: thermal.Temp(peak), PeakAt: t0 + from*minute, Duration: (to - from) * minute, Area: float64(to-from) / 10,
	}
}

// verdict tells a verdict of package P with these excursions.
func (w *world) verdict(pkg string, revision int, cause string, events ...thermal.Event) {
	w.t.Helper()
	v := thermal.Verdict{Profile: "fridge", Version: 1, From: t0, To: t0 + 1000*minute, Excursions: events}
	v.Constants.LongestGap = 10 * minute
	w.judge(pkg, revision, cause, v)
}

func (w *world) judge(pkg string, revision int, cause string, v thermal.Verdict) {
	w.t.Helper()
	digest, err := fact.Digest(v)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tell("package/"+pkg, fact.VerdictWasRevised, fact.VerdictRevised{
		Package: pkg, Profile: "fridge", Version: 1, Revision: revision, Digest: digest,
		Cause: fact.Cause{Kind: cause, Detail: fmt.Sprintf("%s of gateway van-1, blocks 7 to 9", cause)}, Verdict: v,
	})
}

func (w *world) attach(id, unit, pkg string, at int64, corrects string) {
	w.t.Helper()
	a := fact.Attached{ID: id, Subject: fact.Ref{Kind: fact.Unit, ID: unit}, At: t0 + at*minute, Made: t0 + at*minute, Via: "scan", Corrects: corrects}
	if pkg != "" {
		a.In = &fact.Ref{Kind: fact.Package, ID: pkg}
	}
	w.tell("unit/"+unit, fact.WasAttached, a)
}

func (w *world) receive(unit, lot string) {
	w.t.Helper()
	w.tell("unit/"+unit, fact.UnitWasReceived, fact.UnitReceived{ID: unit, Product: "D1", Lot: lot})
}

// all lists all cases of a package.
func (w *world) all(pkg string) []View {
	w.t.Helper()
	v, err := w.cases.List(w.ctx, Filter{Package: pkg}, "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// only gives the one case of a package.
func (w *world) only(pkg string) View {
	w.t.Helper()
	v := w.all(pkg)
	if len(v) != 1 {
		w.t.Fatalf("package %s has %d cases, want 1: %+v", pkg, len(v), v)
	}
	return v[0]
}

func by(person, id string) By {
	return By{Actor: "person/" + person, Case: id, Why: "because", Expect: -1}
}

// must takes the outcome of a step.
func (w *world) must(v View, err error) View {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// advance takes a case by all steps to a state.
func (w *world) advance(id string, to State) View {
	w.t.Helper()
	v := w.must(w.cases.Get(w.ctx, id))
	for v.State != to {
		switch v.State {
		case Opened, Reopened, Retracted:
			v = w.must(w.cases.Acknowledge(w.ctx, by("dan", id)))
		case Acknowledged:
			v = w.must(w.cases.Investigate(w.ctx, by("ada", id)))
		case Investigating:
			v = w.must(w.cases.Propose(w.ctx, by("ada", id), []Decision{{Package: v.Facts.Package, Decision: "quarantine"}}))
		case Proposed:
			v = w.must(w.cases.Sign(w.ctx, by("ada", id), Proof{Password: "pw-ada", Content: v.Content}))
		case Signed:
			v = w.must(w.cases.Approve(w.ctx, by("bea", id), Proof{Password: "pw-bea", Content: v.Content}))
		case Approved:
			v = w.must(w.cases.Close(w.ctx, by("ada", id)))
		case Closed:
			w.t.Fatalf("case %s is closed on the way to %s", id, to)
		}
	}
	return v
}
