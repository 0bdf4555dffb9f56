package workflow

import (
	"cmp"
	"context"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// Retry has the step tried again that a saga is parked at. step may be "", or
// names it, so that nobody decides about a step that they have not seen. A reason
// is needed by Skip and Compensate. Errors wrap those of package record.
func (e *Engine) Retry(ctx context.Context, actor, reason, id, step string) (Saga, error) {
	return e.Decide(ctx, actor, reason, id, step, Retry)
}

// Skip has the saga go on without the step that it is parked at.
func (e *Engine) Skip(ctx context.Context, actor, reason, id, step string) (Saga, error) {
	return e.Decide(ctx, actor, reason, id, step, Skip)
}

// Compensate has everything undone, in reverse, that the saga has done. What
// quality has not released stays held.
func (e *Engine) Compensate(ctx context.Context, actor, reason, id, step string) (Saga, error) {
	return e.Decide(ctx, actor, reason, id, step, Compensate)
}

// Decide writes down what a person decides about a saga that has paused; the
// saga goes on by it some moments later. at is "", or names the step or the pause
// (Saga.Pause) that the person has seen: a step that was tried again and has
// failed anew is the same step, and another pause. Of two who decide at once the
// second is refused, and told what the first has decided.
func (e *Engine) Decide(ctx context.Context, actor, reason, id, at, decision string) (Saga, error) {
	if !slices.Contains(Decisions, decision) {
		return Saga{}, record.Invalidf("decision %q: want one of %v", decision, Decisions)
	}
	if reason == "" && decision != Retry {
		return Saga{}, record.Invalidf("reason: say why, to %s", decision)
	}
	if err := fact.CheckNote("reason", reason); err != nil {
		return Saga{}, record.Invalid(err)
	}
	ref := fact.Ref{Kind: fact.Saga, ID: id}
	var out Saga
	_, err := e.o.Events.Command(ctx, actor, func(ctx context.Context, ch event.Change) (err error) {
		if out, err = record.Get(ctx, ch, e.o.Model.sagas, ref); err != nil {
			return err
		}
		if at != "" && at != out.Step && at != out.Pause {
			for _, d := range slices.Backward(out.Taken) {
				if at == d.Step || at == d.Pause {
					return record.Refusedf("step %q: %s has decided to %s already; the saga is %s", d.Step, d.By, d.Decision, out.words())
				}
			}
			return record.Refusedf("step %q: the saga is %s, not at it; look again", at, out.words())
		}
		switch {
		case !out.can(decision):
			return record.Refusedf("decision %q: the saga is %s; what can be decided now: %v", decision, out.words(), out.Choices)
		}
		d := fact.SagaDecided{ID: id, Pause: out.Pause, Step: out.Step, Decision: decision}
		if _, err := ch.Append(ctx, event.New{ID: derive(id, "decided", out.Pause), Stream: ref.String(), Expect: -1, Type: fact.SagaWasDecided, Reason: reason, Data: d}); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, e.o.Model.sagas, ref)
		return err
	})
	if err == nil {
		e.o.Log.Info("decided about a saga", "saga", id, "decision", decision, "by", actor)
	}
	return out, err
}

// words says where a saga is.
func (s Saga) words() string {
	switch s.State {
	case Waiting:
		return "waiting for the " + s.Step
	case Parked:
		return "parked at " + s.Step
	case Ended:
		return "over: " + s.Outcome
	}
	return string(s.State)
}

// doing are the steps in words, while they are done.
var doing = map[string]string{
	"quarantine": "putting the package into quarantine", "find": "looking for its delivery", "stop": "holding the delivery", "tell": "telling quality and dispatch",
	"disposition": "waiting for quality to decide", "lift": "ending the quarantine of what is released", "resume": "letting the delivery go on",
	"order": "ordering a replacement", "shipment": "planning its shipment", "job": "planning its delivery", "tell outcome": "telling everybody what came of it",
}

// outcomes in words.
var outcomes = map[string]string{
	Released: "released: the delivery goes on", Replaced: "rejected, and replaced by another order", Settled: "rejected; nothing was to be replaced",
	Compensated: "ended by a person; what was begun is undone",
}

