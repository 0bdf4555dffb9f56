package event_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after half a minute still not: %s", what)
		}
	}
}

// listener is a consumer that notes what it is handed.
type listener struct {
	mu    sync.Mutex
	heard []int64
	fail  func(event.Event) error
}

func (c *listener) handle(_ context.Context, events []event.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		if c.fail != nil {
			if err := c.fail(e); err != nil {
				return err
			}
		}
		c.heard = append(c.heard, e.Position)
	}
	return nil
}

func (c *listener) set(fail func(event.Event) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = fail
}

func (c *listener) all() []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]int64(nil), c.heard...)
}

// consume runs a consumer until the test or stop ends it.
func consume(t testing.TB, l *event.Log, name string, c *listener) (stop func()) {
	t.Helper()
	event.Hasten(l)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Consume(ctx, name, c.handle) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("consume: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func appendMany(t testing.TB, l *event.Log, n int) {
	t.Helper()
	var news []event.New
	for i := range n {
		news = append(news, amount(fmt.Sprint("n", i), 1, ""))
	}
	command(t, l, news...)
}

func status(t testing.TB, l *event.Log, name string) event.ConsumerStatus {
	t.Helper()
	s, err := l.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Consumers {
		if c.Name == name {
			return c
		}
	}
	return event.ConsumerStatus{}
}

func TestConsumerGoesOnWhereItWas(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		l := open(t, db)
		appendMany(t, l, 250)
		var c listener
		stop := consume(t, l, "notify", &c)
		eventually(t, "all are handled", func() bool { return len(c.all()) == 250 })
		appendMany(t, l, 5)
		eventually(t, "new ones are handled", func() bool { return len(c.all()) == 255 })
		if err := l.Consume(t.Context(), "notify", c.handle); err == nil {
			t.Error("a name was consumed twice at once")
		}
		stop()
		l = open(t, db)
		appendMany(t, l, 5)
		consume(t, l, "notify", &c)
		eventually(t, "the rest is handled", func() bool { return len(c.all()) == 260 })
		for i, p := range c.all() {
			if p != int64(i+1) {
				t.Fatalf("heard %d as number %d", p, i+1)
			}
		}
		eventually(t, "the cursor is saved", func() bool { return status(t, l, "notify").Position == 260 })
		if st := status(t, l, "notify"); !st.Running || st.Behind != 0 || st.Failures != 0 {
			t.Errorf("status %+v", st)
		}
	})
}

var errBroken = errors.New("cannot handle it")

func TestPromise10PoisonIsParkedAndRetried(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		l := open(t, db)
		appendMany(t, l, 20)
		c := listener{fail: func(e event.Event) error {
			switch e.Position {
			case 7:
				return errBroken
			case 13:
				panic("bomb")
			}
			return nil
		}}
		var other listener
		stop := consume(t, l, "notify", &c)
		consume(t, l, "other", &other)
		eventually(t, "the others are handled", func() bool {
			got := c.all()
			return len(other.all()) == 20 && len(got) > 0 && got[len(got)-1] == 20
		})
		eventually(t, "the cursor is at the end", func() bool { return status(t, l, "notify").Position == 20 })
		parked, err := l.Parked(t.Context(), "notify", 10)
		if err != nil || len(parked) != 2 || parked[0].Position != 7 || !strings.Contains(parked[0].Reason, errBroken.Error()) ||
			parked[1].Position != 13 || !strings.Contains(parked[1].Reason, "bomb") || parked[0].Attempts < event.MaxAttempts {
			t.Fatalf("parked %+v, %v", parked, err)
		}
		if st := status(t, l, "notify"); st.Parked != 2 || st.Failures < 2*event.MaxAttempts || st.LastError == "" {
			t.Errorf("status %+v", st)
		}
		told := amount("retried", 1, "")
		if err := l.Retry(t.Context(), "person/ada", told, "notify", 8); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("retry of one that is not parked: %v", err)
		}
		retry := func(position int64) {
			t.Helper()
			if err := l.Retry(t.Context(), "person/ada", told, "notify", position); err != nil {
				t.Fatal(err)
			}
		}
		retry(7)
		eventually(t, "it was tried again", func() bool {
			parked, err := l.Parked(t.Context(), "notify", 10)
			return err == nil && len(parked) == 2 && !parked[0].Again && parked[0].Attempts > event.MaxAttempts
		})
		c.set(nil)
		retry(7)
		eventually(t, "one is left", func() bool { return status(t, l, "notify").Parked == 1 })
		stop() // marked while the consumer is away
		retry(13)
		l = open(t, db)
		consume(t, l, "notify", &c)
		eventually(t, "none is left", func() bool { return status(t, l, "notify").Parked == 0 })
		got := slices.DeleteFunc(c.all(), func(position int64) bool { return position > 20 })
		if got[len(got)-1] != 13 || got[len(got)-2] != 7 {
			t.Errorf("heard %v, want 7 and 13 last", got)
		}
		trail, err := l.Stream(t.Context(), told.Stream, 0, 10)
		if err != nil || len(trail) != 3 || trail[2].Actor != "person/ada" {
			t.Errorf("the trail of who had them handled again: %+v, %v", trail, err)
		}
	})
}

