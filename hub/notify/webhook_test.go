package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// receiver is an HTTP server that keeps what it has taken and does, in turn,
// what it is told to.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	ids   []string                                       // webhook-id of each request
	taken []string                                       // bodies of those answered with 2xx, or done and not answered
	turns []func(w http.ResponseWriter, r *http.Request) // nil: take it
	hang  chan struct{}
}

func receive(t testing.TB, turns ...func(http.ResponseWriter, *http.Request)) *receiver {
	rec := &receiver{turns: turns, hang: make(chan struct{})}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = Verify(secret, r.Header, body, time.Now())
		}
		if err != nil {
			t.Errorf("webhook %s: %v", r.Header.Get("webhook-id"), err)
		}
		rec.mu.Lock()
		rec.ids = append(rec.ids, r.Header.Get("webhook-id"))
		var turn func(http.ResponseWriter, *http.Request)
		if len(rec.turns) > 0 {
			turn, rec.turns = rec.turns[0], rec.turns[1:]
		}
		if turn == nil {
			rec.taken = append(rec.taken, string(body))
		}
		rec.mu.Unlock()
		if turn != nil {
			turn(w, r)
		}
	}))
	t.Cleanup(func() { close(rec.hang); rec.Close() })
	return rec
}

func answer(code int, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, "an answer")
	}
}

func drop(w http.ResponseWriter, _ *http.Request) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
}

func (r *receiver) seen() (ids, taken []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ids), slices.Clone(r.taken)
}

// TestPromise10ReceiversThatMisbehave: slow ones, ones that fail, hang, or do the thing
// and drop the connection, are all told under one id, and never twice once they
// have answered.
func TestPromise10ReceiversThatMisbehave(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var rec *receiver
		rec = receive(t,
			answer(500), drop, func(http.ResponseWriter, *http.Request) { <-rec.hang }, answer(503, "Retry-After", "1"), answer(404), answer(302, "Location", "/elsewhere"))
		c := config(t, nil, rec.URL+"/hook")
		c.Webhooks[0].Timeout = 300 * time.Millisecond
		c.Webhooks[0].Events = []string{fact.ExcursionWasClosed}
		n := w.notifier(c)
		// A redirect is a refusal: it is not followed, and few attempts are made.
		w.run(n)
		e := w.opened("x1")
		until(t, "given up", func() bool { return w.states(n)[Failed] == 1 })
		ids, taken := rec.seen()
		if len(ids) != 6 || len(taken) != 0 || len(slices.Compact(ids)) != 1 {
			t.Fatalf("asked %v, taken %v", ids, taken)
		}
		all, err := n.List(context.Background(), Filter{State: Failed}, "", 10)
		if err != nil || len(all) != 1 || !strings.Contains(all[0].Error, "redirects are not followed") {
			t.Fatalf("failed: %+v, %v", all, err)
		}
		k, err := n.Counts(context.Background())
		if err != nil || k.Failed != 1 || k.GaveUp != 1 {
			t.Errorf("counts %+v, %v", k, err)
		}
		if _, err := n.Retry(context.Background(), "person/ada", all[0].ID); err != nil {
			t.Fatal(err)
		}
		until(t, "sent", func() bool { return w.states(n)[Sent] == 1 })
		if _, err := n.Retry(context.Background(), "person/ada", all[0].ID); !errors.Is(err, ErrNotFailed) {
			t.Errorf("retry of what was sent: %v", err)
		}
		if trail, err := w.log.Stream(context.Background(), "delivery/"+all[0].ID, 0, 10); err != nil || len(trail) != 1 || trail[0].Actor != "person/ada" || trail[0].Type != fact.DeliveryWasRetried {
			t.Errorf("trail of the delivery: %+v, %v", trail, err)
		}
		if _, err := n.Retry(context.Background(), "person/ada", "msg_no"); !errors.Is(err, ErrNotFound) {
			t.Errorf("retry of nothing: %v", err)
		}
		_, taken = rec.seen()
		var ce cloudevents.Event
		if len(taken) != 1 {
			t.Fatalf("%d taken, want 1", len(taken))
		}
		if err := json.Unmarshal([]byte(taken[0]), &ce); err != nil {
			t.Fatal(err)
		}
		var m message
		if err := ce.DataAs(&m); err != nil {
			t.Fatal(err)
		}
		if ce.Validate() != nil || ce.ID() != e.ID || ce.Type() != "frostline.excursion.opened" || ce.Source() != "https://hub.example.com" ||
			ce.Subject() != "x1" || m.Facts == nil || m.Facts.Package != "P1" || m.Link == "" {
			t.Errorf("cloud event %v", ce)
		}
		w.tell("x1", fact.ExcursionWasClosed, fact.ExcursionStep{ID: "x1", OldState: "approved", State: "closed"})
		until(t, "closing told", func() bool { return w.states(n)[Sent] == 2 })
	})
}

