package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// tally is a small read model: what was put under a name and how often.
type tally struct {
	Sum   int64    `json:"sum"`
	Times int      `json:"times"`
	Tags  []string `json:"tags,omitempty"`
}

// put is the data of test.put.
type put struct {
	Name   string `json:"name"`
	Amount int64  `json:"amount"`
	Tag    string `json:"tag,omitempty"`
}

func foldTally(e event.Event, rows *event.Rows[tally]) error {
	var p put
	switch e.Type {
	case "test.put":
	case "test.removed":
		if err := json.Unmarshal(e.Data, &p); err != nil {
			return err
		}
		rows.Delete(p.Name)
		return nil
	case "test.poison":
		return errors.New("cannot fold poison")
	case "test.bomb":
		panic("bomb")
	default:
		return nil
	}
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
	t.Sum += p.Amount
	t.Times++
	if p.Tag != "" {
		t.Tags = append(t.Tags, p.Tag)
		t.Tags = t.Tags[max(0, len(t.Tags)-3):]
	}
	rows.Put(p.Name, t)
	return nil
}

func tallyKeys(_ string, t *tally) []event.Key {
	keys := []event.Key{{Name: "parity", Value: fmt.Sprint(t.Sum % 2)}}
	for _, tag := range t.Tags {
		keys = append(keys, event.Key{Name: "tag", Value: tag})
	}
	return keys
}

func newTally(version int) *event.Table[tally] {
	return event.NewTable("tally", event.Schema[tally]{Version: version, Fold: foldTally, Keys: tallyKeys})
}

func open(t testing.TB, s event.Store, models ...event.Model) *event.Log {
	t.Helper()
	l, err := event.Open(context.Background(), event.Options{Store: s, Models: models, Outbox: true, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func command(t testing.TB, l *event.Log, news ...event.New) []event.Event {
	t.Helper()
	events, err := tryCommand(t, l, news...)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func tryCommand(t testing.TB, l *event.Log, news ...event.New) ([]event.Event, error) {
	t.Helper()
	return tryEach(l, news...)
}

func tryEach(l *event.Log, news ...event.New) ([]event.Event, error) {
	return l.Command(context.Background(), "person/test", func(ctx context.Context, c event.Change) error {
		for _, n := range news {
			if _, err := c.Append(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func amount(name string, n int64, tag string) event.New {
	return event.New{Stream: "tally/" + name, Expect: -1, Type: "test.put", Data: put{name, n, tag}}
}

func TestCommandAppendsAndFolds(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		table := newTally(1)
		l := open(t, db, table)
		got := command(t, l, amount("a", 1, "x"), amount("b", 2, ""), amount("a", 3, "y"))
		if len(got) != 3 || l.Last() != 3 {
			t.Fatalf("got %d events, last %d, want 3 and 3", len(got), l.Last())
		}
		read, err := l.Read(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range read {
			if e.Position != int64(i+1) || e.ID == "" || e.Actor != "person/test" || e.Schema != 1 || e.At == 0 {
				t.Errorf("event %d: %+v", i, e)
			}
		}
		if v := read[2].Version; v != 2 {
			t.Errorf("version %d, want 2", v)
		}
		a, ok, err := table.Get(t.Context(), db, "a")
		if err != nil || !ok || a.Sum != 4 || a.Times != 2 {
			t.Fatalf("got %+v, %v, %v", a, ok, err)
		}
		found, err := table.Find(t.Context(), db, "tag", "y", "", 10)
		if err != nil || len(found) != 1 || found[0].ID != "a" || found[0].Position != 3 {
			t.Fatalf("found %+v, %v", found, err)
		}
		all, err := table.List(t.Context(), db, "a", 10)
		if err != nil || len(all) != 1 || all[0].ID != "b" {
			t.Fatalf("listed %+v, %v", all, err)
		}
		command(t, l, event.New{Stream: "tally/a", Expect: 2, Type: "test.removed", Data: put{Name: "a"}})
		if _, ok, err := table.Get(t.Context(), db, "a"); ok || err != nil {
			t.Fatalf("removed document is there: %v, %v", ok, err)
		}
		if found, err := table.Find(t.Context(), db, "tag", "y", "", 10); err != nil || len(found) != 0 {
			t.Fatalf("found %+v, %v after removal", found, err)
		}
		stream, err := l.Stream(t.Context(), "tally/a", 1, 10)
		if err != nil || len(stream) != 2 || stream[0].Version != 2 {
			t.Fatalf("stream %+v, %v", stream, err)
		}
		before, err := l.Digest(t.Context(), "tally")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Rebuild(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		after, err := l.Digest(t.Context(), "tally")
		if err != nil || after != before {
			t.Fatalf("digest %s, then %s: %v", before, after, err)
		}
	})
}
