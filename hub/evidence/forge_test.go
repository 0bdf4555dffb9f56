package evidence_test

import (
	"bytes"
	"compress/zlib"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/verify"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// forgery is a bundle that was changed, and how.
type forgery struct {
	what string
	b    []byte
}

// forger makes forgeries of a bundle, as somebody would who knows the format
// and has no key: all hashes are set right afterwards.
type forger struct {
	t   testing.TB
	b   []byte
	o   *opened
	rng *rand.Rand
	all []forgery
}

func (f *forger) add(b []byte, format string, a ...any) {
	f.all = append(f.all, forgery{fmt.Sprintf(format, a...), b})
}

// file changes a file.
func (f *forger) file(name string, data []byte, format string, a ...any) {
	f.add(f.o.pack(f.t, name, data), name+": "+format, a...)
}

// forge makes a systematic table of forgeries.
func forge(t testing.TB, b []byte, rng *rand.Rand) []forgery {
	f := &forger{t: t, b: b, o: open(t, b), rng: rng}
	f.container()
	for _, name := range f.o.names {
		f.bytes(name)
		switch {
		case strings.HasSuffix(name, ".jsonl"):
			f.lines(name)
		case strings.HasPrefix(name, bundle.ChainPrefix):
			f.chain(name)
		}
	}
	f.manifest()
	f.notes()
	f.seals()
	return f.all
}

func (f *forger) container() {
	for range 30 {
		broken := bytes.Clone(f.b)
		at := f.rng.IntN(len(broken))
		broken[at] ^= 1 << f.rng.IntN(8)
		f.add(broken, "bit of byte %d", at)
	}
	directory := bytes.LastIndex(f.b, []byte("PK\x01\x02"))
	for _, n := range []int{0, 1, 3, 4, 29, 30, 40, len(f.b) / 2, directory, directory + 7, len(f.b) - 22, len(f.b) - 1} {
		f.add(f.b[:n], "cut to %d bytes", n)
	}
	f.add(append(bytes.Clone(f.b), 0), "one byte more")
	f.add(append(bytes.Clone(f.b), f.b...), "twice")
	f.add(append([]byte("#!/bin/sh\n"), f.b...), "something before it")
	for i := range f.o.names {
		f.add(f.repack(func(names []string) []string { return slices.Delete(names, i, i+1) }), "without %s", f.o.names[i])
	}
	f.o.files["chains/other/1"] = f.o.files[bundle.Seals]
	f.o.files["events.jsonl.bak"] = f.o.files[bundle.Events]
	for _, extra := range []string{"chains/other/1", "events.jsonl.bak"} {
		f.add(f.repack(func(names []string) []string { n := append(names, extra); slices.Sort(n); return n }), "with %s", extra)
	}
	delete(f.o.files, "chains/other/1")
	delete(f.o.files, "events.jsonl.bak")
	for _, name := range []string{"../../etc/passwd", "/etc/passwd", "C:\\x", "a//b", "events.jsonl\x00", strings.Repeat("x", 300)} {
		b := bytes.Clone(f.b)
		at := bytes.Index(b, []byte("README.txt"))
		binary.LittleEndian.PutUint16(b[at-4:], uint16(len(name)))
		f.add(append(append(bytes.Clone(b[:at]), name...), b[at+10:]...), "file named %q", name)
	}
	for _, size := range []uint32{0, 1, 1 << 31, 1<<32 - 1} { // of the first file, and how many there are
		b := bytes.Clone(f.b)
		binary.LittleEndian.PutUint32(b[18:], size)
		binary.LittleEndian.PutUint32(b[22:], size)
		f.add(b, "first file said to have %d bytes", size)
		b = bytes.Clone(f.b)
		binary.LittleEndian.PutUint16(b[len(b)-12:], uint16(size))
		f.add(b, "said to have %d files", uint16(size))
	}
}

// repack writes the bundle with other files, and the manifest as it was.
func (f *forger) repack(change func([]string) []string) []byte {
	var parts []bundle.Part
	for _, n := range change(slices.Clone(f.o.names)) {
		parts = append(parts, bundle.BytesPart(n, f.o.files[n]))
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, parts); err != nil {
		f.t.Fatal(err)
	}
	return out.Bytes()
}

// bytes changes a file as if it had no form.
func (f *forger) bytes(name string) {
	data := f.o.files[name]
	for range 12 {
		b := bytes.Clone(data)
		at := f.rng.IntN(len(b))
		b[at] ^= 1 << f.rng.IntN(8)
		f.file(name, b, "bit of byte %d", at)
	}
	f.file(name, nil, "emptied")
	f.file(name, data[:len(data)/2], "cut in half")
	f.file(name, data[:len(data)-1], "without its last byte")
	f.file(name, append(bytes.Clone(data), '\n'), "with a line feed more")
	f.file(name, append(bytes.Clone(data), data...), "twice")
	f.file(name, []byte(strings.Repeat("[", 100_000)), "very deep")
	f.file(name, []byte("{\"data\":"+strings.Repeat("9", 10_000)+"}\n"), "a very long number")
	f.file(name, []byte("{\"id\":\"\xff\xfe\"}\n"), "not UTF-8")
	f.file(name, []byte("{\"id\":\"\\ud800\",\"id\":\"x\"}\n"), "half a character, twice")
}

func (f *forger) lines(name string) {
	lines := f.o.lines(name)
	join := func(l []string) []byte { return []byte(strings.Join(l, "")) }
	for i := range lines {
		f.file(name, join(slices.Delete(slices.Clone(lines), i, i+1)), "line %d removed", i+1)
		f.file(name, join(slices.Insert(slices.Clone(lines), i, lines[i])), "line %d twice", i+1)
		if i > 0 {
			l := slices.Clone(lines)
			l[i-1], l[i] = l[i], l[i-1]
			f.file(name, join(l), "lines %d and %d swapped", i, i+1)
		}
		for range 3 {
			l := slices.Clone(lines)
			var how string
			l[i], how = f.edit(l[i])
			f.file(name, join(l), "line %d: %s", i+1, how)
		}
		l := slices.Clone(lines)
		l[i] = strings.Replace(l[i], ":", ": ", 1)
		f.file(name, join(l), "line %d not canonical", i+1)
	}
	l := slices.Clone(lines)
	slices.Reverse(l)
	f.file(name, join(l), "reversed")
}

// edit changes something in a line of JSON, and writes it canonically again.
func (f *forger) edit(line string) (edited, how string) {
	var v any
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		f.t.Fatal(err)
	}
	var leaves []func() string
	var visit func(path string, v any, set func(any))
	visit = func(path string, v any, set func(any)) {
		leaf := func(to any) {
			leaves = append(leaves, func() string { set(to); return fmt.Sprintf("%s is %.60v", path, to) })
		}
		switch x := v.(type) {
		case map[string]any:
			for _, n := range slices.Sorted(func(yield func(string) bool) {
				for n := range x {
					if !yield(n) {
						return
					}
				}
			}) {
				visit(path+"/"+n, x[n], func(to any) { x[n] = to })
				leaves = append(leaves, func() string { delete(x, n); return path + "/" + n + " removed" })
			}
			leaves = append(leaves, func() string { x["zzz"] = 1; return path + " with a field more" })
		case []any:
			for i := range x {
				visit(fmt.Sprint(path, "/", i), x[i], func(to any) { x[i] = to })
			}
			leaf(nil)
			leaf(append(slices.Clone(x), "x"))
		case string:
			leaf(x + "x")
			leaf("")
			leaf(nil)
			leaf(strings.ToUpper(x))
			if b, err := base64.StdEncoding.DecodeString(x); err == nil && len(b) > 0 {
				b[f.rng.IntN(len(b))] ^= 1 << f.rng.IntN(8)
				leaf(base64.StdEncoding.EncodeToString(b))
			}
		case json.Number:
			for _, n := range []string{"0", "1", "-1", "9007199254740992", "9007199254740993", "1.5", "1e+30"} {
				leaf(json.Number(n))
			}
			if n, err := x.Int64(); err == nil {
				leaf(json.Number(fmt.Sprint(n + 1)))
			}
		case bool:
			leaf(!x)
			leaf(json.Number("1"))
		}
	}
	visit("", v, func(any) {})
	how = leaves[f.rng.IntN(len(leaves))]()
	b, err := json.Marshal(v)
	if err == nil {
		if c, err := bundle.Canonical(json.RawMessage(b)); err == nil && f.rng.IntN(8) > 0 {
			b = c
		}
	}
	return string(b) + "\n", how
}

