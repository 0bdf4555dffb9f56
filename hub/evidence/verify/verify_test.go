package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"frostline/hub/evidence/bundle"
	"frostline/proto/thermal"
)

// fixture is a bundle of the present format. The tests of package evidence
// write it anew with FROSTLINE_UPDATE set.
func fixture(t testing.TB) (b []byte, key string) {
	t.Helper()
	return written(t, bundle.Version)
}

// written is a bundle of a format, as it was written when that was the present one.
func written(t testing.TB, format int) (b []byte, key string) {
	t.Helper()
	name := fmt.Sprint("testdata/bundle-", format)
	b, err := os.ReadFile(name + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	k, err := os.ReadFile(name + ".key")
	if err != nil {
		t.Fatal(err)
	}
	return b, strings.TrimSpace(string(k))
}

func verified(t testing.TB, b []byte, o Options) *Report {
	t.Helper()
	r, err := Bundle(context.Background(), bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Holds != (len(r.Problems) == 0) {
		t.Fatalf("holds is %t with problems %v", r.Holds, r.Problems)
	}
	return r
}

// TestOldFormats opens a bundle of each format.
func TestOldFormats(t *testing.T) {
	for format := bundle.Oldest; format <= bundle.Version; format++ {
		b, key := written(t, format)
		r := verified(t, b, Options{Key: key})
		if r.Engine != thermal.EngineVersion {
			t.Skipf("the fixture was judged by engine %s: write it anew", r.Engine)
		}
		if !r.Holds || len(r.Verdicts) != 1 {
			t.Errorf("format %d: %v", format, r.Problems)
		}
	}
}

func TestCancelled(t *testing.T) {
	b, key := fixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := Bundle(ctx, bytes.NewReader(b), int64(len(b)), Options{Key: key}); err == nil {
		t.Errorf("got %+v", r)
	}
}

func TestNothing(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("PK"), []byte(strings.Repeat("x", 1000))} {
		if r := verified(t, b, Options{}); r.Holds || r.Problems[0].Check != Container {
			t.Errorf("%d bytes: %+v", len(b), r)
		}
	}
}

// repack is a bundle with some of its files replaced, and its manifest set
// right; files that are nil are left out.
func repack(t testing.TB, b []byte, change map[string][]byte) []byte {
	t.Helper()
	files, err := bundle.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	data := map[string][]byte{}
	for _, f := range files {
		if data[f.Name], err = f.Bytes(); err != nil {
			t.Fatal(err)
		}
	}
	var m bundle.ManifestRecord
	if err := json.Unmarshal(data[bundle.Manifest], &m); err != nil {
		t.Fatal(err)
	}
	for i := range m.Files {
		if x, ok := change[m.Files[i].Name]; ok {
			m.Files[i].SHA256, m.Files[i].Size = bundle.HexSHA256(x), int64(len(x))
		}
	}
	if data[bundle.Manifest], err = bundle.Canonical(m); err != nil {
		t.Fatal(err)
	}
	var parts []bundle.Part
	for _, f := range files {
		x, ok := change[f.Name]
		if !ok {
			x = data[f.Name]
		} else if x == nil {
			continue
		}
		parts = append(parts, bundle.BytesPart(f.Name, x))
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, parts); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestFilesRemoved: each is missed.
func TestFilesRemoved(t *testing.T) {
	b, key := fixture(t)
	files, err := bundle.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if r := verified(t, repack(t, b, map[string][]byte{f.Name: nil}), Options{Key: key}); r.Holds || r.Problems[0].File != f.Name {
			t.Errorf("without %s: %v", f.Name, r.Problems)
		}
	}
}

// FuzzBundle replaces a file of a real bundle, with all hashes set right:
// nothing but the file itself is taken, and nothing makes it panic.
func FuzzBundle(f *testing.F) {
	b, key := fixture(f)
	files, err := bundle.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		f.Fatal(err)
	}
	for i, x := range files {
		data, err := x.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		file := files[int(which)%len(files)]
		was, err := file.Bytes()
		if err != nil || data == nil {
			return
		}
		r := verified(t, repack(t, b, map[string][]byte{file.Name: data}), Options{Key: key})
		if r.Holds && !bytes.Equal(was, data) {
			t.Fatalf("%s was replaced by %q, and it holds", file.Name, data)
		}
	})
}

// FuzzBytes takes anything at all for a bundle.
func FuzzBytes(f *testing.F) {
	b, key := fixture(f)
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		if r := verified(t, data, Options{Key: key}); r.Holds && !bytes.Equal(data, b) {
			t.Fatalf("%d other bytes hold", len(data))
		}
	})
}
