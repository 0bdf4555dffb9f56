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
	"frostline/hub/event"
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

func TestBookedOnceAndTakenBack(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.follow()
		b.there.fails, b.there.lost = 2, 1
		b.deliver("swift")
		if len(b.there.booked) != 3 {
			t.Fatalf("%d bookings; want 3, each once although answers were lost", len(b.there.booked))
		}
		one := b.there.booked["B1"]
		if one["reference"] != "SH1" || one["weight_g"] != 5000.0 || one["ready"] != nil || one["note"] != "route R1, stop s1" || one["dropoff"].(map[string]any)["lat"] != 40.7 {
			t.Errorf("booked %v", one)
		}
		p := b.Round()
		p.Stops = p.Stops[:2]
		_, err = b.Dispatch.Route(ctx, "person/test", "", p, record.Any)
		b.must(err)
		b.follow()
		b.deliver("swift")
		if _, still := b.there.booked["B3"]; still || len(b.there.booked) != 2 {
			t.Errorf("booked %v; want B3 taken back", b.there.booked)
		}
		// Planned once more, and taken out before anybody was told.
		_, err = b.Dispatch.Route(ctx, "person/test", "", b.Round(), record.Any)
		b.must(err)
		_, err = b.Dispatch.Route(ctx, "person/test", "", p, record.Any)
		b.must(err)
		b.follow()
		asked := len(b.there.asked)
		b.deliver("swift")
		if len(b.there.asked) != asked || len(b.calls("swift", carrier.Withdrawn)) != 2 {
			t.Errorf("asked %v, withdrawn %+v", b.there.asked[asked:], b.calls("swift", carrier.Withdrawn))
		}
		_, err = b.Dispatch.Report(ctx, "person/test", "", fact.RouteReported{ID: "x", Route: "R1", Status: "cancelled", At: b.Now(), Source: "person"})
		b.must(err)
		b.follow()
		b.deliver("swift")
		if len(b.there.booked) != 0 {
			t.Errorf("the route is cancelled, and %v is booked", b.there.booked)
		}
	})
}

// deliver makes calls until none is due, with the time that passes between.
func (b *bench) deliver(name string) {
	b.t.Helper()
	for range 50 {
		_, err := b.desk.Deliver(ctx, name)
		b.must(err)
		if len(b.calls(name, carrier.Due)) == 0 {
			return
		}
		b.Pass(time.Second)
	}
	b.t.Fatalf("calls are due still: %+v", b.calls(name, carrier.Due))
}

func TestTasksAreToldOnce(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.Pass(time.Hour)
		at := b.Now() - 1000
		_, err = b.Dispatch.Report(ctx, "person/test", "", fact.RouteReported{ID: "r", Route: "R1", Status: "started", At: at, Source: "driver"})
		b.must(err)
		b.etas["s1"], b.etas["s2"] = b.Now()+10*60_000, b.Now()+20*60_000
		for range 3 {
			b.must(b.desk.Soon(ctx))
		}
		for i, s := range []string{"arrived", "arrived", "completed"} {
			_, err := b.Dispatch.ReportStop(ctx, "person/test", "", fact.StopReported{ID: fmt.Sprint("s-", i), Route: "R1", Stop: "s1", Status: s, At: at + int64(i), Source: "driver"})
			b.must(err)
		}
		_, err = b.Dispatch.ReportStop(ctx, "person/test", "", fact.StopReported{ID: "s-9", Route: "R1", Stop: "s2", Status: "failed", At: at, Source: "driver"})
		b.must(err)
		b.follow()
		b.deliver("swift")
		got := map[string]int{}
		for _, task := range b.there.tasks {
			got[task.Trigger+" "+task.Stop+" "+task.Shipment]++
		}
		want := map[string]int{"started s1 SH1": 1, "started s2 SH2": 1, "started s3 SH3": 1, "eta s1 SH1": 1, "arrival s1 SH1": 1, "completed s1 SH1": 1, "failed s2 SH2": 1}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("told %v; want %v", got, want)
		}
	})
}

func TestAnotherShape(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Define(ctx, "person/test", "", fact.CourierDefined{ID: "k1", Kind: "carrier", Party: "co2"}, 0)
		b.must(err)
		p := b.Round()
		p.Courier = "k1"
		_, err = b.Dispatch.Route(ctx, "person/test", "", p, 0)
		b.must(err)
		b.follow()
		b.deliver("kurier")
		b.Pass(time.Hour)
		berlin, err := time.LoadLocation("Europe/Berlin")
		b.must(err)
		when := b.Clock().Add(-time.Minute).Truncate(time.Second)
		send := func(status, at string) {
			t.Helper()
			body := fmt.Sprintf(`{"Auftrag":"B1","Status":%s,"Zeit":%q}`, status, at)
			if code := b.post("kurier", body, map[string]string{"Authorization": "Bearer " + bearer}); code != http.StatusAccepted {
				t.Errorf("answered %d", code)
			}
			b.settle("kurier")
		}
		send("20", when.In(berlin).Format("02.01.2006 15:04:05"))
		r, err := b.Dispatch.Leg(ctx, "R1")
		b.must(err)
		if v := r.Visits()[0]; v.Status != "arrived" || v.Arrived != when.UnixMilli() {
			t.Errorf("stop is %s at %d; want arrived at %d", v.Status, v.Arrived, when.UnixMilli())
		}
		send("30", "25.10.2026 02:30:00") // clocks are put back at 3:00 that day
		send("30", "29.03.2026 02:30:00") // clocks are put forward at 2:00 that day
		aside := b.messages("kurier", carrier.Aside)
		if len(aside) != 2 || !strings.Contains(aside[0].Problem, "twice") || !strings.Contains(aside[1].Problem, "no such time") {
			t.Errorf("aside %+v", aside)
		}
		// They take no cancelling by program: a person is told.
		_, err = b.Dispatch.Report(ctx, "person/test", "", fact.RouteReported{ID: "x", Route: "R1", Status: "cancelled", At: b.Now(), Source: "person"})
		b.must(err)
		b.follow()
		b.deliver("kurier")
		failed := b.calls("kurier", carrier.Failed)
		if len(failed) != 3 || !strings.Contains(failed[0].Problem, "telephone") {
			t.Fatalf("failed %+v", failed)
		}
		if _, err := b.desk.DropCall(ctx, "person/test", "called them", "kurier", failed[0].ID); err != nil {
			t.Error(err)
		}
		all, err := b.desk.Partners(ctx)
		b.must(err)
		if len(all) != 2 || all[0].Carrier != "kurier" || all[0].Calls[carrier.Failed] != 2 || all[0].Messages[carrier.Aside] != 2 {
			t.Errorf("partners %+v", all)
		}
	})
}

func TestRunsByItself(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		ctx, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- b.desk.Run(ctx) }()
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.swift(list(b.event("e1", "SH1", "ON_ROUTE", b.Now())), secret)
		for b.status("SH1") != "in_transit" || len(b.calls("swift", carrier.Done)) < 3 {
			select {
			case err := <-done:
				t.Fatalf("ended early: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
		}
		stop()
		b.must(<-done)
	})
}

var _ carrier.Log = (*event.Log)(nil)
