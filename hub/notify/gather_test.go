package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// zone opens excursions: so many packages of one place become too warm.
func (w *world) zone(first, n int, place string, change func(*fact.ExcursionFacts)) (all []event.Event) {
	w.t.Helper()
	for i := first; i < first+n; i++ {
		f := facts()
		f.Package, f.Limit, f.From = fmt.Sprintf("P%04d", i), "high", t0+int64(i)*1000
		if change != nil {
			change(&f)
		}
		id := fmt.Sprintf("x%04d", i)
		all = append(all, w.tell(id, fact.ExcursionWasOpened, fact.ExcursionOpened{ID: id, Facts: f, Place: place, State: "opened"}))
	}
	return all
}

// mails tells anna by e-mail only, of what has waited for First; the clock
// stands until it is set on.
func (w *world) mails(g Gather) (n *Notifier, set func(time.Duration)) {
	w.t.Helper()
	now := time.UnixMilli(t0)
	n, err := New(Options{
		Config: Config{
			Link: "https://hub.example.com", Gather: g, SMTP: &SMTP{Host: "127.0.0.1", Security: "none", From: "hub@example.com"},
			Contacts: []Contact{{"anna", "anna@example.com"}, {"boss", "boss@example.com"}},
			Policies: []Policy{{Name: "all", Levels: []Level{{Notify: []string{"contact:anna"}, Within: time.Minute}, {Notify: []string{"contact:anna", "contact:boss"}, Within: time.Minute}}}},
		},
		Events: w.log, Store: w.db, Log: storetest.Logger(w.t), Now: func() time.Time { return now },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n, func(d time.Duration) { now = time.UnixMilli(t0).Add(d) }
}

// told handles events and gives the deliveries that are made by now, oldest
// first, leaving out those that were seen before.
func (w *world) told(n *Notifier, seen map[string]bool, all ...event.Event) (out []Delivery) {
	w.t.Helper()
	if err := n.Handle(context.Background(), all); err != nil {
		w.t.Fatal(err)
	}
	if err := n.tell(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	list, err := n.List(context.Background(), Filter{}, "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range list {
		if !seen[d.ID] {
			seen[d.ID] = true
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Delivery) int { return strings.Compare(a.Recipient, b.Recipient) })
	return out
}

// TestFiveHundredPackagesAreOneMessage: a zone becomes warm. Whoever is on call
// is told once, of what comes later by an update in the same thread, and of an
// escalation once more.
func TestFiveHundredPackagesAreOneMessage(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n, set := w.mails(Gather{First: 20 * time.Second, Update: 15 * time.Minute})
		seen := map[string]bool{}
		first := w.zone(0, 100, "zone/cold-1", nil)
		if d := w.told(n, seen, first...); len(d) != 0 {
			t.Fatalf("told before anything else could come: %+v", d)
		}
		set(19 * time.Second)
		rest := w.zone(100, 400, "zone/cold-1", nil)
		if d := w.told(n, seen, rest...); len(d) != 0 {
			t.Fatalf("told too soon: %+v", d)
		}
		set(20 * time.Second)
		d := w.told(n, seen, first...) // handled again, as after a crash
		if len(d) != 1 || d[0].Members != 500 || d[0].ReplyTo != "" || d[0].Recipient != "anna" {
			t.Fatalf("told %+v", d)
		}
		for _, want := range []string{"zone/cold-1: 500 packages too warm, profile fridge", "500 critical", "up to 12.3", "500 units", "lots L1", "excursion/x0000", "excursion/x0099", "and 400 more"} {
			if !strings.Contains(d[0].Subject+d[0].Body, want) {
				t.Errorf("message does not say %q:\n%s", want, d[0].Body)
			}
		}
		if strings.Contains(d[0].Body, "x0100") || len(d[0].Body) > 40_000 {
			t.Errorf("%d bytes: more than %d are listed", len(d[0].Body), listed)
		}
		if about, err := n.List(t.Context(), Filter{About: "x0499"}, "", 10); err != nil || len(about) != 1 || about[0].ID != d[0].ID {
			t.Errorf("who was told of the last of them: %+v, %v", about, err)
		}

		// More of the same waits for an update, in the thread of the first.
		set(5 * time.Minute)
		if more := w.told(n, seen, w.zone(500, 20, "zone/cold-1", nil)...); len(more) != 0 {
			t.Fatalf("more of the same was told at once: %+v", more)
		}
		set(15*time.Minute + 20*time.Second)
		more := w.told(n, seen)
		if len(more) != 1 || more[0].Members != 20 || more[0].ReplyTo != d[0].ID || more[0].Thread != d[0].Thread ||
			!strings.Contains(more[0].Subject, "Update: ") || !strings.Contains(more[0].Body, "520 packages, of which 20 in this message") {
			t.Fatalf("update %+v\n%s", more, more[0].Body)
		}

		// Nobody has acknowledged: each case has its deadline, and they are told
		// together, at once.
		var late []event.Event
		for i := range 500 {
			f := facts()
			f.Package, f.From = fmt.Sprintf("P%04d", i), t0+int64(i)*1000
			id := fmt.Sprintf("x%04d", i)
			late = append(late, w.tell(id, fact.ExcursionWasEscalated, fact.ExcursionEscalated{ID: id, Facts: f, Place: "zone/cold-1", OldLevel: 1, Level: 2, Due: t0}))
		}
		set(16 * time.Minute)
		w.told(n, seen, late...)
		set(16*time.Minute + 20*time.Second)
		escalated := w.told(n, seen)
		if len(escalated) != 2 || escalated[0].Recipient != "anna" || escalated[1].Recipient != "boss" || escalated[1].ReplyTo != "" || escalated[0].ReplyTo != d[0].ID {
			t.Fatalf("escalation told by %+v", escalated)
		}
		for _, e := range escalated {
			if !strings.Contains(e.Subject, "NOT ACKNOWLEDGED: zone/cold-1") || e.Members != 500 {
				t.Errorf("escalation says %q of %d", e.Subject, e.Members)
			}
		}
		k, err := n.Counts(t.Context())
		if err != nil || k.Waiting != 0 || k.Told != 4 {
			t.Errorf("counts %+v, %v; want 4 messages for 1,020 events", k, err)
		}
	})
}

// TestWhatBelongsTogether: one message for each place, profile, kind and side of
// the limit, and for what began about the same time; what is worse is told at
// once.
func TestWhatBelongsTogether(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	n, set := w.mails(Gather{First: time.Second, Update: time.Hour, Window: 10 * time.Minute})
	seen := map[string]bool{}
	var all []event.Event
	all = append(all, w.zone(0, 2, "zone/a", nil)...)
	all = append(all, w.zone(2, 2, "zone/b", nil)...)
	all = append(all, w.zone(4, 2, "zone/a", func(f *fact.ExcursionFacts) { f.Profile = "freezer" })...)
	all = append(all, w.zone(6, 2, "zone/a", func(f *fact.ExcursionFacts) { f.Op = thermal.Below })...)
	all = append(all, w.zone(8, 2, "zone/a", func(f *fact.ExcursionFacts) { f.Kind, f.Why = fact.Unmonitored, "no source" })...)
	all = append(all, w.zone(10, 2, "zone/a", func(f *fact.ExcursionFacts) { f.From += 3_600_000 })...)
	all = append(all, w.zone(12, 2, "zone/a", func(f *fact.ExcursionFacts) { f.From += 500_000 })...) // within the window of the first
	w.told(n, seen, all...)
	set(time.Second)
	d := w.told(n, seen)
	members := 0
	for _, k := range d {
		members += k.Members
	}
	if len(d) != 6 || members != 14 {
		t.Fatalf("%d messages of %d excursions, want 6 of 14: %+v", len(d), members, d)
	}
	worse := facts()
	worse.Package, worse.From = "P0000", t0
	raised := w.tell("x0000", fact.ExcursionWasRevised, fact.ExcursionRevised{ID: "x0000", New: worse, Place: "zone/z", Effects: []string{"raised"}, State: "opened"})
	set(2 * time.Second)
	w.told(n, seen, raised)
	set(3 * time.Second)
	d = w.told(n, seen)
	if len(d) != 1 || !strings.Contains(d[0].Subject, "Update: [critical] WORSE: zone/z: 4 packages") {
		t.Errorf("worse is told by %+v", d)
	}
}

// TestWebhookIsToldInOrder: a receiver that refuses now and then gets the events
// of each excursion in their order, each under one id, and no more a second
// than it was configured for.
func TestWebhookIsToldInOrder(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	bad := answer(500)
	rec := receive(t, nil, bad, nil, nil, bad, bad, nil, bad)
	c := config(t, nil, rec.URL)
	c.Webhooks[0].Rate = 200
	c.Webhooks[0].Events = []string{fact.ExcursionWasAcknowledged, fact.ExcursionWasClosed}
	n := w.notifier(c)
	const cases = 10
	for i := range cases {
		w.opened(fmt.Sprint("x", i))
	}
	for _, typ := range []string{fact.ExcursionWasAcknowledged, fact.ExcursionWasClosed} {
		for i := range cases {
			w.tell(fmt.Sprint("x", i), typ, fact.ExcursionStep{ID: fmt.Sprint("x", i)})
		}
	}
	began := time.Now()
	w.run(n)
	until(t, "all told", func() bool { return w.states(n)[Sent] == 3*cases })
	if d := time.Since(began); d < (3*cases-1)*time.Second/200 {
		t.Errorf("%d requests in %s: more than 200 a second", 3*cases, d)
	}
	_, taken := rec.seen()
	newest := map[string]string{}
	for _, body := range taken {
		var e struct{ Type, Subject, Sequence string }
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		if e.Sequence == "" || e.Sequence <= newest[e.Subject] {
			t.Errorf("excursion %s: %s, %s is told after %s", e.Subject, e.Type, e.Sequence, newest[e.Subject])
		}
		newest[e.Subject] = e.Sequence
	}
	if len(taken) != 3*cases {
		t.Errorf("%d taken, want %d", len(taken), 3*cases)
	}
}

// TestReceiverThatIsAwayIsLeftAlone: while it is, it is asked now and then, not
// once for each event that waits.
func TestReceiverThatIsAwayIsLeftAlone(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	var away []func(http.ResponseWriter, *http.Request)
	for range 5 {
		away = append(away, answer(503, "Retry-After", "1"))
	}
	rec := receive(t, away...)
	c := config(t, nil, rec.URL)
	c.Webhooks[0].Rate = 1000
	c.Retry = Retry{First: 100 * time.Millisecond, Longest: 100 * time.Millisecond, For: time.Minute}
	n := w.notifier(c)
	for i := range 50 {
		w.opened(fmt.Sprint("x", i))
	}
	began := time.Now()
	w.run(n)
	until(t, "it is there again", func() bool { return w.states(n)[Sent] > 0 })
	if ids, _ := rec.seen(); len(ids) < 6 || time.Since(began) < 4*50*time.Millisecond {
		t.Errorf("%d requests within %s", len(ids), time.Since(began))
	}
	until(t, "all told", func() bool { return w.states(n)[Sent] == 50 })
}
