package uplink

import "time"

// roundtrip estimates how long a parcel's acknowledgement takes on one lane
// (RFC 6298): a smoothed delay and its mean deviation. Only parcels whose
// blocks were sent once count, because of a second one it is not known which
// of the two was answered.
type roundtrip struct {
	smoothed, deviation time.Duration // both 0 before the first sample
}

func (r *roundtrip) sample(d time.Duration) {
	d = max(d, time.Microsecond)
	if r.smoothed == 0 {
		r.smoothed, r.deviation = d, d/2
		return
	}
	r.deviation += ((r.smoothed - d).Abs() - r.deviation) / 4
	r.smoothed += (d - r.smoothed) / 8
}

// timeout is how long to wait for an acknowledgement before the parcel counts
// as lost, after so many timeouts in a row.
func (r *roundtrip) timeout(t Timing, row int) time.Duration {
	d := 3 * t.MinResend // nothing is known yet
	if r.smoothed > 0 {
		d = max(r.smoothed+4*r.deviation, t.MinResend)
	}
	return min(d<<min(row, 16), t.MaxResend)
}

// reorder is how long after its sending a parcel may be overtaken by a later
// one before it counts as lost.
func (r *roundtrip) reorder() time.Duration {
	return r.smoothed + r.smoothed/2 + 10*time.Millisecond
}
