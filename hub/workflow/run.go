package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// What a person can decide about a saga that has paused.
const (
	Retry      = "retry"
	Skip       = "skip"
	Compensate = "compensate"
)

// Decisions that a person can take.
var Decisions = []string{Retry, Skip, Compensate}

// Outcomes of a step.
const (
	done    = "done"
	nothing = "nothing" // there was nothing to do
	skipped = "skipped"
)

const wakeTopic = "wake"

// step is one of a saga. do and undo are done at least once, with effects that
// have ids derived from the saga, so that they take place once; they write into
// the result what later steps need.
type step struct {
	name string
	// group: when a step of it is refused, those of it that were done are undone
	// in reverse before a person is asked.
	group string
	when  func(*run) bool // nil: always; looks at nothing but the results so far
	waits bool            // for people, without a limit
	do    func(context.Context, *run, *fact.SagaStep) error
	undo  func(context.Context, *run, *fact.SagaStep) error // nil: there is nothing to undo
}

// outcome is what the engine remembers of a step.
type outcome struct {
	Result *fact.SagaStep `json:"result,omitempty"`
	Error  string         `json:"error,omitempty"`
	// Refused: no other attempt would fare better by itself.
	Refused bool `json:"refused,omitempty"`
}

// run is a saga being run. What is in it follows from what the engine remembers
// and from nothing else: it comes out the same when it is run again.
type run struct {
	e       *Engine
	ctx     dbos.Context
	saga    fact.SagaStarted
	round   int // of the group that is replaced
	tries   map[string]int
	results []fact.SagaStep // done, nothing or skipped, and not undone
	asked   bool            // a person has decided to go on with the step
}

// excursion is the saga of an excursion. It is deterministic: all that it finds
// out, it finds out in steps.
func (e *Engine) excursion(ctx dbos.Context, s fact.SagaStarted) (string, error) {
	r := &run{e: e, ctx: ctx, saga: s, round: 1, tries: map[string]int{}}
	for i := 0; i < len(e.steps); {
		k := &e.steps[i]
		if k.when != nil && !k.when(r) {
			i++
			continue
		}
		out, decision, err := r.attempt(k)
		switch {
		case err != nil:
			return "", err
		case decision == Compensate:
			return r.compensate()
		case out.Result != nil:
			r.results = append(r.results, *out.Result)
			r.asked = false
			i++
			continue
		}
		if out.Refused && k.group != "" {
			if err := r.takeBack(k.group); err != nil {
				return "", err
			}
		}
		if decision, err = r.park(k, out.Error, false); err != nil {
			return "", err
		}
		switch decision {
		case Retry:
			r.asked = true
			if out.Refused && k.group != "" {
				r.round++
				i = r.first(k.group)
			}
		case Skip:
			if err := r.skip(k); err != nil {
				return "", err
			}
			i++
		case Compensate:
			return r.compensate()
		}
	}
	return r.end(r.outcome())
}

func (r *run) first(group string) int {
	for i, k := range r.e.steps {
		if k.group == group {
			return i
		}
	}
	return 0
}

// roundOf is the round in which a step is done.
func (r *run) roundOf(k *step) int {
	if k.group == "" {
		return 1
	}
	return r.round
}

// last gives what a step came to, nil where it was not done or undone again.
func (r *run) last(name string) *fact.SagaStep {
	for i := len(r.results) - 1; i >= 0; i-- {
		if r.results[i].Step == name {
			return &r.results[i]
		}
	}
	return nil
}

func (r *run) did(name string) bool { s := r.last(name); return s != nil && s.Outcome == done }

// attempt does a step, or waits at it. decision is what a person decided
// meanwhile.
func (r *run) attempt(k *step) (outcome, string, error) {
	if k.waits {
		return r.wait(k)
	}
	out, err := r.perform(k, false)
	return out, "", err
}

// perform does or undoes a step and writes down that it was done.
func (r *run) perform(k *step, undo bool) (outcome, error) {
	name := k.name
	if undo {
		name = "undo " + name
	}
	return dbos.RunAsStep(r.ctx, func(ctx context.Context) (outcome, error) { return r.e.once(ctx, r, k, undo) }, dbos.WithStepName(name))
}

// once is a step's work. Its error is only ctx's: the engine then does it again.
func (e *Engine) once(ctx context.Context, r *run, k *step, undo bool) (out outcome, err error) {
	select {
	case e.turns <- struct{}{}:
		defer func() { <-e.turns }()
	case <-ctx.Done():
		return out, ctx.Err()
	}
	var known *fact.SagaStep
	err = insist(ctx, 0, e.failed(r, k.name), func(ctx context.Context) error {
		s, _, err := e.o.Model.sagas.Get(ctx, e.o.Store, r.saga.ID)
		known = s.ended(k.name, r.roundOf(k), undo)
		return err
	})
	if err != nil || known != nil {
		return outcome{Result: known}, err
	}
	do := k.do
	if undo {
		do = k.undo
	}
	result := &fact.SagaStep{}
	err = insist(ctx, e.o.Config.Tries, e.failed(r, k.name), func(ctx context.Context) error {
		*result = fact.SagaStep{ID: r.saga.ID, Step: k.name, Round: r.roundOf(k), Undo: undo, Outcome: done}
		return guard(func() error { return do(ctx, r, result) })
	})
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	if errors.Is(err, errNotYet) {
		return out, nil
	}
	if err != nil {
		return outcome{Error: cut(err.Error()), Refused: kindOf(err) == refused}, nil
	}
	return outcome{Result: result}, r.ended(ctx, result, "")
}

