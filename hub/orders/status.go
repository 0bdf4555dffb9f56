package orders

import (
	"context"
	"fmt"
)

// Status is what a pharmacy system wants to know of an order. Who it is for is
// no part of it.
type Status struct {
	ID        string           `json:"id"`
	State     string           `json:"state"` // see States
	Due       int64            `json:"due,omitempty"`
	ETA       int64            `json:"eta,omitempty"` // of the last shipment that is still to come
	Shipments []ShipmentStatus `json:"shipments"`
	Flags     []string         `json:"flags,omitempty"` // what a person should look at, in words
}

// States of an order.
var States = []string{"placed", "packed", "in_transit", "partly_delivered", "delivered", "returned", "failed", "cancelled"}

// ShipmentStatus is one shipment of an order.
type ShipmentStatus struct {
	ID      string `json:"id"`
	Carrier string `json:"carrier,omitempty"`
	Progress
	Packages []PackageStatus `json:"packages"`
}

// PackageStatus is one package of a shipment.
type PackageStatus struct {
	ID     string `json:"id"`
	Closed string `json:"closed,omitempty"` // how the watch ended; "" while it goes on
	// Temperature is "in range", "out of range", or "unknown", as far as it was
	// judged.
	Temperature string `json:"temperature"`
}

// Status tells how an order stands.
func (s *Orders) Status(ctx context.Context, id string) (Status, error) {
	o, err := s.Order(ctx, id)
	if err != nil {
		return Status{}, err
	}
	st := Status{ID: o.ID, Due: o.Due, Shipments: []ShipmentStatus{}}
	shipments, err := s.shipmentsOf(ctx, s.o.Store, id)
	if err != nil {
		return st, err
	}
	var all []string
	for _, h := range shipments {
		ss := ShipmentStatus{ID: h.ID, Carrier: h.Carrier, Progress: h.Progress(), Packages: []PackageStatus{}}
		packages, err := s.packagesOf(ctx, s.o.Store, h.ID, s.now())
		if err != nil {
			return st, err
		}
		for _, p := range packages {
			ps := PackageStatus{ID: p.ID, Temperature: "unknown"}
			if p.Closed != nil {
				ps.Closed = p.Closed.How
			}
			if ss.Status == "delivered" && p.Closed == nil {
				st.Flags = append(st.Flags, fmt.Sprintf("shipment %s is delivered, yet package %s is still watched", h.ID, p.ID))
			}
			ss.Packages = append(ss.Packages, ps)
			all = append(all, p.ID)
		}
		if ss.Status == "planned" && len(packages) > 0 {
			ss.Status, ss.Since = "packed", packages[0].At
		}
		for _, f := range ss.Flags {
			st.Flags = append(st.Flags, "shipment "+h.ID+": "+f)
		}
		st.Shipments = append(st.Shipments, ss)
	}
	if err := s.judge(ctx, st.Shipments, all); err != nil {
		return st, err
	}
	st.summarize(o.Cancelled)
	return st, nil
}

// judge fills in how the packages fared.
func (s *Orders) judge(ctx context.Context, shipments []ShipmentStatus, packages []string) error {
	if s.o.Verdicts == nil || len(packages) == 0 {
		return nil
	}
	words, err := s.o.Verdicts.Words(ctx, packages)
	if err != nil {
		return fmt.Errorf("verdicts: %w", err)
	}
	for _, h := range shipments {
		for i, p := range h.Packages {
			if w := words[p.ID]; w != "" {
				h.Packages[i].Temperature = w
			}
		}
	}
	return nil
}

// summarize works out the state of the order from its shipments. Those that are
// cancelled count for nothing.
func (st *Status) summarize(cancelled bool) {
	count := map[string]int{}
	n := 0
	for _, h := range st.Shipments {
		if h.Status == "cancelled" {
			continue
		}
		n++
		switch h.Status {
		case "dispatched", "in_transit", "arrived":
			count["in_transit"]++
		default:
			count[h.Status]++
		}
		switch h.Status {
		case "delivered", "returned", "failed":
		default:
			st.ETA = max(st.ETA, h.ETA)
		}
	}
	switch {
	case cancelled:
		st.State, st.ETA = "cancelled", 0
	case n > 0 && count["delivered"] == n:
		st.State = "delivered"
	case count["delivered"] > 0:
		st.State = "partly_delivered"
	case count["in_transit"] > 0:
		st.State = "in_transit"
	case count["packed"] > 0:
		st.State = "packed"
	case count["planned"] > 0 || n == 0:
		st.State = "placed"
	case count["failed"] > 0:
		st.State = "failed"
	default:
		st.State = "returned"
	}
}
