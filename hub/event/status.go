package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"frostline/hub/store"
)

// Status is a snapshot of a Log, for health checks and pages.
type Status struct {
	Last      int64            `json:"last"`    // position of the last event
	Outbox    bool             `json:"outbox"`  // whether one is kept
	Waiting   int64            `json:"waiting"` // events in it
	Models    []ModelStatus    `json:"models"`
	Consumers []ConsumerStatus `json:"consumers"` // by name
}

// ModelStatus tells of a read model.
type ModelStatus struct {
	Name    string    `json:"name"`
	Version int       `json:"version"`
	Built   time.Time `json:"built"` // when it was last built from the first event
}

// ConsumerStatus tells of a consumer, also one of an earlier run.
type ConsumerStatus struct {
	Name     string `json:"name"`
	Running  bool   `json:"running"`
	Position int64  `json:"position"` // of the last event it is done with
	Behind   int64  `json:"behind"`   // events after it
	Parked   int64  `json:"parked"`
	// Failures counts since the start; Attempts those in a row, 0 when it goes
	// well. LastError stays after recovery.
	Failures    uint64    `json:"failures"`
	Attempts    int       `json:"attempts"`
	LastError   string    `json:"lastError,omitempty"`
	LastFailure time.Time `json:"lastFailure,omitzero"`
}

// Status reads how the log, its models and its consumers stand.
func (l *Log) Status(ctx context.Context) (Status, error) {
	s := Status{Outbox: l.outbox}
	known := map[string]*ConsumerStatus{}
	err := l.store.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if s.Last, err = lastPosition(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM event_outbox").Scan(&s.Waiting); err != nil {
			return err
		}
		err = each(ctx, tx, "SELECT name, version, built_ms FROM event_model WHERE live = 1 ORDER BY name", func(rows *sql.Rows) error {
			var m ModelStatus
			var built int64
			err := rows.Scan(&m.Name, &m.Version, &built)
			m.Built = time.UnixMilli(built).UTC()
			s.Models = append(s.Models, m)
			return err
		})
		if err != nil {
			return err
		}
		err = each(ctx, tx, "SELECT consumer, position FROM event_cursor", func(rows *sql.Rows) error {
			var c ConsumerStatus
			err := rows.Scan(&c.Name, &c.Position)
			known[c.Name] = &c
			return err
		})
		if err != nil {
			return err
		}
		return each(ctx, tx, "SELECT consumer, COUNT(*) FROM event_parked GROUP BY consumer", func(rows *sql.Rows) error {
			var name string
			var n int64
			err := rows.Scan(&name, &n)
			if known[name] == nil {
				known[name] = &ConsumerStatus{Name: name}
			}
			known[name].Parked = n
			return err
		})
	})
	if err != nil {
		return s, fmt.Errorf("read status of events: %w", err)
	}
	l.mu.Lock()
	for name, c := range l.consumers {
		k := known[name]
		if k == nil {
			k = &ConsumerStatus{Name: name}
			known[name] = k
		}
		k.Running, k.Failures, k.Attempts = c.running, c.failures, c.attempts
		k.LastError, k.LastFailure = c.lastErr, c.lastFail
	}
	l.mu.Unlock()
	for _, k := range known {
		k.Behind = max(0, s.Last-k.Position)
		s.Consumers = append(s.Consumers, *k)
	}
	slices.SortFunc(s.Consumers, func(a, b ConsumerStatus) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// each calls do for each row of a query.
func each(ctx context.Context, q store.Querier, query string, do func(*sql.Rows) error, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}
