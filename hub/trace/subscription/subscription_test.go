package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/repository"
)

// events are a repository of which a test says what is in it. Queries are of
// one business step.
type events struct {
	mu       sync.Mutex
	rows     []repository.Row
	steps    []string
	watchers []chan struct{}
	fail     error
}

func (e *events) add(step string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	seq := int64(len(e.rows) + 1)
	e.rows = append(e.rows, repository.Row{Seq: seq, ID: fmt.Sprint("e", seq), Recorded: time.Now().UnixMilli(),
		Document: fmt.Appendf(nil, `{"type":"ObjectEvent","eventID":"urn:uuid:00000000-0000-4000-8000-%012d","eventTime":"2026-11-20T18:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":%q,"epcList":["urn:epc:id:sgtin:0614141.107346.%d"]}`, seq, step, seq)})
	e.steps = append(e.steps, step)
	for _, w := range e.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

func (e *events) Fetch(_ context.Context, q repository.Query, _ *repository.Position, limit int) (page []repository.Row, next *repository.Position, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return nil, nil, e.fail
	}
	for i, r := range e.rows {
		if r.Seq <= q.AfterSeq || r.Seq > q.UptoSeq || !slices.Contains(q.Filters[0].Values, e.steps[i]) {
			continue
		}
		if len(page) == limit {
			return page, &repository.Position{}, nil
		}
		page = append(page, r)
	}
	return page, nil, nil
}

func (e *events) Before(_ context.Context, recorded int64) (seq int64, _ error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rows {
		if r.Recorded < recorded {
			seq = r.Seq
		}
	}
	return seq, nil
}

func (e *events) Last() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int64(len(e.rows))
}

func (e *events) Watch() (<-chan struct{}, func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := make(chan struct{}, 1)
	e.watchers = append(e.watchers, c)
	return c, func() {}
}

// receiver takes messages, unless it is to refuse.
type receiver struct {
	mu     sync.Mutex
	got    []Message
	refuse func(Message) error
	tries  int
}

func (r *receiver) Send(_ context.Context, m Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	if r.refuse != nil {
		if err := r.refuse(m); err != nil {
			return err
		}
	}
	r.got = append(r.got, m)
	return nil
}

// serials are those of the events that were accepted, message by message.
func (r *receiver) serials(t *testing.T) (all []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.got {
		var doc struct {
			Type string
			Body struct {
				Results struct {
					Name, Subscription string
					Body               struct {
						Events []struct{ EPCList []string } `json:"eventList"`
					} `json:"resultsBody"`
				} `json:"queryResults"`
			} `json:"epcisBody"`
		}
		if err := json.Unmarshal(m.Body, &doc); err != nil || doc.Type != "EPCISQueryDocument" {
			t.Fatalf("message %s: %v", m.Body, err)
		}
		var some []string
		for _, e := range doc.Body.Results.Body.Events {
			some = append(some, e.EPCList[0][strings.LastIndex(e.EPCList[0], "/")+1:])
		}
		all = append(all, strings.Join(some, " "))
	}
	return all
}

type status int

