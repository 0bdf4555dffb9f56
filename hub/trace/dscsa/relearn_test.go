package dscsa

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// sell enters a product in the catalog, as its event tells.
func (w *world) sell(p fact.ProductRecord) {
	w.t.Helper()
	w.mu.Lock()
	w.products[p.GTIN] = p
	w.mu.Unlock()
	_, err := w.log.Command(w.t.Context(), aCourier, func(ctx context.Context, ch event.Change) error {
		return add(ctx, ch, p.Ref(), fact.ProductDefined, "", p)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// during runs the desk until a condition holds.
func (w *world) during(until func() bool) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), time.Minute)
	defer stop()
	wake, quiet := w.log.Watch()
	defer quiet()
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	for !until() {
		select {
		case <-wake:
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			w.t.Fatal("it did not come to that in time")
		}
	}
}

var sold = fact.ProductRecord{ID: "epcistra", Name: "Epcistra", GTIN: gtin, Profile: "pr1"}

// TestLearnsAgain: units that were set aside become known when the catalog gets
// their product, by itself, and the document says so once.
func TestLearnsAgain(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		clear(w.products)
		s := w.takeIn(example(t))
		if aside, err := w.SetAside(t.Context(), "", 10); err != nil || len(aside) != 1 || aside[0].ID != s.ID || aside[0].Aside[0].Why != AsideNoProduct {
			t.Fatalf("set aside: %+v, %v", aside, err)
		}
		// One of them came to be known meanwhile, with another lot.
		w.units[gtin+".12"] = fact.UnitReceived{ID: gtin + ".12", GTIN: gtin, Serial: "12", Lot: "other", Expiry: "2025-03-27"}
		w.sell(fact.ProductRecord{ID: "p2", Name: "another", GTIN: "00614141999996", Profile: "pr1"})
		w.sell(sold)
		now := func() TradeStatement {
			t.Helper()
			got, err := w.Statement(t.Context(), s.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		w.during(func() bool { return now().Learned > 0 })
		got := now()
		if got.Learned != 11 || len(got.Aside) != 1 || got.Aside[0].Count != 1 || got.Aside[0].Why != AsideLot || got.Aside[0].Serials[0] != "12" || got.By != actor {
			t.Errorf("learned: %+v", got)
		}
		if u := w.units[gtin+".11"]; u.Product != "epcistra" || u.Lot != "A123" || w.units[gtin+".12"].Lot != "other" {
			t.Errorf("units: %+v, %+v", u, w.units[gtin+".12"])
		}
		// The product again, and the hub again: nothing more happens.
		last := w.log.Last()
		w.sell(sold)
		w.open(config())
		mark := w.log.Last()
		w.during(func() bool { return w.handled(mark) })
		if w.log.Last() != last+1 || now().Learned != 11 {
			t.Errorf("again: %d events since, %+v", w.log.Last()-last, now())
		}
	})
}

// handled says whether the desk has seen what came up to a position.
func (w *world) handled(position int64) bool {
	s, err := w.log.Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range s.Consumers {
		if c.Name == consumerID {
			return c.Position >= position
		}
	}
	return false
}

// killed takes units, and then nothing any more, as if the hub were killed.
type killed struct {
	*world
	dead bool
}

func (k *killed) Receive(ctx context.Context, actor, reason string, units []fact.UnitReceived) error {
	if k.dead {
		return event.ErrLater
	}
	k.dead = true
	if err := k.world.Receive(ctx, actor, reason, units); err != nil {
		return err
	}
	return errKilled
}

var errKilled = errors.New("killed")

// TestLearnsAgainAfterKill: a hub that is killed when units are known and the
// document does not say so yet says so after its next start, with the same
// numbers.
func TestLearnsAgainAfterKill(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		clear(w.products)
		s := w.takeIn(example(t))
		w.sell(sold)
		w.o.Units = &killed{world: w}
		if err := w.relearn(t.Context(), s.ID); !errors.Is(err, errKilled) {
			t.Fatalf("killed: %v", err)
		}
		if got, err := w.Statement(t.Context(), s.ID); err != nil || got.Learned != 0 || len(w.units) != 12 {
			t.Fatalf("before: %+v, %v", got, err)
		}
		w.open(config())
		learned := func() int {
			got, err := w.Statement(t.Context(), s.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got.Learned
		}
		w.during(func() bool { return learned() > 0 })
		if got, err := w.Statement(t.Context(), s.ID); err != nil || got.Learned != 12 || len(got.Aside) != 0 || got.Revision != 2 {
			t.Errorf("after: %+v, %v", got, err)
		}
	})
}

// TestEnteredMeanwhile: a product that is entered between the look at the catalog
// and the keeping of the document is not missed, for the document is an event
// too.
func TestEnteredMeanwhile(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		clear(w.products)
		w.sell(fact.ProductRecord{ID: "p2", Name: "another", GTIN: "00614141999996", Profile: "pr1"})
		s := w.takeIn(example(t))
		w.products[gtin] = sold // as if its event had come before the document's
		all, err := w.log.Read(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.follow(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Statement(t.Context(), s.ID); err != nil || got.Learned != 12 || len(got.Aside) != 0 {
			t.Errorf("learned: %+v, %v", got, err)
		}
	})
}
