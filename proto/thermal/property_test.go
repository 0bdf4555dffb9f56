package thermal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// someProfile has limits near the temperatures that someHistory draws, often
// the same.
func someProfile(t *rapid.T) *Profile {
	p := &Profile{ID: "x", Version: 1, Name: "x", LongestGap: 1000 * rapid.Int64Range(1, 4).Draw(t, "gap"), Activation: rapid.SampledFrom([]int64{DefaultActivation, 60_000, 119_000}).Draw(t, "activation")}
	degree := rapid.Custom(func(t *rapid.T) Temp { return Temp(rapid.Int64Range(0, 20).Draw(t, "degree") * 500) })
	middle := degree.Draw(t, "middle")
	for i := range rapid.IntRange(1, 4).Draw(t, "limits") {
		l := Limit{Name: fmt.Sprint(i), Op: rapid.SampledFrom([]Op{Above, AtOrAbove, Below, AtOrBelow}).Draw(t, "op"), At: degree.Draw(t, "at"),
			Timer: rapid.SampledFrom([]Timer{Single, Cumulative}).Draw(t, "timer"), Delay: rapid.SampledFrom([]int64{0, 0, 1, 1000, 2500, 6000}).Draw(t, "delay"),
			Deadband: rapid.SampledFrom([]Temp{0, 0, 500, 1000, 1300}).Draw(t, "deadband"), Severity: rapid.SampledFrom([]Severity{Warning, Alarm, Critical}).Draw(t, "severity")}
		if l.Op.upper() {
			l.At = max(l.At, middle)
		} else {
			l.At = min(l.At, middle)
		}
		p.Limits = append(p.Limits, l)
	}
	if rapid.Bool().Draw(t, "range") {
		low := degree.Draw(t, "low")
		high := low + degree.Draw(t, "width")
		p.Low, p.High = &low, &high
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "budgets") {
		b := Budget{Name: fmt.Sprint(i), Allowed: rapid.Int64Range(1, 9000).Draw(t, "allowed")}
		a := degree.Draw(t, "above")
		c := a + 500 + degree.Draw(t, "wide")
		if rapid.Bool().Draw(t, "from") {
			b.Above = &a
		}
		if b.Above == nil || rapid.Bool().Draw(t, "to") {
			b.Below = &c
		}
		if b.Above != nil && b.Below != nil {
			b.Kind = rapid.SampledFrom([]BudgetKind{"", Heat, Freeze}).Draw(t, "kind")
		}
		p.Budgets = append(p.Budgets, b)
	}
	if rapid.Bool().Draw(t, "mkt") {
		p.MKT = &MKTRule{Limit: degree.Draw(t, "mktLimit"), Op: rapid.SampledFrom([]Op{Above, AtOrAbove}).Draw(t, "mktOp"), Window: windowUnit,
			Anchor: rapid.SampledFrom([]string{AnchorLast, AnchorFollowing}).Draw(t, "anchor")}
	}
	return p
}

// someHistory is made of stretches whose samples reach beyond their ends, or
// fall short of them, with and without gaps. Steps are the longest time between
// samples.
func someHistory(t *rapid.T, steps int64) *History {
	from := rapid.Int64Range(-1000, 1000).Draw(t, "from") * 977
	h := &History{From: from, Stretches: []Stretch{}, Unmonitored: []Unmonitored{}}
	at, v := from, rapid.Int64Range(0, 20).Draw(t, "first")
	for i := range rapid.IntRange(0, 4).Draw(t, "stretches") {
		at += rapid.SampledFrom([]int64{0, 0, 0, 700, 5000}).Draw(t, "hole")
		s := Stretch{From: at, Source: fmt.Sprint("s", i)}
		k := at - rapid.Int64Range(-300, 1500).Draw(t, "before")
		for range rapid.IntRange(0, 8).Draw(t, "samples") {
			v = max(0, min(20, v+rapid.Int64Range(-4, 4).Draw(t, "step")))
			x := v * 500
			if rapid.IntRange(0, 3).Draw(t, "odd") == 0 {
				x += rapid.Int64Range(-7, 7).Draw(t, "off")
			}
			s.Samples = append(s.Samples, Sample{k, Temp(x)})
			k += rapid.Int64Range(1, steps).Draw(t, "dt")
		}
		s.To = at + rapid.Int64Range(0, max(1, k-at)).Draw(t, "length")
		at = s.To
		h.Stretches = append(h.Stretches, s)
		if rapid.IntRange(0, 2).Draw(t, "lost") == 0 {
			u := Unmonitored{at + rapid.SampledFrom([]int64{0, 0, 300}).Draw(t, "untold"), 0, rapid.SampledFrom([]string{"a", "b", ReasonNoReading}).Draw(t, "why")}
			u.To = u.From + rapid.Int64Range(0, 4000).Draw(t, "for")
			h.Unmonitored = append(h.Unmonitored, u)
			at = u.To
		}
	}
	h.To = at + rapid.SampledFrom([]int64{0, 0, 400}).Draw(t, "tail")
	return h
}

func judge(t interface{ Fatalf(string, ...any) }, p *Profile, h *History, spent ...Spent) Verdict {
	v, err := Evaluate(p, h, spent...)
	if err != nil {
		t.Fatalf("evaluate: %v", err)
	}
	return v
}

