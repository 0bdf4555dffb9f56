package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/journalfile"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// Haul is what was taken in of a journal file.
type Haul struct {
	Gateway  string   `json:"gateway"`
	Bytes    uint64   `json:"bytes"`    // read of the file
	Blocks   uint64   `json:"blocks"`   // of the file, verified and handed to intake
	Readings uint64   `json:"readings"` // in them
	New      uint64   `json:"new"`      // readings that were not committed before
	Refused  uint64   `json:"refused"`  // parcels that went to quarantine
	Waiting  uint64   `json:"waiting"`  // blocks that could not be taken because the chain has too many holes: import again
	Absent   uint64   `json:"absent"`   // blocks that are not in the file and not committed here
	Reasons  []string `json:"reasons,omitempty"`
	Whole    bool     `json:"whole"` // the file was read and verified to its end
}

// maxReasons bounds the reasons that a Haul tells.
const maxReasons = 20

func (h *Haul) say(format string, a ...any) {
	if len(h.Reasons) < maxReasons {
		h.Reasons = append(h.Reasons, clean(fmt.Sprintf(format, a...)))
	}
}

// ErrForeignKey says that a journal file is not signed by a key of the gateway
// it names.
var ErrForeignKey = errors.New("the file is not signed by a key that this hub knows of the gateway")

// TakeIn takes a journal file in, in the way of all messages: its blocks become
// parcels, and what is known already is passed over. Blocks are handed on only
// when the seal after them has been verified by a key that the gateway was
// enrolled with. Nothing needs to be remembered of an import: after one that
// was cut short the file is taken in again.
//
// progress is called after each stretch of blocks. An error says how far it
// came in the Haul; a *journalfile.Fault says where the file was changed.
func (in *Intake) TakeIn(ctx context.Context, file io.Reader, progress func(Haul)) (Haul, error) {
	t := &taking{in: in, file: journalfile.NewReader(file)}
	for {
		item, err := t.file.Next()
		t.haul.Bytes = t.file.Bytes()
		if err == io.EOF {
			t.haul.Whole = true
			if b := t.file.Broken(); b != nil {
				t.haul.say("%v", b)
			}
			return t.haul, nil
		}
		if err == nil {
			err = t.take(ctx, item)
		}
		if err != nil {
			return t.haul, fmt.Errorf("take in journal: %w", err)
		}
		if item.Seal != nil {
			progress(t.haul)
		}
	}
}

// taking is one file under way.
type taking struct {
	in   *Intake
	file *journalfile.Reader
	haul Haul

	epoch uint32
	first uint64
	prev  chain.Head
	raws  [][]byte // blocks since the last seal
}

func (t *taking) take(ctx context.Context, item journalfile.Item) error {
	switch {
	case item.Header != nil:
		h := item.Header
		t.haul.Gateway = h.Gateway
		key, err := t.in.gateways.SealKey(h.Gateway, chain.KeyID(h.Key))
		if err != nil {
			return fmt.Errorf("%w: gateway %s, key %x: %w", ErrForeignKey, h.Gateway, chain.KeyID(h.Key), err)
		}
		if !bytes.Equal(key, h.Key) {
			return fmt.Errorf("%w: gateway %s, key %x", ErrForeignKey, h.Gateway, chain.KeyID(h.Key))
		}
	case item.Block != nil:
		b := item.Block
		if len(t.raws) == 0 {
			t.epoch, t.first, t.prev = b.Epoch, b.Number, b.Prev
		}
		t.raws = append(t.raws, b.Raw)
		t.haul.Blocks++
		t.haul.Readings += uint64(len(b.Readings))
	case item.Seal != nil:
		return t.sealed(ctx, item.Seal)
	case item.Absence != nil:
		t.absent(item.Absence)
	}
	return nil
}

// sealed hands on the blocks that a seal stands for, and then the seal.
func (t *taking) sealed(ctx context.Context, s *pb.Seal) error {
	if err := t.parcels(ctx, t.first, t.prev, t.raws); err != nil {
		return err
	}
	t.raws = t.raws[:0]
	payload, err := proto.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode seal: %w", err)
	}
	return t.deliver(ctx, topic.Seal, payload, s.Number, s.Number)
}

// parcels hands on blocks in one parcel, or in more where that is too large.
func (t *taking) parcels(ctx context.Context, first uint64, prev chain.Head, raws [][]byte) error {
	m := &pb.Parcel{Epoch: t.epoch, First: first, PrevHead: prev[:]}
	size := 0
	if len(raws) == 1 {
		m.Body = &pb.Parcel_Block{Block: raws[0]}
	} else {
		bundle, err := block.Pack(raws)
		if err != nil {
			size = MaxParcelBytes + 1
		}
		m.Body = &pb.Parcel_Bundle{Bundle: bundle}
	}
	payload, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode parcel: %w", err)
	}
	if max(size, len(payload)) > MaxParcelBytes && len(raws) > 1 {
		half := len(raws) / 2
		if err := t.parcels(ctx, first, prev, raws[:half]); err != nil {
			return err
		}
		for _, raw := range raws[:half] {
			prev = chain.Next(prev, raw)
		}
		return t.parcels(ctx, first+uint64(half), prev, raws[half:])
	}
	last := first + uint64(len(raws)) - 1
	if err := t.deliver(ctx, topic.Backlog, payload, first, last); err != nil {
		return err
	}
	return nil
}

// deliver hands a message on and waits until it is committed.
func (t *taking) deliver(ctx context.Context, lane topic.Lane, payload []byte, first, last uint64) error {
	d, err := t.in.Deliver(ctx, Message{Gateway: t.haul.Gateway, Lane: lane, Payload: payload, Received: t.in.now()})
	if err != nil {
		return err
	}
	t.haul.New += d.Readings
	switch {
	case d.Refused != "":
		t.haul.Refused++
		t.haul.say("epoch %d, blocks %d to %d: %s", t.epoch, first, last, d.Refused)
	case lane == topic.Backlog:
		missing := t.in.missing(chainKey{t.haul.Gateway, t.epoch}, first, last)
		if t.haul.Waiting += missing; missing > 0 {
			t.haul.say("epoch %d, blocks %d to %d: the chain has too many holes; import the file again", t.epoch, first, last)
		}
	}
	return nil
}

// absent counts the blocks that are neither in the file nor here.
func (t *taking) absent(a *journalfile.Absence) {
	missing := t.in.missing(chainKey{t.haul.Gateway, a.Epoch}, a.First, a.Last)
	if t.haul.Absent += missing; missing > 0 {
		t.haul.say("epoch %d, blocks %d to %d are not in the file: %s", a.Epoch, a.First, a.Last, a.Reason)
	}
}

// missing counts the blocks of first to last that are not committed.
func (in *Intake) missing(k chainKey, first, last uint64) uint64 {
	n := last - first + 1
	c := in.state(k)
	if c == nil {
		return n
	}
	for _, s := range c.ranges[c.ranges.from(first):] {
		if s.first > last {
			break
		}
		n -= min(s.last, last) - max(s.first, first) + 1
	}
	return n
}
