package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/people"
	"frostline/hub/policy"
)

// browsers are who is signed in, by the value of a cookie.
type browsers map[string]people.Caller

func (b browsers) Signed(r *http.Request) (people.Caller, bool, error) {
	c, err := r.Cookie("session")
	if err != nil {
		return people.Caller{}, false, nil
	}
	who, ok := b[c.Value]
	return who, ok, nil
}

// TestEveryRoleAgainstEveryCall asks for every operation as each role, by a token
// with all scopes that the role can have and by a page's cookie, and as a partner
// with all scopes, and holds what is answered against the table.
func TestEveryRoleAgainstEveryCall(t *testing.T) {
	w := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db"))
	signed := browsers{}
	w.api.cfg.Sessions = signed
	w.h = w.api.Handler()
	type caller struct {
		name   string
		roles  []string // nil: a partner
		scopes []string
		token  string
	}
	token := func(actor string, scopes []string) string {
		secret, _, err := w.people.NewToken(t.Context(), "os/0", "test", actor, scopes, time.Hour*24*30)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	partner := []string{"read", "write"}
	all := []caller{{"partner", nil, partner, token("partner/p", partner)}}
	for _, role := range policy.Roles {
		id := "only-" + strings.ReplaceAll(role, "_", "-")
		p, err := w.people.Add(t.Context(), "os/0", id, id, []string{role}, "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		signed[role] = p.Caller()
		all = append(all, caller{role, []string{role}, p.Scopes(), token("person/"+id, p.Scopes())})
	}
	for _, op := range w.operations() {
		rule, ok := policy.Call(op.OperationID)
		if !ok {
			t.Errorf("operation %s has no entry in hub/policy/calls.go: say there who may", op.OperationID)
			continue
		}
		a := &attack{world: w, t: t, op: op, g: shapes{w.api.OpenAPI().Components.Schemas}}
		target := a.address(func(p *huma.Param) string { return fmt.Sprint(a.g.valid(p.Schema, 0)) })
		for _, c := range all {
			may := slices.Contains(c.scopes, op.Security[0][bearer][0])
			if c.roles == nil {
				may = may && rule.Partner
			} else {
				may = may && rule.Person(c.roles)
			}
			by := []string{"Authorization", "Bearer " + c.token}
			ways := [][]string{by}
			if c.roles != nil {
				ways = append(ways, []string{"Cookie", "session=" + c.name})
			}
			for _, way := range ways {
				r := httptest.NewRequest(op.Method, target, strings.NewReader("{"))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set(way[0], way[1])
				out := httptest.NewRecorder()
				w.h.ServeHTTP(out, r)
				refused := out.Code == http.StatusForbidden
				if may == refused {
					t.Errorf("%s by %s, %s %s: %d, may: %t\n%.300s", c.name, way[0], op.Method, op.Path, out.Code, may, out.Body)
				}
				w.ms.Add(100) // so that nobody asks too often
			}
		}
		// Another origin may not use what a browser keeps, and nobody's cookie is
		// nobody.
		if writes(op.Method) {
			for _, head := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"}} {
				r := httptest.NewRequest(op.Method, target, strings.NewReader("{"))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Cookie", "session=admin")
				r.Header.Set(head[0], head[1])
				out := httptest.NewRecorder()
				w.h.ServeHTTP(out, r)
				if out.Code != http.StatusForbidden {
					t.Errorf("%s from %s: %d, want 403", op.OperationID, head[1], out.Code)
				}
			}
		}
	}
	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header.Set("Cookie", "session=nobody")
	out := httptest.NewRecorder()
	w.h.ServeHTTP(out, r)
	if out.Code != http.StatusUnauthorized {
		t.Errorf("a session that is none: %d, want 401", out.Code)
	}
}
