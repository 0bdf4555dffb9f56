package dscsa

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/trace/dscsa/statement"
)

// Kinds of content.
const (
	kindReceived = "received"
	kindSent     = "sent"
	kindPackage  = "package"
)

// Content is the bytes of a document or package.
type Content struct {
	Media  string
	SHA256 string // hex
	Body   []byte
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// keep writes content within a command. The same content again has no effect.
func keep(ctx context.Context, ch event.Change, id, kind string, c Content, now int64) error {
	_, err := ch.Tx().Exec(ctx, `INSERT INTO dscsa_content (id, kind, media, sha256, body, recorded_ms) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, kind, c.Media, c.SHA256, c.Body, now)
	if err != nil {
		return fmt.Errorf("keep document %s: %w", id, err)
	}
	return nil
}

var itemRows = store.NewInsert("dscsa_item", "", "gtin TEXT", "serial TEXT", "document TEXT", "lot TEXT", "expiry TEXT")

// keepItems notes which units a document is about.
func keepItems(ctx context.Context, ch event.Change, id string, units []statement.Unit) error {
	rows := itemRows.Into(ch.Tx())
	for _, u := range units {
		if err := rows.Add(ctx, u.GTIN, u.Serial, id, u.Lot, u.Expiry); err != nil {
			return fmt.Errorf("note the units of document %s: %w", id, err)
		}
	}
	if err := rows.Flush(ctx); err != nil {
		return fmt.Errorf("note the units of document %s: %w", id, err)
	}
	return nil
}

// Content gives the bytes of a document, or of the package that answered a trace
// request, as they were kept. Bytes that are not those that the event names are
// an error.
func (d *Desk) Content(ctx context.Context, id string) (c Content, err error) {
	err = d.o.Store.QueryRow(ctx, "SELECT media, sha256, body FROM dscsa_content WHERE id = $1", id).Scan(&c.Media, &c.SHA256, &c.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("document %q: %w", id, record.ErrNotFound)
	}
	if err != nil {
		return c, fmt.Errorf("read document %q: %w", id, err)
	}
	if got := digest(c.Body); got != c.SHA256 {
		return c, fmt.Errorf("document %q: its bytes have SHA-256 %s, %s was kept: the store was changed", id, got, c.SHA256)
	}
	return c, nil
}

// itemOf is a unit in a document.
type itemOf struct {
	statement.Unit
	Document string
}

// itemsAbout gives what documents say of a GTIN, one lot or one serial of it, at
// most so many.
func itemsAbout(ctx context.Context, q store.Querier, a fact.TraceAbout, limit int) ([]itemOf, error) {
	if a.GTIN == "" {
		return nil, nil
	}
	return mentions(ctx, q, a, "", limit)
}

// mentions is itemsAbout where the GTIN may be missing, and a serial or lot is
// there then; those after a unit alone.
func mentions(ctx context.Context, q store.Querier, a fact.TraceAbout, after string, limit int) ([]itemOf, error) {
	query, args := "SELECT gtin, serial, lot, expiry, document FROM dscsa_item WHERE ", []any{}
	and := func(condition string, value string) {
		if len(args) > 0 {
			query += " AND "
		}
		args = append(args, value)
		query += fmt.Sprintf(condition, len(args))
	}
	for _, c := range [][2]string{{"gtin = $%d", a.GTIN}, {"serial = $%d", a.Serial}, {"lot = $%d", a.Lot}} {
		if c[1] != "" {
			and(c[0], c[1])
		}
	}
	if len(args) == 0 {
		return nil, nil
	}
	if gtin, serial := ofUnit(after); after != "" {
		and("gtin >= $%d", gtin)
		args = append(args, gtin, serial)
		query += fmt.Sprintf(" AND (gtin > $%d OR serial > $%d)", len(args)-1, len(args))
	}
	args = append(args, limit)
	rows, err := q.Query(ctx, query+fmt.Sprintf(" ORDER BY gtin, serial, document LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("look for documents about %s: %w", strings.Join([]string{a.GTIN, a.Serial, a.Lot}, " "), err)
	}
	defer rows.Close()
	var all []itemOf
	for rows.Next() {
		var it itemOf
		if err := rows.Scan(&it.GTIN, &it.Serial, &it.Lot, &it.Expiry, &it.Document); err != nil {
			return nil, err
		}
		all = append(all, it)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// unitsOf gives the units of a document.
func unitsOf(ctx context.Context, q store.Querier, document string) ([]statement.Unit, error) {
	rows, err := q.Query(ctx, "SELECT gtin, serial, lot, expiry FROM dscsa_item WHERE document = $1 ORDER BY gtin, serial", document)
	if err != nil {
		return nil, fmt.Errorf("look for the units of %s: %w", document, err)
	}
	defer rows.Close()
	var all []statement.Unit
	for rows.Next() {
		var u statement.Unit
		if err := rows.Scan(&u.GTIN, &u.Serial, &u.Lot, &u.Expiry); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
