package scan

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"frostline/hub/store"
	"frostline/proto/pb"
)

// group is a scan and those that correct it.
type group struct{ gateway, root string }

// cursor is the batch up to which all was worked in; begun is false where none
// ever was.
func (k *Keeper) cursor(ctx context.Context) (id int64, begun bool, err error) {
	err = k.o.Store.QueryRow(ctx, `SELECT parcel FROM scan_cursor WHERE name = 'committed'`).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return id, err == nil, err
}

// record writes scans down, each once. One that says something else than the
// first of its id is noted and states nothing.
func (k *Keeper) record(ctx context.Context, rows []row) error {
	const together = 200
	for len(rows) > 0 {
		part := rows[:min(together, len(rows))]
		rows = rows[len(part):]
		err := k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for i := range part {
				if err := recordOne(ctx, tx, &part[i]); err != nil {
					return fmt.Errorf("record scan %s of gateway %s: %w", part[i].id, part[i].gateway, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func recordOne(ctx context.Context, tx *store.Tx, r *row) error {
	var body []byte
	err := tx.QueryRow(ctx, `SELECT body FROM scan WHERE gateway = $1 AND id = $2`, r.gateway, r.id).Scan(&body)
	switch {
	case err == nil && bytes.Equal(body, r.body):
		return nil
	case err == nil:
		_, err = tx.Exec(ctx, `UPDATE scan SET disputed = $1 WHERE gateway = $2 AND id = $3 AND disputed = ''`,
			fmt.Sprintf("block %d of epoch %d", r.block, r.inEpoch), r.gateway, r.id)
		return err
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	if _, err = tx.Exec(ctx, `INSERT INTO scan (gateway, id, root, epoch, boot, tick_ms, since_epoch, since_boot, since_ms, in_epoch, block, position, received_ms, disputed, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', $14)`,
		r.gateway, r.id, r.root, int64(r.when.epoch), int64(r.when.boot), r.when.at, int64(r.since.epoch), int64(r.since.boot), r.since.at,
		int64(r.inEpoch), int64(r.block), int64(r.position), r.received, r.body); err != nil {
		return err
	}
	// To be looked at whatever happens next.
	_, err = tx.Exec(ctx, `INSERT INTO scan_group (gateway, root, state, problem, look_ms) VALUES ($1, $2, 'new', '', 1)
		ON CONFLICT (gateway, root) DO UPDATE SET look_ms = 1`, r.gateway, r.root)
	return err
}

// ofBoot adds the groups that a boot dates.
func (k *Keeper) ofBoot(ctx context.Context, gateway string, epoch, boot uint32, touched map[group]bool) error {
	return k.groups(ctx, touched, `SELECT gateway, root FROM scan WHERE gateway = $1 AND since_epoch = $2 AND since_boot = $3
		UNION SELECT gateway, root FROM scan WHERE gateway = $1 AND epoch = $2 AND boot = $3`, gateway, int64(epoch), int64(boot))
}

func (k *Keeper) groups(ctx context.Context, into map[group]bool, query string, args ...any) error {
	rows, err := k.o.Store.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var g group
		if err := rows.Scan(&g.gateway, &g.root); err != nil {
			return err
		}
		into[g] = true
	}
	return rows.Err()
}

const scanColumns = `SELECT gateway, id, root, epoch, boot, tick_ms, since_epoch, since_boot, since_ms, in_epoch, block, position, received_ms, disputed, body FROM scan `

// stored is a row and what was noted about it.
type stored struct {
	row
	disputed string
}

func scanRows(rows *sql.Rows, err error) ([]stored, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []stored
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.gateway, &s.id, &s.root, &s.when.epoch, &s.when.boot, &s.when.at, &s.since.epoch, &s.since.boot, &s.since.at,
			&s.inEpoch, &s.block, &s.position, &s.received, &s.disputed, &s.body); err != nil {
			return nil, err
		}
		s.m = &pb.Scan{}
		if err := proto.Unmarshal(s.body, s.m); err != nil {
			return nil, fmt.Errorf("stored scan %s of gateway %s: %w", s.id, s.gateway, err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
