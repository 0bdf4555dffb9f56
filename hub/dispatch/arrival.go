package dispatch

// Arrival is an estimate of when a courier comes to a stop. It is no evidence.
type Arrival struct {
	At    int64  `json:"at"`    // UTC, Unix ms
	Low   int64  `json:"low"`   // the interval
	High  int64  `json:"high"`  // likewise
	Basis string `json:"basis"` // what it rests on, in words
}

// Planned is the arrival that the plan has for a stop; false where it has none.
func Planned(v Visit) (Arrival, bool) {
	return Arrival{v.ETA, v.ETA, v.ETA, "as planned"}, v.ETA != 0
}
