package excursion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

const unit1, unit2, unit3 = "09506000134352.S1", "09506000134352.S2", "09506000134352.S3"

func TestLifeOfAnExcursion(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.receive(unit1, "L1")
		w.receive(unit2, "L1")
		w.receive(unit3, "L2")
		w.attach("s1", unit1, "P1", 0, "")
		w.attach("s2", unit2, "P1", 0, "")
		w.attach("s3", unit3, "P1", 0, "")
		w.attach("s4", unit3, "", 90, "") // taken out before
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.handle()

		v := w.only("P1")
		if v.State != Opened || v.Level != 1 || len(v.Facts.Units) != 2 || v.Facts.Units[0] != (fact.Affected{Unit: unit1, Lot: "L1"}) {
			t.Fatalf("opened as %+v", v)
		}
		if states, awaiting, err := w.cases.Tally(w.ctx); err != nil || states[Opened] != 1 || len(states) != 1 || awaiting != 1 {
			t.Errorf("tally %v, %d awaited, %v", states, awaiting, err)
		}
		id := v.ID
		if _, err := w.cases.Propose(w.ctx, by("ada", id), []Decision{{Lot: "L1", Decision: "release"}}); !errors.Is(err, ErrOrder) {
			t.Fatalf("release before review: %v", err)
		}
		w.must(w.cases.Acknowledge(w.ctx, by("dan", id)))
		w.must(w.cases.Investigate(w.ctx, by("ada", id)))
		for _, bad := range [][]Decision{
			nil, {{Unit: unit1, Decision: "release"}}, {{Lot: "L2", Decision: "release"}}, {{Lot: "L1", Decision: "sell"}},
			{{Lot: "L1", Unit: unit1, Decision: "release"}}, {{Package: "P2", Decision: "release"}}, {{Lot: "L1", Decision: "release"}, {Lot: "L1", Decision: "reject"}},
		} {
			if _, err := w.cases.Propose(w.ctx, by("ada", id), bad); !errors.Is(err, ErrInvalid) {
				t.Errorf("dispositions %v: %v", bad, err)
			}
		}
		v = w.must(w.cases.Propose(w.ctx, by("ada", id), []Decision{{Lot: "L1", Decision: "release"}, {Unit: unit2, Decision: "reject"}}))
		want := []fact.Disposition{{Unit: unit1, Lot: "L1", Decision: "release"}, {Unit: unit2, Lot: "L1", Decision: "reject"}}
		if !slices.Equal(v.Proposal, want) {
			t.Fatalf("proposal %+v, want %+v", v.Proposal, want)
		}
		content := v.Content

		refused := w.cases.Counts().Refused
		for name, try := range map[string]struct {
			person string
			proof  Proof
			want   error
		}{
			"wrong password":     {"ada", Proof{Password: "no", Content: content}, ErrPassword},
			"no role":            {"dan", Proof{Password: "pw-dan", Content: content}, ErrForbidden},
			"not what was shown": {"ada", Proof{Password: "pw-ada", Content: "00"}, ErrStale},
		} {
			if _, err := w.cases.Sign(w.ctx, by(try.person, id), try.proof); !errors.Is(err, try.want) {
				t.Errorf("%s: %v, want %v", name, err, try.want)
			}
		}
		v = w.must(w.cases.Sign(w.ctx, by("bea", id), Proof{Password: "pw-bea", Content: content}))
		if _, err := w.cases.Approve(w.ctx, by("bea", id), Proof{Password: "pw-bea", Content: content}); !errors.Is(err, ErrForbidden) {
			t.Errorf("approved by who signed: %v", err)
		}
		if _, err := w.cases.Approve(w.ctx, by("ada", id), Proof{Password: "pw-ada", Content: content}); !errors.Is(err, ErrForbidden) {
			t.Errorf("approved without the role: %v", err)
		}
		if got := w.cases.Counts().Refused - refused; got != 5 {
			t.Errorf("%d refusals counted, want 5", got)
		}
		if _, err := w.cases.Close(w.ctx, by("ada", id)); !errors.Is(err, ErrOrder) {
			t.Errorf("closed before approval: %v", err)
		}
		v = w.must(w.cases.Approve(w.ctx, by("cyd", id), Proof{Password: "pw-cyd", Content: content, Comment: "stability data on file"}))
		v = w.must(w.cases.Close(w.ctx, by("ada", id)))
		if v.State != Closed || v.Outcome != "disposed" || v.Refusals != 4 {
			t.Fatalf("closed as %+v", v)
		}
		for i, name := range []string{"Dr. bea", "Dr. cyd"} {
			if s := v.Signed[i]; s.Standing != "valid" || s.Name != name || s.Meaning == "" || s.At == 0 || s.Content != content {
				t.Errorf("signature %+v", s)
			}
		}
		trail, err := w.cases.Trail(w.ctx, id, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, e := range trail {
			kinds = append(kinds, e.Type)
			if e.Actor == "" || e.At == 0 || e.Reason == "" {
				t.Errorf("trail without who, when or why: %+v", e)
			}
		}
		if len(trail) != 11 || kinds[0] != fact.ExcursionWasOpened || kinds[10] != fact.ExcursionWasClosed {
			t.Errorf("trail %v", kinds)
		}

		// A block that was late makes it worse: closed becomes reopened.
		w.verdict("P1", 2, "late reading", hot(95, 130, 12000, thermal.Alarm))
		w.handle()
		w.handle()
		v = w.only("P1")
		if v.ID != id || v.State != Reopened || v.Facts.From != t0+95*minute || v.Reopenings != 1 || v.Outcome != "" {
			t.Fatalf("reopened as %+v", v)
		}
		for _, s := range v.Signed {
			if s.Standing != "no longer matches" {
				t.Errorf("signature of what has changed: %s", s.Standing)
			}
		}
		if trail, err = w.cases.Trail(w.ctx, id, 11, 100); err != nil || len(trail) != 1 {
			t.Fatalf("trail after: %v, %v", trail, err)
		}
		d, err := fact.Decode(trail[0].Type, trail[0].Data)
		if err != nil {
			t.Fatal(err)
		}
		r := d.(*fact.ExcursionRevised)
		if r.OldDigest == r.NewDigest || r.Cause.Kind != "late reading" || trail[0].Reason == "" || !slices.Contains(r.Effects, unsigned) || !slices.Contains(r.Changed, "peak") {
			t.Errorf("revision %+v", r)
		}
		w.advance(id, Closed)
		// A verdict that says the same of the case does not reopen it.
		w.verdict("P1", 3, "reading", hot(95, 130, 12000, thermal.Alarm), hot(500, 501, 8100, thermal.Warning))
		w.handle()
		if v := w.must(w.cases.Get(w.ctx, id)); v.State != Closed || v.Signed[2].Standing != "valid" || v.Signed[0].Standing == "valid" {
			t.Errorf("after a verdict that says the same: %+v", v)
		}
		// A scan that comes late shows one more unit in the package.
		w.attach("s5", unit3, "P1", 60, "s4")
		w.handle()
		if v := w.must(w.cases.Get(w.ctx, id)); v.State != Reopened || len(v.Facts.Units) != 3 {
			t.Errorf("after a late scan: %+v", v)
		}
	})
}

