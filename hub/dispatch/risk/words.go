package risk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"frostline/proto/thermal"
)

// Words are a class as people read it.
func (c Class) Words() string {
	return map[Class]string{
		Out: "out of range", AtRisk: "at risk", Watch: "watch", Unknown: "unknown", InTime: "in time", Holds: "holds",
	}[c]
}

// Says puts how a delivery stands at an instant in words: what comes and when,
// when it arrives, and the margin, each with its interval; or what is not known,
// and since when. It is the only wording of it that there is.
func (d *Delivery) Says(now int64) string {
	parts := []string{d.Why}
	switch {
	case d.Load == nil:
	case d.Class == Unknown && d.Load.Condition != InRange && d.Load.Since != 0:
		parts[0] = cmp.Or(d.Why, "nobody vouches for it") + ", since " + Clock(d.Load.Since, now)
	case d.Class == Out && d.Load.Condition == OutOfRange && d.Load.Since != 0:
		parts[0] += ", since " + Clock(d.Load.Since, now)
	}
	if parts[0] == "" {
		parts[0] = "nobody vouches for it"
	}
	if s := d.arrives(now); s != parts[0] {
		parts = append(parts, s)
	}
	if s := d.comes(now); s != "" && d.Margin != nil && d.Class != Out {
		parts = []string{s + ", " + d.arrives(now), d.Margin.Says()} // which is why
	} else if s != "" {
		parts = slices.Insert(parts, 1, s)
	}
	if d.Held {
		parts = append(parts, "held: not to be delivered until somebody lets it go")
	}
	return strings.Join(parts, "; ")
}

// comes is what is reached next.
func (d *Delivery) comes(now int64) string {
	if d.What == "" || d.Load == nil {
		return ""
	}
	c, ok := next(d.Load)
	if !ok || c.spent {
		return ""
	}
	what := c.what + " ends"
	for _, o := range d.Load.Outlook {
		if "limit "+o.Limit == c.what {
			what = Degrees(o.At)
		}
	}
	if c.high == 0 {
		return what + " in " + Span(c.low-now) + " or later, or never"
	}
	return what + " in " + between(c.low-now, c.high-now)
}

// arrives is when the courier comes.
func (d *Delivery) arrives(now int64) string {
	switch a := d.Arrival; {
	case a == nil:
		return "nobody knows when it arrives"
	case a.High < now:
		return "was to arrive " + Span(now-a.At) + " ago"
	default:
		return "arrives in " + between(a.Low-now, a.High-now)
	}
}

// Says puts a margin in words, with its interval.
func (m *Margin) Says() string {
	at := Span(m.At) + " to spare"
	if m.At < 0 {
		at = Span(-m.At) + " too late"
	}
	high := "no end"
	if m.High != nil {
		high = signed(*m.High)
	}
	return fmt.Sprintf("%s (%s to %s)", at, signed(m.Low), high)
}

func signed(ms int64) string {
	if ms < 0 {
		return "−" + Span(-ms)
	}
	return "+" + Span(ms)
}

const (
	minuteMs = int64(60_000)
	dayMs    = 24 * 60 * minuteMs
)

// Span is a length of time in minutes, or in hours and minutes where it is
// long: nobody estimates seconds. What is negative is none.
func Span(ms int64) string {
	m := (max(0, ms) + minuteMs/2) / minuteMs
	switch {
	case m < 120:
		return fmt.Sprintf("%d min", m)
	case m < 48*60 && m%60 == 0:
		return fmt.Sprintf("%d h", m/60)
	case m < 48*60:
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	}
	return fmt.Sprintf("%d d %d h", m/(24*60), m%(24*60)/60)
}

// between is an interval of times ahead.
func between(low, high int64) string {
	l, h := Span(low), Span(high)
	if l == h {
		return l
	}
	if high < 120*minuteMs-minuteMs/2 {
		return strings.TrimSuffix(l, " min") + "–" + h
	}
	if m := (low + minuteMs/2) / minuteMs; m > 60 && m < 120 {
		l = fmt.Sprintf("1 h %d min", m-60)
	}
	return l + " – " + h
}

// Degrees is a temperature as people read it.
func Degrees(t thermal.Temp) string { return strings.Replace(t.String(), "-", "−", 1) + " °C" }

// Clock is a time in UTC as people read it, with the date where that is not
// within half a day of now.
func Clock(at, now int64) string {
	layout := "15:04 UTC"
	if max(now-at, at-now) > dayMs/2 {
		layout = "2 Jan 15:04 UTC"
	}
	return time.UnixMilli(at).UTC().Format(layout)
}
