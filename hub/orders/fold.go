package orders

import (
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

func foldOrder(e event.Event, rows *event.Rows[Order]) error {
	v, err := record.Data(e, fact.OrderWasPlaced, fact.OrderWasCancelled)
	switch d := v.(type) {
	case *fact.OrderPlaced:
		return record.Change(rows, d.ID, func(o *Order) { o.OrderPlaced = *d; o.Note(e) })
	case *fact.OrderCancelled:
		return record.Change(rows, d.ID, func(o *Order) { o.Cancelled = true; o.Note(e) })
	}
	return err
}

func foldShipment(e event.Event, rows *event.Rows[Shipment]) error {
	v, err := record.Data(e, fact.ShipmentWasPlanned, fact.ShipmentWasReported)
	switch d := v.(type) {
	case *fact.ShipmentPlanned:
		return record.Change(rows, d.ID, func(s *Shipment) { s.ShipmentPlanned, s.Planned = *d, e.At; s.Note(e) })
	case *fact.ShipmentReported:
		return record.Change(rows, d.Shipment, func(s *Shipment) { s.Reports = append(s.Reports, *d); s.Note(e) })
	}
	return err
}

func shipmentKeys(_ string, s *Shipment) []event.Key {
	keys := []event.Key{}
	if s.Order != "" {
		keys = append(keys, event.Key{Name: "order", Value: s.Order})
	}
	for _, r := range s.Reports {
		keys = append(keys, event.Key{Name: "report", Value: r.ID})
	}
	return keys
}

func foldPackage(e event.Event, rows *event.Rows[Package]) error {
	v, err := record.Data(e, fact.PackageWasPacked, fact.PackageWasAssigned, fact.PackageWasClosed)
	switch d := v.(type) {
	case *fact.PackagePacked:
		return record.Change(rows, d.ID, func(p *Package) {
			if d.Made >= p.PackagePacked.Made {
				p.PackagePacked = *d
			}
			p.LastMade = max(p.LastMade, d.Made)
			p.Note(e)
		})
	case *fact.PackageAssigned:
		return record.Change(rows, d.Package, func(p *Package) { p.Assigned = append(p.Assigned, *d); p.Note(e) })
	case *fact.PackageClosed:
		return record.Change(rows, d.ID, func(p *Package) {
			if p.Closed == nil || d.Made >= p.Closed.Made {
				p.Closed = d
			}
			if p.Closed.Reopen {
				p.Closed = nil
			}
			p.LastMade = max(p.LastMade, d.Made)
			p.Note(e)
		})
	}
	return err
}

// packageKeys find a package by every shipment that it ever belonged to.
func packageKeys(_ string, p *Package) []event.Key {
	var keys []event.Key
	for _, a := range p.assignments() {
		if a.Shipment != "" {
			keys = append(keys, event.Key{Name: "shipment", Value: a.Shipment})
		}
	}
	for _, a := range p.Assigned {
		keys = append(keys, event.Key{Name: "assignment", Value: a.ID})
	}
	state := "open"
	if p.Closed != nil {
		state = p.Closed.How
	}
	return append(keys, event.Key{Name: "state", Value: state})
}

func foldUnit(e event.Event, rows *event.Rows[Unit]) error {
	v, err := record.Data(e, fact.UnitWasReceived)
	if d, ok := v.(*fact.UnitReceived); ok {
		return record.Change(rows, d.ID, func(u *Unit) { u.UnitReceived = *d; u.Note(e) })
	}
	return err
}

func unitKeys(_ string, u *Unit) []event.Key {
	return []event.Key{{Name: "product", Value: u.Product}, {Name: "lot", Value: u.Product + " " + u.Lot}}
}

func stockID(product, site, lot string) string { return product + " " + site + " " + lot }

func foldStock(e event.Event, rows *event.Rows[Stock]) error {
	v, err := record.Data(e, fact.InventoryWasAdjusted)
	if d, ok := v.(*fact.InventoryAdjusted); ok {
		return record.Change(rows, stockID(d.Product, d.Site, d.Lot), func(s *Stock) {
			s.Product, s.Site, s.Lot = d.Product, d.Site, d.Lot
			s.Level += d.Change
			s.Note(e)
		})
	}
	return err
}

func stockKeys(_ string, s *Stock) []event.Key {
	return []event.Key{{Name: "product", Value: s.Product}, {Name: "site", Value: s.Site}}
}

// foldAdjustment keeps, beside each adjustment, the level of each stock.
func foldAdjustment(e event.Event, rows *event.Rows[Adjustment]) error {
	v, err := record.Data(e, fact.InventoryWasAdjusted)
	d, ok := v.(*fact.InventoryAdjusted)
	if !ok {
		return err
	}
	var level int64
	err = record.Change(rows, levelID+stockID(d.Product, d.Site, d.Lot), func(a *Adjustment) {
		a.Level += d.Change
		level = a.Level
	})
	if err == nil {
		rows.Put(d.ID, &Adjustment{InventoryAdjusted: *d, Level: level, At: e.At, By: e.Actor})
	}
	return err
}

// levelID begins the ids of documents that only keep a level; an adjustment's
// id cannot begin so.
const levelID = " "
