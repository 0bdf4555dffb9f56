package journal

import (
	"slices"
	"time"
)

// tidyEvery is the least time between looks at the files that nothing calls
// for.
const tidyEvery = 10 * time.Second

// tidy deletes what is acknowledged, keeps within MaxBytes, and writes what
// could not be written before. j.disk is held.
func (j *Journal) tidy(now bool) {
	if j.owed {
		j.saveState()
	}
	j.mu.Lock()
	due, dirty := false, j.dirty
	for _, e := range j.epochs {
		due = due || e.idle(j.active)
	}
	shrink := j.shrinkable()
	j.mu.Unlock()
	if shrink && j.rotate() == nil {
		due = true
	}
	if now || due || time.Since(j.tidied) >= tidyEvery {
		j.tidied = time.Now()
		if due {
			j.forget()
		}
		j.endAll()
		j.sweep()
		j.limit()
		j.makeBallast()
		if dirty {
			j.saveState()
		}
	}
}

// shrinkable reports whether the active segment has grown while the hub was
// away and all of it is acknowledged now. j.mu is held.
func (j *Journal) shrinkable() bool {
	if !j.loaded || j.active == nil || j.active.size < j.o.SegmentBytes/4 {
		return false
	}
	e := j.present()
	return e.last >= j.active.first && e.settledWhole(j.active)
}

// forget deletes segments of which all is acknowledged or declared lost, once
// that is on disk. j.disk is held.
func (j *Journal) forget() {
	j.mu.Lock()
	var gone []*segment
	saved := true
	for _, e := range j.epochs {
		for _, s := range e.segments {
			if s == j.active || !e.settledWhole(s) {
				continue
			}
			if s.settled.IsZero() {
				s.settled = time.Now()
			}
			if time.Since(s.settled) < j.o.KeepAcknowledged {
				continue
			}
			gone = append(gone, s)
			saved = saved && e.recorded(s)
		}
	}
	j.mu.Unlock()
	if len(gone) == 0 {
		return
	}
	if !saved {
		j.saveState()
	}
	for _, s := range gone {
		j.drop(s)
	}
	j.closeEpochs()
	j.saveState()
}

// recorded reports whether it is on disk that a segment is settled.
// Journal.mu is held.
func (e *epoch) recorded(s *segment) bool {
	end := e.end(s)
	set := e.onDisk()
	return end < s.first || set.covers(s.first, end)
}

// onDisk is what is known to be settled even after a power cut. Journal.mu is
// held.
func (e *epoch) onDisk() spans {
	set := slices.Clone(e.durable)
	for _, x := range e.told {
		set.add(x)
	}
	return set
}

// drop deletes a settled segment's file. j.disk is held.
func (j *Journal) drop(s *segment) {
	j.mu.Lock()
	e := j.epoch(s.epoch)
	ok := e.recorded(s)
	j.mu.Unlock()
	if !ok || j.endBefore(e, s) != nil {
		return // the disk does not know enough yet; later
	}
	j.mu.Lock()
	e.segments = slices.DeleteFunc(slices.Clone(e.segments), func(x *segment) bool { return x == s })
	j.count.deleted++
	j.mu.Unlock()
	s.retire()
	j.litter = append(j.litter, s.path)
	j.sweep()
}

// sweep removes the files of segments that are gone. j.disk is held.
func (j *Journal) sweep() {
	var failed error
	j.litter = slices.DeleteFunc(j.litter, func(path string) bool {
		err := j.o.disk.remove(path)
		if err != nil {
			failed = err // it names the file
		}
		return err == nil
	})
	j.again("acknowledged segments could not be deleted; it is tried again", "acknowledged segments are deleted again", failed)
}

// closeEpochs forgets epochs that are over and wholly settled, once the hub has
// what declares their losses: until then that can get lost, and has to be
// stated again.
func (j *Journal) closeEpochs() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.epochs = slices.DeleteFunc(slices.Clone(j.epochs), func(e *epoch) bool {
		return e != j.present() && len(e.segments) == 0 && (e.last == 0 || e.settled.covers(1, e.last)) && j.heard(e)
	})
}

// heard reports whether the hub has what declares the losses of an epoch, in
// the block that it last did or before. j.mu is held.
func (j *Journal) heard(e *epoch) bool {
	if len(e.lost) == 0 {
		return true
	}
	for _, o := range j.epochs {
		if o.id > e.id && o.id < e.said.epoch {
			return false
		}
		if _, acked := o.acked.at(e.said.block); o.id == e.said.epoch && !acked {
			return false
		}
	}
	return true
}
