package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/people"
	"frostline/hub/policy"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// doors are the tokens of tests: their actor and scopes.
type doors map[string]struct {
	actor  string
	scopes []string
}

func (d doors) Caller(_ context.Context, token string) (people.Caller, bool, error) {
	who, ok := d[token]
	return people.Caller{Actor: who.actor, Roles: policy.Roles, Scopes: who.scopes}, ok, nil
}

var testDoors = doors{
	"all":    {"person/ann", []string{"read", "write", "qa", "fleet", "admin"}},
	"other":  {"person/bob", []string{"read", "write", "qa", "fleet", "admin"}},
	"reader": {"person/reader", []string{"read"}},
}

func opened(t testing.TB) *store.DB {
	t.Helper()
	return openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db"))
}

func openAt(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func onBoth(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, opened(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, openAt(t, storetest.Postgres(t))) })
}

func newAPI(t testing.TB, cfg Config) *API {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = opened(t)
	}
	if cfg.Tokens == nil {
		cfg.Tokens = testDoors
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.also != nil {
		cfg.rules = testRules
	}
	a, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// testRules let everybody use the operations of tests.
var testRules = map[string]policy.Rule{"make-note": {Roles: policy.Roles, Partner: true}, "send-slowly": {Roles: policy.Roles, Partner: true}}

// some is a People of n persons, p000 and up.
type some int

func (s some) Person(_ context.Context, id string) (people.Person, error) {
	return people.Person{ID: id, Name: id, Roles: []string{"qa"}, Version: 1}, nil
}

func (s some) People(_ context.Context, after string, limit int) (out []people.Person, err error) {
	for i := range int(s) {
		if id := fmt.Sprintf("p%03d", i); id > after && len(out) < limit {
			out = append(out, people.Person{ID: id, Name: id, Roles: []string{"qa"}, Version: 1})
		}
	}
	return out, nil
}

func (s some) Tokens(context.Context, string, int) ([]people.Token, error) { return nil, nil }

func (s some) Revoke(context.Context, string, string, string) (people.Token, error) {
	return people.Token{}, people.ErrNotFound
}

func (s some) Disable(context.Context, string, string, string) (people.Person, error) {
	return people.Person{}, people.ErrNotFound
}

// ask sends a request by a token and gives the reply.
func ask(t testing.TB, h http.Handler, token, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wantProblem fails unless the reply is a problem of a kind.
func wantProblem(t testing.TB, w *httptest.ResponseRecorder, k kind) (p Problem) {
	t.Helper()
	if w.Code != k.status || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s %s, want %d application/problem+json", w.Code, w.Header().Get("Content-Type"), w.Body, k.status)
		return p
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("problem %q: %v", w.Body, err)
	}
	if p.Type != urn+k.name || p.Title != k.title || p.Status != k.status || p.Detail == "" || !strings.HasPrefix(p.Instance, "urn:frostline:request:") {
		t.Errorf("got problem %s, want type %s%s with title, detail and instance", w.Body, urn, k.name)
	}
	return p
}

func TestPages(t *testing.T) {
	h := newAPI(t, Config{People: some(7)}).Handler()
	var seen []string
	next := ""
	for {
		w := ask(t, h, "all", "GET", "/people?limit=3"+next, "")
		var list List[people.Person]
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != 200 {
			t.Fatalf("got %d %s %v", w.Code, w.Body, err)
		}
		for _, p := range list.Items {
			seen = append(seen, p.ID)
		}
		if list.NextPage == "" {
			break
		}
		next = "&page=" + list.NextPage
		for _, wrong := range []string{next + "A", next[:len(next)-2], "&page=AAAA"} {
			if p := wantProblem(t, ask(t, h, "all", "GET", "/people?limit=3"+wrong, ""), unacceptable); len(p.Errors) != 1 || p.Errors[0].Pointer != "/page" {
				t.Errorf("got %+v, want the fault at /page", p)
			}
		}
	}
	if got := strings.Join(seen, " "); got != "p000 p001 p002 p003 p004 p005 p006" {
		t.Errorf("got %s", got)
	}
}
