package workflow

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"frostline/hub/fact"
	"frostline/hub/record"
)

// Dispositions, by what they mean for a delivery.
const (
	Released = "released" // all affected units may be given away
	Rejected = "rejected" // some may not
)

// Outcomes of a saga.
const (
	Replaced    = "replaced"
	Settled     = "settled"
	Compensated = "compensated"
)

const replacement = "replacement"

// excursionSteps are the steps of the saga of an excursion, in order.
func (e *Engine) excursionSteps() []step {
	rejected := func(r *run) bool { return r.disposition() == Rejected }
	released := func(r *run) bool { return r.disposition() == Released }
	return []step{
		{name: "quarantine", do: e.quarantine, undo: e.unquarantine},
		{name: "find", do: e.find},
		{name: "stop", do: e.stop, undo: e.letGo, when: func(r *run) bool { return len(r.delivery().Stops) > 0 }},
		{name: "tell", do: e.tellHeld},
		{name: "disposition", do: e.look, waits: true},
		{name: "lift", do: e.lift, when: func(r *run) bool { return released(r) || len(r.last("disposition").Released) > 0 }},
		{name: "resume", do: e.resume, when: func(r *run) bool { return released(r) && r.did("stop") }},
		{name: "order", group: replacement, do: e.order, undo: e.cancelOrder, when: func(r *run) bool { return rejected(r) && r.delivery().Order != "" }},
		{name: "shipment", group: replacement, do: e.shipment, undo: e.cancelShipment, when: func(r *run) bool { return r.did("order") }},
		{name: "job", group: replacement, do: e.job, undo: e.cancelJob, when: func(r *run) bool { return r.did("shipment") && r.delivery().Job != "" }},
		{name: "tell outcome", do: e.tellOutcome},
	}
}

// disposition is what quality has signed, "" before it has.
func (r *run) disposition() string {
	if s := r.last("disposition"); s != nil {
		return s.Disposition
	}
	return ""
}

// delivery is what was found that the package is a part of.
func (r *run) delivery() fact.SagaDelivery {
	if s := r.last("find"); s != nil && s.Delivery != nil {
		return *s.Delivery
	}
	return fact.SagaDelivery{}
}

// outcome is how a saga ends that was not compensated.
func (r *run) outcome() string {
	switch {
	case r.disposition() == Released:
		return Released
	case r.did("order"):
		return Replaced
	}
	return Settled
}

// before makes of an error that says that something was done before, none.
func before(err error) error {
	if errors.Is(err, record.ErrExists) {
		return nil
	}
	return err
}

func (e *Engine) quarantine(ctx context.Context, r *run, s *fact.SagaStep) error {
	id := r.hold()
	s.Refs = []fact.Ref{{Kind: fact.Hold, ID: id}}
	return before(e.o.Holds.Place(ctx, actor, "temperature excursion", fact.HoldPlaced{
		ID: id, Package: r.saga.Package, Units: r.saga.Units, MoreUnits: r.saga.MoreUnits, Excursion: r.saga.Excursion, Cause: "temperature excursion: until quality releases it",
	}))
}

func (r *run) hold() string { return derive(r.saga.ID, "hold") }

// unquarantine keeps in quarantine what quality has not released.
func (e *Engine) unquarantine(ctx context.Context, r *run, s *fact.SagaStep) error {
	if r.disposition() == Rejected {
		s.Outcome, s.Note = nothing, "stays in quarantine: it is not released"
		return nil
	}
	return e.o.Holds.Lift(ctx, actor, "the saga was compensated by a person", fact.HoldLifted{ID: r.hold()})
}

func (e *Engine) find(ctx context.Context, r *run, s *fact.SagaStep) error {
	shipment, order, err := e.o.Orders.Shipment(ctx, r.saga.Package)
	if err != nil {
		return err
	}
	if shipment == "" {
		s.Outcome, s.Note = nothing, "the package is in no shipment that goes on"
		return nil
	}
	job, stops, err := e.o.Dispatch.Job(ctx, shipment)
	if err != nil {
		return err
	}
	s.Delivery = &fact.SagaDelivery{Shipment: shipment, Order: order, Stops: stops}
	if job != nil {
		s.Delivery.Job = job.ID
	}
	return nil
}