// Says tells in words where a saga stands.
func (s Saga) Says() string {
	switch s.State {
	case Waiting:
		return "waits for quality to sign a disposition"
	case Parked:
		if s.Asks() {
			return "waits for a person: is the delivery to be held?"
		}
		if s.Undoing {
			return "waits for a person: undoing a step failed, " + doing[s.Step]
		}
		return "waits for a person: a step failed, " + doing[s.Step]
	case Ended:
		return outcomes[s.Outcome]
	}
	return "runs"
}

// Asks reports whether a saga is parked though nothing has failed: it was told to
// ask what is done with the delivery.
func (s Saga) Asks() bool {
	return s.State == Parked && s.Step == "stop" && s.Stop == StopAsk && !s.Undoing && !slices.ContainsFunc(s.Taken, func(d DecisionMade) bool { return d.Step == s.Step })
}

// Saga gives a saga.
func (e *Engine) Saga(ctx context.Context, id string) (Saga, error) {
	return record.Get(ctx, e.o.Store, e.o.Model.sagas, fact.Ref{Kind: fact.Saga, ID: id})
}

// Filter chooses sagas; what is "" does not count, and of several the first.
type Filter struct {
	Excursion string
	Package   string
	Stop      string // ROUTE/STOP of the delivery that they are about
	State     State
	Open      bool // that have not ended
}

// List gives up to limit sagas after an id, by id.
func (e *Engine) List(ctx context.Context, f Filter, after string, limit int) ([]Saga, error) {
	find := func(key, value string) ([]Saga, error) {
		return record.Docs(e.o.Model.sagas.Find(ctx, e.o.Store, key, value, after, limit))
	}
	switch {
	case f.Excursion != "":
		return find("excursion", f.Excursion)
	case f.Package != "":
		return find("package", f.Package)
	case f.Stop != "":
		return find("stop", f.Stop)
	case f.State != "":
		return find("state", string(f.State))
	case f.Open:
		return find(open, open)
	}
	return record.Docs(e.o.Model.sagas.List(ctx, e.o.Store, after, limit))
}

// Ended gives up to limit sagas that ended within the last year, the newest first.
func (e *Engine) Ended(ctx context.Context, limit int) (all []Saga, err error) {
	y, m, _ := e.o.Now().UTC().Date()
	for back := 0; back < 13 && len(all) < limit; back++ {
		of := month(time.Date(y, m-time.Month(back), 1, 0, 0, 0, 0, time.UTC))
		var found []Saga
		for after := ""; ; {
			page, err := e.o.Model.sagas.Find(ctx, e.o.Store, "ended", of, after, 500)
			if err != nil {
				return nil, err
			}
			for _, s := range page {
				found, after = append(found, s.Doc), s.ID
			}
			if len(page) < 500 {
				break
			}
		}
		slices.SortStableFunc(found, func(a, b Saga) int { return cmp.Compare(b.Since, a.Since) })
		all = append(all, found...)
	}
	return all[:min(limit, len(all))], nil
}

// Status is how sagas are doing.
type Status struct {
	States  map[State]int64 // sagas in each state
	Failing string          // why sagas are held up, "" while they are not
	// Since New.
	Started, Steps, Undone, Parked, Notices uint64
	Retries                                 uint64 // attempts that failed and were followed by another
}

// Status tells how sagas are doing.
func (e *Engine) Status(ctx context.Context) (Status, error) {
	c := &e.counts
	s := Status{States: map[State]int64{}, Started: c.started.Load(), Steps: c.steps.Load(), Undone: c.undone.Load(), Parked: c.parked.Load(), Notices: c.notices.Load(), Retries: c.retries.Load()}
	if f := e.failing.Load(); f != nil {
		s.Failing = *f
	}
	found, err := e.o.Model.tally(ctx, e.o.Store)
	for k, n := range found {
		s.States[State(k)] = n
	}
	return s, err
}

func (m *Model) tally(ctx context.Context, q store.Querier) (map[string]int64, error) {
	return m.sagas.Tally(ctx, q, "state")
}
