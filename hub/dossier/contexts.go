package dossier

import (
	"context"
	"errors"
	"time"

	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/custody"
	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
)

// ErrNotFound is wrapped by errors about something that the hub does not know.
var ErrNotFound = errors.New("not known")

// Orders tells of shipments, packages and units; *orders.Orders is one.
type Orders interface {
	Shipment(ctx context.Context, id string) (orders.Shipment, error)
	Shipments(ctx context.Context, order, after string, limit int) ([]orders.Shipment, error)
	Package(ctx context.Context, id string) (orders.Package, error)
	Packages(ctx context.Context, shipment, state, after string, limit int) ([]orders.Package, error)
	Unit(ctx context.Context, id string) (orders.Unit, error)
}

// Places tells where packages were and who had them; *custody.Custody is one.
type Places interface {
	Whereabouts(ctx context.Context, subject fact.Ref, from, to int64) (custody.Whereabouts, error)
	Chain(ctx context.Context, pkg string) (custody.Chain, error)
	Stays(ctx context.Context, thing fact.Ref, from, to int64) ([]timeline.Stay, error)
}

// Cases tells of excursions; *excursion.Cases is one.
type Cases interface {
	Get(ctx context.Context, id string) (excursion.View, error)
	List(ctx context.Context, f excursion.Filter, after string, limit int) ([]excursion.View, error)
	Trail(ctx context.Context, id string, after int64, limit int) ([]event.Event, error)
	Tally(ctx context.Context) (states map[excursion.State]int64, awaiting int64, err error)
}

// Verdicts judges packages; *correlate.Engine does.
type Verdicts interface {
	Judgements(ctx context.Context, id string) (correlate.Judged, error)
	// State is how a package fares now, with an outlook, and Briefs the same of
	// many without one and without reading history.
	State(ctx context.Context, id string) (correlate.State, error)
	Briefs(ids []string) []correlate.State
	Look(ctx context.Context, q correlate.Look) (correlate.Looked, error)
	Budget(ctx context.Context, unit string) (fact.UnitBudget, error)
}

// Profiles gives a version of a storage profile.
type Profiles interface {
	Version(ctx context.Context, profile string, version int) (catalog.Entry, error)
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
	Profiles Profiles
	Events   Events
	Columns  int // of a chart; default 240
	// Now is the clock of estimates and deadlines; default time.Now.
	Now func() time.Time
}
