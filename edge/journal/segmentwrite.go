package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
)

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
