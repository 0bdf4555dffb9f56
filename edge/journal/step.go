package journal

import (
	"errors"
	"slices"
	"time"
)

// errPlan says that a group cannot be made into blocks; trying again is vain.
// What is appended is checked before, so it takes a bug.
var errPlan = errors.New("cannot be made into blocks")

// errBusy says that the disk is still being asked what is on it.
var errBusy = errors.New("the disk has not answered yet")

// step keeps a group, after what is held, or holds it.
func (j *Journal) step(group []*request) {
	j.mu.Lock()
	loaded := j.loaded
	j.mu.Unlock()
	if loaded {
		j.disk.Lock()
	} else if !j.disk.TryLock() {
		j.hold(group, errBusy)
		return
	}
	defer j.disk.Unlock()
	flush := slices.ContainsFunc(group, func(r *request) bool { return r.flush })

	j.mu.Lock()
	trouble, early := j.outage != nil || !j.loaded || j.held.any(), time.Now().Before(j.retry)
	cause := j.cause()
	j.mu.Unlock()
	if trouble && early && !flush {
		j.hold(group, cause)
		return
	}
	var err error
	if trouble {
		if err = j.drain(); err == nil {
			_, err = j.keep(nil, false) // the fault, at least: it shows that the disk writes
		}
	}
	if err == nil {
		err = j.keepOrRefuse(group, flush)
	}
	if err != nil {
		j.failed(err)
		j.hold(group, err)
		return
	}
	j.recovered()
	j.tidy(flush)
	for _, r := range group {
		if r.flush {
			r.finish(Kept{}, nil)
		}
	}
}

// keepOrRefuse keeps a group and says so to those who wait for it.
func (j *Journal) keepOrRefuse(group []*request, flush bool) error {
	if len(group) == 0 {
		return nil
	}
	kept, err := j.keep(group, flush)
	if err != nil && !errors.Is(err, errPlan) {
		return err
	}
	if err != nil {
		j.refused(group, err)
	}
	for _, r := range group {
		if !r.flush {
			r.finish(kept, err)
		}
	}
	return nil
}

// keep commits a group. A full disk is met with the ballast, any other error
// with a new segment, once. j.disk is held.
func (j *Journal) keep(group []*request, flush bool) (kept Kept, err error) {
	for try := 0; ; try++ {
		if err = j.ready(); err == nil {
			kept, err = j.commit(group, flush)
		}
		if err == nil || try > 0 || errors.Is(err, errPlan) {
			return kept, err
		}
		if noSpace(err) && !j.dropBallast() {
			return kept, err
		}
		j.failed(err)
	}
}
