package orders

import (
	"cmp"
	"context"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// Order is an order as it is now.
type Order struct {
	fact.OrderPlaced
	Cancelled bool `json:"cancelled,omitempty"`
	record.Changed
}

// Shipment is a shipment as it is now.
type Shipment struct {
	fact.ShipmentPlanned
	Planned int64                   `json:"planned"` // when the plan was last changed, hub's clock
	Reports []fact.ShipmentReported `json:"reports,omitempty"`
	record.Changed
}

// Package is a package as it is now.
type Package struct {
	fact.PackagePacked
	Closed   *fact.PackageClosed    `json:"closed,omitempty"`   // nil while it is open
	Assigned []fact.PackageAssigned `json:"assigned,omitempty"` // after it was packed, as they came
	LastMade int64                  `json:"lastMade"`           // the greatest Made of its packing and closing
	record.Changed
}

// Unit is a unit as it is now.
type Unit struct {
	fact.UnitReceived
	record.Changed
}

// Stock is the level of a product at a site, of one lot or of none.
type Stock struct {
	Product string `json:"product"`
	Site    string `json:"site"`
	Lot     string `json:"lot,omitempty"`
	Level   int64  `json:"level"` // units; negative only where somebody has allowed it
	record.Changed
}

// Adjustment is a change of stock that was made.
type Adjustment struct {
	fact.InventoryAdjusted
	Level int64  `json:"level"` // after it
	At    int64  `json:"at"`    // hub's clock, UTC, Unix ms
	By    string `json:"by"`
}

// Model is the read model behind an Orders, and answers from within the
// transactions of others.
type Model struct {
	orders      *event.Table[Order]
	shipments   *event.Table[Shipment]
	packages    *event.Table[Package]
	units       *event.Table[Unit]
	stock       *event.Table[Stock]
	adjustments *event.Table[Adjustment]
}

// NewModel makes the read model, to be given to the event log before the
// Orders is made of both.
func NewModel() *Model {
	return &Model{
		orders:      event.NewTable("orders.order", event.Schema[Order]{Fold: foldOrder}),
		shipments:   event.NewTable("orders.shipment", event.Schema[Shipment]{Fold: foldShipment, Keys: shipmentKeys}),
		packages:    event.NewTable("orders.package", event.Schema[Package]{Fold: foldPackage, Keys: packageKeys}),
		units:       event.NewTable("orders.unit", event.Schema[Unit]{Fold: foldUnit, Keys: unitKeys}),
		stock:       event.NewTable("orders.stock", event.Schema[Stock]{Fold: foldStock, Keys: stockKeys}),
		adjustments: event.NewTable("orders.adjustment", event.Schema[Adjustment]{Fold: foldAdjustment}),
	}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model {
	return []event.Model{m.orders, m.shipments, m.packages, m.units, m.stock, m.adjustments}
}

// Known reports whether there is an order, shipment, package or unit.
func (m *Model) Known(ctx context.Context, q store.Querier, r fact.Ref) (found bool, err error) {
	switch r.Kind {
	case fact.Order:
		_, found, err = m.orders.Get(ctx, q, r.ID)
	case fact.Shipment:
		_, found, err = m.shipments.Get(ctx, q, r.ID)
	case fact.Package:
		_, found, err = m.packages.Get(ctx, q, r.ID)
	case fact.Unit:
		_, found, err = m.units.Get(ctx, q, r.ID)
	}
	return found, err
}

// Assignments gives to which shipments a package belonged, in order of
// (At, Made, ID), first what was said when it was packed; empty for a package
// that is not known.
func (m *Model) Assignments(ctx context.Context, q store.Querier, pkg string) ([]fact.PackageAssigned, error) {
	p, found, err := m.packages.Get(ctx, q, pkg)
	if err != nil || !found {
		return nil, err
	}
	return p.assignments(), nil
}

func (p Package) assignments() []fact.PackageAssigned {
	first := fact.PackageAssigned{Package: p.ID, Shipment: p.PackagePacked.Shipment, At: p.At, Made: p.PackagePacked.Made}
	all := slices.Clone(p.Assigned)
	slices.SortFunc(all, func(a, b fact.PackageAssigned) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
	})
	return append([]fact.PackageAssigned{first}, all...)
}

// ShipmentAt is the shipment that the package belongs to at an instant, "" for
// none.
func (p Package) ShipmentAt(at int64) string {
	shipment := ""
	for _, a := range p.assignments() {
		if a.At <= at {
			shipment = a.Shipment
		}
	}
	return shipment
}
