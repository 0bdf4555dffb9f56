package thermal

import (
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"
)

type vector struct {
	ID        string
	Input     map[string]any
	Expected  json.RawMessage
	Tolerance float64
}

func vectors(t *testing.T) (out map[string]vector, computed map[string]map[string]any) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors  []vector
		Computed []map[string]any
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	out, computed = map[string]vector{}, map[string]map[string]any{}
	for _, v := range file.Vectors {
		out[v.ID] = v
	}
	for _, c := range file.Computed {
		computed[c["id"].(string)] = c
	}
	return out, computed
}

func floats(v any) (out []float64) {
	for _, x := range v.([]any) {
		out = append(out, x.(float64))
	}
	return out
}

func TestVectorsOfMKT(t *testing.T) {
	given, computed := vectors(t)
	for _, id := range []string{"mkt-const", "mkt-single", "mkt-2pt", "mkt-4pt", "mkt-2-8"} {
		v := given[id]
		var want float64
		if err := json.Unmarshal(v.Expected, &want); err != nil {
			t.Fatal(err)
		}
		got, _, err := KineticMean(floats(v.Input["celsius"]), nil, DefaultActivation)
		if err != nil || math.Abs(got-want) > v.Tolerance {
			t.Errorf("%s: got %v %v, want %v", id, got, err, want)
		}
	}
	if got, _, err := KineticMean(floats(given["mkt-neg"].Input["celsius"]), nil, DefaultActivation); err != nil || got <= -5 {
		t.Errorf("mkt-neg: got %v %v, want more than -5", got, err)
	}
	if _, _, err := KineticMean(nil, nil, DefaultActivation); err == nil {
		t.Error("mkt-empty: no error")
	}
	c := computed["c-mkt-14C6h-5C18h"]
	in := c["input"].(map[string]any)
	if got, _, err := KineticMean(floats(in["celsius"]), floats(in["hours"]), DefaultActivation); err != nil || math.Abs(got-c["mkt_C"].(float64)) > 1e-9 {
		t.Errorf("c-mkt-14C6h-5C18h: got %v %v", got, err)
	}
	if got, _, err := KineticMean([]float64{15, 5}, []float64{4, 20}, DefaultActivation); err != nil || math.Abs(got-7.705) > 5e-4 {
		t.Errorf("c-mkt-15C4h-5C20h: got %v %v", got, err)
	}
	c = computed["c-trapezoid"]
	in = c["input"].(map[string]any)
	var points []Point
	for i, h := range floats(in["hours"]) {
		points = append(points, Point{int64(h) * hour, floats(in["celsius"])[i]})
	}
	if got, err := KineticOf(points, 0, DefaultActivation); err != nil || math.Abs(got.Celsius-c["mkt_trapezoid_C"].(float64)) > 1e-9 {
		t.Errorf("c-trapezoid: got %+v %v", got, err)
	}
	if got, _, err := KineticMean(floats(in["celsius"]), nil, DefaultActivation); err != nil || math.Abs(got-c["mkt_unweighted_C"].(float64)) > 1e-9 {
		t.Errorf("c-trapezoid, unweighted: got %v %v", got, err)
	}
	if k := activationK(DefaultActivation); k != 10_000 {
		t.Errorf("K is %v, want 10000 exactly", k)
	}
}

func TestVectorsOfNewton(t *testing.T) {
	given, computed := vectors(t)
	c := floats(given["newton-ambient"].Input["celsius"])
	if got := Ambient(c[0], c[1], c[2]); math.Abs(got+3) > 1e-9 {
		t.Errorf("ambient: got %v, want -3", got)
	}
	want := computed["c-newton"]["hours_to_limit"].(float64)
	if got, ok := TimeTo(5, 30, 8, 10*time.Hour); !ok || math.Abs(got.Hours()-want) > 1e-9 {
		t.Errorf("time to limit: got %v %v, want %v h", got, ok, want)
	}
	for _, limit := range []float64{5, 4, 30, 31} {
		if got, ok := TimeTo(5, 30, limit, time.Hour); ok {
			t.Errorf("limit %v is not on the course from 5 to 30, got %v", limit, got)
		}
	}
}

// hold makes a history of spans of one temperature each, a reading a minute,
// with flanks of a millisecond between, in which crossings lie.
func hold(spans ...any) *History {
	s := Stretch{Source: "test"}
	at := int64(0)
	for i := 0; i < len(spans); i += 2 {
		v, d := Temp(math.Round(spans[i].(float64)*1000)), spans[i+1].(time.Duration).Milliseconds()
		for k := int64(0); k < d; k += minute {
			s.Samples = append(s.Samples, Sample{at + k, v})
		}
		at += d
		s.Samples = append(s.Samples, Sample{at - 1, v})
	}
	s.To = at - 1
	return &History{To: s.To, Stretches: []Stretch{s}}
}

