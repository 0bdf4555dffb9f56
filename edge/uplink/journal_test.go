package uplink

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"frostline/edge/journal"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// memoryJournal is a Journal without a disk.
type memoryJournal struct {
	gateway string
	kept    chan struct{}
	rng     *rand.Rand

	mu     sync.Mutex
	epochs []*memoryEpoch
	fail   error // of Read
}

type memoryEpoch struct {
	number    uint32
	reason    string
	blocks    [][]byte // block n at n-1; nil where it was lost
	heads     []chain.Head
	readings  uint64
	committed uint64
	beyond    spans
}

func newMemoryJournal(gateway string) *memoryJournal {
	j := &memoryJournal{gateway: gateway, kept: make(chan struct{}, 1), rng: rand.New(rand.NewPCG(1, 2))}
	j.begin("first")
	return j
}

func (j *memoryJournal) begin(reason string) {
	n := uint32(len(j.epochs) + 1)
	j.epochs = append(j.epochs, &memoryEpoch{number: n, reason: reason, heads: []chain.Head{chain.Genesis(j.gateway, n)}})
}

func (j *memoryJournal) ring() {
	select {
	case j.kept <- struct{}{}:
	default:
	}
}

// keep adds a block of so many series, one reading each, as after a second.
func (j *memoryJournal) keep(series int) uint64 { return j.keepWith(series) }

// keepWith adds a block with events too.
func (j *memoryJournal) keepWith(series int, events ...*pb.Event) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.epochs[len(j.epochs)-1]
	n := uint64(len(e.blocks) + 1)
	b := block.Block{Number: n, Before: e.readings, Boot: 1}
	for s := range series {
		b.Readings = append(b.Readings, reading.Reading{
			Series: uint32(s), Tick: int64(n) * 1000, Value: 4000 + int64(s)*13 + int64(j.rng.IntN(12)),
		})
	}
	for _, e := range events {
		raw, err := block.EncodeEvent(e)
		if err != nil {
			panic(err)
		}
		b.Events = append(b.Events, raw)
	}
	raw, err := b.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	e.blocks = append(e.blocks, raw)
	e.heads = append(e.heads, chain.Next(e.heads[n-1], raw))
	e.readings += uint64(series)
	j.ring()
	return n
}

func (j *memoryJournal) lose(first, last uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for n := first; n <= last; n++ {
		j.epochs[len(j.epochs)-1].blocks[n-1] = nil
	}
}

func (j *memoryJournal) epoch(n uint32) *memoryEpoch {
	if n == 0 || int(n) > len(j.epochs) {
		return nil
	}
	return j.epochs[n-1]
}

func (j *memoryJournal) Tip() journal.Tip {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.epochs[len(j.epochs)-1]
	return journal.Tip{Epoch: e.number, Last: uint64(len(e.blocks)), Head: e.heads[len(e.blocks)], Readings: e.readings}
}

func (j *memoryJournal) Pending() (p []journal.Pending) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.epochs {
		if last := uint64(len(e.blocks)); e.committed < last {
			p = append(p, journal.Pending{Epoch: e.number, First: e.committed + 1, Last: last})
		}
	}
	return p
}

func (j *memoryJournal) Read(epoch uint32, from uint64, maxBlocks, maxBytes int) (journal.Run, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return journal.Run{}, j.fail
	}
	e := j.epoch(epoch)
	if e == nil {
		return journal.Run{}, fmt.Errorf("epoch %d is not kept", epoch)
	}
	for from <= uint64(len(e.blocks)) && (e.blocks[from-1] == nil || from <= e.committed) {
		from++
	}
	run := journal.Run{Epoch: epoch, First: from}
	size := 0
	for n := from; n <= uint64(len(e.blocks)) && len(run.Blocks) < maxBlocks; n++ {
		b := e.blocks[n-1]
		if size += len(b); b == nil || len(run.Blocks) > 0 && size > maxBytes {
			break
		}
		run.Blocks = append(run.Blocks, slices.Clone(b))
	}
	if len(run.Blocks) > 0 {
		run.PrevHead = e.heads[from-1]
	}
	return run, nil
}

func (j *memoryJournal) Acknowledge(c journal.Commit) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.epoch(c.Epoch)
	switch {
	case e == nil:
		return fmt.Errorf("%w: epoch %d is not kept", journal.ErrDiverged, c.Epoch)
	case c.Committed > uint64(len(e.blocks)):
		return fmt.Errorf("%w: block %d is not kept", journal.ErrDiverged, c.Committed)
	case e.heads[c.Committed] != c.Head && c.Committed > 0:
		return fmt.Errorf("%w: head after block %d is %s, not %s", journal.ErrDiverged, c.Committed, e.heads[c.Committed], c.Head)
	}
	e.committed = max(e.committed, c.Committed)
	for _, r := range c.Beyond {
		e.beyond.add(span{r.First, r.Last})
	}
	e.beyond.remove(span{1, e.committed})
	return nil
}

func (j *memoryJournal) StartEpoch(reason string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begin(reason)
	j.ring()
	return nil
}

func (j *memoryJournal) Numbers() *pb.Journal {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.epochs[len(j.epochs)-1]
	n := &pb.Journal{Last: uint64(len(e.blocks)), Readings: e.readings}
	for _, e := range j.epochs {
		n.PendingBlocks += uint64(len(e.blocks)) - e.committed - e.beyond.count()
	}
	return n
}

func (j *memoryJournal) Kept() <-chan struct{} { return j.kept }

// committed is the mark of an epoch.
func (j *memoryJournal) committed(epoch uint32) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.epochs[epoch-1].committed
}

var _ Journal = (*memoryJournal)(nil)

func TestMemoryJournalRefusesAnotherChain(t *testing.T) {
	j := newMemoryJournal("gw-1")
	j.keep(3)
	if err := j.Acknowledge(journal.Commit{Epoch: 1, Committed: 1}); err == nil {
		t.Fatal("a wrong head was taken")
	}
}
