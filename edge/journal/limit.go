package journal

import (
	"fmt"
	"slices"
	"time"
)

// Shares of MaxBytes at which a warning is due, percent.
var warnAt = [...]int{95, 85, 70}

// limit warns of a journal that gets full, and drops the oldest segments of one
// that is: those kept though acknowledged first, and what is pending only then,
// declared in the chain before it is deleted, together with what it declared
// itself. j.disk is held.
func (j *Journal) limit() {
	used := j.bytes()
	j.warn()
	if j.active != nil { // it may grow before it is looked at again
		used += max(j.o.SegmentBytes-j.active.size, 0)
	}
	if used <= j.o.MaxBytes {
		return
	}
	defer func() {
		j.closeEpochs()
		j.saveState()
	}()
	patience := time.Now().Add(thinPatience)
	for used > j.o.MaxBytes {
		j.mu.Lock()
		e, s := j.next()
		te, ts := j.thinnable()
		settled := s != nil && e.settledWhole(s)
		j.mu.Unlock()
		switch {
		case !settled && ts != nil && time.Now().Before(patience):
			before := diskUse(ts.path)
			ts.thinned = true
			smaller, err := j.thin(te, ts)
			if err != nil {
				ts.thinned = false
				return // it is tried again
			}
			if smaller {
				used -= max(before-diskUse(ts.path), 0)
			}
			continue
		case !settled && ts != nil && j.bytes()+limitSlack < j.o.MaxBytes:
			return // there is time to look further before the active segment grows
		case s == nil || !j.giveUp(e, s, settled, &used):
			return
		}
	}
}

// limitSlack is more than a journal grows between two looks at its limit, bytes.
const limitSlack = 1 << 20

// giveUp drops a segment, after its loss is declared where it is not settled.
// It reports whether the file is gone. j.disk is held.
func (j *Journal) giveUp(e *epoch, s *segment, settled bool, used *int64) bool {
	if !settled {
		j.mu.Lock()
		end := e.end(s)
		blocks := e.settled.without(s.first, end)
		j.mu.Unlock()
		said, err := s.stated(blocks)
		reason := "dropped because the journal was full"
		switch {
		case err != nil:
			reason += fmt.Sprintf("; what events they had is not known: %v", err)
		case said.others > 0:
			reason += fmt.Sprintf("; with them %d events", said.others)
		}
		j.declare(e, s.first, end, reason)
		j.restate(e, said)
		if _, err := j.keep([]*request{{}}, false); err != nil {
			j.failed(err)
			return false
		}
	}
	j.mu.Lock()
	recorded := e.recorded(s)
	j.mu.Unlock()
	if !recorded {
		j.saveState()
	}
	size := diskUse(s.path)
	j.drop(s)
	j.mu.Lock()
	still := slices.Contains(e.segments, s)
	j.mu.Unlock()
	*used -= size
	return !still
}

// thinnable gives the oldest segment that may have stretches to thin, nil when
// there is none. j.mu is held.
func (j *Journal) thinnable() (*epoch, *segment) {
	if j.o.Within == nil || j.lostSpans() >= thinSpans {
		return nil, nil
	}
	for _, e := range j.epochs {
		for _, s := range e.segments {
			if s != j.active && !s.thinned && !e.settledWhole(s) {
				return e, s
			}
		}
	}
	return nil, nil
}

// next gives the segment to drop first, nil when there is only the active
// one. j.mu is held.
func (j *Journal) next() (*epoch, *segment) {
	var oe *epoch
	var os *segment
	for _, e := range j.epochs {
		for _, s := range e.segments {
			if s == j.active {
				continue
			}
			if e.settledWhole(s) {
				return e, s
			}
			if os == nil {
				oe, os = e, s
			}
		}
	}
	return oe, os
}

// WarnLevel is the highest share of its limit, in percent, that a journal which
// is full to share percent has been warned of: 95, 85, 70 or 0.
func WarnLevel(share int) int {
	for _, at := range warnAt {
		if share >= at {
			return at
		}
	}
	return 0
}

// warnedAgain is by how many percent a journal must have emptied below a share
// before that is warned of again.
const warnedAgain = 5

// warn says when what is not acknowledged passes a share of MaxBytes: once for
// each crossing, also when the agent is started again meanwhile. j.disk is held.
func (j *Journal) warn() {
	j.mu.Lock()
	defer j.mu.Unlock()
	unsent := j.unsent()
	share := j.share(unsent)
	level := WarnLevel(share)
	if level > j.warned {
		left := ""
		if h, ok := j.hoursLeft(unsent); ok {
			left = text(", %.0f hours are left at the present rate", h)
		}
		j.fault("%d %% of the %d bytes for the journal are used%s", share, j.o.MaxBytes, left)
	}
	if level > j.warned || share < j.warned-warnedAgain {
		j.warned = level
	}
}

// share is how much of MaxBytes that is, percent.
func (j *Journal) share(bytes int64) int { return int(bytes * 100 / j.o.MaxBytes) }

// unsent is what segments take on disk that cannot be deleted for the hub has
// not acknowledged all of them. j.mu is held.
func (j *Journal) unsent() (n int64) {
	for _, e := range j.epochs {
		for _, s := range e.segments {
			if s == j.active || !e.settledWhole(s) {
				n += s.bytes
			}
		}
	}
	return n
}

// rate remembers how much was written at two moments of the past, so that the
// present rate is that of the last half to whole hour.
type rate struct{ older, newer rateMark }

type rateMark struct {
	at      int64 // boottime, ms
	written uint64
}

// rateSpan is between the two moments, ms.
const rateSpan = 30 * 60_000

// perHour is the present rate in bytes; ok is false while it is not known.
func (r *rate) perHour(now, opened int64, written uint64) (bytes float64, ok bool) {
	if r.older.at == 0 {
		r.older, r.newer = rateMark{at: opened}, rateMark{at: opened}
	}
	if now-r.newer.at >= rateSpan {
		r.older, r.newer = r.newer, rateMark{now, written}
	}
	if now-r.older.at < 60_000 || written <= r.older.written {
		return 0, false
	}
	return float64(written-r.older.written) / (float64(now-r.older.at) / 3_600_000), true
}

// hoursLeft estimates when the journal is full if nothing is acknowledged.
// j.mu is held.
func (j *Journal) hoursLeft(used int64) (float64, bool) {
	perHour, ok := j.rate.perHour(j.o.Boottime(), j.opened, j.count.written)
	if !ok {
		return 0, false
	}
	return float64(max(j.o.MaxBytes-used, 0)) / perHour, true
}

// bytes is what all segments take on disk.
func (j *Journal) bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytesLocked()
}

func (j *Journal) bytesLocked() (n int64) {
	for _, e := range j.epochs {
		for _, s := range e.segments {
			n += s.bytes
		}
	}
	return n
}