func TestDataRetractAnExcursion(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.verdict("P2", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.handle()
		one, two := w.only("P1").ID, w.only("P2").ID
		w.advance(one, Investigating)
		w.advance(two, Signed)
		w.verdict("P1", 2, "late reading")
		w.verdict("P2", 2, "late reading")
		w.handle()
		if v := w.only("P1"); v.State != Retracted || !v.Facts.Retracted || v.Outcome != "" {
			t.Fatalf("retracted as %+v", v)
		}
		if v := w.only("P2"); v.State != Reopened || !v.Facts.Retracted {
			t.Fatalf("retracted although signed: %+v", v)
		}
		if v := w.must(w.cases.Acknowledge(w.ctx, by("dan", one))); v.State != Closed || v.Outcome != "retracted" {
			t.Fatalf("acknowledged as %+v", v)
		}
		// What comes back is the same case.
		w.verdict("P1", 3, "late reading", hot(100, 119, 9100, thermal.Alarm))
		w.handle()
		if v := w.only("P1"); v.ID != one || v.State != Reopened || v.Facts.Retracted {
			t.Fatalf("reinstated as %+v", v)
		}
		if v := w.advance(two, Closed); v.Outcome != "disposed" {
			t.Errorf("closed as %+v", v)
		}
	})
}

func TestSeverityThatRisesAsksForAcknowledgementAnew(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Warning))
	w.handle()
	id := w.only("P1").ID
	w.advance(id, Proposed)
	w.verdict("P1", 2, "reading", hot(100, 125, 9100, thermal.Warning))
	w.handle()
	if v := w.only("P1"); v.State != Investigating || v.Proposal != nil {
		t.Fatalf("a proposal on facts that have changed: %+v", v)
	}
	w.verdict("P1", 3, "reading", hot(100, 130, 15000, thermal.Critical))
	w.handle()
	if v := w.only("P1"); v.State != Reopened || v.AwaitsSince == 0 || v.Level != 1 {
		t.Fatalf("a severity that rose: %+v", v)
	}
}

