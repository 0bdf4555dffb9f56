package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// signers are two persons; the password is the same.
type signers struct{}

func (signers) Reauthenticate(_ context.Context, person, password string) (string, []string, error) {
	if password != "correct horse battery" {
		return "", nil, fmt.Errorf("password: %w", excursion.ErrPassword)
	}
	return strings.ToUpper(person), []string{"qa", "qa_approver"}, nil
}

// spans take any span for what it is.
type spans struct{}

func (spans) Assess(_ context.Context, _ fact.ExcursionFacts, from, to int64) (fact.Assessment, error) {
	return fact.Assessment{From: from, To: to, Engine: "1", Outcome: thermal.InRange, Monitored: to - from}, nil
}

func mountExcursions(t testing.TB, log *event.Log, cfg *Config, tables *excursion.Tables) *excursion.Cases {
	t.Helper()
	c, err := excursion.New(excursion.Options{Events: log, Store: cfg.Store, Tables: tables, Signers: signers{}, Spans: spans{}, Now: cfg.Now, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestExcursionOverTheWire takes a case from a verdict to its close by requests
// alone, with each step out of order refused on the way.
func TestExcursionOverTheWire(t *testing.T) {
	db := openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db"))
	tables := excursion.NewTables()
	log, err := event.Open(t.Context(), event.Options{Store: db, Models: tables.Models(), Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Store: db}
	cases := mountExcursions(t, log, &cfg, tables)
	cfg.Excursions = cases
	h := newAPI(t, cfg).Handler()

	const at = int64(1_780_000_000_000)
	v := thermal.Verdict{Excursions: []thermal.Event{{
		Limit: "high", Op: thermal.Above, At: 8000, Severity: thermal.Alarm, From: at, To: at + 600_000, Ended: thermal.Returned, Alarm: at + 1, Peak: 9100, PeakAt: at,
	}}}
	events, err := log.Command(t.Context(), "system/test", func(ctx context.Context, c event.Change) error {
		for _, n := range []event.New{
			{Stream: "unit/09506000134352.S1", Expect: -1, Type: fact.UnitWasReceived, Data: fact.UnitReceived{ID: "09506000134352.S1", Lot: "L1"}},
			{Stream: "unit/09506000134352.S1", Expect: -1, Type: fact.WasAttached, Data: fact.Attached{
				ID: "s1", Subject: fact.Ref{Kind: fact.Unit, ID: "09506000134352.S1"}, In: &fact.Ref{Kind: fact.Package, ID: "P1"}, At: at - 1, Made: at - 1, Via: "scan"}},
			{Stream: "package/P1", Expect: -1, Type: fact.VerdictWasRevised, Data: fact.VerdictRevised{
				Package: "P1", Profile: "fridge", Version: 1, Revision: 1, Digest: "d1", Cause: fact.Cause{Kind: "reading", Detail: "block 1"}, Verdict: v}},
		} {
			if _, err := c.Append(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = cases.Handle(t.Context(), events)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []excursion.View }
	read := func(target string, into any) *httptest.ResponseRecorder {
		t.Helper()
		w := ask(t, h, "reader", "GET", target, "")
		if w.Code != 200 {
			t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
		}
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
		return w
	}
	for query, want := range map[string]int{
		"": 1, "?state=opened": 1, "?state=closed": 0, "?package=P1&severity=alarm&lot=L1": 1, "?lot=L2": 0, "?severity=warning": 0, "?since=4000000000000": 0,
	} {
		if read("/excursions"+query, &list); len(list.Items) != want {
			t.Errorf("%q lists %d, want %d", query, len(list.Items), want)
		}
	}
	read("/excursions", &list)
	path := "/excursions/" + list.Items[0].ID
	var now excursion.View
	post := func(token, step, body string, headers ...string) *httptest.ResponseRecorder {
		t.Helper()
		w := ask(t, h, token, "POST", path+"/"+step, body, headers...)
		if w.Code == 200 {
			now = excursion.View{}
			if err := json.Unmarshal(w.Body.Bytes(), &now); err != nil {
				t.Fatal(err)
			}
		}
		return w
	}
	do := func(token, step, body string) {
		t.Helper()
		if w := post(token, step, body); w.Code != 200 {
			t.Fatalf("%s: %d %s", step, w.Code, w.Body)
		}
	}
	const why = `{"reason":"because"}`
	dispose := `{"reason":"stability data","dispositions":[{"lot":"L1","decision":"release"}]}`
	proof := func(content string) string {
		return fmt.Sprintf(`{"password":"correct horse battery","content":%q}`, content)
	}
	wantProblem(t, ask(t, h, "reader", "POST", path+"/acknowledge", "{}"), forbidden)
	p := wantProblem(t, post("all", "propose", dispose), conflict)
	if !strings.Contains(p.Detail, "is opened") || !strings.Contains(p.Detail, "allowed are acknowledge") {
		t.Errorf("detail %q does not name the state and what is allowed", p.Detail)
	}
	do("all", "acknowledge", "{}")
	wantProblem(t, post("all", "investigate", "{}"), unacceptable)
	wantProblem(t, post("all", "investigate", why, "If-Match", `"v1"`), stale)
	do("all", "investigate", why)
	wantProblem(t, post("all", "propose", `{"reason":"x","dispositions":[{"lot":"L9","decision":"release"}]}`), unacceptable)
	do("all", "propose", dispose)
	wantProblem(t, post("all", "sign", `{"password":"no","content":"`+now.Content+`"}`), forbidden)
	wantProblem(t, post("all", "sign", proof(strings.Repeat("0", 64))), conflict)
	content := now.Content
	first := post("all", "sign", proof(content), "Idempotency-Key", "k1")
	again := post("all", "sign", proof(content), "Idempotency-Key", "k1")
	if first.Code != 200 || again.Body.String() != first.Body.String() {
		t.Errorf("signed: %d %s, and again: %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	wantProblem(t, post("all", "approve", proof(content)), forbidden) // the same person
	wantProblem(t, post("all", "close", why), conflict)
	do("other", "approve", proof(content))
	do("other", "comments", `{"text":"see the certificate","attachments":[{"name":"c.pdf","where":"https://docs.example.com/c.pdf","sha256":"`+strings.Repeat("a", 64)+`"}]}`)
	do("all", "close", why)
	if now.State != excursion.Closed || len(now.Signed) != 2 || now.Signed[1].Standing != "valid" || now.Signed[1].Name != "BOB" || len(now.Done) != 0 {
		t.Errorf("closed as %+v", now)
	}
	var trail struct {
		Items    []TrailEntry
		NextPage string
	}
	read(path+"/trail?limit=5", &trail)
	if len(trail.Items) != 5 || trail.NextPage == "" || trail.Items[0].Type != fact.ExcursionWasOpened || trail.Items[1].Actor != "person/ann" {
		t.Errorf("trail %+v", trail)
	}
	read(path+"/trail?limit=5&page="+trail.NextPage, &trail)
	if n := len(trail.Items); n == 0 || trail.Items[0].Version != 6 || trail.Items[n-1].Type != fact.ExcursionWasClosed {
		t.Errorf("trail goes on with %+v", trail)
	}
	if strings.Contains(read(path+"/trail", &trail).Body.String(), "correct horse") {
		t.Error("the password is in the trail")
	}
	wantProblem(t, ask(t, h, "reader", "GET", "/excursions/none", ""), notFound)
}
