package risk

import (
	"cmp"
	"slices"

	"frostline/hub/dispatch"
	"frostline/proto/thermal"
)

// Class is how urgent a delivery is.
type Class string

// The classes, most urgent first.
const (
	Out     Class = "out"
	AtRisk  Class = "at_risk"
	Watch   Class = "watch"
	Unknown Class = "unknown"
	InTime  Class = "in_time"
	Holds   Class = "holds"
)

// rank is the place of a class among them.
func (c Class) rank() int { return slices.Index(classes, c) }

var classes = []Class{Out, AtRisk, Watch, Unknown, InTime, Holds}

// Condition is how a package fares now, as correlate says.
type Condition string

// The three conditions.
const (
	InRange    Condition = "in_range"
	OutOfRange Condition = "out_of_range"
	NotKnown   Condition = "unknown"
)

// Load is how one package of a delivery fares.
type Load struct {
	Package     string                  `json:"package"`
	Condition   Condition               `json:"condition"`
	Reason      string                  `json:"reason,omitempty"` // why it is not known
	Since       int64                   `json:"since,omitempty"`  // UTC, Unix ms
	Temperature *thermal.Temp           `json:"temperature,omitempty"`
	Taken       int64                   `json:"taken,omitempty"` // of Temperature, UTC, Unix ms
	Outlook     []thermal.Outlook       `json:"outlook,omitempty"`
	Budgets     []thermal.BudgetOutlook `json:"budgets,omitempty"`
	NoOutlook   string                  `json:"noOutlook,omitempty"` // why there is neither
}

// Margin is the time between a hand-over and what comes after or before it, ms;
// negative where it comes before.
type Margin struct {
	At  int64 `json:"ms"`
	Low int64 `json:"lowMs"`
	// High is nil where it may never come.
	High *int64 `json:"highMs,omitempty"`
}

// Delivery is one delivery under way or planned, and how it stands.
type Delivery struct {
	Route    string            `json:"route"`
	Stop     string            `json:"stop"`
	Job      string            `json:"job"`
	Shipment string            `json:"shipment"`
	Courier  string            `json:"courier"`
	Arrival  *dispatch.Arrival `json:"arrival,omitempty"` // nil: nobody knows
	HandOver int64             `json:"handOverMs"`        // how long the hand-over takes
	Held     bool              `json:"held,omitempty"`
	Class    Class             `json:"class"`
	Why      string            `json:"why"`              // in words
	Margin   *Margin           `json:"margin,omitempty"` // nil where there is none to speak of
	// Of the package that decides:
	Load *Load `json:"load,omitempty"`
	// What comes, and when: a limit or a budget; "" where nothing does.
	What     string `json:"what,omitempty"`
	Reached  int64  `json:"reached,omitempty"` // UTC, Unix ms
	Packages int    `json:"packages"`
}

// Assess says how a delivery stands by the packages in it. It sets all that
// Delivery has from Class on.
func Assess(d Delivery, loads []Load) Delivery {
	d.Packages = len(loads)
	if len(loads) == 0 {
		d.Class, d.Why = Unknown, "nobody has told which packages are in it"
		return d
	}
	for i := range loads {
		if one := assess(d, &loads[i]); i == 0 || before(one, d) {
			one.Packages = len(loads)
			d = one
		}
	}
	return d
}

