package intake

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// Limits of one parcel. A bundle of zeros packs to almost nothing, so readings
// are bounded too.
const (
	MaxParcelBytes    = 1 << 20
	maxParcelReadings = 4 << 20
	maxNumber         = 1 << 62 // of blocks and of readings: they are kept as int64
)

// parcel is a verified one: sound by itself, whatever the hub knows already.
// It is not changed after open has made it.
type parcel struct {
	gateway     string
	epoch       uint32
	first, last uint64
	before      uint64 // readings in the epoch before block first
	after       uint64 // and up to and with block last
	prev        chain.Head
	marks       []mark // after each block, first to last
	payload     []byte
	live        bool
	received    int64 // Unix ms
	boots       []batch.Boot
	events      []batch.Event
	malformed   int // events that could not be decoded
}

// mark is where a chain stands after a block.
type mark struct {
	head  chain.Head
	count uint64 // readings in the epoch so far
}

// mark is where the chain stands after block n, which may be first-1.
func (p *parcel) mark(n uint64) mark {
	if n+1 == p.first {
		return mark{p.prev, p.before}
	}
	return p.marks[n-p.first]
}

// span is the parcel as a range.
func (p *parcel) span() span {
	return span{p.first, p.last, p.mark(p.first - 1), p.mark(p.last)}
}

func (p *parcel) readings() uint64 { return p.after - p.before }

// batch is the parcel as sinks get it.
func (p *parcel) batch(id int64) *batch.Batch {
	return &batch.Batch{
		ID: id, Gateway: p.gateway, Epoch: p.epoch, First: p.first, Last: p.last, Live: p.live,
		Received: p.received, Readings: int(p.readings()), Boots: p.boots, Events: p.events,
	}
}

// refusal is a parcel or seal that cannot be accepted: an error that knows
// which blocks it was about.
//
// first is 0 where no block can be named. That is so when a bundle cannot be
// read: the gateway hears nothing of its blocks, sends them again in smaller
// parcels, and in the end alone, so that the bad one is refused by itself and
// not those that were packed with it.
type refusal struct {
	epoch       uint32
	first, last uint64
	fork        bool // it contradicts what is committed
	reason      string
}

func (r *refusal) Error() string { return r.reason }

func (r *refusal) because(format string, a ...any) *refusal {
	r.reason = fmt.Sprintf(format, a...)
	return r
}

// open verifies a parcel by itself. The error is always a *refusal.
func open(gateway string, payload []byte) (*parcel, error) {
	no := &refusal{}
	if len(payload) > MaxParcelBytes {
		return nil, no.because("parcel of %d bytes: the limit is %d", len(payload), MaxParcelBytes)
	}
	var m pb.Parcel
	if err := proto.Unmarshal(payload, &m); err != nil {
		return nil, no.because("parcel is not protobuf: %v", err)
	}
	if no.epoch = m.Epoch; m.Epoch == 0 || m.First == 0 || m.First > maxNumber {
		return nil, no.because("parcel of epoch %d, block %d: both count from 1", m.Epoch, m.First)
	}
	if m.GetBlock() != nil {
		no.first, no.last = m.First, m.First
	}
	prev, err := chain.ParseHead(m.PrevHead)
	if err != nil {
		return nil, no.because("parcel: previous %v", err)
	}
	p := &parcel{gateway: gateway, epoch: m.Epoch, first: m.First, prev: prev, payload: payload}
	gather := gatherer{p: p}
	switch body := m.Body.(type) {
	case *pb.Parcel_Block:
		var b *block.Block
		if b, err = block.Decode(body.Block); err == nil {
			err = gather.add(b, body.Block)
		}
	case *pb.Parcel_Bundle:
		err = block.Unpack(body.Bundle, gather.add)
	default:
		err = errors.New("it carries neither block nor bundle")
	}
	if err != nil {
		return nil, no.because("parcel of block %d: %v", m.First, err)
	}
	if p.first == 1 && p.before != 0 {
		return nil, p.refuse("block 1 counts %d readings before it", p.before)
	}
	if p.first == 1 && prev != chain.Genesis(gateway, m.Epoch) {
		return nil, p.refuse("block 1: the head before it is not that of gateway %s, epoch %d", gateway, m.Epoch)
	}
	p.boots = gather.finish()
	return p, nil
}

// refuse is a refusal of the whole parcel.
func (p *parcel) refuse(format string, a ...any) *refusal {
	return (&refusal{epoch: p.epoch, first: p.first, last: p.last}).because(format, a...)
}

// cut makes the parcels of blocks from..to alone, re-packed: one, unless the
// blocks cannot be packed together.
func (p *parcel) cut(from, to uint64) ([]*parcel, error) {
	if from == p.first && to == p.last {
		return []*parcel{p}, nil
	}
	var m pb.Parcel
	if err := proto.Unmarshal(p.payload, &m); err != nil {
		return nil, fmt.Errorf("cut parcel: %w", err)
	}
	var raws [][]byte
	err := block.Unpack(m.GetBundle(), func(b *block.Block, raw []byte) error {
		if b.Number >= from && b.Number <= to {
			raws = append(raws, append([]byte(nil), raw...))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cut parcel: %w", err)
	}
	groups := [][][]byte{raws}
	bundle, err := block.Pack(raws)
	if err != nil || len(raws) == 1 {
		groups = groups[:0]
		for i := range raws {
			groups = append(groups, raws[i:i+1])
		}
	}
	var out []*parcel
	for n := from; len(groups) > 0; groups = groups[1:] {
		head := p.mark(n - 1).head
		part := &pb.Parcel{Epoch: p.epoch, First: n, PrevHead: head[:]}
		if len(groups[0]) == 1 {
			part.Body = &pb.Parcel_Block{Block: groups[0][0]}
		} else {
			part.Body = &pb.Parcel_Bundle{Bundle: bundle}
		}
		n += uint64(len(groups[0]))
		payload, err := proto.Marshal(part)
		if err != nil {
			return nil, fmt.Errorf("cut parcel: %w", err)
		}
		piece, err := open(p.gateway, payload)
		if err != nil {
			return nil, fmt.Errorf("cut parcel: %w", err)
		}
		piece.live, piece.received = p.live, p.received
		out = append(out, piece)
	}
	return out, nil
}
