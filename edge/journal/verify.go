package journal

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"frostline/proto/block"
	"frostline/proto/chain"
)

// Report is what Verify found.
type Report struct {
	Gateway string
	Epochs  []EpochReport // ascending
	Damaged []string      // files that were set aside
	Fault   *Fault        // the first, nil when there is none
}

// EpochReport is what is there of an epoch.
type EpochReport struct {
	Epoch       uint32
	First, Last uint64     // block numbers; 0 when there is none
	Blocks      uint64     // that are there
	Readings    uint64     // in them
	Head        chain.Head // after the last
	Acked       []Range    // acknowledged by the hub, as far as the files know
	Lost        []Range    // declared lost
}

// Fault is where a journal is not as it should be.
type Fault struct {
	Segment string // file
	Epoch   uint32
	Number  uint64 // of the block, where it is about one
	Detail  string
}

func (f *Fault) String() string {
	return fmt.Sprintf("%s: epoch %d, block %d: %s", f.Segment, f.Epoch, f.Number, f.Detail)
}

// Verify walks all blocks of a journal in a directory: checksums,
// numbers, the hash chain, counts, and canonical encoding. Blocks that are
// missing must be acknowledged or declared lost. It changes nothing.
//
// Beside a running agent it may come upon files that are just then replaced: it
// looks again before it calls that a fault.
func Verify(dir string) (*Report, error) {
	for try := 1; ; try++ {
		report, err := verifyOnce(dir)
		if try >= verifyTries || err == nil && report.Fault == nil || !InUse(dir) {
			return report, err
		}
	}
}

const verifyTries = 5

func verifyOnce(dir string) (*Report, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("verify journal: %w", err)
	}
	v := &verifier{report: &Report{}, segments: map[uint32][]*segment{}, epochs: map[uint32]*epoch{}}
	for _, e := range entries {
		if s, ok := parseSegmentName(e.Name()); ok {
			s.path, s.beside = filepath.Join(dir, e.Name()), !s.ended
			v.segments[s.epoch] = append(v.segments[s.epoch], s)
		}
		if strings.Contains(e.Name(), damagedMark) {
			v.report.Damaged = append(v.report.Damaged, e.Name())
		}
	}
	ids := slices.Sorted(maps.Keys(v.segments))
	if st, err := readState(dir); err == nil {
		v.learn(&st.tail)
	}
	for _, id := range ids { // names are padded, so listed by number
		for _, s := range v.segments[id] {
			if x := examineTail(s); x != nil {
				v.learn(x)
			}
		}
	}
	for _, id := range ids {
		v.epoch(id)
	}
	return v.report, nil
}

type verifier struct {
	report   *Report
	segments map[uint32][]*segment
	epochs   map[uint32]*epoch
	newest   *tail
}

// learn takes the marks of a tail.
func (v *verifier) learn(t *tail) {
	if v.newest == nil || t.Epoch > v.newest.Epoch || t.Epoch == v.newest.Epoch && t.Last >= v.newest.Last {
		v.newest, v.report.Gateway = t, t.Gateway
	}
	for _, m := range t.Marks {
		if v.epochs[m.Epoch] == nil {
			v.epochs[m.Epoch] = &epoch{id: m.Epoch}
		}
		v.epochs[m.Epoch].take(m)
	}
}

func examineTail(s *segment) *tail {
	file, end, err := s.file()
	if err != nil {
		return nil
	}
	defer end()
	t, _ := readTail(file)
	return t
}

func (v *verifier) fault(s *segment, number uint64, format string, a ...any) {
	if v.report.Fault == nil {
		v.report.Fault = &Fault{Segment: s.name(), Epoch: s.epoch, Number: number, Detail: fmt.Sprintf(format, a...)}
	}
}

// walk is the walk through one epoch.
type walk struct {
	report EpochReport
	holes  []Range
	gaps   spans // that Gap events declare
	next   uint64
	head   *chain.Head // nil after a hole
	before *uint64
}

func (v *verifier) epoch(id uint32) {
	w := &walk{report: EpochReport{Epoch: id}, next: 1}
	genesis := chain.Genesis(v.report.Gateway, id)
	w.head, w.before = &genesis, new(uint64)
	segments := v.segments[id]
	for i, s := range segments {
		end := ^uint64(0)
		if s.ended {
			end = s.last
		} else if i+1 < len(segments) {
			end = segments[i+1].first - 1
		}
		at := s.first // the block expected
		err := s.each(0, end, func(r record) bool {
			at = r.number + 1
			v.block(s, w, r)
			return true
		})
		if err != nil {
			v.fault(s, at, "%v", err)
		}
	}
	last := segments[len(segments)-1]
	e := v.epochs[id]
	if e == nil {
		e = &epoch{id: id}
	}
	if n := v.newest; n != nil && n.Epoch == id {
		e.last, e.head, e.headOK = n.Last, chain.Head(n.Head), true
	}
	if e.last >= w.next {
		w.holes = append(w.holes, Range{w.next, e.last})
	} else if w.head != nil && e.headOK && e.last == w.next-1 && *w.head != e.head {
		v.fault(last, e.last, "the chain ends with head %s, and the tail says %s", w.head, e.head)
	}
	for _, x := range w.gaps {
		e.settled.add(x)
	}
	for _, h := range w.holes {
		if !e.settled.covers(h.First, h.Last) {
			v.fault(last, h.First, "blocks %d to %d are missing, and neither acknowledged nor declared lost", h.First, h.Last)
		}
	}
	for _, x := range e.acked {
		w.report.Acked = append(w.report.Acked, Range{x.First, x.Last})
	}
	for _, x := range e.lost {
		w.report.Lost = append(w.report.Lost, Range{x.First, x.Last})
	}
	if w.head != nil {
		w.report.Head = *w.head
	}
	v.report.Epochs = append(v.report.Epochs, w.report)
}

// block checks a block and what it follows on.
func (v *verifier) block(s *segment, w *walk, r record) {
	if r.number < w.next {
		v.fault(s, r.number, "the block was there before")
		return
	}
	if r.number > w.next {
		w.holes = append(w.holes, Range{w.next, r.number - 1})
		w.head, w.before = nil, nil
	}
	w.next = r.number + 1
	if w.head != nil && *w.head != r.prev {
		v.fault(s, r.number, "the chain is broken: its head before is %s, and it follows on %s", w.head, r.prev)
	}
	head := r.head()
	w.head = &head
	b, err := block.Decode(r.raw)
	if err != nil {
		w.before = nil
		v.fault(s, r.number, "%v", err)
		return
	}
	if b.Number != r.number {
		v.fault(s, r.number, "the block says it is number %d", b.Number)
	}
	if w.before != nil && *w.before != b.Before {
		v.fault(s, r.number, "the block counts %d readings before it, want %d", b.Before, *w.before)
	}
	after := b.After()
	w.before = &after
	if w.report.First == 0 {
		w.report.First = r.number
	}
	w.report.Last = r.number
	w.report.Blocks++
	w.report.Readings += uint64(len(b.Readings))
	for _, raw := range b.Events {
		ev, err := block.DecodeEvent(raw)
		if err != nil {
			v.fault(s, r.number, "%v", err)
			continue
		}
		if g := ev.GetGap(); g != nil && g.First > 0 && (g.Epoch == 0 || g.Epoch == w.report.Epoch) {
			w.gaps.add(span{First: g.First, Last: g.Last})
		}
	}
}

// Err gives the fault as an error.
func (r *Report) Err() error {
	if r.Fault == nil {
		return nil
	}
	return errors.New(r.Fault.String())
}
