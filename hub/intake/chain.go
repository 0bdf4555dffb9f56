package intake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"frostline/hub/store"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// chainKey names a chain: the blocks of one epoch of a gateway.
type chainKey struct {
	gateway string
	epoch   uint32
}

// chainState is what the store holds about a chain. One that was installed in
// Intake.chains is never changed: a round changes a copy.
type chainState struct {
	chainKey
	version   int64 // 0: the store does not know it yet
	since     int64 // Unix ms
	committed int64 // Unix ms of the last commit
	ranges    ranges
	readings  uint64 // in committed blocks, counted one by one
	restart   string
	sealed    struct{ number, readings uint64 }
	stated    journal
	waiting   []waiting         // ascending
	gaps      []*pb.Gap         // in the order of the chain, as far as it is committed
	start     *pb.EpochStart    // nil until block 1 is committed
	thinned   map[uint32]uint64 // readings that events of this chain summarise, by the epoch they were of
}

// journal is what a gateway last told of its journal.
type journal struct {
	at                             int64 // hub's clock, 0 never
	last, readings                 uint64
	pendingBlocks, pendingReadings uint64
}

// waiting is a seal whose block is not committed yet.
type waiting struct {
	number uint64
	mark
}

// copy gives a state that may be changed. Slices are replaced, not written to.
func (c *chainState) copy() *chainState {
	d := *c
	d.waiting = slices.Clip(c.waiting)
	d.gaps = slices.Clip(c.gaps)
	d.thinned = maps.Clone(c.thinned)
	return &d
}

// errStale means that another transaction has changed a chain since it was read.
var errStale = errors.New("chain has changed since it was read")

// save writes what changed from old to now. The version makes it compare and
// set: it fails with errStale where the store does not hold old.
func (now *chainState) save(ctx context.Context, tx *store.Tx, old *chainState) error {
	var n int64
	var err error
	values := []any{
		now.gateway, int64(now.epoch), old.version + 1, now.since, now.committed, int64(now.readings), now.restart,
		int64(now.sealed.number), int64(now.sealed.readings), now.stated.at, int64(now.stated.last),
		int64(now.stated.readings), int64(now.stated.pendingBlocks), int64(now.stated.pendingReadings),
	}
	if old.version == 0 {
		n, err = tx.Exec(ctx, `INSERT INTO intake_chain (gateway, epoch, version, first_ms, committed_ms, readings, restart_reason,
			sealed_number, sealed_readings, stated_ms, stated_last, stated_readings, stated_pending_blocks, stated_pending_readings)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, values...)
	} else {
		n, err = tx.Exec(ctx, `UPDATE intake_chain SET version = $3, first_ms = $4, committed_ms = $5, readings = $6, restart_reason = $7,
			sealed_number = $8, sealed_readings = $9, stated_ms = $10, stated_last = $11, stated_readings = $12,
			stated_pending_blocks = $13, stated_pending_readings = $14
			WHERE gateway = $1 AND epoch = $2 AND version = $15`, append(values, old.version)...)
	}
	if errors.Is(err, store.ErrConflict) || err == nil && n != 1 {
		return fmt.Errorf("%w: gateway %s, epoch %d", errStale, now.gateway, now.epoch)
	}
	if err != nil {
		return fmt.Errorf("save chain: %w", err)
	}
	now.version = old.version + 1
	return now.saveRanges(ctx, tx, old.ranges)
}

// saveRanges writes the ranges that differ; a range is known by its first block.
func (now *chainState) saveRanges(ctx context.Context, tx *store.Tx, old ranges) error {
	i, j := 0, 0
	for i < len(old) || j < len(now.ranges) {
		switch {
		case j == len(now.ranges) || i < len(old) && old[i].first < now.ranges[j].first:
			if _, err := tx.Exec(ctx, `DELETE FROM intake_range WHERE gateway = $1 AND epoch = $2 AND first = $3`,
				now.gateway, int64(now.epoch), int64(old[i].first)); err != nil {
				return fmt.Errorf("save range: %w", err)
			}
			i++
		case i == len(old) || now.ranges[j].first < old[i].first:
			s := now.ranges[j]
			if _, err := tx.Exec(ctx, `INSERT INTO intake_range (gateway, epoch, first, last, count_before, count_after, head_before, head_after)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, now.gateway, int64(now.epoch), int64(s.first), int64(s.last),
				int64(s.before.count), int64(s.after.count), s.before.head[:], s.after.head[:]); err != nil {
				return fmt.Errorf("save range: %w", err)
			}
			j++
		default:
			if s := now.ranges[j]; s != old[i] {
				if _, err := tx.Exec(ctx, `UPDATE intake_range SET last = $4, count_after = $5, head_after = $6
					WHERE gateway = $1 AND epoch = $2 AND first = $3`, now.gateway, int64(now.epoch), int64(s.first),
					int64(s.last), int64(s.after.count), s.after.head[:]); err != nil {
					return fmt.Errorf("save range: %w", err)
				}
			}
			i++
			j++
		}
	}
	return nil
}

// scanMark takes a mark from its two columns.
func scanMark(head []byte, count int64) (mark, error) {
	h, err := chain.ParseHead(head)
	return mark{h, uint64(count)}, err
}