func (s status) Error() string { return http.StatusText(int(s)) }
func (s status) Status() int   { return int(s) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newDesk(t *testing.T, db *store.DB, e *events, r *receiver) *Desk {
	t.Helper()
	d, err := New(Options{Store: db, Repository: e, Sender: r, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *Desk) shipping(t *testing.T) {
	t.Helper()
	if err := d.Create(t.Context(), "partner/x", Definition{Name: "shipping", Query: []byte(`{"EQ_bizStep":["shipping"]}`)}); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

// TestStream: a stream tells what matches, in order, each once while its
// receiver accepts it, and goes on after a restart where it was.
func TestStream(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		e, r := &events{}, &receiver{}
		d := newDesk(t, db, e, r)
		d.shipping(t)
		e.add("shipping")
		s, err := d.Subscribe(t.Context(), "partner/x", "shipping", Order{Dest: "https://example.com/epcis", SignatureToken: "secret", Stream: true})
		if err != nil {
			t.Fatal(err)
		}
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- d.Run(ctx) }()
			return func() {
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		}
		stop := run()
		e.add("shipping")
		e.add("receiving")
		e.add("shipping")
		eventually(t, "two events", func() bool { return len(strings.Fields(strings.Join(r.serials(t), " "))) == 2 })
		if m := r.got[0]; string(m.Secret) != "secret" || m.URL != s.Dest || m.ID == "" {
			t.Errorf("message %+v", m)
		}
		stop()
		refusing := true
		r.refuse = func(Message) error {
			if refusing {
				refusing = false
				return status(http.StatusInternalServerError)
			}
			return nil
		}
		e.add("shipping")
		d = newDesk(t, db, e, r)
		stop = run()
		eventually(t, "an event after a refusal", func() bool { return len(r.serials(t)) > 0 && strings.HasSuffix(strings.Join(r.serials(t), " "), "5") })
		var last Subscription
		eventually(t, "its row", func() bool {
			last, err = d.Subscription(t.Context(), "shipping", s.ID)
			return err == nil && last.Cursor == 5 && last.Told > 0 && last.Failing == 0
		})
		if got := strings.Join(r.serials(t), " "); got != "2 4 5" {
			t.Errorf("told %q, want 2 4 5", got)
		}
		if err := d.Unsubscribe(t.Context(), "shipping", s.ID); err != nil {
			t.Fatal(err)
		}
		if err := d.Unsubscribe(t.Context(), "shipping", s.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("ended twice: %v", err)
		}
		stop()
		e.add("shipping")
		if got := len(r.serials(t)); got != 3 && got != 2 {
			t.Errorf("told %d times", got)
		}
	})
}

// TestSmaller: a receiver that finds messages too large gets smaller ones.
func TestSmaller(t *testing.T) {
	e := &events{}
	r := &receiver{refuse: func(m Message) error {
		if strings.Count(string(m.Body), "eventID") > 3 {
			return status(http.StatusRequestEntityTooLarge)
		}
		return nil
	}}
	d := newDesk(t, storetest.Open(t, storetest.SQLite(t)), e, r)
	d.shipping(t)
	for range 10 {
		e.add("shipping")
	}
	if _, err := d.Subscribe(t.Context(), "x", "shipping", Order{Dest: "https://example.com/", Stream: true, InitialRecordTime: "2020-01-01T00:00:00Z"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	eventually(t, "ten events", func() bool { return strings.Join(r.serials(t), " ") == "1 2 3 4 5 6 7 8 9 10" })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestGivenUp: a receiver that is away is tried for three days, with pauses, and
// one that is gone no more.
func TestGivenUp(t *testing.T) {
	e, r := &events{}, &receiver{refuse: func(Message) error { return errors.New("connection refused") }}
	synctest.Test(t, func(t *testing.T) {
		d := &Desk{repository: e, sender: r, now: time.Now, log: quiet()}
		s, size := &Subscription{ID: "s", Created: time.Now().UnixMilli()}, batch
		begun := time.Now()
		for !s.Failed {
			if wait := time.Until(time.UnixMilli(s.Due)); wait > 0 {
				time.Sleep(wait)
			}
			d.refused(s, errors.New("connection refused"), &size)
		}
		if took := time.Since(begun); took < giveUp || took > giveUp+mostPause || s.Attempts < 250 || s.Attempts > 800 {
			t.Errorf("given up after %v and %d attempts", took, s.Attempts)
		}
		gone := &Subscription{ID: "g"}
		d.refused(gone, status(http.StatusGone), &size)
		if !gone.Failed {
			t.Error("a receiver that is gone is tried again")
		}
	})
}

// TestRefused: orders and queries that make no sense.
func TestRefused(t *testing.T) {
	d := newDesk(t, storetest.Open(t, storetest.SQLite(t)), &events{}, &receiver{})
	d.shipping(t)
	if err := d.Create(t.Context(), "x", Definition{Name: "shipping", Query: []byte(`{}`)}); !errors.Is(err, ErrExists) {
		t.Errorf("a name twice: %v", err)
	}
	for name, q := range map[string]string{"a b": `{}`, "": `{}`, "list": `[]`, "none": `null`, "object": `{"EQ_bizStep":{"a":1}}`} {
		if err := d.Create(t.Context(), "x", Definition{Name: name, Query: []byte(q)}); !errors.Is(err, ErrInvalid) {
			t.Errorf("query %q %s: %v", name, q, err)
		}
	}
	if err := d.Create(t.Context(), "x", Definition{Name: "strange", Query: []byte(`{"EQ_strange":["x"]}`)}); !errors.Is(err, repository.ErrParameter) {
		t.Errorf("unknown parameter: %v", err)
	}
	if err := d.Create(t.Context(), "x", Definition{Name: "limited", Query: []byte(`{"maxEventCount":5}`)}); err != nil {
		t.Fatal(err)
	}
	good := Order{Dest: "https://example.com/", Stream: true}
	if _, err := d.Subscribe(t.Context(), "x", "none", good); !errors.Is(err, ErrNotFound) {
		t.Errorf("to no query: %v", err)
	}
	if _, err := d.Subscribe(t.Context(), "x", "limited", good); !errors.Is(err, ErrControls) {
		t.Errorf("to a query with maxEventCount: %v", err)
	}
	for i, o := range []Order{{Dest: "ftp://example.com", Stream: true}, {Dest: "https://u:p@example.com", Stream: true}, {Dest: "/x", Stream: true}, {Dest: "https://example.com"},
		{Dest: "https://example.com", Stream: true, Schedule: &Schedule{Hour: "1"}}, {Dest: "https://example.com", Schedule: &Schedule{}},
		{Dest: "https://example.com", Schedule: &Schedule{Hour: "24"}}, {Dest: "https://example.com", Schedule: &Schedule{Month: "2", DayOfMonth: "30"}},
		{Dest: "https://example.com", Stream: true, InitialRecordTime: "now"}} {
		if _, err := d.Subscribe(t.Context(), "x", "shipping", o); !errors.Is(err, ErrControls) {
			t.Errorf("order %d %+v: %v", i, o, err)
		}
	}
	if err := d.Delete(t.Context(), "shipping"); err != nil {
		t.Error(err)
	}
	if err := d.Delete(t.Context(), "shipping"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestSchedule: the times that a schedule names.
func TestSchedule(t *testing.T) {
	at := time.Date(2026, 11, 21, 18, 30, 15, 500, time.UTC) // a Saturday
	for _, c := range []struct {
		s    string
		want string
	}{
		{`{"hour":"1","minute":"5"}`, "2026-11-22T01:05:00Z"},
		{`{"hour":1}`, "2026-11-22T01:00:00Z"},
		{`{"second":"0/30"}`, "2026-11-21T18:30:30Z"},
		{`{"second":"*/10"}`, "2026-11-21T18:30:20Z"},
		{`{"second":"15"}`, "2026-11-21T18:31:15Z"},
		{`{"minute":"0,31"}`, "2026-11-21T18:31:00Z"},
		{`{"minute":"[10-20]"}`, "2026-11-21T19:10:00Z"},
		{`{"dayOfWeek":"1"}`, "2026-11-23T00:00:00Z"},
		{`{"dayOfWeek":"7","hour":"12"}`, "2026-11-22T12:00:00Z"},
		{`{"dayOfMonth":"31"}`, "2026-12-31T00:00:00Z"},
		{`{"month":"2","dayOfMonth":"29"}`, "2028-02-29T00:00:00Z"},
		{`{"month":"1"}`, "2027-01-01T00:00:00Z"},
	} {
		var s Schedule
		if err := json.Unmarshal([]byte(c.s), &s); err != nil {
			t.Fatal(err)
		}
		ts, err := s.times()
		if err != nil {
			t.Errorf("%s: %v", c.s, err)
			continue
		}
		if got := ts.next(at).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: next is %s, want %s", c.s, got, c.want)
		}
	}
	for _, bad := range []string{`{"hour":"x"}`, `{"hour":"5-6"}`, `{"hour":"[6-5]"}`, `{"minute":"60"}`, `{"second":"0/0"}`, `{"dayOfWeek":"0"}`, `{"month":"2","dayOfMonth":"31"}`} {
		var s Schedule
		if err := json.Unmarshal([]byte(bad), &s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.times(); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