// TestReceiverThatHangsHoldsUpNobodyElse.
func TestReceiverThatHangsHoldsUpNobodyElse(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	var slow *receiver
	hang := func(http.ResponseWriter, *http.Request) { <-slow.hang }
	slow = receive(t, hang, hang, hang, hang, hang)
	quick := receive(t)
	c := config(t, nil, slow.URL)
	c.Webhooks[0].Timeout = time.Minute
	c.Webhooks = append(c.Webhooks, Webhook{Name: "quick", URL: quick.URL, SecretFiles: []string{secretFile(t)}, Private: true})
	c.Policies[0].Levels[0].Notify = []string{"webhook:pager", "webhook:quick"}
	n := w.notifier(c)
	stop := w.run(n)
	for _, id := range []string{"x1", "x2", "x3", "x4"} {
		w.opened(id)
	}
	until(t, "quick one told", func() bool { return w.states(n)[Sent] == 4 })
	stop() // ends although one hangs
	if s := w.states(n); s[Pending] != 4 {
		t.Errorf("states %v, want 4 pending", s)
	}
}

// TestKilledInTheMiddle: the notifier ends right after its events were handled
// but before the cursor was kept, before anything was sent, and after the
// receiver has taken it but before that was written down. Nothing is lost, and
// what comes again has the same id.
func TestKilledInTheMiddle(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		rec := receive(t)
		c := config(t, nil, rec.URL)
		e := w.opened("x1")
		ctx := context.Background()
		for range 3 { // handled, and the cursor lost
			if err := w.notifier(c).Handle(ctx, []event.Event{e}); err != nil {
				t.Fatal(err)
			}
		}
		n := w.notifier(c)
		all, err := n.List(ctx, Filter{}, "", 10)
		if err != nil || len(all) != 1 || all[0].State != Pending {
			t.Fatalf("deliveries %+v, %v", all, err)
		}
		if err := n.attempt(ctx, all[0]); err != nil { // taken, and the outcome lost
			t.Fatal(err)
		}
		n = w.notifier(c) // after a restart
		w.run(n)
		until(t, "sent", func() bool { return w.states(n)[Sent] == 1 })
		ids, _ := rec.seen()
		if len(ids) != 2 || ids[0] != ids[1] || ids[0] != all[0].ID {
			t.Errorf("told under %v, want twice %s", ids, all[0].ID)
		}
		if k, _ := n.Counts(ctx); k.Told != 0 || k.Pending != 0 {
			t.Errorf("counts after the restart %+v", k)
		}
	})
}

