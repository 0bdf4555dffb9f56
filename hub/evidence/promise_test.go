package evidence_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/verify"
	"frostline/hub/store/storetest"
)

// opened is a bundle taken apart.
type opened struct {
	names []string
	files map[string][]byte
}

func open(t testing.TB, b []byte) *opened {
	t.Helper()
	files, err := bundle.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{files: map[string][]byte{}}
	for _, f := range files {
		data, err := io.ReadAll(f.Open())
		if err != nil {
			t.Fatal(err)
		}
		o.names = append(o.names, f.Name)
		o.files[f.Name] = data
	}
	return o
}

// pack is the bundle with a file changed, and hashes, checksums and sizes of
// the manifest set right, as somebody would who knows the format but has no key.
func (o *opened) pack(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var m bundle.ManifestRecord
	if err := json.Unmarshal(o.files[bundle.Manifest], &m); err != nil {
		t.Fatal(err)
	}
	for i := range m.Files {
		if m.Files[i].Name == name {
			m.Files[i].Size, m.Files[i].SHA256 = int64(len(data)), bundle.HexSHA256(data)
		}
	}
	manifest, err := bundle.Canonical(m)
	if err != nil {
		t.Fatal(err)
	}
	var parts []bundle.Part
	for _, n := range o.names {
		b := o.files[n]
		switch n {
		case bundle.Manifest:
			b = manifest
		case name:
			b = data
		}
		parts = append(parts, bundle.BytesPart(n, b))
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, parts); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// lines gives the lines of a file.
func (o *opened) lines(name string) []string {
	return strings.SplitAfter(strings.TrimSuffix(string(o.files[name]), "\n")+"\n", "\n")[:strings.Count(string(o.files[name]), "\n")]
}

// evidenceOf makes a bundle once for the tests that take it apart.
func evidenceOf(t testing.TB) (b []byte, key string) {
	t.Helper()
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	return h.bundleOf("S1"), h.ledger.Key()
}

// Promise 5: any edit of any byte is found.
func TestPromise5EveryByte(t *testing.T) {
	b, key := evidenceOf(t)
	if r := check(t, b, verify.Options{Key: key}); !r.Holds {
		t.Fatalf("untouched: %v", r.Problems)
	}
	rapid.Check(t, func(rt *rapid.T) {
		broken := bytes.Clone(b)
		at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
		broken[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "xor"))
		if r := check(t, broken, verify.Options{Key: key}); r.Holds || len(r.Problems) == 0 {
			rt.Fatalf("byte %d changed, and it holds", at)
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, len(b)-1).Draw(rt, "length")
		if r := check(t, b[:n], verify.Options{Key: key}); r.Holds {
			rt.Fatalf("cut to %d bytes, and it holds", n)
		}
	})
}

// Promise 5: what is edited, removed or moved is located, also when all hashes
// are set right afterwards.
func TestPromise5LocatesWhatWasChanged(t *testing.T) {
	b, key := evidenceOf(t)
	o := open(t, b)
	first := func(name string, data []byte) verify.Problem {
		t.Helper()
		r := check(t, o.pack(t, name, data), verify.Options{Key: key})
		if r.Holds {
			t.Fatalf("%s changed, and it holds", name)
		}
		return r.Problems[0]
	}
	drop := func(name string, i int) []byte {
		l := o.lines(name)
		return []byte(strings.Join(append(append([]string{}, l[:i]...), l[i+1:]...), ""))
	}
	events := o.lines(bundle.Events)
	for i, line := range events {
		var e struct {
			ID, Stream string
			Version    int64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if p := first(bundle.Events, drop(bundle.Events, i)); p.Stream != e.Stream || !strings.Contains(p.Detail, fmt.Sprintf("version %d of the stream was removed", e.Version)) {
			t.Errorf("event %d of %s removed: got %v", e.Version, e.Stream, p)
		}
		edited := strings.Replace(line, `"actor":"person/ann"`, `"actor":"person/bob"`, 1)
		if p := first(bundle.Events, []byte(strings.Replace(string(o.files[bundle.Events]), line, edited, 1))); p.Event != e.ID || p.Check != verify.EventIs || p.Line != i+1 {
			t.Errorf("event %s edited: got %v", e.ID, p)
		}
		if i > 0 {
			swapped := append([]string{}, events...)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			if p := first(bundle.Events, []byte(strings.Join(swapped, ""))); p.File != bundle.Events || p.Line < i {
				t.Errorf("events %d and %d swapped: got %v", i, i+1, p)
			}
		}
	}
	for i, line := range o.lines(bundle.Seals) {
		var s bundle.SealRecord
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		if p := first(bundle.Seals, drop(bundle.Seals, i)); p.Block != s.Number && !strings.Contains(p.Detail, fmt.Sprintf("van-1/1/%d was removed", s.Number)) {
			t.Errorf("seal of block %d removed: got %v", s.Number, p)
		}
		s.Seal[len(s.Seal)-1] ^= 1
		forged, err := bundle.Canonical(s)
		if err != nil {
			t.Fatal(err)
		}
		if p := first(bundle.Seals, []byte(strings.Replace(string(o.files[bundle.Seals]), line, string(forged)+"\n", 1))); p.Block != s.Number || p.Check != verify.SealIs || p.Gateway != "van-1" {
			t.Errorf("seal of block %d forged: got %v", s.Number, p)
		}
	}
	for i := range o.lines(bundle.Inclusion) {
		if p := first(bundle.Inclusion, drop(bundle.Inclusion, i)); !strings.Contains(p.Detail, "no proof") {
			t.Errorf("proof %d removed: got %v", i, p)
		}
	}
}

// Promise 5: a block that was removed, edited or moved is named, with the time
// of the last good reading before it, also by one who computes the chain anew.
func TestPromise5LocatesBlocks(t *testing.T) {
	b, key := evidenceOf(t)
	o := open(t, b)
	name := bundle.ChainName("van-1", 1)
	for _, c := range []struct {
		name   string
		change func(c *chainFile, i int)
		also   bool // the check values are set right
		exact  bool
	}{
		{"edited", func(c *chainFile, i int) { c.items[i].raw[len(c.items[i].raw)-1] ^= 1 }, false, true},
		{"edited and chained anew", func(c *chainFile, i int) { c.items[i].raw[len(c.items[i].raw)-1] ^= 1 }, true, false},
		{"removed", func(c *chainFile, i int) { c.items = append(c.items[:i], c.items[i+1:]...) }, false, true},
		{"removed and chained anew", func(c *chainFile, i int) { c.items = append(c.items[:i], c.items[i+1:]...) }, true, true},
		{"swapped", func(c *chainFile, i int) { c.items[i], c.items[i+1] = c.items[i+1], c.items[i] }, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				f := readChain(t, o.files[name])
				whole := f.whole()
				i := whole[rapid.IntRange(0, len(whole)-3).Draw(rt, "block")]
				number := f.items[i].number
				if !f.items[i+1].full {
					rt.Skip()
				}
				c.change(f, i)
				r := check(t, o.pack(t, name, f.write(c.also)), verify.Options{Key: key})
				if r.Holds {
					rt.Fatalf("block %d %s, and it holds", number, c.name)
				}
				p := r.Problems[0]
				if p.Gateway != "van-1" || p.Epoch != 1 || p.Check != verify.ChainIs || c.exact && p.Block != number || p.Block > number || max(p.To, p.Block) < number {
					rt.Fatalf("block %d %s: got %v", number, c.name, p)
				}
				if number > 160 && p.After == 0 && c.exact {
					rt.Fatalf("block %d %s: no time: %+v", number, c.name, p)
				}
			})
		})
	}
}
