package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/event"
	"frostline/hub/event/eventtest"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// drawn draws an event to the tally.
func drawn(t *rapid.T) event.New {
	n := event.New{Stream: "tally/x", Expect: -1, Type: "test.put"}
	p := put{Name: rapid.SampledFrom([]string{"a", "b", "c", "ä", "日"}).Draw(t, "name")}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		n.Type = "test.removed"
	case 1:
		n.Type = "test.ignored"
	default:
		p.Amount = rapid.Int64Range(-5, 5).Draw(t, "amount")
		p.Tag = rapid.SampledFrom([]string{"", "x", "y", "z"}).Draw(t, "tag")
	}
	n.Data = p
	return n
}

// TestPromise6RebuildGivesIdenticalAnswers: whatever the events, in whatever
// commands they came, a rebuild says what the model said, and both say what a
// plain map says.
func TestPromise6RebuildGivesIdenticalAnswers(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			wipe(t, db) // rather than make a store for each
			table := newTally(1)
			l := open(t, db, table)
			want := map[string]tally{}
			for range rapid.IntRange(1, 4).Draw(rt, "commands") {
				news := rapid.SliceOfN(rapid.Custom(drawn), 1, 8).Draw(rt, "events")
				command(t, l, news...)
				for _, n := range news {
					naive(want, n)
				}
			}
			one := documents(t, table, db)
			if before, after := digests(t, l); before != after {
				rt.Fatalf("digest %s, then %s", before, after)
			}
			for _, got := range []map[string]tally{one, documents(t, table, db)} {
				if fmt.Sprint(got) != fmt.Sprint(want) {
					rt.Fatalf("documents %v, want %v", got, want)
				}
			}
			for _, tag := range []string{"x", "y", "z"} {
				found, err := table.Find(t.Context(), db, "tag", tag, "", 10)
				if err != nil {
					rt.Fatal(err)
				}
				var got, ids []string
				for _, e := range found {
					got = append(got, e.ID)
				}
				for _, id := range slices.Sorted(maps.Keys(want)) {
					if slices.Contains(want[id].Tags, tag) {
						ids = append(ids, id)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(ids) {
					rt.Fatalf("tag %s finds %v, want %v", tag, got, ids)
				}
			}
		})
	})
}

// naive is the tally without a store.
func naive(all map[string]tally, n event.New) {
	p := n.Data.(put)
	switch n.Type {
	case "test.removed":
		delete(all, p.Name)
	case "test.put":
		t := all[p.Name]
		t.Sum += p.Amount
		t.Times++
		if p.Tag != "" {
			t.Tags = append(slices.Clone(t.Tags), p.Tag)
			t.Tags = t.Tags[max(0, len(t.Tags)-3):]
		}
		all[p.Name] = t
	}
}

func documents(t testing.TB, table *event.Table[tally], q store.Querier) map[string]tally {
	t.Helper()
	all := map[string]tally{}
	list, err := table.List(context.Background(), q, "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		all[e.ID] = e.Doc
	}
	return all
}

func wipe(t testing.TB, db *store.DB) {
	t.Helper()
	err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, table := range []string{"event", "event_outbox", "event_cursor", "event_parked", "event_model", "event_document", "event_key"} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A model of another version is rebuilt at the start, a new one built, and one
// that was away meanwhile built again.
func TestOpenBuildsWhatIsNotCurrent(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		l := open(t, db)
		command(t, l, amount("a", 1, "x"), amount("b", 2, "y"))
		check := func(step string, table *event.Table[tally], want int64) {
			t.Helper()
			if got, _, err := table.Get(t.Context(), db, "a"); err != nil || got.Sum != want {
				t.Errorf("%s: %+v, %v: want %d", step, got, err, want)
			}
		}
		first := newTally(1)
		l = open(t, db, first)
		check("new", first, 1)
		command(t, l, amount("a", 1, "x"))
		double := event.NewTable("tally", event.Schema[tally]{Version: 2, Fold: func(e event.Event, rows *event.Rows[tally]) error {
			var p put
			if err := json.Unmarshal(e.Data, &p); err != nil {
				return err
			}
			t, err := rows.Get(p.Name)
			if err != nil {
				return err
			}
			if t == nil {
				t = &tally{}
			}
			t.Sum += 2 * p.Amount
			rows.Put(p.Name, t)
			return nil
		}})
		open(t, db, double)
		check("another version", double, 4)
		command(t, open(t, db), amount("a", 5, "")) // the model is away
		l = open(t, db, double)
		check("back again", double, 14)
		s, err := l.Status(t.Context())
		if err != nil || len(s.Models) != 1 || s.Models[0].Version != 2 {
			t.Errorf("status %+v, %v", s, err)
		}
		var left int
		if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM event_document").Scan(&left); err != nil || left != 2 {
			t.Errorf("%d documents in the store, %v: want 2", left, err)
		}
	})
}