func (f *forger) manifest() {
	for range 60 {
		edited, how := f.edit(string(f.o.files[bundle.Manifest]))
		f.o.files["x"] = f.o.files[bundle.Manifest]
		f.o.files[bundle.Manifest] = []byte(strings.TrimSuffix(edited, "\n"))
		f.add(f.repack(func(n []string) []string { return n }), "manifest: %s", how)
		f.o.files[bundle.Manifest] = f.o.files["x"]
		delete(f.o.files, "x")
	}
}

func (f *forger) notes() {
	for _, name := range []string{bundle.FirstNote, bundle.LastNote, bundle.ManifestSig} {
		note := string(f.o.files[name])
		signature := note[strings.Index(note, "\n\n")+2:]
		f.file(name, []byte(note+signature), "signed twice")
		f.file(name, []byte(strings.Replace(note, signature, "", 1)), "not signed")
		f.file(name, []byte(note+"— other AAAAAAAAAAAAAAAA\n"), "with another's line")
		f.file(name, []byte(note+"— other AAAAAAAAAAAAAAAA\n— other AAAAAAAAAAAAAAAA\n— b\u00a0c AAAAAAAAAAAA\n"), "with a line of no name")
		f.file(name, []byte(note+strings.Repeat("— other AAAAAAAAAAAAAAAA\n", 101)), "with a hundred lines")
		f.file(name, []byte("x"+note), "with another text")
		f.file(name, []byte(strings.Replace(note, "\n\n", "\nmore\n\n", 1)), "with a line of text more")
		f.file(name, []byte(strings.ReplaceAll(note, "— ", "- ")), "with another dash")
		f.file(name, []byte(strings.Replace(note, " ", "\r ", 1)), "with a control character")
	}
	f.file(bundle.LastNote, f.o.files[bundle.FirstNote], "the first")
	f.file(bundle.FirstNote, f.o.files[bundle.LastNote], "the last")
	f.file(bundle.LastNote, f.o.files[bundle.ManifestSig], "the manifest's")
	f.file(bundle.Consistency, []byte(`{"from":0,"proof":[],"to":0}`), "of nothing")
}

