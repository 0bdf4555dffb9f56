package workflow

import (
	"context"
	"errors"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// park waits until a person has decided about a step that could not be done or
// undone.
func (r *run) park(k *step, why string, undo bool) (string, error) {
	try := r.tries[k.name]
	r.tries[k.name]++
	pause := pauseName(k, r.roundOf(k), try, undo)
	choices := []string{Retry, Skip, Compensate}
	if undo {
		choices = choices[:2]
	}
	_, err := dbos.RunAsStep(r.ctx, func(ctx context.Context) (bool, error) {
		r.e.counts.parked.Add(1)
		r.e.o.Log.Warn("a saga is parked until a person decides", "saga", r.saga.ID, "step", k.name, "error", why)
		parked := event.New{ID: derive(r.saga.ID, "park", pause), Type: fact.SagaWasParked, Data: fact.SagaParked{
			ID: r.saga.ID, Step: k.name, Pause: pause, Undo: undo, Error: why, Choices: choices,
		}}
		order := r.delivery().Order
		return true, r.append(ctx, "", parked, r.given("parked", pause, r.notice("qa", "parked", order)), r.given("parked", pause, r.notice("dispatch", "parked", order)))
	}, dbos.WithStepName("park"))
	for err == nil {
		var decision string
		if decision, err = r.decision(pause); decision != "" {
			return decision, nil
		}
		if err == nil {
			_, err = r.sleep()
		}
	}
	return "", err
}

// decision looks what was decided at a pause.
func (r *run) decision(pause string) (string, error) {
	return dbos.RunAsStep(r.ctx, func(ctx context.Context) (decision string, err error) {
		err = insist(ctx, 0, r.e.failed(r, "decision"), func(ctx context.Context) error {
			s, _, err := r.e.o.Model.sagas.Get(ctx, r.e.o.Store, r.saga.ID)
			decision = s.decided(pause)
			return err
		})
		return decision, err
	}, dbos.WithStepName("decision"))
}

// sleep waits until something has happened that the saga may wait for; over is
// true where nothing has for as long as people have before they are reminded.
func (r *run) sleep() (over bool, err error) {
	within := aDay
	if r.last("disposition") == nil {
		within = r.e.o.Config.Remind
	}
	_, err = dbos.Recv[string](r.ctx, wakeTopic, within)
	if errors.Is(err, dbos.ErrTimeout) {
		return true, nil
	}
	return false, err
}

// wait waits at a step for what people decide elsewhere, and reminds them. A
// person may also decide that the saga ends.
func (r *run) wait(k *step) (outcome, string, error) {
	pause := pauseName(k, 1, 0, false)
	_, err := dbos.RunAsStep(r.ctx, func(ctx context.Context) (bool, error) {
		return true, r.append(ctx, "", event.New{ID: derive(r.saga.ID, "wait", pause), Type: fact.SagaWaits, Data: fact.SagaWaiting{
			ID: r.saga.ID, Step: k.name, Pause: pause, For: k.name,
		}})
	}, dbos.WithStepName("wait"))
	for reminders := 1; err == nil; {
		var out outcome
		if out, err = r.perform(k, false); err != nil || out.Result != nil && out.Result.Outcome == done {
			return out, "", err
		}
		var decision string
		if decision, err = r.decision(pause); err != nil || decision != "" {
			return outcome{}, decision, err
		}
		var over bool
		if over, err = r.sleep(); err == nil && over {
			n := reminders
			_, err = dbos.RunAsStep(r.ctx, func(ctx context.Context) (bool, error) {
				return true, r.append(ctx, "", r.given("reminder", n, r.notice("qa", "reminder", r.delivery().Order)))
			}, dbos.WithStepName("remind"))
			reminders++
		}
	}
	return outcome{}, "", err
}