func TestEscalationsAndRevisionsAreTold(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	c := Config{
		Link: "https://hub.example.com",
		SMTP: &SMTP{Host: "127.0.0.1", Security: "none", From: "hub@example.com"},
		Contacts: []Contact{
			{"anna", "anna@example.com"}, {"ben", "ben@example.com"}, {"quality", "q@example.com"}, {"boss", "boss@example.com"},
		},
		Schedules: []Schedule{{Name: "night", Start: "2026-01-05", Days: 7, Contacts: []string{"anna", "ben"}}},
		Policies: []Policy{{
			Name: "urgent", Severities: []string{"critical"}, Inform: []string{"contact:quality"},
			Levels: []Level{{Notify: []string{"schedule:night", "contact:anna"}, Within: time.Minute}, {Notify: []string{"contact:boss"}, Within: time.Minute}},
		}},
	}
	n := w.notifier(c)
	at := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC).UnixMilli() // anna is on call
	warm := facts()
	warm.Severity = "warning"
	for _, test := range []struct {
		name string
		e    event.Event
		want string
		lost bool
	}{
		{"opened", w.made(fact.ExcursionWasOpened, at, fact.ExcursionOpened{ID: "x", Facts: facts()}), "anna", false},
		{"opened a week later", w.made(fact.ExcursionWasOpened, at+7*24*3600_000, fact.ExcursionOpened{ID: "x", Facts: facts()}), "ben anna", false},
		{"level 2", w.made(fact.ExcursionWasEscalated, at, fact.ExcursionEscalated{ID: "x", Facts: facts(), Level: 2}), "boss", false},
		{"a level that is no more", w.made(fact.ExcursionWasEscalated, at, fact.ExcursionEscalated{ID: "x", Facts: facts(), Level: 9}), "boss", false},
		{"goes on", w.made(fact.ExcursionWasRevised, at, fact.ExcursionRevised{ID: "x", New: facts()}), "", false},
		{"reopened", w.made(fact.ExcursionWasRevised, at, fact.ExcursionRevised{ID: "x", New: facts(), Effects: []string{"reopened"}, OldState: "closed"}), "anna", false},
		{"retracted", w.made(fact.ExcursionWasRevised, at, fact.ExcursionRevised{ID: "x", New: facts(), Effects: []string{"retracted"}}), "anna quality", false},
		{"acknowledged", w.made(fact.ExcursionWasAcknowledged, at, fact.ExcursionStep{ID: "x"}), "", false},
		{"no policy", w.made(fact.ExcursionWasOpened, at, fact.ExcursionOpened{ID: "x", Facts: warm}), "", true},
		{"not ours", event.Event{Type: fact.OrderWasPlaced, Data: []byte(`{"patient":"tok-1"}`)}, "", false},
	} {
		all, lost, err := n.config.route(test.e)
		if err != nil {
			t.Fatal(err)
		}
		var who []string
		for _, d := range all {
			who = append(who, d.Recipient)
		}
		if got := strings.Join(who, " "); got != test.want || lost != test.lost {
			t.Errorf("%s: told %q, lost %v; want %q, %v", test.name, got, lost, test.want, test.lost)
		}
	}
	if got := n.config.Levels("critical", "limit"); len(got) != 2 || n.config.Levels("warning", "limit") != nil {
		t.Errorf("levels %v", got)
	}
}

// TestPromise9LeastSeen: whatever a message is made of, it has nothing of a
// patient: it is made of named fields of excursions' events, none of them free
// text of a person, and no other event is told.
func TestPromise9LeastSeen(t *testing.T) {
	c := Config{Link: "https://hub.example.com", Source: "urn:hub", Webhooks: []Webhook{{Name: "all"}}}
	told := 0
	for _, typ := range fact.Types() {
		if strings.HasPrefix(typ, "excursion.") {
			c.Webhooks[0].Events = append(c.Webhooks[0].Events, typ)
		}
	}
	for _, typ := range fact.Types() {
		if typ == fact.NoticeWasGiven {
			continue // see TestNotices
		}
		e := event.Event{ID: "e", Stream: "excursion/x", Type: typ, At: t0, Data: []byte(`{"patient":"tok-secret","text":"for tok-secret","signature":{"comment":"tok-secret"},"id":"x"}`), Reason: "tok-secret"}
		all, _, err := c.route(e)
		if err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		told += len(all)
		for _, d := range all {
			if d.Type != typ || !strings.HasPrefix(typ, "excursion.") {
				t.Errorf("%s is told", typ)
			}
			if strings.Contains(d.Subject+d.Body, "tok-secret") {
				t.Errorf("%s tells of the patient: %s", typ, d.Body)
			}
		}
	}
	if told != len(c.Webhooks[0].Events) || told == 0 {
		t.Errorf("%d told, want one for each of %v", told, c.Webhooks[0].Events)
	}
}

