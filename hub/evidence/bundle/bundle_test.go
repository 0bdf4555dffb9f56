package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"frostline/proto/chain"
)

func write(t testing.TB, parts ...Part) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, parts); err != nil {
		t.Fatal(err)
	}
	if int64(out.Len()) != Size(parts) {
		t.Fatalf("wrote %d bytes, Size says %d", out.Len(), Size(parts))
	}
	return out.Bytes()
}

func read(b []byte) ([]*File, error) { return Read(bytes.NewReader(b), int64(len(b))) }

func sample(t testing.TB) []byte {
	return write(t, BytesPart("a.txt", []byte("one")), BytesPart("b/c", nil), BytesPart("b/d", []byte("three\n")))
}

// TestAnyZipToolReads what Write makes.
func TestAnyZipToolReads(t *testing.T) {
	b := sample(t)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"one", "", "three\n"} {
		f, err := z.File[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); string(got) != want || err != nil {
			t.Errorf("%s: got %q %v", z.File[i].Name, got, err)
		}
	}
}

// TestEveryHeaderByteIsFixed: no byte outside of the files' own can be changed.
func TestEveryHeaderByteIsFixed(t *testing.T) {
	b := sample(t)
	files, err := read(b)
	if err != nil || len(files) != 3 {
		t.Fatalf("%v %v", files, err)
	}
	for i := range b {
		for _, bit := range []byte{1, 0x80, 0xff} {
			broken := bytes.Clone(b)
			broken[i] ^= bit
			got, err := read(broken)
			if err != nil {
				continue
			}
			changed := false // in the bytes of a file, or in its checksum, which the verifier compares
			for k, f := range got {
				x, _ := f.Bytes()
				y, _ := files[k].Bytes()
				changed = changed || !bytes.Equal(x, y) || f.CRC != files[k].CRC
			}
			if !changed {
				t.Fatalf("byte %d changed by %#x, and nothing shows", i, bit)
			}
		}
	}
	for _, bad := range [][]byte{b[:len(b)-1], append(bytes.Clone(b), 0), append([]byte{0}, b...), nil, []byte("PK")} {
		if _, err := read(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: got %v", len(bad), err)
		}
	}
}

// TestTricks are what zip files are known for.
func TestTricks(t *testing.T) {
	local := func(name string, size uint32) []byte {
		f := &File{Name: name, Size: int64(size)}
		return f.local()
	}
	for name, b := range map[string][]byte{
		"path upwards":       append(local("../../etc/passwd", 0), tail([]*File{{Name: "../../etc/passwd"}}, 46)...),
		"absolute path":      local("/etc/passwd", 0),
		"hidden part":        local("a/../b", 0),
		"backslash":          local(`a\b`, 0),
		"NUL":                local("a\x00b", 0),
		"size beyond end":    local("a", 1<<31),
		"name beyond end":    append(local("a", 0)[:26], 0xff, 0xff, 0, 0),
		"zip64":              local("a", 0xffffffff),
		"two of one name":    append(local("a", 0), local("a", 0)...),
		"out of order":       append(local("b", 0), local("a", 0)...),
		"many parts of path": local("a/b/c/d/e", 0),
		"empty":              tail(nil, 0)[:10],
	} {
		if _, err := read(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// A deflated file, as other tools write it.
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, _ := z.Create("a")
	w.Write(make([]byte, 1<<20))
	z.Close()
	if _, err := read(out.Bytes()); !errors.Is(err, ErrMalformed) {
		t.Errorf("deflated: got %v", err)
	}
	if _, err := Read(bytes.NewReader(nil), MaxBytes+1); !errors.Is(err, ErrMalformed) {
		t.Error("too large is taken")
	}
	if err := Write(io.Discard, []Part{BytesPart("b", nil), BytesPart("a", nil)}); err == nil {
		t.Error("parts out of order are written")
	}
}

func TestWriteFails(t *testing.T) {
	p := BytesPart("a", []byte("abc"))
	p.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abd")), nil }
	if err := Write(io.Discard, []Part{p}); err == nil {
		t.Error("a part that is not what was announced is written")
	}
	p.Open = func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(errors.New("disk"))), nil }
	if err := Write(io.Discard, []Part{p}); err == nil {
		t.Error("an error of reading is swallowed")
	}
}

