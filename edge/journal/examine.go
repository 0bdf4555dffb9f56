package journal

import (
	"errors"
	"fmt"
	"os"

	"frostline/edge/journal/boltfile"
	"frostline/proto/block"
	"frostline/proto/chain"
)

// exam is what is found in the newest segment of an epoch.
type exam struct {
	tail     *tail // of the newest commit, nil where it cannot be read
	series   []declared
	seriesOK bool
	torn     bool     // one of bbolt's two meta pages is not valid
	next     []record // after a torn commit: blocks that follow on the tail
	fault    error    // the file must not be given to bbolt
}

// maxSegment is the largest file that is read as a segment, in bytes.
const maxSegment = 256 << 20

// examine reads a whole segment: its tree, its tail, and its chain.
func examine(s *segment) *exam {
	x := &exam{}
	f, err := os.Open(s.path)
	if err != nil {
		x.fault = err
		return x
	}
	defer f.Close() // read only
	st, err := f.Stat()
	if err != nil {
		x.fault = err
		return x
	}
	if st.Size() > maxSegment {
		x.fault = fmt.Errorf("%d bytes, the limit is %d", st.Size(), maxSegment)
		return x
	}
	file, err := boltfile.Open(f, st.Size())
	if err != nil {
		x.fault = err
		return x
	}
	x.torn = file.Torn
	if x.tail, err = readTail(file); err == nil && x.tail.Epoch != s.epoch {
		err = fmt.Errorf("%w: epoch %d", errState, x.tail.Epoch)
	}
	if err != nil {
		x.tail, x.fault = nil, err
		return x
	}
	if x.series, err = readSeries(file); err == nil && len(x.series) < x.tail.Declared {
		err = fmt.Errorf("%d series of %d", len(x.series), x.tail.Declared)
	}
	x.seriesOK = err == nil
	if err = file.Check(); err == nil {
		err = checkChain(file, s, x.tail)
	}
	if x.fault = err; err == nil && x.torn {
		x.next = follow(f, st.Size(), x.tail)
	}
	return x
}

func readTail(file *boltfile.File) (*tail, error) {
	b, err := file.Bucket(bucketState)
	if err != nil {
		return nil, err
	}
	v, err := b.Get([]byte(keyTail))
	if err != nil {
		return nil, err
	}
	return parseTail(v)
}

func readSeries(file *boltfile.File) (out []declared, err error) {
	b, err := file.Bucket(bucketSeries)
	if err != nil {
		return nil, err
	}
	var bad error
	err = b.Ascend(nil, func(k, v []byte) bool {
		var d declared
		if d, bad = parseDeclared(k, v); bad != nil {
			return false
		}
		out = append(out, d)
		return true
	})
	return out, errors.Join(err, bad)
}

// checkChain walks a segment's records up to the tail.
func checkChain(file *boltfile.File, s *segment, t *tail) error {
	b, err := file.Bucket(bucketBlocks)
	if err != nil {
		return err
	}
	if t.Last+1 < s.first {
		return fmt.Errorf("%w: the tail says block %d, before the first of the segment", errState, t.Last)
	}
	next, head := s.first, chain.Head(t.Head)
	var bad error
	err = b.Ascend(nil, func(k, v []byte) bool {
		r, e := parseRecord(s.epoch, k, v)
		switch {
		case e != nil:
			bad = e
		case r.number != next:
			bad = fmt.Errorf("%w: block %d, want %d", errRecord, r.number, next)
		case next > s.first && r.prev != head:
			bad = fmt.Errorf("%w: block %d does not follow on the chain", errRecord, r.number)
		}
		next, head = r.number+1, r.head()
		return bad == nil
	})
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	if next != t.Last+1 || head != chain.Head(t.Head) {
		return fmt.Errorf("%w: the records end with block %d, and the tail says %d", errRecord, next-1, t.Last)
	}
	return nil
}

// follow looks for blocks of a commit whose last page was torn: they are on
// the disk, whole, and follow on the chain.
func follow(f *os.File, size int64, t *tail) (out []record) {
	found := map[uint64][]record{}
	boltfile.Scan(f, size, func(k, v []byte) {
		if r, err := parseRecord(t.Epoch, k, v); err == nil && r.number > t.Last {
			found[r.number] = append(found[r.number], r.clone())
		}
	})
	head := chain.Head(t.Head)
	for n := t.Last + 1; ; n++ {
		some := false
		for _, r := range found[n] {
			if _, err := block.Decode(r.raw); err == nil && r.prev == head {
				out, head, some = append(out, r), r.head(), true
				break
			}
		}
		if !some {
			return out
		}
	}
}
