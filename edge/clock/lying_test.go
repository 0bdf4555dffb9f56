package clock

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"frostline/proto/truetime"
)

// witness is a time source of a test, and how it is wrong.
type witness struct {
	source      truetime.Source
	begins      int64 // boottime of its first word, ms
	every       int64 // ms
	uncertainty int64
	lie         func(at int64) int64 // nil for none
}

const years10 = 3652 * 86_400_000

// TestPromise4LyingSources: a day of a gateway whose oscillator is up to 100 ppm
// off, whose system clock is stepped by up to ten years, and one of whose
// sources lies from some time on: by years, by a rollover of the week, by a time
// zone, for an hour, or by running fast. A receiver may have its first fix an
// hour after the start. What the gateway says at any time, and what the hub
// concludes from what was recorded, has true time inside and no order inverted.
func TestPromise4LyingSources(t *testing.T) {
	days := 60
	if testing.Short() {
		days = 40
	}
	seen := map[string]int{}
	for seed := range days {
		rnd := rand.New(rand.NewPCG(uint64(seed), 4))
		if err := day(t, rnd, seen); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	t.Logf("%d days: %v", days, seen)
	for _, what := range []string{"conflict", "left out", "agree", "undated"} {
		if seen[what] == 0 {
			t.Errorf("%q never happened: too little was tried", what)
		}
	}
}

func day(t *testing.T, rnd *rand.Rand, seen map[string]int) error {
	t.Helper()
	drift := (2*rnd.Float64() - 1) * 100e-6
	began := noon + rnd.Int64N(years10)
	truth := func(at int64) float64 { return float64(began) + float64(at)*(1+drift) }
	v := newVirtual(t, VirtualConfig{UTC: noon - rnd.Int64N(years10)})
	var chain []truetime.Anchor
	k, err := NewKeeper(KeeperConfig{Clock: v, Log: slog.New(slog.DiscardHandler), Record: func(_ context.Context, e Event) error {
		if e.Anchor != nil {
			chain = append(chain, *e.Anchor)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	within := func(from, to int64) int64 { return from + rnd.Int64N(to-from) }
	all := []witness{
		{source: truetime.RTC, begins: 120_000, every: 1 << 40, uncertainty: 600_000},
		{source: truetime.NTP, begins: within(0, 7_200_000), every: 10_000, uncertainty: within(10, 400)},
		{source: truetime.Hub, begins: within(0, 7_200_000), every: 60_000, uncertainty: within(20, 3000)},
		{source: truetime.GNSS, begins: within(0, 3) * 3_600_000, every: 10_000, uncertainty: within(100, 3600)},
	}
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:within(1, 5)]
	liar := rnd.IntN(len(all))
	since, step := within(0, 20)*3_600_000, []int64{-years10, years10, -1024 * 7 * 86_400_000, 1024 * 7 * 86_400_000, 3_600_000, -7_200_000}[rnd.IntN(6)]
	lies := []func(int64) int64{
		nil,
		func(int64) int64 { return step },
		func(at int64) int64 { // a fast one, far enough that others see it
			return at/100 + 3_600_000
		},
		func(at int64) int64 {
			if at < since || at > since+3_600_000 {
				return 0
			}
			return step
		},
	}
	lying := lies[rnd.IntN(len(lies))]
	if len(all) > 1 { // else nobody could tell
		all[liar].lie = lying
	}
	ctx := context.Background()
	for at := int64(0); at < 86_400_000; at += 10_000 {
		if err := v.RunUntil(ctx, at); err != nil {
			return err
		}
		if rnd.IntN(500) == 0 {
			v.StepUTC(time.Duration(within(-years10, years10)) * time.Millisecond)
		}
		k.poll()
		for _, w := range all {
			if at < w.begins || (at-w.begins)/10_000*10_000%max(w.every, 10_000) != 0 || w.source == truetime.RTC && k.Dated() {
				continue
			}
			a := truetime.Anchor{At: at, UTC: int64(truth(at)) + within(-w.uncertainty+2, w.uncertainty-1), Uncertainty: w.uncertainty, Source: w.source}
			if w.lie != nil {
				a.UTC += w.lie(at)
			}
			k.Offer(a)
		}
		k.flush(ctx)
		if rnd.IntN(200) == 0 {
			if err := right(k, at, truth, all, liar, seen); err != nil {
				return fmt.Errorf("liar %v since %v, %+v: %w", all[liar].source, time.Duration(since)*time.Millisecond, all, err)
			}
		}
	}
	// The hub has only what was recorded.
	tl, last := truetime.NewTimeline(chain), int64(math.MinInt64)
	for at := int64(0); at < 86_400_000 && tl.Dated(); at += 600_000 {
		m, _ := tl.Resolve(at)
		if off := math.Abs(float64(m.UTC) - truth(at)); off > float64(m.Uncertainty)+1 && !believed(all, liar, chain) {
			return fmt.Errorf("the hub dates %d %.0f ms off, and claims %d: %+v", at, off, m.Uncertainty, chain)
		}
		if m.UTC < last {
			return fmt.Errorf("the hub inverts the order at %d", at)
		}
		last = m.UTC
	}
	if len(chain) > 100 { // one an hour, for each step and each contradiction
		return fmt.Errorf("%d anchors in a day: too many", len(chain))
	}
	return nil
}

// believed says that only the liar was ever heard: then nobody could tell.
func believed(all []witness, liar int, heard []truetime.Anchor) bool {
	return all[liar].lie != nil && !slices.ContainsFunc(heard, func(a truetime.Anchor) bool { return a.Source != all[liar].source })
}

// right checks what the gateway itself says now.
func right(k *Keeper, at int64, truth func(int64) float64, all []witness, liar int, seen map[string]int) error {
	m, ok := k.UTC(at)
	left := k.Left()
	switch {
	case !ok:
		seen["undated"]++
		return nil
	case m.Conflict:
		seen["conflict"]++
	case len(left) > 0:
		seen["left out"]++
	default:
		seen["agree"]++
	}
	if len(left) > 1 || len(left) == 1 && (left[0] != all[liar].source || all[liar].lie == nil) {
		return fmt.Errorf("at %d: left out %v", at, left)
	}
	if best, _ := k.Best(); slices.Contains(left, best.Source) {
		return fmt.Errorf("at %d: the best anchor is of a source that is left out: %+v", at, best)
	}
	off := math.Abs(float64(m.UTC) - truth(at))
	if off > float64(m.Uncertainty)+1 && !believed(all, liar, k.recorded) {
		return fmt.Errorf("at %d: %.0f ms off, and claims %d, recorded %+v", at, off, m.Uncertainty, k.recorded)
	}
	return nil
}
