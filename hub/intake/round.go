package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// round is one transaction's worth of items: what they change, and what is
// to be done once the change is synced.
type round struct {
	now    int64 // hub's clock, Unix ms
	limits Limits
	marks  *markCache
	nextID int64 // of a parcel
	epochs func(gateway string) int

	works     map[chainKey]*work
	order     []*work
	batches   []*batch.Batch // in the order of their ids
	stored    []*parcel      // to go with the cached marks
	contested []contested    // to be told once committed
	tally     Counts         // to be added once committed
}

// contested is an item that was sound by itself and is refused.
type contested struct {
	item    *item
	refusal *refusal
}

// work is what a round does to one chain.
type work struct {
	old     *chainState
	now     *chainState
	refused []*pb.Refusal
	answer  bool // an Ack is due
	changed bool
	pieces  []*parcel // stored in this round
}

// loader finds the state of a chain: in memory, or in the store by tx.
type loader func(ctx context.Context, tx *store.Tx, k chainKey) (*chainState, error)

// run does the whole round within tx.
func (r *round) run(ctx context.Context, tx *store.Tx, items []*item, find loader) error {
	r.works, r.order, r.batches, r.stored, r.contested, r.tally = map[chainKey]*work{}, nil, nil, nil, nil, Counts{}
	for _, it := range items {
		k := it.key()
		if k.epoch == 0 {
			if err := r.quarantine(ctx, tx, it, &it.reject.refusal); err != nil {
				return err
			}
			continue
		}
		w := r.works[k]
		if w == nil {
			old, err := find(ctx, tx, k)
			if err != nil {
				return err
			}
			w = &work{old: old, now: old.copy()}
			if old.version == 0 {
				w.now.since = r.now
			}
			r.works[k] = w
			r.order = append(r.order, w)
		}
		w.answer = true
		var err error
		switch {
		case it.reject != nil:
			err = &it.reject.refusal
		case w.old.version == 0 && !w.changed && r.epochs(k.gateway) >= r.limits.Epochs:
			err = (&refusal{}).because("epoch %d: gateway %s has %d epochs already, the limit", k.epoch, k.gateway, r.epochs(k.gateway))
		case it.parcel != nil:
			blocks, readings := r.tally.Blocks, r.tally.Readings
			err = r.parcel(ctx, tx, w, it.parcel)
			if it.delivery != nil {
				it.delivery.fresh = Delivered{Blocks: r.tally.Blocks - blocks, Readings: r.tally.Readings - readings}
			}
		case it.seal != nil:
			err = r.seal(ctx, tx, w, it)
		default:
			r.state(w, it)
		}
		if no := (*refusal)(nil); errors.As(err, &no) {
			err = r.refuse(ctx, tx, w, it, no)
		}
		if err != nil {
			return err
		}
	}
	for _, w := range r.order {
		if !w.changed {
			continue
		}
		if err := w.now.save(ctx, tx, w.old); err != nil {
			return err
		}
	}
	return nil
}

// parcel commits what of a parcel is new.
func (r *round) parcel(ctx context.Context, tx *store.Tx, w *work, p *parcel) error {
	unknown, err := w.now.ranges.unknown(p, func(n uint64) (mark, error) { return r.markOf(ctx, tx, w, n) })
	if err != nil {
		return err
	}
	if len(unknown) == 0 {
		r.tally.Duplicates++
		return nil
	}
	var pieces []*parcel
	for _, u := range unknown {
		cut, err := p.cut(u.first, u.last)
		if err != nil {
			return p.refuse("%v", err)
		}
		pieces = append(pieces, cut...)
	}
	joined := w.now.ranges
	for _, piece := range pieces {
		if joined, err = joined.join(piece); err != nil {
			if no := (*refusal)(nil); errors.As(err, &no) {
				no.first, no.last = p.first, p.last
			}
			return err
		}
	}
	if len(joined) > r.limits.Ranges && len(joined) > len(w.now.ranges) {
		r.tally.Deferred++ // not refused: it fits once holes before it are filled
		return nil
	}
	if pieces[0] != p || len(pieces) > 1 {
		r.tally.Trimmed++
	}
	w.now.ranges = joined
	for _, piece := range pieces {
		if err := r.store(ctx, tx, w, piece); err != nil {
			return err
		}
	}
	w.changed = true
	w.now.committed = r.now
	return nil
}

