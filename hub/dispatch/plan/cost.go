package plan

import "cmp"

// Cost is what an order costs, worst first: of two orders the better is the one
// whose first differing field is smaller. Warm and Late are one rank, in which
// a second too warm counts as ten late.
type Cost struct {
	Unserved int   `json:"unserved"` // stops that no vehicle serves
	Excess   int64 `json:"excess"`   // broken limits of vehicles and of precedence, in thousandths (of a capacity, of a range; 1000 for each pair or binding broken)
	Spoiled  int64 `json:"spoiled"`  // loads past their limit at the end of hand-over, by weight
	Warm     int64 `json:"warm"`     // seconds past limits, by weight, each at most a day
	Late     int64 `json:"late"`     // seconds after windows and shifts, by weight, each at most ten days
	Travel   int64 `json:"travel"`   // by Rates
}

const (
	perWarm   = 10
	maxWarm   = 86400
	maxLate   = 864000
	unserved  = 1 << 40
	spoiled   = 1 << 40 // more than all Warm and Late of a problem together
	maxExcess = 1 << 29 // of each limit of a route
)

// Compare is negative where c is better than d, zero where they are worth the
// same, and positive where c is worse.
func (c Cost) Compare(d Cost) int { return c.price().compare(d.price()) }

func (c Cost) price() price {
	return price{int64(c.Unserved)*unserved + c.Excess, c.Spoiled*spoiled + perWarm*c.Warm + c.Late, c.Travel}
}

// price is a Cost in the three words that the search adds and compares.
type price struct{ hard, soft, travel int64 }

func (a price) compare(b price) int {
	if a.hard != b.hard {
		return cmp.Compare(a.hard, b.hard)
	}
	if a.soft != b.soft {
		return cmp.Compare(a.soft, b.soft)
	}
	return cmp.Compare(a.travel, b.travel)
}

func (a price) less(b price) bool {
	if a.hard != b.hard {
		return a.hard < b.hard
	}
	if a.soft != b.soft {
		return a.soft < b.soft
	}
	return a.travel < b.travel
}

func (a price) plus(b price) price {
	return price{a.hard + b.hard, a.soft + b.soft, a.travel + b.travel}
}

func (a price) minus(b price) price {
	return price{a.hard - b.hard, a.soft - b.soft, a.travel - b.travel}
}
