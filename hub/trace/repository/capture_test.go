package repository

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// TestCapture: what is captured is there once, under its id, and nothing takes
// its place.
func TestCapture(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		a, b := record("urn:uuid:a", noon, "a", Term{EPC, epc(1), Child}), record("", noon+1, "b", Term{EPC, epc(1), Parent})
		if j := w.capture(Rollback, a, b); !j.Success || j.Captured != 2 || j.Known != 0 || len(j.Problems) != 0 {
			t.Fatalf("first capture: %+v", j)
		}
		if j := w.capture(Rollback, a, b, a); !j.Success || j.Captured != 0 || j.Known != 3 {
			t.Errorf("the same again: %+v", j)
		}
		other, fresh := record("urn:uuid:a", noon, "other"), record("urn:uuid:c", noon+2, "c")
		j := w.capture(Rollback, fresh, other)
		if j.Success || j.Captured != 0 || len(j.Problems) != 1 || j.Problems[0].Type != Exists || j.Problems[0].Pointer != "/epcisBody/eventList/1" || !strings.Contains(j.Problems[0].Detail, `"urn:uuid:a"`) {
			t.Errorf("id reused: %+v", j)
		}
		if got := w.ids(Query{}, 10); fmt.Sprint(got) != fmt.Sprint([]string{"urn:uuid:a", b.ID}) {
			t.Errorf("after a rollback there are %v", got)
		}
		if j := w.capture(Proceed, other, fresh); j.Success || j.Captured != 1 || len(j.Problems) != 1 {
			t.Errorf("with proceed: %+v", j)
		}
		declared := record("urn:uuid:a", noon, "a")
		declared.Declares, declared.Document = strings.Repeat("d", 64), []byte(`{"eventID":"urn:uuid:a","errorDeclaration":{}}`)
		if j := w.capture(Rollback, declared); !j.Success || j.Captured != 1 {
			t.Errorf("error declaration: %+v", j)
		}
		if j := w.capture(Rollback, declared, a); !j.Success || j.Known != 2 {
			t.Errorf("error declaration again: %+v", j)
		}
		all, err := w.Event(t.Context(), "urn:uuid:a")
		if err != nil || len(all) != 2 || string(all[0].Document) != string(a.Document) || string(all[1].Document) != string(declared.Document) {
			t.Errorf("event with its declaration: %v, %v", all, err)
		}
		kept, err := w.Job(t.Context(), j.ID)
		if err != nil || kept.Success || kept.By != "partner/wholesaler" || len(kept.Problems) != 1 || kept.Problems[0] != j.Problems[0] {
			t.Errorf("job: %+v, %v", kept, err)
		}
		if _, err := w.Job(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a job there is not: %v", err)
		}
		if jobs, err := w.Jobs(t.Context(), 0, 3); err != nil || len(jobs) != 3 || jobs[0].Number != 6 || jobs[2].Number != 4 {
			t.Errorf("jobs: %+v, %v", jobs, err)
		}
		// A repository opened anew goes on.
		w.Repository, err = New(t.Context(), Options{Store: db, Events: w.log, Log: storetest.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		if j := w.capture(Rollback, a, record("urn:uuid:d", noon, "d", Term{EPC, epc(1), Child})); !j.Success || j.Captured != 1 || j.Known != 1 || w.Last() != 5 {
			t.Errorf("after opening anew: %+v, last %d", j, w.Last())
		}
		w.inEvidence(5)
	})
}

// inEvidence checks that the domain events name every event there is.
func (w *world) inEvidence(want int) {
	w.t.Helper()
	events, err := w.log.Read(w.t.Context(), 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	seq := int64(0)
	for _, e := range events {
		var f fact.EventsCaptured
		if err := json.Unmarshal(e.Data, &f); err != nil || e.Type != fact.EventsWereCaptured || len(e.Data) > 60_000 {
			w.t.Fatalf("event %s of %d bytes: %v", e.Type, len(e.Data), err)
		}
		for _, c := range f.Captures {
			for _, one := range c.Events {
				seq++
				all, err := w.Event(w.t.Context(), one.ID)
				if err != nil {
					w.t.Fatal(err)
				}
				found := false
				for _, row := range all {
					r := Record{Document: row.Document}
					found = found || row.Seq == one.Seq && r.digest() == one.Digest
				}
				if !found || one.Seq != seq {
					w.t.Errorf("named as %+v, in order %d: not there", one, seq)
				}
			}
		}
	}
	if seq != int64(want) {
		w.t.Errorf("%d events are named, want %d", seq, want)
	}
}

// TestCapturesTogether: captures at once lose and double nothing, and what one
// is refused for does not touch another.
func TestCapturesTogether(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		before, _ := db.Commits()
		const captures, each = 40, 12
		var all sync.WaitGroup
		for i := range captures {
			all.Go(func() {
				var batch []*Record
				for n := range each {
					id := fmt.Sprintf("urn:uuid:%d-%d", i/2, n) // two captures have the same events
					batch = append(batch, record(id, noon+int64(n), id, Term{EPC, epc(i/2*each + n), Child}, Term{BizStep, "shipping", None}))
				}
				if i%10 == 9 {
					batch = append(batch, record("urn:uuid:0-0", noon, "bad"), record("urn:uuid:0-0", noon, "worse"))
				}
				j, err := w.Capture(t.Context(), Capture{By: "x", Items: items(batch...)})
				if err != nil || j.Success == (i%10 == 9) {
					t.Errorf("capture %d: %+v, %v", i, j, err)
				}
			})
		}
		all.Wait()
		after, _ := db.Commits()
		if got := w.ids(Query{Filters: []Filter{{Kind: BizStep, Values: []string{"shipping"}}}}, 7); len(got) != captures/2*each {
			t.Errorf("%d events, want %d", len(got), captures/2*each)
		}
		if after-before > captures {
			t.Errorf("%d commits for %d captures", after-before, captures)
		}
		w.inEvidence(captures / 2 * each)
	})
}

// TestTooLarge: what would hold up the hub is refused before anything is done.
func TestTooLarge(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	many := make([]Item, MaxEvents+1)
	if _, err := w.Capture(t.Context(), Capture{Items: many}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many events: %v", err)
	}
	r := record("urn:uuid:a", noon, "a")
	r.Terms = make([]Term, MaxTerms+1)
	if _, err := w.Capture(t.Context(), Capture{Items: items(r)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many terms: %v", err)
	}
	r = record(strings.Repeat("x", maxID+1), noon, "a")
	if j := w.capture(Rollback, r); j.Success || len(j.Problems) != 1 || j.Problems[0].Type != Invalid {
		t.Errorf("long id: %+v", j)
	}
	long := record("urn:uuid:l", noon, "l", Term{URIValue, "https://example.com/" + strings.Repeat("a", 5000), None})
	if j := w.capture(Rollback, long); !j.Success {
		t.Errorf("long value: %+v", j)
	}
	if got := w.ids(Query{Filters: []Filter{{Kind: URIValue, Values: []string{"https://example.com/" + strings.Repeat("a", 5000)}}}}, 1); len(got) != 1 {
		t.Errorf("long value is not found")
	}
	if got := w.ids(Query{Filters: []Filter{{Kind: URIValue, Values: []string{"https://example.com/" + strings.Repeat("a", 4999)}}}}, 1); len(got) != 0 {
		t.Errorf("another long value is found")
	}
}