func asJSON(t interface{ Fatalf(string, ...any) }, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("json: %v", err)
	}
	return b
}

// TestAgainstNaive compares every number of a verdict with an evaluator that
// follows the documented rules in exact fractions.
func TestAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := someProfile(t)
		h := someHistory(t, rapid.SampledFrom([]int64{900, 3000, 100_000, 400_000}).Draw(t, "steps"))
		if h.To-h.From > 100_000 {
			p.LongestGap = 300_000
		}
		got, n := judge(t, p, h), newNaive(p, h)
		compare(t, p, h, got, n)
	})
}

func compare(t *rapid.T, p *Profile, h *History, got Verdict, n *naive) {
	equal := func(name string, got, want any) {
		if g, w := asJSON(t, got), asJSON(t, want); !bytes.Equal(g, w) {
			t.Fatalf("%s:\n got %s\nwant %s\nprofile %s\nhistory %s", name, g, w, asJSON(t, p), asJSON(t, h))
		}
	}
	if n.gaps == nil {
		n.gaps = []Unmonitored{}
	}
	equal("gaps", got.Gaps, n.gaps)
	var lost, known int64
	for _, g := range n.gaps {
		lost += g.To - g.From
	}
	for _, x := range n.pieces {
		known += x.b - x.a
	}
	equal("unmonitored", got.Unmonitored, lost)
	equal("monitored", got.Monitored, known)
	equal("covered", got.Monitored+got.Unmonitored, h.To-h.From)

	outcome, worst := InRange, Severity("")
	if lost > 0 || known == 0 {
		outcome = Unknown
	}
	state := outcome
	breaks := func(s Severity) {
		if s != Warning {
			outcome = Excursion
		}
		if order := []Severity{"", Warning, Alarm, Critical}; slices.Index(order, s) > slices.Index(order, worst) {
			worst = s
		}
	}
	want := []Event{}
	for i := range p.Limits {
		l := &p.Limits[i]
		s := LimitState{Limit: l.Name, State: state, Severity: l.Severity}
		for _, e := range n.events(l) {
			want = append(want, e)
			s.Events++
			s.Beyond += e.Duration
			s.Longest = max(s.Longest, e.Duration)
			if e.Broken {
				if s.Alarms++; s.Alarms == 1 {
					s.AlarmAt, s.State = e.Alarm, Excursion
				}
			}
		}
		if s.Alarms > 0 {
			breaks(l.Severity)
		}
		equal("limit", got.Limits[i], s)
	}
	slices.SortStableFunc(want, func(a, b Event) int { return int(a.From - b.From) })
	equal("excursions", got.Excursions, want)

	if known > 0 {
		equal("mean", got.Mean, Temp(round(big.NewRat(n.doubled(h.From, h.To), 2*known))))
		value, _ := n.kelvinMean(h.From, h.To)
		if got.MKT == nil || math.Abs(value-float64(got.MKT.Value)) > 0.5001 {
			t.Fatalf("mkt: got %v want %v", got.MKT, value)
		}
		if got.MKT.Value+1 < *got.Mean { // both are rounded
			t.Fatalf("mkt %s is less than the mean %s", got.MKT.Value, got.Mean)
		}
	}
	for i := range p.Budgets {
		b := &p.Budgets[i]
		spent, brokenAt, levels := int64(0), int64(0), []Temp{}
		for _, l := range []*Temp{b.Above, b.Below} {
			if l != nil {
				levels = append(levels, *l)
			}
		}
		heat := b.Kind == Heat || b.Kind == "" && b.Above != nil
		for _, s := range n.spans(func(v *big.Rat) bool {
			low := b.Above == nil || heat && passed(v, Above, *b.Above) || !heat && passed(v, AtOrAbove, *b.Above)
			high := b.Below == nil || !heat && passed(v, Below, *b.Below) || heat && passed(v, AtOrBelow, *b.Below)
			return low && high
		}, levels...) {
			if d := s[1] - s[0]; spent <= b.Allowed && spent+d > b.Allowed {
				brokenAt = s[0] + b.Allowed - spent
			}
			spent += s[1] - s[0]
		}
		x := got.Budgets[i]
		equal("budget", []any{x.Spent, x.Left, x.Broken, x.BrokenAt}, []any{spent, b.Allowed - spent, spent > b.Allowed, brokenAt})
		if spent > b.Allowed {
			breaks(Critical)
		}
	}
	if p.MKT != nil && known > 0 {
		var windows int64
		broken := false
		worstValue := math.Inf(-1)
		for _, w := range n.windows() {
			if v, ms := n.kelvinMean(w[0], w[1]); ms > 0 {
				windows++
				worstValue = max(worstValue, v)
				r := Temp(math.Floor(v + 0.5))
				broken = broken || r > p.MKT.Limit || r == p.MKT.Limit && p.MKT.Op == AtOrAbove
			}
		}
		equal("windows", []any{got.MKT.Windows, got.MKT.Broken}, []any{windows, broken})
		if windows > 0 && math.Abs(worstValue-float64(got.MKT.Worst.Value)) > 0.5001 {
			t.Fatalf("worst window: got %v want %v", got.MKT.Worst, worstValue)
		}
		if broken {
			breaks(Alarm)
		}
	}
	equal("outcome", []any{got.Outcome, got.Severity}, []any{outcome, worst})
}