// stop holds the stops of the delivery or recalls the couriers.
func (e *Engine) stop(ctx context.Context, r *run, s *fact.SagaStep) error {
	how := cmp.Or(r.saga.Stop, e.o.Config.Stop)
	if how == StopAsk && !r.asked {
		return record.Refusedf("the delivery is under way: retry holds it, skip lets it go on")
	}
	told := map[string]bool{}
	for _, at := range r.delivery().Stops {
		text := "A stop of this route is held: do not hand it over before quality has decided."
		switch {
		case how == StopRecall && told[at.Route]:
			continue
		case how == StopRecall:
			text = "Come back: medicine that you carry was too warm or too cold, or nobody knows."
			err := e.o.Dispatch.Report(ctx, actor, "temperature excursion", fact.RouteReported{
				ID: derive(r.saga.ID, "recall", at.Route), Route: at.Route, Status: "recalled", At: e.now(), Source: actor,
			})
			if err := before(err); err != nil {
				return err
			}
		default:
			err := e.o.Dispatch.Hold(ctx, actor, "temperature excursion", fact.StopHeld{
				ID: derive(r.saga.ID, "stop", at.Route, at.Stop), Route: at.Route, Stop: at.Stop, Held: true, Cause: "temperature excursion: until quality releases it",
			})
			if over, err := e.over(ctx, r, at, before(err)); err != nil {
				return err
			} else if over {
				s.Note = "a stop had ended before it could be held"
				continue
			}
		}
		s.Refs = append(s.Refs, fact.Ref{Kind: fact.Route, ID: at.Route})
		if !told[at.Route] {
			told[at.Route] = true
			if err := before(e.o.Dispatch.Message(ctx, actor, "temperature excursion", fact.CourierMessaged{ID: derive(r.saga.ID, "message", at.Route), Route: at.Route, Text: text})); err != nil {
				return err
			}
		}
	}
	if len(s.Refs) == 0 {
		s.Outcome = nothing
	}
	return nil
}

// over tells of a stop that could not be held whether that is because it has
// ended meanwhile.
func (e *Engine) over(ctx context.Context, r *run, at fact.SagaStop, err error) (bool, error) {
	if !errors.Is(err, record.ErrRefused) {
		return false, err
	}
	_, open, lookErr := e.o.Dispatch.Job(ctx, r.delivery().Shipment)
	if lookErr != nil {
		return false, lookErr
	}
	if slices.Contains(open, at) {
		return false, err
	}
	return true, nil
}

// letGo is undoing stop.
func (e *Engine) letGo(ctx context.Context, r *run, s *fact.SagaStep) error {
	if r.disposition() == Rejected {
		s.Outcome, s.Note = nothing, "stays held: it is not released"
		return nil
	}
	return e.release(ctx, r, s)
}

// release lets stops go that were held.
func (e *Engine) release(ctx context.Context, r *run, s *fact.SagaStep) error {
	if r.saga.Stop == StopRecall { // one that does not remember lets go what may not be held
		s.Outcome, s.Note = nothing, "the courier was recalled: plan a route anew"
		return nil
	}
	for _, at := range r.delivery().Stops {
		err := e.o.Dispatch.Hold(ctx, actor, "quality has released it", fact.StopHeld{
			ID: derive(r.saga.ID, "let go", at.Route, at.Stop), Route: at.Route, Stop: at.Stop, Held: false,
		})
		if err := before(err); err != nil {
			return err
		}
		s.Refs = append(s.Refs, fact.Ref{Kind: fact.Route, ID: at.Route})
	}
	return nil
}

// look finds out what quality has signed.
func (e *Engine) look(ctx context.Context, r *run, s *fact.SagaStep) error {
	now, err := e.o.Cases.Standing(ctx, r.saga.Excursion)
	if err != nil {
		return err
	}
	if !now.Decided {
		return errNotYet
	}
	s.Disposition = Released
	if now.Retracted {
		s.Note = "by what has come in since, the excursion never was"
		return nil
	}
	for _, d := range now.Dispositions {
		switch {
		case d.Decision != "release":
			s.Disposition = Rejected
		case d.Unit != "" && slices.Contains(r.saga.Units, d.Unit):
			s.Released = append(s.Released, d.Unit)
		}
	}
	if s.Disposition == Released {
		s.Released = nil
	}
	return nil
}

// lift ends the quarantine of what is released.
func (e *Engine) lift(ctx context.Context, r *run, s *fact.SagaStep) error {
	s.Refs = []fact.Ref{{Kind: fact.Hold, ID: r.hold()}}
	return e.o.Holds.Lift(ctx, actor, "quality has released it", fact.HoldLifted{ID: r.hold(), Units: r.last("disposition").Released})
}

// resume lets the delivery go on, unless the package is in quarantine for
// another reason.
func (e *Engine) resume(ctx context.Context, r *run, s *fact.SagaStep) error {
	held, err := e.o.Holds.Held(ctx, r.saga.Package)
	if err != nil {
		return err
	}
	if held {
		s.Outcome, s.Note = nothing, "the package is in quarantine for another reason"
		return nil
	}
	return e.release(ctx, r, s)
}