func (w *world) made(typ string, at int64, data any) event.Event {
	b, err := json.Marshal(data)
	if err != nil {
		w.t.Fatal(err)
	}
	return event.Event{ID: "e", Stream: "excursion/x", Type: typ, At: at, Data: b}
}

func TestAddressesThatAWebhookMustNotReach(t *testing.T) {
	for _, test := range []struct {
		addr            string
		public, private bool
	}{
		{"93.184.216.34", true, true}, {"2606:4700::1111", true, true},
		{"127.0.0.1", false, true}, {"::1", false, true}, {"10.1.2.3", false, true}, {"192.168.0.1", false, true}, {"fd00::1", false, true}, {"::ffff:127.0.0.1", false, true},
		{"169.254.169.254", false, false}, {"fe80::1", false, false}, {"0.0.0.0", false, false}, {"::", false, false}, {"224.0.0.1", false, false},
		{"255.255.255.255", false, false}, {"100.64.0.1", false, false}, {"64:ff9b::7f00:1", false, false}, {"2002:7f00:1::", false, false}, {"240.0.0.1", false, false},
		{"::ffff:169.254.169.254", false, false},
	} {
		a := netip.MustParseAddr(test.addr)
		if err := checkIP(a, false); (err == nil) != test.public {
			t.Errorf("%s to the public: %v", a, err)
		}
		if err := checkIP(a, true); (err == nil) != test.private {
			t.Errorf("%s privately: %v", a, err)
		}
	}
	// A name that leads to this machine is refused when it is connected to.
	rec := receive(t)
	h, err := newHook(Webhook{URL: strings.Replace(rec.URL, "127.0.0.1", "localhost", 1), SecretFiles: []string{secretFile(t)}, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.send(context.Background(), Delivery{ID: "m", Body: "{}"}, time.Now()); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Errorf("sent to this machine: %v", err)
	}
}

// TestSignatureOfStandardWebhooks: the secret, request and signature by which
// the reference libraries of standard-webhooks/standard-webhooks test Sign, and
// the requests that they refuse.
func TestSignatureOfStandardWebhooks(t *testing.T) {
	const (
		id, at, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`
		want         = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
		wrong        = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	)
	h, err := newHook(Webhook{SecretFiles: []string{write(t, "secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := sign(h.secrets, id, at, body); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
	now := time.Unix(1614265330, 0)
	for _, test := range []struct {
		name, id, at, signature, body string
		now                           time.Time
		ok                            bool
	}{
		{"as it was signed", id, at, want, body, now, true},
		{"among others, by a secret that is being changed", id, at, wrong + " v2," + want[3:] + " " + want + " " + wrong, body, now, true},
		{"no id", "", at, want, body, now, false},
		{"no timestamp", id, "", want, body, now, false},
		{"no signature", id, at, "", body, now, false},
		{"another signature", id, at, wrong, body, now, false},
		{"an empty signature", id, at, "v1,", body, now, false},
		{"of another version", id, at, "v2," + want[3:], body, now, false},
		{"another body", id, at, want, body + " ", now, false},
		{"another id", "msg_1", at, want, body, now, false},
		{"long ago", id, at, want, body, now.Add(5*time.Minute + time.Second), false},
		{"from the future", id, at, want, body, now.Add(-5*time.Minute - time.Second), false},
	} {
		header := http.Header{}
		header.Set("webhook-id", test.id)
		header.Set("webhook-timestamp", test.at)
		header.Set("webhook-signature", test.signature)
		if err := Verify(h.secrets[0], header, []byte(test.body), test.now); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	other := []byte("another secret, also long enough")
	if got := sign([][]byte{other, h.secrets[0]}, id, at, body); !strings.HasSuffix(got, " "+want) {
		t.Errorf("signatures by two secrets: %s", got)
	}
}
