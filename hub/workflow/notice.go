package workflow

import (
	"context"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// notice is what an audience is told.
func (r *run) notice(audience, what, order string) fact.Notice {
	d := r.delivery()
	return fact.Notice{Saga: r.saga.ID, Excursion: r.saga.Excursion, Package: r.saga.Package, Audience: audience, What: what, Order: order, Shipment: d.Shipment}
}

// given is the event of a notice: given once for what it is about.
func (r *run) given(of string, nth any, n fact.Notice) event.New {
	n.ID = derive(r.saga.ID, "notice", of, nth, n.Audience)
	r.e.counts.notices.Add(1)
	return event.New{ID: n.ID, Type: fact.NoticeWasGiven, Data: n}
}

// tell gives notices, in one transaction.
func (r *run) tell(ctx context.Context, of string, all ...fact.Notice) error {
	events := make([]event.New, len(all))
	for i, n := range all {
		events[i] = r.given(of, 1, n)
	}
	return r.append(ctx, "", events...)
}

// tellHeld tells quality and dispatch that something is in quarantine.
func (e *Engine) tellHeld(ctx context.Context, r *run, _ *fact.SagaStep) error {
	order := r.delivery().Order
	return r.tell(ctx, "held", r.notice("qa", "held", order), r.notice("dispatch", "held", order))
}

// tellOutcome tells everybody what came of it; patient and prescriber only where
// their delivery was touched.
func (e *Engine) tellOutcome(ctx context.Context, r *run, _ *fact.SagaStep) error {
	d := r.delivery()
	what := r.outcome()
	all := []fact.Notice{r.notice("qa", what, d.Order), r.notice("dispatch", what, d.Order)}
	if d.Order != "" && (what == Replaced || r.did("stop")) {
		patient, err := e.o.Orders.Patient(ctx, d.Order)
		if err != nil {
			return err
		}
		if patient != "" {
			p, q := r.notice("patient", what, d.Order), r.notice("prescriber", what, d.Order)
			p.Patient, q.Patient = patient, patient
			all = append(all, p, q)
		}
	}
	if what == Replaced {
		for i := range all {
			all[i].Replacement = r.last("order").Refs[0].ID
		}
	}
	return r.tell(ctx, "outcome", all...)
}
