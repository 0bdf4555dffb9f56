package event_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

func TestCommandIsIdempotentByID(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		table := newTally(1)
		l := open(t, db, table)
		n := amount("a", 5, "x")
		n.ID, n.Expect = "scan-1", 0
		first := command(t, l, n)[0]
		again := command(t, l, n, amount("b", 1, ""))
		if again[0].Position != first.Position || string(again[0].Data) != string(first.Data) || len(again) != 2 || l.Last() != 2 {
			t.Errorf("got %+v and last %d, want the stored event and 2", again, l.Last())
		}
		// As it would be said by another program: other order, other spaces.
		n.Data = jsonText(`{"tag" : "x", "name":"\u0061", "amount": 5.0}`)
		if again := command(t, l, n); again[0].Position != first.Position {
			t.Errorf("got %+v", again)
		}
		if a, _, err := table.Get(t.Context(), db, "a"); err != nil || a.Sum != 5 || a.Times != 1 {
			t.Errorf("folded %+v, %v: want once", a, err)
		}
		for name, other := range map[string]event.New{
			"data":   {ID: "scan-1", Stream: n.Stream, Type: n.Type, Expect: -1, Data: put{"a", 6, "x"}},
			"stream": {ID: "scan-1", Stream: "tally/b", Type: n.Type, Expect: -1, Data: put{"a", 5, "x"}},
			"type":   {ID: "scan-1", Stream: n.Stream, Type: "test.removed", Expect: -1, Data: put{"a", 5, "x"}},
			"schema": {ID: "scan-1", Stream: n.Stream, Type: n.Type, Schema: 2, Expect: -1, Data: put{"a", 5, "x"}},
		} {
			if _, err := tryCommand(t, l, other); !errors.Is(err, event.ErrReused) {
				t.Errorf("other %s: got %v, want ErrReused", name, err)
			}
		}
	})
}

type jsonText string

func (j jsonText) MarshalJSON() ([]byte, error) { return []byte(j), nil }

func TestExpect(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		l := open(t, db)
		at := func(expect int64) event.New {
			return event.New{Stream: "tally/a", Expect: expect, Type: "test.put", Data: put{Name: "a"}}
		}
		if _, err := tryCommand(t, l, at(1)); !errors.Is(err, event.ErrStale) {
			t.Errorf("got %v, want ErrStale", err)
		}
		command(t, l, at(0), at(1), at(-1), at(3))
		if _, err := tryCommand(t, l, at(4), at(4)); !errors.Is(err, event.ErrStale) {
			t.Errorf("got %v, want ErrStale", err)
		}
		// A command may go on after a stale append.
		_, err := l.Command(t.Context(), "person/test", func(ctx context.Context, c event.Change) error {
			if _, err := c.Append(ctx, at(0)); !errors.Is(err, event.ErrStale) {
				t.Errorf("got %v, want ErrStale", err)
			}
			version, err := event.StreamVersion(ctx, c, "tally/a")
			if err != nil {
				return err
			}
			_, err = c.Append(ctx, at(version))
			return err
		})
		if err != nil || l.Last() != 5 {
			t.Errorf("got %v and last %d, want 5", err, l.Last())
		}
	})
}

