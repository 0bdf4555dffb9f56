package correlate

import (
	"context"
	"fmt"
	"slices"

	"frostline/hub/correlate/join"
	"frostline/proto/thermal"
)

const (
	course    = 2 * 3_600_000 // how far back an outlook looks, ms
	missed    = 3             // intervals without a reading after which an outlook is stale
	leastMiss = 60_000        // ms that are never too long without one
)

// lookAhead adds the outlook to a state that rests on a fresh reading, or why
// there is none. An outlook is of one course: readings before a gap are not of
// it, and readings that have ceased to come as they did show none, though the
// newest may vouch for a while yet.
func (e *Engine) lookAhead(ctx context.Context, s *State, p *thermal.Profile, left []int64, now int64) error {
	var recent []thermal.Sample
	err := e.readings().Temperatures(ctx, s.Source, s.At-course, s.At+1, func(at int64, v thermal.Temp, state join.State) error {
		n := len(recent)
		switch {
		case state != join.Usable || n > 0 && at <= recent[n-1].At:
			return nil
		case n > 0 && at-recent[n-1].At > p.LongestGap:
			recent = recent[:0]
		}
		recent = append(recent, thermal.Sample{At: at, Value: v})
		return nil
	})
	if err != nil {
		return fmt.Errorf("outlook of package %s: %w", s.Package, err)
	}
	if len(recent) == 0 || recent[len(recent)-1].At != s.At {
		s.NoOutlook = "the newest reading has been revised meanwhile"
		return nil
	}
	until := min(s.Until, s.At+max(leastMiss, missed*interval(recent)))
	if now > until {
		s.NoOutlook = fmt.Sprintf("stale: the newest reading is %d s old, and readings used to come every %d s", (now-s.At)/1000, interval(recent)/1000)
		return nil
	}
	out, err := thermal.Outlooks(p, recent)
	if err == nil {
		s.Budgets, err = thermal.BudgetOutlooks(p, left, recent)
	}
	switch {
	case err != nil:
		s.NoOutlook = err.Error()
	case len(out) == 0:
		s.NoOutlook = "profile " + p.ID + " has no limits"
	default:
		s.Outlook, s.OutlookUntil = out, until
	}
	return nil
}

// interval is the median time between readings, ms; 0 for fewer than two.
func interval(all []thermal.Sample) int64 {
	if len(all) < 2 {
		return 0
	}
	between := make([]int64, len(all)-1)
	for i := range between {
		between[i] = all[i+1].At - all[i].At
	}
	slices.Sort(between)
	return between[len(between)/2]
}
