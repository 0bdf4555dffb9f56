package journal

import (
	"time"
)

// start has a goroutine commit, if none does. j.mu is held.
func (j *Journal) start() {
	if !j.busy && !j.closed {
		j.busy = true
		j.workers.Add(1)
		go j.commitAll()
	}
}

// kick has a goroutine look for work; now also at a disk that just failed.
func (j *Journal) kick(now bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	if now {
		j.retry = time.Time{}
	}
	j.work = true
	j.start()
}

// commitAll works until there is nothing left to do.
func (j *Journal) commitAll() {
	defer j.workers.Done()
	for {
		j.gather()
		j.mu.Lock()
		group := j.take()
		if len(group) == 0 && !j.work {
			j.busy = false
			j.mu.Unlock()
			return
		}
		j.work = false
		j.mu.Unlock()
		j.step(group)
	}
}

// gather waits for more readings, where that is wanted.
func (j *Journal) gather() {
	if j.o.GroupWait == 0 {
		return
	}
	t := time.NewTimer(j.o.GroupWait)
	defer t.Stop()
	for {
		j.mu.Lock()
		n, now := 0, j.closed || len(j.queue) == 0
		for _, r := range j.queue {
			n += len(r.readings)
			now = now || r.flush || len(r.events) > 0
		}
		j.mu.Unlock()
		if now || n >= j.o.BlockReadings {
			return
		}
		select {
		case <-t.C:
			return
		case <-j.hurry:
		}
	}
}

// Bounds of what is committed in one transaction.
const (
	groupReadings = 8192
	groupEvents   = 4096
)

// take removes the next group from the queue. j.mu is held.
func (j *Journal) take() []*request {
	n, readings, events := 0, 0, 0
	for _, r := range j.queue {
		readings += len(r.readings)
		events += len(r.events)
		if n > 0 && (readings > groupReadings || events > groupEvents) {
			break
		}
		j.queued -= r.size()
		n++
	}
	group := j.queue[:n:n]
	if j.queue = j.queue[n:]; len(j.queue) == 0 {
		j.queue = nil
	}
	return group
}