func TestVectorsOfRules(t *testing.T) {
	for _, c := range []struct {
		name, profile string
		h             *History
		want          Outcome
	}{
		{"usp1079_2-cct fails by MKT", "cct", hold(14.0, 6*time.Hour, 5.0, 18*time.Hour), Excursion},
		{"usp1079_2-cct within MKT", "cct", hold(14.9, 4*time.Hour, 5.0, 20*time.Hour), InRange},
		{"usp1079_2-cct above 15", "cct", hold(15.1, 2*time.Minute, 5.0, 24*time.Hour), Excursion},
		{"usp1079_2-cct below 2 is not offset by MKT", "cct", hold(5.0, 24*time.Hour, 1.9, time.Minute), Excursion},
		{"usp1079_2-crt excursion of 23 h", "crt", hold(21.0, 240*time.Hour, 29.0, 23*time.Hour, 21.0, 240*time.Hour), InRange},
		{"usp1079_2-crt excursion of 24 h", "crt", hold(21.0, 240*time.Hour, 29.0, 24*time.Hour+3*time.Second, 21.0, 240*time.Hour), Excursion},
		{"usp1079_2-crt spike to 40", "crt", hold(21.0, 240*time.Hour, 40.0, 2*time.Hour, 21.0, 240*time.Hour), InRange},
		{"usp1079_2-crt spike above 40", "crt", hold(21.0, 240*time.Hour, 40.1, 2*time.Minute, 21.0, 240*time.Hour), Excursion},
		{"usp1079_2-crt MKT", "crt", hold(24.9, 240*time.Hour, 30.0, 20*time.Hour, 24.9, 240*time.Hour), Excursion},
		{"usp1079_2-crt at 15", "crt", hold(21.0, 2*time.Hour, 15.0, 2*time.Hour, 21.0, 2*time.Hour), InRange},
		{"usp1079_2-crt below 15", "crt", hold(21.0, 2*time.Hour, 14.9, 2*time.Minute, 21.0, 2*time.Hour), Excursion},
		{"who-shipping-type1 at 45 for 59 min", "who-type-1", hold(20.0, time.Hour, 45.0, 59*time.Minute, 20.0, time.Hour), InRange},
		{"who-shipping-type1 at 45 for 60 min", "who-type-1", hold(20.0, time.Hour, 45.0, 60*time.Minute+time.Second, 20.0, time.Hour), Excursion},
		{"who-shipping-type1 at 30 for 10 h in all", "who-type-1", hold(30.0, 5*time.Hour, 29.9, time.Hour, 30.0, 5*time.Hour+time.Second), Excursion},
		{"who-shipping-type1 just below 30", "who-type-1", hold(29.999, 24*time.Hour), InRange},
		{"who-shipping-type1 at -0.5 for an hour", "who-type-1", hold(5.0, time.Hour, -0.5, time.Hour+time.Second, 5.0, time.Hour), Excursion},
		{"who-shipping-type1 above -0.5", "who-type-1", hold(-0.499, 24*time.Hour), InRange},
		{"who-shipping-type2 at 10 for 20 h in all", "who-type-2", hold(10.0, 21*time.Hour), Excursion},
		{"escort: the limit is within", "refrigerated", hold(8.0, time.Hour, 2.0, time.Hour), InRange},
		{"escort: beyond it", "refrigerated", hold(8.0, time.Hour, 8.001, time.Minute, 8.0, time.Hour), Excursion},
	} {
		p, err := Named(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Evaluate(&p, c.h)
		if err != nil || v.Outcome != c.want {
			t.Errorf("%s: got %s %v, want %s; events %+v, MKT %+v", c.name, v.Outcome, err, c.want, v.Excursions, v.MKT)
		}
	}
}

// TestBerlinger: dips that each end in time do not add up for a single timer,
// and their sum is told.
func TestBerlinger(t *testing.T) {
	var spans []any
	for range 7 {
		spans = append(spans, 5.0, time.Hour, -1.0, 30*time.Minute)
	}
	h := hold(append(spans, 5.0, time.Hour)...)
	p := Profile{ID: "b", Version: 1, Name: "b", LongestGap: hour, Limits: []Limit{{Name: "low", Op: Below, At: -500, Timer: Single, Delay: hour, Severity: Alarm}}}
	v := judge(t, &p, h)
	if l := v.Limits[0]; v.Outcome != InRange || l.Events != 7 || l.Alarms != 0 || (l.Beyond+second)/minute != 210 {
		t.Errorf("got %s %+v, want seven events of 210 min in all and no alarm", v.Outcome, l)
	}
	p.Limits[0].Timer = Cumulative
	if v := judge(t, &p, h); v.Outcome != Excursion || v.Limits[0].Alarms != 5 {
		t.Errorf("cumulative: got %s %+v, want an alarm by the third dip and all after: two are some milliseconds short of an hour", v.Outcome, v.Limits[0])
	}
}

func TestStabilityBudget(t *testing.T) {
	eight := Temp(8000)
	p := Profile{ID: "b", Version: 1, Name: "b", LongestGap: hour, Limits: []Limit{{Name: "high", Op: Above, At: 30_000, Timer: Single, Severity: Alarm}},
		Budgets: []Budget{{Name: "room", Above: &eight, Allowed: 72 * hour}}}
	h := hold(5.0, time.Hour, 20.0, 90*time.Minute, 5.0, time.Hour)
	v := judge(t, &p, h, Spent{"room", 10 * hour}, Spent{"room", 8 * hour})
	if b := v.Budgets[0]; math.Abs(float64(b.Left)/float64(hour)-52.5) > 0.001 || b.Before != 18*hour || b.Broken || b.Kind != Heat {
		t.Errorf("got %+v, want 52.5 h left", b)
	}
	v = judge(t, &p, h, Spent{"room", 71 * hour})
	if b := v.Budgets[0]; !b.Broken || b.BrokenAt-2*hour > 1 || b.BrokenAt < 2*hour-1 || v.Outcome != Excursion || v.Severity != Critical {
		t.Errorf("got %+v, want it overspent an hour after the crossing", b)
	}
	if v = judge(t, &p, h, Spent{"room", 73 * hour}); v.Budgets[0].BrokenAt != h.From || !v.Budgets[0].Broken {
		t.Errorf("got %+v, want it overspent from the beginning", v.Budgets[0])
	}
	if _, err := NewEvaluator(&p, 0, Spent{"rom", 1}); err == nil {
		t.Error("a budget that there is not was taken")
	}
}
