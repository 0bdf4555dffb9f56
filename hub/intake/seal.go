package intake

import (
	"context"
	"fmt"
	"slices"

	"frostline/hub/store"
	"frostline/proto/chain"
)

// seal compares a signed statement with the chain, or keeps it until the block
// it is about is committed.
func (r *round) seal(ctx context.Context, tx *store.Tx, w *work, it *item) error {
	s := it.seal
	head, err := chain.ParseHead(s.Head)
	if err != nil {
		return err
	}
	said := mark{head, s.Readings}
	no := &refusal{epoch: s.Epoch}
	if s.Number == 0 {
		if said != genesis(w.now.chainKey) {
			return no.because("seal of block 0 with head %s and %d readings: want the genesis of the epoch and none", short(head), s.Readings)
		}
		return nil
	}
	if at, in := w.now.ranges.holding(s.Number); in {
		is := at.after
		if s.Number < at.last {
			if is, err = r.markOf(ctx, tx, w, s.Number); err != nil {
				return err
			}
		}
		if is != said {
			return contradiction(s.Epoch, s.Number, said, is)
		}
		return r.keepSeal(ctx, tx, w, it, said, 1)
	}
	i := w.now.waitingFrom(s.Number)
	if i < len(w.now.waiting) && w.now.waiting[i].number == s.Number {
		if w.now.waiting[i].mark != said {
			no.fork = true
			return no.because("seal of block %d says head %s with %d readings, an earlier one %s with %d: one key has signed both",
				s.Number, short(head), s.Readings, short(w.now.waiting[i].head), w.now.waiting[i].count)
		}
		return nil
	}
	if len(w.now.waiting) >= r.limits.WaitingSeals {
		r.tally.SealsDropped++
		return nil
	}
	w.now.waiting = slices.Insert(slices.Clone(w.now.waiting), i, waiting{s.Number, said})
	return r.keepSeal(ctx, tx, w, it, said, 0)
}

func contradiction(epoch uint32, number uint64, said, is mark) *refusal {
	no := &refusal{epoch: epoch, fork: true}
	return no.because("seal of block %d says head %s with %d readings, the committed chain has %s with %d",
		number, short(said.head), said.count, short(is.head), is.count)
}

// keepSeal stores a seal; one for a block that has one already adds nothing.
func (r *round) keepSeal(ctx context.Context, tx *store.Tx, w *work, it *item, m mark, verified int64) error {
	body, err := sealBody(it.seal)
	if err != nil {
		return fmt.Errorf("encode seal: %w", err)
	}
	n, err := tx.Exec(ctx, `INSERT INTO intake_seal (gateway, epoch, number, readings, head, verified, received_ms, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (gateway, epoch, number) DO NOTHING`,
		it.gateway, int64(it.seal.Epoch), int64(it.seal.Number), int64(m.count), m.head[:], verified, it.received, body)
	if err != nil {
		return fmt.Errorf("store seal: %w", err)
	}
	if n == 0 {
		return nil
	}
	r.tally.Seals++
	if it.seal.Number > w.now.sealed.number {
		w.now.sealed.number, w.now.sealed.readings = it.seal.Number, it.seal.Readings
	}
	w.changed = true
	return nil
}

// resolve compares the seals that waited for blocks of a parcel with them.
func (r *round) resolve(ctx context.Context, tx *store.Tx, w *work, p *parcel) error {
	from, to := w.now.waitingFrom(p.first), w.now.waitingFrom(p.last+1)
	if from == to {
		return nil
	}
	for _, s := range w.now.waiting[from:to] {
		if is := p.mark(s.number); is != s.mark {
			if err := r.contradict(ctx, tx, w, s, is); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.Exec(ctx, `UPDATE intake_seal SET verified = 1 WHERE gateway = $1 AND epoch = $2 AND number = $3`,
			w.now.gateway, int64(w.now.epoch), int64(s.number)); err != nil {
			return fmt.Errorf("mark seal of block %d verified: %w", s.number, err)
		}
	}
	w.now.waiting = slices.Delete(slices.Clone(w.now.waiting), from, to)
	return nil
}

// contradict moves a seal that waited to quarantine: the block that came is
// not what it was signed for.
func (r *round) contradict(ctx context.Context, tx *store.Tx, w *work, s waiting, is mark) error {
	key := []any{w.now.gateway, int64(w.now.epoch), int64(s.number)}
	it := &item{gateway: w.now.gateway, lane: "seal"}
	if err := tx.QueryRow(ctx, `SELECT received_ms, body FROM intake_seal WHERE gateway = $1 AND epoch = $2 AND number = $3`,
		key...).Scan(&it.received, &it.payload); err != nil {
		return fmt.Errorf("read seal of block %d: %w", s.number, err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM intake_seal WHERE gateway = $1 AND epoch = $2 AND number = $3`, key...); err != nil {
		return fmt.Errorf("remove seal of block %d: %w", s.number, err)
	}
	return r.refuse(ctx, tx, w, it, contradiction(w.now.epoch, s.number, s.mark, is))
}

// checkSeal verifies the signature of a seal.
func (in *Intake) checkSeal(it *item) *refusal {
	no := &refusal{epoch: it.seal.Epoch}
	key, err := in.gateways.SealKey(it.gateway, it.seal.KeyId)
	if err == nil {
		err = chain.Verify(it.gateway, it.seal, key)
	}
	if err != nil {
		return no.because("seal of block %d by key %x: %v", it.seal.Number, it.seal.KeyId, err)
	}
	return nil
}
