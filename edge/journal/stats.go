package journal

import (
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// counters count since Open. Guarded by Journal.mu.
type counters struct {
	commits, repeats, dropped, acks uint64
	written                         uint64 // bytes of records
	thinned                         uint64 // stretches of blocks
	torn, broken, deleted, outages  int
	lastAck                         time.Time
	overflowing                     bool
}

// Stats is how the journal stands.
type Stats struct {
	Loaded   bool       // false while the disk has not said where the chain ends
	Err      error      // why nothing is kept now; nil when all is well
	Epoch    uint32     //
	Boot     uint32     // ordinal
	Last     uint64     // number of the last block of the epoch
	Head     chain.Head // after it
	Readings uint64     // kept in the epoch

	PendingBlocks   uint64 // kept and not acknowledged, in all epochs
	PendingReadings uint64 // in them
	Oldest          *Oldest
	LostBlocks      uint64 // declared lost, in the epochs that are not done with
	LostReadings    uint64 // in them, and those dropped from memory since Open

	Committed uint64    // by the hub, of this epoch, without hole
	LastAck   time.Time // when the last acknowledgement came; zero when none since Open

	Bytes     int64    // of segments on disk
	MaxBytes  int64    // that they may take
	Segments  int      // files
	HoursLeft *float64 // until MaxBytes, at the rate of the last hour, if nothing is acknowledged; nil when not known
	// FullPercent is the share of MaxBytes that segments take of which the hub
	// has not acknowledged all.
	FullPercent int
	Damaged     int // files set aside, since ever

	HeldBlocks   int    // in memory, waiting for the disk
	HeldReadings uint64 // in them
	HeldSince    time.Time

	// Since Open.
	Thinned  uint64 // stretches of blocks in range that were given up for a summary, and declared
	Repeats  uint64 // readings not kept because their series had that tick, or a later one
	Dropped  uint64 // readings dropped because the memory for them was full, and declared
	Commits  uint64 // transactions
	Torn     int    // commits found torn by a crash or power cut
	Broken   int    // segments given up after a write failed
	Outages  int    // times that the disk took nothing, over by now
	Deleted  int    // segments, because all of them was acknowledged
	Overflow bool   // the memory for readings is full
}

// Oldest is the oldest reading that is not acknowledged.
type Oldest struct {
	Epoch uint32
	Boot  uint32 // ordinal
	Tick  int64  // boottime of that boot, ms
}

// Stats tells how the journal stands. It reads at most one block, and that only
// when the oldest reading that is pending is another than the last time.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	bytes := j.bytesLocked()
	s := Stats{
		Loaded: j.loaded, Boot: j.boot, Bytes: bytes, MaxBytes: j.o.MaxBytes, Damaged: j.aside,
		HeldBlocks: j.held.blocks + j.held.leaving.blocks, HeldReadings: j.held.readings + j.held.leaving.readings, LastAck: j.count.lastAck,
		Thinned: j.count.thinned, Repeats: j.count.repeats, Dropped: j.count.dropped, Commits: j.count.commits, Torn: j.count.torn,
		Broken: j.count.broken, Outages: j.count.outages, Deleted: j.count.deleted, Overflow: j.count.overflowing,
		LostReadings: j.count.dropped,
	}
	if j.held.gap != nil {
		s.Dropped += j.held.gap.Readings
		s.LostReadings += j.held.gap.Readings
	}
	if j.outage != nil {
		s.Err, s.HeldSince = j.outage.cause, j.outage.since
	}
	unsent := j.unsent()
	s.FullPercent = j.share(unsent)
	if h, ok := j.hoursLeft(unsent); ok {
		s.HoursLeft = &h
	}
	var first *Pending
	var at *epoch
	for _, e := range j.epochs {
		p := e.pending()
		s.PendingBlocks += p.Blocks
		s.PendingReadings += p.Readings
		blocks, readings := e.lost.total()
		s.LostBlocks += blocks
		s.LostReadings += readings
		s.Segments += len(e.segments)
		if first == nil && p.Blocks > 0 {
			first, at = &p, e
		}
	}
	if j.loaded {
		e := j.present()
		s.Epoch, s.Last, s.Head, s.Readings, s.Committed = e.id, e.last, e.head, e.readings, e.committed
	}
	j.mu.Unlock()
	if first != nil {
		s.Oldest = j.oldestReading(at, first.First)
	}
	return s
}

// oldestReading tells when the first reading of a block was taken, or its first
// event. It gives nil where the block cannot be read.
func (j *Journal) oldestReading(e *epoch, number uint64) *Oldest {
	at := Pending{Epoch: e.id, First: number}
	j.mu.Lock()
	o := j.oldest
	if o == nil || j.oldestAt != at {
		o = nil
	}
	j.mu.Unlock()
	if o != nil {
		return o
	}
	r, err := j.record(e, number)
	if err != nil {
		return nil
	}
	b, err := block.Decode(r.raw)
	if err != nil {
		return nil
	}
	o = &Oldest{Epoch: e.id, Boot: b.Boot, Tick: maxTick}
	for _, x := range b.Readings {
		o.Tick = min(o.Tick, x.Tick)
	}
	if len(b.Readings) == 0 && len(b.Events) > 0 {
		if ev, err := block.DecodeEvent(b.Events[0]); err == nil {
			o.Tick = ev.AtMs
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.oldest, j.oldestAt = o, at
	return o
}

// maxHours bounds the hours left that a State tells.
const maxHours = 1e6

// Numbers are the counts that a gateway's State carries.
func (j *Journal) Numbers() *pb.Journal {
	s := j.Stats()
	p := &pb.Journal{Last: s.Last, Readings: s.Readings, PendingBlocks: s.PendingBlocks, PendingReadings: s.PendingReadings,
		Bytes: uint64(s.Bytes), Damaged: uint64(s.Damaged), MemoryBlocks: uint64(s.HeldBlocks),
		MaxBytes: uint64(s.MaxBytes), FullPercent: uint32(s.FullPercent)}
	if s.HoursLeft != nil {
		p.HoursLeft = proto.Uint32(uint32(min(*s.HoursLeft, maxHours)))
	}
	return p
}
