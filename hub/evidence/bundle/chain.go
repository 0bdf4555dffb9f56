package bundle

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"frostline/proto/block"
	"frostline/proto/chain"
)

// A chain file is not compressed, so that a byte that was changed is found where
// it stands, and nobody's reader needs to trust a size. It is:
//
//	"frostline chain 1" LF gateway LF epoch LF
//	for each segment:
//	  'S' number of its first block (8 bytes, big-endian), chain head before it (32)
//	  for each block, in order, one of
//	    'B' length (4 bytes, big-endian), the block's bytes, check (8)
//	    'D' SHA-256 of the block's bytes (32), check (8)
//	  'E'
//
// check is the first 8 bytes of the chain head after the block. It adds no
// trust: it names the block at which something was changed.
const checkSize = 8

func chainHeader(gateway string, epoch uint32) string {
	return fmt.Sprintf("frostline chain 1\n%s\n%d\n", gateway, epoch)
}

// ChainName is the name of the file of a chain.
func ChainName(gateway string, epoch uint32) string {
	return fmt.Sprintf("%s%s/%d", ChainPrefix, gateway, epoch)
}

// ChainWriter writes a chain file.
type ChainWriter struct {
	w    io.Writer
	head chain.Head
}

// NewChainWriter begins a chain file.
func NewChainWriter(w io.Writer, gateway string, epoch uint32) (*ChainWriter, error) {
	_, err := io.WriteString(w, chainHeader(gateway, epoch))
	return &ChainWriter{w: w}, err
}

// Begin begins a segment.
func (w *ChainWriter) Begin(first uint64, before chain.Head) error {
	w.head = before
	b := binary.BigEndian.AppendUint64([]byte{'S'}, first)
	_, err := w.w.Write(append(b, before[:]...))
	return err
}

// Block adds the next block of the segment, whole or by its digest.
func (w *ChainWriter) Block(raw []byte, whole bool) error {
	w.head = chain.Next(w.head, raw)
	var b []byte
	if whole {
		b = append(binary.BigEndian.AppendUint32([]byte{'B'}, uint32(len(raw))), raw...)
	} else {
		sum := sha256.Sum256(raw)
		b = append([]byte{'D'}, sum[:]...)
	}
	_, err := w.w.Write(append(b, w.head[:checkSize]...))
	return err
}

// End ends the segment and gives the chain head after it.
func (w *ChainWriter) End() (chain.Head, error) {
	_, err := w.w.Write([]byte{'E'})
	return w.head, err
}

// Link is one block as a chain file has it.
type Link struct {
	Number uint64
	Raw    []byte // nil where only the digest is there
	Head   chain.Head
}

// ChainError says at which block a chain file does not hold.
type ChainError struct {
	Block  uint64 // 0 where none can be named
	Reason string
}

func (e *ChainError) Error() string {
	if e.Block == 0 {
		return e.Reason
	}
	return fmt.Sprintf("block %d: %s", e.Block, e.Reason)
}

// Walk is what ReadChain tells of.
type Walk struct {
	Begin func(first uint64, before chain.Head) error
	Block func(Link) error // Raw is valid during the call
	End   func(last uint64, after chain.Head) error
}

// ReadChain reads a chain file and computes the chain anew. Its errors are
// *ChainError where the file does not hold, else those of walk.
func ReadChain(r io.Reader, gateway string, epoch uint32, walk Walk) error {
	c := &chainReader{in: bufio.NewReaderSize(r, 64<<10)}
	header := chainHeader(gateway, epoch)
	if got := c.take(len(header)); string(got) != header {
		return &ChainError{0, fmt.Sprintf("it does not begin as the chain of gateway %s, epoch %d", gateway, epoch)}
	}
	for {
		switch tag, err := c.in.ReadByte(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return c.broken()
		case tag != 'S':
			return &ChainError{c.next, "no segment begins where one should"}
		}
		if err := c.segment(walk); err != nil {
			return err
		}
	}
}

type chainReader struct {
	in   *bufio.Reader
	buf  []byte
	next uint64 // block
	err  error
}

// take gives the next n bytes, or nil.
func (c *chainReader) take(n int) []byte {
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	if _, c.err = io.ReadFull(c.in, c.buf[:n]); c.err != nil {
		return nil
	}
	return c.buf[:n]
}

// broken is one error for all that a changed byte can come to.
func (c *chainReader) broken() error {
	return &ChainError{c.next, "it was changed or cut short, or one before it was removed or moved: the chain does not go on here"}
}

func (c *chainReader) segment(walk Walk) error {
	b := c.take(8 + sha256.Size)
	if b == nil {
		return c.broken()
	}
	first := binary.BigEndian.Uint64(b)
	head := chain.Head(b[8:])
	if first <= c.next || first > 1<<62 {
		return &ChainError{first, fmt.Sprintf("segment begins at block %d, after block %d: segments ascend and do not adjoin", first, c.next)}
	}
	c.next = first
	if err := walk.Begin(first, head); err != nil {
		return err
	}
	for {
		tag, err := c.in.ReadByte()
		if err != nil {
			return c.broken()
		}
		l := Link{Number: c.next}
		var sum [sha256.Size]byte
		switch tag {
		case 'E':
			if c.next == first {
				return &ChainError{first, "segment without blocks"}
			}
			err := walk.End(c.next-1, head)
			return err
		case 'B':
			n := c.take(4)
			if n == nil || binary.BigEndian.Uint32(n) > block.MaxBytes {
				return c.broken()
			}
			if l.Raw = c.take(int(binary.BigEndian.Uint32(n)) + checkSize); l.Raw != nil {
				sum = sha256.Sum256(l.Raw[:len(l.Raw)-checkSize])
			}
		case 'D':
			if l.Raw = c.take(sha256.Size + checkSize); l.Raw != nil {
				sum = [sha256.Size]byte(l.Raw)
			}
		default:
			return c.broken()
		}
		if l.Raw == nil {
			return c.broken()
		}
		check := l.Raw[len(l.Raw)-checkSize:]
		if l.Raw = l.Raw[:len(l.Raw)-checkSize]; tag == 'D' {
			l.Raw = nil
		}
		head = link(head, sum)
		if l.Head = head; string(check) != string(head[:checkSize]) {
			return c.broken()
		}
		if err := walk.Block(l); err != nil {
			return err
		}
		c.next++
	}
}

// link is chain.Next by the digest of the block.
func link(prev chain.Head, sum [sha256.Size]byte) chain.Head {
	var b [2 * sha256.Size]byte
	copy(b[:], prev[:])
	copy(b[sha256.Size:], sum[:])
	return sha256.Sum256(b[:])
}
