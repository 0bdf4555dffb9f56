package uplink

import "time"

// Bounds of the backlog's window and parcels, in bytes of payload.
const (
	startWindow = 2 << 10
	minWindow   = 1 << 10
	maxWindow   = 1 << 20
	minParcel   = 512
	maxParcel   = 48 << 10
	maxBundle   = 512 // blocks
)

const (
	// queueTarget is the delay that the backlog may add to the path: what a
	// live parcel finds queued before it.
	queueTarget = 100 * time.Millisecond
	// parcelTime bounds how long one parcel occupies the link, because what
	// has been handed to TCP cannot be overtaken.
	parcelTime = 40 * time.Millisecond
	// drainEvery is how often the backlog pauses until nothing of it is
	// queued, where no sample has shown an empty path since. Without it the
	// standing queue would come to be taken for the path itself.
	drainEvery = 20 * time.Second
)

// pace decides how many bytes of backlog may be in flight, from the delay of
// acknowledgements alone: it aims at queueTarget over the base delay. Each
// round trip the window changes by the share of the target that is unused,
// scaled such that a fixed bottleneck is met in one step; on an empty path that
// is doubling. The bottleneck may be a modem or the hub: both are left room.
type pace struct {
	window int // bytes

	base    [2]time.Duration // least delay of this period and the one before
	turned  time.Time        // when the period began
	recent  [3]time.Duration // last delays; their least stands for the present queue
	samples int
	shrunk  time.Time // when the window last shrank

	clean    time.Time // when the path was last seen empty
	draining bool      // pausing to see the base delay
}

// basePeriod is how long a base delay is believed, once or twice.
const basePeriod = time.Minute

func newPace(now time.Time) *pace {
	return &pace{window: startWindow, turned: now, clean: now}
}

// baseDelay is the delay of an acknowledgement on an empty path; 0 if unknown.
func (p *pace) baseDelay() time.Duration {
	switch {
	case p.base[0] == 0:
		return p.base[1]
	case p.base[1] == 0:
		return p.base[0]
	}
	return min(p.base[0], p.base[1])
}

// acked takes the acknowledgement of a parcel of so many bytes, one of inFlight
// bytes of backlog until now. alone says that none other was in flight when it
// was sent.
func (p *pace) acked(bytes, inFlight int, delay time.Duration, alone bool, now time.Time) {
	delay = max(delay, time.Microsecond)
	if now.Sub(p.turned) > basePeriod {
		p.base, p.turned = [2]time.Duration{0, p.base[0]}, now
	}
	if p.base[0] == 0 || delay < p.base[0] {
		p.base[0] = delay
	}
	if alone {
		p.clean = now
		if p.draining {
			p.draining = false
			p.base = [2]time.Duration{delay, 0}
		}
	}
	if now.Sub(p.clean) > drainEvery {
		p.draining = true
	}
	p.recent[p.samples%len(p.recent)] = delay
	p.samples++
	least := p.recent[0]
	for _, d := range p.recent[:min(p.samples, len(p.recent))] {
		least = min(least, d)
	}
	base := p.baseDelay()
	queue := least - base
	if queue <= queueTarget {
		if inFlight < p.window/4 {
			return // too little was sent to tell what the path could take
		}
		room := float64(queueTarget-queue) / float64(queueTarget+base)
		p.window += int(float64(min(bytes, p.window)) * room)
	} else if now.Sub(p.shrunk) > least {
		p.shrunk = now
		p.window = int(float64(p.window) * max(0.5, float64(base+queueTarget)/float64(least)))
	}
	p.window = min(max(p.window, minWindow), maxWindow)
}

// lost takes the loss of a parcel; many at once count as one.
func (p *pace) lost(now time.Time) {
	if now.Sub(p.shrunk) > max(p.recent[0], p.baseDelay()) {
		p.shrunk = now
		p.window = max(p.window*3/4, minWindow)
	}
}

// silence takes a time without any acknowledgement: nothing is known any more.
func (p *pace) silence(now time.Time) {
	p.window, p.shrunk, p.draining = min(p.window, startWindow), now, false
}

// room reports whether a parcel of so many bytes may join those in flight. One
// always may: the window has no say in whether the backlog moves at all.
func (p *pace) room(inFlight, bytes int) bool {
	return inFlight == 0 || !p.draining && inFlight+bytes <= p.window
}

// parcel is the size to aim at, in bytes: a quarter of the window, and no more
// than parcelTime of the rate it makes.
func (p *pace) parcel() int {
	n := p.window / 4
	if base := p.baseDelay(); base > 0 {
		round := max(base+queueTarget/2, parcelTime)
		n = min(n, int(float64(p.window)*float64(parcelTime)/float64(round)))
	}
	return min(max(n, minParcel), maxParcel)
}
