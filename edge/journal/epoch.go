package journal

import (
	"fmt"
	"maps"
	"slices"

	"frostline/proto/chain"
	"frostline/proto/pb"
)

// StartEpoch ends the chain of the present epoch and begins another, because
// the hub cannot go on with it. What is pending stays, and can be read and
// acknowledged. Series keep their ids and are declared again, as are the boot
// and this boot's latest anchors.
func (j *Journal) StartEpoch(reason string) error {
	j.disk.Lock()
	defer j.disk.Unlock()
	if err := j.ready(); err != nil {
		return fmt.Errorf("start epoch: %w", err)
	}
	j.mu.Lock()
	old := j.present()
	id := max(old.id, j.seen, j.o.FirstEpoch-1) + 1
	e := &epoch{id: id, head: chain.Genesis(j.gateway, id), headOK: true}
	t := j.tail(false)
	*t = tail{Gateway: t.Gateway, Epoch: id, Head: hash(e.head), Boot: t.Boot, BootID: t.BootID, Tick: t.Tick, Warned: t.Warned,
		Start: &start{Reason: text("%s", reason), Epoch: old.id, Last: old.last, Readings: old.readings}}
	for _, x := range j.epochs {
		ended := *x
		ended.over = true
		t.Marks = append(t.Marks, ended.mark(x.told))
	}
	t.Marks = append(t.Marks, e.mark(nil))
	j.mu.Unlock()
	s, err := j.create(1, t, nil)
	if err != nil {
		return fmt.Errorf("start epoch %d: %w", id, err)
	}
	j.mu.Lock()
	was := j.active
	old.over = true
	e.segments = []*segment{s}
	j.epochs, j.active, j.recent, j.begin = append(slices.Clone(j.epochs), e), s, ring{}, t.Start
	j.announce(e)
	j.bare = false
	j.log.Warn("a new epoch begins", "epoch", id, "reason", reason, "previous_last", old.last)
	j.mu.Unlock()
	was.seal()
	j.weigh(was)
	j.endAll()
	j.saveState()
	j.notify()
	return nil
}

// announce has an epoch begin with what the hub must know to understand it:
// why it began, the boot, its anchors, and the series. j.mu is held.
func (j *Journal) announce(e *epoch) {
	now := j.o.Boottime()
	first := []notice{startNotice(e.id, j.begin, now), j.bootNotice(now)}
	for _, source := range slices.Sorted(maps.Keys(j.anchors)) {
		first = append(first, notice{raw: j.anchors[source]})
	}
	j.table.declared = map[uint32]bool{}
	for _, d := range j.table.all() {
		if j.table.used[d.ID] {
			first = append(first, notice{event: d.event(now), series: &d})
		}
	}
	for _, n := range j.notices {
		switch n.event.GetKind().(type) {
		case *pb.Event_EpochStart, *pb.Event_Boot, *pb.Event_SeriesDeclared, nil: // said already
		default:
			first = append(first, n)
		}
	}
	j.notices = first
}

// epoch is a chain of blocks. Guarded by Journal.mu.
type epoch struct {
	id       uint32
	last     uint64
	head     chain.Head
	headOK   bool // the head is known: not after damage at the end of an epoch
	readings uint64

	committed     uint64 // by the hub, from block 1 without hole
	committedHead chain.Head
	acked         spans // committed by the hub
	lost          spans // not to be had any more
	settled       spans // acked and lost
	told          spans // lost, and declared by a Gap that is kept
	said          place // the last block that declares losses of it, or a later one
	durable       spans // acked, as last written to disk
	over          bool  // another epoch followed

	segments []*segment // by first; an element is replaced, never changed
}

// place is a block of an epoch.
type place struct {
	epoch uint32
	block uint64
}

// present is the epoch that blocks are added to. j.mu is held.
func (j *Journal) present() *epoch { return j.epochs[len(j.epochs)-1] }

// epoch finds an epoch. j.mu is held.
func (j *Journal) epoch(id uint32) *epoch {
	for _, e := range j.epochs {
		if e.id == id {
			return e
		}
	}
	return nil
}
