package journal

import (
	"errors"
	"fmt"
	"time"

	"frostline/proto/block"
	"frostline/proto/pb"
)

// held is what waits in memory for a disk that takes nothing, oldest first.
// It is encoded as blocks are, because hours of readings have to fit. Guarded
// by Journal.mu; only a commit goroutine takes from it.
type held struct {
	drafts   []draft
	bytes    int
	readings uint64
	blocks   int
	// What had to be dropped. Of events only the number is, in the end: they
	// are saved first.
	gap        *pb.Gap // readings that have not been declared lost
	saved      []draft // events of dropped drafts
	savedBytes int
	lostEvents int
}

// draft is a block without number.
type draft struct {
	raw      []byte
	readings uint64
	from, to int64 // ticks, ms; meaningless without readings
}

func (d *draft) size() int { return len(d.raw) + 64 }

// outage is a time during which the disk takes nothing.
type outage struct {
	since time.Time
	at    int64 // boottime, ms
	cause error
}

func (h *held) any() bool { return len(h.drafts)+len(h.saved) > 0 || h.gap != nil }

func (h *held) push(d draft) {
	h.drafts = append(h.drafts, d)
	h.bytes += d.size()
	h.readings += d.readings
	h.blocks++
}

// next takes the oldest draft, or the events of older ones.
func (h *held) next() draft {
	if len(h.saved) > 0 {
		d := h.saved[0]
		h.saved = h.saved[1:]
		h.savedBytes -= d.size()
		return d
	}
	return h.pop()
}

// pop takes the oldest draft.
func (h *held) pop() draft {
	d := h.drafts[0]
	h.drafts[0] = draft{}
	if h.drafts = h.drafts[1:]; len(h.drafts) == 0 {
		h.drafts = nil
	}
	h.bytes -= d.size()
	h.readings -= d.readings
	h.blocks--
	return d
}

// unpop puts drafts that were popped back in front.
func (h *held) unpop(drafts []draft) {
	for _, d := range drafts {
		h.bytes += d.size()
		h.readings += d.readings
		h.blocks++
	}
	h.drafts = append(drafts, h.drafts...)
}

// lose adds to what has to be declared lost.
func (h *held) lose(g *pb.Gap) {
	switch {
	case h.gap == nil || h.gap.Readings == 0:
		h.gap = g
	case g.Readings > 0:
		h.gap.Readings += g.Readings
		h.gap.FromMs, h.gap.ToMs = min(h.gap.FromMs, g.FromMs), max(h.gap.ToMs, g.ToMs)
	}
}

// savedEvents bounds the events of dropped drafts, in bytes.
const savedEvents = 64 << 10

// drop gives up the readings of the oldest draft.
func (h *held) drop() {
	d := h.pop()
	if d.readings > 0 {
		h.lose(&pb.Gap{Readings: d.readings, FromMs: d.from, ToMs: d.to, Reason: overflow})
	}
	b, err := block.Decode(d.raw)
	if err != nil || len(b.Events) == 0 {
		return
	}
	if h.savedBytes < savedEvents {
		b.Readings = nil
		if raw, err := b.AppendTo(nil); err == nil {
			h.saved = append(h.saved, draft{raw: raw})
			h.savedBytes += len(raw) + 64
			return
		}
	}
	h.lostEvents += len(b.Events)
	if h.gap == nil {
		h.gap = &pb.Gap{Reason: overflow}
	}
}

// declaration makes the Gap that says what was dropped in a boot.
func (h *held) declaration(boot uint32) *pb.Gap {
	g := &pb.Gap{Readings: h.gap.Readings, FromMs: h.gap.FromMs, ToMs: h.gap.ToMs, Boot: boot, Reason: h.gap.Reason}
	if h.lostEvents > 0 {
		g.Reason += fmt.Sprintf("; so were %d events", h.lostEvents)
	}
	return g
}

const overflow = "the disk took nothing for so long that the memory for readings was full"

// hold puts a group into memory and says so to those who wait for it.
func (j *Journal) hold(group []*request, cause error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range group {
		if err := j.holdOne(r); err != nil {
			r.finish(Kept{}, err)
			continue
		}
		r.finish(Kept{}, fmt.Errorf("%w: %w", ErrHeld, cause))
	}
	j.bound()
}

