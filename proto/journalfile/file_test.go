package journalfile

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

func testKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// chainOf makes n blocks of an epoch.
func chainOf(gateway string, epoch uint32, n int) (raws [][]byte, heads []chain.Head) {
	rng := rand.New(rand.NewPCG(uint64(epoch), uint64(n)))
	heads = []chain.Head{chain.Genesis(gateway, epoch)}
	before := uint64(0)
	for i := range n {
		b := &block.Block{Number: uint64(i + 1), Before: before, Boot: 1}
		for s := range 3 {
			b.Readings = append(b.Readings, reading.Reading{Series: uint32(s), Tick: int64(1000 * (i + 1)), Value: 4000 + rng.Int64N(500)})
		}
		if i%50 == 0 {
			raw, err := block.EncodeEvent(&pb.Event{AtMs: int64(i), Kind: &pb.Event_Fault{Fault: &pb.Fault{Part: "journal", Detail: "a <test>"}}})
			if err != nil {
				panic(err)
			}
			b.Events = [][]byte{raw}
		}
		raw, err := b.AppendTo(nil)
		if err != nil {
			panic(err)
		}
		raws, heads, before = append(raws, raw), append(heads, chain.Next(heads[i], raw)), b.After()
	}
	return raws, heads
}

// sample is a file of two epochs with an absence and several seals.
func sample(t testing.TB, key ed25519.PrivateKey) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, "van-1", "test", key)
	if err != nil {
		t.Fatal(err)
	}
	raws, heads := chainOf("van-1", 1, 140)
	for i := 100; i < 140; i++ {
		if i == 100 {
			err = w.Absent(1, 1, 100, "acknowledged by the hub")
		}
		err = errors.Join(err, w.Block(1, heads[i], raws[i]))
	}
	raws, heads = chainOf("van-1", 2, 300)
	for i := range raws {
		if i == 279 {
			err = errors.Join(err, w.Absent(2, 280, 284, "damaged"))
		}
		if i < 279 || i >= 284 {
			err = errors.Join(err, w.Block(2, heads[i], raws[i]))
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// drain reads a file to its end.
func drain(r *Reader) (items int, err error) {
	for {
		_, err = r.Next()
		if err == io.EOF {
			return items, nil
		}
		if err != nil {
			return items, err
		}
		items++
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	file := sample(t, testKey("van-1"))
	r := NewReader(bytes.NewReader(file))
	var blocks, seals int
	next := map[uint32]uint64{1: 101, 2: 1}
	for {
		item, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case item.Block != nil:
			blocks++
			if item.Block.Number != next[item.Block.Epoch] {
				t.Fatalf("block %d of epoch %d, want %d", item.Block.Number, item.Block.Epoch, next[item.Block.Epoch])
			}
			next[item.Block.Epoch]++
		case item.Absence != nil && item.Absence.Epoch == 2:
			next[2] = 285
		case item.Seal != nil:
			seals++
		}
	}
	if blocks != 335 || seals != 4 || r.Broken() != nil || r.Bytes() != uint64(len(file)) {
		t.Errorf("got %d blocks, %d seals, broken %v, %d bytes; want 335, 4, none, %d", blocks, seals, r.Broken(), r.Bytes(), len(file))
	}
}

// lineBlock is the block that a line holds, 0 where it holds none.
func lineBlock(line []byte) uint64 {
	r := NewReader(bytes.NewReader(nil))
	var l Block
	_, text, _ := bytes.Cut(line, []byte(" "))
	if !bytes.Contains(text, []byte(`"kind":"block"`)) || r.parse(bytes.TrimSuffix(text, []byte("\n")), &l) != nil {
		return 0
	}
	return l.Number
}

// TestEveryChangeIsLocated edits, drops, doubles and swaps every line, and cuts
// the file at each: the reader names the first line that is not as it was.
func TestEveryChangeIsLocated(t *testing.T) {
	file := sample(t, testKey("van-1"))
	lines := bytes.SplitAfter(file, []byte("\n"))
	lines = lines[:len(lines)-1]
	rng := rand.New(rand.NewPCG(4, 4))
	check := func(what string, at int, changed []byte) {
		t.Helper()
		n, err := drain(NewReader(bytes.NewReader(changed)))
		var f *Fault
		if !errors.As(err, &f) || f.Line != uint64(at+1) || n != at {
			t.Fatalf("%s line %d: read %d lines, %v; want a fault there", what, at+1, n, err)
		}
		if want := lineBlock(lines[min(at, len(lines)-1)]); want > 0 && f.Number != want {
			t.Fatalf("%s line %d: %v; want block %d", what, at+1, f, want)
		}
	}
	for i, line := range lines {
		for range 3 {
			edited := slices.Clone(line)
			at := rng.IntN(len(edited))
			edited[at] ^= byte(1 + rng.IntN(255))
			check("edit", i, slices.Concat(slices.Concat(lines[:i]...), edited, slices.Concat(lines[i+1:]...)))
		}
		check("drop", i, slices.Concat(slices.Concat(lines[:i]...), slices.Concat(lines[i+1:]...)))
		check("cut at", i, slices.Concat(lines[:i]...))
		check("cut in", i, slices.Concat(slices.Concat(lines[:i]...), line[:len(line)/2]))
		if i+1 < len(lines) {
			check("swap", i, slices.Concat(slices.Concat(lines[:i]...), lines[i+1], line, slices.Concat(lines[i+2:]...)))
		}
		double := slices.Concat(slices.Concat(lines[:i+1]...), line, slices.Concat(lines[i+1:]...))
		if n, err := drain(NewReader(bytes.NewReader(double))); err == nil || n != i+1 {
			t.Fatalf("line %d doubled: read %d lines, %v; want a fault at the second", i+1, n, err)
		}
	}
}

// resum gives all lines sums that fit.
func resum(lines []string) []byte {
	var out strings.Builder
	var s sum
	for _, l := range lines {
		_, text, _ := strings.Cut(l, " ")
		s = s.next([]byte(text))
		out.WriteString(s.short() + " " + text + "\n")
	}
	return []byte(out.String())
}

// TestSumsMadeAnewDoNotHelp is the forger who knows the format and has no key.
func TestSumsMadeAnewDoNotHelp(t *testing.T) {
	file := sample(t, testKey("van-1"))
	lines := strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
	for i := range lines {
		if strings.Contains(lines[i], `"kind":"block"`) && i%9 != 0 {
			continue // enough of the same
		}
		dropped := resum(slices.Delete(slices.Clone(lines), i, i+1))
		if _, err := drain(NewReader(bytes.NewReader(dropped))); err == nil {
			t.Errorf("line %d dropped and all sums made anew: nothing was found", i+1)
		}
		if i+1 < len(lines) {
			swapped := slices.Clone(lines)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			if _, err := drain(NewReader(bytes.NewReader(resum(swapped)))); err == nil {
				t.Errorf("line %d swapped with the next and all sums made anew: nothing was found", i+1)
			}
		}
	}
	// Another key: all of it fits, but it is not the gateway's key.
	other := sample(t, testKey("forger"))
	item, err := NewReader(bytes.NewReader(other)).Next()
	if err != nil || bytes.Equal(item.Header.Key, testKey("van-1").Public().(ed25519.PublicKey)) {
		t.Errorf("got %v, %v; want the forger's key to be told", item.Header, err)
	}
	// Signatures of another key under the gateway's.
	mixed := strings.Split(strings.TrimSuffix(string(other), "\n"), "\n")
	mixed[0] = lines[0]
	var f *Fault
	if _, err := drain(NewReader(bytes.NewReader(resum(mixed)))); !errors.As(err, &f) || f.Number != 140 || f.Epoch != 1 {
		t.Errorf("got %v, want a fault at the first seal", err)
	}
}

func TestABrokenChainIsTold(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, "van-1", "test", testKey("van-1"))
	if err != nil {
		t.Fatal(err)
	}
	raws, heads := chainOf("van-1", 1, 10)
	for i := range raws {
		prev := heads[i]
		if i == 5 {
			prev[0] ^= 1
		}
		if i != 6 {
			err = errors.Join(err, w.Block(1, prev, raws[i]))
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	r := NewReader(&out)
	if _, err := drain(r); err != nil {
		t.Fatal(err)
	}
	if r.Broken() == nil || r.Broken().Number != 6 {
		t.Errorf("got %v, want the chain to be broken at block 6", r.Broken())
	}
}

func TestABlockThatIsNoneIsLeftOut(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, "van-1", "test", testKey("van-1"))
	if err != nil {
		t.Fatal(err)
	}
	raws, heads := chainOf("van-1", 1, 3)
	if err := w.Block(1, heads[0], raws[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.Block(1, heads[1], raws[1][:9]); !errors.Is(err, ErrBlock) {
		t.Fatalf("got %v, want ErrBlock", err)
	}
	if err := errors.Join(w.Absent(1, 2, 2, "not readable"), w.Block(1, heads[2], raws[2]), w.Close()); err != nil {
		t.Fatal(err)
	}
	if n, err := drain(NewReader(&out)); err != nil || n != 9 {
		t.Errorf("read %d lines, %v; want 9", n, err)
	}
}

// TestVersion1StillOpens keeps a file that was written by the first version.
func TestVersion1StillOpens(t *testing.T) {
	path := filepath.Join("testdata", "version1.journal")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := drain(NewReader(bytes.NewReader(b))); err != nil || n != 15 {
		t.Errorf("read %d lines, %v; want 15", n, err)
	}
}

func FuzzReader(f *testing.F) {
	file := sample(f, testKey("van-1"))
	f.Add(file[:4000])
	f.Add([]byte("0123456789abcdef {\"kind\":\"journal\"}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := drain(NewReader(bytes.NewReader(b))); err == nil && !bytes.Equal(b, file) {
			// Only a holder of a key can make a file that reads; the fuzzer has none.
			t.Errorf("%q reads as a whole file", b)
		}
	})
}
