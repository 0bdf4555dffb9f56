package dscsa

import (
	"context"

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
