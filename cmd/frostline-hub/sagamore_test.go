package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/record"
	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
)

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestEngineMayForget: what the engine knew is lost while a saga waits. It is run
// again from the log, and does nothing twice.
func TestEngineMayForget(t *testing.T) {
	w := openSagaWorld(t, storetest.SQLite(t), t.TempDir(), workflow.Config{})
	ctx := soon(t)
	stop := w.run()
	opened(w)
	w.until(ctx, sagaID, is(workflow.Waiting))
	stop()
	files, err := filepath.Glob(filepath.Join(w.dir, "workflow.db*"))
	w.must(err)
	if len(files) == 0 {
		t.Fatal("there is no workflow.db")
	}
	for _, f := range files {
		w.must(os.Remove(f))
	}
	w.run()
	w.sign(sagaCase, "reject")
	w.until(ctx, sagaID, is(workflow.Ended))
	if want := sagaStories["rejected"].made; !maps.Equal(w.made(), want) {
		t.Errorf("got\n%v\nwant\n%v", w.made(), want)
	}
}

// TestOrderlyStop: the hub ends while a saga waits, quality decides while no saga
// runs, and the saga goes on.
func TestOrderlyStop(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		w := openSagaWorld(t, url, t.TempDir(), workflow.Config{})
		ctx := soon(t)
		stop := w.run()
		opened(w)
		w.until(ctx, sagaID, is(workflow.Waiting))
		stop()
		w.sign(sagaCase, "release")
		w.run()
		w.until(ctx, sagaID, is(workflow.Ended))
		if want := sagaStories["released"].made; !maps.Equal(w.made(), want) {
			t.Errorf("got\n%v\nwant\n%v", w.made(), want)
		}
	})
}

// TestTwoExcursionsOfOnePackage: it is released by one and rejected by the other:
// it stays held. Rejected by both, it is replaced once.
func TestTwoExcursionsOfOnePackage(t *testing.T) {
	for name, first := range map[string]string{"released and rejected": "release", "rejected twice": "reject"} {
		t.Run(name, func(t *testing.T) {
			w := openSagaWorld(t, storetest.SQLite(t), t.TempDir(), workflow.Config{})
			ctx := soon(t)
			w.run()
			opened(w)
			w.open("x2")
			w.until(ctx, sagaID, is(workflow.Waiting))
			w.until(ctx, "excursion-x2", is(workflow.Waiting))
			w.sign(sagaCase, first)
			w.until(ctx, sagaID, is(workflow.Ended))
			w.sign("x2", "reject")
			w.until(ctx, "excursion-x2", is(workflow.Ended))
			r, err := w.dispatch.Leg(ctx, "R1")
			w.must(err)
			if !r.Visits()[0].Held {
				t.Error("what one of two has rejected may be delivered")
			}
			if n := w.made()["orders.order_placed"]; n != 1 {
				t.Errorf("replaced %d times, want once", n)
			}
		})
	}
}

// TestNotEnoughInStock: the order is refused before anything is made of it; a
// person fills the stock and has it tried again.
func TestNotEnoughInStock(t *testing.T) {
	w := openSagaWorld(t, storetest.SQLite(t), t.TempDir(), workflow.Config{})
	ctx := soon(t)
	w.run()
	opened(w)
	adjust := func(id string, by int64) {
		_, err := w.orders.Adjust(ctx, "person/ann", fact.InventoryAdjusted{ID: id, Product: "D1", Site: "S1", Change: by, Reason: "counted"})
		w.must(err)
	}
	adjust("a1", 1)
	w.until(ctx, sagaID, is(workflow.Waiting))
	w.sign(sagaCase, "reject")
	s := w.until(ctx, sagaID, is(workflow.Parked))
	if s.Step != "order" || w.made()["orders.order_placed"] != 0 {
		t.Errorf("parked at %s with %v", s.Step, w.made())
	}
	if _, err := w.sagas.Skip(ctx, "person/ann", "", sagaID, ""); !errors.Is(err, record.ErrInvalid) {
		t.Errorf("skipped without a reason: %v", err)
	}
	if _, err := w.sagas.Retry(ctx, "person/ann", "counted", sagaID, "job"); !errors.Is(err, record.ErrRefused) {
		t.Errorf("decided about a step that it is not at: %v", err)
	}
	adjust("a2", 5)
	_, err := w.sagas.Retry(ctx, "person/ann", "counted", sagaID, "order")
	w.must(err)
	if s := w.until(ctx, sagaID, is(workflow.Ended)); s.Outcome != workflow.Replaced {
		t.Errorf("outcome %s", s.Outcome)
	}
}

// TestAPersonIsAsked whether the delivery is held.
func TestAPersonIsAsked(t *testing.T) {
	for decision, held := range map[string]bool{workflow.Retry: true, workflow.Skip: false} {
		t.Run(decision, func(t *testing.T) {
			w := openSagaWorld(t, storetest.SQLite(t), t.TempDir(), workflow.Config{Stop: workflow.StopAsk})
			ctx := soon(t)
			w.run()
			opened(w)
			if s := w.until(ctx, sagaID, is(workflow.Parked)); s.Step != "stop" {
				t.Fatalf("parked at %s, want stop", s.Step)
			}
			w.decide(decision)
			w.until(ctx, sagaID, is(workflow.Waiting))
			r, err := w.dispatch.Leg(ctx, "R1")
			w.must(err)
			if r.Visits()[0].Held != held {
				t.Errorf("held %v, want %v", !held, held)
			}
		})
	}
}

