package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/health"
	"frostline/hub/hold"
	"frostline/hub/models"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/workflow"
)

// newSagas fits the contexts that sagas work with to their engine.
func newSagas(c *contexts, m models.Models, db *store.DB, config config, log *slog.Logger, events workflow.Events) (*workflow.Engine, error) {
	// The engine's library lets the environment change under which names it
	// finds its work again.
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "DBOS_") {
			log.Warn("a variable of the environment is left out of account", "name", name)
			if err := os.Unsetenv(name); err != nil {
				return nil, err
			}
		}
	}
	place := config.Store
	if strings.HasPrefix(place, "sqlite:") {
		place = "sqlite:" + filepath.Join(config.Data, "workflow.db")
	}
	return workflow.New(workflow.Options{
		Config: config.Sagas, Database: place, Events: events, Store: db, Model: m.Sagas, Log: log,
		Cases: standings{c.cases}, Holds: holds{c.holds, m.Holds, db}, Orders: reorders{c.orders}, Dispatch: stops{c.dispatch},
	})
}

// sagasPart tells how sagas are doing.
func (h *hub) sagasPart(ctx context.Context) (health.Report, error) {
	s, err := h.contexts.sagas.Status(ctx)
	if err != nil {
		return health.Report{}, err
	}
	held, err := h.contexts.holds.Standing(ctx)
	var p problems
	p.add(s.Failing != "", "sagas are held up: %s", s.Failing)
	p.add(s.States[workflow.Parked] > 0, "%d sagas are parked until a person decides: see frostline sagas list", s.States[workflow.Parked])
	figures := []health.Figure{
		counter("sagas_started_total", "Sagas started.", s.Started),
		counter("sagas_steps_total", "Steps of sagas that ended.", s.Steps),
		counter("sagas_undone_total", "Steps of sagas that were undone.", s.Undone),
		counter("sagas_parked_total", "How often a saga was parked.", s.Parked),
		counter("sagas_failures_total", "Attempts of steps that failed and were followed by another.", s.Retries),
		counter("sagas_notices_total", "Notices that sagas gave.", s.Notices),
		gauge("holds", "Quality holds that stand.", held),
	}
	for _, state := range workflow.States {
		figures = append(figures, gauge("sagas", "Sagas, by state.", s.States[state], "state", string(state)))
	}
	return health.Report{Problem: p.String(), Figures: figures}, err
}

// standings tells sagas how excursions stand.
type standings struct{ *excursion.Cases }

func (s standings) Standing(ctx context.Context, id string) (workflow.Standing, error) {
	v, err := s.Get(ctx, id)
	if err != nil {
		return workflow.Standing{}, err
	}
	closed := v.State == excursion.Closed
	return workflow.Standing{
		Facts: v.Facts, Closed: closed, Retracted: v.Facts.Retracted, Dispositions: v.Proposal,
		Decided: v.State == excursion.Approved || closed,
	}, nil
}

// holds gives sagas quality holds.
type holds struct {
	*hold.Holds
	model *hold.Model
	db    *store.DB
}

func (h holds) Place(ctx context.Context, actor, reason string, p fact.HoldPlaced) error {
	_, err := h.Holds.Place(ctx, actor, reason, p)
	return err
}

func (h holds) Lift(ctx context.Context, actor, reason string, l fact.HoldLifted) error {
	_, err := h.Holds.Lift(ctx, actor, reason, l)
	return err
}

func (h holds) Held(ctx context.Context, pkg string) (bool, error) {
	return h.model.Held(ctx, h.db, fact.Ref{Kind: fact.Package, ID: pkg})
}

// kept says why somebody other than its saga may not lift a hold: the saga goes on.
func (c *contexts) kept(ctx context.Context, actor string, h hold.Hold) (string, error) {
	if h.Excursion == "" || actor == workflow.Actor {
		return "", nil
	}
	all, err := c.sagas.List(ctx, workflow.Filter{Excursion: h.Excursion}, "", 1000)
	for _, s := range all {
		if s.State != workflow.Ended && s.Made(fact.Ref{Kind: fact.Hold, ID: h.ID}) {
			return "saga " + s.ID + " holds it until quality has decided; sign a disposition, or compensate the saga", err
		}
	}
	return "", err
}

// keptStop says why somebody other than its saga may not let a stop go.
func (c *contexts) keptStop(ctx context.Context, actor, route, stop string) (string, error) {
	if actor == workflow.Actor {
		return "", nil
	}
	all, err := c.sagas.List(ctx, workflow.Filter{Stop: route + "/" + stop}, "", 1000)
	for i := range all {
		if why := all[i].Keeps(); why != "" {
			return why, err
		}
	}
	return "", err
}

// reorders lets sagas order anew.
type reorders struct{ *orders.Orders }

func (o reorders) Shipment(ctx context.Context, pkg string) (shipment, order string, err error) {
	p, err := o.Package(ctx, pkg)
	if errors.Is(err, record.ErrNotFound) {
		return "", "", nil // a label that nobody has packed
	}
	if err != nil {
		return "", "", err
	}
	id := p.ShipmentAt(time.Now().UnixMilli())
	if id == "" {
		return "", "", nil
	}
	s, err := o.Orders.Shipment(ctx, id)
	if err != nil || s.Progress().Status == "cancelled" {
		return "", "", err
	}
	return s.ID, s.Order, nil
}

