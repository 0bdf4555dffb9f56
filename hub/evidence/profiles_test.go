package evidence_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"frostline/proto/thermal"
)

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// anyProfile makes a valid profile of any kind around the temperatures of live.
func anyProfile(rng *rand.Rand, id string) thermal.Profile {
	at := func() thermal.Temp { return thermal.Temp(rng.IntN(12_000) - 1000) }
	if rng.IntN(3) == 0 { // so that readings are exactly at it
		at = func() thermal.Temp { return thermal.Temp(1000 * rng.IntN(11)) }
	}
	for {
		p := thermal.Profile{ID: id, Version: 1 + rng.IntN(2), Name: "any <" + id + "> & more", Source: "test", LongestGap: pick[int64](rng, 15_000, 60_000, 400_000, 3_600_000),
			Frozen: rng.IntN(6) == 0, Activation: pick[int64](rng, 0, 0, thermal.DefaultActivation, 60_000, 123_456)}
		low, high := at(), at()
		if rng.IntN(3) > 0 {
			p.Low = &low
		}
		if rng.IntN(3) > 0 {
			p.High = &high
		}
		for i := range 1 + rng.IntN(4) {
			p.Limits = append(p.Limits, thermal.Limit{Name: fmt.Sprint("limit ", i), Op: pick(rng, thermal.Above, thermal.AtOrAbove, thermal.Below, thermal.AtOrBelow), At: at(),
				Timer: pick(rng, thermal.Single, thermal.Cumulative), Delay: pick[int64](rng, 0, 0, 1, 30_000, 200_000), Deadband: pick[thermal.Temp](rng, 0, 0, 500, 2500),
				Severity: pick(rng, thermal.Warning, thermal.Alarm, thermal.Critical)})
		}
		if !p.Frozen && rng.IntN(2) == 0 {
			p.MKT = &thermal.MKTRule{Limit: at(), Op: pick(rng, thermal.Above, thermal.AtOrAbove), Window: 720_000 * int64(1+rng.IntN(4)), Anchor: pick(rng, thermal.AnchorLast, thermal.AnchorFollowing),
				Severity: pick(rng, "", thermal.Warning, thermal.Critical)}
		}
		p.Budgets = anyBudgets(rng, "p", at)
		if rng.IntN(3) == 0 {
			p.Accuracy = pick[thermal.Temp](rng, 200, 500)
		}
		p.Calibration = rng.IntN(4) == 0
		if p.Validate() == nil {
			return p
		}
	}
}

func anyBudgets(rng *rand.Rand, name string, at func() thermal.Temp) (out []thermal.Budget) {
	for i := range rng.IntN(3) {
		above, below := at(), at()
		b := thermal.Budget{Name: fmt.Sprint(name, i), Allowed: 1 + rng.Int64N(900_000), Source: "maker", Kind: pick(rng, "", thermal.Heat, thermal.Freeze)}
		if rng.IntN(3) > 0 {
			b.Above = &above
		}
		if rng.IntN(3) > 0 {
			b.Below = &below
		}
		if thermal.ValidateBudgets([]thermal.Budget{b}) == nil {
			out = append(out, b)
		}
	}
	return out
}

// anyHistory makes a history with jumps, gaps, lone readings, and readings
// before and after its stretches.
func anyHistory(rng *rand.Rand) thermal.History {
	at := start
	h := thermal.History{From: at, Stretches: []thermal.Stretch{}, Unmonitored: []thermal.Unmonitored{}}
	v := int64(5000)
	wild := pick[int64](rng, 100, 1500, 6000)
	for range rng.IntN(5) {
		s := thermal.Stretch{From: at, Source: pick(rng, "", "sensor/a in zone/b", "sensor/b in tote/<c>")}
		t := at - pick[int64](rng, 0, 0, 5000, 40_000)
		for range pick(rng, 0, 1, 2, 30, 800) {
			s.Samples = append(s.Samples, thermal.Sample{At: t, Value: thermal.Temp(v)})
			t += pick[int64](rng, 1, 7000, 10_000, 10_000, 10_000, 10_000, 90_000)
			if v += rng.Int64N(2*wild+1) - wild; rng.IntN(4) == 0 {
				v = v / 1000 * 1000
			}
			v = min(max(v, -5000), 15_000)
		}
		end := max(at, t-pick[int64](rng, 0, 3000, 10_000, 25_000, -20_000))
		at, s.To = end, end
		h.Stretches = append(h.Stretches, s)
		if rng.IntN(3) == 0 {
			to := at + rng.Int64N(2_000_000)
			if rng.IntN(2) == 0 {
				h.Unmonitored = append(h.Unmonitored, thermal.Unmonitored{From: at, To: to, Reason: pick(rng, "x", "y")})
			}
			at = to
		}
	}
	h.To = at + pick[int64](rng, 0, 0, 60_000)
	return h
}

// Promise 5: both verifiers make the same verdict of a history, to the byte.
func TestPromise5BothEvaluateAlike(t *testing.T) {
	s := newSecond(t)
	histories := 600
	if testing.Short() {
		histories = 150
	}
	outcomes := map[thermal.Outcome]int{}
	for seed := range histories {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		p, h := anyProfile(rng, "any"), anyHistory(rng)
		spent := []thermal.Spent{}
		for _, b := range p.Budgets {
			if rng.IntN(2) == 0 {
				spent = append(spent, thermal.Spent{Budget: b.Name, Duration: rng.Int64N(2 * b.Allowed)})
			}
		}
		for i := range h.Stretches {
			h.Stretches[i].Samples = append([]thermal.Sample{}, h.Stretches[i].Samples...)
		}
		v, err := thermal.Evaluate(&p, &h, spent...)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want, err := v.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.ask("evaluate", map[string]any{"profile": p, "history": h, "spent": spent}); got != string(want) {
			t.Fatalf("seed %d: the verifiers differ.\nthe first:\n%s\nthe second:\n%s\nprofile %+v", seed, want, got, p)
		}
		outcomes[v.Outcome]++
	}
	t.Logf("%v", outcomes)
}
