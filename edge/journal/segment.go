package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"frostline/edge/journal/boltfile"
)

// Buckets of a segment file.
const (
	bucketBlocks = "blocks" // records by number
	bucketSeries = "series" // what the epoch's series ids mean, by id
	bucketState  = "state"  // keyTail
	keyTail      = "tail"
)

// segment is one file of an epoch's records. The active one takes new records
// through bbolt; all others are sealed, and read through boltfile alone.
type segment struct {
	epoch uint32
	first uint64 // number of its first record, or of the first it will have

	// use is read-locked while records are read, so that the file is neither
	// closed nor replaced meanwhile.
	use  sync.RWMutex
	path string    // changes once, when the segment is given its end
	db   *bbolt.DB // nil when sealed
	gone bool      // removed, or replaced after a repair

	// Owned by whoever holds Journal.disk.
	begun   time.Time // made active, by this process
	settled time.Time // found to be wholly acknowledged, or zero
	size    int64     // pages in use × page size, while active

	// Guarded by Journal.mu.
	bytes int64  // on disk
	ended bool   // the name says where it ends
	last  uint64 // number of its last record then; first-1 when it has none
}

const (
	segmentSuffix  = ".db"
	newSuffix      = ".new"      // a segment being made: holds nothing kept
	repairedSuffix = ".repaired" // what could be saved of a damaged one
	damagedMark    = ".damaged-"
)

// segmentName is the file name of a segment that is still open at its end.
func segmentName(epoch uint32, first uint64) string {
	return fmt.Sprintf("%08d-%012d%s", epoch, first, segmentSuffix)
}

// endedName is the file name of a segment that is not: what it holds beyond
// last does not count.
func endedName(epoch uint32, first, last uint64) string {
	return fmt.Sprintf("%08d-%012d-%012d%s", epoch, first, last, segmentSuffix)
}

// parseSegmentName takes the name of a segment file apart.
func parseSegmentName(name string) (*segment, bool) {
	stem, ok := strings.CutSuffix(name, segmentSuffix)
	parts := strings.Split(stem, "-")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return nil, false
	}
	n := [3]uint64{}
	for i, p := range parts {
		var err error
		if n[i], err = strconv.ParseUint(p, 10, 63); err != nil {
			return nil, false
		}
	}
	s := &segment{epoch: uint32(n[0]), first: n[1], ended: len(parts) == 3, last: n[2]}
	if n[0] == 0 || n[0] > math.MaxUint32 || s.first == 0 || s.ended && s.last+1 < s.first {
		return nil, false
	}
	return s, true
}

// name names the segment in messages.
func (s *segment) name() string { return fmt.Sprintf("%08d-%012d", s.epoch, s.first) }

// errBroken says that bbolt panicked: its file must not be touched any more.
var errBroken = errors.New("segment broke while it was written")

// createSegment makes an empty segment of an epoch. It appears under its name
// only when it is whole, by a rename. A file that has the name, which can only
// be one that keeps nothing, is set aside; aside is then its new name. After
// errDoubt the file may be there, or come back after a power cut.
func createSegment(d disk, dir string, first uint64, t *tail, series []declared) (s *segment, aside string, err error) {
	s = &segment{epoch: t.Epoch, first: first, path: filepath.Join(dir, segmentName(t.Epoch, first)), begun: time.Now()}
	temporary := s.path + newSuffix
	if err := d.remove(temporary); err != nil {
		return nil, "", fmt.Errorf("create segment: %w", err)
	}
	if s.db, err = openSafely(d, temporary); err == nil {
		err = s.append(d, nil, t, series)
	}
	if err == nil {
		if _, e := os.Lstat(s.path); e == nil {
			aside, err = setAside(d, s.path)
		}
	}
	if err == nil {
		if err = d.rename(temporary, s.path); err != nil {
			err = fmt.Errorf("%w: %w", errDoubt, err)
		}
	}
	if err != nil {
		s.seal()
		return nil, aside, errors.Join(fmt.Errorf("create segment %s: %w", s.name(), err), d.remove(temporary))
	}
	return s, aside, nil
}

// errDoubt says that a file may be there or not.
var errDoubt = errors.New("renaming may or may not have been done")

// openSafely opens a segment file for writing, and takes a panic of bbolt for
// an error.
func openSafely(d disk, path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("open segment %s: %w: %v", filepath.Base(path), errBroken, p)
		}
	}()
	return d.open(path)
}

