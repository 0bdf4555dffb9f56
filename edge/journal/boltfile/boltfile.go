// Package boltfile reads files of go.etcd.io/bbolt without trusting them.
//
// bbolt maps a file into memory and follows whatever page numbers it finds
// there: on a damaged file it panics, part of the time in a goroutine of its
// own where nobody can recover, and on a bad sector the process gets SIGBUS.
// A gateway has to come up on such a disk. So the journal looks through this
// package first, which uses plain reads, checks every number before it follows
// it, and answers with errors. It reads, and never writes.
//
// The layout is that of bbolt's format version 2, with pages of 4096 bytes, in
// the byte order of the machine.
package boltfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

// PageSize is the size of a page, in bytes; files of another are refused.
const PageSize = 4096

const (
	magic      = 0xED0CDAED
	version    = 2
	headerSize = 16 // of a page, and of each element in it
	metaSize   = 64 // the last 8 of them a checksum
	bucketSize = 16 // root page and sequence, before an inline page

	noFreeList = math.MaxUint64

	flagBranch = 0x01
	flagLeaf   = 0x02

	elementBucket = 0x01

	maxOverflow = 256 // pages that continue one: the journal needs 17 at most
	maxDepth    = 16  // of a tree
)

// ErrDamaged is wrapped by every error that says what is wrong with a file.
var ErrDamaged = errors.New("damaged file")

// ErrNotFound says that a sound file has no such bucket or key.
var ErrNotFound = errors.New("not found")

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, a...))
}

// File is an open file, as it was at its newest valid meta page. It is not
// safe for concurrent use, and must not be used beside a writer.
type File struct {
	r     io.ReaderAt
	size  int64
	root  uint64
	pages uint64 // below this number all pages of the tree lie
	free  uint64 // page of the free list
	// Transaction is the number of the newest commit: it goes up with each.
	Transaction uint64
	// Torn says that one of the two meta pages is not valid: a commit was cut
	// short, or the page was damaged later.
	Torn bool
}

// Open looks for a valid meta page in r, which has size bytes.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size}
	valid, newest := 0, uint64(0)
	var cause error
	for id := range uint64(2) {
		m, err := f.meta(id)
		if err != nil {
			cause = err
			continue
		}
		if valid++; valid == 1 || m.transaction > newest {
			newest, f.root, f.pages, f.free = m.transaction, m.root, m.pages, m.free
		}
	}
	if valid == 0 {
		return nil, cause
	}
	f.Torn, f.Transaction = valid == 1, newest
	if f.pages > uint64(size)/PageSize {
		return nil, damaged("%d pages, and %d bytes of file", f.pages, size)
	}
	return f, nil
}

type meta struct{ root, free, pages, transaction uint64 }

// meta reads a meta page. It looks at what bbolt looks at, which leaves out the
// header of the page, so that both choose the same of the two.
func (f *File) meta(id uint64) (meta, error) {
	b := make([]byte, headerSize+metaSize)
	if _, err := f.r.ReadAt(b, int64(id)*PageSize); err != nil {
		return meta{}, damaged("meta page %d: %v", id, err)
	}
	e := binary.NativeEndian
	m := b[headerSize:]
	sum := fnv.New64a()
	sum.Write(m[:metaSize-8])
	switch {
	case e.Uint32(m) != magic || e.Uint32(m[4:]) != version:
		return meta{}, damaged("meta page %d is none", id)
	case e.Uint32(m[8:]) != PageSize:
		return meta{}, damaged("meta page %d: page size %d, want %d", id, e.Uint32(m[8:]), PageSize)
	case e.Uint64(m[metaSize-8:]) != sum.Sum64():
		return meta{}, damaged("meta page %d: checksum", id)
	}
	return meta{root: e.Uint64(m[16:]), free: e.Uint64(m[32:]), pages: e.Uint64(m[40:]), transaction: e.Uint64(m[48:])}, nil
}

