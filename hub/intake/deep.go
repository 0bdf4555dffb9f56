package intake

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/block"
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

// Event is a committed event with when the hub received it.
type Event struct {
	Gateway string
	Epoch   uint32
	batch.Event
	Received int64 // hub's clock, Unix ms
}

// Events gives the committed events of a kind ("anchor", "boot", "clock-step",
// "config", "epoch-start", "fault", "gap", "series", "malformed", "unknown"),
// by gateway, epoch and block: of one gateway's epoch, or of all where gateway
// is "".
func (in *Intake) Events(ctx context.Context, kind, gateway string, epoch uint32, yield func(Event) error) error {
	err := each(ctx, in.store, `SELECT gateway, epoch, block, position, boot, received_ms, body FROM intake_event
		WHERE kind = $1 AND ($2 = '' OR gateway = $2 AND epoch = $3) ORDER BY gateway, epoch, block, position`,
		[]any{kind, gateway, int64(epoch)}, func(rows *sql.Rows) error {
			var e Event
			if err := rows.Scan(&e.Gateway, &e.Epoch, &e.Block, &e.Position, &e.Boot, &e.Received, &e.Raw); err != nil {
				return err
			}
			var err error
			if e.Event.Event, err = block.DecodeEvent(e.Raw); err != nil && kind != "malformed" {
				return err
			}
			return yield(e)
		})
	if err != nil {
		return fmt.Errorf("read %s events: %w", kind, err)
	}
	return nil
}

// History counts what it holds.
type History interface {
	// Count is how many readings of an epoch can be asked for.
	Count(ctx context.Context, gateway string, epoch uint32) (uint64, error)
}

// Audit is the account of an epoch recomputed from what is stored.
type Audit struct {
	Line
	Parcels  uint64 // readings in the stored parcels, counted anew
	History  uint64 // readings that history holds
	Problems []string
}

// AccountDeep reads all evidence: it opens every stored parcel, computes the
// chain anew and compares it with the ranges, the seals and with what history
// holds. It takes about 50 ns a reading and holds nothing up.
func (in *Intake) AccountDeep(ctx context.Context, h History) ([]Audit, error) {
	lines, err := in.Account(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Audit, 0, len(lines))
	for _, l := range lines {
		a := Audit{Line: l}
		if err := in.audit(ctx, h, &a); err != nil {
			return nil, fmt.Errorf("audit gateway %s, epoch %d: %w", l.Gateway, l.Epoch, err)
		}
		out = append(out, a)
	}
	return out, nil
}

func (in *Intake) audit(ctx context.Context, h History, a *Audit) error {
	k := chainKey{a.Gateway, a.Epoch}
	problem := func(format string, args ...any) { a.Problems = append(a.Problems, fmt.Sprintf(format, args...)) }
	var least uint64
	err := in.store.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) error {
		chains, err := load(ctx, tx, k)
		if err != nil || chains[k] == nil {
			return err // heard of, and nothing stored
		}
		least = chains[k].readings
		return chains[k].auditStored(ctx, tx, a, problem)
	})
	if err != nil {
		return err
	}
	if a.History, err = h.Count(ctx, k.gateway, k.epoch); err != nil {
		return err
	}
	most := least
	if c := in.state(k); c != nil {
		most = max(most, c.readings)
	}
	if a.History < least || a.History > most {
		problem("history holds %d readings, and %d were committed", a.History, least)
	}
	return nil
}

// auditStored computes the chain anew from the stored parcels.
func (c *chainState) auditStored(ctx context.Context, tx *store.Tx, a *Audit, problem func(string, ...any)) error {
	seals, err := verifiedSeals(ctx, tx, c.chainKey)
	if err != nil {
		return err
	}
	var found ranges
	var broken error
	err = parcels(ctx, tx, 0, c.chainKey, func(p storedParcel) error {
		a.Parcels += p.readings
		if found, broken = found.join(p.parcel); broken != nil {
			return broken
		}
		for ; len(seals) > 0 && seals[0].number <= p.last; seals = seals[1:] {
			if seals[0].number < p.first {
				problem("block %d has a verified seal and is not stored", seals[0].number)
			} else if p.mark(seals[0].number) != seals[0].mark {
				problem("block %d is not what its seal says", seals[0].number)
			}
		}
		return nil
	})
	switch {
	case broken != nil:
		problem("stored blocks do not form a chain: %v", broken)
	case err != nil:
		problem("%v", err)
	case !slices.Equal(found, c.ranges):
		problem("the chain computed from the stored blocks is not the one that was committed")
	case len(seals) > 0:
		problem("block %d has a verified seal and is not stored", seals[0].number)
	case a.Parcels != c.readings:
		problem("stored blocks hold %d readings, and %d were committed", a.Parcels, c.readings)
	}
	return nil
}

// verifiedSeals lists the seals of a chain whose blocks are committed.
func verifiedSeals(ctx context.Context, q store.Querier, k chainKey) (out []waiting, err error) {
	err = each(ctx, q, `SELECT number, head, readings FROM intake_seal WHERE gateway = $1 AND epoch = $2 AND verified = 1 ORDER BY number`,
		[]any{k.gateway, int64(k.epoch)}, func(rows *sql.Rows) error {
			var s waiting
			var head []byte
			err := rows.Scan(&s.number, &head, &s.count)
			if err == nil {
				s.mark, err = scanMark(head, int64(s.count))
			}
			out = append(out, s)
			return err
		})
	return out, err
}