// TestRecall has the courier come back.
func TestRecall(t *testing.T) {
	w := openSagaWorld(t, storetest.SQLite(t), t.TempDir(), workflow.Config{Stop: workflow.StopRecall})
	ctx := soon(t)
	w.run()
	opened(w)
	w.until(ctx, sagaID, is(workflow.Waiting))
	r, err := w.dispatch.Leg(ctx, "R1")
	w.must(err)
	if r.Status() != "recalled" || len(r.Messages) != 1 {
		t.Errorf("route is %s with %d messages, want it recalled and told once", r.Status(), len(r.Messages))
	}
}

// TestWarningsStartNothing, nor does what was over long ago.
func TestWarningsStartNothing(t *testing.T) {
	w := openSagaWorld(t, storetest.SQLite(t), t.TempDir(), workflow.Config{Severities: []string{"critical"}})
	opened(w)
	ctx := soon(t)
	w.run()
	wake, stop := w.log.Watch()
	defer stop()
	for behind := true; behind; {
		all, err := w.log.Status(ctx)
		w.must(err)
		for _, c := range all.Consumers {
			behind = behind && !(c.Name == "workflow" && c.Behind == 0)
		}
		if behind {
			select {
			case <-wake:
			case <-time.After(10 * time.Millisecond): // the cursor is saved without a word
			case <-ctx.Done():
				t.Fatal("the consumer does not get through")
			}
		}
	}
	if _, err := w.sagas.Saga(ctx, sagaID); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("got %v, want no saga", err)
	}
}

// TestTwoDecideAtOnce: one of them decides, and the other is told who has.
func TestTwoDecideAtOnce(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		w := openSagaWorld(t, url, t.TempDir(), workflow.Config{Stop: workflow.StopAsk})
		ctx := soon(t)
		stop := w.run()
		opened(w)
		seen := w.until(ctx, sagaID, is(workflow.Parked))
		stop()
		answers := make(chan error, 2)
		for who, decision := range map[string]string{"person/ann": workflow.Retry, "person/bob": workflow.Skip} {
			go func() {
				_, err := w.sagas.Decide(ctx, who, "looked into", sagaID, seen.Pause, decision)
				answers <- err
			}()
		}
		one, other := <-answers, <-answers
		if one != nil {
			one, other = other, one
		}
		if one != nil || !errors.Is(other, record.ErrRefused) {
			t.Fatalf("got %v and %v, want one of them refused", one, other)
		}
		s, err := w.sagas.Saga(ctx, sagaID)
		w.must(err)
		if want := s.Taken[0].By + " has decided to " + s.Taken[0].Decision + " already"; len(s.Taken) != 1 || !strings.Contains(other.Error(), want) {
			t.Errorf("%d decisions; the other is told %q, want %q", len(s.Taken), other, want)
		}
		// The page of somebody who has slept: the step is parked anew since.
		w.run()
		w.until(ctx, sagaID, is(workflow.Waiting))
		if _, err := w.sagas.Decide(ctx, "person/cy", "in a hurry", sagaID, seen.Pause, workflow.Compensate); !errors.Is(err, record.ErrRefused) {
			t.Errorf("about a pause that is over: %v", err)
		}
		if _, err := w.sagas.Decide(ctx, "person/cy", "over", sagaID, "disposition", workflow.Compensate); err != nil {
			t.Errorf("about the step that it waits at: %v", err)
		}
		w.until(ctx, sagaID, is(workflow.Ended))
		ended, err := w.sagas.Ended(ctx, 10)
		if err != nil || len(ended) != 1 || ended[0].ID != sagaID {
			t.Errorf("ended: %+v, %v", ended, err)
		}
	})
}

// TestOnlyItsSagaLiftsAHold while it goes on; afterwards persons do.
func TestOnlyItsSagaLiftsAHold(t *testing.T) {
	w := openSagaWorld(t, storetest.SQLite(t), t.TempDir(), workflow.Config{})
	ctx := soon(t)
	w.run()
	opened(w)
	w.until(ctx, sagaID, is(workflow.Waiting))
	standing, err := w.holds.List(ctx, hold.Filter{On: packageP1}, "", 10)
	w.must(err)
	lift := func() error {
		_, err := w.holds.Lift(ctx, "person/ann", "in a hurry", fact.HoldLifted{ID: standing[0].ID})
		return err
	}
	if err := lift(); !errors.Is(err, record.ErrRefused) || !strings.Contains(err.Error(), "saga "+sagaID+" holds it until quality has decided") {
		t.Errorf("lifted while the saga waits: %v", err)
	}
	w.sign(sagaCase, "reject")
	w.until(ctx, sagaID, is(workflow.Ended))
	w.must(lift()) // destroyed, say
}
