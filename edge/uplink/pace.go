package uplink

import "time"

// Bounds of the backlog's window and parcels, in bytes of payload.
const (
	startWindow = 1 << 10
	minWindow   = 1 << 10
	maxWindow   = 1 << 20
	minParcel   = 512
	maxParcel   = 48 << 10
	maxBundle   = 512 // blocks
)

const (
	// queueTarget is the delay that the backlog aims to add to the path. What a
	// live parcel finds queued before it is that and about a parcel.
	queueTarget = 60 * time.Millisecond
	// parcelTime bounds how long one parcel occupies the link, because what
	// has been handed to TCP cannot be overtaken.
	parcelTime = 40 * time.Millisecond
	// drainEvery is how often the backlog pauses until nothing of it is
	// queued, where no sample has shown an empty path since. Without it the
	// standing queue would come to be taken for the path itself.
	drainEvery = 20 * time.Second
	// drainParcels are then sent one at a time, the later ones small: the
	// first may have been packed before.
	drainParcels = 2
	// spread is by how much parcels may come faster than the window's rate.
	spread = 1.25
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
	queued  bool      // a queue has been seen: the start is over

	clean    time.Time // when the path was last seen empty
	draining int       // parcels still to be sent alone to see the base delay
	next     time.Time // no parcel before, so that a window is not sent in one burst
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
		if p.draining > 0 {
			if p.draining--; p.draining == 0 {
				p.base = [2]time.Duration{delay, 0}
			}
			return
		}
	}
	if now.Sub(p.clean) > drainEvery && p.draining == 0 {
		p.draining = drainParcels
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
		if p.queued = p.queued || queue > queueTarget/8; !p.queued {
			room = max(room, 0.5) // a long path is not found out in small steps
		}
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
	p.window, p.shrunk, p.draining, p.queued = min(p.window, startWindow), now, 0, false
}

// room reports whether a parcel of so many bytes may join those in flight. One
// always may: the window has no say in whether the backlog moves at all.
func (p *pace) room(inFlight, bytes int, now time.Time) bool {
	return inFlight == 0 || p.draining == 0 && inFlight+bytes <= p.window && p.early(now) == 0
}

// early is how long a parcel has yet to wait so that the window is spread over
// a round trip. What is less than a millisecond counts for nothing.
func (p *pace) early(now time.Time) time.Duration {
	if d := p.next.Sub(now); d >= time.Millisecond {
		return d
	}
	return 0
}

// launched notes the sending of so many bytes.
func (p *pace) launched(bytes int, now time.Time) {
	if p.samples == 0 {
		return
	}
	round := p.recent[(p.samples-1)%len(p.recent)]
	p.next = latest(p.next, now).Add(time.Duration(float64(round) * float64(bytes) / float64(p.window) / spread))
}

// parcel is the size to aim at, in bytes: a quarter of the window, and no more
// than parcelTime of the rate it makes.
func (p *pace) parcel() int {
	if p.draining > 0 {
		return minParcel
	}
	n := p.window / 4
	if base := p.baseDelay(); base > 0 {
		round := max(base+queueTarget/2, parcelTime)
		n = min(n, int(float64(p.window)*float64(parcelTime)/float64(round)))
	}
	return min(max(n, minParcel), maxParcel)
}

// latest is the later of two times.
func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