// ended writes down that a step has ended.
func (r *run) ended(ctx context.Context, result *fact.SagaStep, reason string) error {
	err := r.append(ctx, reason, event.New{ID: derive(r.saga.ID, "step", result.Step, result.Round, result.Undo), Type: fact.SagaStepEnded, Data: result})
	if err == nil {
		r.e.counts.steps.Add(1)
		if result.Undo {
			r.e.counts.undone.Add(1)
		}
	}
	return err
}

// append appends events, whatever it takes.
func (r *run) append(ctx context.Context, reason string, all ...event.New) error {
	return insist(ctx, 0, r.e.failed(r, "write down"), func(ctx context.Context) error {
		err := r.e.command(ctx, r.saga.ID, actor, reason, all...)
		if errors.Is(err, event.ErrReused) {
			return nil // it was said before, in words of that time
		}
		return err
	})
}

// skip writes down that a person had a step left out.
func (r *run) skip(k *step) error {
	result, err := dbos.RunAsStep(r.ctx, func(ctx context.Context) (*fact.SagaStep, error) {
		s := &fact.SagaStep{ID: r.saga.ID, Step: k.name, Round: r.roundOf(k), Outcome: skipped}
		return s, r.ended(ctx, s, "")
	}, dbos.WithStepName("skip "+k.name))
	if err == nil && result != nil {
		r.results = append(r.results, *result)
	}
	return err
}

// takeBack undoes, in reverse, what was done of a group, or, of "", of all.
func (r *run) takeBack(group string) error {
	for i := len(r.results) - 1; i >= 0; i-- {
		res := r.results[i]
		k := r.e.named(res.Step)
		if k == nil || group != "" && k.group != group || res.Outcome != done {
			continue
		}
		if k.undo != nil {
			if err := r.undo(k); err != nil {
				return err
			}
		}
		r.results = append(r.results[:i:i], r.results[i+1:]...)
	}
	return nil
}

// undo undoes a step until it is undone or a person leaves it.
func (r *run) undo(k *step) error {
	for {
		out, err := r.perform(k, true)
		if err != nil || out.Result != nil {
			return err
		}
		decision, err := r.park(k, out.Error, true)
		if err != nil || decision == Skip {
			return err
		}
	}
}

// compensate undoes everything in reverse and ends the saga.
func (r *run) compensate() (string, error) {
	order := r.delivery().Order
	if err := r.takeBack(""); err != nil {
		return "", err
	}
	_, err := dbos.RunAsStep(r.ctx, func(ctx context.Context) (bool, error) {
		return true, r.append(ctx, "", r.given(Compensated, "qa", r.notice("qa", Compensated, order)), r.given(Compensated, "dispatch", r.notice("dispatch", Compensated, order)))
	}, dbos.WithStepName("tell compensated"))
	if err != nil {
		return "", err
	}
	return r.end(Compensated)
}

func (r *run) end(how string) (string, error) {
	return dbos.RunAsStep(r.ctx, func(ctx context.Context) (string, error) {
		return how, r.append(ctx, "", event.New{ID: derive(r.saga.ID, "end"), Type: fact.SagaEnded, Data: fact.SagaOver{ID: r.saga.ID, Outcome: how}})
	}, dbos.WithStepName("end"))
}

func (e *Engine) named(name string) *step {
	for i := range e.steps {
		if e.steps[i].name == name {
			return &e.steps[i]
		}
	}
	return nil
}

// failed counts an attempt that failed, and says so the first time.
func (e *Engine) failed(r *run, step string) func(error) {
	said := false
	return func(err error) {
		e.counts.retries.Add(1)
		if !said {
			said = true
			e.o.Log.Warn("a step of a saga failed", "saga", r.saga.ID, "step", step, "error", err)
		}
	}
}

// guard makes a panic an error: one saga must not end the hub.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = record.Refusedf("panic: %v", p)
		}
	}()
	return do()
}

// errNotYet is what a step says that waits for people.
var errNotYet = errors.New("not yet")

const mostWords = 1000 // bytes of an error that is kept

func cut(s string) string {
	s = strings.ToValidUTF8(s, "?")
	for len(s) > mostWords {
		s = strings.ToValidUTF8(s[:mostWords], "")
	}
	return s
}

// now is the hub's clock, Unix ms.
func (e *Engine) now() int64 { return e.o.Now().UnixMilli() }

func pauseName(k *step, round, try int, undo bool) string {
	name := fmt.Sprintf("%s.%d.%d", k.name, round, try)
	if undo {
		name += ".undo"
	}
	return name
}

// aDay is how long a parked saga sleeps before it looks by itself.
const aDay = 24 * time.Hour
