package web

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/hub/people/oidc"
	"frostline/hub/people/oidc/oidctest"
)

// TestProvider signs people in by a provider over a real socket, and refuses
// every answer of it that is not to what the browser asked.
func TestProvider(t *testing.T) {
	var g *guarded
	at := oidctest.New(t, func() time.Time { return g.now() })
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(at.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lazy := &lazyProvider{}
	g = openGuarded(t, func(c *Config) { c.Provider = lazy })
	cfg := oidc.Config{Issuer: at.URL, Client: at.Client, SecretFile: file, Name: "the company", Claim: "realm.groups",
		Roles: map[string][]string{"pharmacy-qa": {"qa"}, "boss": {"qa", "auditor"}}}
	p, err := oidc.New(cfg, g.people, g.now)
	if err != nil {
		t.Fatal(err)
	}
	lazy.Provider = p
	g.must(g.people.Add(t.Context(), "os/0", "ann", "Local Ann", []string{"admin"}, phrase))

	groups := func(all ...any) map[string]any { return map[string]any{"groups": all} }
	ann := map[string]any{"sub": "s-1", "preferred_username": "Ann@corp.example", "name": "Ann Example", "realm": groups("other", "pharmacy-qa")}
	// back signs in at the provider and gives where it leads back to.
	back := func(v *visitor) string {
		t.Helper()
		out := v.get("/signin/provider?next=/view/excursions")
		if out.code != http.StatusSeeOther || !strings.HasPrefix(out.to, at.URL+"/authorize?") {
			t.Fatalf("to the provider: %d %q", out.code, out.to)
		}
		return v.do("GET", out.to, "").to
	}
	at.SignedIn(ann)
	v := g.visitor()
	if !strings.Contains(v.get("/signin").body, "Sign in with the company") {
		t.Error("the page does not offer the provider")
	}
	to := back(v)
	if p := v.get(to); p.code != http.StatusSeeOther || p.to != "/view/excursions" {
		t.Fatalf("back: %d to %q %.400s", p.code, p.to, p.body)
	}
	// An account of the provider is not the person of that name here.
	if me := v.get("/me"); !strings.Contains(me.body, "ann-2, QA") || !strings.Contains(me.body, "Ann Example") {
		t.Errorf("account: %.600s", me.body)
	}
	if p := v.get(to); p.code != http.StatusForbidden {
		t.Errorf("the same answer again: %d, want 403", p.code)
	}
	if p := g.visitor().get(back(g.visitor())); p.code != http.StatusForbidden {
		t.Errorf("an answer to another browser: %d, want 403", p.code)
	}
	for what, spoil := range map[string]func(map[string]any){
		"another nonce":    func(c map[string]any) { c["nonce"] = "x" },
		"no nonce":         func(c map[string]any) { delete(c, "nonce") },
		"another audience": func(c map[string]any) { c["aud"] = "other" },
		"another issuer":   func(c map[string]any) { c["iss"] = "https://evil.example" },
		"over":             func(c map[string]any) { c["exp"] = int64(1) },
		"no role":          func(c map[string]any) { delete(c, "realm") },
		"a role of ours":   func(c map[string]any) { c["realm"] = groups("admin", "qa") },
		"nobody":           func(c map[string]any) { delete(c, "sub") },
	} {
		at.Spoil(spoil)
		w := g.visitor()
		if p := w.get(back(w)); p.code == http.StatusSeeOther || w.cookie(sessionCookie) != "" {
			t.Errorf("%s: signed in, %d to %q", what, p.code, p.to)
		}
	}
	at.Spoil(nil)
	if v.get("/me").code == http.StatusOK {
		t.Error("who has no role at the provider any more is still signed in")
	}
	w := g.visitor()
	if p := w.get(strings.Replace(back(w), "state=", "state=x", 1)); p.code != http.StatusForbidden {
		t.Errorf("another state: %d", p.code)
	}
	if p := w.get("/signin/callback?error=access_denied&error_description=%3Cscript%3E"); p.code != http.StatusForbidden || strings.Contains(p.body, "<script>alert") {
		t.Errorf("an error: %d", p.code)
	}
	// Other groups are other roles, for the same person; the key may be another.
	at.Rotate(t)
	ann["realm"] = groups("boss")
	w = g.visitor()
	if p := w.get(back(w)); p.code != http.StatusSeeOther {
		t.Fatalf("with another key: %d %.300s", p.code, p.body)
	}
	if me := w.get("/me"); !strings.Contains(me.body, "ann-2, auditor, QA") {
		t.Errorf("account: %.600s", me.body)
	}
	g.must(g.people.Disable(t.Context(), "os/0", "ann-2", "left"))
	if p := w.get(back(w)); p.code != http.StatusForbidden {
		t.Errorf("who is disabled here: %d", p.code)
	}
	at.Close()
	if p := g.visitor().get(to); p.code != http.StatusForbidden {
		t.Errorf("an answer that nobody asked for: %d", p.code)
	}
}

// lazyProvider is set once the pages have a clock.
type lazyProvider struct{ *oidc.Provider }
