package intake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"sort"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// What the evidence of a shipment is made of: seals and blocks as they were
// signed, read back from the store.

// Chains tells of every chain with anything committed, in no order: version
// rises with each change, and waiting is the first block with a seal that is
// not verified yet, 0 where there is none. It answers from memory.
func (in *Intake) Chains(yield func(gateway string, epoch uint32, version int64, waiting uint64)) {
	in.mu.Lock()
	all := make([]*chainState, 0, len(in.chains))
	for _, c := range in.chains {
		all = append(all, c)
	}
	in.mu.Unlock()
	for _, c := range all {
		waiting := uint64(0)
		if len(c.waiting) > 0 {
			waiting = c.waiting[0].number
		}
		yield(c.gateway, c.epoch, c.version, waiting)
	}
}

// Seals gives the verified seals of a chain for blocks above after, ascending,
// as encoded pb.Seal without what only the answer needed.
func (in *Intake) Seals(ctx context.Context, gateway string, epoch uint32, after uint64, limit int, yield func(number uint64, body []byte) error) error {
	err := each(ctx, in.store, `SELECT number, body FROM intake_seal WHERE gateway = $1 AND epoch = $2 AND number > $3 AND verified = 1
		ORDER BY number LIMIT $4`, []any{gateway, int64(epoch), int64(min(after, math.MaxInt64)), limit}, func(rows *sql.Rows) error {
		var number int64
		var body []byte
		if err := rows.Scan(&number, &body); err != nil {
			return err
		}
		return yield(uint64(number), body)
	})
	if err != nil {
		return fmt.Errorf("read seals of gateway %s, epoch %d: %w", gateway, epoch, err)
	}
	return nil
}

// Declared gives the series that the blocks of an epoch declare, in the order
// of the chain.
func (in *Intake) Declared(ctx context.Context, gateway string, epoch uint32, yield func(block uint64, d *pb.SeriesDeclared) error) error {
	return in.events(ctx, `WHERE kind = 'series' AND gateway = $1 AND epoch = $2 ORDER BY block, position`, []any{gateway, int64(epoch)},
		func(_ string, _ uint32, _ int64, e batch.Event) error {
			return yield(e.Block, e.Event.GetSeriesDeclared())
		})
}

// AnchorsUntil gives the anchors of an epoch that were received until a time of
// the hub's clock, Unix ms, with the blocks that they stand in.
func (in *Intake) AnchorsUntil(ctx context.Context, gateway string, epoch uint32, until int64, yield func(block uint64, a *pb.Anchor) error) error {
	return in.events(ctx, `WHERE kind = 'anchor' AND gateway = $1 AND epoch = $2 AND received_ms <= $3 ORDER BY block, position`,
		[]any{gateway, int64(epoch), until}, func(_ string, _ uint32, _ int64, e batch.Event) error { return yield(e.Block, e.Event.GetAnchor()) })
}

// Blocks gives the committed blocks from..to of a chain, as their canonical
// bytes, ascending. A block that is not committed is an error. The bytes are
// valid until yield returns.
func (in *Intake) Blocks(ctx context.Context, gateway string, epoch uint32, from, to uint64, yield func(number uint64, raw []byte) error) error {
	for next := from; next <= to; {
		last := next - 1
		err := in.holding(ctx, gateway, epoch, next, func(b *block.Block, raw []byte) error {
			if b.Number < next || b.Number > to {
				return nil
			}
			last = b.Number
			return yield(b.Number, raw)
		})
		if err != nil {
			return err
		}
		if last < next {
			return fmt.Errorf("block %d of gateway %s, epoch %d is not committed", next, gateway, epoch)
		}
		next = last + 1
	}
	return nil
}

// Head gives the chain head after a committed block, or before the first of a
// committed range.
func (in *Intake) Head(ctx context.Context, gateway string, epoch uint32, number uint64) (chain.Head, error) {
	if number == 0 {
		return chain.Genesis(gateway, epoch), nil
	}
	var payload []byte
	if err := in.store.QueryRow(ctx, `SELECT payload FROM intake_parcel WHERE gateway = $1 AND epoch = $2 AND first <= $3
		ORDER BY first DESC LIMIT 1`, gateway, int64(epoch), int64(number)+1).Scan(&payload); err != nil {
		return chain.Head{}, fmt.Errorf("find block %d of gateway %s, epoch %d: %w", number, gateway, epoch, err)
	}
	p, err := open(gateway, payload)
	if err != nil {
		return chain.Head{}, fmt.Errorf("stored parcel with block %d of gateway %s, epoch %d is damaged: %w", number, gateway, epoch, notRefusal(err))
	}
	if number > p.last {
		return chain.Head{}, fmt.Errorf("block %d of gateway %s, epoch %d is not committed", number, gateway, epoch)
	}
	return p.mark(number).head, nil
}

