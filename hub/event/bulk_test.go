package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// newHinted is the tally with a Fold whose documents are read together.
func newHinted() *event.Table[tally] {
	return event.NewTable("tally", event.Schema[tally]{Version: 1, Fold: foldTally, Keys: tallyKeys, IDs: func(e event.Event) []string {
		return []string{strings.TrimPrefix(e.Stream, "tally/"), "nobody", ""}
	}})
}

func tryAll(l *event.Log, news ...event.New) ([]event.Event, error) {
	return l.Command(context.Background(), "person/test", func(ctx context.Context, c event.Change) error {
		_, err := c.AppendAll(ctx, news)
		return err
	})
}

// TestAppendAllIsAppendOfEach: whatever is appended comes to the same events,
// documents and errors, all at once or one by one.
func TestAppendAllIsAppendOfEach(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		all, each := open(t, db, newHinted()), open(t, storetest.Open(t, storetest.SQLite(t)), newTally(1))
		rapid.Check(t, func(t *rapid.T) {
			var news []event.New
			for i := range rapid.IntRange(0, 90).Draw(t, "events") {
				name := rapid.SampledFrom([]string{"a", "b", "c", "d", fmt.Sprint("n", i)}).Draw(t, "name")
				n := amount(name, rapid.Int64Range(0, 3).Draw(t, "amount"), rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "tag"))
				if rapid.IntRange(0, 5).Draw(t, "remove") == 0 {
					n.Type, n.Data = "test.removed", put{Name: name}
				}
				if rapid.IntRange(0, 3).Draw(t, "named") == 0 {
					n.ID = "id-" + rapid.StringMatching(`[0-9]{4}`).Draw(t, "id")
				}
				if rapid.IntRange(0, 40).Draw(t, "expects") == 0 {
					n.Expect = rapid.Int64Range(0, 2).Draw(t, "expect")
				}
				news = append(news, n)
			}
			got, err := tryAll(all, news...)
			want, wanted := tryEach(each, news...)
			for _, is := range []error{event.ErrStale, event.ErrReused} {
				if errors.Is(err, is) != errors.Is(wanted, is) {
					t.Fatalf("got %v, want %v", err, wanted)
				}
			}
			if (err == nil) != (wanted == nil) || len(got) != len(want) || all.Last() != each.Last() {
				t.Fatalf("got %d events, last %d, %v, want %d, last %d, %v", len(got), all.Last(), err, len(want), each.Last(), wanted)
			}
			for i, e := range got {
				w := want[i]
				if e.Position != w.Position || e.Stream != w.Stream || e.Version != w.Version || e.Type != w.Type || string(e.Data) != string(w.Data) {
					t.Fatalf("event %d: got %+v, want %+v", i, e, w)
				}
			}
			a, err := all.Digest(ctx, "tally")
			if err != nil {
				t.Fatal(err)
			}
			b, err := each.Digest(ctx, "tally")
			if err != nil || a != b {
				t.Fatalf("documents differ: %s and %s, %v", a, b, err)
			}
		})
		waiting, _, err := all.Outbox(ctx, event.MaxRead)
		if err != nil || int64(len(waiting)) != min(all.Last(), event.MaxRead) {
			t.Errorf("%d events in the outbox of %d, %v", len(waiting), all.Last(), err)
		}
		rebuilt, err := all.RebuildVerified(ctx, nil, nil)
		if err != nil || !rebuilt[0].Same() {
			t.Errorf("a rebuild gives %+v, %v", rebuilt, err)
		}
	})
}

// TestAnErrorOfAppendAllFailsTheCommand: what was added before it is not kept,
// even where the command goes on.
func TestAnErrorOfAppendAllFailsTheCommand(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, newHinted())
		var many []event.New
		for i := range 2500 {
			many = append(many, amount(fmt.Sprint("m", i), 1, ""))
		}
		many[2400].Expect = 7
		_, err := l.Command(t.Context(), "person/test", func(ctx context.Context, c event.Change) error {
			if _, err := c.AppendAll(ctx, many); !errors.Is(err, event.ErrStale) {
				t.Errorf("got %v, want ErrStale", err)
			}
			if _, err := c.AppendAll(ctx, many[:1]); !errors.Is(err, event.ErrStale) {
				t.Errorf("again: got %v, want the first error", err)
			}
			return nil
		})
		if !errors.Is(err, event.ErrStale) || l.Last() != 0 {
			t.Errorf("got %v, and last %d, want ErrStale and nothing", err, l.Last())
		}
		many[2400].Expect = 0
		got, err := tryAll(l, many...)
		if err != nil || len(got) != len(many) || l.Last() != int64(len(many)) {
			t.Fatalf("%d events, last %d, %v", len(got), l.Last(), err)
		}
		read, err := l.Read(t.Context(), 0, event.MaxRead)
		if err != nil || len(read) != len(got) {
			t.Fatalf("read %d events, %v", len(read), err)
		}
		for i := range read {
			a, _ := json.Marshal(read[i])
			if b, _ := json.Marshal(got[i]); string(a) != string(b) {
				t.Fatalf("event %d is stored as %s and told as %s", i, a, b)
			}
		}
	})
}