// Again orders the products of the units, or all of the order.
func (o reorders) Again(ctx context.Context, order, shipment string, units []string) (fact.OrderPlaced, fact.ShipmentPlanned, string, error) {
	old, err := o.Order(ctx, order)
	if err != nil {
		return fact.OrderPlaced{}, fact.ShipmentPlanned{}, "", err
	}
	s, err := o.Orders.Shipment(ctx, shipment)
	if err != nil {
		return fact.OrderPlaced{}, fact.ShipmentPlanned{}, "", err
	}
	again := fact.OrderPlaced{Patient: old.Patient, Lines: old.Lines}
	if old.Due > time.Now().UnixMilli() {
		again.Due = old.Due
	}
	if len(units) > 0 {
		if again.Lines, err = o.lines(ctx, units); err != nil {
			return fact.OrderPlaced{}, fact.ShipmentPlanned{}, "", err
		}
	}
	plan := fact.ShipmentPlanned{From: s.From, To: s.To, Carrier: s.Carrier}
	short, err := o.short(ctx, s.From, again.Lines)
	return again, plan, short, err
}

func (o reorders) lines(ctx context.Context, units []string) (lines []fact.OrderLine, err error) {
	for _, id := range units {
		u, err := o.Unit(ctx, id)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(lines, func(l fact.OrderLine) bool { return l.Product == u.Product })
		if i < 0 {
			lines, i = append(lines, fact.OrderLine{Product: u.Product}), len(lines)
		}
		lines[i].Quantity++
	}
	return lines, nil
}

// short names a product of which there is less at a site than is wanted. Of one
// whose stock nobody keeps there, nothing is known, and a person who packs will
// see.
func (o reorders) short(ctx context.Context, site string, lines []fact.OrderLine) (string, error) {
	for _, l := range lines {
		level, kept := int64(0), false
		for after := ""; site != ""; {
			page, err := o.Stocks(ctx, l.Product, after, 500)
			if err != nil {
				return "", err
			}
			for _, s := range page {
				if s.Site == site {
					level, kept = level+s.Level, true
				}
			}
			if len(page) < 500 {
				break
			}
			after = orders.StockKey(page[len(page)-1])
		}
		if kept && level < int64(l.Quantity) {
			return l.Product, nil
		}
	}
	return "", nil
}

func (o reorders) Place(ctx context.Context, actor, reason string, p fact.OrderPlaced) error {
	_, err := o.Orders.Place(ctx, actor, reason, p, 0)
	return err
}

func (o reorders) Plan(ctx context.Context, actor, reason string, p fact.ShipmentPlanned) error {
	_, err := o.Orders.Plan(ctx, actor, reason, p, 0)
	return err
}

func (o reorders) Cancel(ctx context.Context, actor, reason, id string) error {
	_, err := o.Orders.Cancel(ctx, actor, reason, id, record.Any)
	return err
}

func (o reorders) CancelShipment(ctx context.Context, actor, reason, id string) error {
	_, err := o.Orders.CancelShipment(ctx, actor, reason, id, record.Any)
	return err
}

func (o reorders) Patient(ctx context.Context, id string) (string, error) {
	order, err := o.Order(ctx, id)
	return order.Patient, err
}

// stops lets sagas hold deliveries, and plan them anew.
type stops struct{ *dispatch.Dispatch }

func (s stops) Job(ctx context.Context, shipment string) (*fact.JobPlanned, []fact.SagaStop, error) {
	jobs, err := s.Jobs(ctx, shipment, false, "", 500)
	if err != nil {
		return nil, nil, err
	}
	var newest *dispatch.Job
	var open []fact.SagaStop
	for i, j := range jobs {
		if j.Cancelled {
			continue
		}
		if newest == nil || j.Created > newest.Created {
			newest = &jobs[i]
		}
		routes, err := s.RoutesOf(ctx, j.ID)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range routes {
			if st := r.Status(); st == "ended" || st == "cancelled" {
				continue
			}
			for _, v := range r.Visits() {
				if v.Job == j.ID && v.Kind == "delivery" && !v.Ended() {
					open = append(open, fact.SagaStop{Route: r.ID, Stop: v.ID})
				}
			}
		}
	}
	if newest == nil {
		return nil, open, nil
	}
	return &newest.JobPlanned, open, nil
}

func (s stops) Hold(ctx context.Context, actor, reason string, h fact.StopHeld) error {
	_, err := s.Dispatch.Hold(ctx, actor, reason, h)
	return err
}

func (s stops) Report(ctx context.Context, actor, reason string, r fact.RouteReported) error {
	_, err := s.Dispatch.Report(ctx, actor, reason, r)
	return err
}

func (s stops) Message(ctx context.Context, actor, reason string, m fact.CourierMessaged) error {
	_, err := s.Dispatch.Message(ctx, actor, reason, m)
	return err
}

func (s stops) Plan(ctx context.Context, actor, reason string, j fact.JobPlanned) error {
	_, err := s.Dispatch.Plan(ctx, actor, reason, j, 0)
	return err
}

func (s stops) Cancel(ctx context.Context, actor, reason, id string) error {
	_, err := s.CancelJob(ctx, actor, reason, id, record.Any)
	return err
}
