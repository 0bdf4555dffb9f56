package propose

// Advice is what comes of comparing the planned order with the best one found.
type Advice string

// Advices.
const (
	Change Advice = "change" // the other order is better
	Slight Advice = "slight" // it is, by too little to bother anybody
	Keep   Advice = "keep"   // none better was found
	None   Advice = "none"   // it cannot be told; Why says why
)

// Proposal is an order for the open stops of a route beside the planned one.
// Times are UTC in Unix ms, lengths of time in ms.
type Proposal struct {
	Route    string     `json:"route"`
	Revision int64      `json:"revision"` // of the route that it was made for
	Made     int64      `json:"made"`
	Advice   Advice     `json:"advice"`
	Why      string     `json:"why"`             // in words
	Order    []string   `json:"order"`           // ids of all stops that have not ended, as Reorder takes them; the planned order unless Advice is change or slight
	Stops    []Proposed `json:"stops,omitempty"` // in that order; empty where Advice is none
	Gain     Gain       `json:"gain"`
	Gains    []string   `json:"gains,omitempty"`  // Gain in words: what speaks for it
	Costs    []string   `json:"costs,omitempty"`  // and what speaks against it
	Breaks   []Break    `json:"breaks,omitempty"` // that the planned order does not break, or by less
	Mends    []Break    `json:"mends,omitempty"`  // of the planned order, that this one does not break
	Remain   []Break    `json:"remain,omitempty"` // that both break

	Ways      string `json:"ways,omitempty"`      // who says how long ways are
	Estimated bool   `json:"estimated,omitempty"` // nobody looked at a map for them
	Engine    string `json:"engine,omitempty"`    // that made the order
	Ended     string `json:"ended,omitempty"`     // why its search ended: exact is the best there is
	Notes     []Note `json:"notes,omitempty"`
}

// Note is something that a person should know of how a proposal came about.
type Note struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Codes of notes beside those of packages plan and road.
const (
	NoteUnknown  = "unknown"      // a package has no deadline since its condition is not known
	NoteNoCourse = "no-outlook"   // likewise, since there is no outlook
	NoteOut      = "out-of-range" // a package is out of range now
	NoteHeld     = "held"         // a stop is held, and planned as if it were let go
	NoteLeft     = "left"         // a stop was left, and nobody told what came of it
	NotePosition = "position"     // where the courier is was not told lately
	NoteCut      = "cut-short"    // the search had no time to end
	NoteMore     = "more"         // more notes than are told
)

// Proposed is an open stop in the suggested order. What ends in Was is as planned.
type Proposed struct {
	ID        string   `json:"id"`
	Job       string   `json:"job"`
	Kind      string   `json:"kind"`
	Shipment  string   `json:"shipment"`
	Fixed     bool     `json:"fixed,omitempty"` // it may not be moved
	Place     int      `json:"place"`           // among the open stops, from 1
	PlaceWas  int      `json:"placeWas"`
	Arrive    int64    `json:"arrive"`
	ArriveWas int64    `json:"arriveWas"`
	Late      int64    `json:"late,omitempty"` // after its window
	LateWas   int64    `json:"lateWas,omitempty"`
	Margins   []Slack  `json:"margins,omitempty"`
	Reasons   []Reason `json:"reasons,omitempty"`
}

// Slack is what is left for a package at the end of its hand-over until the
// earliest instant at which what comes may be reached; negative after it.
type Slack struct {
	Package string `json:"package"`
	What    string `json:"what"` // limit or budget
	At      int64  `json:"at"`   // that instant
	Left    int64  `json:"left"`
	LeftWas int64  `json:"leftWas"`
}

// Reason is one thing that speaks for what happens to a stop, or against it.
// Codes are those of package plan.
type Reason struct {
	Code      string `json:"code"`
	Good      bool   `json:"good"`
	Package   string `json:"package,omitempty"`
	Was       int64  `json:"was,omitempty"`
	Is        int64  `json:"is,omitempty"`
	MetresWas int64  `json:"metresWas,omitempty"`
	Metres    int64  `json:"metres,omitempty"`
	Says      string `json:"says"` // in words
}

// Break is one thing that an order does not keep. Kinds are those of package
// plan.
type Break struct {
	Kind    string `json:"kind"`
	Stop    string `json:"stop,omitempty"` // "": it is of the courier
	Package string `json:"package,omitempty"`
	By      int64  `json:"by,omitempty"`   // of limit, window
	Over    int64  `json:"over,omitempty"` // g of capacity, m of range
	Says    string `json:"says"`           // in words
}

// Gain is what the suggested order has less than the planned one, or more of
// what is good: positive is better.
type Gain struct {
	Saved   int   `json:"saved"`   // packages within their limits
	Margin  int64 `json:"margin"`  // of the package that has least
	Late    int64 `json:"late"`    // after windows, all stops together
	Metres  int64 `json:"metres"`  // driven
	Driving int64 `json:"driving"` // time
	Finish  int64 `json:"finish"`  // done earlier
}

// Differences that nobody re-sequences a route for.
const (
	slightTime   = 2 * 60_000 // ms
	slightMetres = 500
)

// advise compares. better is whether the planner's objective says so.
func advise(better bool, g Gain, mends, breaks []Break) Advice {
	switch {
	case !better:
		return Keep
	case len(mends)+len(breaks) > 0 || g.Saved != 0 || g.Late >= slightTime || g.Margin >= slightTime || g.Driving >= slightTime || g.Metres >= slightMetres:
		return Change
	}
	return Slight
}
