package thermal

// Sample is a reading at an instant.
type Sample struct {
	At    int64 `json:"at"` // UTC, Unix ms
	Value Temp  `json:"value"`
}

// Stretch is a span in which one source vouches. The temperature between two
// samples is the straight line between them. Samples ascend strictly by At;
// the first is at or before From and the last at or after To, so that the
// temperature is known at both ends. Where that does not hold, or two samples
// are further apart than the profile's LongestGap, the part that they do not
// cover is unmonitored. A stretch that ends where the next begins hands over to
// it: an event goes on if the next temperature is beyond the limit too.
type Stretch struct {
	From    int64    `json:"from"`
	To      int64    `json:"to"`
	Source  string   `json:"source"` // of what vouches, such as "sensor/van-1/cargo-front in compartment/van-1-a"
	Samples []Sample `json:"samples"`
}

// Unmonitored is a span in which nothing vouches.
type Unmonitored struct {
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Reason string `json:"reason"`
}

// History is what is known of a package's temperature from From to To: together
// its stretches and unmonitored spans cover it without overlap, in order.
type History struct {
	From        int64         `json:"from"`
	To          int64         `json:"to"`
	Stretches   []Stretch     `json:"stretches"`
	Unmonitored []Unmonitored `json:"unmonitored"`
}
