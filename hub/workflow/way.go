package workflow

import (
	"slices"

	"frostline/hub/fact"
)

// Mark says how far a step is.
type Mark string

// Marks of steps.
const (
	MarkDone    Mark = "done"
	MarkNothing Mark = "nothing" // there was nothing to do
	MarkSkipped Mark = "skipped" // by a person
	MarkUndone  Mark = "undone"
	MarkNow     Mark = "now" // it is at it, waits at it, or is parked at it
	MarkAhead   Mark = "ahead"
)

// Stage is a step of a saga as people follow it.
type Stage struct {
	Step string
	Mark Mark
	If   string     // on which disposition it comes: Released, Rejected; "" for any, or once it is known
	At   int64      // when it ended, hub's clock, Unix ms; 0 before
	Note string     // what it came to, in words
	Refs []fact.Ref // what it made or changed
	Undo bool       // compensating now would undo it
}

// Way gives the steps of a saga in their order: those that have ended, the one
// that it is at, and those that come. Which those are follows from what is known
// by now; where quality has not decided it is both ways, each with its If. A saga
// that was compensated has no steps ahead.
func (e *Engine) Way(s Saga) (way []Stage) {
	r := &run{e: e, saga: s.SagaStarted, results: standing(s.Steps)}
	last := map[string]StepDone{}
	for _, d := range s.Steps {
		last[d.Step] = d
	}
	at, over := s.Step, s.State == Ended || s.compensating()
	for i := range e.steps {
		k := &e.steps[i]
		stage := Stage{Step: k.name}
		d, ended := last[k.name]
		if ended {
			stage.At, stage.Note, stage.Refs = d.At, d.Note, d.Refs
		}
		switch {
		case at == k.name:
			stage.Mark = MarkNow
		case ended && !d.Undo:
			stage.Mark = Mark(d.Outcome)
			stage.Undo = s.State != Ended && stage.Mark == MarkDone && k.undo != nil
		case ended && (over || s.Step != ""):
			stage.Mark = MarkUndone
		case over:
			continue
		default:
			comes, on := e.comes(r, k)
			if !comes {
				continue
			}
			stage = Stage{Step: k.name, Mark: MarkAhead, If: on}
			if at == "" {
				at, stage.Mark = k.name, MarkNow
			}
		}
		way = append(way, stage)
	}
	return way
}

// comes says whether a step will be done, and on which disposition where that is
// not known.
func (e *Engine) comes(r *run, k *step) (comes bool, on string) {
	if k.when == nil {
		return true, ""
	}
	if r.disposition() != "" || !decides(e, k) {
		return e.willDo(r, k), ""
	}
	for _, d := range []string{Released, Rejected} {
		would := *r
		would.results = append(r.results[:len(r.results):len(r.results)], fact.SagaStep{Step: "disposition", Outcome: done, Disposition: d})
		if e.willDo(&would, k) {
			return true, d
		}
	}
	return false, ""
}

// willDo asks a step, taking those before it that are done if they are come to
// as done.
func (e *Engine) willDo(r *run, k *step) bool {
	would := *r
	for i := range e.steps {
		b := &e.steps[i]
		if b == k {
			break
		}
		if would.last(b.name) == nil && !b.waits && (b.when == nil || b.when(&would)) {
			would.results = append(would.results[:len(would.results):len(would.results)], fact.SagaStep{Step: b.name, Outcome: done})
		}
	}
	return k.when(&would)
}

// decides says whether a step comes after the one that waits for quality.
func decides(e *Engine, k *step) bool {
	after := false
	for i := range e.steps {
		if &e.steps[i] == k {
			return after
		}
		after = after || e.steps[i].waits
	}
	return false
}

// compensating says that a person has decided to undo the saga.
func (s *Saga) compensating() bool {
	return slices.ContainsFunc(s.Taken, func(d DecisionMade) bool { return d.Decision == Compensate })
}

// standing are the results of steps that were not undone.
func standing(all []StepDone) (out []fact.SagaStep) {
	for _, d := range all {
		if !d.Undo {
			out = append(out, d.SagaStep)
			continue
		}
		for i := len(out) - 1; i >= 0; i-- {
			if out[i].Step == d.Step {
				out = append(out[:i:i], out[i+1:]...)
				break
			}
		}
	}
	return out
}
