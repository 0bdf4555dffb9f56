package journalfile

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// Fault is the first place where a file is not as it was written.
type Fault struct {
	Line   uint64 // from 1
	Epoch  uint32 // 0 before the first run
	Number uint64 // of the block expected there or, at a signature, of the last it signs; 0 where there is none
	Detail string
}

// Error names the place and what is wrong there.
func (f *Fault) Error() string {
	if f.Epoch == 0 {
		return fmt.Sprintf("line %d: %s", f.Line, f.Detail)
	}
	return fmt.Sprintf("line %d, epoch %d, block %d: %s", f.Line, f.Epoch, f.Number, f.Detail)
}

// Item is a line that has been verified: exactly one field is set. What it
// points to is valid until the next call of Next.
type Item struct {
	Header  *Header
	Run     *Run
	Block   *Entry
	Absence *Absence
	Seal    *pb.Seal
	End     *End
}

// Entry is a block with its place.
type Entry struct {
	Epoch uint32
	Prev  chain.Head // before it
	Head  chain.Head // after it
	Raw   []byte     // canonical bytes
	*block.Block
}

// Reader reads a file and verifies all of it: sums, form, numbers, counts, the
// chain, and signatures by the key in the header. Whose key that is, the caller
// has to know. It is not safe for concurrent use.
type Reader struct {
	in     *bufio.Reader
	line   uint64
	bytes  uint64
	sum    sum
	header *Header
	err    error

	epoch            uint32
	next             uint64
	head             chain.Head
	readings         uint64
	unsealed, weight int
	done             bool
	blocks, inAll    uint64
	broken           *Fault
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(r, maxLine)} }

// Bytes is how much was read so far.
func (r *Reader) Bytes() uint64 { return r.bytes }

// Broken is the first place where the gateway's own chain did not hold when the
// file was written; nil where there is none.
func (r *Reader) Broken() *Fault { return r.broken }

// Next gives the next line. It returns io.EOF after the end, a *Fault where the
// file was changed or is not whole, and other errors as they came from the
// source. After an error it gives the same again.
func (r *Reader) Next() (Item, error) {
	if r.err != nil {
		return Item{}, r.err
	}
	item, err := r.read()
	r.err = err
	return item, err
}

func (r *Reader) fault(format string, a ...any) *Fault {
	return &Fault{Line: r.line, Epoch: r.epoch, Number: r.next, Detail: fmt.Sprintf(format, a...)}
}

func (r *Reader) read() (Item, error) {
	raw, err := r.in.ReadSlice('\n')
	r.line++
	r.bytes += uint64(len(raw))
	switch {
	case err == io.EOF && len(raw) == 0 && r.done:
		return Item{}, io.EOF
	case r.done:
		return Item{}, r.fault("something follows on the end of the file")
	case err == io.EOF && len(raw) == 0:
		return Item{}, r.fault("the file is cut short: it has no end")
	case err == io.EOF:
		return Item{}, r.fault("the file is cut short in the middle of a line")
	case errors.Is(err, bufio.ErrBufferFull):
		return Item{}, r.fault("the line is longer than the %d bytes that one may have", maxLine)
	case err != nil:
		return Item{}, err
	}
	given, text, ok := bytes.Cut(raw[:len(raw)-1], []byte(" "))
	if !ok || len(given) != sumDigits {
		return Item{}, r.fault("it does not begin with a sum of %d digits: the line was edited, or this is no journal file", sumDigits)
	}
	before := r.sum
	r.sum = before.next(text)
	summed := string(given) == r.sum.short()
	epoch, next := r.epoch, r.next
	item, bad := r.take(text, before)
	if bad == nil && !summed {
		bad = r.fault("the sum of the file up to here does not fit: the line was edited, or one before it dropped or moved")
		if item.Block != nil || item.Run != nil { // what was expected, not what the line makes of it
			bad.Epoch, bad.Number = epoch, next
		}
	}
	if bad != nil {
		return Item{}, bad
	}
	return item, nil
}

