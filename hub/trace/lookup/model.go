package lookup

import (
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// Model is the read model behind a Desk: units by serial and lot, and the lots
// that there have been.
type Model struct {
	units *event.Table[known]
	lots  *event.Table[Lot]
}

// known is a unit that was received.
type known struct {
	Product string `json:"product"`
	GTIN    string `json:"gtin"`
	Serial  string `json:"serial"`
	Lot     string `json:"lot"`
	Expiry  string `json:"expiry"`
}

// NewModel makes the read model, to be given to the event log before the Desk is
// made of both.
func NewModel() *Model {
	return &Model{
		units: event.NewTable("lookup.unit", event.Schema[known]{Fold: foldUnit, Keys: unitKeys}),
		lots:  event.NewTable("lookup.lot", event.Schema[Lot]{Fold: foldLot, Keys: lotKeys}),
	}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model { return []event.Model{m.units, m.lots} }

func received(e event.Event) (*fact.UnitReceived, error) {
	v, err := record.Data(e, fact.UnitWasReceived)
	d, _ := v.(*fact.UnitReceived)
	return d, err
}

func foldUnit(e event.Event, rows *event.Rows[known]) error {
	d, err := received(e)
	if d != nil {
		rows.Put(d.ID, &known{d.Product, d.GTIN, d.Serial, d.Lot, d.Expiry})
	}
	return err
}

func unitKeys(_ string, u *known) []event.Key {
	return []event.Key{{Name: "serial", Value: u.Serial}, {Name: "lot", Value: lotID(u.GTIN, u.Lot)}}
}

// lotID is the id of a lot: its GTIN, a dot and the lot, in which a slash is
// written as %2F.
func lotID(gtin, lot string) string { return gtin + "." + strings.ReplaceAll(lot, "/", "%2F") }

func foldLot(e event.Event, rows *event.Rows[Lot]) error {
	d, err := received(e)
	if d == nil || d.Lot == "" {
		return err
	}
	id := lotID(d.GTIN, d.Lot)
	old, err := rows.Get(id)
	if err == nil && old == nil {
		rows.Put(id, &Lot{d.GTIN, d.Lot})
	}
	return err
}

func lotKeys(_ string, l *Lot) []event.Key {
	return []event.Key{{Name: "gtin", Value: l.GTIN}, {Name: "lot", Value: l.Lot}}
}
