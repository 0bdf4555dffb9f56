package intake

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
)

// commitAll gathers items into rounds and commits them.
func (in *Intake) commitAll(ctx context.Context) {
	var items []*item
	for {
		items = in.gather(ctx, items[:0])
		if len(items) == 0 {
			return
		}
		in.commit(ctx, items)
		clear(items)
	}
}

// fullPoll is how often a sink that was full is asked again.
const fullPoll = 2 * time.Millisecond

// gather waits for an item and takes what else is there: all that is urgent
// or, where nothing is, as much backlog as a round may hold. After an urgent
// round it is the backlog's turn, so that what is urgent waits for one backlog
// round at most and the backlog goes on. It returns nothing when ctx ends.
func (in *Intake) gather(ctx context.Context, items []*item) []*item {
	backlog := in.backlogOpen
	var poll <-chan time.Time
	if in.full() {
		backlog, poll = nil, time.After(fullPoll)
	}
	if in.backlogNext {
		in.backlogNext = false
		if items = in.gatherBacklog(items, backlog); len(items) > 0 {
			return items
		}
	}
	select {
	case it := <-in.urgentOpen:
		items = append(items, it)
	default:
		select {
		case <-ctx.Done():
			return nil
		case it := <-in.urgentOpen:
			items = append(items, it)
		case it := <-backlog:
			return in.gatherBacklog(append(items, it), backlog)
		case <-poll:
			return in.gather(ctx, items)
		}
	}
	in.backlogNext = true
	for len(items) < in.limits.RoundItems {
		select {
		case it := <-in.urgentOpen:
			items = append(items, it)
		default:
			return items
		}
	}
	return items
}

// gatherBacklog takes backlog that is there, as much as a round may hold.
func (in *Intake) gatherBacklog(items []*item, backlog <-chan *item) []*item {
	readings := uint64(0)
	for _, it := range items {
		readings += it.readings()
	}
	for readings < uint64(in.limits.RoundReadings) && len(items) < in.limits.RoundItems {
		select {
		case it := <-backlog:
			items = append(items, it)
			readings += it.readings()
		default:
			return items
		}
	}
	return items
}

func (in *Intake) full() bool {
	for _, s := range in.sinks {
		if b, ok := s.(Brake); ok && b.Full() {
			return true
		}
	}
	return false
}

// Waits between attempts at a round that failed.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// commit commits items, however long it takes: what fails is tried again,
// against what the store then holds. An item that the store refuses for what
// it contains goes to quarantine. It gives up only when ctx ends.
func (in *Intake) commit(ctx context.Context, items []*item) {
	for wait, tries := minBackoff, 0; ; tries++ {
		err := in.try(ctx, items)
		if err == nil {
			in.recovered()
			return
		}
		if ctx.Err() != nil {
			return
		}
		in.note(err, items)
		if len(items) > 1 && (store.Faulty(err) || tries > 1) {
			for _, it := range items {
				in.commit(ctx, []*item{it})
			}
			return
		}
		if store.Faulty(err) && !errors.Is(err, errStale) && tries > 1 {
			it := items[0]
			if it.reject != nil {
				in.unstorable(it, err)
				it.delivered(nil)
				return
			}
			no := &refusal{epoch: it.key().epoch}
			if it.parcel != nil {
				no.first, no.last = it.parcel.first, it.parcel.last
			}
			in.unstorable(it, err)
			items[0] = it.rejected(no.because("the hub's store does not take it: %v", err), true)
			tries = 0
		}
		if !errors.Is(err, errStale) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Duration((0.5 + rand.Float64()/2) * float64(wait))):
			}
			wait = min(2*wait, maxBackoff)
		}
	}
}

// try runs one round, and on success tells sinks and gateways.
func (in *Intake) try(ctx context.Context, items []*item) error {
	r := &round{now: in.now().UnixMilli(), limits: in.limits, marks: in.marks, nextID: in.nextID, epochs: in.epochsOf}
	// A transaction that was begun is finished, also when ctx ends.
	if err := in.store.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		if in.nextID == 0 {
			id, err := nextID(ctx, tx, "intake_parcel")
			if err != nil {
				return err
			}
			in.nextID = id
			r.nextID = id
		}
		return r.run(ctx, tx, items, in.find)
	}); err != nil {
		return err
	}
	in.nextID += int64(len(r.batches))
	in.install(r)
	in.tell(ctx, r.batches)
	for _, it := range items {
		it.delivered(r)
	}
	for _, w := range r.order {
		if !w.answer {
			continue
		}
		in.outbox.put(w.now.chainKey, func(d *due) {
			d.refused = append(d.refused, w.refused...)
			d.refused = d.refused[:min(len(d.refused), maxAckRefusals)]
		})
	}
	return nil
}

// tell gives batches to the sinks. After a commit that was reported failed it
// reads from the store what they should have been told, because the commit may
// have been done. While the store cannot be read, they wait for the next time.
func (in *Intake) tell(ctx context.Context, batches []*batch.Batch) {
	if in.behind {
		err := in.Replay(context.WithoutCancel(ctx), in.told.Load(), func(b *batch.Batch) error {
			in.pass(b)
			return nil
		})
		if err != nil {
			in.log.Error("history and pages miss what was committed; it is read again after the next commit", "error", err)
			return
		}
		in.behind = false
		return
	}
	for _, b := range batches {
		in.pass(b)
	}
}

func (in *Intake) pass(b *batch.Batch) {
	for _, s := range in.sinks {
		s.Committed(b)
	}
	in.told.Store(b.ID)
}

// install makes what a round has committed the state of its chains.
func (in *Intake) install(r *round) {
	for _, p := range r.stored {
		in.marks.put(p)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, w := range r.order {
		k := w.now.chainKey
		delete(in.suspect, k)
		if w.now.version == 0 {
			continue
		}
		if in.chains[k] == nil {
			in.epochs[k.gateway]++
		}
		in.chains[k] = w.now
	}
	r.tally.Rounds = 1
	in.counts.add(r.tally)
	for _, c := range r.contested {
		in.refused(c.item, c.refusal)
	}
}

// find implements loader.
func (in *Intake) find(ctx context.Context, tx *store.Tx, k chainKey) (*chainState, error) {
	in.mu.Lock()
	c, suspect := in.chains[k], in.suspect[k]
	in.mu.Unlock()
	if suspect || c == nil {
		found, err := load(ctx, tx, k)
		if err != nil {
			return nil, err
		}
		c = found[k]
	}
	if c == nil {
		c = &chainState{chainKey: k}
	}
	return c, nil
}

func (in *Intake) epochsOf(gateway string) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.epochs[gateway]
}

// note takes in that a round failed: its chains are read again, since it may
// have been done all the same.
func (in *Intake) note(err error, items []*item) {
	in.nextID, in.behind = 0, true
	in.mu.Lock()
	defer in.mu.Unlock()
	in.counts.Failures++
	for _, it := range items {
		in.suspect[it.key()] = true
	}
	if in.failing == nil && !errors.Is(err, errStale) {
		in.failing, in.failed = err, in.now()
		in.log.Error("commit failed; nothing is acknowledged until it succeeds", "error", err)
	}
}

func (in *Intake) recovered() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.failing != nil {
		in.log.Info("commits succeed again", "after", in.now().Sub(in.failed))
		in.failing, in.failed = nil, time.Time{}
	}
}

func (in *Intake) unstorable(it *item, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.counts.Unstorable++
	in.log.Error("message cannot be stored", "gateway", it.gateway, "lane", it.lane, "bytes", len(it.payload), "error", err)
}