// holdOne encodes a request into the held queue. j.mu is held.
func (j *Journal) holdOne(r *request) error {
	sortByTick(r.readings)
	unique := r.readings[:0]
	for i, x := range r.readings {
		if i > 0 && x.Tick == r.readings[i-1].Tick && x.Series == r.readings[i-1].Series {
			j.count.repeats++
			continue
		}
		unique = append(unique, x)
	}
	var drafts []draft
	for _, b := range split(unique, r.events, 128) {
		b.Number = 1
		raw, err := b.AppendTo(nil)
		if err != nil {
			return fmt.Errorf("%w: %w", errPlan, err)
		}
		d := draft{raw: raw, readings: uint64(len(b.Readings))}
		for i, x := range b.Readings {
			if i == 0 {
				d.from, d.to = x.Tick, x.Tick
			}
			d.from, d.to = min(d.from, x.Tick), max(d.to, x.Tick)
		}
		drafts = append(drafts, d)
	}
	for _, d := range drafts {
		j.held.push(d)
	}
	return nil
}

// bound drops the oldest of what is in memory beyond HeldBytes. j.mu is held.
func (j *Journal) bound() {
	dropped := false
	for j.held.bytes+j.queued > j.o.HeldBytes && len(j.held.drafts) > 0 {
		j.held.drop()
		dropped = true
	}
	for j.queued > j.o.HeldBytes && len(j.queue) > 1 {
		r := j.queue[0]
		j.queue = j.queue[1:]
		j.queued -= r.size()
		if n := len(r.readings); n > 0 || len(r.events) > 0 {
			g := &pb.Gap{Readings: uint64(n), Reason: overflow, FromMs: maxTick}
			for _, x := range r.readings {
				g.FromMs, g.ToMs = min(g.FromMs, x.Tick), max(g.ToMs, x.Tick)
			}
			j.held.lose(g)
		}
		r.finish(Kept{}, ErrDropped)
		dropped = true
	}
	if dropped && !j.count.overflowing {
		j.log.Error("memory for readings is full: the oldest are dropped and will be declared lost", "limit", j.o.HeldBytes)
	}
	j.count.overflowing = j.count.overflowing || dropped
}

// drainReadings is how many readings of the held queue are kept at a time.
const drainReadings = 4096

// drain keeps what is held, oldest first. j.disk is held.
func (j *Journal) drain() error {
	for {
		j.mu.Lock()
		if !j.held.any() {
			j.mu.Unlock()
			return nil
		}
		r, drafts := &request{}, []draft(nil)
		for len(j.held.drafts)+len(j.held.saved) > 0 && len(r.readings) < drainReadings && len(r.events) < groupEvents {
			d := j.held.next()
			drafts = append(drafts, d)
			b, err := block.Decode(d.raw)
			if err != nil { // our own encoding, in memory
				j.refuseLocked(d.readings, err)
				drafts = drafts[:len(drafts)-1]
				continue
			}
			r.readings = append(r.readings, b.Readings...)
			r.events = append(r.events, b.Events...)
		}
		j.mu.Unlock()
		_, err := j.keep([]*request{r}, false)
		if errors.Is(err, errPlan) {
			j.refused([]*request{r}, err)
			continue
		}
		if err != nil {
			j.mu.Lock()
			j.held.unpop(drafts)
			j.mu.Unlock()
			return err
		}
	}
}

// refused declares lost what cannot be made into blocks.
func (j *Journal) refused(group []*request, cause error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range group {
		j.refuseLocked(uint64(len(r.readings)), cause)
	}
}

func (j *Journal) refuseLocked(readings uint64, cause error) {
	if readings == 0 {
		return
	}
	j.log.Error("readings cannot be kept", "readings", readings, "error", cause)
	j.notices = append(j.notices, notice{event: &pb.Event{AtMs: j.o.Boottime(), Kind: &pb.Event_Gap{
		Gap: &pb.Gap{Readings: readings, Boot: j.boot, Reason: text("%v", cause)}}}})
}

// failed notes that the disk takes nothing. It is logged once, and said in the
// chain when that is possible again.
func (j *Journal) failed(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.retry = time.Now().Add(j.o.RetryWait)
	if j.outage != nil {
		j.outage.cause = err
		return
	}
	at := j.o.Boottime()
	j.outage = &outage{since: time.Now(), at: at, cause: err}
	j.fault("the disk takes nothing since %d ms after boot, readings are held in memory: %v", at, err)
}

// cause is why the disk takes nothing. j.mu is held.
func (j *Journal) cause() error {
	if j.outage != nil {
		return j.outage.cause
	}
	return errBusy
}

// recovered notes that the disk takes readings again.
func (j *Journal) recovered() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.outage == nil {
		return
	}
	j.log.Info("the disk takes readings again; what was held in memory is kept", "after", time.Since(j.outage.since).Round(time.Millisecond))
	j.outage, j.count.overflowing = nil, false
	j.count.outages++
}
