package risk

import (
	"strings"
	"testing"

	"frostline/hub/dispatch"
	"frostline/proto/thermal"
)

func TestSays(t *testing.T) {
	const now = 1_789_365_600_000
	from := func(l Load) Load {
		for i := range l.Outlook {
			o := &l.Outlook[i]
			o.Reached, o.Earliest = o.Reached+now, o.Earliest+now
			if o.Latest != 0 {
				o.Latest += now
			}
		}
		return l
	}
	d := Delivery{HandOver: 5 * minute, Arrival: &dispatch.Arrival{At: now + 45*minute, Low: now + 40*minute, High: now + 55*minute}}
	held := d
	held.Held = true
	past := d
	past.Arrival = &dispatch.Arrival{At: now - 20*minute, Low: now - 30*minute, High: now - 10*minute}
	budget := Load{Package: "p", Condition: InRange, Budgets: []thermal.BudgetOutlook{{Budget: "room", OnCourse: true, Left: 1, Ends: now + 60*minute, Earliest: now + 50*minute, Latest: now + 150*minute}}}
	spent := Load{Package: "p", Condition: InRange, Budgets: []thermal.BudgetOutlook{{Budget: "room", OnCourse: true}}}
	for _, c := range []struct {
		d    Delivery
		load Load
		want string
	}{
		{d, from(course("p", 44*minute, 35*minute, 60*minute)), "8 °C in 35–60 min, arrives in 40–55 min; 6 min too late (−25 min to +15 min)"},
		{d, from(course("p", 200*minute, 90*minute, 0)), "8 °C in 90 min or later, or never, arrives in 40–55 min; 2 h 30 min to spare (+30 min to no end)"},
		{d, budget, "budget room ends in 50 min – 2 h 30 min, arrives in 40–55 min; 10 min to spare (−10 min to +105 min)"},
		{d, spent, "nothing is left of budget room; arrives in 40–55 min"},
		{held, Load{Package: "p", Condition: OutOfRange, Since: now - 30*minute}, "out of range now, since 05:30 UTC; arrives in 40–55 min; held: not to be delivered until somebody lets it go"},
		{d, Load{Package: "p", Condition: NotKnown, Reason: "sensor silent", Since: now - 20*60*minute}, "sensor silent, since 13 Sep 10:00 UTC; arrives in 40–55 min"},
		{d, Load{Package: "p", Condition: NotKnown}, "nobody vouches for it; arrives in 40–55 min"},
		{Delivery{}, from(course("p", 44*minute, 35*minute, 60*minute)), "nobody knows when it arrives; 8 °C in 35–60 min"},
		{past, Load{Package: "p", Condition: InRange, Outlook: []thermal.Outlook{{Limit: "warm"}}}, "the readings lead to no limit; was to arrive 20 min ago"},
		{d, Load{Package: "p", Condition: InRange, NoOutlook: "2 readings"}, "in range now; no outlook: 2 readings; arrives in 40–55 min"},
	} {
		got := Assess(c.d, []Load{c.load})
		if says := got.Says(now); says != c.want {
			t.Errorf("got  %s\nwant %s", says, c.want)
		}
	}
	empty := Assess(d, nil)
	if says := empty.Says(now); !strings.HasPrefix(says, "nobody has told which packages are in it; arrives in") {
		t.Errorf("of no packages: %s", says)
	}
	for ms, want := range map[int64]string{-5: "0 min", 29_000: "0 min", 30_000: "1 min", 119 * minute: "119 min", 120 * minute: "2 h", 125 * minute: "2 h 5 min", 50 * 60 * minute: "2 d 2 h"} {
		if got := Span(ms); got != want {
			t.Errorf("%d ms: %q, want %q", ms, got, want)
		}
	}
	for _, class := range classes {
		if class.Words() == "" {
			t.Errorf("class %s has no word", class)
		}
	}
}