// While a model is rebuilt, commands go on and readers see the old documents,
// then the new, never anything in between.
func TestRebuildWhileCommandsGoOn(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		table := newTally(1)
		l := open(t, db, table)
		const names = 6000 // more than are removed or written at once
		for i := 0; i < names; i += 2000 {
			var news []event.New
			for j := i; j < i+2000; j++ {
				news = append(news, amount(fmt.Sprint("n", j), 1, "x"))
			}
			command(t, l, news...)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		appended := 0
		others.Go(func() {
			for ctx.Err() == nil {
				appended++
				if _, err := l.Command(t.Context(), "person/test", func(ctx context.Context, c event.Change) error {
					if _, err := c.Append(ctx, amount("n1", 1, "y")); err != nil {
						return err
					}
					doc, _, err := table.Get(ctx, c, "n1")
					if err == nil && doc.Sum != int64(appended+1) {
						err = fmt.Errorf("after %d more the command reads %d", appended, doc.Sum)
					}
					return err
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
		others.Go(func() {
			for ctx.Err() == nil {
				n, err := table.Count(t.Context(), db)
				if err != nil || n != names {
					t.Errorf("a reader sees %d documents, %v", n, err)
					return
				}
			}
		})
		for range 2 {
			if before, after := digests(t, l); before != after {
				t.Errorf("digest %s, then %s", before, after)
			}
		}
		cancel()
		others.Wait()
		if before, after := digests(t, l); before != after {
			t.Errorf("at the end digest %s, then %s", before, after)
		}
		var rows, keys int
		if err := db.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM event_document), (SELECT COUNT(*) FROM event_key)").Scan(&rows, &keys); err != nil || rows != names || keys < names {
			t.Errorf("%d documents and %d keys are left, %v", rows, keys, err)
		}
	})
}

// What did not come from events shows, and is gone after.
func TestVerifyFindsWhatNobodySaid(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		table := newTally(1)
		l := open(t, db, table)
		command(t, l, amount("a", 1, "x"), amount("b", 1, "y"))
		for _, meddle := range []string{
			`UPDATE event_document SET body = '{"sum":9,"times":1}' WHERE id = 'a'`,
			"UPDATE event_document SET position = 2 WHERE id = 'a'",
			"DELETE FROM event_document WHERE id = 'b'",
			"DELETE FROM event_key WHERE value = 'y'",
			"UPDATE event_key SET value = 'z' WHERE value = 'x'",
		} {
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, meddle); return err })
			if err != nil {
				t.Fatal(err)
			}
			if before, after := digests(t, l); before == after {
				t.Errorf("%s: not found", meddle)
			}
			if before, after := digests(t, l); before != after {
				t.Errorf("%s: not repaired", meddle)
			}
		}
	})
}

func TestDigestIsTheSameInEveryStore(t *testing.T) {
	sums := map[string]bool{}
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, newTally(1))
		for _, name := range []string{"b", "A", "a", "ä", "日", "B", "~"} {
			for _, n := range []event.New{amount(name, 3, "Z"), amount(name, 1, "é")} {
				n.Stream = "tally/all"
				command(t, l, n)
			}
		}
		sum, err := l.Digest(t.Context(), "tally")
		if err != nil {
			t.Fatal(err)
		}
		sums[sum] = true
	})
	if len(sums) > 1 {
		t.Errorf("digests %v, want one", sums)
	}
}

func TestRebuildRefuses(t *testing.T) {
	l := open(t, storetest.Open(t, storetest.SQLite(t)), newTally(1))
	if err := l.Rebuild(t.Context(), []string{"other"}, nil); err == nil || !strings.Contains(err.Error(), "tally") {
		t.Errorf("got %v, want an error that names what there is", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Rebuild(ctx, nil, nil); err == nil {
		t.Error("a rebuild that was cancelled says nothing")
	}
}

func TestBenchedModelsAreDeterministic(t *testing.T) {
	var news []event.New
	for i := 0; i < 11*liveOrders; i += 97 {
		news = append(news, orderEvent(i))
	}
	eventtest.Deterministic(t, orderModels, news)
}
