package carrier_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/carrier"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/fact"
	"frostline/hub/notify"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

var ctx = context.Background()

const (
	secret  = "swift-secret-of-24-bytes"
	bearer  = "kurier-token-0123456789"
	signing = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
)

// theirs is a partner's server: it takes bookings once for their key, and tasks
// once for their id.
type theirs struct {
	*httptest.Server
	mu     sync.Mutex
	fails  int // so many requests are answered with 503
	lost   int // so many are done, and their answer does not arrive
	booked map[string]map[string]any
	ids    map[string]string // by key
	tasks  []carrier.Task
	seen   map[string]bool
	asked  []string
}

func newTheirs(t *testing.T) *theirs {
	s := &theirs{booked: map[string]map[string]any{}, ids: map[string]string{}, seen: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *theirs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if s.fails > 0 {
		s.fails--
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	if r.URL.Path == "/hooks" {
		key := bytes.Repeat([]byte("0123456789"), 3)[:24]
		if err := notify.Verify(key, r.Header, body, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		var task carrier.Task
		if json.Unmarshal(body, &task) == nil && !s.seen[task.ID] {
			s.seen[task.ID] = true
			s.tasks = append(s.tasks, task)
		}
	} else if r.Method == http.MethodDelete {
		delete(s.booked, filepath.Base(r.URL.Path))
	} else {
		key := r.Header.Get("Idempotency-Key")
		if s.ids[key] == "" {
			var b map[string]any
			_ = json.Unmarshal(body, &b)
			s.ids[key] = "B" + strconv.Itoa(len(s.ids)+1)
			s.booked[s.ids[key]] = b
		}
		if s.lost > 0 {
			s.lost--
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintf(w, `{"delivery":{"id":%q},"auftrag":%q}`, s.ids[key], s.ids[key])
	}
}

type sender struct{ *notify.Poster }

func (s sender) Send(ctx context.Context, o carrier.Outgoing) (int, time.Duration, []byte, error) {
	return s.Call(ctx, o.Method, o.URL, o.ID, o.Secret, o.Body, o.Header, time.Now())
}

// bench is a desk with two partners, dispatch and orders.
type bench struct {
	*dispatchtest.Bench
	t     *testing.T
	desk  *carrier.Desk
	there *theirs
	hub   *httptest.Server
	etas  map[string]int64
	at    int64 // position up to which events were followed
}

func mapping(t testing.TB, name, url string) string {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{"in": secret, "out": "outgoing-token", "sign": signing} {
		if name == "kurier" && file == "in" {
			text = bearer
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile("testdata/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+".yaml")
	text := strings.NewReplacer("SECRETS", dir, "URL", url).Replace(string(b))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, test func(b *bench)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		b := &bench{Bench: dispatchtest.New(t, db), t: t, there: newTheirs(t), etas: map[string]int64{}}
		b.Stock(t)
		all, err := carrier.LoadAll([]string{mapping(t, "swift", b.there.URL), mapping(t, "kurier", b.there.URL)})
		b.must(err)
		b.desk, err = carrier.New(carrier.Options{
			Carriers: all, Store: db, Events: b.Log, Dispatch: b.Dispatch, Send: sender{notify.NewPoster(true, 5*time.Second)}, Now: b.Clock, Log: storetest.Logger(t),
			Site: func(context.Context, string) (*fact.Position, error) { return nil, nil },
			Tell: func(ctx context.Context, actor, reason string, r fact.ShipmentReported) error {
				_, err := b.Orders.Report(ctx, actor, reason, r)
				return err
			},
			Arrival: func(route, stop string) (dispatch.Arrival, bool) {
				at, ok := b.etas[stop]
				return dispatch.Arrival{At: at}, ok
			},
		})
		b.must(err)
		mux := http.NewServeMux()
		mux.Handle(carrier.Pattern, b.desk)
		b.hub = httptest.NewServer(mux)
		t.Cleanup(b.hub.Close)
		test(b)
	})
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// swift sends a message as that partner does, and gives the status.
func (b *bench) swift(body string, key string) int {
	b.t.Helper()
	at := strconv.FormatInt(b.Now()/1000, 10)
	mac := hmac.New(sha256.New, []byte(key))
	io.WriteString(mac, at+"."+body)
	return b.post("swift", body, map[string]string{"X-Swift-Timestamp": at, "X-Swift-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil))})
}

func (b *bench) post(name, body string, header map[string]string) int {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.hub.URL+"/carriers/"+name+"/webhook", strings.NewReader(body))
	b.must(err)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	b.must(err)
	res.Body.Close()
	return res.StatusCode
}

func (b *bench) settle(name string) {
	b.t.Helper()
	_, err := b.desk.Settle(ctx, name)
	b.must(err)
}

// follow hands the events on that came since, each twice, and the shipments
// their news.
func (b *bench) follow() {
	b.t.Helper()
	for {
		events, err := b.Log.Read(ctx, b.at, 100)
		b.must(err)
		if len(events) == 0 {
			return
		}
		for _, e := range events {
			b.must(b.desk.Handle(ctx, e))
			b.must(b.desk.Handle(ctx, e))
			b.at = e.Position
		}
	}
}

func (b *bench) status(shipment string) string {
	b.t.Helper()
	s, err := b.Orders.Shipment(ctx, shipment)
	b.must(err)
	return s.Progress().Status
}

func (b *bench) messages(name, state string) []carrier.Message {
	b.t.Helper()
	all, err := b.desk.Messages(ctx, name, state, 0, 100)
	b.must(err)
	return all
}

func (b *bench) calls(name, state string) []carrier.Call {
	b.t.Helper()
	all, err := b.desk.Calls(ctx, name, state, 0, 100)
	b.must(err)
	return all
}

func (b *bench) event(id, shipment, code string, at int64) string {
	return fmt.Sprintf(`{"id":%q,"delivery":{"reference":%q},"status":{"code":%q},"occurred_at":%q,"position":{"lat":40.7,"lng":-74.0},"recipient":"Jane Miller"}`,
		id, shipment, code, time.UnixMilli(at).UTC().Format(time.RFC3339))
}

func list(events ...string) string { return `{"events":[` + strings.Join(events, ",") + `]}` }

func TestMessagesBecomeReports(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.Pass(time.Hour)
		now := b.Now()
		// The end comes before the beginning, and both come twice.
		end := list(b.event("e3", "SH1", "DELIVERED", now-1000), b.event("e2", "SH1", "AT_DOOR", now-60_000), b.event("e0", "SH1", "ASSIGNED", now))
		begin := list(b.event("e1", "SH1", "ON_ROUTE", now-600_000))
		for _, m := range []string{end, begin, end, begin} {
			if code := b.swift(m, secret); code != http.StatusAccepted {
				t.Fatalf("answered %d", code)
			}
			b.settle("swift")
		}
		r, err := b.Dispatch.Leg(ctx, "R1")
		b.must(err)
		v := r.Visits()[0]
		if r.Status() != "started" || v.Status != "completed" || v.Arrived != (now-60_000)/1000*1000 || len(r.Made) != 2 || len(r.Reports) != 1 {
			t.Errorf("route %s, stop %+v, %d reports; want started, completed, 2", r.Status(), v, len(r.Made))
		}
		if r.Made[0].Position != nil {
			t.Error("a report of a delivery tells where somebody lives")
		}
		s, err := b.Orders.Shipment(ctx, "SH1")
		b.must(err)
		if len(s.Reports) != 1 || s.Reports[0].Position == nil || s.Reports[0].Source != "co1" {
			t.Errorf("shipment was told %+v; want its way, with where, by co1", s.Reports)
		}
		if done := b.messages("swift", carrier.Done); len(done) != 2 {
			t.Errorf("%d messages done; want 2", len(done))
		}
		if n := b.desk.Counts(); n.Again != 2 || n.Taken != 2 {
			t.Errorf("counts %+v", n)
		}
	})
}

func TestWhatIsNotUnderstoodIsSetAside(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.Pass(time.Hour)
		now := b.Now() - 1000
		for _, c := range []struct{ body, problem string }{
			{list(b.event("a", "SH1", "TELEPORTED", now), b.event("b", "SH2", "AT_DOOR", now)), `"TELEPORTED"`},
			{list(b.event("c", "SH99", "ON_ROUTE", now)), "SH99"},
			{list(b.event("d", "SH1", "AT_DOOR", now+86_400_000)), "ahead of the hub's clock"},
			{list(strings.Replace(b.event("e", "SH1", "AT_DOOR", now), "occurred_at", "when", 1)), "time /occurred_at: is missing"},
			{`{"event":"test"}`, "/events"},
			{`{"events":[{"a":1,"a":2}]}`, "not JSON"},
			{strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "/events"},
			{list(b.event("b", "SH2", "EXCEPTION", now)), "known already"}, // another event of the same id
		} {
			if code := b.swift(c.body, secret); code != http.StatusAccepted {
				t.Errorf("%.60s: answered %d", c.body, code)
			}
			b.settle("swift")
			aside := b.messages("swift", carrier.Aside)
			if len(aside) == 0 || !strings.Contains(aside[len(aside)-1].Problem, c.problem) {
				t.Errorf("%.60s: aside %+v; want %q", c.body, aside, c.problem)
			}
			if strings.Contains(fmt.Sprint(aside), "Miller") {
				t.Error("a problem names a recipient")
			}
		}
		r, err := b.Dispatch.Leg(ctx, "R1")
		b.must(err)
		if len(r.Made) != 1 || r.Made[0].Stop != "s2" {
			t.Errorf("reports %+v; want the one that was well, beside the one that was not", r.Made)
		}
		// The shipment is planned now: tried again, it is well.
		_, err = b.Orders.Plan(ctx, "person/test", "", fact.ShipmentPlanned{ID: "SH99"}, record.Any)
		b.must(err)
		_, err = b.desk.Retry(ctx, "person/test", "", "swift", 2)
		b.must(err)
		b.settle("swift")
		if b.status("SH99") != "in_transit" {
			t.Errorf("SH99 is %s", b.status("SH99"))
		}
		if _, err := b.desk.Drop(ctx, "person/test", "", "swift", 1); err == nil {
			t.Error("dropped without a reason")
		}
		_, err = b.desk.Drop(ctx, "person/test", "a test of theirs", "swift", 5)
		b.must(err)
		b.Pass(31 * 24 * time.Hour)
		n, err := b.desk.Forget(ctx)
		b.must(err)
		_, body, err := b.desk.Message(ctx, "swift", 2)
		b.must(err)
		_, kept, err := b.desk.Message(ctx, "swift", 1)
		b.must(err)
		if n != 2 || body != nil || kept == nil {
			t.Errorf("%d texts removed, of the settled one %d bytes are left, of the one aside %d", n, len(body), len(kept))
		}
	})
}

func TestOnlyWhoHasTheSecretIsHeard(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		body := list(b.event("x", "SH1", "ON_ROUTE", b.Now()))
		if code := b.swift(body, secret+"!"); code != http.StatusUnauthorized {
			t.Errorf("wrong secret: %d", code)
		}
		if code := b.post("swift", body, nil); code != http.StatusUnauthorized {
			t.Errorf("no signature: %d", code)
		}
		if code := b.post("nobody", body, nil); code != http.StatusUnauthorized {
			t.Errorf("unknown partner: %d", code)
		}
		at := strconv.FormatInt(b.Now()/1000-301, 10)
		mac := hmac.New(sha256.New, []byte(secret))
		io.WriteString(mac, at+"."+body)
		if code := b.post("swift", body, map[string]string{"X-Swift-Timestamp": at, "X-Swift-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil))}); code != http.StatusUnauthorized {
			t.Errorf("signed too long ago: %d", code)
		}
		if code := b.swift(`{"a":"`+strings.Repeat("x", carrier.MaxMessage)+`"}`, secret); code != http.StatusRequestEntityTooLarge {
			t.Errorf("too large: %d", code)
		}
		for range 30 {
			b.swift(body, "wrong secret of some length")
		}
		if code := b.swift(body, "wrong"); code != http.StatusTooManyRequests {
			t.Errorf("after many forged ones: %d; want 429", code)
		}
		if code := b.swift(body, secret); code != http.StatusAccepted {
			t.Errorf("their own, after many forged ones: %d", code)
		}
		if n := len(b.messages("swift", "")); n != 1 {
			t.Errorf("%d messages are kept; want 1", n)
		}
	})
}
