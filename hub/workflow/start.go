package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// old is how long ago an excursion can have been opened and be closed by now,
// for a saga still to begin: a hub that learns of sagas does not go through its
// past.
const old = time.Hour

// Handle starts sagas and wakes those that wait. Taking an event again changes
// nothing: a saga's id follows from the event that starts it, and what wakes a
// saga only makes it look.
func (e *Engine) Handle(ctx context.Context, events []event.Event) error {
	for _, ev := range events {
		if err := e.take(ctx, ev); err != nil {
			return fmt.Errorf("sagas by %s at position %d: %w", ev.Type, ev.Position, err)
		}
	}
	return nil
}

func (e *Engine) take(ctx context.Context, ev event.Event) error {
	v, err := record.Data(ev, fact.ExcursionWasOpened, fact.ExcursionWasRevised, fact.ExcursionWasApproved, fact.ExcursionWasAcknowledged, fact.ExcursionWasClosed, fact.SagaWasDecided)
	if err != nil {
		return err
	}
	switch d := v.(type) {
	case *fact.ExcursionOpened:
		return e.begin(ctx, ev, "excursion-"+d.ID, d.ID, d.Facts)
	case *fact.ExcursionRevised:
		if slices.ContainsFunc(d.Effects, func(s string) bool { return s == "raised" || s == "reopened" || s == "reinstated" }) {
			if err := e.begin(ctx, ev, "excursion-"+d.ID+"-"+strconv.FormatInt(ev.Version, 10), d.ID, d.New); err != nil {
				return err
			}
		}
		return e.wakeOf(ctx, ev, d.ID)
	case *fact.ExcursionStep, *fact.ExcursionSigned:
		_, excursion, _ := strings.Cut(ev.Stream, "/")
		return e.wakeOf(ctx, ev, excursion)
	case *fact.SagaDecided:
		s, found, err := e.o.Model.sagas.Get(ctx, e.o.Store, d.ID)
		if err != nil || !found {
			return err
		}
		return e.wake(ev, s)
	}
	return nil
}

// begin starts a saga, unless the excursion has one that goes on.
func (e *Engine) begin(ctx context.Context, ev event.Event, id, excursion string, f fact.ExcursionFacts) error {
	s, found, err := e.o.Model.sagas.Get(ctx, e.o.Store, id)
	if err != nil {
		return err
	}
	if !found {
		if e.o.Config.Off || f.Retracted || !slices.Contains(e.o.Config.Severities, string(f.Severity)) {
			return nil
		}
		sagas, err := e.of(ctx, excursion)
		if err != nil || slices.ContainsFunc(sagas, func(s Saga) bool { return s.State != Ended }) {
			return err
		}
		now, err := e.o.Cases.Standing(ctx, excursion)
		if err != nil || now.Closed && e.now()-ev.At > old.Milliseconds() {
			return err
		}
		s.SagaStarted = fact.SagaStarted{ID: id, Kind: "excursion", Excursion: excursion, Package: f.Package, Severity: string(f.Severity), MoreUnits: f.MoreUnits, Stop: e.o.Config.Stop}
		for _, u := range f.Units {
			s.Units = append(s.Units, u.Unit)
		}
		if err := e.command(ctx, id, actor, "", event.New{ID: derive(id, "start"), Type: fact.SagaWasStarted, Data: s.SagaStarted}); err != nil {
			return err
		}
		e.counts.started.Add(1)
	}
	if s.State == Ended {
		return nil
	}
	return e.start(s.SagaStarted)
}

// of gives all sagas of an excursion.
func (e *Engine) of(ctx context.Context, excursion string) ([]Saga, error) {
	return record.Docs(e.o.Model.sagas.Find(ctx, e.o.Store, "excursion", excursion, "", 1000))
}

// wakeOf wakes the sagas of an excursion.
func (e *Engine) wakeOf(ctx context.Context, ev event.Event, excursion string) error {
	sagas, err := e.of(ctx, excursion)
	for _, s := range sagas {
		if err == nil {
			err = e.wake(ev, s)
		}
	}
	return err
}

func (e *Engine) wake(ev event.Event, s Saga) error {
	if s.State == Ended {
		return nil
	}
	send := func() error {
		return dbos.Send(e.dbos, s.ID, ev.ID, wakeTopic, dbos.WithIdempotencyKey(derive(s.ID, "wake", ev.ID)))
	}
	err := send()
	if errors.Is(err, dbos.ErrNonExistentWorkflow) {
		if err = e.start(s.SagaStarted); err == nil {
			err = send()
		}
	}
	return err
}