func TestCommandRefuses(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := open(t, db, newTally(1))
	good := func() event.New {
		return event.New{Stream: "tally/a", Expect: -1, Type: "test.put", Data: put{Name: "a"}}
	}
	for name, c := range map[string]struct {
		change func(*event.New)
		want   string
		is     error
	}{
		"no stream":       {func(n *event.New) { n.Stream = "" }, "stream", nil},
		"space in stream": {func(n *event.New) { n.Stream = "a b" }, "stream", nil},
		"long stream":     {func(n *event.New) { n.Stream = strings.Repeat("a", 300) }, "stream", event.ErrTooLarge},
		"long id":         {func(n *event.New) { n.ID = strings.Repeat("a", 129) }, "id", event.ErrTooLarge},
		"id with newline": {func(n *event.New) { n.ID = "a\n" }, "id", nil},
		"type":            {func(n *event.New) { n.Type = "put" }, "type", nil},
		"wild type":       {func(n *event.New) { n.Type = "test.*" }, "type", nil},
		"schema":          {func(n *event.New) { n.Schema = -1 }, "schema", nil},
		"expect":          {func(n *event.New) { n.Expect = -2 }, "expect", nil},
		"long reason":     {func(n *event.New) { n.Reason = strings.Repeat("r", 5000) }, "reason", event.ErrTooLarge},
		"large data":      {func(n *event.New) { n.Data = put{Name: strings.Repeat("x", 256<<10)} }, "data", event.ErrTooLarge},
		"no data":         {func(n *event.New) { n.Data = nil }, "data", nil},
		"a number":        {func(n *event.New) { n.Data = 7 }, "data", nil},
		"large integer":   {func(n *event.New) { n.Data = put{Amount: 1 << 53} }, "9007199254740992", nil},
		"small integer":   {func(n *event.New) { n.Data = put{Amount: -1 << 53} }, "9007199254740992", nil},
		"same name twice": {func(n *event.New) { n.Data = jsonText(`{"a":1,"a":2}`) }, "data", nil},
		"a channel":       {func(n *event.New) { n.Data = make(chan int) }, "data", nil},
	} {
		n := good()
		c.change(&n)
		_, err := tryCommand(t, l, good(), n)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: got %v, want one that says %q", name, err, c.want)
		}
	}
	for _, actor := range []string{"", "a b", strings.Repeat("a", 201)} {
		if _, err := l.Command(t.Context(), actor, func(context.Context, event.Change) error { return nil }); err == nil {
			t.Errorf("actor %.20q was accepted", actor)
		}
	}
	if l.Last() != 0 {
		t.Errorf("last %d after refusals alone, want 0", l.Last())
	}
	edge := good()
	edge.Data = put{Name: "a", Amount: 1<<53 - 1}
	command(t, l, edge)
}

// A read model that fails or panics makes the command fail, also when it goes
// on as if nothing had been.
func TestFailingModelFailsTheCommand(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		table := newTally(1)
		l := open(t, db, table)
		for _, typ := range []string{"test.poison", "test.bomb"} {
			_, err := l.Command(t.Context(), "person/test", func(ctx context.Context, c event.Change) error {
				if _, err := c.Append(ctx, amount("a", 1, "")); err != nil {
					return err
				}
				_, _ = c.Append(ctx, event.New{Stream: "tally/a", Expect: -1, Type: typ, Data: put{}})
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), "tally") || !strings.Contains(err.Error(), typ) && !strings.Contains(err.Error(), "bomb") {
				t.Errorf("%s: got %v", typ, err)
			}
		}
		if _, found, err := table.Get(t.Context(), db, "a"); found || err != nil {
			t.Errorf("a document was left behind: %v, %v", found, err)
		}
		if events := command(t, l, amount("a", 1, "")); events[0].Position != 1 || events[0].Version != 1 {
			t.Errorf("got %+v, want position and version 1", events[0])
		}
	})
}

func TestConcurrentCommandsLeaveNoHoles(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		table := newTally(1)
		l := open(t, db, table)
		const writers, each = 8, 15
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					n := amount("all", 1, fmt.Sprint("w", w))
					n.ID = fmt.Sprintf("w%d-%d", w, i)
					if i%5 == 4 { // one that fails after it has appended
						_, err := l.Command(t.Context(), "person/test", func(ctx context.Context, c event.Change) error {
							if _, err := c.Append(ctx, amount("all", 1000, "")); err != nil {
								return err
							}
							return errors.New("changed my mind")
						})
						if err == nil {
							t.Error("no error")
						}
					}
					if _, err := tryCommand(t, l, n, n); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		events, err := l.Stream(t.Context(), "tally/all", 0, 1000)
		if err != nil || len(events) != writers*each || l.Last() != writers*each {
			t.Fatalf("%d events, last %d, %v: want %d", len(events), l.Last(), err, writers*each)
		}
		for i, e := range events {
			if e.Position != int64(i+1) || e.Version != int64(i+1) {
				t.Fatalf("event %d has position %d and version %d", i+1, e.Position, e.Version)
			}
		}
		if a, _, err := table.Get(t.Context(), db, "all"); err != nil || a.Sum != writers*each {
			t.Errorf("got %+v, %v", a, err)
		}
	})
}

func TestWatchCoalesces(t *testing.T) {
	l := open(t, storetest.Open(t, storetest.SQLite(t)))
	wake, stop := l.Watch()
	for range 5 {
		command(t, l, amount("a", 1, ""))
	}
	select {
	case <-wake:
	default:
		t.Error("not woken")
	}
	select {
	case <-wake:
		t.Error("woken twice")
	default:
	}
	if _, err := tryCommand(t, l); err != nil { // appends nothing
		t.Error(err)
	}
	select {
	case <-wake:
		t.Error("woken by a command without events")
	default:
	}
	stop()
	command(t, l, amount("a", 1, ""))
	select {
	case <-wake:
		t.Error("woken after stop")
	default:
	}
}
