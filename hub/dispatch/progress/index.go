package progress

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"frostline/hub/dispatch"
	"frostline/hub/store"
)

// Times, ms.
const (
	early = 30 * 60_000      // before it is to set out a route is followed
	grace = 15 * 60_000      // after it has ended
	day   = 24 * 3600 * 1000 // after its plan is over, where nobody says that it ended
)

// spanOf is when a route is followed.
func spanOf(r dispatch.Route) span {
	s := span{r.Depart - early, r.Depart + day}
	for _, stop := range r.Stops {
		s.until = max(s.until, stop.ETA+day)
	}
	ended := int64(0)
	for _, rep := range r.Reports {
		switch rep.Status {
		case "started":
			s.from = min(s.from, rep.At-early)
		case "ended", "cancelled":
			if ended == 0 || rep.At < ended {
				ended = rep.At
			}
		}
	}
	if ended != 0 {
		s.until = min(s.until, ended+grace)
	}
	return s
}

// index keeps when routes were under way.
type index struct{ db *store.DB }

// put notes routes, and how far the events were followed.
func (x index) put(ctx context.Context, routes []dispatch.Route, position int64) error {
	return x.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, r := range routes {
			s := spanOf(r)
			if _, err := tx.Exec(ctx, `INSERT INTO progress_route (id, courier, from_ms, until_ms) VALUES ($1, $2, $3, $4)
				ON CONFLICT (id) DO UPDATE SET courier = excluded.courier, from_ms = excluded.from_ms, until_ms = excluded.until_ms`,
				r.ID, r.Courier, s.from, s.until); err != nil {
				return fmt.Errorf("note when route %s is under way: %w", r.ID, err)
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO progress_cursor (name, position) VALUES ('events', $1)
			ON CONFLICT (name) DO UPDATE SET position = excluded.position`, position)
		return err
	})
}

// position is how far the events were followed.
func (x index) position(ctx context.Context) (p int64, err error) {
	err = x.db.QueryRow(ctx, "SELECT position FROM progress_cursor WHERE name = 'events'").Scan(&p)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return p, err
}

// during gives the routes of a courier that were under way at some time of s.
func (x index) during(ctx context.Context, courier string, s span) (ids []string, err error) {
	rows, err := x.db.Query(ctx, "SELECT id FROM progress_route WHERE courier = $1 AND until_ms > $2 AND from_ms < $3 ORDER BY id LIMIT 1000", courier, s.from, s.until)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		ids = append(ids, id)
	}
	return ids, errors.Join(rows.Err(), rows.Close())
}

// before is when the last route of the courier ended that ended during s; 0 for
// none.
func (x index) before(ctx context.Context, courier, but string, s span) (ended int64, err error) {
	err = x.db.QueryRow(ctx, "SELECT COALESCE(MAX(until_ms), 0) FROM progress_route WHERE courier = $1 AND id <> $2 AND until_ms > $3 AND until_ms <= $4 AND from_ms < $3",
		courier, but, s.from+grace, s.until+grace).Scan(&ended)
	return max(0, ended-grace), err
}
