package dossier

import (
	"context"
	"errors"

	"frostline/hub/custody"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/proto/thermal"
)

// ErrNotFound is wrapped by errors about something that the hub does not know.
var ErrNotFound = errors.New("not known")

// Orders tells of shipments, packages and units; *orders.Orders is one.
type Orders interface {
	Shipment(ctx context.Context, id string) (orders.Shipment, error)
	Package(ctx context.Context, id string) (orders.Package, error)
	Packages(ctx context.Context, shipment, state, after string, limit int) ([]orders.Package, error)
	Unit(ctx context.Context, id string) (orders.Unit, error)
}

// Places tells where packages were and who had them; *custody.Custody is one.
type Places interface {
	Whereabouts(ctx context.Context, subject fact.Ref, from, to int64) (custody.Whereabouts, error)
	Chain(ctx context.Context, pkg string) (custody.Chain, error)
}

// Cases tells of excursions; *excursion.Cases is one.
type Cases interface {
	Get(ctx context.Context, id string) (excursion.View, error)
	List(ctx context.Context, f excursion.Filter, after string, limit int) ([]excursion.View, error)
	Trail(ctx context.Context, id string, after int64, limit int) ([]event.Event, error)
}

// Verdicts tells what was measured and what that means.
type Verdicts interface {
	// Judgements gives what each profile says of a package, with charts of so
	// many columns; none for a package that nothing judges.
	Judgements(ctx context.Context, pkg string, columns int) ([]Judgement, error)
	// Now gives the live states of packages, by id.
	Now(ctx context.Context, packages []string) (map[string]Live, error)
	// Budgets gives the stability budgets of a unit over its life.
	Budgets(ctx context.Context, unit string) ([]thermal.BudgetState, error)
	// UnitsOf gives the units that were in a package during its watch, by id.
	UnitsOf(ctx context.Context, pkg string) ([]string, error)
}

// Live is the state of a package at this moment.
type Live struct {
	State       State
	Since       int64
	Temperature *thermal.Temp
	At          int64
	Source      string
	Ahead       string
	Outcome     thermal.Outcome // of the verdicts so far, the worst
}

// Events gives what was recorded.
type Events interface {
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
	Last() int64
}

// Builder puts dossiers together. Its methods may be called from any goroutine.
type Builder struct {
	Orders   Orders
	Places   Places
	Cases    Cases
	Verdicts Verdicts
	Events   Events
	Columns  int // of a chart; default 240
}
