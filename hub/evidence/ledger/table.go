package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// unknown leaves out the entries that the log has.
func (l *Ledger) unknown(ctx context.Context, entries []Entry) (out []Entry, err error) {
	for _, e := range entries {
		var leaf []byte
		err := l.o.Store.QueryRow(ctx, `SELECT leaf FROM evidence_entry WHERE kind = $1 AND name = $2`, string(e.Kind), e.Name).Scan(&leaf)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			out = append(out, e)
		case err != nil:
			return nil, fmt.Errorf("look up entry %s %s: %w", e.Kind, e.Name, err)
		case !bytes.Equal(leaf, e.Leaf()):
			l.edited(e)
		}
	}
	return out, nil
}

// edited takes in that the store says otherwise of an entry than the log.
func (l *Ledger) edited(e Entry) {
	l.mu.Lock()
	l.status.Edited++
	l.mu.Unlock()
	l.log.Error("the store's record is not what the evidence log has of it: it was edited; the log keeps what was", "kind", e.Kind, "name", e.Name)
}

// sealsLogged tells which seals of a page, which is of one chain and ascends,
// are in the log.
func (l *Ledger) sealsLogged(ctx context.Context, page []Entry) (map[int64]bool, error) {
	logged := map[int64]bool{}
	if len(page) == 0 {
		return logged, nil
	}
	rows, err := l.o.Store.Query(ctx, `SELECT place FROM evidence_entry WHERE kind = $1 AND stream = $2 AND place >= $3 AND place <= $4`,
		string(Seal), page[0].Stream, page[0].Place, page[len(page)-1].Place)
	if err != nil {
		return nil, fmt.Errorf("look up seals of %s: %w", page[0].Stream, err)
	}
	defer rows.Close()
	for rows.Next() {
		var place int64
		if err := rows.Scan(&place); err != nil {
			return nil, err
		}
		logged[place] = true
	}
	return logged, rows.Err()
}

// save writes the rows of entries that the log has from an index on.
func (l *Ledger) save(ctx context.Context, from uint64, entries []Entry) error {
	err := l.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for i, e := range entries {
			if _, err := tx.Exec(ctx, `INSERT INTO evidence_entry (idx, kind, name, stream, place, leaf) VALUES ($1, $2, $3, $4, $5, $6)`,
				int64(from)+int64(i), string(e.Kind), e.Name, e.Stream, e.Place, e.Leaf()); err != nil {
				return fmt.Errorf("entry %d, %s %s: %w", from+uint64(i), e.Kind, e.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save entries of evidence log: %w", err)
	}
	return nil
}

// Located is where an entry is in the log.
type Located struct {
	Index uint64
	Leaf  []byte
}

// Locate finds entries by kind and name; ok is false for one not in the log.
func (l *Ledger) Locate(ctx context.Context, kind Kind, name string) (at Located, ok bool, err error) {
	var idx int64
	err = l.o.Store.QueryRow(ctx, `SELECT idx, leaf FROM evidence_entry WHERE kind = $1 AND name = $2`, string(kind), name).Scan(&idx, &at.Leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return at, false, nil
	}
	at.Index = uint64(idx)
	return at, err == nil, err
}
