package journal

import (
	"fmt"

	"frostline/proto/chain"
)

// Run is consecutive blocks of an epoch.
type Run struct {
	Epoch    uint32
	First    uint64     // number of the first
	PrevHead chain.Head // before it
	Blocks   [][]byte   // canonical bytes; not to be changed
}

// Tip is the end of the chain: what is kept, synced to disk.
type Tip struct {
	Epoch    uint32
	Boot     uint32     // ordinal of this boot
	Last     uint64     // number of the last block, 0 before the first
	Head     chain.Head // after it
	Readings uint64     // of the epoch, up to and with it
}

// Tip gives the end of the chain. All of it is zero while the disk has not
// said where that is.
func (j *Journal) Tip() Tip {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.loaded {
		return Tip{}
	}
	e := j.present()
	return Tip{Epoch: e.id, Boot: j.boot, Last: e.last, Head: e.head, Readings: e.readings}
}

// Pending is what an epoch holds that the hub has not acknowledged.
type Pending struct {
	Epoch    uint32
	First    uint64 // lowest number that is not acknowledged
	Last     uint64 // of the epoch; blocks between may be acknowledged already
	Blocks   uint64
	Readings uint64
}

// Pending lists the epochs with blocks that the hub has not acknowledged,
// ascending.
func (j *Journal) Pending() []Pending {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Pending
	for _, e := range j.epochs {
		if p := e.pending(); p.Blocks > 0 {
			out = append(out, p)
		}
	}
	return out
}

func (e *epoch) pending() Pending {
	blocks, readings := e.settled.total()
	p := Pending{Epoch: e.id, First: 1, Last: e.last, Blocks: e.last - min(e.last, blocks), Readings: e.readings - min(e.readings, readings)}
	if x, ok := e.settled.at(1); ok {
		p.First = x.Last + 1
	}
	return p
}

// maxRepairs bounds how many damaged places one Read deals with.
const maxRepairs = 16

// Read gives consecutive blocks: the first that is there at or after from, and
// those that follow, at most maxBlocks of together at most maxBytes, but at
// least one. Run.First is greater than from where blocks are lost, which the
// chain declares, or acknowledged and deleted. A Run without blocks says that
// nothing is there from from on.
//
// Each block is checked against the chain. Where a segment turns out to be
// damaged, it is set aside, its loss declared, and reading goes on behind it.
func (j *Journal) Read(epoch uint32, from uint64, maxBlocks, maxBytes int) (Run, error) {
	from = max(from, 1)
	j.mu.Lock()
	e := j.epoch(epoch)
	j.mu.Unlock()
	run := Run{Epoch: epoch, First: from}
	if e == nil {
		return run, nil
	}
	for range maxRepairs {
		r := reader{j: j, e: e, run: &run, next: from, maxBlocks: max(maxBlocks, 1), maxBytes: maxBytes}
		bad, err := r.read()
		if err != nil {
			return Run{}, fmt.Errorf("read block %d of epoch %d: %w", r.next, epoch, err)
		}
		if len(run.Blocks) > 0 || bad == nil {
			return run, nil
		}
		if err := j.heal(e, bad); err != nil {
			return Run{}, fmt.Errorf("read block %d of epoch %d: %w", r.next, epoch, err)
		}
		run.First = from
	}
	return Run{}, fmt.Errorf("read block %d of epoch %d: more than %d damaged places", from, epoch, maxRepairs)
}
