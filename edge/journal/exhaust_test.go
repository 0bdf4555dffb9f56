package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"frostline/edge/journal/boltfile"
)

// fewBlocks is a journal of a few small blocks, in one segment, closed or, as it
// lies on the disk beside a running agent, open.
func fewBlocks(t *testing.T, blocks int) (dir string, last uint64, close func()) {
	t.Helper()
	dir = memory(t)
	j := open(t, dir, opts())
	f := newFeed(t, j, 2)
	for j.Tip().Last < uint64(blocks) {
		f.appendTo(t, j, 1)
	}
	return dir, j.Tip().Last, func() {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// beside copies a journal's directory, as it is.
func beside(t *testing.T, dir string) (copied string, segment string) {
	t.Helper()
	copied = filepath.Join(memory(t), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(copied, "*"+segmentSuffix))
	if err != nil || len(names) != 1 {
		t.Fatalf("segments %v, %v; want one", names, err)
	}
	return copied, names[0]
}

// TestPromise6EveryByteOfASegment flips a bit of every byte of a segment, of a
// journal that is open and of one that is closed: verify either finds it or, where
// the byte carries nothing, finds all that was there, exactly.
//
// There is one exception. Of the two meta pages the newer can be spoilt, and the
// file is then what it was before the last commit, as after a power cut: a sound
// journal that is one commit shorter. That it was longer the hub knows by seals
// and acknowledgements, and a file that was exported by its end.
func TestPromise6EveryByteOfASegment(t *testing.T) {
	original, _, end := fewBlocks(t, 8)
	for _, state := range []string{"open", "closed"} {
		if state == "closed" {
			end()
		}
		dir, name := beside(t, original)
		want := verify(t, dir)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		stride := 1
		if testing.Short() {
			stride = 13
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		found, idle, before := 0, 0, 0
		for i := 0; i < len(b); i += stride {
			if _, err := f.WriteAt([]byte{b[i] ^ 1<<(i%8)}, int64(i)); err != nil {
				t.Fatal(err)
			}
			got, err := Verify(dir)
			switch {
			case err != nil || got.Fault != nil:
				found++
			case reflect.DeepEqual(got, want):
				idle++
			case i < 2*boltfile.PageSize && shorter(got, want):
				before++
			default:
				t.Fatalf("%s, byte %d: nothing is wrong, and it is another journal: %+v, want %+v", state, i, got, want)
			}
			if _, err := f.WriteAt(b[i:i+1], int64(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if found == 0 || idle == 0 {
			t.Errorf("%d found, %d idle", found, idle)
		}
		t.Logf("%s: %d bytes, %d found, %d carry nothing, %d undo the last commit", state, len(b), found, idle, before)
	}
}

// shorter reports whether a journal is another one without its last commit.
func shorter(got, want *Report) bool {
	g, w := got.Epochs[0], want.Epochs[0]
	return g.First == w.First && g.Last+1 == w.Last && g.Blocks+1 == w.Blocks && g.Readings < w.Readings
}

// forge changes records of a segment as someone does who knows the format, and
// makes all checksums anew.
func forge(t *testing.T, name string, change func(b *bbolt.Bucket) error) {
	t.Helper()
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return change(tx.Bucket([]byte(bucketBlocks))) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPromise6EveryRecordOfALiveJournal edits each byte of each record, drops
// each, and swaps each two, with checksums made anew: verify names the block, or
// the next where the block itself is well formed and only the chain says that it
// is another.
func TestPromise6EveryRecordOfALiveJournal(t *testing.T) {
	original, last, _ := fewBlocks(t, 6)
	tries := 0
	check := func(what string, number uint64, change func(b *bbolt.Bucket) error) {
		t.Helper()
		tries++
		dir, name := beside(t, original)
		forge(t, name, change)
		r, err := Verify(dir)
		if err != nil {
			t.Fatal(err)
		}
		if f := r.Fault; f == nil || f.Number != number && f.Number != number+1 || !strings.HasPrefix(filepath.Base(name), strings.TrimSuffix(f.Segment, segmentSuffix)) {
			t.Fatalf("%s: got %v, want a fault at block %d or, by the chain, at the next", what, f, number)
		}
		if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
			t.Fatal(err)
		}
	}
	at := func(b *bbolt.Bucket, number uint64) (record, error) {
		r, err := parseRecord(1, recordKey(number), b.Get(recordKey(number)))
		return r.clone(), err
	}
	for number := uint64(1); number <= last; number++ {
		size := 0
		_, name := beside(t, original)
		forge(t, name, func(b *bbolt.Bucket) error { size = len(b.Get(recordKey(number))); return nil })
		stride := 1
		if testing.Short() {
			stride = 9
		}
		for i := 0; i < size; i += stride {
			check(fmt.Sprintf("byte %d of block %d", i, number), number, func(b *bbolt.Bucket) error {
				v := append([]byte(nil), b.Get(recordKey(number))...)
				v[i] ^= 1 << (i % 8)
				if i >= 32 && i < 36 { // the checksum itself
					return b.Put(recordKey(number), v)
				}
				sum := recordSum(1, number, v)
				v[32], v[33], v[34], v[35] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
				return b.Put(recordKey(number), v)
			})
		}
		check(fmt.Sprint("drop of block ", number), number, func(b *bbolt.Bucket) error { return b.Delete(recordKey(number)) })
		for other := number + 1; other <= last; other++ {
			check(fmt.Sprintf("blocks %d and %d swapped", number, other), number, func(b *bbolt.Bucket) error {
				x, err := at(b, number)
				if err != nil {
					return err
				}
				y, err := at(b, other)
				if err != nil {
					return err
				}
				x.number, y.number = other, number
				if err := b.Put(recordKey(other), x.encode(1)); err != nil {
					return err
				}
				return b.Put(recordKey(number), y.encode(1))
			})
		}
	}
	t.Logf("%d changes to %d blocks", tries, last)
}
