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

// TestWindowsAgainstNaive is about MKT windows of 12 minutes: excursions longer
// than they are, gaps of many cells of the grid, histories much longer.
func TestWindowsAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Profile{ID: "w", Version: 1, Name: "w", LongestGap: 300_000, Activation: DefaultActivation,
			Limits: []Limit{{Name: "high", Op: Above, At: 50_000, Timer: Single, Severity: Alarm}},
			MKT: &MKTRule{Limit: 8000, Op: rapid.SampledFrom([]Op{Above, AtOrAbove}).Draw(t, "op"), Window: windowUnit,
				Anchor: rapid.SampledFrom([]string{AnchorLast, AnchorFollowing}).Draw(t, "anchor")}}
		from := rapid.Int64Range(0, 2000).Draw(t, "from")
		h := &History{From: from, Stretches: []Stretch{}, Unmonitored: []Unmonitored{}}
		at := from
		for range rapid.IntRange(1, 4).Draw(t, "stretches") {
			s := Stretch{From: at, Source: "s"}
			for range rapid.IntRange(2, 12).Draw(t, "samples") {
				s.Samples = append(s.Samples, Sample{at, Temp(rapid.SampledFrom([]int64{4000, 7000, 8000, 8500, 9000, 9000, 12_000}).Draw(t, "value"))})
				at += rapid.SampledFrom([]int64{500, 60_000, 240_000, 290_500}).Draw(t, "dt")
			}
			at = s.Samples[len(s.Samples)-1].At
			s.To = at
			h.Stretches = append(h.Stretches, s)
			at += rapid.SampledFrom([]int64{0, 1000, 400_000, 7_200_500}).Draw(t, "gap")
		}
		h.To = at
		compare(t, p, h, judge(t, p, h), newNaive(p, h))
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
		if windows > 0 {
			worst := got.MKT.Worst
			if math.Abs(worstValue-float64(worst.Value)) > 0.5001 {
				t.Fatalf("worst window: got %v want %v", worst, worstValue)
			}
			if _, ms := n.kelvinMean(worst.From, worst.To); ms != worst.Monitored || !slices.Contains(n.windows(), [2]int64{worst.From, worst.To}) {
				t.Fatalf("worst window: got %+v with %d ms monitored, want one of %v\nprofile %s\nhistory %s", worst, ms, n.windows(), asJSON(t, p), asJSON(t, h))
			}
		}
		if broken {
			breaks(Alarm)
		}
	}
	equal("outcome", []any{got.Outcome, got.Severity}, []any{outcome, worst})
}

// TestIncrementalIsBatch: however a history is fed, with verdicts asked for in
// between, going on from clones, the bytes are those of Evaluate.
func TestIncrementalIsBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, h := someProfile(t), someHistory(t, rapid.SampledFrom([]int64{900, 3000, 200_000}).Draw(t, "steps"))
		if h.To-h.From > 100_000 {
			p.LongestGap = 300_000
		}
		want := judge(t, p, h)
		e, err := NewEvaluator(p, h.From)
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		disturb := func() {
			if rapid.Bool().Draw(t, "disturb") {
				verdict(t, e, e.Covered()+rapid.Int64Range(0, 2_000_000).Draw(t, "ahead"))
			}
			if rapid.Bool().Draw(t, "clone") {
				old := e
				e = e.Clone()
				must(old.Unmonitored(old.Covered()+5_000_000, "another future"))
			}
		}
		gaps := h.Unmonitored
		lost := func(before int64) {
			for len(gaps) > 0 && (gaps[0].From < before || gaps[0].To <= before) {
				if gaps[0].From > e.Covered() {
					must(e.Unmonitored(gaps[0].From, ReasonUntold))
				}
				must(e.Unmonitored(gaps[0].To, gaps[0].Reason))
				gaps = gaps[1:]
				disturb()
			}
		}
		for _, s := range h.Stretches {
			lost(s.From)
			must(e.Begin(s.From, s.Source))
			told := rapid.IntRange(0, len(s.Samples)).Draw(t, "told") // before which sample its end is known
			for i, x := range s.Samples {
				if i >= told || x.At >= s.To {
					must(e.Until(s.To))
				}
				must(e.Add(x))
				disturb()
			}
			must(e.Until(s.To))
			if e.Covered() < s.To {
				must(e.Unmonitored(s.To, ReasonNoReading))
			}
		}
		lost(math.MaxInt64)
		if got := asJSON(t, verdict(t, e, h.To)); !bytes.Equal(got, asJSON(t, want)) {
			t.Fatalf("fed one by one:\n got %s\nwant %s\nprofile %s\nhistory %s", got, asJSON(t, want), asJSON(t, p), asJSON(t, h))
		}
	})
}

