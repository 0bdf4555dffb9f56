package story

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestPlan reads what is told: each time is one, whoever acts is of the
// company, and no call is made of no package's story.
func TestPlan(t *testing.T) {
	c, plots, err := load()
	if err != nil {
		t.Fatal(err)
	}
	who := map[string]bool{"": true}
	for _, p := range c.People {
		who[p.ID] = true
	}
	for _, p := range c.Partners {
		who[p.ID] = true
	}
	begin := time.UnixMilli(1_790_000_000_000)
	check := func(name string, steps []step) {
		for _, s := range steps {
			if method, path, ok := strings.Cut(s.Call, " "); !ok || method != "PUT" && method != "POST" || !strings.HasPrefix(path, "/") || !who[s.As] {
				t.Errorf("%s: call %q as %q", name, s.Call, s.As)
			}
			if _, err := dated(s.Body, begin); err != nil {
				t.Errorf("%s: %s: %v", name, s.Call, err)
			}
		}
	}
	check("company", c.Steps)
	seen := map[string]bool{}
	for _, p := range plots {
		check(p.Title, p.Steps)
		if p.Title == "" || p.Tells == "" || len(p.Steps) == 0 || seen[p.Package] {
			t.Errorf("story %q of package %s: incomplete, or told twice", p.Title, p.Package)
		}
		seen[p.Package] = true
		for _, d := range p.Cases {
			for i, s := range d.Steps {
				if s.By == "" || !who[s.By] || order[map[int]string{0: "opened", 1: "acknowledged", 2: "under_investigation", 3: "proposed", 4: "signed", 5: "approved"}[i]] != i {
					t.Errorf("%s: %s by %q", p.Title, s.Do, s.By)
				}
			}
		}
	}
	if got, err := dated(map[string]any{"at": []any{"@1h30m", "-"}}, begin); err != nil || got.(map[string]any)["at"].([]any)[0] != int64(1_790_005_400_000) {
		t.Errorf("dated: got %v %v", got, err)
	}
	if got, err := dated("@@1h30m", begin); err != nil || got != "2026-09-21T15:43:20.000Z" {
		t.Errorf("dated as text: got %v %v", got, err)
	}
	if _, err := dated("@soon", begin); err == nil {
		t.Error("a time that is none was taken")
	}
}

// TestKeysAreForTheirOwnerAlone: what a Teller keeps is read by nobody else,
// and is there when it is opened again.
func TestKeysAreForTheirOwnerAlone(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	a, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.keep("june", key{Password: "p", Token: "t"}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(a.KeyFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want 0600", info.Mode(), err)
	}
	if err := a.Begin(time.UnixMilli(1_790_000_000_000)); err != nil {
		t.Fatal(err)
	}
	b, err := Open(o)
	if err != nil || b.keys["june"].Token != "t" || !b.Begun() || b.Done() {
		t.Errorf("opened again: %+v %v", b, err)
	}
	if err := b.Begin(time.Now()); err != nil || b.told.Begin != 1_790_000_000_000 {
		t.Errorf("begun twice: %d %v", b.told.Begin, err)
	}
}