// take verifies what a line says.
func (r *Reader) take(text []byte, before sum) (Item, *Fault) {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return Item{}, r.fault("the line is no JSON object: %v", err)
	}
	if (r.header == nil) != (kind.Kind == "journal") {
		return Item{}, r.fault("a line of kind %q: the header, of kind \"journal\", comes first and once", kind.Kind)
	}
	switch kind.Kind {
	case "journal":
		return r.takeHeader(text)
	case "run":
		return r.takeRun(text)
	case "block":
		return r.takeBlock(text)
	case "absent":
		return r.takeAbsence(text)
	case "seal":
		return r.takeSeal(text)
	case "end":
		return r.takeEnd(text, before)
	}
	return Item{}, r.fault("a line of kind %q, which this version does not know", kind.Kind)
}

// parse reads a line that must be spelled as the writer spells it.
func (r *Reader) parse(text []byte, line any) *Fault {
	if err := json.Unmarshal(text, line); err != nil {
		return r.fault("the line cannot be read: %v", err)
	}
	if again, err := encode(line); err != nil || !bytes.Equal(again, text) {
		return r.fault("the line is not spelled as it was written: it was edited")
	}
	return nil
}

func (r *Reader) parseHead(s string) (h chain.Head, bad *Fault) {
	b, err := hex.DecodeString(s)
	if err == nil {
		h, err = chain.ParseHead(b)
	}
	if err != nil || h.String() != s {
		return h, r.fault("chain head %q: want 64 hexadecimal digits", s)
	}
	return h, nil
}

func (r *Reader) takeHeader(text []byte) (Item, *Fault) {
	var h Header
	if bad := r.parse(text, &h); bad != nil {
		return Item{}, bad
	}
	if h.Version != Version {
		return Item{}, r.fault("format %d of journal files: this program reads %d; use a newer one", h.Version, Version)
	}
	if err := topic.CheckGateway(h.Gateway); err != nil {
		return Item{}, r.fault("%v", err)
	}
	if len(h.Key) != ed25519.PublicKeySize {
		return Item{}, r.fault("a key of %d bytes: want %d", len(h.Key), ed25519.PublicKeySize)
	}
	r.header = &h
	return Item{Header: &h}, nil
}

func (r *Reader) takeRun(text []byte) (Item, *Fault) {
	var n Run
	if bad := r.parse(text, &n); bad != nil {
		return Item{}, bad
	}
	prev, bad := r.parseHead(n.Prev)
	switch {
	case bad != nil:
		return Item{}, bad
	case r.unsealed > 0:
		return Item{}, r.fault("a run begins where the seal of the one before it is missing")
	case n.Epoch == 0 || n.First == 0:
		return Item{}, r.fault("a run of epoch %d, block %d: both count from 1", n.Epoch, n.First)
	case n.Epoch < r.epoch, n.Epoch == r.epoch && n.First < r.next:
		return Item{}, r.fault("a run of epoch %d, block %d: the file was past that", n.Epoch, n.First)
	case n.First == 1 && (prev != chain.Genesis(r.header.Gateway, n.Epoch) || n.Before != 0):
		return Item{}, r.fault("a run from block 1 that does not begin the chain of gateway %s, epoch %d", r.header.Gateway, n.Epoch)
	}
	if r.epoch == n.Epoch && n.First == r.next && r.broken == nil {
		r.broken = r.fault("the chain was broken in the journal: the head before is %s with %d readings, and the block follows on %s with %d",
			r.head, r.readings, prev, n.Before)
	}
	r.epoch, r.next, r.head, r.readings = n.Epoch, n.First, prev, n.Before
	return Item{Run: &n}, nil
}

