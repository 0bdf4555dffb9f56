package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"frostline/hub/store"
)

// MaxRead bounds the events one call of Read or Stream gives.
const MaxRead = 10_000

// Read gives up to limit committed events after a position, in order; of the
// given types only, or of all.
func (l *Log) Read(ctx context.Context, after int64, limit int, types ...string) ([]Event, error) {
	if len(types) > 100 {
		return nil, fmt.Errorf("read events: %d types, at most 100 allowed", len(types))
	}
	return read(ctx, l.store, after, limit, types...)
}

func read(ctx context.Context, q store.Querier, after int64, limit int, types ...string) ([]Event, error) {
	var only strings.Builder
	args := []any{after, clamp(limit)}
	for i, t := range types {
		only.WriteString(", $")
		fmt.Fprint(&only, i+3)
		args = append(args, t)
	}
	where := "position > $1"
	if len(types) > 0 {
		where += " AND type IN (" + only.String()[2:] + ")"
	}
	return query(ctx, q, "SELECT "+columns+" FROM event WHERE "+where+" ORDER BY position LIMIT $2", args...)
}

// Stream gives up to limit events of a stream after a version, in order.
func (l *Log) Stream(ctx context.Context, stream string, after int64, limit int) ([]Event, error) {
	return ReadStream(ctx, l.store, stream, after, limit)
}

// ReadStream is Stream for a command, which sees its own events too.
func ReadStream(ctx context.Context, q store.Querier, stream string, after int64, limit int) ([]Event, error) {
	return query(ctx, q, "SELECT "+columns+" FROM event WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3",
		stream, after, clamp(limit))
}

// ByID gives the event of an ID, and whether there is one.
func (l *Log) ByID(ctx context.Context, id string) (Event, bool, error) {
	return byID(ctx, l.store, id)
}

// StreamVersion is the version of a stream, 0 where it does not exist. Within
// a command give it the Change.
func StreamVersion(ctx context.Context, q store.Querier, stream string) (int64, error) {
	return streamVersion(ctx, q, stream)
}

// StreamVersions is StreamVersion of many streams; those that do not exist are
// left out.
func StreamVersions(ctx context.Context, q store.Querier, streams []string) (map[string]int64, error) {
	return streamVersions(ctx, q, streams)
}

func streamVersion(ctx context.Context, q store.Querier, stream string) (version int64, err error) {
	err = q.QueryRow(ctx, "SELECT COALESCE(MAX(version), 0) FROM event WHERE stream = $1", stream).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read version of stream %s: %w", stream, err)
	}
	return version, nil
}

func byID(ctx context.Context, q store.Querier, id string) (Event, bool, error) {
	found, err := query(ctx, q, "SELECT "+columns+" FROM event WHERE id = $1", id)
	if err != nil || len(found) == 0 {
		return Event{}, false, err
	}
	return found[0], true, nil
}

func clamp(limit int) int { return min(max(limit, 0), MaxRead) }

func query(ctx context.Context, q store.Querier, text string, args ...any) ([]Event, error) {
	rows, err := q.Query(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	defer rows.Close()
	var events []Event
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		events = append(events, e)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

func scan(rows *sql.Rows) (e Event, err error) {
	var data sql.RawBytes
	err = rows.Scan(&e.Position, &e.ID, &e.Stream, &e.Version, &e.Type, &e.Schema, &e.At, &e.Actor, &e.Reason, &data)
	e.Data = append([]byte(nil), data...)
	return e, err
}
