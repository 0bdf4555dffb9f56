package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// ready makes sure that there is an active segment with room. j.disk is held.
func (j *Journal) ready() error {
	if err := j.load(); err != nil {
		return err
	}
	if err := j.resolve(); err != nil {
		return err
	}
	s := j.active
	if s != nil && s.size < j.o.SegmentBytes && (time.Since(s.begun) < j.o.SegmentAge || s.size <= emptySegment) {
		return nil
	}
	err := j.rotate()
	if err != nil && s != nil && j.active == s && j.doubt == "" {
		if !j.stuck {
			j.log.Warn("segment cannot be closed; it goes on growing", "segment", s.name(), "error", err)
		}
		j.stuck = true
		return nil
	}
	j.stuck = false
	return err
}

// resolve makes sure that a segment, of which it is not known whether it was
// begun, is not there: it would pass for the newest after a restart, and hide
// what is kept in the one before. j.disk is held.
func (j *Journal) resolve() error {
	if j.doubt == "" {
		return nil
	}
	_, err := os.Lstat(j.doubt)
	if err == nil {
		_, err = j.putAside(j.doubt)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = j.o.disk.sync(j.dir)
	}
	if err == nil {
		j.doubt = ""
	}
	return err
}

// create makes a segment, and remembers where that is not certain. j.disk is held.
func (j *Journal) create(first uint64, t *tail, series []declared) (*segment, error) {
	s, aside, err := createSegment(j.o.disk, j.dir, first, t, series)
	if aside != "" {
		j.mu.Lock()
		j.aside++
		j.fault("segment %s holds nothing that was kept and could not be used; it is set aside as %s", segmentName(t.Epoch, first), aside)
		j.mu.Unlock()
	}
	if errors.Is(err, errDoubt) {
		j.doubt = filepath.Join(j.dir, segmentName(t.Epoch, first))
	}
	return s, err
}

// emptySegment is about the size of a segment without blocks, in bytes.
const emptySegment = 32 << 10

// rotate begins a new segment of the present epoch. j.disk is held.
func (j *Journal) rotate() error {
	j.mu.Lock()
	e, t, series := j.present(), j.tail(false), j.known()
	j.mu.Unlock()
	s, err := j.create(e.last+1, t, series)
	if err != nil {
		return err
	}
	j.activate(e, s)
	j.saveState()
	j.tidied = time.Time{} // look at the space taken
	return nil
}

// activate makes s the active segment, in the place of one that has the same
// name if there is such. j.disk is held.
func (j *Journal) activate(e *epoch, s *segment) {
	j.mu.Lock()
	old := j.active
	segments := slices.Clone(e.segments)
	if n := len(segments); n > 0 && segments[n-1].first == s.first {
		old = segments[n-1]
		segments = segments[:n-1]
	}
	e.segments = append(segments, s)
	j.active = s
	j.mu.Unlock()
	if old != nil {
		old.seal()
		j.weigh(old)
	}
	j.endAll()
}