func (r *Reader) takeBlock(text []byte) (Item, *Fault) {
	var l Block
	if bad := r.parse(text, &l); bad != nil {
		return Item{}, bad
	}
	head, bad := r.parseHead(l.Head)
	switch {
	case bad != nil:
		return Item{}, bad
	case r.epoch == 0:
		return Item{}, r.fault("a block before the first run")
	case l.Number > r.next:
		return Item{}, r.fault("block %d is missing: block %d stands in its place", r.next, l.Number)
	case l.Number < r.next:
		return Item{}, r.fault("block %d stands where block %d follows: lines were moved or doubled", l.Number, r.next)
	case r.unsealed >= SealBlocks || r.weight >= SealBytes:
		return Item{}, r.fault("%d blocks without a seal after them: it is missing", r.unsealed)
	}
	b, err := block.Decode(l.Bytes)
	switch {
	case err != nil:
		return Item{}, r.fault("the block was edited: %v", err)
	case chain.Next(r.head, l.Bytes) != head:
		return Item{}, r.fault("the block or its head was edited: the chain comes to %s, and the line says %s", chain.Next(r.head, l.Bytes), head)
	case b.Number != l.Number:
		return Item{}, r.fault("the block says it is number %d", b.Number)
	case b.Before != r.readings:
		return Item{}, r.fault("the block counts %d readings before it, where there are %d", b.Before, r.readings)
	}
	e := &Entry{Epoch: r.epoch, Prev: r.head, Head: head, Raw: l.Bytes, Block: b}
	r.next, r.head, r.readings = r.next+1, head, b.After()
	r.unsealed++
	r.weight += len(l.Bytes)
	r.blocks++
	r.inAll += uint64(len(b.Readings))
	return Item{Block: e}, nil
}

func (r *Reader) takeAbsence(text []byte) (Item, *Fault) {
	var a Absence
	if bad := r.parse(text, &a); bad != nil {
		return Item{}, bad
	}
	switch {
	case r.unsealed > 0:
		return Item{}, r.fault("an absence where the seal of the run before it is missing")
	case a.Epoch == 0 || a.First == 0 || a.Last < a.First:
		return Item{}, r.fault("an absence of blocks %d to %d of epoch %d: both count from 1", a.First, a.Last, a.Epoch)
	}
	return Item{Absence: &a}, nil
}

func (r *Reader) takeSeal(text []byte) (Item, *Fault) {
	var l Seal
	if bad := r.parse(text, &l); bad != nil {
		return Item{}, bad
	}
	s := &pb.Seal{Epoch: l.Epoch, Number: l.Number, Readings: l.Readings, KeyId: chain.KeyID(r.header.Key), Signature: l.Signature}
	head, bad := r.parseHead(l.Head)
	s.Head = head[:]
	switch {
	case bad != nil:
	case l.Epoch == r.epoch && l.Number >= r.next:
		return Item{}, r.fault("block %d is missing: the seal of block %d stands in its place", r.next, l.Number)
	case r.unsealed == 0:
		bad = r.fault("a seal without blocks before it")
	case l.Epoch != r.epoch || l.Number != r.next-1 || head != r.head || l.Readings != r.readings:
		bad = r.fault("a seal of epoch %d, block %d with %d readings, where the file is at epoch %d, block %d with %d: it was edited or moved",
			l.Epoch, l.Number, l.Readings, r.epoch, r.next-1, r.readings)
	default:
		if err := chain.Verify(r.header.Gateway, s, r.header.Key); err != nil {
			bad = r.fault("%v: what it stands for, from %d blocks before it on, was made anew or is of another gateway", err, r.unsealed)
		}
	}
	if bad != nil {
		bad.Number = r.next - 1
		return Item{}, bad
	}
	r.unsealed, r.weight = 0, 0
	return Item{Seal: s}, nil
}

func (r *Reader) takeEnd(text []byte, before sum) (Item, *Fault) {
	var e End
	if bad := r.parse(text, &e); bad != nil {
		return Item{}, bad
	}
	switch {
	case r.unsealed > 0:
		return Item{}, r.fault("the end, where a seal is missing")
	case e.Blocks != r.blocks || e.Readings != r.inAll:
		return Item{}, r.fault("the end counts %d blocks and %d readings, and there are %d and %d", e.Blocks, e.Readings, r.blocks, r.inAll)
	case e.Digest != chain.Head(before).String():
		return Item{}, r.fault("the end was written for other lines: their digest is %s, and it says %s", chain.Head(before), e.Digest)
	case !checkEnd(r.header, &e):
		return Item{}, r.fault("the signature of the end does not verify: lines were made anew")
	}
	r.done = true
	return Item{End: &e}, nil
}