// page is a page whose elements all lie within it.
type page struct {
	id   uint64
	span uint64 // pages it takes
	leaf bool
	b    []byte
	n    int
}

// page reads a page of the tree and checks it.
func (f *File) page(id uint64) (page, error) {
	if id < 2 || id >= f.pages {
		return page{}, damaged("page %d of %d", id, f.pages)
	}
	b := make([]byte, PageSize)
	if _, err := f.r.ReadAt(b, int64(id)*PageSize); err != nil {
		return page{}, damaged("page %d: %v", id, err)
	}
	overflow := uint64(binary.NativeEndian.Uint32(b[12:]))
	if got := binary.NativeEndian.Uint64(b); got != id {
		return page{}, damaged("page %d says it is %d", id, got)
	}
	if overflow > maxOverflow || id+overflow >= f.pages {
		return page{}, damaged("page %d takes %d more of %d", id, overflow, f.pages)
	}
	if overflow > 0 {
		b = append(b, make([]byte, overflow*PageSize)...)
		if _, err := f.r.ReadAt(b[PageSize:], int64(id+1)*PageSize); err != nil {
			return page{}, damaged("page %d: %v", id, err)
		}
	}
	return parsePage(id, b)
}

// parsePage checks that the elements of a page lie within it, in order.
func parsePage(id uint64, b []byte) (page, error) {
	e := binary.NativeEndian
	p := page{id: id, span: uint64(len(b)) / PageSize, b: b, n: int(e.Uint16(b[10:]))}
	switch flags := e.Uint16(b[8:]); flags {
	case flagLeaf:
		p.leaf = true
	case flagBranch:
		if p.n == 0 {
			return p, damaged("page %d is an empty branch", id)
		}
	default:
		return p, damaged("page %d has flags %#x", id, flags)
	}
	if headerSize*(p.n+1) > len(b) {
		return p, damaged("page %d has %d elements", id, p.n)
	}
	var last []byte
	for i := range p.n {
		at := uint64(headerSize * (i + 1))
		el := b[at:]
		pos, ksize, vsize := uint64(e.Uint32(el)), uint64(e.Uint32(el[4:])), uint64(0)
		if p.leaf {
			pos, ksize, vsize = uint64(e.Uint32(el[4:])), uint64(e.Uint32(el[8:])), uint64(e.Uint32(el[12:]))
		}
		if pos < headerSize || at+pos+ksize+vsize > uint64(len(b)) {
			return p, damaged("page %d: element %d lies outside", id, i)
		}
		key := p.key(i)
		if len(key) == 0 && p.leaf || i > 0 && bytes.Compare(key, last) <= 0 {
			return p, damaged("page %d: key %d is out of order", id, i)
		}
		last = key
	}
	return p, nil
}

// key gives element i's key.
func (p *page) key(i int) []byte {
	e, at := binary.NativeEndian, uint64(headerSize*(i+1))
	pos, size := uint64(e.Uint32(p.b[at:])), uint64(e.Uint32(p.b[at+4:]))
	if p.leaf {
		pos, size = uint64(e.Uint32(p.b[at+4:])), uint64(e.Uint32(p.b[at+8:]))
	}
	return p.b[at+pos : at+pos+size : at+pos+size]
}

// value gives a leaf element's value, and whether that is a bucket.
func (p *page) value(i int) (v []byte, bucket bool) {
	e, at := binary.NativeEndian, uint64(headerSize*(i+1))
	from := at + uint64(e.Uint32(p.b[at+4:])) + uint64(e.Uint32(p.b[at+8:]))
	to := from + uint64(e.Uint32(p.b[at+12:]))
	return p.b[from:to:to], e.Uint32(p.b[at:])&elementBucket != 0
}

// child gives a branch element's page.
func (p *page) child(i int) uint64 { return binary.NativeEndian.Uint64(p.b[headerSize*(i+1)+8:]) }