// assess says how a delivery stands by one package.
func assess(d Delivery, l *Load) Delivery {
	d.Load, d.Margin, d.What, d.Reached = l, nil, "", 0
	comes, ok := next(l)
	if ok {
		d.What, d.Reached = comes.what, comes.at
		if d.Arrival != nil {
			d.Margin = comes.margin(d.Arrival, d.HandOver)
		}
	}
	switch {
	case l.Condition == OutOfRange:
		d.Class, d.Why = Out, "out of range now"
	case ok && comes.spent:
		d.Class, d.Why = Out, "nothing is left of "+comes.what
	case l.Condition != InRange:
		d.Class, d.Why, d.Margin = Unknown, l.Reason, nil
	case len(l.Outlook)+len(l.Budgets) == 0:
		d.Class, d.Why = Unknown, "in range now; no outlook: "+l.NoOutlook
	case !ok:
		d.Class, d.Why = Holds, "the readings lead to no limit"
	case d.Arrival == nil:
		d.Class, d.Why = Unknown, "nobody knows when it arrives"
	case d.Margin.At < 0:
		d.Class, d.Why = AtRisk, comes.what+" comes before the hand-over"
	case d.Margin.Low < 0:
		d.Class, d.Why = Watch, comes.what+" may come before the hand-over"
	default:
		d.Class, d.Why = InTime, comes.what+" comes after the hand-over"
	}
	return d
}

// coming is a limit, or the end of a budget, on the course of a package.
type coming struct {
	what          string
	at, low, high int64 // Unix ms; high 0: it may never be
	spent         bool
}

// next is what comes first, and false where nothing is on the course.
func next(l *Load) (first coming, ok bool) {
	take := func(c coming) {
		if !ok || cmp.Or(cmp.Compare(c.at, first.at), cmp.Compare(c.low, first.low), cmp.Compare(c.what, first.what)) < 0 {
			first, ok = c, true
		}
	}
	for _, o := range l.Outlook {
		if o.OnCourse {
			take(coming{what: "limit " + o.Limit, at: o.Reached, low: o.Earliest, high: o.Latest})
		}
	}
	for _, b := range l.Budgets {
		if b.OnCourse {
			take(coming{what: "budget " + b.Budget, at: b.Ends, low: b.Earliest, high: b.Latest, spent: b.Left == 0})
		}
	}
	return first, ok
}

// margin is the time from the hand-over to what comes.
func (c coming) margin(a *dispatch.Arrival, handOver int64) *Margin {
	m := &Margin{At: c.at - a.At - handOver, Low: c.low - a.High - handOver}
	if c.high != 0 {
		high := c.high - a.Low - handOver
		m.High = &high
	}
	return m
}

// before reports whether a stands before b in the list.
func before(a, b Delivery) bool { return compare(a, b) < 0 }

func compare(a, b Delivery) int {
	return cmp.Or(cmp.Compare(a.Class.rank(), b.Class.rank()), cmp.Compare(a.margin(), b.margin()),
		cmp.Compare(a.Route, b.Route), cmp.Compare(a.Stop, b.Stop), cmp.Compare(pkg(&a), pkg(&b)))
}

// margin is the best estimate, and where there is none, after all others.
func (d *Delivery) margin() int64 {
	if d.Margin == nil {
		return 1 << 62
	}
	return d.Margin.At
}

func pkg(d *Delivery) string {
	if d.Load == nil {
		return ""
	}
	return d.Load.Package
}

// same reports whether two deliveries say the same to whoever reads the list.
func same(a, b Delivery) bool {
	return a.Route == b.Route && a.Stop == b.Stop && a.Job == b.Job && a.Courier == b.Courier && a.Class == b.Class && a.Why == b.Why && a.Held == b.Held &&
		a.What == b.What && a.Reached == b.Reached && a.Packages == b.Packages && equal(a.Arrival, b.Arrival) && a.HandOver == b.HandOver &&
		(a.Margin == nil) == (b.Margin == nil) && (a.Margin == nil || a.Margin.At == b.Margin.At && a.Margin.Low == b.Margin.Low && equal(a.Margin.High, b.Margin.High)) &&
		(a.Load == nil) == (b.Load == nil) && (a.Load == nil || a.Load.Package == b.Load.Package && a.Load.Taken == b.Load.Taken && a.Load.Condition == b.Load.Condition && equal(a.Load.Temperature, b.Load.Temperature))
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// Sort puts deliveries in the order of the list.
func Sort(all []Delivery) { slices.SortFunc(all, compare) }
