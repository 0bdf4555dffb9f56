package journal

import (
	"time"
)

// outage is a time during which the disk takes nothing.
type outage struct {
	since time.Time
	at    int64 // boottime, ms
	cause error
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
