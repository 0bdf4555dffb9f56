package boltfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// write makes a file with bbolt.
func write(t testing.TB, path string, commits []map[string][]byte) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: PageSize, NoFreelistSync: true, NoSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, c := range commits {
		err := db.Update(func(tx *bbolt.Tx) error {
			small, err := tx.CreateBucketIfNotExists([]byte("small"))
			if err != nil {
				return err
			}
			b, err := tx.CreateBucketIfNotExists([]byte("blocks"))
			if err != nil {
				return err
			}
			b.FillPercent = 1
			for k, v := range c {
				if err := b.Put([]byte(k), v); err != nil {
					return err
				}
			}
			return small.Put([]byte("n"), binary.BigEndian.AppendUint64(nil, uint64(len(c))))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func read(t testing.TB, path string) (*File, []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f, b
}

func genCommits(t *rapid.T) []map[string][]byte {
	value := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 300), rapid.SliceOfN(rapid.Byte(), 5000, 9000))
	key := rapid.Custom(func(t *rapid.T) string {
		return string(binary.BigEndian.AppendUint64(nil, rapid.Uint64Range(0, 2000).Draw(t, "key")))
	})
	return rapid.SliceOfN(rapid.MapOfN(key, value, 0, 120), 1, 5).Draw(t, "commits")
}

func TestReadsWhatBboltWrote(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(dir, "x.db")
		os.Remove(path)
		commits := genCommits(rt)
		write(t, path, commits)
		f, raw := read(t, path)
		if f.Torn {
			rt.Fatal("torn")
		}
		if err := f.Check(); err != nil {
			rt.Fatal(err)
		}
		want := map[string][]byte{}
		for _, c := range commits {
			for k, v := range c {
				want[k] = v
			}
		}
		b, err := f.Bucket("blocks")
		if err != nil {
			rt.Fatal(err)
		}
		n, last := 0, ""
		err = b.Ascend(nil, func(k, v []byte) bool {
			if string(k) <= last && n > 0 || !bytes.Equal(want[string(k)], v) {
				rt.Fatalf("key %x: %d bytes, want %d", k, len(v), len(want[string(k)]))
			}
			n, last = n+1, string(k)
			return true
		})
		if err != nil || n != len(want) {
			rt.Fatalf("%d pairs (%v), want %d", n, err, len(want))
		}
		from := binary.BigEndian.AppendUint64(nil, rapid.Uint64Range(0, 2100).Draw(rt, "from"))
		err = b.Ascend(from, func(k, _ []byte) bool {
			if bytes.Compare(k, from) < 0 {
				rt.Fatalf("key %x from %x on", k, from)
			}
			n--
			return true
		})
		for k := range want {
			if k < string(from) {
				n--
			}
			if v, err := b.Get([]byte(k)); err != nil || !bytes.Equal(v, want[k]) && len(v)+len(want[k]) > 0 {
				rt.Fatalf("get %x: %d bytes (%v)", k, len(v), err)
			}
		}
		if err != nil || n != 0 {
			rt.Fatalf("%d pairs too few from %x (%v)", n, from, err)
		}
		seen := map[string]bool{}
		if unread := Scan(bytes.NewReader(raw), int64(len(raw)), func(k, v []byte) {
			if w, ok := want[string(k)]; ok && bytes.Equal(w, v) {
				seen[string(k)] = true
			}
		}); unread != 0 || len(seen) != len(want) {
			rt.Fatalf("a scan found %d of %d pairs, and could not read %d pages", len(seen), len(want), unread)
		}
		small, err := f.Bucket("small")
		if err != nil {
			rt.Fatal(err)
		}
		if _, err := small.Get([]byte("none")); !errors.Is(err, ErrNotFound) {
			rt.Fatalf("get of no key: %v", err)
		}
		if _, err := f.Bucket("none"); !errors.Is(err, ErrNotFound) {
			rt.Fatalf("no bucket: %v", err)
		}
	})
}

// use reads a file in every way; nothing may panic or go on for ever.
func use(raw []byte) (checked bool) {
	Scan(bytes.NewReader(raw), int64(len(raw)), func(k, v []byte) { _ = len(k) + len(v) })
	f, err := Open(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return false
	}
	for _, name := range []string{"blocks", "small"} {
		if b, err := f.Bucket(name); err == nil {
			_ = b.Ascend(nil, func(k, v []byte) bool { return true })
			_, _ = b.Get([]byte("n"))
		}
	}
	return f.Check() == nil
}

// TestCheckedFilesAreSafeForBbolt damages files anywhere: what Check lets pass,
// bbolt must be able to open and to read.
func TestCheckedFilesAreSafeForBbolt(t *testing.T) {
	dir := t.TempDir()
	passed, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(dir, "x.db")
		os.Remove(path)
		write(t, path, genCommits(rt))
		_, raw := read(t, path)
		for range rapid.IntRange(1, 4).Draw(rt, "damages") {
			at := rapid.IntRange(0, len(raw)-1).Draw(rt, "at")
			if rapid.Bool().Draw(rt, "header") {
				at = at &^ (PageSize - 1) % len(raw)
				at += rapid.IntRange(0, 63).Draw(rt, "byte")
			}
			raw[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flip"))
		}
		if rapid.IntRange(0, 9).Draw(rt, "cut") == 0 {
			raw = raw[:rapid.IntRange(0, len(raw)).Draw(rt, "length")]
		}
		if !use(raw) {
			refused++
			return
		}
		passed++
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			rt.Fatal(err)
		}
		defer db.Close()
		err = db.Update(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error { return nil })
			})
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
	t.Logf("%d passed, %d refused", passed, refused)
}

func FuzzFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.db")
	write(f, path, []map[string][]byte{{"a": []byte("b"), "c": bytes.Repeat([]byte("d"), 5000)}})
	_, raw := read(f, path)
	f.Add(raw)
	f.Add(raw[:PageSize])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<20 {
			return
		}
		use(raw)
	})
}