func chainBytes(t testing.TB, blocks int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewChainWriter(&out, "van-1", 3)
	if err == nil {
		err = w.Begin(1, chain.Genesis("van-1", 3))
	}
	for i := range blocks {
		if err == nil {
			err = w.Block([]byte{8, byte(i + 1)}, i%2 == 0)
		}
	}
	if err == nil {
		_, err = w.End()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var nothing = Walk{Begin: func(uint64, chain.Head) error { return nil }, Block: func(Link) error { return nil }, End: func(uint64, chain.Head) error { return nil }}

func TestChainRoundTrip(t *testing.T) {
	var got []Link
	walk := nothing
	walk.Block = func(l Link) error { l.Raw = bytes.Clone(l.Raw); got = append(got, l); return nil }
	if err := ReadChain(bytes.NewReader(chainBytes(t, 5)), "van-1", 3, walk); err != nil || len(got) != 5 {
		t.Fatalf("%v %v", got, err)
	}
	head := chain.Genesis("van-1", 3)
	for i, l := range got {
		head = chain.Next(head, []byte{8, byte(i + 1)})
		if l.Head != head || (l.Raw != nil) != (i%2 == 0) {
			t.Errorf("block %d: %+v", i+1, l)
		}
	}
	if err := ReadChain(bytes.NewReader(chainBytes(t, 5)), "van-2", 3, nothing); err == nil {
		t.Error("it is taken for another gateway's")
	}
	if err := ReadChain(bytes.NewReader(append(chainBytes(t, 5), 0)), "van-1", 3, nothing); err == nil {
		t.Error("bytes after the end are taken")
	}
}

// TestChainLength: no length is believed.
func TestChainLength(t *testing.T) {
	head := chain.Genesis("van-1", 3)
	b := append([]byte(chainHeader("van-1", 3)), 'S')
	b = append(binary.BigEndian.AppendUint64(b, 1), head[:]...)
	b = append(b, 'B', 0xff, 0xff, 0xff, 0xff)
	if err := ReadChain(bytes.NewReader(b), "van-1", 3, nothing); err == nil {
		t.Error("a block of 4 GiB is taken")
	}
}

func TestDecodeWantsCanonicalJSON(t *testing.T) {
	for _, bad := range []string{`{"seal":"","epoch":1}`, `{ "epoch":1}`, `{"epoch":1,"more":2}`, `{"epoch":1}x`, `{"epoch":1.0}`, `{"epoch":-1}`, ``, `null `, `[]`, `{"epoch":1,"epoch":1}`} {
		var s SealRecord
		if err := Decode([]byte(bad), &s); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add(write(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := read(b)
		if err != nil {
			return
		}
		var parts []Part
		for _, x := range files {
			data, err := x.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			p := BytesPart(x.Name, data)
			if p.CRC != x.CRC {
				return // the verifier's to find
			}
			parts = append(parts, p)
		}
		if !bytes.Equal(write(t, parts...), b) {
			t.Fatalf("%x reads and does not write", b)
		}
	})
}

func FuzzChain(f *testing.F) {
	f.Add(chainBytes(f, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = ReadChain(bytes.NewReader(b), "van-1", 3, nothing)
		_ = ReadChain(io.MultiReader(strings.NewReader(chainHeader("van-1", 3)), bytes.NewReader(b)), "van-1", 3, nothing)
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"bundle":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m ManifestRecord
		if Decode(b, &m) != nil {
			return
		}
		if _, err := Canonical(m); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[a-z]{0,5}`)).Draw(t, "lines")
		text := ""
		for _, l := range lines {
			text += l + "\n"
		}
		f := &File{Size: int64(len(text)), data: strings.NewReader(strings.Repeat("x", localSize) + text)}
		n := 0
		if err := f.Lines(func(number int, line []byte) error {
			if number != n+1 || string(line) != lines[n] {
				t.Fatalf("line %d: %q", number, line)
			}
			n++
			return nil
		}); err != nil || n != len(lines) {
			t.Fatal(n, err)
		}
	})
}
