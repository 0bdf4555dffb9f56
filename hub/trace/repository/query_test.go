package repository

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// TestQueriesAgree: whatever plan a query is answered by, it gives what looking
// at every event gives, in pages of whatever size.
func TestQueriesAgree(t *testing.T) {
	defer func(was int64) { window = was }(window)
	window = 300
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		rnd := rand.New(rand.NewPCG(5, 2))
		const events = 3000 // more than few of the frequent values
		var all []*Record
		recorded := map[string]int64{}
		for n := 0; n < events; {
			var batch []*Record
			w.clock.Add(1000)
			for range 100 {
				r := record("", noon+rnd.Int64N(500), fmt.Sprint("event", n),
					Term{BizStep, pick(rnd, "shipping", "shipping", "receiving"), None},
					Term{ReadPoint, fmt.Sprint("rp", rnd.IntN(40)), None},
					Term{EPC, epc(rnd.IntN(800)), Role(1 + rnd.IntN(4))},
					Term{EPC, epc(rnd.IntN(800)), Role(1 + rnd.IntN(4))})
				if n%3 == 0 {
					r.Numbers = []Number{{"value K", float64(rnd.IntN(50))}}
				}
				batch, all = append(batch, r), append(all, r)
				recorded[r.ID] = w.clock.Load()
				n++
			}
			w.capture(Rollback, batch...)
		}
		for i := range 120 {
			q := Query{Descending: rnd.IntN(2) == 0, ByRecord: rnd.IntN(3) == 0}
			if rnd.IntN(3) == 0 {
				q.FromTime = new(noon + rnd.Int64N(300))
			}
			if rnd.IntN(3) == 0 {
				q.BeforeTime = new(noon + 200 + rnd.Int64N(300))
			}
			if rnd.IntN(4) == 0 {
				q.FromRecord, q.BeforeRecord = new(noon+rnd.Int64N(9000)), new(noon+9000+rnd.Int64N(25000))
			}
			for range rnd.IntN(4) {
				switch rnd.IntN(5) {
				case 0:
					q.Filters = append(q.Filters, Filter{Kind: BizStep, Values: []string{pick(rnd, "shipping", "receiving", "unheard")}})
				case 1:
					f := Filter{Kind: ReadPoint}
					for range 1 + rnd.IntN(30) {
						f.Values = append(f.Values, fmt.Sprint("rp", rnd.IntN(60)))
					}
					q.Filters = append(q.Filters, f)
				case 2:
					q.Filters = append(q.Filters, Filter{Kind: EPC, Values: []string{epc(rnd.IntN(800)), epc(rnd.IntN(800))}, Roles: []Role{Role(1 + rnd.IntN(4)), Child}})
				case 3:
					q.Filters = append(q.Filters, Filter{Kind: EPC, Prefixes: []string{epc(rnd.IntN(800))[:len(epc(0))-1]}})
				case 4:
					v := float64(rnd.IntN(50))
					f := Filter{Field: "value K", Intervals: []Interval{pick(rnd, Equal, Greater, AtLeast, Less, AtMost)(v, 0)}}
					if rnd.IntN(2) == 0 {
						f.Intervals = append(f.Intervals, Equal(7, 0))
					}
					q.Filters = append(q.Filters, f)
				}
			}
			want := naive(all, recorded, q)
			if got := w.ids(q, 1+rnd.IntN(2000)); !slices.Equal(got, want) {
				t.Fatalf("query %d %+v:\ngot  %d %v\nwant %d %v", i, q, len(got), head(got), len(want), head(want))
			}
		}
	})
}

func pick[T any](rnd *rand.Rand, of ...T) T { return of[rnd.IntN(len(of))] }

func head(all []string) []string { return all[:min(len(all), 5)] }

