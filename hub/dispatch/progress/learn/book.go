package learn

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"frostline/hub/store"
)

// Class is what observations are alike in.
type Class struct {
	What string // source of the estimate and kind of courier, or what is done at what sort of place
	Hour int    // of the day, 0 to 23; -1 where that is all one
}

// Observation is what one leg or hand-over took.
type Observation struct {
	ID    string // told twice it is one, and the later one counts
	Class Class
	Value float64 // ratio to the estimate of a leg; s of a hand-over; more than 0
	At    int64   // when it was over, UTC, Unix ms
}

// Book keeps observations. It is safe for concurrent use. The newest of each
// class are in memory, at most 4800 for each kind of leg.
type Book struct {
	store *store.DB
	mu    sync.Mutex
	cells map[Class][]Observation // oldest first
	told  map[question]Spread     // answers since the last observation
}

type question struct {
	class  Class
	before Spread
}

// Open reads what was learnt.
func Open(ctx context.Context, db *store.DB) (*Book, error) {
	b := &Book{store: db, cells: map[Class][]Observation{}, told: map[question]Spread{}}
	rows, err := db.Query(ctx, "SELECT id, what, hour, permille, at_ms FROM progress_took ORDER BY at_ms, id")
	if err != nil {
		return nil, fmt.Errorf("read what legs took: %w", err)
	}
	for rows.Next() {
		var o Observation
		var permille int64
		if err := rows.Scan(&o.ID, &o.Class.What, &o.Class.Hour, &permille, &o.At); err != nil {
			return nil, errors.Join(fmt.Errorf("read what legs took: %w", err), rows.Close())
		}
		o.Value = float64(permille) / 1000
		b.add(o)
	}
	return b, errors.Join(rows.Err(), rows.Close())
}

// add keeps an observation in memory. mu is held, or nobody else has b.
func (b *Book) add(o Observation) {
	list := slices.DeleteFunc(b.cells[o.Class], func(p Observation) bool { return p.ID == o.ID })
	at, _ := slices.BinarySearchFunc(list, o, func(p, q Observation) int {
		return cmp.Or(cmp.Compare(p.At, q.At), cmp.Compare(p.ID, q.ID))
	})
	list = slices.Insert(list, at, o)
	b.cells[o.Class] = list[max(0, len(list)-keep):]
}

// Learn takes observations. It returns nil when they are synced to disk.
func (b *Book) Learn(ctx context.Context, all []Observation) error {
	if len(all) == 0 {
		return nil
	}
	err := b.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, o := range all {
			if _, err := tx.Exec(ctx, `INSERT INTO progress_took (id, what, hour, permille, at_ms) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (id) DO UPDATE SET what = excluded.what, hour = excluded.hour, permille = excluded.permille, at_ms = excluded.at_ms`,
				o.ID, o.Class.What, o.Class.Hour, int64(o.Value*1000), o.At); err != nil {
				return err
			}
			var oldest int64
			err := tx.QueryRow(ctx, "SELECT at_ms FROM progress_took WHERE what = $1 AND hour = $2 ORDER BY at_ms DESC LIMIT 1 OFFSET $3", o.Class.What, o.Class.Hour, keep-1).Scan(&oldest)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err == nil {
				_, err = tx.Exec(ctx, "DELETE FROM progress_took WHERE what = $1 AND hour = $2 AND at_ms < $3", o.Class.What, o.Class.Hour, oldest)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep what legs took: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.told)
	for _, o := range all {
		for c, list := range b.cells { // one that was told before may have been of another class
			if c != o.Class && slices.ContainsFunc(list, func(p Observation) bool { return p.ID == o.ID }) {
				b.cells[c] = slices.DeleteFunc(list, func(p Observation) bool { return p.ID == o.ID })
			}
		}
		b.add(o)
	}
	return nil
}

const (
	enough = 20     // observations of an hour to leave the other hours out
	most   = 10_000 // answers kept
)

// Tell gives what a class takes. before is what it is taken to be without any
// observation. Where the hour has few, those of all hours count.
func (b *Book) Tell(c Class, before Spread) Spread {
	q := question{c, before}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.told[q]; ok {
		return s
	}
	list := b.cells[c]
	if c.Hour >= 0 && len(list) < enough {
		list = nil
		for h := range 24 {
			list = append(list, b.cells[Class{c.What, h}]...)
		}
	}
	seen := make([]float64, len(list))
	for i, o := range list {
		seen[i] = o.Value
	}
	if len(b.told) >= most {
		clear(b.told)
	}
	s := spread(seen, before)
	b.told[q] = s
	return s
}
