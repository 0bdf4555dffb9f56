package event

import (
	"context"
	"hash/maphash"

	"frostline/hub/store"
)

const (
	// keepBytes bounds the bodies of the documents that a build keeps decoded
	// from batch to batch.
	keepBytes = 64 << 20
	// mostStored bounds the ids a build remembers, some 20 bytes each.
	mostStored = 4 << 20
)

// stored remembers which ids a generation may have, so that the store need not
// be asked about those it cannot have. nil knows nothing.
type stored struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func (s *stored) mayHave(id string) bool {
	if s == nil {
		return true
	}
	_, may := s.hashes[maphash.String(s.seed, id)]
	return may
}

// tableBuild builds a generation of a Table.
type tableBuild[T any] struct{ rows *Rows[T] }

func (t *Table[T]) build(q store.Querier, generation int64) builder {
	b := &tableBuild[T]{t.rows(q, generation)}
	b.rows.stored = &stored{maphash.MakeSeed(), map[uint64]struct{}{}}
	return b
}

func (b *tableBuild[T]) fold(ctx context.Context, events []Event) error {
	return b.rows.fold(ctx, events)
}

func (b *tableBuild[T]) flush(ctx context.Context, tx *store.Tx) (bool, error) {
	if s := b.rows.stored; s != nil {
		for _, row := range b.rows.dirty[:min(len(b.rows.dirty), flushAtOnce)] {
			s.hashes[maphash.String(s.seed, row.id)] = struct{}{}
		}
		if len(s.hashes) > mostStored {
			b.rows.stored = nil
		}
	}
	return b.rows.flush(ctx, tx)
}

// flushed forgets the documents once they are many. What is kept is as the
// store has it.
func (b *tableBuild[T]) flushed() {
	b.rows.dirty = nil
	if b.rows.size > keepBytes || len(b.rows.docs) > keepBytes/256 {
		clear(b.rows.docs)
		b.rows.size = 0
	}
}