// setAside renames a damaged file, and gives its new name. Such files are never
// deleted by the journal.
func setAside(d disk, path string) (string, error) {
	name := path + damagedMark + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := d.rename(path, name); err != nil {
		return "", fmt.Errorf("set a damaged file aside: %w", err)
	}
	return filepath.Base(name), nil
}

// append commits records, the tail and newly declared series, all or nothing.
// When it returns nil they are synced to disk.
func (s *segment) append(d disk, records []record, t *tail, series []declared) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s.use.Lock()
			s.db = nil // not closed: its locks may be held
			s.use.Unlock()
			err = fmt.Errorf("%w: %v", errBroken, p)
		}
	}()
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	if err := s.fill(tx, records, t, series); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	s.size = tx.Size()
	return d.commit(tx)
}

func (s *segment) fill(tx *bbolt.Tx, records []record, t *tail, series []declared) error {
	buckets := map[string]*bbolt.Bucket{}
	for _, name := range []string{bucketBlocks, bucketSeries, bucketState} {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		b.FillPercent = 1 // numbers only go up: leave no room between them
		buckets[name] = b
	}
	for i := range records {
		if err := buckets[bucketBlocks].Put(recordKey(records[i].number), records[i].encode(s.epoch)); err != nil {
			return err
		}
	}
	for _, x := range series {
		if err := buckets[bucketSeries].Put(x.key(), x.encode()); err != nil {
			return err
		}
	}
	return buckets[bucketState].Put([]byte(keyTail), t.encode())
}

// each calls fn with the records from number from to number to, ascending,
// until fn returns false. A record that is damaged ends it with an error.
// Records are valid only during the call. It may be called concurrently.
func (s *segment) each(from, to uint64, fn func(record) bool) (err error) {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.gone {
		return errGone
	}
	visit := func(k, v []byte) bool {
		if len(k) == 8 && binary.BigEndian.Uint64(k) > to {
			return false
		}
		r, e := parseRecord(s.epoch, k, v)
		if e != nil {
			err = e
			return false
		}
		return fn(r)
	}
	if s.db == nil {
		if e := s.eachSealed(from, visit); e != nil {
			return e
		}
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errRecord, p)
		}
	}()
	e := s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(bucketBlocks)).Cursor()
		for k, v := c.Seek(recordKey(from)); k != nil && visit(k, v); k, v = c.Next() {
		}
		return nil
	})
	if e != nil {
		return e
	}
	return err
}

// errGone says that a segment was removed or replaced: look again.
var errGone = errors.New("segment is gone")

// eachSealed is each for a sealed segment, below its checks. s.use is held.
func (s *segment) eachSealed(from uint64, visit func(k, v []byte) bool) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close() // read only: nothing can get lost
	st, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := boltfile.Open(f, st.Size())
	if err != nil {
		return err
	}
	b, err := file.Bucket(bucketBlocks)
	if err != nil {
		return err
	}
	return b.Ascend(recordKey(from), visit)
}

// get reads one record.
func (s *segment) get(number uint64) (r record, err error) {
	found := false
	err = s.each(number, number, func(x record) bool {
		if found = x.number == number; found {
			r = x.clone()
		}
		return false
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: block %d is not in %s", errRecord, number, s.name())
	}
	return r, err
}

// committedTail reads the tail as bbolt has it now, synced or not: after a
// failed commit it tells whether the commit shows.
func (s *segment) committedTail() (t *tail, err error) {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.db == nil {
		return nil, errBroken
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errBroken, p)
		}
	}()
	err = s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketState))
		if b == nil {
			return errBroken
		}
		t, err = parseTail(b.Get([]byte(keyTail)))
		return err
	})
	return t, err
}

// seal closes bbolt's hold on the file. It waits for readers.
func (s *segment) seal() {
	s.use.Lock()
	defer s.use.Unlock()
	if s.db != nil {
		_ = s.db.Close() // every commit was synced: closing adds nothing
		s.db = nil
	}
}

// retire marks the segment as removed or replaced. It waits for readers.
func (s *segment) retire() {
	s.use.Lock()
	defer s.use.Unlock()
	s.gone = true
}

func seriesKey(id uint32) []byte { return binary.BigEndian.AppendUint32(nil, id) }
