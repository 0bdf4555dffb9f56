package boltfile

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Check walks all that can be reached from the root, and fails on anything
// bbolt would stumble over: pages that are not what they are referred to as,
// that lie outside the file or belong to two places, and keys out of order. A
// file with a stored free list fails too: the journal never stores one, and
// bbolt believes it without looking.
func (f *File) Check() error {
	if f.free != noFreeList {
		return damaged("a free list is stored at page %d", f.free)
	}
	c := checker{f: f, seen: make([]bool, f.pages)}
	return c.tree(f.root, nil, nil, 0)
}

type checker struct {
	f    *File
	seen []bool
}

// tree checks a page and what is below it: keys lie in [low, high), where nil
// is no bound.
func (c *checker) tree(id uint64, low, high []byte, depth int) error {
	if depth > maxDepth {
		return damaged("a tree deeper than %d", maxDepth)
	}
	p, err := c.f.page(id)
	if err != nil {
		return err
	}
	for i := id; i < id+p.span; i++ {
		if c.seen[i] {
			return damaged("page %d belongs to two places", i)
		}
		c.seen[i] = true
	}
	for i := range p.n {
		k := p.key(i)
		if low != nil && bytes.Compare(k, low) < 0 || high != nil && bytes.Compare(k, high) >= 0 {
			return damaged("page %d: key %d does not belong under its branch", id, i)
		}
		if !p.leaf {
			below := high
			if i+1 < p.n {
				below = p.key(i + 1)
			}
			if err := c.tree(p.child(i), k, below, depth+1); err != nil {
				return err
			}
			continue
		}
		v, bucket := p.value(i)
		if !bucket {
			continue
		}
		b, err := c.f.bucket(v)
		if err != nil {
			return err
		}
		if b.inline == nil {
			if err := c.tree(b.root, nil, nil, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// Scan calls fn for each pair on anything that looks like a leaf page, whether
// or not a tree leads there: what remains when the tree is damaged. It finds
// old versions of pages too. The slices are valid only during the call. What
// cannot be read is passed over; unread counts those pages.
func Scan(r io.ReaderAt, size int64, fn func(k, v []byte)) (unread int) {
	b := make([]byte, PageSize)
	for id := int64(2); id*PageSize < size; id++ {
		b = b[:PageSize]
		n, err := r.ReadAt(b, id*PageSize)
		if err != nil && err != io.EOF {
			unread++
			continue
		}
		clear(b[n:])
		if binary.NativeEndian.Uint16(b[8:]) != flagLeaf || binary.NativeEndian.Uint64(b) != uint64(id) {
			continue
		}
		if over := int64(binary.NativeEndian.Uint32(b[12:])); over > 0 && over <= maxOverflow {
			b = append(b, make([]byte, over*PageSize)...)
			if n, err := r.ReadAt(b[PageSize:], (id+1)*PageSize); err != nil {
				clear(b[PageSize+n:])
				unread++
			}
		}
		scanLeaf(b, fn)
	}
	return unread
}

// scanLeaf is as forgiving as parsePage is strict: each element that lies
// within the page counts, whatever its neighbours are like.
func scanLeaf(b []byte, fn func(k, v []byte)) {
	e := binary.NativeEndian
	for i := range uint64(e.Uint16(b[10:])) {
		at := headerSize * (i + 1)
		if at+headerSize > uint64(len(b)) {
			return
		}
		el := b[at:]
		pos, ksize, vsize := uint64(e.Uint32(el[4:])), uint64(e.Uint32(el[8:])), uint64(e.Uint32(el[12:]))
		if pos < headerSize || at+pos+ksize+vsize > uint64(len(b)) {
			continue
		}
		k := b[at+pos : at+pos+ksize]
		v := b[at+pos+ksize : at+pos+ksize+vsize]
		if e.Uint32(el)&elementBucket == 0 {
			fn(k, v)
			continue
		}
		if len(v) >= bucketSize+headerSize && e.Uint64(v) == 0 {
			scanLeaf(v[bucketSize:], fn)
		}
	}
}