// TestSplittingChangesNothing: a stretch cut in two at any instant, also
// between two readings, is the same history.
func TestSplittingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, h := someProfile(t), someHistory(t, rapid.SampledFrom([]int64{900, 200_000}).Draw(t, "steps"))
		if h.To-h.From > 100_000 {
			p.LongestGap = 300_000
		}
		want := judge(t, p, h)
		cut := *h
		cut.Stretches = nil
		for _, s := range h.Stretches {
			at := rapid.Int64Range(s.From, s.To).Draw(t, "cut")
			// Each part has the readings about it, as the one who cuts knows them.
			first, second := s, s
			first.To, second.From = at, at
			i := 0
			for i < len(s.Samples) && s.Samples[i].At <= at {
				i++
			}
			first.Samples = s.Samples[:min(len(s.Samples), i+1)]
			second.Samples = s.Samples[max(0, i-1):]
			cut.Stretches = append(cut.Stretches, first, second)
		}
		got := judge(t, p, &cut)
		// What a hole is called may differ where it is cut: no reading yet, or none
		// any more. A cut that rounds to the same temperature as the peak that
		// follows is where the peak is.
		for _, v := range []*Verdict{&want, &got} {
			var all []Unmonitored
			for _, g := range v.Gaps {
				g.Reason = ""
				if n := len(all); n > 0 && all[n-1].To == g.From {
					all[n-1].To = g.To
				} else {
					all = append(all, g)
				}
			}
			v.Gaps, v.MinAt, v.MaxAt = all, 0, 0
			for i := range v.Excursions {
				v.Excursions[i].PeakAt = 0
			}
		}
		if g, w := asJSON(t, got), asJSON(t, want); !bytes.Equal(g, w) {
			t.Fatalf("cut:\n got %s\nwant %s\nprofile %s\nhistory %s", g, w, asJSON(t, p), asJSON(t, h))
		}
	})
}

// TestShiftingTime moves every instant of a verdict and nothing else.
func TestShiftingTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, h := someProfile(t), someHistory(t, 3000)
		by := rapid.Int64Range(2_000_000, 4_000_000_000_000).Draw(t, "by") // so that none is 0
		moved := func(h *History, by int64) *History {
			m := *h
			m.From, m.To, m.Stretches, m.Unmonitored = m.From+by, m.To+by, nil, nil
			for _, s := range h.Stretches {
				s.From, s.To, s.Samples = s.From+by, s.To+by, slices.Clone(s.Samples)
				for i := range s.Samples {
					s.Samples[i].At += by
				}
				m.Stretches = append(m.Stretches, s)
			}
			for _, u := range h.Unmonitored {
				m.Unmonitored = append(m.Unmonitored, Unmonitored{u.From + by, u.To + by, u.Reason})
			}
			return &m
		}
		near := moved(h, 2_000_000)
		a, b := judge(t, p, near), judge(t, p, moved(near, by))
		shift := func(v *Verdict, by int64) {
			for _, at := range []*int64{&v.From, &v.To, &v.MinAt, &v.MaxAt} {
				if *at != 0 {
					*at += by
				}
			}
			for i := range v.Limits {
				if v.Limits[i].Alarms > 0 {
					v.Limits[i].AlarmAt += by
				}
			}
			for i := range v.Excursions {
				e := &v.Excursions[i]
				e.From, e.To, e.PeakAt = e.From+by, e.To+by, e.PeakAt+by
				if e.Broken {
					e.Alarm += by
				}
			}
			for i := range v.Gaps {
				v.Gaps[i].From, v.Gaps[i].To = v.Gaps[i].From+by, v.Gaps[i].To+by
			}
			for i := range v.Budgets {
				if v.Budgets[i].Broken {
					v.Budgets[i].BrokenAt += by
				}
			}
			if m := v.MKT; m != nil {
				m.From, m.To = m.From+by, m.To+by
				if m.Broken {
					m.BrokenAt += by
				}
				if m.Worst != nil {
					m.Worst.From, m.Worst.To = m.Worst.From+by, m.Worst.To+by
				}
			}
		}
		shift(&a, by)
		if g, w := asJSON(t, b), asJSON(t, a); !bytes.Equal(g, w) {
			t.Fatalf("moved by %d:\n got %s\nwant %s\nprofile %s\nhistory %s", by, g, w, asJSON(t, p), asJSON(t, h))
		}
	})
}

// TestKineticMeanProperties: it is never less than the mean nor more than the
// maximum, does not depend on order or on the scale of weights, and weights are
// what repeating is.
func TestKineticMeanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		c := rapid.SliceOfN(rapid.Float64Range(-80, 200), n, n).Draw(t, "celsius")
		weights := make([]float64, n)
		var repeated []float64
		for i := range weights {
			k := rapid.IntRange(0, 4).Draw(t, "weight")
			if i == 0 {
				k++
			}
			weights[i] = float64(k)
			for range k {
				repeated = append(repeated, c[i])
			}
		}
		activation := rapid.Float64Range(MinActivation, MaxActivation).Draw(t, "activation")
		tk, mean, err := KineticMean(c, weights, activation)
		if err != nil {
			t.Fatal(err)
		}
		if tk < mean-1e-9 || tk > slices.Max(c)+1e-9 {
			t.Fatalf("mkt %v of mean %v and maximum %v", tk, mean, slices.Max(c))
		}
		other, _, err := KineticMean(repeated, nil, activation)
		if err != nil || math.Abs(tk-other) > 1e-9 {
			t.Fatalf("weighted %v, repeated %v %v", tk, other, err)
		}
		constant := make([]float64, n)
		for i := range constant {
			constant[i] = c[0]
		}
		if tk, _, err := KineticMean(constant, weights, activation); err != nil || math.Abs(tk-c[0]) > 1e-9 {
			t.Fatalf("constant %v: got %v %v", c[0], tk, err)
		}
	})
}