// naive answers a query by looking at every event; all are in order of seq.
func naive(all []*Record, recorded map[string]int64, q Query) (ids []string) {
	type hit struct {
		r   *Record
		seq int
	}
	var hits []hit
	for i, r := range all {
		ok := (q.FromTime == nil || r.Time >= *q.FromTime) && (q.BeforeTime == nil || r.Time < *q.BeforeTime) &&
			(q.FromRecord == nil || recorded[r.ID] >= *q.FromRecord) && (q.BeforeRecord == nil || recorded[r.ID] < *q.BeforeRecord)
		for _, f := range q.Filters {
			ok = ok && (slices.ContainsFunc(r.Terms, func(x Term) bool {
				return x.Kind == f.Kind && (len(f.Roles) == 0 || slices.Contains(f.Roles, x.Role)) &&
					(slices.Contains(f.Values, x.Value) || slices.ContainsFunc(f.Prefixes, func(p string) bool { return len(x.Value) >= len(p) && x.Value[:len(p)] == p }))
			}) || slices.ContainsFunc(r.Numbers, func(n Number) bool {
				return n.Field == f.Field && slices.ContainsFunc(f.Intervals, func(i Interval) bool { return i.Low <= n.Value && n.Value <= i.High })
			}))
		}
		if ok {
			hits = append(hits, hit{r, i})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		d := a.seq - b.seq
		if !q.ByRecord && a.r.Time != b.r.Time {
			d = int(a.r.Time - b.r.Time)
		}
		if q.Descending {
			d = -d
		}
		return d
	})
	for _, h := range hits {
		ids = append(ids, h.r.ID)
	}
	return ids
}

// TestLimits: a query gives as many as it says, and no more.
func TestLimits(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var all []*Record
		for i := range 20 {
			all = append(all, record(fmt.Sprint("e", i), noon+int64(i), fmt.Sprint(i), Term{BizStep, "shipping", None}))
		}
		w.capture(Rollback, all...)
		q := Query{Limit: 5, Descending: true}
		if got := w.ids(q, 2); !slices.Equal(got, []string{"e19", "e18", "e17", "e16", "e15"}) {
			t.Errorf("first ones: %v", got)
		}
		if page, next, err := w.Fetch(t.Context(), Query{Most: 19}, nil, 5); !errors.Is(err, ErrTooMany) || page != nil || next != nil {
			t.Errorf("more than maxEventCount: %v %v %v", page, next, err)
		}
		if page, _, err := w.Fetch(t.Context(), Query{Most: 20}, nil, 5); err != nil || len(page) != 5 {
			t.Errorf("as many as maxEventCount: %v %v", page, err)
		}
		// What is captured between two pages is on neither.
		page, next, err := w.Fetch(t.Context(), Query{}, nil, 10)
		if err != nil || len(page) != 10 {
			t.Fatal(page, err)
		}
		w.capture(Rollback, record("late", noon+15, "late"))
		page, next, err = w.Fetch(t.Context(), Query{}, next, 100)
		if err != nil || len(page) != 10 || next != nil || page[0].ID != "e10" || page[9].ID != "e19" {
			t.Errorf("second page: %v %v %v", page, next, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		if _, _, err := w.Fetch(ctx, Query{}, nil, 10); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("when the caller has gone: %v", err)
		}
	})
}

// TestWithin: a place has what is part of it, however deep, also where two
// places are said to be part of each other.
func TestWithin(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := Capture{By: "x", Items: items(record("a", noon, "a", Term{ReadPoint, "shelf", None}), record("b", noon, "b", Term{ReadPoint, "yard", None})),
			Masters: []Element{{Type: "place", ID: "site", Document: []byte(`{}`), Children: []string{"room"}}, {Type: "place", ID: "room", Document: []byte(`{}`), Children: []string{"shelf", "site"}}}}
		if _, err := w.Capture(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		f := Filter{Kind: ReadPoint, Values: []string{"site"}}
		if got := w.ids(Query{Filters: []Filter{f}}, 5); got != nil {
			t.Errorf("at the site itself: %v", got)
		}
		f.Within = true
		if got := w.ids(Query{Filters: []Filter{f}}, 5); !slices.Equal(got, []string{"a"}) {
			t.Errorf("within the site: %v", got)
		}
	})
}
