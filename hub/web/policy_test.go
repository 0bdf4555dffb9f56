package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"frostline/hub/policy"
	"frostline/hub/web/patient"
)

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

var segment = regexp.MustCompile(`\{[a-z]+\}`)

// address is a path that a pattern matches.
func address(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	if path == "/" {
		path = "/no/such/page"
	}
	path = strings.TrimSuffix(path, "{$}")
	return method, segment.ReplaceAllString(path, "x")
}

// TestPolicyIsComplete walks every route: each has an entry, and each entry a
// route.
func TestPolicyIsComplete(t *testing.T) {
	g := openGuarded(t)
	var got []string
	for _, p := range g.routes.patterns {
		if _, ok := policy.Page(p); !ok {
			t.Errorf("route %q has no entry in hub/policy/pages.go: say there who may", p)
		}
		got = append(got, p)
	}
	for _, p := range policy.Pages() {
		if !slices.Contains(got, p) && !slices.Contains(elsewhere, p) {
			t.Errorf("entry %q is of no route", p)
		}
	}
	rs := newRoutes()
	rs.HandleFunc("GET /secret", func(http.ResponseWriter, *http.Request) {})
	if err := rs.check(); err == nil || !strings.Contains(err.Error(), `"GET /secret"`) {
		t.Errorf("a route without an entry: %v, want it named", err)
	}
}

// elsewhere are entries whose routes this test's pages do not mount.
var elsewhere = append([]string{"GET /signin/provider", "GET /signin/callback"}, patient.Answers...)

// begins stops what writes to it.
type begins struct {
	*httptest.ResponseRecorder
	stop func()
}

func (b begins) Write(p []byte) (int, error) {
	defer b.stop()
	return b.ResponseRecorder.Write(p)
}

// TestEveryRoleAgainstEveryPage asks for every route as nobody, as each role, and
// as somebody without any, and holds what is answered against the table.
func TestEveryRoleAgainstEveryPage(t *testing.T) {
	g := openGuarded(t)
	type who struct {
		name  string
		roles []string
		*visitor
	}
	all := []who{{"nobody", nil, g.visitor()}}
	for _, role := range policy.Roles {
		all = append(all, who{role, []string{role}, g.as("p-"+strings.ReplaceAll(role, "_", "-"), role)})
	}
	const elsewhere = "203.0.113.7:5000"
	for _, w := range all {
		for _, pattern := range g.routes.patterns {
			method, path := address(pattern)
			rule, _ := policy.Page(pattern)
			r := httptest.NewRequest(method, g.origin+path, nil)
			r.RemoteAddr = elsewhere
			if method == http.MethodPost {
				r = httptest.NewRequest(method, g.origin+path, strings.NewReader("form=wrong"))
				r.RemoteAddr = elsewhere
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if secret := w.cookie(sessionCookie); secret != "" {
				r.AddCookie(&http.Cookie{Name: sessionCookie, Value: secret})
			}
			out := httptest.NewRecorder()
			var to http.ResponseWriter = out
			if pattern == "GET /live" { // a stream goes on; that it began is enough
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				r, to = r.WithContext(ctx), begins{out, stop}
			}
			g.Handler().ServeHTTP(to, r)
			may := rule.Open || len(w.roles) > 0 && rule.Person(w.roles)
			if pattern == "GET /{$}" && !may && out.Header().Get("Location") == "/me" {
				continue // whoever has no first page is led to their account
			}
			refused := out.Code == http.StatusUnauthorized || out.Code == http.StatusForbidden && strings.Contains(out.Body.String(), "not among what you do")
			switch {
			case may && refused:
				t.Errorf("%s, %s: %d, and they may", w.name, pattern, out.Code)
			case !may && !refused:
				t.Errorf("%s, %s: %d, and they may not", w.name, pattern, out.Code)
			case may && method == http.MethodPost && out.Code != http.StatusForbidden:
				t.Errorf("%s, %s without the token of its form: %d, want 403", w.name, pattern, out.Code)
			case !may && len(w.roles) == 0 && out.Code != http.StatusUnauthorized:
				t.Errorf("nobody, %s: %d, want 401", pattern, out.Code)
			}
		}
	}
	// What is no route tells strangers no more than what is one.
	real, none := g.visitor().get("/account"), g.visitor().get("/no/such/page")
	if real.code != none.code || real.to == "" || none.to == "" {
		t.Errorf("a page %d to %q, none %d to %q: want the same", real.code, real.to, none.code, none.to)
	}
	// This machine's own watchers need nobody.
	for _, path := range []string{"/metrics", "/health"} {
		if p := g.visitor().get(path); p.code != http.StatusOK {
			t.Errorf("%s on loopback: %d", path, p.code)
		}
		if p := g.visitor().do("GET", path, "", "X-Forwarded-For", "203.0.113.7"); p.code == http.StatusOK {
			t.Errorf("%s for another machine, through a proxy: %d", path, p.code)
		}
	}
}
