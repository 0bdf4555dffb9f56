package thermal

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReady(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Ready() {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.ID, err)
		}
		if p.Source == "" || seen[p.ID] {
			t.Errorf("%s has no source or is there twice", p.ID)
		}
		seen[p.ID] = true
		if got, err := Named(strings.ToUpper(p.ID)); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: got %+v %v", p.ID, got, err)
		}
	}
	for name, id := range also {
		if got, err := Named(name); err != nil || got.ID != id {
			t.Errorf("%s: got %s %v, want %s", name, got.ID, err, id)
		}
	}
	if _, err := Named("lukewarm"); err == nil || !strings.Contains(err.Error(), "controlled-cold") {
		t.Errorf("lukewarm: %v, want the names that there are", err)
	}
	p, _ := Named("crt")
	p.Limits[0].At, *p.High, p.MKT.Limit = 1, 1, 1
	if q, _ := Named("crt"); q.Limits[0].At == 1 || *q.High == 1 || q.MKT.Limit == 1 {
		t.Error("a ready-made profile was changed through a copy of it")
	}
}

func TestValidate(t *testing.T) {
	at := func(x Temp) *Temp { return &x }
	for want, change := range map[string]func(*Profile){
		`id ""`:                           func(p *Profile) { p.ID = "" },
		`id "a b"`:                        func(p *Profile) { p.ID = "a b" },
		"version 0":                       func(p *Profile) { p.Version = 0 },
		"name is empty":                   func(p *Profile) { p.Name = "" },
		"source":                          func(p *Profile) { p.Source = "a\nb" },
		"low 5.5 is above high 0.5":       func(p *Profile) { p.Low, p.High = at(5500), at(500) }, // copeland-range
		"high -273.15":                    func(p *Profile) { p.High = at(AbsoluteZero) },
		"limits: 0 given":                 func(p *Profile) { p.Limits = nil },
		"limits: 33 given":                func(p *Profile) { p.Limits = make([]Limit, 33) },
		`limits[0] "a": op "=>"`:          func(p *Profile) { p.Limits[0].Op = "=>" },
		`limits[0] "a": at 1000.001`:      func(p *Profile) { p.Limits[0].At = MaxTemp + 1 },
		`limits[0] "a": timer ""`:         func(p *Profile) { p.Limits[0].Timer = "" },
		`limits[0] "a": delay -1`:         func(p *Profile) { p.Limits[0].Delay = -1 },
		`limits[0] "a": deadband -1`:      func(p *Profile) { p.Limits[0].Deadband = -1000 },
		`limits[0] "a": severity "bad"`:   func(p *Profile) { p.Limits[0].Severity = "bad" },
		`limits[1] "a": name is given`:    func(p *Profile) { p.Limits[1].Name = "a" },
		"no temperature is within both":   func(p *Profile) { p.Limits[0].At, p.Limits[1].At = 2000, 8000 },
		"does not apply to frozen":        func(p *Profile) { p.Frozen = true },
		"mkt: op":                         func(p *Profile) { p.MKT.Op = Below },
		"mkt: window 1000 ms":             func(p *Profile) { p.MKT.Window = 1000 },
		"mkt: anchor":                     func(p *Profile) { p.MKT.Anchor = "middle" },
		"mkt: severity":                   func(p *Profile) { p.MKT.Severity = "bad" },
		"activation 83":                   func(p *Profile) { p.Activation = 83 },
		"budgets: 33 given":               func(p *Profile) { p.Budgets = make([]Budget, 33) },
		`budgets[0] "b": above and below`: func(p *Profile) { p.Budgets[0].Above = nil },
		`budgets[0] "b": above 8 is not`:  func(p *Profile) { p.Budgets[0].Below = at(8000) },
		`budgets[0] "b": allowed 0`:       func(p *Profile) { p.Budgets[0].Allowed = 0 },
		`budgets[0] "b": kind "cold"`:     func(p *Profile) { p.Budgets[0].Kind = "cold" },
		`budgets[0] "b": kind freeze`:     func(p *Profile) { p.Budgets[0].Kind = Freeze },
		"longestGap 0 ms":                 func(p *Profile) { p.LongestGap = 0 },
		"accuracy -1":                     func(p *Profile) { p.Accuracy = -1000 },
	} {
		p := Profile{ID: "x", Version: 1, Name: "x", LongestGap: hour, Activation: DefaultActivation,
			Limits: []Limit{{Name: "a", Op: Above, At: 8000, Timer: Single, Severity: Alarm}, {Name: "c", Op: Below, At: 2000, Timer: Single, Severity: Alarm}},
			MKT:    &MKTRule{Limit: 8000, Op: Above, Window: day, Anchor: AnchorLast}, Budgets: []Budget{{Name: "b", Above: at(8000), Allowed: 1}}}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := NewEvaluator(&p, 0); err == nil {
			t.Errorf("%s: an evaluator took it", want)
		}
	}
}