// TestEscalation: deadlines count from what was recorded, survive a restart,
// and end with an acknowledgement.
func TestEscalation(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.verdict("P2", 1, "reading", hot(100, 120, 9100, thermal.Warning)) // waits for nobody
		w.verdict("P3", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.handle()
		escalate := func() time.Time {
			t.Helper()
			next, err := w.cases.Escalate(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		level := func(pkg string, level, repeat int) {
			t.Helper()
			if v := w.only(pkg); v.Level != level || v.Repeat != repeat {
				t.Errorf("package %s: level %d repeat %d, want %d and %d", pkg, v.Level, v.Repeat, level, repeat)
			}
		}
		next := escalate()
		level("P1", 1, 0)
		if want := time.UnixMilli(w.only("P1").AwaitsSince).Add(15 * time.Minute); !next.Equal(want) {
			t.Errorf("next deadline %v, want %v", next, want)
		}
		w.pass(14 * time.Minute)
		escalate()
		level("P1", 1, 0)
		w.must(w.cases.Acknowledge(w.ctx, by("dan", w.only("P3").ID)))
		w.pass(61 * time.Second)
		w.open(db, nil) // a hub that was off meanwhile
		escalate()
		escalate()
		level("P1", 2, 0)
		level("P2", 1, 0)
		level("P3", 1, 0)
		for repeat := 1; repeat <= 2; repeat++ {
			w.pass(31 * time.Minute)
			escalate()
			level("P1", 2, repeat)
		}
		w.pass(24 * time.Hour)
		if next := escalate(); !next.IsZero() {
			t.Errorf("after the last repetition still waits until %v", next)
		}
		level("P1", 2, 2)
		if n := w.cases.Counts().Escalated; n != 3 {
			t.Errorf("%d escalations counted, want 3", n)
		}
	})
}

// TestStepRepeatedByItsCallerIsDoneOnce, as after an answer that was lost.
func TestStepRepeatedByItsCallerIsDoneOnce(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
	w.handle()
	id := w.only("P1").ID
	b := by("dan", id)
	b.ID = "key-1"
	first := w.must(w.cases.Acknowledge(w.ctx, b))
	if again := w.must(w.cases.Acknowledge(w.ctx, b)); again.Version != first.Version {
		t.Errorf("done twice: version %d after %d", again.Version, first.Version)
	}
	b.ID, b.Expect = "key-2", first.Version-1
	if _, err := w.cases.Investigate(w.ctx, b); !errors.Is(err, ErrStale) {
		t.Errorf("upon an old look: %v", err)
	}
	for _, actor := range []string{"partner/x", "system/x", "", "person/"} {
		b := by("dan", id)
		b.Actor = actor
		if _, err := w.cases.Investigate(w.ctx, b); !errors.Is(err, ErrForbidden) {
			t.Errorf("by %q: %v", actor, err)
		}
	}
	if _, err := w.cases.Get(w.ctx, "no-such"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

// faulty fails its nth command: before it was done, or after.
type faulty struct {
	Events
	n    int
	done bool
}

var errKilled = errors.New("killed")

func (f *faulty) Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error) {
	f.n--
	if f.n == 0 {
		if f.done {
			if _, err := f.Events.Command(ctx, actor, do); err != nil {
				return nil, err
			}
		}
		return nil, errKilled
	}
	return f.Events.Command(ctx, actor, do)
}

// TestKilledAtAnyCommand: each command of a story fails once as "not done" and
// once as "done, but nobody was told"; after a restart, with everything handled
// again from the start, the cases are those of an undisturbed run.
func TestKilledAtAnyCommand(t *testing.T) {
	story := func(t *testing.T, db *store.DB, n int, done bool) (string, bool) {
		w := newWorld(t, db)
		w.receive(unit1, "L1")
		w.attach("s1", unit1, "P1", 0, "")
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm), hot(300, 320, 9000, thermal.Warning))
		w.attach("s2", unit2, "P1", 50, "")
		w.verdict("P1", 2, "late reading", hot(100, 320, 9100, thermal.Critical))
		w.verdict("P1", 3, "late reading", hot(90, 110, 9100, thermal.Alarm), hot(700, 720, 9100, thermal.Alarm))
		f := &faulty{n: n, done: done}
		w.open(db, func(e Events) Events { f.Events = e; return f })
		killed := false
		for {
			events, err := w.log.Read(w.ctx, 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			err = w.cases.Handle(w.ctx, events)
			if err == nil {
				break
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			killed = true
		}
		var out string
		for _, v := range w.all("P1") {
			v.Changed, v.Opened, v.AwaitsSince = 0, 0, 0
			d, err := fact.Digest(v.Case)
			if err != nil {
				t.Fatal(err)
			}
			out += fmt.Sprintf("%s %s %d %s\n", v.ID, v.State, v.Version, d)
		}
		return out, killed
	}
	want, _ := story(t, storetest.Open(t, storetest.SQLite(t)), 0, false)
	for n := 1; ; n++ {
		killed := false
		for _, done := range []bool{false, true} {
			var got string
			got, killed = story(t, storetest.Open(t, storetest.SQLite(t)), n, done)
			if got != want {
				t.Errorf("killed at command %d, done %v:\n%swant:\n%s", n, done, got, want)
			}
		}
		if !killed {
			if n < 3 {
				t.Errorf("only %d commands were tried", n-1)
			}
			return
		}
	}
}
