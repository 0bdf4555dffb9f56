package plan

import (
	"cmp"
	"slices"
	"time"
)

// Proposal is an order beside the present one: what would be gained, and what
// it would break.
type Proposal struct {
	Given   *Plan    `json:"given,omitempty"` // nil where there was none; the rest of the comparison is then empty
	Plan    *Plan    `json:"plan"`
	Gain    Gain     `json:"gain"`
	Breaks  []Break  `json:"breaks"`  // kept by Given and broken by Plan, or broken by more
	Mends   []Break  `json:"mends"`   // broken by Given and kept by Plan, or broken by less; as Given has them
	Changes []Change `json:"changes"` // of stops, in the order in which Plan serves them

	Engine     string `json:"engine"`
	Ended      string `json:"ended"` // Exact, Iterations, Time, Context, or what an engine says
	Iterations int    `json:"iterations"`
	Seed       uint64 `json:"seed"`
	Notes      []Note `json:"notes,omitempty"` // such as another engine's failure
}

// Note is something that a person should know of how a proposal came about.
type Note struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Same says that the given order is the best that was found.
func (p *Proposal) Same() bool { return p.Given != nil && len(p.Changes) == 0 }

// Gain is what the given order has more than the proposed one: positive is
// better.
type Gain struct {
	Served   int           `json:"served"` // more stops served
	Metres   int64         `json:"metres"`
	Driving  time.Duration `json:"driving"`
	Finish   time.Duration `json:"finish"` // done earlier
	Late     time.Duration `json:"late"`   // less after windows, all stops together
	Saved    int           `json:"saved"`  // more loads within their limits
	Margin   time.Duration `json:"margin"` // more left of the least margin of a load; 0 where there are no loads
	Vehicles int           `json:"vehicles"`
}

// Codes of Reason.
const (
	ReasonServed       = "served"        // no vehicle served it
	ReasonUnserved     = "unserved"      // no vehicle serves it any more
	ReasonVehicle      = "vehicle"       // another serves it
	ReasonLimitKept    = "limit-kept"    // a load was past its limit
	ReasonLimitBroken  = "limit-broken"  // a load gets past its limit
	ReasonMarginMore   = "margin-more"   // a load keeps more of its margin
	ReasonMarginLess   = "margin-less"   // a load keeps less, within its limit
	ReasonWindowKept   = "window-kept"   // it was late
	ReasonWindowBroken = "window-broken" // it becomes late
	ReasonLateLess     = "late-less"
	ReasonLateMore     = "late-more"
	ReasonEarlier      = "earlier"
	ReasonLater        = "later"       // Was is what it could wait in the given order
	ReasonShorter      = "detour-less" // metres
	ReasonLonger       = "detour-more" // metres
)

// Change is what happens to one stop.
type Change struct {
	Stop    int           `json:"stop"`
	From    [2]int        `json:"from"`  // vehicle and position; -1, -1: none
	To      [2]int        `json:"to"`    // likewise
	Later   time.Duration `json:"later"` // service begins by so much later; negative: earlier
	Reasons []Reason      `json:"reasons"`
}

// Reason is one thing that speaks for a change or against it: a margin, a
// lateness, a spare or a detour, before and after.
type Reason struct {
	Code  string        `json:"code"`
	Good  bool          `json:"good"`
	Load  string        `json:"load,omitempty"`
	Was   time.Duration `json:"was,omitempty"`
	Is    time.Duration `json:"is,omitempty"`
	WasTo int64         `json:"wasMetres,omitempty"`
	IsTo  int64         `json:"isMetres,omitempty"`
}