func TestParseProfile(t *testing.T) {
	p, err := ParseProfile([]byte(`{"id":"insulin","limits":[{"op":">","at":8,"delay":"1d12h","deadband":0.5},{"name":"freeze","op":"<=","at":-0.5,"severity":"critical"}],
		"mkt":{"limit":8,"window":"24h"},"activation":"119 kJ/mol","longestGap":"15m","budgets":[{"name":"room","above":8,"below":25,"allowed":"28d","source":"label"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != 1 || p.Limits[0] != (Limit{"> 8 °C", Above, 8000, Single, 36 * hour, 500, Alarm}) || p.MKT.Window != day || p.MKT.Op != Above ||
		p.Activation != 119_000 || p.LongestGap != 15*minute || p.Budgets[0].Allowed != 28*day || p.Limits[1].Severity != Critical {
		t.Errorf("got %+v %+v", p, p.MKT)
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseProfile(b)
	if d1, d2 := mustDigest(t, &p), mustDigest(t, &q); err != nil || d1 != d2 {
		t.Errorf("digest %s, and %s read again: %v", d1, d2, err)
	}
	for bad, want := range map[string]string{
		``:                    "one JSON object",
		`[]`:                  "one JSON object|object with id",
		`{} {}`:               "one JSON object",
		`{"id":"x","id":"y"}`: "uplicate",
		`{"id":"x","limits":[{"op":">","at":8}],"longestGap":"1h","lmits":1}`:             "lmits",
		`{"id":"x","limits":[{"op":">","at":8.0001}],"longestGap":"1h"}`:                  "three decimals",
		`{"id":"x","limits":[{"op":">","at":8,"delay":"soon"}],"longestGap":"1h"}`:        `limits[0].delay "soon"`,
		`{"id":"x","limits":[{"op":">","at":8}],"longestGap":"-1h"}`:                      `longestGap "-1h"`,
		`{"id":"x","limits":[{"op":">","at":8}],"longestGap":"1h","activation":"9"}`:      `activation "9"`,
		`{"id":"x","limits":[{"op":">"}],"longestGap":"1h"}`:                              "limits[0] at: is missing",
		`{"id":"x","limits":[{"op":">","at":null}],"longestGap":"1h"}`:                    "limits[0] at: is missing",
		`{"id":"x","limits":[{"op":">","at":8}],"mkt":{"window":"1d"},"longestGap":"1h"}`: "mkt limit: is missing",
		`{"id":"x","Limits":[{"op":">","at":8}],"longestGap":"1h"}`:                       `"Limits": no field`,
		`{"id":"x","limits":[{"op":">","at":8,"AT":9}],"longestGap":"1h"}`:                `"limits[0].AT": no field`,
		`{"id":"x","limits":[{"op":">","at":8}]}`:                                         "longestGap 0",
	} {
		_, err := ParseProfile([]byte(bad))
		if err == nil {
			t.Errorf("%s: no error", bad)
			continue
		}
		ok := false
		for _, w := range strings.Split(want, "|") {
			ok = ok || strings.Contains(err.Error(), w)
		}
		if !ok {
			t.Errorf("%s: got %v, want %s", bad, err, want)
		}
	}
}

func mustDigest(t *testing.T, p *Profile) string {
	t.Helper()
	d, err := p.Digest()
	if err != nil || len(d) != 64 {
		t.Fatalf("digest %q: %v", d, err)
	}
	return d
}

func FuzzParseProfile(f *testing.F) {
	for _, p := range Ready() {
		b, _ := json.Marshal(p)
		f.Add(b)
	}
	f.Add([]byte(`{"id":"x","limits":[{"op":">","at":8,"delay":"1d"}],"longestGap":"1h"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProfile(b)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("an invalid profile was read: %v", err)
		}
		c, err := p.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseProfile(c)
		if err != nil {
			t.Fatalf("its canonical JSON is not read again: %v\n%s", err, c)
		}
		if again, _ := q.Canonical(); string(again) != string(c) {
			t.Fatalf("canonical JSON changes when read again:\n%s\n%s", c, again)
		}
		if _, err := NewEvaluator(&p, 0); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzHistory: whatever a stored history says, it is judged or refused, and all
// of its time is accounted for.
func FuzzHistory(f *testing.F) {
	for _, h := range []*History{line(7, 9, 7), hold(5.0, 3*time.Hour), {To: 5, Unmonitored: []Unmonitored{{1, 3, "x"}}}} {
		b, _ := json.Marshal(h)
		f.Add(b, "crt")
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		var h History
		if json.Unmarshal(b, &h) != nil {
			return
		}
		p, err := Named(name)
		if err != nil {
			p, _ = Named("cct")
		}
		v, err := Evaluate(&p, &h)
		if err != nil {
			return
		}
		if v.Monitored+v.Unmonitored != h.To-h.From || v.InRange+v.OutOfRange != v.Monitored || v.Monitored < 0 || v.Unmonitored < 0 || v.InRange < 0 || v.OutOfRange < 0 {
			t.Fatalf("%d monitored, %d unmonitored, %d in range, %d out of range of %d", v.Monitored, v.Unmonitored, v.InRange, v.OutOfRange, h.To-h.From)
		}
		if v.Outcome == InRange && v.Unmonitored > 0 {
			t.Fatal("a gap was taken for in range")
		}
		if _, err := v.Digest(); err != nil {
			t.Fatal(err)
		}
	})
}
