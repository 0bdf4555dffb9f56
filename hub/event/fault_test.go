package event_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// faulty is a store whose nth write from now on fails.
type faulty struct {
	*store.DB
	nth   int  // write that fails, from 1; 0 for none
	times int  // writes that fail from there on
	done  bool // the commit takes place all the same

	writes int
}

// arm makes a later write fail.
func (f *faulty) arm(nth, times int, done bool) {
	*f = faulty{DB: f.DB, nth: nth, times: times, done: done}
}

// reached disarms it and reports whether the write came.
func (f *faulty) reached() bool {
	reached := f.writes >= f.nth
	f.nth = 0
	return reached
}

var errRolledBack = errors.New("rolled back")

func (f *faulty) Write(ctx context.Context, do func(context.Context, *store.Tx) error) error {
	if f.writes++; f.nth == 0 || f.writes < f.nth || f.writes >= f.nth+f.times {
		return f.DB.Write(ctx, do)
	}
	err := f.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := do(ctx, tx); err != nil || f.done {
			return err
		}
		return errRolledBack
	})
	if err != nil && !errors.Is(err, errRolledBack) {
		return err
	}
	return fmt.Errorf("commit transaction: %w: connection lost", store.ErrUnknown)
}

// TestCommandWhoseCommitFails runs a command whose commit "failed" and "failed
// but was done", with the store back at once or only later, and then again as
// its caller would.
func TestCommandWhoseCommitFails(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		f := &faulty{DB: db}
		table := newTally(1)
		l := open(t, f, table)
		for i, c := range []struct {
			done  bool
			times int
			want  error
		}{
			{false, 1, event.ErrNotDone}, {true, 1, nil},
			{false, 2, store.ErrUnknown}, {true, 2, store.ErrUnknown},
		} {
			before := l.Last()
			name := fmt.Sprint("doc", i)
			one, two := amount(name, 1, ""), amount(name, 2, "")
			one.ID, two.ID = name+"-1", name+"-2"
			f.arm(1, c.times, c.done)
			wake, stop := l.Watch()
			got, err := tryCommand(t, l, one, two)
			if !errors.Is(err, c.want) || c.want == nil && len(got) != 2 {
				t.Errorf("%+v: got %v and %d events", c, err, len(got))
			}
			f.nth = 0
			again, err := tryCommand(t, l, one, two)
			if err != nil || len(again) != 2 || again[1].Position != before+2 {
				t.Errorf("%+v: again: %+v, %v", c, again, err)
			}
			if doc, _, err := table.Get(t.Context(), db, name); err != nil || doc.Sum != 3 || doc.Times != 2 {
				t.Errorf("%+v: %+v, %v: want each folded once", c, doc, err)
			}
			if l.Last() < before+2 {
				t.Errorf("%+v: last is %d, want %d", c, l.Last(), before+2)
			}
			select {
			case <-wake:
			default:
				t.Errorf("%+v: nobody was woken", c)
			}
			stop()
		}
		if before, after := digests(t, l); before != after {
			t.Errorf("digest %s, then %s", before, after)
		}
	})
}

// digests rebuilds and gives the digests before and after.
func digests(t testing.TB, l *event.Log) (before, after string) {
	t.Helper()
	results, err := l.RebuildVerified(context.Background(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		before, after = before+r.Before, after+r.After
	}
	return before, after
}

// A rebuild that fails at any of its writes leaves the model answering as
// before, and the next start or rebuild cleans up.
func TestRebuildThatFails(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		f := &faulty{DB: db}
		table := newTally(1)
		l := open(t, f, table)
		for i := range 40 {
			command(t, l, amount(fmt.Sprint("n", i%7), int64(i), fmt.Sprint("t", i%3)))
		}
		for nth := 1; ; nth++ {
			for _, done := range []bool{false, true} {
				f.arm(nth, 1, done)
				failed := l.Rebuild(t.Context(), nil, nil)
				reached := f.reached()
				if reached && failed == nil && nth <= 3 {
					t.Errorf("write %d fails, done %v: rebuild says nothing", nth, done)
				}
				command(t, l, amount("n1", 0, "")) // goes to whichever is live
				got, err := l.Digest(t.Context(), "tally")
				if err != nil {
					t.Fatal(err)
				}
				if before, after := digests(t, l); before != after || before != got {
					t.Errorf("write %d fails, done %v: digest %s, then %s", nth, done, got, after)
				}
				l = open(t, f, table)
				var generations int
				if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM event_model").Scan(&generations); err != nil || generations != 1 {
					t.Errorf("write %d fails, done %v: %d generations left, %v", nth, done, generations, err)
				}
				if !reached && done {
					if nth < 4 {
						t.Errorf("a rebuild has %d writes only", nth)
					}
					return
				}
			}
		}
	})
}
