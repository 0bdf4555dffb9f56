package uplink

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"frostline/edge/journal"
	"frostline/proto/block"
	"frostline/proto/pb"
)

// order asks for a backlog parcel.
type order struct {
	epoch uint32
	span      // free to be taken
	bytes int // to aim at
	most  int // blocks
	tries int
}

// packed answers an order. Without error, exactly one of payload and missing
// tells: the parcel for span, or that the journal has nothing in it.
type packed struct {
	order
	payload []byte
	got     span // blocks of payload
	missing span // no such blocks; empty when first is 0
	single  bool // sent as one raw block because packing failed
	err     error
}

// packer makes backlog parcels. It runs beside the session, because packing
// takes milliseconds that a live parcel shall not wait.
type packer struct {
	journal Journal
	density float64 // packed bytes per block, as last seen; 0 before
}

// rawShare bounds the raw blocks read for one parcel, in bytes.
const rawShare = 1 << 20

// pack makes the parcel of an order.
func (p *packer) pack(o order) packed {
	most := min(o.most, maxBundle)
	if p.density > 0 {
		most = min(most, max(int(float64(o.bytes)/p.density), 1))
	} else {
		most = min(most, 8) // to see what the blocks are like
	}
	most = int(min(uint64(most), o.blocks()))
	run, err := p.journal.Read(o.epoch, o.first, most, rawShare)
	if err != nil {
		return packed{order: o, err: fmt.Errorf("read block %d of epoch %d: %w", o.first, o.epoch, err)}
	}
	res := packed{order: o}
	switch {
	case len(run.Blocks) == 0:
		res.missing = o.span
		return res
	case run.First > o.first:
		res.missing = span{o.first, min(run.First-1, o.last)}
		return res
	case run.First < o.first:
		res.err = fmt.Errorf("read block %d of epoch %d: the journal gave block %d", o.first, o.epoch, run.First)
		return res
	}
	blocks := run.Blocks[:min(len(run.Blocks), most)]
	for {
		res.payload, res.single, res.err = enclose(run, blocks)
		if res.err != nil || len(blocks) == 1 {
			break
		}
		p.density = float64(len(res.payload)) / float64(len(blocks))
		if len(res.payload) <= min(o.bytes*2, maxParcel) || res.single {
			break
		}
		blocks = blocks[:max(len(blocks)*o.bytes/len(res.payload), 1)]
	}
	if res.single {
		blocks = blocks[:1]
	}
	if len(blocks) == 1 && p.density == 0 {
		p.density = float64(len(res.payload))
	}
	res.got = span{run.First, run.First + uint64(len(blocks)) - 1}
	return res
}

// enclose makes a parcel of blocks that start the run: a bundle, or, where the
// blocks cannot be packed, the first of them as it is.
func enclose(run journal.Run, blocks [][]byte) (payload []byte, single bool, err error) {
	m := &pb.Parcel{Epoch: run.Epoch, First: run.First, PrevHead: run.PrevHead[:]}
	if len(blocks) > 1 {
		if bundle, err := block.Pack(blocks); err == nil {
			m.Body = &pb.Parcel_Bundle{Bundle: bundle}
		} else {
			single = true
		}
	}
	if m.Body == nil {
		m.Body = &pb.Parcel_Block{Block: blocks[0]}
	}
	payload, err = proto.Marshal(m)
	if err != nil {
		return nil, false, fmt.Errorf("encode parcel of block %d: %w", run.First, err)
	}
	return payload, single, nil
}
