package repository

import (
	"errors"
	"math"
)

var (
	// ErrTooComplex is wrapped where a query would take too long or too much.
	ErrTooComplex = errors.New("query is too complex")
	// ErrTooMany is wrapped where more events match than Query.Most.
	ErrTooMany = errors.New("more events match than maxEventCount allows")
)

// Query says which events are wanted. All of it has to hold. The zero value
// wants all.
type Query struct {
	Filters []Filter
	IDs     [][]string // of events: one of each list
	// Bounds in Unix ms: from, inclusive, and before, exclusive. Nil for none.
	FromTime, BeforeTime     *int64 // event time
	FromRecord, BeforeRecord *int64 // record time
	// AfterSeq leaves out events up to this one; UptoSeq, where it is not 0,
	// those after it.
	AfterSeq, UptoSeq int64
	ByRecord          bool // order by record time, not event time
	Descending        bool
	Limit             int64 // eventCountLimit; 0 for none
	Most              int64 // maxEventCount; 0 for none
}

// Filter is one condition: any of its terms, prefixes or intervals.
type Filter struct {
	Name string // of the parameter, for messages
	// Kind and Values are terms. Roles are those that count; none means all.
	Kind   Kind
	Values []string
	Roles  []Role
	// Prefixes are beginnings of values, of which there may be a thousand.
	Prefixes []string
	// Within is set where all that is part of the values counts too.
	Within bool
	// Field and Intervals are numbers.
	Field     string
	Intervals []Interval
}

// Interval is from Low to High, both inclusive; see Least and Greatest.
type Interval struct{ Low, High float64 }

// Comparison gives the interval of the numbers that compare to v so. What
// differs from v by no more than slack is equal to it: a value that was
// converted from another unit is not exact in its last digits.
type Comparison func(v, slack float64) Interval

// Equal, Greater, AtLeast, Less and AtMost are comparisons.
func Equal(v, slack float64) Interval { return Interval{v - slack, v + slack} }
func Greater(v, slack float64) Interval {
	return Interval{math.Nextafter(v+slack, math.Inf(1)), math.MaxFloat64}
}
func AtLeast(v, slack float64) Interval { return Interval{v - slack, math.MaxFloat64} }
func Less(v, slack float64) Interval {
	return Interval{-math.MaxFloat64, math.Nextafter(v-slack, math.Inf(-1))}
}
func AtMost(v, slack float64) Interval { return Interval{-math.MaxFloat64, v + slack} }

// Position is where a page ends. The next begins after it.
type Position struct {
	Key      int64 // event time, or seq where the order is by record time
	Seq      int64
	Snapshot int64 // seq of the last event there was at the first page
	Given    int64 // events on the pages so far
}

// Row is an event as it is stored.
type Row struct {
	Seq      int64
	ID       string
	Time     int64 // event time, Unix ms
	Recorded int64 // record time, Unix ms
	Document []byte
}