// seals are signed anew by somebody else's key.
func (f *forger) seals() {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	public := private.Public().(ed25519.PublicKey)
	lines := f.o.lines(bundle.Seals)
	for i, line := range lines {
		var s bundle.SealRecord
		var m pb.Seal
		if json.Unmarshal([]byte(line), &s) != nil || proto.Unmarshal(s.Seal, &m) != nil {
			f.t.Fatal("seal cannot be read")
		}
		if err := chain.Sign(s.Gateway, &m, private); err != nil {
			f.t.Fatal(err)
		}
		s.Seal, _ = proto.Marshal(&m)
		forged, err := bundle.Canonical(s)
		if err != nil {
			f.t.Fatal(err)
		}
		l := slices.Clone(lines)
		l[i] = string(forged) + "\n"
		f.file(bundle.Seals, []byte(strings.Join(l, "")), "line %d signed by another", i+1)
	}
	f.file(bundle.Keys, append(bytes.Clone(f.o.files[bundle.Keys]), fmt.Sprintf(`{"from":1,"gateway":"van-1","id":"%x","public":"%s","use":"seal"}`+"\n",
		chain.KeyID(public), base64.StdEncoding.EncodeToString(public))...), "another key")
}

// chain changes a chain file, with its check values right or not.
func (f *forger) chain(name string) {
	data := f.o.files[name]
	for range 80 {
		b := bytes.Clone(data)
		at := f.rng.IntN(len(b))
		b[at] ^= 1 << f.rng.IntN(8)
		f.file(name, b, "bit of byte %d", at)
		f.file(name, data[:at], "cut to %d bytes", at)
	}
	f.file(name, append(bytes.Clone(data), 'S'), "another segment begins")
	f.file(name, append(bytes.Clone(data), data[bytes.IndexByte(data, 'S'):]...), "all segments twice")
	f.file(name, zipped(data), "compressed")
	f.file(name, append(bytes.Clone(data), make([]byte, 1<<20)...), "with zeros after its end")
	if name != bundle.ChainName("van-1", 1) {
		return
	}
	for range 40 {
		c := readChain(f.t, data)
		i := f.rng.IntN(len(c.items) - 1)
		it := &c.items[i]
		what := ""
		switch f.rng.IntN(6) {
		case 0:
			what, c.items = "removed", slices.Delete(c.items, i, i+1)
			if it.first && i < len(c.items) {
				c.items[i].first = true
			}
		case 1:
			what, c.items = "twice", slices.Insert(c.items, i, *it)
		case 2:
			c.items[i], c.items[i+1] = c.items[i+1], c.items[i]
			what = "swapped with the next"
		case 3:
			it.raw[f.rng.IntN(len(it.raw))] ^= 1 << f.rng.IntN(8)
			what = "with another bit"
		case 4:
			if what = "with another reading"; it.full {
				it.raw = another(f.t, it.raw)
			}
		case 5:
			what, it.first = "the first of a segment", true
		}
		for _, also := range []bool{false, true} {
			f.file(name, c.write(also), "block %d %s, chained anew: %t", it.number, what, also)
		}
	}
}

// another is a block with a reading that says something else.
func another(t testing.TB, raw []byte) []byte {
	b, err := block.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Readings {
		b.Readings[i].Value += 1000
	}
	out, err := b.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// Promise 5: whatever is forged, neither verifier takes it, and both name the
// same as the first thing that does not hold.
func TestPromise5BothFindForgeries(t *testing.T) {
	b, key := evidenceOf(t)
	s := newSecond(t)
	first := map[verify.Check]int{}
	for _, f := range forge(t, b, rand.New(rand.NewPCG(5, 5))) {
		r := s.check(f.what, f.b, verify.Options{Key: key})
		if r.Holds != bytes.Equal(f.b, b) {
			t.Errorf("%s: it holds: %t", f.what, r.Holds)
		}
		if !r.Holds {
			first[r.Problems[0].Check]++
		}
	}
	t.Logf("%d forgeries, by what was told first: %v", s.runs, first)
	for _, c := range []verify.Check{verify.Container, verify.ManifestIs, verify.Checkpoint, verify.Consistency, verify.Inclusion, verify.KeyIs, verify.EventIs, verify.StreamIs, verify.SealIs, verify.ChainIs, verify.FileIs} {
		if first[c] == 0 {
			t.Errorf("no forgery was found by %s first: the table misses it", c)
		}
	}
}
