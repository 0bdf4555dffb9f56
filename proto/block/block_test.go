package block

import (
	"bytes"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"frostline/proto/pb"
	"frostline/proto/reading"
)

func drawBlock(t *rapid.T, number, before uint64) *Block {
	b := &Block{Number: number, Before: before, Boot: rapid.Uint32().Draw(t, "boot")}
	seen := map[[2]int64]bool{}
	base := rapid.Int64Range(-1e12, 1e12).Draw(t, "base")
	for range rapid.IntRange(0, 80).Draw(t, "readings") {
		r := reading.Reading{
			Series:  rapid.Uint32Range(0, 30).Draw(t, "series"),
			Tick:    base + rapid.Int64Range(0, 9).Draw(t, "tick")*1000,
			Quality: reading.Quality(rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 3, 127}).Draw(t, "quality")),
		}
		if seen[[2]int64{int64(r.Series), r.Tick}] {
			continue
		}
		seen[[2]int64{int64(r.Series), r.Tick}] = true
		if r.Quality.HasValue() {
			r.Value = rapid.Int64().Draw(t, "value")
		}
		b.Readings = append(b.Readings, r)
	}
	Sort(b.Readings)
	for range rapid.IntRange(0, 3).Draw(t, "events") {
		b.Events = append(b.Events, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "event"))
	}
	return b
}

func equal(a, b *Block) bool {
	return a.Number == b.Number && a.Before == b.Before && a.Boot == b.Boot && len(a.Events) == len(b.Events) &&
		(len(a.Readings) == 0 && len(b.Readings) == 0 || reflect.DeepEqual(a.Readings, b.Readings))
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBlock(t, rapid.Uint64Range(1, 1<<60).Draw(t, "number"), rapid.Uint64Range(0, 1<<60).Draw(t, "before"))
		raw, err := b.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(raw)
		if err != nil {
			t.Fatalf("decode %x: %v", raw, err)
		}
		if !equal(got, b) {
			t.Fatalf("got %+v\nwant %+v", got, b)
		}
		var m pb.Block // any protobuf implementation reads the same message
		if err := proto.Unmarshal(raw, &m); err != nil || m.Number != b.Number || m.Boot != b.Boot {
			t.Fatalf("generated code read %v, %v", &m, err)
		}
	})
}

func TestBundleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number, before := rapid.Uint64Range(1, 1<<40).Draw(t, "number"), rapid.Uint64Range(0, 1<<40).Draw(t, "before")
		var raws [][]byte
		var blocks []*Block
		for range rapid.IntRange(1, 8).Draw(t, "blocks") {
			b := drawBlock(t, number, before)
			raw, err := b.AppendTo(nil)
			if err != nil {
				t.Fatal(err)
			}
			raws, blocks = append(raws, raw), append(blocks, b)
			number, before = number+1, b.After()
		}
		bundle, err := Pack(raws)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = Unpack(bundle, func(b *Block, raw []byte) error {
			if !bytes.Equal(raw, raws[n]) || !equal(b, blocks[n]) {
				t.Fatalf("block %d: got %x, want %x", n, raw, raws[n])
			}
			n++
			return nil
		})
		if err != nil || n != len(raws) {
			t.Fatalf("unpacked %d of %d: %v", n, len(raws), err)
		}
	})
}

func TestEncodeRefusesDisorder(t *testing.T) {
	for _, r := range [][]reading.Reading{
		{{Series: 2, Tick: 1}, {Series: 1, Tick: 1}},
		{{Series: 1, Tick: 2}, {Series: 1, Tick: 1}},
		{{Series: 1, Tick: 1}, {Series: 1, Tick: 1}},
	} {
		if b, err := (&Block{Number: 1, Readings: r}).AppendTo(nil); err == nil {
			t.Errorf("%v encoded as %x, want an error", r, b)
		}
	}
}

func TestPackRefusesAHole(t *testing.T) {
	one, _ := (&Block{Number: 1}).AppendTo(nil)
	three, _ := (&Block{Number: 3}).AppendTo(nil)
	if _, err := Pack([][]byte{one, three}); err == nil {
		t.Fatal("packed blocks 1 and 3")
	}
}

// TestOldFormat opens blocks and bundles as the first version wrote them.
func TestOldFormat(t *testing.T) {
	raws := sample(16, 20)
	bundle, err := Pack(raws)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("FROSTLINE_UPDATE") != "" {
		os.WriteFile("testdata/block-1.bin", raws[0], 0o644)
		os.WriteFile("testdata/bundle-1.bin", bundle, 0o644)
	}
	old, err := os.ReadFile("testdata/block-1.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, raws[0]) {
		t.Errorf("a block is now encoded as %x, was %x: stored hashes would break", raws[0], old)
	}
	if old, err = os.ReadFile("testdata/bundle-1.bin"); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := Unpack(old, func(_ *Block, raw []byte) error {
		if !bytes.Equal(raw, raws[n]) {
			t.Errorf("block %d of the old bundle differs", n)
		}
		n++
		return nil
	}); err != nil || n != len(raws) {
		t.Fatalf("unpacked %d of %d: %v", n, len(raws), err)
	}
}

// sample makes blocks as a gateway with that many 1 Hz temperature probes
// would: DS18B20 steps of 62.5 m°C with a little noise on a slow wave.
func sample(blocks, series int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	level := make([]float64, series)
	for i := range level {
		level[i] = 4000 + 300*rng.NormFloat64()
	}
	var out [][]byte
	before := uint64(0)
	for n := range blocks {
		b := &Block{Number: uint64(n) + 1, Before: before, Boot: 3}
		for s := range series {
			level[s] += 4 * rng.NormFloat64()
			steps := int64((level[s] + 30*rng.NormFloat64()) / 62.5)
			b.Readings = append(b.Readings, reading.Reading{Series: uint32(s), Tick: 1_000_000 + int64(n)*1000, Value: steps * 125 / 2})
		}
		raw, err := b.AppendTo(nil)
		if err != nil {
			panic(err)
		}
		before = b.After()
		out = append(out, raw)
	}
	return out
}

func FuzzDecode(f *testing.F) {
	for _, raw := range sample(4, 5) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Decode(data)
		if err != nil {
			return
		}
		again, err := b.AppendTo(nil)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted %x, which encodes as %x, %v", data, again, err)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	for n := 1; n < 40; n *= 3 {
		bundle, err := Pack(sample(n, 3))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bundle)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var raws [][]byte
		if Unpack(data, func(b *Block, raw []byte) error {
			raws = append(raws, bytes.Clone(raw))
			if _, err := Decode(raw); err != nil {
				t.Fatalf("unpacked a block that does not decode: %v", err)
			}
			return nil
		}) != nil || len(raws) == 0 {
			return
		}
		if _, err := Pack(raws); err != nil {
			t.Fatalf("unpacked blocks do not pack: %v", err)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	raws := sample(512, 20)
	size := 0
	for b.Loop() {
		bundle, err := Pack(raws)
		if err != nil {
			b.Fatal(err)
		}
		size = len(bundle)
	}
	b.ReportMetric(float64(size)/(512*20), "bytes/reading")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(512*20), "ns/reading")
}

func BenchmarkUnpack(b *testing.B) {
	bundle, err := Pack(sample(512, 20))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Unpack(bundle, func(*Block, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(512*20), "ns/reading")
}