// end gives a sealed segment the name that says where it ends. Before that
// its end is where the next one begins, so none may go before this is done:
// beyond the end of a segment lies what a failed commit left. j.disk is held.
func (j *Journal) end(e *epoch, s *segment) error {
	j.mu.Lock()
	ended, last := s.ended, e.end(s)
	j.mu.Unlock()
	if ended {
		return nil
	}
	path := filepath.Join(j.dir, endedName(s.epoch, s.first, last))
	s.use.Lock()
	err := j.o.disk.rename(s.path, path)
	if _, e := os.Lstat(path); e == nil {
		s.path = path // though that may not be certain yet
	}
	s.use.Unlock()
	if err != nil {
		return fmt.Errorf("give segment %s its end: %w", s.name(), err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.ended, s.last = true, last
	return nil
}

// endAll ends all segments but the active one. What fails is tried again.
// j.disk is held.
func (j *Journal) endAll() {
	j.mu.Lock()
	type open struct {
		e *epoch
		s *segment
	}
	var all []open
	for _, e := range j.epochs {
		for _, s := range e.segments {
			if s != j.active && !s.ended {
				all = append(all, open{e, s})
			}
		}
	}
	j.mu.Unlock()
	for _, x := range all {
		if err := j.end(x.e, x.s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			j.log.Warn("segment could not be renamed; it is tried again", "error", err)
		}
	}
}

// endBefore makes sure that a segment can go: that the one before it has its
// end. j.disk is held.
func (j *Journal) endBefore(e *epoch, s *segment) error {
	j.mu.Lock()
	var p *segment
	if i := slices.Index(e.segments, s); i > 0 {
		p = e.segments[i-1]
	}
	j.mu.Unlock()
	if p == nil {
		return nil
	}
	return j.end(e, p)
}

// weigh looks at what a sealed segment takes on disk.
func (j *Journal) weigh(s *segment) {
	n := diskUse(s.path)
	j.mu.Lock()
	defer j.mu.Unlock()
	s.bytes = n
}

// putAside sets a damaged file aside and counts it. j.disk is held.
func (j *Journal) putAside(path string) (string, error) {
	name, err := setAside(j.o.disk, path)
	if err == nil {
		j.mu.Lock()
		j.aside++
		j.mu.Unlock()
	}
	return name, err
}

// commit writes a group in one transaction and, once it is synced, makes it
// known. After an error nothing is kept. j.disk is held.
func (j *Journal) commit(group []*request, flush bool) (Kept, error) {
	p, err := j.plan(group)
	if err != nil {
		j.unplan(p)
		return Kept{}, err
	}
	if len(p.records) == 0 && !(flush && j.unsaid()) {
		j.unplan(p)
		j.mu.Lock()
		j.count.repeats += uint64(p.repeats)
		j.mu.Unlock()
		return Kept{Epoch: p.epoch.id, PrevHead: p.prev, Repeats: p.repeats}, nil
	}
	s := j.active
	if err := s.append(j.o.disk, p.records, p.tail, p.series); err != nil {
		j.unplan(p)
		j.suspect(s, p, err)
		return Kept{}, fmt.Errorf("commit to segment %s: %w", s.name(), err)
	}
	return j.apply(p), nil
}

// unsaid reports whether the disk does not know all acknowledgements yet.
func (j *Journal) unsaid() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.epochs {
		for _, x := range e.acked {
			if !e.durable.covers(x.First, x.Last) {
				return true
			}
		}
	}
	return false
}

// unplan gives back what plan took.
func (j *Journal) unplan(p *plan) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.gap != nil {
		later := j.held.gap
		if j.held.gap = p.gap; later != nil {
			j.held.lose(later)
		}
		j.held.lostEvents += p.events
	}
}

// suspect decides about a segment after a commit to it failed. A full disk that
// left no trace does no harm. After anything else nobody knows what is on the
// disk: no more is written to that file, and a block number in it that was not
// reported as kept does not count, because the next segment begins with it.
func (j *Journal) suspect(s *segment, p *plan, cause error) {
	t, err := s.committedTail()
	if noSpace(cause) && err == nil && t.Last == p.epoch.last {
		return
	}
	s.seal()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.active == s {
		j.active = nil
	}
	j.count.broken++
}

// apply makes a synced commit known.
func (j *Journal) apply(p *plan) Kept {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := p.epoch
	kept := Kept{Epoch: e.id, PrevHead: p.prev, Repeats: p.repeats}
	for _, r := range p.records {
		kept.Blocks = append(kept.Blocks, r.raw)
		j.recent.push(r)
		j.count.written += uint64(len(r.raw) + recordHeader + 24)
	}
	if len(p.records) > 0 {
		kept.First = p.records[0].number
	}
	if j.active != nil {
		j.active.bytes = j.active.size
	}
	e.last, e.head, e.readings = p.tail.Last, [32]byte(p.tail.Head), p.tail.Readings
	for id, t := range p.ticks {
		j.ticks[id] = t
	}
	j.tick = p.tail.Tick
	j.begin = p.tail.Start
	for source, b := range p.anchors {
		j.anchors[source] = b
	}
	for _, d := range p.series {
		j.table.declared[d.ID] = true
	}
	j.owed = j.owed || len(p.series) > 0
	j.notices = j.notices[p.notices:]
	if p.gap != nil {
		j.count.dropped += p.gap.Readings
	}
	for _, m := range p.tail.Marks {
		if e := j.epoch(m.Epoch); e != nil {
			for _, x := range m.Acked {
				e.durable.add(x)
			}
			for _, x := range m.Lost {
				j.owed = j.owed || !e.told.covers(x.First, x.Last)
				e.told.add(x)
			}
		}
	}
	j.count.repeats += uint64(p.repeats)
	j.count.commits++
	if len(p.records) > 0 {
		j.notify()
	}
	return kept
}
