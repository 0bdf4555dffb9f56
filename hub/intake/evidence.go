package intake

import (
	"context"
	"database/sql"
	"fmt"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/block"
	"frostline/proto/pb"
)

// replayPage is how many parcels are read at once.
const replayPage = 64

// storedParcel is a row of the evidence.
type storedParcel struct {
	id       int64
	received int64
	readings uint64
	*parcel
}

// parcels reads stored parcels in the order of their ids, or of their blocks
// where only names a chain.
func parcels(ctx context.Context, q store.Querier, after int64, only chainKey, yield func(storedParcel) error) error {
	const columns = `SELECT id, gateway, epoch, first, last, readings, received_ms, payload FROM intake_parcel `
	for {
		query, args := columns+`WHERE id > $1 ORDER BY id LIMIT $2`, []any{after, replayPage}
		if only.gateway != "" {
			query, args = columns+`WHERE gateway = $1 AND epoch = $2 AND first > $3 ORDER BY first LIMIT $4`,
				[]any{only.gateway, int64(only.epoch), after, replayPage}
		}
		var page []storedParcel
		err := each(ctx, q, query, args, func(rows *sql.Rows) error {
			s := storedParcel{parcel: &parcel{}}
			err := rows.Scan(&s.id, &s.gateway, &s.epoch, &s.first, &s.last, &s.readings, &s.received, &s.payload)
			page = append(page, s)
			return err
		})
		if err != nil {
			return fmt.Errorf("read parcels: %w", err)
		}
		for _, s := range page {
			p, err := open(s.gateway, s.payload)
			switch {
			case err != nil:
				return fmt.Errorf("stored parcel %d of gateway %s, epoch %d, block %d is damaged, restore the store from a backup: %w", s.id, s.gateway, s.epoch, s.first, notRefusal(err))
			case p.epoch != s.epoch || p.first != s.first || p.last != s.last || p.readings() != s.readings:
				return fmt.Errorf("stored parcel %d of gateway %s does not hold blocks %d to %d of epoch %d with %d readings: restore the store from a backup", s.id, s.gateway, s.first, s.last, s.epoch, s.readings)
			}
			p.received = s.received
			s.parcel = p
			if err := yield(s); err != nil {
				return err
			}
			if after = s.id; only.gateway != "" {
				after = int64(s.first)
			}
		}
		if len(page) < replayPage {
			return nil
		}
	}
}

// Replay gives the batches with ids above after, in the order of their commits,
// as sinks got them; that a batch was live is not kept. Batches committed
// meanwhile may be among them.
func (in *Intake) Replay(ctx context.Context, after int64, yield func(*batch.Batch) error) error {
	return parcels(ctx, in.store, after, chainKey{}, func(s storedParcel) error { return yield(s.batch(s.id)) })
}

// Anchors gives the committed anchors of an epoch with their places in the
// chain: block, and position within it.
func (in *Intake) Anchors(ctx context.Context, gateway string, epoch uint32, yield func(block uint64, position int, a *pb.Anchor) error) error {
	return in.events(ctx, `WHERE kind = 'anchor' AND gateway = $1 AND epoch = $2 ORDER BY block, position`, []any{gateway, int64(epoch)},
		func(_ string, _ uint32, _ int64, e batch.Event) error {
			return yield(e.Block, e.Position, e.Event.GetAnchor())
		})
}

// Told gives the committed events of a kind ("alarm", "anchor", "boot", "calibration",
// "clock-step", "config", "epoch-start", "fault", "gap", "scan", "series", "thinned", "malformed",
// "unknown"), in the order of the chain within each epoch; at is the hub's clock when they
// were received, Unix ms.
func (in *Intake) Told(ctx context.Context, kind string, yield func(gateway string, epoch uint32, at int64, e batch.Event) error) error {
	return in.events(ctx, `WHERE kind = $1 ORDER BY gateway, epoch, block, position`, []any{kind}, yield)
}

// Recent is Told for the newest events alone, newest first.
func (in *Intake) Recent(ctx context.Context, kind string, limit int, yield func(gateway string, epoch uint32, at int64, e batch.Event) error) error {
	return in.events(ctx, `WHERE kind = $1 ORDER BY received_ms DESC, gateway, epoch, block DESC, position DESC LIMIT $2`, []any{kind, limit}, yield)
}

// events reads events; those that are not malformed are decoded.
func (in *Intake) events(ctx context.Context, where string, args []any, yield func(string, uint32, int64, batch.Event) error) error {
	err := each(ctx, in.store, `SELECT gateway, epoch, block, position, boot, received_ms, kind, body FROM intake_event `+where, args,
		func(rows *sql.Rows) error {
			var e batch.Event
			var gateway, kind string
			var epoch uint32
			var received int64
			if err := rows.Scan(&gateway, &epoch, &e.Block, &e.Position, &e.Boot, &received, &kind, &e.Raw); err != nil {
				return err
			}
			var err error
			if e.Event, err = block.DecodeEvent(e.Raw); err != nil && kind != "malformed" {
				return err
			}
			return yield(gateway, epoch, received, e)
		})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}
