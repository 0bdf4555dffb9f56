package repository

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// faulty fails the commands whose number it is told, after all that they do.
type faulty struct {
	*event.Log
	n    int
	fail func(n int) bool
}

var errDisk = errors.New("the disk is gone")

func (f *faulty) Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error) {
	f.n++
	n := f.n
	return f.Log.Command(ctx, actor, func(ctx context.Context, c event.Change) error {
		if err := do(ctx, c); err != nil || !f.fail(n) {
			return err
		}
		return errDisk
	})
}

// TestFaults: a capture whose transaction fails leaves nothing, not even in
// memory: what comes after it finds what is in the store.
func TestFaults(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		f := &faulty{Log: w.log, fail: func(n int) bool { return n%3 != 0 }}
		w.Repository.events = f
		want := 0
		for i := range 60 {
			var all []*Record
			for n := range 5 {
				id := fmt.Sprintf("urn:uuid:%d-%d", i/2, n)
				all = append(all, record(id, noon+int64(i), id, Term{EPC, epc(i*3 + n), Child}, Term{BizStep, fmt.Sprint("step", i%7), None}))
			}
			for {
				last := w.Last()
				j, err := w.Capture(t.Context(), Capture{By: "x", Items: items(all...)})
				if err == nil {
					if j.Captured+j.Known != 5 {
						t.Fatalf("capture %d: %+v", i, j)
					}
					want += int(j.Captured)
					break
				}
				if !errors.Is(err, errDisk) || w.Last() != last {
					t.Fatalf("capture %d: %v, last %d after %d", i, err, w.Last(), last)
				}
			}
		}
		if want != 150 || w.Last() != 150 {
			t.Errorf("%d captured, last %d: want 150", want, w.Last())
		}
		seen := map[string]bool{}
		for i := range 7 {
			for _, id := range w.ids(Query{Filters: []Filter{{Kind: BizStep, Values: []string{fmt.Sprint("step", i)}}}}, 100) {
				if seen[id] {
					t.Errorf("%s is found by two steps", id)
				}
				seen[id] = true
			}
		}
		if len(seen) != 150 {
			t.Errorf("%d events are found by their steps, want 150", len(seen))
		}
		var orphans int
		if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM epcis_value v WHERE NOT EXISTS (SELECT 1 FROM epcis_term x WHERE x.value = v.id)").Scan(&orphans); err != nil || orphans != 0 {
			t.Errorf("%d values are of no event, %v", orphans, err)
		}
		w.inEvidence(150)
	})
}
