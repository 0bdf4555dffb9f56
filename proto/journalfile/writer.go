package journalfile

import (
	"bufio"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// Writer writes a file. The first error sticks: what was written then is no
// whole file, and says so to whoever reads it. It is not safe for concurrent
// use.
type Writer struct {
	out    *bufio.Writer
	signer crypto.Signer
	header Header
	sum    sum
	err    error

	epoch            uint32 // of the run; 0 outside of one
	next             uint64
	head             chain.Head
	readings         uint64 // of the epoch, up to the last block
	blocks, bytes    int    // since the last seal
	allBlocks, inAll uint64
}

// NewWriter begins a file of a gateway. The signer holds the gateway's Ed25519
// seal key.
func NewWriter(w io.Writer, gateway, agent string, signer crypto.Signer) (*Writer, error) {
	pub, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("journal file: key is %T, want Ed25519", signer.Public())
	}
	out := &Writer{out: bufio.NewWriterSize(w, 64<<10), signer: signer,
		header: Header{Kind: "journal", Version: Version, Gateway: gateway, Key: pub, Agent: agent}}
	out.line(out.header)
	return out, out.err
}

func (w *Writer) line(v any) {
	if w.err != nil {
		return
	}
	text, err := encode(v)
	if err != nil {
		w.err = err
		return
	}
	w.sum = w.sum.next(text)
	_, _ = w.out.WriteString(w.sum.short()) // errors of a bufio.Writer stick
	_ = w.out.WriteByte(' ')
	_, _ = w.out.Write(text)
	if err := w.out.WriteByte('\n'); err != nil {
		w.err = fmt.Errorf("write journal file: %w", err)
	}
}

// Block writes a block: its bytes and the chain head before it. One that does
// not follow on the block before begins another run. It fails, and writes
// nothing, where the block cannot be decoded; the file can go on.
func (w *Writer) Block(epoch uint32, prev chain.Head, raw []byte) error {
	if w.err != nil {
		return w.err
	}
	b, err := block.Decode(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBlock, err)
	}
	if w.epoch != epoch || w.next != b.Number || w.head != prev || w.readings != b.Before {
		w.finishRun()
		w.line(Run{Kind: "run", Epoch: epoch, First: b.Number, Prev: prev.String(), Before: b.Before})
	}
	w.epoch, w.next, w.head, w.readings = epoch, b.Number+1, chain.Next(prev, raw), b.After()
	w.line(Block{Kind: "block", Number: b.Number, Head: w.head.String(), Bytes: raw})
	w.allBlocks++
	w.inAll += uint64(len(b.Readings))
	w.blocks++
	if w.bytes += len(raw); w.blocks >= SealBlocks || w.bytes >= SealBytes {
		w.seal()
	}
	return w.err
}

// ErrBlock is wrapped by the errors of Block after which the file can go on.
var ErrBlock = errors.New("block is left out")

// Absent says why blocks are missing.
func (w *Writer) Absent(epoch uint32, first, last uint64, reason string) error {
	w.finishRun()
	w.line(Absence{Kind: "absent", Epoch: epoch, First: first, Last: last, Reason: reason})
	return w.err
}

func (w *Writer) finishRun() {
	if w.blocks > 0 {
		w.seal()
	}
	w.epoch = 0
}

func (w *Writer) seal() {
	w.blocks, w.bytes = 0, 0
	s := &pb.Seal{Epoch: w.epoch, Number: w.next - 1, Head: w.head[:], Readings: w.readings}
	if err := chain.Sign(w.header.Gateway, s, w.signer); err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	w.line(Seal{Kind: "seal", Epoch: s.Epoch, Number: s.Number, Readings: s.Readings, Head: w.head.String(), Signature: s.Signature})
}

// Written counts the blocks in the file, and the readings in them.
func (w *Writer) Written() (blocks, readings uint64) { return w.allBlocks, w.inAll }

// Close writes the end. It does not close or sync what it writes to.
func (w *Writer) Close() error {
	w.finishRun()
	if w.err != nil {
		return w.err
	}
	e := End{Kind: "end", Blocks: w.allBlocks, Readings: w.inAll, Digest: chain.Head(w.sum).String()}
	sig, err := w.signer.Sign(rand.Reader, EndText(w.header.Gateway, &e), crypto.Hash(0))
	if err != nil {
		return fmt.Errorf("sign journal file: %w", err)
	}
	e.Signature = sig
	w.line(e)
	if w.err != nil {
		return w.err
	}
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("write journal file: %w", err)
	}
	w.err = errors.New("journal file is closed")
	return nil
}