// store writes a parcel all of whose blocks are new, and its events.
func (r *round) store(ctx context.Context, tx *store.Tx, w *work, p *parcel) error {
	id := r.nextID + int64(len(r.batches))
	if _, err := tx.Exec(ctx, `INSERT INTO intake_parcel (id, gateway, epoch, first, last, readings, received_ms, payload)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, p.gateway, int64(p.epoch), int64(p.first), int64(p.last),
		int64(p.readings()), p.received, p.payload); err != nil {
		return fmt.Errorf("store parcel of block %d of gateway %s: %w", p.first, p.gateway, stale(err))
	}
	for _, e := range p.events {
		if _, err := tx.Exec(ctx, `INSERT INTO intake_event (gateway, epoch, block, position, boot, at_ms, kind, received_ms, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, p.gateway, int64(p.epoch), int64(e.Block), e.Position, int64(e.Boot),
			e.Event.GetAtMs(), kind(e.Event), p.received, nonNil(e.Raw)); err != nil {
			return fmt.Errorf("store event of block %d of gateway %s: %w", e.Block, p.gateway, stale(err))
		}
		w.now.learn(e.Event)
	}
	w.now.readings += p.readings()
	w.pieces = append(w.pieces, p)
	r.batches = append(r.batches, p.batch(id))
	r.stored = append(r.stored, p)
	r.tally.Parcels++
	r.tally.Blocks += uint64(len(p.marks))
	r.tally.Readings += p.readings()
	r.tally.Bytes += uint64(len(p.payload))
	r.tally.MalformedEvents += uint64(p.malformed)
	return r.resolve(ctx, tx, w, p)
}

// stale takes a duplicate key for what it is: rows of a chain that has moved
// on since it was read.
func stale(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	return err
}

// nonNil keeps an empty value from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// learn takes from an event what the account of the chain needs.
func (c *chainState) learn(e *pb.Event) {
	switch k := e.GetKind().(type) {
	case *pb.Event_Gap:
		c.gaps = append(c.gaps, k.Gap)
	case *pb.Event_Thinned:
		epoch := k.Thinned.Epoch
		if epoch == 0 {
			epoch = c.epoch
		}
		if c.thinned == nil {
			c.thinned = map[uint32]uint64{}
		}
		c.thinned[epoch] += k.Thinned.Count
	case *pb.Event_EpochStart:
		if c.start == nil {
			c.start = k.EpochStart
		}
	}
}

// state takes the gateway's word about its journal.
func (r *round) state(w *work, it *item) {
	j := it.state.Journal
	if j == nil || it.received < w.now.stated.at {
		return
	}
	w.now.stated = journal{it.received, j.Last, j.Readings, j.PendingBlocks, j.PendingReadings}
	w.changed = true
}

// refuse answers a parcel or seal with a refusal and keeps it in quarantine.
// What contradicts the committed chain ends the epoch: going on would let the
// gateway take acknowledgements of other blocks for its own.
func (r *round) refuse(ctx context.Context, tx *store.Tx, w *work, it *item, no *refusal) error {
	reason := clean(no.reason)
	if no.first > 0 {
		w.refused = append(w.refused, &pb.Refusal{First: no.first, Last: no.last, Reason: reason})
	}
	if no.fork {
		r.tally.Forks++
		if w.now.restart == "" {
			w.now.restart, w.changed = reason, true
		}
	}
	if it.reject == nil {
		r.contested = append(r.contested, contested{it, no})
	}
	return r.quarantine(ctx, tx, it, no)
}

// markOf finds the mark of a committed block within a range.
func (r *round) markOf(ctx context.Context, tx *store.Tx, w *work, n uint64) (mark, error) {
	for _, p := range w.pieces {
		if p.first <= n && n <= p.last {
			return p.mark(n), nil
		}
	}
	if m, ok := r.marks.find(w.now.chainKey, n); ok {
		return m, nil
	}
	var payload []byte
	if err := tx.QueryRow(ctx, `SELECT payload FROM intake_parcel WHERE gateway = $1 AND epoch = $2 AND first <= $3
		ORDER BY first DESC LIMIT 1`, w.now.gateway, int64(w.now.epoch), int64(n)).Scan(&payload); err != nil {
		return mark{}, fmt.Errorf("find block %d of gateway %s, epoch %d: %w", n, w.now.gateway, w.now.epoch, err)
	}
	p, err := open(w.now.gateway, payload)
	if err != nil {
		return mark{}, fmt.Errorf("read block %d of gateway %s, epoch %d from the store: %w", n, w.now.gateway, w.now.epoch, notRefusal(err))
	}
	if n > p.last {
		return mark{}, fmt.Errorf("find block %d of gateway %s, epoch %d: the parcel before it ends at %d", n, w.now.gateway, w.now.epoch, p.last)
	}
	r.marks.put(p)
	return p.mark(n), nil
}

// notRefusal keeps damage of the store from being blamed on the gateway.
func notRefusal(err error) error { return errors.New(err.Error()) }

// sealBody is a seal as it is stored: without what only the answer needed.
func sealBody(s *pb.Seal) ([]byte, error) {
	c := proto.CloneOf(s)
	c.SentMs = 0
	return proto.MarshalOptions{Deterministic: true}.Marshal(c)
}

// genesis is the mark before block 1.
func genesis(k chainKey) mark { return mark{head: chain.Genesis(k.gateway, k.epoch)} }

// waitingFrom is the index of the first waiting seal of block n or later.
func (c *chainState) waitingFrom(n uint64) int {
	i, _ := slices.BinarySearchFunc(c.waiting, n, func(w waiting, n uint64) int {
		if w.number < n {
			return -1
		}
		return 1
	})
	return i
}
