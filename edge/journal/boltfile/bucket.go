package boltfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Bucket is a top-level bucket of a file.
type Bucket struct {
	f      *File
	root   uint64
	inline *page
}

// Bucket finds a top-level bucket.
func (f *File) Bucket(name string) (*Bucket, error) {
	var b *Bucket
	top := Bucket{f: f, root: f.root}
	err := top.walk([]byte(name), func(k, v []byte, bucket bool) (bool, error) {
		if string(k) != name || !bucket {
			return false, nil
		}
		var err error
		b, err = f.bucket(v)
		return false, err
	})
	if err == nil && b == nil {
		err = fmt.Errorf("bucket %q: %w", name, ErrNotFound)
	}
	return b, err
}

// bucket reads a bucket's header, and the page that may follow it.
func (f *File) bucket(v []byte) (*Bucket, error) {
	if len(v) < bucketSize {
		return nil, damaged("bucket of %d bytes", len(v))
	}
	root := binary.NativeEndian.Uint64(v)
	if root != 0 {
		return &Bucket{f: f, root: root}, nil
	}
	if len(v) < bucketSize+headerSize {
		return nil, damaged("inline bucket of %d bytes", len(v))
	}
	p, err := parsePage(0, v[bucketSize:])
	if err != nil {
		return nil, err
	}
	if !p.leaf {
		return nil, damaged("inline bucket is a branch")
	}
	return &Bucket{f: f, inline: &p}, nil
}

// Get gives the value of a key, or ErrNotFound.
func (b *Bucket) Get(key []byte) (value []byte, err error) {
	err = b.Ascend(key, func(k, v []byte) bool {
		if bytes.Equal(k, key) {
			value = v
		}
		return false
	})
	if err == nil && value == nil {
		err = fmt.Errorf("key %q: %w", key, ErrNotFound)
	}
	return value, err
}

// Ascend calls fn for each pair from key from on, in order, until fn returns
// false. What was passed to fn before an error is sound as far as it goes.
func (b *Bucket) Ascend(from []byte, fn func(k, v []byte) bool) error {
	return b.walk(from, func(k, v []byte, bucket bool) (bool, error) {
		if bucket {
			return true, nil
		}
		return fn(k, v), nil
	})
}

func (b *Bucket) walk(from []byte, fn func(k, v []byte, bucket bool) (bool, error)) error {
	if b.inline != nil {
		_, err := b.leaf(b.inline, from, fn)
		return err
	}
	_, err := b.descend(b.root, from, nil, 0, fn)
	return err
}

// descend walks the tree below a page; keys must be at or after low. It
// reports whether to go on.
func (b *Bucket) descend(id uint64, from, low []byte, depth int, fn func(k, v []byte, bucket bool) (bool, error)) (bool, error) {
	if depth > maxDepth {
		return false, damaged("a tree deeper than %d", maxDepth)
	}
	p, err := b.f.page(id)
	if err != nil {
		return false, err
	}
	if p.n > 0 && low != nil && bytes.Compare(p.key(0), low) < 0 {
		return false, damaged("page %d starts before its branch", id)
	}
	if p.leaf {
		return b.leaf(&p, from, fn)
	}
	for i := range p.n {
		if i+1 < p.n && bytes.Compare(p.key(i+1), from) <= 0 {
			continue
		}
		if more, err := b.descend(p.child(i), from, p.key(i), depth+1, fn); !more || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (b *Bucket) leaf(p *page, from []byte, fn func(k, v []byte, bucket bool) (bool, error)) (bool, error) {
	for i := range p.n {
		if bytes.Compare(p.key(i), from) < 0 {
			continue
		}
		v, bucket := p.value(i)
		if more, err := fn(p.key(i), v, bucket); !more || err != nil {
			return false, err
		}
	}
	return true, nil
}
