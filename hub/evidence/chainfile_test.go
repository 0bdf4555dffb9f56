package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"frostline/hub/evidence/bundle"
	"frostline/proto/chain"
)

// chainFile is a chain file taken apart.
type chainFile struct {
	items []item
}

type item struct {
	number uint64
	first  bool // of its segment
	before chain.Head
	full   bool
	raw    []byte // the block, or its digest
	head   chain.Head
}

func readChain(t testing.TB, b []byte) *chainFile {
	t.Helper()
	f := &chainFile{}
	var before chain.Head
	first := false
	sums := digests(b)
	err := bundle.ReadChain(bytes.NewReader(b), "van-1", 1, bundle.Walk{
		Begin: func(_ uint64, h chain.Head) error { before, first = h, true; return nil },
		Block: func(l bundle.Link) error {
			it := item{number: l.Number, first: first, before: before, full: l.Raw != nil, raw: bytes.Clone(l.Raw), head: l.Head}
			if !it.full {
				it.raw = sums[len(f.items)]
			}
			f.items, first = append(f.items, it), false
			return nil
		},
		End: func(uint64, chain.Head) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// digests reads the digests that ReadChain does not give, by place.
func digests(b []byte) map[int][]byte {
	data := b[len("frostline chain 1\nvan-1\n1\n"):]
	out := map[int][]byte{}
	for n := 0; len(data) > 0; {
		switch data[0] {
		case 'S':
			data = data[41:]
		case 'B':
			size := int(data[1])<<24 | int(data[2])<<16 | int(data[3])<<8 | int(data[4])
			data = data[5+size+8:]
			n++
		case 'D':
			out[n] = bytes.Clone(data[1:33])
			data = data[41:]
			n++
		case 'E':
			data = data[1:]
		}
	}
	return out
}

// whole lists the places of blocks that are there whole.
func (f *chainFile) whole() (out []int) {
	for i, it := range f.items {
		if it.full && !it.first {
			out = append(out, i)
		}
	}
	return out
}

// write puts the file together again; with anew the check values are those of
// the blocks as they are now.
func (f *chainFile) write(anew bool) []byte {
	var z bytes.Buffer
	z.Write([]byte("frostline chain 1\nvan-1\n1\n"))
	var head chain.Head
	for i, it := range f.items {
		if it.first {
			if i > 0 {
				z.Write([]byte("E"))
			}
			head = it.before
			z.Write(append(append([]byte{'S'}, be(it.number, 8)...), head[:]...))
		}
		check := it.head
		if it.full {
			head = chain.Next(head, it.raw)
			z.Write(append(append([]byte{'B'}, be(uint64(len(it.raw)), 4)...), it.raw...))
		} else {
			head = link(head, it.raw)
			z.Write(append([]byte{'D'}, it.raw...))
		}
		if anew {
			check = head
		}
		z.Write(check[:8])
	}
	z.Write([]byte("E"))
	return z.Bytes()
}

func be(v uint64, n int) (out []byte) {
	for i := n - 1; i >= 0; i-- {
		out = append(out, byte(v>>(8*i)))
	}
	return out
}

func link(prev chain.Head, sum []byte) chain.Head {
	return sha256.Sum256(append(bytes.Clone(prev[:]), sum...))
}
