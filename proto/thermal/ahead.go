package thermal

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// BudgetOutlook is an estimate of when nothing will be left of a stability
// budget. Like Outlook it is no evidence.
type BudgetOutlook struct {
	Budget   string `json:"budget"`
	Left     int64  `json:"leftMs"` // of the unit that has least, not negative
	Spending bool   `json:"spending"`
	Estimate bool   `json:"estimate"` // always true
	OnCourse bool   `json:"onCourse"`
	Why      string `json:"why,omitempty"` // not on course
	// Ends is when, and Earliest and Latest the interval, Unix ms; Latest 0 is
	// open: it may never be.
	Ends     int64 `json:"ends,omitempty"`
	Earliest int64 `json:"earliest,omitempty"`
	Latest   int64 `json:"latest,omitempty"`
}

// BudgetOutlooks estimates for each stability budget of a profile when it will
// be spent if the box goes on as its readings show; see Outlooks. left is what
// is left of each, in ms at the newest reading.
func BudgetOutlooks(p *Profile, left []int64, recent []Sample) ([]BudgetOutlook, error) {
	if len(left) != len(p.Budgets) {
		return nil, fmt.Errorf("left: of %d budgets; the profile has %d", len(left), len(p.Budgets))
	}
	if len(left) == 0 {
		return nil, nil
	}
	courses, err := fitCourses(recent)
	if err != nil {
		return nil, err
	}
	newest := recent[len(recent)-1].Value
	out := make([]BudgetOutlook, len(left))
	for i := range p.Budgets {
		out[i] = budgetOutlook(&p.Budgets[i], left[i], newest, courses)
	}
	return out, nil
}

func budgetOutlook(b *Budget, left int64, newest Temp, courses []Course) BudgetOutlook {
	x := budgetBand(b)
	o := BudgetOutlook{Budget: b.Name, Left: max(left, 0), Spending: x.holds(newest), Estimate: true}
	c := courses[0]
	if left <= 0 {
		o.OnCourse, o.Ends, o.Earliest, o.Latest = true, c.At, c.At, c.At
		return o
	}
	t, ok := c.spends(&x, left)
	switch {
	case !ok && o.Spending:
		o.Why = "not on this course: the temperature leaves the band before"
		return o
	case !ok:
		o.Why = "not on this course: the temperature does not come into the band for long enough"
		return o
	case t > maxAhead:
		o.Why = "not on this course within 7 days"
		return o
	}
	var times []time.Duration
	open := false
	for _, y := range courses {
		for _, noise := range []float64{-2 * c.Noise, 0, 2 * c.Noise} {
			y.Now += noise
			d, ok := y.spends(&x, left)
			y.Now -= noise
			if ok {
				times = append(times, d)
			}
			open = open || !ok
		}
	}
	// A change of pace by a quarter moves when the band is entered, and not how
	// long the budget lasts in it.
	if enters := t - time.Duration(left)*time.Millisecond; enters > 0 {
		times = append(times, t-enters/4, t+enters/4)
	}
	o.OnCourse, o.Ends, o.Earliest = true, c.At+t.Milliseconds(), c.At+slices.Min(append(times, t)).Milliseconds()
	if latest := slices.Max(append(times, t)); !open && latest <= maxAhead {
		o.Latest = c.At + latest.Milliseconds()
	}
	return o
}

// spends gives the time until so many ms have been spent in a band without a
// break, and false where the course does not stay in it for so long.
func (c *Course) spends(b *band, left int64) (time.Duration, bool) {
	var crossings []time.Duration
	for _, e := range []*edge{b.low, b.high} {
		if e == nil {
			continue
		}
		if t, ok := c.to(e.at.Celsius()); ok {
			crossings = append(crossings, t)
		}
	}
	slices.Sort(crossings)
	enters := time.Duration(0)
	if !b.holds(Temp(math.Round(c.Now * 1000))) {
		if len(crossings) == 0 {
			return 0, false
		}
		enters, crossings = crossings[0], crossings[1:]
	}
	need := time.Duration(left) * time.Millisecond
	if len(crossings) > 0 && crossings[0]-enters < need {
		return 0, false
	}
	return enters + need, true
}
