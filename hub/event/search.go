package event

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Bounds of a search.
const (
	MaxFound = 1000 // events of one page
	maxWords = 200  // bytes of the words looked for
)

// How many events are looked through for one page, and with one query of it.
// Tests look through fewer.
var searched, atOnce int64 = 200_000, 20_000

// Search chooses events. What is left empty chooses none away.
type Search struct {
	Actor  string // all of it, "person/ann"
	Kind   string // of the stream: what is before the slash
	Stream string // all of it, "package/P1"; goes before Kind
	Type   string // of the event
	From   int64  // recorded then or later, Unix ms
	To     int64  // recorded before then, Unix ms; 0 for any time
	// Words are all in the reason that was given, in any order and case.
	Words string
}

// Found is a page of what was found, newest first.
type Found struct {
	Events []Event // without their data
	// Next is the position before which a search goes on, 0 where there is
	// nothing more. It may be given with few events, or none: so many were
	// looked through.
	Next int64
}

// Search gives up to limit events below a position, newest first; 0 is from the
// newest. It looks through a bounded number of events, and says where it
// stopped.
func (l *Log) Search(ctx context.Context, s Search, below int64, limit int) (Found, error) {
	if len(s.Words) > maxWords || !utf8.ValidString(s.Words) {
		return Found{}, fmt.Errorf("search events: words of %d bytes, want at most %d of UTF-8", len(s.Words), maxWords)
	}
	if below <= 0 {
		below = math.MaxInt64
	}
	if limit = min(max(limit, 1), MaxFound); s.Stream != "" {
		s.Kind = ""
	}
	// Where the events of the time asked for lie, and the last of all.
	low, high, err := l.extent(ctx, s)
	if err != nil || high == 0 {
		return Found{}, err
	}
	q := searching{Search: s, words: strings.Fields(strings.ToLower(s.Words)), limit: limit}
	below, low = min(below, high+1), max(low, 1)
	for looked := int64(0); below > low; looked += atOnce {
		if looked >= searched {
			return Found{q.found, below}, nil
		}
		from := max(low, below-atOnce)
		if s.Stream != "" {
			from = low // an index leads to them
		}
		if from, err = l.within(ctx, &q, from, below); err != nil {
			return Found{}, err
		}
		if len(q.found) > limit {
			q.found = q.found[:limit]
			return Found{q.found, q.found[limit-1].Position}, nil
		}
		below = from
	}
	return Found{Events: q.found}, nil
}

// extent gives the least and greatest position of a span of time; 0, 0 where
// there is none.
func (l *Log) extent(ctx context.Context, s Search) (low, high int64, err error) {
	text, args := "SELECT COALESCE(MIN(position), 0), COALESCE(MAX(position), 0) FROM event", []any(nil)
	if s.From > 0 || s.To > 0 {
		to := s.To
		if to == 0 {
			to = math.MaxInt64
		}
		text, args = text+" WHERE at_ms >= $1 AND at_ms < $2", []any{s.From, to}
	}
	if err := l.store.QueryRow(ctx, text, args...).Scan(&low, &high); err != nil {
		return 0, 0, fmt.Errorf("search events: %w", err)
	}
	return low, high, nil
}

// searching is a search under way.
type searching struct {
	Search
	words []string // in lower case
	limit int
	found []Event
}

// within adds what is found at positions from..below-1, until one more than the
// limit is, and gives the position down to which it has looked.
func (l *Log) within(ctx context.Context, q *searching, from, below int64) (int64, error) {
	where, args := []string{"position >= $1", "position < $2"}, []any{from, below}
	add := func(condition string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if q.Actor != "" {
		add("actor = $%d", q.Actor)
	}
	if q.Stream != "" {
		add("stream = $%d", q.Stream)
	}
	if q.Kind != "" {
		args = append(args, int64(len(q.Kind)+1), q.Kind+"/")
		where = append(where, fmt.Sprintf("SUBSTR(stream, 1, $%d) = $%d", len(args)-1, len(args)))
	}
	if q.Type != "" {
		add("type = $%d", q.Type)
	}
	if q.From > 0 {
		add("at_ms >= $%d", q.From)
	}
	if q.To > 0 {
		add("at_ms < $%d", q.To)
	}
	most := atOnce
	if len(q.words) > 0 {
		where = append(where, "reason <> ''")
	} else {
		most = int64(q.limit + 1 - len(q.found))
	}
	rows, err := l.store.Query(ctx, "SELECT position, id, stream, version, type, schema, at_ms, actor, reason FROM event WHERE "+strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY position DESC LIMIT %d", most), args...)
	if err != nil {
		return 0, fmt.Errorf("search events: %w", err)
	}
	defer rows.Close()
	n, last := int64(0), below
	for len(q.found) <= q.limit && rows.Next() {
		var e Event
		if err := rows.Scan(&e.Position, &e.ID, &e.Stream, &e.Version, &e.Type, &e.Schema, &e.At, &e.Actor, &e.Reason); err != nil {
			return 0, fmt.Errorf("search events: %w", err)
		}
		n, last = n+1, e.Position
		if q.says(e.Reason) {
			q.found = append(q.found, e)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, fmt.Errorf("search events: %w", err)
	}
	if n == most {
		return last, nil
	}
	return from, nil
}

// says reports whether a reason has all the words. It is done here, and not by
// the database: databases disagree about the case of letters.
func (q *searching) says(reason string) bool {
	reason = strings.ToLower(reason)
	for _, w := range q.words {
		if !strings.Contains(reason, w) {
			return false
		}
	}
	return true
}
