package workflow

import (
	"context"

	"frostline/hub/fact"
	"frostline/hub/record"
)

const because = "makes good what an excursion has spoilt"
const takenBack = "the replacement could not be completed"

// order places an order like the one that cannot be delivered.
func (e *Engine) order(ctx context.Context, r *run, s *fact.SagaStep) error {
	owner, err := e.replaces(ctx, r)
	if err != nil {
		return err
	}
	if owner != r.saga.ID {
		s.Outcome, s.Note = nothing, "another saga replaces it"
		s.Refs = []fact.Ref{{Kind: fact.Saga, ID: owner}}
		return nil
	}
	o, _, err := e.again(ctx, r)
	if err != nil {
		return err
	}
	s.Refs = []fact.Ref{{Kind: fact.Order, ID: o.ID}}
	return before(e.o.Orders.Place(ctx, actor, because, o))
}

// replaces gives the saga that replaces a package: of those that have learnt
// that it is rejected, the one whose event is the first in the log. A package
// with two excursions is replaced once.
func (e *Engine) replaces(ctx context.Context, r *run) (string, error) {
	first, owner := int64(0), r.saga.ID
	for after := ""; ; {
		page, err := e.o.Model.sagas.Find(ctx, e.o.Store, "package", r.saga.Package, after, 100)
		if err != nil {
			return "", err
		}
		for _, s := range page {
			if at := s.Doc.rejectedAt(); at != 0 && (first == 0 || at < first) {
				first, owner = at, s.ID
			}
		}
		if len(page) < 100 {
			return owner, nil
		}
		after = page[len(page)-1].ID
	}
}

func (e *Engine) again(ctx context.Context, r *run) (fact.OrderPlaced, fact.ShipmentPlanned, error) {
	d := r.delivery()
	units := r.saga.Units
	if r.saga.MoreUnits > 0 {
		units = nil
	}
	o, p, short, err := e.o.Orders.Again(ctx, d.Order, d.Shipment, units)
	if err == nil && short != "" {
		err = record.Refusedf("product %q: there is not enough of it where the shipment comes from; adjust the stock and retry, or skip", short)
	}
	o.ID, p.ID = r.made("order"), r.made("shipment")
	p.Order = o.ID
	return o, p, err
}

// made is the id of what a step makes.
func (r *run) made(step string) string { return derive(r.saga.ID, step, r.round) }

func (e *Engine) shipment(ctx context.Context, r *run, s *fact.SagaStep) error {
	_, p, err := e.again(ctx, r)
	if err != nil {
		return err
	}
	s.Refs = []fact.Ref{{Kind: fact.Shipment, ID: p.ID}}
	return before(e.o.Orders.Plan(ctx, actor, because, p))
}

// job plans the delivery anew; a person puts it into a route.
func (e *Engine) job(ctx context.Context, r *run, s *fact.SagaStep) error {
	old, _, err := e.o.Dispatch.Job(ctx, r.delivery().Shipment)
	if err != nil {
		return err
	}
	if old == nil {
		s.Outcome, s.Note = nothing, "the job was cancelled meanwhile"
		return nil
	}
	j := *old
	j.ID, j.Shipment, j.Replaces, j.Ready, j.Windows = r.made("job"), r.made("shipment"), old.ID, 0, nil
	for _, w := range old.Windows {
		if w.Until > e.now() {
			j.Windows = append(j.Windows, w)
		}
	}
	s.Refs = []fact.Ref{{Kind: fact.Job, ID: j.ID}}
	return before(e.o.Dispatch.Plan(ctx, actor, because, j))
}

func (e *Engine) cancelOrder(ctx context.Context, r *run, s *fact.SagaStep) error {
	s.Refs = []fact.Ref{{Kind: fact.Order, ID: r.made("order")}}
	return e.o.Orders.Cancel(ctx, actor, takenBack, r.made("order"))
}

func (e *Engine) cancelShipment(ctx context.Context, r *run, s *fact.SagaStep) error {
	s.Refs = []fact.Ref{{Kind: fact.Shipment, ID: r.made("shipment")}}
	return e.o.Orders.CancelShipment(ctx, actor, takenBack, r.made("shipment"))
}

func (e *Engine) cancelJob(ctx context.Context, r *run, s *fact.SagaStep) error {
	s.Refs = []fact.Ref{{Kind: fact.Job, ID: r.made("job")}}
	return e.o.Dispatch.Cancel(ctx, actor, takenBack, r.made("job"))
}
