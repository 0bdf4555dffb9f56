package journal

import (
	"context"
	"fmt"
	"time"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Kept is what became of an Append: its readings and events are synced to
// disk, in these blocks, which may hold those of concurrent Appends too.
type Kept struct {
	Epoch    uint32
	First    uint64     // number of the first block; 0 when all readings were repeats
	PrevHead chain.Head // before it
	Blocks   [][]byte   // canonical bytes; not to be changed
	Repeats  int        // readings passed over because their series has one of that tick or later
}

// Bounds of what one Append takes.
const (
	maxEvent    = 8 << 10 // bytes of one event
	maxEvents   = 1024
	maxReadings = 16 << 10
	maxTick     = 1 << 40 // ms after boot
)

// request is an Append on its way.
type request struct {
	readings []reading.Reading
	events   [][]byte
	flush    bool

	done chan struct{} // closed when kept and err are set; nil for what was held
	kept Kept
	err  error
}

func (r *request) size() int {
	n := 32*len(r.readings) + 128
	for _, e := range r.events {
		n += len(e) + 24
	}
	return n
}

func (r *request) finish(k Kept, err error) {
	if r.done != nil {
		r.kept, r.err = k, err
		close(r.done)
	}
}

// Append keeps readings and events. When it returns nil they are synced to
// disk, in the order of the calls. Appends that come while a commit runs are
// kept together in the next.
//
// Ticks of a series must go up. A reading whose tick is not after the last one
// kept of its series in this boot is a repeat, as of an Append that is tried
// again: it is not kept twice, and is counted. After a restart of the agent
// within a boot, ticks must come after all that were kept before.
//
// When ctx ends first, the readings may or may not be kept: repeating the call
// is safe for readings, and doubles events. An Anchor whose boot is 0 gets the
// ordinal of this boot, which the caller may not know yet. ErrHeld says that they wait in
// memory for the disk; ErrDropped that they are lost, which the chain will
// say. Any other error means that nothing was taken.
func (j *Journal) Append(ctx context.Context, readings []reading.Reading, events []*pb.Event) (Kept, error) {
	r, err := j.request(readings, events)
	if err != nil {
		return Kept{}, fmt.Errorf("append: %w", err)
	}
	return j.do(ctx, r)
}

// Flush keeps what is held in memory and what the journal itself has to say.
// When it returns nil nothing waits, and the acknowledgements taken so far are
// on disk as well.
func (j *Journal) Flush(ctx context.Context) error {
	_, err := j.do(ctx, &request{flush: true, done: make(chan struct{})})
	return err
}

func (j *Journal) do(ctx context.Context, r *request) (Kept, error) {
	if err := ctx.Err(); err != nil {
		return Kept{}, fmt.Errorf("append: %w", err)
	}
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return Kept{}, ErrClosed
	}
	j.queue = append(j.queue, r)
	j.queued += r.size()
	j.bound()
	j.start()
	select {
	case j.hurry <- struct{}{}: // it may be enough for a commit now
	default:
	}
	j.mu.Unlock()
	hang := time.NewTimer(j.o.HangWait)
	defer hang.Stop()
	select {
	case <-r.done:
		return r.kept, r.err
	case <-ctx.Done():
		return Kept{}, fmt.Errorf("append: %w", ctx.Err())
	case <-hang.C:
		err := fmt.Errorf("the disk has not answered for %v", j.o.HangWait)
		j.failed(err)
		return Kept{}, fmt.Errorf("%w: %w", ErrHeld, err)
	}
}

// request checks and encodes what is appended.
func (j *Journal) request(readings []reading.Reading, events []*pb.Event) (*request, error) {
	if len(readings) > maxReadings || len(events) > maxEvents {
		return nil, fmt.Errorf("%d readings and %d events: the limits are %d and %d", len(readings), len(events), maxReadings, maxEvents)
	}
	r := &request{readings: append([]reading.Reading(nil), readings...), done: make(chan struct{})}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range r.readings {
		x := &r.readings[i]
		switch {
		case !j.table.knows(x.Series):
			return nil, fmt.Errorf("reading of series %d, which is not declared: its id must come from Series", x.Series)
		case x.Tick < 0 || x.Tick > maxTick:
			return nil, fmt.Errorf("reading of series %d has tick %d: want milliseconds since boot, 0 to %d", x.Series, x.Tick, int64(maxTick))
		case x.Quality > 127:
			return nil, fmt.Errorf("reading of series %d has quality %d: want 0 to 127", x.Series, x.Quality)
		}
		if !x.Quality.HasValue() {
			x.Value = 0
		}
	}
	for _, e := range events {
		b, err := block.EncodeEvent(e)
		if err != nil {
			return nil, err
		}
		if len(b) > maxEvent {
			return nil, fmt.Errorf("event of %d bytes: the limit is %d", len(b), maxEvent)
		}
		r.events = append(r.events, b)
	}
	return r, nil
}