// Received tells when a committed block came, by the hub's clock, Unix ms.
func (in *Intake) Received(ctx context.Context, gateway string, epoch uint32, number uint64) (at int64, err error) {
	if err := in.store.QueryRow(ctx, `SELECT received_ms FROM intake_parcel WHERE gateway = $1 AND epoch = $2 AND first <= $3
		ORDER BY first DESC LIMIT 1`, gateway, int64(epoch), int64(number)).Scan(&at); err != nil {
		return 0, fmt.Errorf("find when block %d of gateway %s, epoch %d came: %w", number, gateway, epoch, err)
	}
	return at, nil
}

// DamagedError says that what is stored of a block cannot be read: the store was
// edited, or its disk has failed.
type DamagedError struct {
	Gateway string
	Epoch   uint32
	Block   uint64
	Err     error // what is wrong with it
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("stored block %d of gateway %s, epoch %d is damaged: %v", e.Block, e.Gateway, e.Epoch, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// Damaged names the block, for contexts that do not know this one.
func (e *DamagedError) Damaged() (gateway string, epoch uint32, block uint64) {
	return e.Gateway, e.Epoch, e.Block
}

// holding opens the stored parcel that would have block n. Its errors about what
// is stored wrap *DamagedError.
func (in *Intake) holding(ctx context.Context, gateway string, epoch uint32, n uint64, yield func(*block.Block, []byte) error) error {
	damaged := func(err error) error { return &DamagedError{gateway, epoch, n, err} }
	var payload []byte
	err := in.store.QueryRow(ctx, `SELECT payload FROM intake_parcel WHERE gateway = $1 AND epoch = $2 AND first <= $3
		ORDER BY first DESC LIMIT 1`, gateway, int64(epoch), int64(n)).Scan(&payload)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read block %d of gateway %s, epoch %d: %w", n, gateway, epoch, err)
	}
	var m pb.Parcel
	if err := proto.Unmarshal(payload, &m); err != nil {
		return damaged(err)
	}
	switch body := m.Body.(type) {
	case *pb.Parcel_Block:
		b, err := block.Decode(body.Block)
		if err != nil {
			return damaged(err)
		}
		return yield(b, body.Block)
	case *pb.Parcel_Bundle:
		var told error
		err := block.Unpack(body.Bundle, func(b *block.Block, raw []byte) error {
			told = yield(b, raw)
			return told
		})
		if err != nil && told == nil {
			return damaged(err)
		}
		return err
	}
	return damaged(errors.New("it is empty"))
}

// Seeker gives a function that finds, for a tick of a boot, the last committed
// block of a chain whose readings all lie before it, or 0 where there is none.
// Blocks are taken to be in the order of boots and ticks. The function knows
// the blocks that were committed when it was made.
func (in *Intake) Seeker(ctx context.Context, gateway string, epoch uint32) (func(boot uint32, tick int64) (uint64, error), error) {
	var firsts []uint64 // of the parcels
	err := each(ctx, in.store, `SELECT first FROM intake_parcel WHERE gateway = $1 AND epoch = $2 ORDER BY first`,
		[]any{gateway, int64(epoch)}, func(rows *sql.Rows) error {
			var first uint64
			err := rows.Scan(&first)
			firsts = append(firsts, first)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("seek in gateway %s, epoch %d: %w", gateway, epoch, err)
	}
	return func(boot uint32, tick int64) (uint64, error) {
		return in.seek(ctx, gateway, epoch, firsts, boot, tick)
	}, nil
}

func (in *Intake) seek(ctx context.Context, gateway string, epoch uint32, firsts []uint64, boot uint32, tick int64) (uint64, error) {
	// before is the last block of a parcel that lies before the tick, and
	// whether all do; known is false where the parcel has no readings.
	before := func(first uint64) (last uint64, all, known bool, err error) {
		all = true
		err = in.holding(ctx, gateway, epoch, first, func(b *block.Block, _ []byte) error {
			if len(b.Readings) == 0 {
				return nil
			}
			known = true
			for _, r := range b.Readings {
				if b.Boot > boot || b.Boot == boot && r.Tick >= tick {
					all = false
					return nil
				}
			}
			if all {
				last = b.Number
			}
			return nil
		})
		return last, all, known, err
	}
	var failed error
	i := sort.Search(len(firsts), func(i int) bool {
		for ; i < len(firsts); i++ { // parcels of events alone say nothing: ask the next
			_, all, known, err := before(firsts[i])
			if err != nil {
				failed = err
				return true
			}
			if known {
				return !all
			}
		}
		return true
	})
	if failed != nil {
		return 0, failed
	}
	for i = min(i, len(firsts)-1); i >= 0; i-- {
		last, _, _, err := before(firsts[i])
		if err != nil || last > 0 {
			return last, err
		}
	}
	return 0, nil
}

// Extent gives the committed ranges of a chain: first and last block of each.
func (in *Intake) Extent(gateway string, epoch uint32, yield func(first, last uint64)) {
	if c := in.state(chainKey{gateway, epoch}); c != nil {
		for _, s := range c.ranges {
			yield(s.first, s.last)
		}
	}
}
