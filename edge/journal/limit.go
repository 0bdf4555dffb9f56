package journal

import (
	"slices"
)

// Shares of MaxBytes at which a warning is due, percent.
var warnAt = [...]int{95, 85, 70}

// limit warns of a journal that gets full, and drops the oldest segments of one
// that is: those kept though acknowledged first, and what is pending only then,
// declared in the chain before it is deleted. j.disk is held.
func (j *Journal) limit() {
	used := j.bytes()
	j.warn(used)
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
	for used > j.o.MaxBytes {
		j.mu.Lock()
		e, s := j.next()
		j.mu.Unlock()
		if s == nil {
			return
		}
		j.mu.Lock()
		end, settled := e.end(s), e.settledWhole(s)
		j.mu.Unlock()
		if !settled {
			j.declare(e, s.first, end, "dropped because the journal was full")
			if _, err := j.keep([]*request{{}}, false); err != nil {
				j.failed(err)
				return
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
		if still {
			return
		}
		used -= size
	}
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

// warn says when the journal passes a share of MaxBytes. j.disk is held.
func (j *Journal) warn(used int64) {
	share := int(used * 100 / j.o.MaxBytes)
	level := 0
	for _, at := range warnAt {
		if share >= at {
			level = at
			break
		}
	}
	if level > j.warned {
		j.mu.Lock()
		left := ""
		if h, ok := j.hoursLeft(used); ok {
			left = text(", %.0f hours are left at the present rate", h)
		}
		j.fault("%d %% of the %d bytes for the journal are used%s", share, j.o.MaxBytes, left)
		j.mu.Unlock()
	}
	if level > j.warned || share < j.warned-5 {
		j.warned = level
	}
}

// hoursLeft estimates when the journal is full if nothing is acknowledged.
// j.mu is held.
func (j *Journal) hoursLeft(used int64) (float64, bool) {
	elapsed := j.o.Boottime() - j.opened
	if elapsed < 60_000 || j.count.written == 0 {
		return 0, false
	}
	perHour := float64(j.count.written) / (float64(elapsed) / 3_600_000)
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
