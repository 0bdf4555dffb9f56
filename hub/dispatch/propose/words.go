package propose

import (
	"cmp"
	"fmt"
	"strings"

	"frostline/hub/dispatch/plan"
	"frostline/hub/dispatch/risk"
)

// says puts a reason in words.
func (r Reason) says() string {
	was, is := risk.Span(r.Was), risk.Span(r.Is)
	by := func(ms int64) string {
		if ms < 0 {
			return risk.Span(-ms) + " after it may get too warm"
		}
		return risk.Span(ms) + " before it may get too warm"
	}
	switch r.Code {
	case plan.ReasonLimitKept, plan.ReasonLimitBroken:
		return fmt.Sprintf("package %s is handed over %s, instead of %s", r.Package, by(r.Is), by(r.Was))
	case plan.ReasonMarginMore, plan.ReasonMarginLess:
		if r.Is < 0 {
			return fmt.Sprintf("package %s is handed over %s, instead of %s", r.Package, by(r.Is), by(r.Was))
		}
		return fmt.Sprintf("package %s has %s to spare, instead of %s", r.Package, is, was)
	case plan.ReasonWindowKept:
		return "within its window; it was to be " + was + " late"
	case plan.ReasonWindowBroken:
		return is + " after its window; it was to be in time"
	case plan.ReasonLateLess, plan.ReasonLateMore:
		return is + " after its window, instead of " + was
	case plan.ReasonShorter, plan.ReasonLonger:
		return fmt.Sprintf("a detour of %s, instead of %s", distance(r.Metres), distance(r.MetresWas))
	}
	return map[string]string{
		plan.ReasonServed: "it is served", plan.ReasonUnserved: "it is served no more", plan.ReasonVehicle: "another courier serves it",
		plan.ReasonEarlier: "earlier", plan.ReasonLater: "later",
	}[r.Code]
}

// shift puts in words that a stop comes earlier or later.
func shift(later int64, spare int64) string {
	switch {
	case later < 0:
		return risk.Span(-later) + " earlier"
	case spare >= later:
		return risk.Span(later) + " later, which harms nothing"
	}
	return risk.Span(later) + " later"
}

// says puts what an order breaks in words.
func (b Break) says(courier string) string {
	switch b.Kind {
	case plan.BreakLimit:
		return fmt.Sprintf("package %s at stop %s is handed over %s after it may get too warm", b.Package, b.Stop, risk.Span(b.By))
	case plan.BreakWindow:
		return fmt.Sprintf("stop %s is begun %s after its window", b.Stop, risk.Span(b.By))
	case plan.BreakShift:
		return fmt.Sprintf("courier %s is back %s late", courier, risk.Span(b.By))
	case plan.BreakCapacity:
		return fmt.Sprintf("courier %s carries %s more than its payload", courier, weight(b.Over))
	case plan.BreakRange:
		return fmt.Sprintf("courier %s drives %s further than its range", courier, distance(b.Over))
	case plan.BreakPrecedence:
		return fmt.Sprintf("stop %s delivers what was not picked up before", b.Stop)
	}
	return fmt.Sprintf("stop %s is not served", b.Stop)
}

// says puts a gain in words: what speaks for the order, and what against it.
func (g Gain) says() (gains, costs []string) {
	say := func(better bool, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); better {
			gains = append(gains, text)
		} else {
			costs = append(costs, text)
		}
	}
	if n := g.Saved; n != 0 {
		what := "packages are"
		if n == 1 || n == -1 {
			what = "package is"
		}
		if n > 0 {
			say(true, "%d %s handed over in time that would get too warm", n, what)
		} else {
			say(false, "%d more %s handed over too late", -n, what)
		}
	}
	for _, x := range []struct {
		by         int64
		less, more string
	}{
		{g.Margin, "%s more to spare for the package that has least", "%s less to spare for the package that has least"},
		{g.Late, "%s less after windows", "%s more after windows"},
		{g.Driving, "%s less driving", "%s more driving"},
		{g.Finish, "done %s earlier", "done %s later"},
	} {
		if x.by >= 30_000 {
			say(true, x.less, risk.Span(x.by))
		} else if x.by <= -30_000 {
			say(false, x.more, risk.Span(-x.by))
		}
	}
	if g.Metres >= 50 {
		say(true, "%s less to drive", distance(g.Metres))
	} else if g.Metres <= -50 {
		say(false, "%s more to drive", distance(-g.Metres))
	}
	return gains, costs
}

// why puts the advice in words.
func (p *Proposal) why() string {
	switch p.Advice {
	case Change:
		return strings.Join(p.Gains, "; ")
	case Slight:
		return "another order is better by too little to be worth it: " + cmp.Or(strings.Join(p.Gains, "; "), "seconds")
	case Keep:
		if p.Ended == plan.Exact {
			return "the planned order is the best there is"
		}
		return "no better order than the planned one was found"
	}
	return p.Why
}

func distance(m int64) string {
	if m < 1000 {
		return fmt.Sprintf("%d m", (m+5)/10*10)
	}
	return fmt.Sprintf("%.1f km", float64(m)/1000)
}

func weight(g int64) string {
	if g < 1000 {
		return fmt.Sprintf("%d g", g)
	}
	return fmt.Sprintf("%.1f kg", float64(g)/1000)
}
