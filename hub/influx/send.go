package influx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"frostline/hub/store"
)

// drain writes the spool, oldest first. Each row leaves the spool when all of
// its points are written or set aside.
func (w *Writer) drain(ctx context.Context) (sent bool, err error) {
	for {
		var id int64
		var packed []byte
		err := w.o.Store.QueryRow(ctx, `SELECT id, lines FROM influx_spool WHERE target = $1 ORDER BY id LIMIT 1`, w.target).Scan(&id, &packed)
		if errors.Is(err, sql.ErrNoRows) {
			return sent, nil
		}
		if err != nil {
			return sent, fmt.Errorf("read the spool: %w", err)
		}
		lines, err := unpack(packed)
		if err != nil {
			return sent, fmt.Errorf("spool row %d: %w", id, err)
		}
		if err := w.send(ctx, lines); err != nil {
			return sent, err
		}
		err = w.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM influx_spool WHERE id = $1`, id)
			return err
		})
		if err != nil {
			return sent, fmt.Errorf("empty the spool: %w", err)
		}
		sent = true
	}
}

// send writes lines. It returns nil when each is written or set aside, and an
// error when the server should be asked again later.
func (w *Writer) send(ctx context.Context, lines []string) error {
	err := w.api.WriteRecord(ctx, strings.Join(lines, "\n"))
	if err == nil {
		w.succeeded(len(lines))
		return nil
	}
	switch status(err) {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
	default:
		return fmt.Errorf("write to %s: %w", w.o.Config.URL, err)
	}
	if len(lines) > 1 {
		half := len(lines) / 2
		if err := w.send(ctx, lines[:half]); err != nil {
			return err
		}
		return w.send(ctx, lines[half:])
	}
	return w.setAside(ctx, lines[0], err)
}

// setAside keeps a point that the server refuses.
func (w *Writer) setAside(ctx context.Context, line string, why error) error {
	w.o.Log.Warn("InfluxDB refuses a point; it is set aside", "line", line, "error", why)
	return w.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO influx_refused (target, line, reason, at_ms) VALUES ($1, $2, $3, $4)
			ON CONFLICT (target, line) DO UPDATE SET reason = excluded.reason, at_ms = excluded.at_ms`,
			w.target, line, strings.ToValidUTF8(why.Error(), "�"), w.o.Now().UnixMilli())
		return err
	})
}

// Refused lists the points that were set aside, newest first.
func (w *Writer) Refused(ctx context.Context, limit int) (lines, reasons []string, err error) {
	rows, err := w.o.Store.Query(ctx, `SELECT line, reason FROM influx_refused WHERE target = $1 ORDER BY at_ms DESC, line LIMIT $2`, w.target, limit)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var line, reason string
		if err := rows.Scan(&line, &reason); err != nil {
			return nil, nil, err
		}
		lines, reasons = append(lines, line), append(reasons, reason)
	}
	return lines, reasons, rows.Err()
}

// status is the server's answer, 0 where there was none.
func status(err error) int {
	var answer *influxhttp.Error
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

// longestWait bounds how long a server may ask to be left alone.
const longestWait = 10 * time.Minute

// delay is how long to wait: as the server asks, else longer each time, spread
// so that several hubs do not come at once.
func (w *Writer) delay(err error, pause time.Duration) time.Duration {
	var answer *influxhttp.Error
	if errors.As(err, &answer) && answer.RetryAfter > 0 {
		return min(time.Duration(answer.RetryAfter)*time.Second, longestWait)
	}
	return pause/2 + rand.N(pause/2+1)
}
