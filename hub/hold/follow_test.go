package hold_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// desk is holds that follow a log, on a store.
type desk struct {
	*hold.Holds
	t     *testing.T
	db    *store.DB
	log   *event.Log
	model *hold.Model
	ended atomic.Pointer[string] // a case that is not under suspicion any more
}

func open(t *testing.T, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, model: hold.NewModel()}
	d.ended.Store(new(""))
	var err error
	if d.log, err = event.Open(t.Context(), event.Options{Store: db, Models: d.model.Models(), Log: storetest.Logger(t)}); err != nil {
		t.Fatal(err)
	}
	d.Holds, err = hold.New(hold.Options{Log: d.log, Store: db, Model: d.model, Suspected: func(_ context.Context, id string) (bool, error) { return id != *d.ended.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// follow follows until stop is called.
func (d *desk) follow() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Follow(ctx, d.log) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Errorf("follow: %v", err)
		}
	}
}

func (d *desk) say(typ, id string, data any) {
	d.t.Helper()
	_, err := d.log.Command(d.t.Context(), "person/ann", func(ctx context.Context, ch event.Change) error {
		_, err := ch.Append(ctx, event.New{Stream: fact.Ref{Kind: fact.Suspect, ID: id}.String(), Expect: -1, Type: typ, Reason: "looked into", Data: data})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// until waits until what stands is as wanted, by cause.
func (d *desk) until(want ...string) []hold.Hold {
	d.t.Helper()
	wake, stop := d.log.Watch()
	defer stop()
	late := time.After(30 * time.Second)
	for {
		all, err := d.List(d.t.Context(), hold.Filter{Standing: true}, "", 100)
		if err != nil {
			d.t.Fatal(err)
		}
		var got []string
		for _, h := range all {
			got = append(got, h.Cause)
		}
		slices.Sort(got)
		if slices.Equal(got, want) {
			return all
		}
		select {
		case <-wake:
		case <-late:
			d.t.Fatalf("there stands %q, want %q", got, want)
		}
	}
}

// TestSuspectProductIsHeld: from the word that it is suspect until the one that
// clears it, whatever is told twice, and whenever the hub ends in between.
func TestSuspectProductIsHeld(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		ctx := t.Context()
		d.say(fact.SuspectWasProposed, "T1", fact.SuspectProposed{ID: "T1", Units: []string{a}, Cause: "rejected"})
		d.say(fact.SuspectWasOpened, "T1", fact.SuspectOpened{ID: "T1", Units: []string{a}, Cause: "no seal"})
		d.say(fact.SuspectWasOpened, "T2", fact.SuspectOpened{ID: "T2", Package: "P1", Cause: "stolen"})
		d.say(fact.SuspectWasOpened, "T3", fact.SuspectOpened{ID: "T3", Units: []string{b}, Cause: "of old"})
		d.ended.Store(new("T3")) // before the hub followed
		stop := d.follow()
		standing := d.until("suspect product, case T1", "suspect product, case T2")
		for on, want := range map[fact.Ref]bool{{Kind: fact.Unit, ID: a}: true, {Kind: fact.Unit, ID: b}: false, {Kind: fact.Package, ID: "P1"}: true} {
			if held, err := d.model.Held(ctx, db, on); err != nil || held != want {
				t.Errorf("%s is held: %v, %v, want %v", on, held, err, want)
			}
		}
		for _, h := range standing {
			if _, err := d.Lift(ctx, "person/ann", "in a hurry", fact.HoldLifted{ID: h.ID}); !errors.Is(err, record.ErrRefused) || !strings.Contains(err.Error(), `clear case "`+h.Suspect+`"`) {
				t.Errorf("lifted by hand while it is suspect: %v", err)
			}
		}
		d.say(fact.SuspectIsIllegitimate, "T2", fact.SuspectIllegitimate{ID: "T2", Classification: "Stolen"})
		d.say(fact.SuspectWasCleared, "T1", fact.SuspectStep{ID: "T1"})
		d.until("suspect product, case T2")
		stop()

		d.say(fact.SuspectWasTerminated, "T2", fact.SuspectStep{ID: "T2"})
		d.say(fact.SuspectWasOpened, "T4", fact.SuspectOpened{ID: "T4", Units: []string{a}, Cause: "again"})
		d = open(t, db) // the hub starts anew
		defer d.follow()()
		standing = d.until("suspect product, case T2", "suspect product, case T4")
		d.ended.Store(new("T2"))
		if _, err := d.Lift(ctx, "person/ann", "destroyed", fact.HoldLifted{ID: standing[slices.IndexFunc(standing, func(h hold.Hold) bool { return h.Suspect == "T2" })].ID}); err != nil {
			t.Errorf("lift what has ended: %v", err)
		}
		d.until("suspect product, case T4")
		events, err := d.log.Read(ctx, 0, 100, fact.HoldWasPlaced, fact.HoldWasLifted)
		if err != nil || len(events) != 5 {
			t.Errorf("%d events, %v, want 3 holds and 2 lifted", len(events), err)
		}
	})
}

// TestSuspectHoldsUnderATakenID: somebody has used the id of a case's hold for
// something else. Both stand.
func TestSuspectHoldsUnderATakenID(t *testing.T) {
	d := open(t, storetest.Open(t, storetest.SQLite(t)))
	defer d.follow()()
	d.say(fact.SuspectWasOpened, "T1", fact.SuspectOpened{ID: "T1", Units: []string{a}, Cause: "no seal"})
	id := d.until("suspect product, case T1")[0].ID
	e := open(t, storetest.Open(t, storetest.SQLite(t)))
	if _, err := e.Place(t.Context(), "person/ann", "", fact.HoldPlaced{ID: id, Units: []string{b}, Cause: "dented"}); err != nil {
		t.Fatal(err)
	}
	defer e.follow()()
	e.say(fact.SuspectWasOpened, "T1", fact.SuspectOpened{ID: "T1", Units: []string{a}, Cause: "no seal"})
	e.until("dented", "suspect product, case T1")
	e.say(fact.SuspectWasCleared, "T1", fact.SuspectStep{ID: "T1"})
	e.until("dented")
}

// TestAgainst: a hold counts from when it was placed.
func TestAgainst(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		h, err := d.Place(t.Context(), "person/ann", "", fact.HoldPlaced{ID: "h1", Units: []string{a}, Cause: "dented"})
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[int64]string{h.Created - 1: "", h.Created: "h1", h.Created + 1: "h1"} {
			id, cause, err := d.model.Against(t.Context(), db, fact.Ref{Kind: fact.Unit, ID: a}, at)
			if err != nil || id != want || (cause == "dented") != (want != "") {
				t.Errorf("at %+d ms: %q, %q, %v, want %q", at-h.Created, id, cause, err, want)
			}
		}
	})
}
