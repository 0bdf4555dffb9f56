package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"frostline/proto/chain"
)

// Offline looks at the journal in a directory without opening it: it changes
// nothing, and works beside a running agent. It is not safe for concurrent use.
type Offline struct {
	Gateway string // whose journal it is

	dir   string
	known verifier // what tails and state say
}

// ErrEmpty says that a directory holds no journal.
var ErrEmpty = errors.New("no journal is there")

// LookAt reads what a directory says about its journal as a whole.
func LookAt(dir string) (*Offline, error) {
	o := &Offline{dir: dir, known: verifier{report: &Report{}, epochs: map[uint32]*epoch{}}}
	segments, err := o.segments()
	if err != nil {
		return nil, fmt.Errorf("look at journal: %w", err)
	}
	if st, err := readState(dir); err == nil {
		o.known.learn(&st.tail)
	}
	for _, id := range slices.Sorted(maps.Keys(segments)) {
		for _, s := range segments[id] {
			if t := examineTail(s); t != nil {
				o.known.learn(t)
			}
		}
	}
	if o.Gateway = o.known.report.Gateway; o.Gateway == "" {
		return nil, fmt.Errorf("look at journal %s: %w, or nothing of it says whose it is", dir, ErrEmpty)
	}
	return o, nil
}

// segments lists the files by epoch, ascending.
func (o *Offline) segments() (map[uint32][]*segment, error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, err
	}
	out := map[uint32][]*segment{}
	for _, e := range entries { // names are padded, so listed by number
		if s, ok := parseSegmentName(e.Name()); ok {
			s.path, s.beside = filepath.Join(o.dir, e.Name()), !s.ended
			out[s.epoch] = append(out[s.epoch], s)
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
	}
	return out, nil
}

// Found is a block of a journal on disk.
type Found struct {
	Epoch  uint32
	Number uint64
	Prev   chain.Head // before it
	Raw    []byte     // valid during the call
}

// Walk calls block for each block that is there, and absent for each stretch
// that is not, in order; the first error ends it. Records that are damaged are
// absent; what is whole beside them is found all the same.
func (o *Offline) Walk(block func(Found) error, absent func(epoch uint32, first, last uint64, reason string) error) error {
	segments, err := o.segments()
	if err != nil {
		return fmt.Errorf("look at journal: %w", err)
	}
	ids := slices.Collect(maps.Keys(segments))
	for id := range o.known.epochs {
		if segments[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		w := &offlineWalk{o: o, epoch: id, next: 1, block: block, absent: absent}
		if err := w.run(); err != nil {
			return err
		}
	}
	return nil
}

// offlineWalk is the walk through one epoch.
type offlineWalk struct {
	o      *Offline
	epoch  uint32
	next   uint64
	head   *chain.Head // after the block before next; nil when not known
	why    error       // why blocks before the next found are missing
	block  func(Found) error
	absent func(uint32, uint64, uint64, string) error
}

// vanished is how often files may be gone when they are opened, as beside an
// agent whose blocks are being acknowledged.
const vanished = 20

func (w *offlineWalk) run() error {
	for gone := 0; ; {
		all, err := w.o.segments()
		if err != nil {
			return fmt.Errorf("look at journal: %w", err)
		}
		s, end := segmentAt(all[w.epoch], w.next)
		if s == nil {
			break
		}
		err = w.segment(s, end)
		if errors.Is(err, fs.ErrNotExist) && gone < vanished {
			gone++
			continue
		}
		if err != nil {
			return fmt.Errorf("look at segment %s: %w", s.name(), err)
		}
		if end == openEnd {
			break
		}
		if err := w.miss(end + 1); err != nil {
			return err
		}
	}
	last := uint64(0)
	if e := w.o.known.epochs[w.epoch]; e != nil {
		last = e.last
	}
	if n := w.o.known.newest; n != nil && n.Epoch == w.epoch {
		last = max(last, n.Last)
	}
	return w.miss(last + 1)
}

const openEnd = ^uint64(0) - 1 // of a segment whose end only its tail knows

// segmentAt finds the segment that has a block, or the next one that is there.
func segmentAt(list []*segment, number uint64) (*segment, uint64) {
	for i, s := range list {
		end := uint64(openEnd)
		if s.ended {
			end = s.last
		} else if i+1 < len(list) {
			end = list[i+1].first - 1
		}
		if end >= number {
			return s, end
		}
	}
	return nil, 0
}

// segment visits the blocks of one file from w.next on.
func (w *offlineWalk) segment(s *segment, end uint64) error {
	if end == openEnd {
		if t := examineTail(s); t != nil {
			end = t.Last
		}
	}
	if end+1 <= w.next {
		return nil
	}
	var stop error
	err := s.each(w.next, end, func(r record) bool {
		stop = w.take(r)
		return stop == nil
	})
	switch {
	case stop != nil:
		return stop
	case err == nil:
		return nil
	case !isDamage(err) || errors.Is(err, fs.ErrNotExist):
		return err
	}
	// Damaged: all pages are searched for records that are whole.
	w.why = err
	found := salvage(s.path, s.epoch)
	for _, n := range slices.Sorted(maps.Keys(found.records)) {
		if n < w.next || n > end {
			continue
		}
		if r := w.choose(n, found.records[n]); r != nil {
			if err := w.take(*r); err != nil {
				return err
			}
		}
	}
	return nil
}

// choose picks the record that follows on the chain, or the only one.
func (w *offlineWalk) choose(number uint64, from []record) *record {
	for i := range from {
		if number == w.next && w.head != nil && from[i].prev == *w.head {
			return &from[i]
		}
	}
	if len(from) == 1 {
		return &from[0]
	}
	return nil
}

func (w *offlineWalk) take(r record) error {
	if r.number < w.next {
		return nil
	}
	if err := w.miss(r.number); err != nil {
		return err
	}
	if err := w.block(Found{Epoch: w.epoch, Number: r.number, Prev: r.prev, Raw: r.raw}); err != nil {
		return err
	}
	head := r.head()
	w.next, w.head = r.number+1, &head
	return nil
}

// miss says what is not there before a block, and why.
func (w *offlineWalk) miss(before uint64) error {
	for w.next < before {
		first, last, why := w.next, before-1, "not in the journal"
		if w.why != nil {
			why = "damaged: " + w.why.Error()
		}
		if e := w.o.known.epochs[w.epoch]; e != nil {
			for _, known := range []struct {
				set spans
				why string
			}{{e.acked, "acknowledged by the hub"}, {e.lost, "declared lost"}} {
				if x, in := known.set.at(first); in {
					last, why = min(last, x.Last), known.why
				} else if rest := known.set.without(first, last); len(rest) > 0 {
					last = min(last, rest[0].Last)
				}
			}
		}
		if err := w.absent(w.epoch, first, last, text("%s", why)); err != nil {
			return err
		}
		w.next, w.head = last+1, nil
	}
	return nil
}
