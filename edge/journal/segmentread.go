package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"

	"frostline/edge/journal/boltfile"
)

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
	file, end, err := s.file()
	if err != nil {
		return err
	}
	defer end()
	b, err := file.Bucket(bucketBlocks)
	if err != nil {
		return err
	}
	return b.Ascend(recordKey(from), visit)
}

// file opens the segment for reading, until end is called.
func (s *segment) file() (file *boltfile.File, end func(), err error) {
	if s.beside {
		file, err = copySegment(s.path)
		return file, func() {}, err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, nil, err
	}
	end = func() { _ = f.Close() } // read only: nothing can get lost
	st, err := f.Stat()
	if err == nil {
		file, err = boltfile.Open(f, st.Size())
	}
	if err != nil {
		end()
		return nil, nil, err
	}
	return file, end, nil
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

// retire marks the segment as removed or replaced. It waits for readers.
func (s *segment) retire() {
	s.use.Lock()
	defer s.use.Unlock()
	s.gone = true
}
