package desired

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/thermal"
)

// load is n packages with profiles, of which every other is written out.
func load(t testing.TB, n int) Addition {
	t.Helper()
	p, err := thermal.Named("frozen")
	if err != nil {
		t.Fatal(err)
	}
	a := Addition{NextStop: &Stop{Place: "St. Mary's", Due: 1_790_000_000_000}}
	for i := range n {
		q := p
		if i%2 == 1 {
			q.ID, q.Name = fmt.Sprint("own-", i), "it's a \"name\": {of} one's own"
		}
		a.Packages = append(a.Packages, Package{fmt.Sprintf("P-%04d", i), q})
	}
	return a
}

func (w *world) compose(a Addition) Composed {
	w.t.Helper()
	c, err := w.Compose(w.t.Context(), "hub/compose", "what is beside it has changed", "van-1", a, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestWhatTheHubAddsLeavesWhatPersonsSet(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if c := w.compose(Addition{}); c.Changed || c.State.Version != 0 {
			t.Fatalf("nothing to add was %+v", c)
		}
		c := w.compose(load(t, 2))
		if !c.Changed || c.State.Version != 1 || len(w.desired) != 1 || !strings.Contains(c.State.Document, "'P-0001'") {
			t.Fatalf("added %+v", c)
		}
		if p, own := c.State.Persons(); p != "" || own != 0 {
			t.Errorf("persons have set %q as %d", p, own)
		}
		if c := w.compose(load(t, 2)); c.Changed {
			t.Errorf("the same again is version %d", c.State.Version)
		}
		// Persons set theirs; the addition stays.
		s := w.set("sensors: []")
		if s.Version != 2 || !strings.HasPrefix(s.Document, "sensors: []\n"+mark+"2:") || !strings.Contains(s.Document, "'P-0001'") || !strings.Contains(s.Document, "St. Mary''s") {
			t.Errorf("set %+v", s)
		}
		if again := w.set("sensors: []"); again.Version != 2 {
			t.Errorf("the same again is version %d", again.Version)
		}
		c = w.compose(load(t, 3))
		if p, own := c.State.Persons(); c.State.Version != 3 || own != 2 || strings.TrimSpace(p) != "sensors: []" {
			t.Errorf("version %d has %q of %d", c.State.Version, p, own)
		}
		// Who has read version 2 or 3 may set; who has read 1 may not.
		if _, err := w.Set(t.Context(), "person/ann", "", "van-1", "sensors: [ ]", 1); !errors.Is(err, ErrChanged) {
			t.Errorf("got %v", err)
		}
		if s, err := w.Set(t.Context(), "person/ann", "", "van-1", "sensors: [ ]", 2); err != nil || s.Version != 4 {
			t.Errorf("set %+v, %v", s, err)
		}
		// What was read whole can be set whole.
		whole := w.compose(load(t, 3)).State.Document
		if s := w.set(whole); s.Document != whole || s.Version != 4 {
			t.Errorf("set %+v", s)
		}
		// A field that persons give is theirs.
		s = w.set("packages: []")
		if strings.Contains(s.Document, "P-0001") || !strings.Contains(s.Document, "St. Mary") {
			t.Errorf("set %s", s.Document)
		}
		if c := w.compose(load(t, 5)); c.Changed || c.Why != "" {
			t.Errorf("added %+v", c)
		}
		s = w.set("packages: []\nnext-stop: {}")
		if s.Document != "packages: []\nnext-stop: {}" {
			t.Errorf("set %s", s.Document)
		}
		// A style in which nothing can be added.
		w.set("{sensors: []}")
		if c := w.compose(load(t, 5)); c.Changed || c.Why == "" {
			t.Errorf("added %+v", c)
		}
		w.set("sensors: []")
		w.compose(load(t, 1))
		if c := w.compose(Addition{}); !c.Changed || strings.Contains(c.State.Document, "packages:") {
			t.Errorf("left %+v", c)
		}
	})
}

func TestARefusedAdditionIsLeftOut(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.set("sensors: []")
		w.compose(load(t, 2))
		w.tell(&pb.ConfigReport{Running: 1, Digest: "a", Refused: 2, Reason: "packages[0].profile: there is none"})
		c := w.compose(load(t, 2))
		if p, own := c.State.Persons(); !c.Changed || c.State.Version != 3 || strings.Contains(c.State.Document, "P-") || own != 1 || strings.TrimSpace(p) != "sensors: []" || c.Why == "" {
			t.Fatalf("composed %+v", c)
		}
		w.tell(&pb.ConfigReport{Running: 3, Digest: "a"})
		if c := w.compose(load(t, 2)); c.Changed || c.Why == "" {
			t.Errorf("composed %+v", c)
		}
		if c := w.compose(load(t, 1)); !c.Changed || c.State.Version != 4 {
			t.Errorf("composed %+v", c)
		}
		// A van that drove out of reach before it had proven the state gets it again.
		w.tell(&pb.ConfigReport{Running: 3, Digest: "a", Refused: 4, Reason: "undone: the hub acknowledged no block within 10m0s"})
		if c := w.compose(load(t, 1)); c.Changed {
			t.Errorf("composed %+v", c)
		}
		w.ms.Add(time.Hour.Milliseconds())
		if c := w.compose(load(t, 1)); !c.Changed || c.State.Version != 5 || !strings.Contains(c.State.Document, "P-0000") {
			t.Errorf("composed %+v", c)
		}
	})
}

func TestAnAdditionIsBounded(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		persons := "# " + strings.Repeat("x", 30_000) + "\nsensors: []"
		w.set(persons)
		c := w.compose(load(t, 2000))
		if len(c.State.Document) > mandate.MaxDocument || c.Left == 0 || c.Left > 2000 || !strings.Contains(c.State.Document, "next-stop:") {
			t.Errorf("%d bytes, %d left", len(c.State.Document), c.Left)
		}
		if s := w.set("# " + strings.Repeat("y", 60_000)); len(s.Document) > mandate.MaxDocument {
			t.Errorf("%d bytes", len(s.Document))
		}
	})
}

func TestWhatGatewaysWouldRefuseIsLeftOut(t *testing.T) {
	var a Addition
	for _, p := range thermal.Ready() {
		a.Packages = append(a.Packages, Package{"P-" + p.ID, p})
		p.Name += " of ours"
		a.Packages = append(a.Packages, Package{"Q-" + p.ID, p})
		if again, err := thermal.ParseProfile([]byte(profileText(p))); err != nil || again.Name != p.Name || !reflect.DeepEqual(again.Limits, p.Limits) {
			t.Errorf("%s: a gateway reads %+v, %v", p.ID, again, err)
		}
	}
	want := len(a.Packages)
	a.Packages = append(a.Packages, Package{"IN+OUT", thermal.Ready()[0]}, Package{"", thermal.Ready()[0]})
	text, left := a.text(nil, mandate.MaxDocument)
	if n := strings.Count(text, "\n  - id: "); n != want || left != 2 {
		t.Errorf("%d told, %d left", n, left)
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", "sensors: []", "{}", mark + "x", mark + "1: a\npackages: []", "a: |\n  x", "...\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, persons string) {
		if _, own, _ := split(persons); own >= 0 {
			return
		}
		added, _ := load(t, 1).text(nil, 1000)
		got, own, rest := split(join(persons, 7, added))
		if strings.TrimSuffix(got, "\n") != strings.TrimSuffix(persons, "\n") || own != 7 || rest != added {
			t.Errorf("%q became %q, %d, %q", persons, got, own, rest)
		}
	})
}
