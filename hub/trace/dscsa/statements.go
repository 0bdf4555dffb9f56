package dscsa

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/fact"
	"frostline/hub/record"
)

// Statement gives a document's description.
func (d *Desk) Statement(ctx context.Context, id string) (TradeStatement, error) {
	return record.Get(ctx, d.o.Store, d.o.Model.statements, fact.Ref{Kind: fact.Statement, ID: id})
}

// Statements lists up to limit documents after an id: those that are "complete"
// or "incomplete", or all.
func (d *Desk) Statements(ctx context.Context, state, after string, limit int) ([]TradeStatement, error) {
	if state == "" {
		return record.Docs(d.o.Model.statements.List(ctx, d.o.Store, after, limit))
	}
	return record.Docs(d.o.Model.statements.Find(ctx, d.o.Store, "state", state, after, limit))
}

// UnitDocument is a unit in a document.
type UnitDocument struct {
	GTIN     string `json:"gtin"`
	Serial   string `json:"serial"`
	Lot      string `json:"lot,omitempty"`
	Expiry   string `json:"expiry,omitempty"` // YYYY-MM-DD
	Document string `json:"document"`
}

// DocumentsOf gives which documents product is in, also product that was
// dispensed since; at most a thousand units.
func (d *Desk) DocumentsOf(ctx context.Context, about fact.TraceAbout) ([]UnitDocument, error) {
	if err := checkAbout("about", about); err != nil {
		return nil, err
	}
	all, err := itemsAbout(ctx, d.o.Store, about, 1000)
	if err != nil {
		return nil, err
	}
	out := make([]UnitDocument, len(all))
	for i, it := range all {
		out[i] = UnitDocument{it.GTIN, it.Serial, it.Lot, it.Expiry, it.Document}
	}
	return out, nil
}

// Mentions gives which documents speak of units with a serial or of a lot, or of
// both, whatever their GTIN; those after a unit alone, in order of units. At most
// limit.
func (d *Desk) Mentions(ctx context.Context, a fact.TraceAbout, after string, limit int) ([]UnitDocument, error) {
	all, err := mentions(ctx, d.o.Store, a, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]UnitDocument, len(all))
	for i, it := range all {
		out[i] = UnitDocument{it.GTIN, it.Serial, it.Lot, it.Expiry, it.Document}
	}
	return out, nil
}

// LotsOf gives the lots that documents say of a GTIN, in order, at most limit.
func (d *Desk) LotsOf(ctx context.Context, gtin string, limit int) (lots []string, err error) {
	rows, err := d.o.Store.Query(ctx, "SELECT DISTINCT lot FROM dscsa_item WHERE gtin = $1 AND lot <> '' ORDER BY lot LIMIT $2", gtin, limit)
	if err != nil {
		return nil, fmt.Errorf("look for lots of %s: %w", gtin, err)
	}
	defer rows.Close()
	for rows.Next() {
		var lot string
		if err := rows.Scan(&lot); err != nil {
			return nil, err
		}
		lots = append(lots, lot)
	}
	return lots, errors.Join(rows.Err(), rows.Close())
}