// What fails for a reason of the moment is never parked.
func TestLaterIsNotParked(t *testing.T) {
	l := open(t, storetest.Open(t, storetest.SQLite(t)))
	appendMany(t, l, 3)
	c := listener{fail: func(event.Event) error { return fmt.Errorf("server is away: %w", event.ErrLater) }}
	consume(t, l, "notify", &c)
	eventually(t, "it has failed often", func() bool { return status(t, l, "notify").Attempts > 3*event.MaxAttempts })
	if st := status(t, l, "notify"); st.Parked != 0 || st.Position != 0 {
		t.Errorf("status %+v", st)
	}
	c.set(nil)
	eventually(t, "all are handled", func() bool { return len(c.all()) == 3 })
	eventually(t, "all is well", func() bool { st := status(t, l, "notify"); return st.Attempts == 0 && st.Position == 3 })
}

// A consumer that can handle nothing does not park everything.
func TestParkingIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand events")
	}
	l := open(t, storetest.Open(t, storetest.SQLite(t)))
	appendMany(t, l, 1010)
	err := fillParked(t, l, 999)
	if err != nil {
		t.Fatal(err)
	}
	c := listener{fail: func(event.Event) error { return errBroken }}
	consume(t, l, "notify", &c)
	eventually(t, "it parks no more", func() bool { st := status(t, l, "notify"); return st.Attempts > 2*event.MaxAttempts })
	if st := status(t, l, "notify"); st.Parked != 1000 || st.Position != 1000 {
		t.Errorf("status %+v, want 1000 parked and the cursor there", st)
	}
}

// fillParked parks n events as if they had been tried.
func fillParked(t testing.TB, l *event.Log, n int) error {
	t.Helper()
	_, err := l.Command(t.Context(), "person/test", func(ctx context.Context, c event.Change) error {
		for i := range n {
			if _, err := c.Tx().Exec(ctx, "INSERT INTO event_parked (consumer, position, attempts, reason, parked_ms, again) VALUES ($1, $2, 10, 'x', 0, 0)", "notify", i+1); err != nil {
				return err
			}
		}
		_, err := c.Tx().Exec(ctx, "INSERT INTO event_cursor (consumer, position, saved_ms) VALUES ($1, $2, 0)", "notify", n)
		return err
	})
	return err
}

// A cursor that cannot be saved makes events come again, and none be lost.
func TestConsumerOnAFailingStore(t *testing.T) {
	for _, done := range []bool{false, true} {
		f := &faulty{DB: storetest.Open(t, storetest.SQLite(t))}
		l := open(t, f)
		appendMany(t, l, 3)
		f.arm(1, 2, done)
		var c listener
		stop := consume(t, l, "notify", &c)
		eventually(t, "all are handled and noted", func() bool { return status(t, l, "notify").Position == 3 })
		eventually(t, "the failures were counted", func() bool { return status(t, l, "notify").Failures == 2 })
		stop()
		if got := c.all(); len(got) != 3 {
			t.Errorf("done %v: heard %v", done, got)
		}
	}
}

// TestFullDiskParksNothing: while the disk is full each event fails however
// often it is tried. None is to blame: when there is space again, all are
// handled.
func TestFullDiskParksNothing(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	l := open(t, db)
	c := &listener{}
	pages := func(n int) {
		t.Helper()
		if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var most int
			return tx.QueryRow(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n)).Scan(&most)
		}); err != nil {
			t.Fatal(err)
		}
	}
	var full int
	c.set(func(e event.Event) error {
		err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS hoard (id BIGINT PRIMARY KEY, data BLOB)")
			if err == nil {
				_, err = tx.Exec(ctx, "INSERT INTO hoard VALUES ($1, zeroblob(100000))", e.Position)
			}
			return err
		})
		if err != nil {
			full++
		}
		return err
	})
	appendMany(t, l, 3)
	pages(1) // as many as there are
	consume(t, l, "listener", c)
	tries := func() int { c.mu.Lock(); defer c.mu.Unlock(); return full }
	eventually(t, "it was tried often", func() bool { return tries() > 20 })
	if s, err := l.Status(t.Context()); err != nil || s.Consumers[0].Attempts == 0 || !strings.Contains(s.Consumers[0].LastError, "full") {
		t.Errorf("status %+v, %v", s.Consumers, err)
	}
	pages(1 << 30)
	eventually(t, "all are handled", func() bool { return len(c.all()) == 3 })
	if parked, err := l.Parked(t.Context(), "", 10); err != nil || len(parked) != 0 {
		t.Errorf("parked %+v, %v", parked, err)
	}
}
