package influx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
)

// errEnough ends a replay.
var errEnough = errors.New("enough")

// boot names one boot of a gateway.
type boot struct {
	gateway string
	epoch   uint32
	boot    uint32
}

// waiting is a parcel with readings of a boot that cannot be dated.
type waiting struct {
	boot
	parcel int64
}

// load is what one transaction puts into the spool.
type load struct {
	lines  []string
	upto   int64     // cursor after it
	late   []waiting // to be remembered
	served []waiting // to be forgotten
}

// gather spools the next readings: first those that have been dated since it
// was their turn, then new ones.
func (w *Writer) gather(ctx context.Context) (taken bool, err error) {
	var l load
	if l.upto, err = w.cursor(ctx); err != nil {
		return false, err
	}
	if err := w.overdue(ctx, &l); err != nil {
		return false, err
	}
	began := l.upto
	if len(l.served) == 0 {
		err = w.o.Evidence.Replay(ctx, l.upto, func(b *batch.Batch) error {
			if err := w.take(ctx, &l, b, nil); err != nil {
				return err
			}
			l.upto = b.ID
			if len(l.lines) >= w.o.Points {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return false, err
		}
	}
	if l.upto == began && len(l.served) == 0 {
		return false, nil
	}
	return true, w.spool(ctx, l)
}

// overdue takes readings that were waiting and can be dated now, of one boot.
func (w *Writer) overdue(ctx context.Context, l *load) error {
	rows, err := w.o.Store.Query(ctx, `SELECT DISTINCT gateway, epoch, boot FROM influx_waiting WHERE target = $1`, w.target)
	if err != nil {
		return err
	}
	boots, err := collect(rows, func(rows *sql.Rows) (b boot, err error) {
		return b, rows.Scan(&b.gateway, &b.epoch, &b.boot)
	})
	if err != nil {
		return err
	}
	for _, b := range boots {
		t, err := w.o.Times.Timeline(ctx, b.gateway, b.epoch, b.boot)
		if err != nil {
			return err
		}
		if !t.Dated() {
			continue
		}
		rows, err := w.o.Store.Query(ctx, `SELECT parcel FROM influx_waiting WHERE target = $1 AND gateway = $2 AND epoch = $3 AND boot = $4 ORDER BY parcel LIMIT 1000`,
			w.target, b.gateway, int64(b.epoch), int64(b.boot))
		if err != nil {
			return err
		}
		parcels, err := collect(rows, func(rows *sql.Rows) (id int64, err error) { return id, rows.Scan(&id) })
		if err != nil {
			return err
		}
		for _, id := range parcels {
			err := w.o.Evidence.Replay(ctx, id-1, func(p *batch.Batch) error {
				if p.ID == id {
					if err := w.take(ctx, l, p, &b.boot); err != nil {
						return err
					}
				}
				return errEnough
			})
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
			l.served = append(l.served, waiting{b, id})
			if len(l.lines) >= w.o.Points {
				return nil
			}
		}
		return nil
	}
	return nil
}

// take turns the readings of a parcel into lines: of one boot, or of all.
func (w *Writer) take(ctx context.Context, l *load, b *batch.Batch, only *uint32) error {
	for i := range b.Boots {
		part := &b.Boots[i]
		if only != nil && part.Boot != *only || len(part.Columns) == 0 {
			continue
		}
		t, err := w.o.Times.Timeline(ctx, b.Gateway, b.Epoch, part.Boot)
		if err != nil {
			return err
		}
		if !t.Dated() {
			l.late = append(l.late, waiting{boot{b.Gateway, b.Epoch, part.Boot}, b.ID})
			continue
		}
		for j := range part.Columns {
			l.lines = w.lines(l.lines, b, &part.Columns[j], t)
		}
	}
	return nil
}

// spool commits a load: its lines, and how far that is.
func (w *Writer) spool(ctx context.Context, l load) error {
	err := w.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for lines := l.lines; len(lines) > 0; {
			n := min(len(lines), w.o.Points)
			if _, err := tx.Exec(ctx, `INSERT INTO influx_spool (id, target, points, lines)
				SELECT coalesce(max(id), 0) + 1, $1, $2, $3 FROM influx_spool`, w.target, int64(n), pack(lines[:n])); err != nil {
				return err
			}
			lines = lines[n:]
		}
		for _, p := range l.late {
			if _, err := tx.Exec(ctx, `INSERT INTO influx_waiting (target, gateway, epoch, boot, parcel) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT DO NOTHING`, w.target, p.gateway, int64(p.epoch), int64(p.boot.boot), p.parcel); err != nil {
				return err
			}
		}
		for _, p := range l.served {
			if _, err := tx.Exec(ctx, `DELETE FROM influx_waiting WHERE target = $1 AND gateway = $2 AND epoch = $3 AND boot = $4 AND parcel = $5`,
				w.target, p.gateway, int64(p.epoch), int64(p.boot.boot), p.parcel); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO influx_cursor (target, parcel) VALUES ($1, $2)
			ON CONFLICT (target) DO UPDATE SET parcel = excluded.parcel`, w.target, l.upto)
		return err
	})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	w.mu.Lock()
	w.status.Parcel = l.upto
	w.mu.Unlock()
	return nil
}

func (w *Writer) cursor(ctx context.Context) (int64, error) {
	var upto int64
	err := w.o.Store.QueryRow(ctx, `SELECT parcel FROM influx_cursor WHERE target = $1`, w.target).Scan(&upto)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return upto, err
}

func collect[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