func (m *model) compare(a, b *Plan) *Proposal {
	q := &Proposal{Given: a, Plan: b, Changes: []Change{}, Gain: Gain{
		Served: a.Cost.Unserved - b.Cost.Unserved, Metres: a.Metres - b.Metres, Driving: a.Driving - b.Driving,
		Finish: a.Finish.Sub(b.Finish), Vehicles: a.Vehicles - b.Vehicles,
		Late: lateness(a) - lateness(b), Saved: kinds(a, BreakLimit) - kinds(b, BreakLimit),
	}}
	if was, any := least(a); any {
		if is, any := least(b); any {
			q.Gain.Margin = is - was
		}
	}
	q.Breaks, q.Mends = worse(a.Breaks, b.Breaks), worse(b.Breaks, a.Breaks)
	for i := range m.n {
		if c := change(i, &a.Visits[i], &b.Visits[i]); len(c.Reasons) > 0 || c.From != c.To {
			q.Changes = append(q.Changes, c)
		}
	}
	slices.SortStableFunc(q.Changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(x.To[0], y.To[0]), cmp.Compare(x.To[1], y.To[1]))
	})
	return q
}

func lateness(p *Plan) (sum time.Duration) {
	for _, v := range p.Visits {
		sum += v.Late
	}
	return sum
}

func kinds(p *Plan, kind string) (n int) {
	for _, b := range p.Breaks {
		if b.Kind == kind {
			n++
		}
	}
	return n
}

func least(p *Plan) (left time.Duration, any bool) {
	for _, v := range p.Visits {
		for _, l := range v.Loads {
			if !any || l.Left < left {
				left, any = l.Left, true
			}
		}
	}
	return left, any
}

// worse lists what of b is not in a, or is there by less.
func worse(a, b []Break) []Break {
	more := []Break{}
	for _, x := range b {
		had := slices.ContainsFunc(a, func(y Break) bool {
			// What a vehicle breaks is its own; a stop may be with another.
			return x.Kind == y.Kind && x.Stop == y.Stop && x.Load == y.Load && (x.Stop >= 0 || x.Vehicle == y.Vehicle) &&
				x.By <= y.By && x.Over <= y.Over
		})
		if !had {
			more = append(more, x)
		}
	}
	return more
}

func change(i int, a, b *Visit) Change {
	c := Change{Stop: i, From: [2]int{a.Vehicle, a.Position}, To: [2]int{b.Vehicle, b.Position}, Reasons: []Reason{}}
	add := func(r Reason) { c.Reasons = append(c.Reasons, r) }
	switch {
	case a.Vehicle < 0 && b.Vehicle < 0:
		return c
	case a.Vehicle < 0:
		add(Reason{Code: ReasonServed, Good: true})
		return c
	case b.Vehicle < 0:
		add(Reason{Code: ReasonUnserved})
		return c
	case a.Vehicle != b.Vehicle:
		add(Reason{Code: ReasonVehicle, Good: true})
	}
	c.Later = b.Begin.Sub(a.Begin)
	for k, was := range a.Loads {
		is := b.Loads[k]
		r := Reason{Load: was.Load, Was: was.Left, Is: is.Left, Good: is.Left > was.Left}
		switch {
		case was.Left == is.Left:
			continue
		case was.Left < 0 && is.Left >= 0:
			r.Code = ReasonLimitKept
		case was.Left >= 0 && is.Left < 0:
			r.Code = ReasonLimitBroken
		case r.Good:
			r.Code = ReasonMarginMore
		default:
			r.Code = ReasonMarginLess
		}
		add(r)
	}
	switch was, is := a.Late, b.Late; {
	case was > 0 && is == 0:
		add(Reason{Code: ReasonWindowKept, Good: true, Was: was})
	case was == 0 && is > 0:
		add(Reason{Code: ReasonWindowBroken, Is: is})
	case was > is:
		add(Reason{Code: ReasonLateLess, Good: true, Was: was, Is: is})
	case was < is:
		add(Reason{Code: ReasonLateMore, Was: was, Is: is})
	case c.Later < 0:
		add(Reason{Code: ReasonEarlier, Good: true})
	case c.Later > 0:
		add(Reason{Code: ReasonLater, Was: a.Spare, Is: b.Spare})
	}
	if c.From != c.To && a.Detour > b.Detour {
		add(Reason{Code: ReasonShorter, Good: true, WasTo: a.Detour, IsTo: b.Detour})
	} else if c.From != c.To && a.Detour < b.Detour {
		add(Reason{Code: ReasonLonger, WasTo: a.Detour, IsTo: b.Detour})
	}
	return c
}
