package workflow

import (
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// State of a saga.
type State string

// A saga runs by itself, waits for people who decide elsewhere, is parked until
// a person decides about it, or has ended.
const (
	Running State = "running"
	Waiting State = "waiting"
	Parked  State = "parked"
	Ended   State = "ended"
)

// States lists all states.
var States = []State{Running, Waiting, Parked, Ended}

// Saga is a saga as it is now.
type Saga struct {
	fact.SagaStarted
	State   State          `json:"state"`
	Outcome string         `json:"outcome,omitempty"` // once ended: see fact.SagaOver
	Steps   []StepDone     `json:"steps"`             // in the order in which they ended
	Step    string         `json:"step,omitempty"`    // that it waits or is parked at
	Pause   string         `json:"pause,omitempty"`   // names the wait; "" while it runs
	Since   int64          `json:"since"`             // in this state, hub's clock, Unix ms
	Error   string         `json:"error,omitempty"`   // that it is parked for
	Undoing bool           `json:"undoing,omitempty"` // what failed is undoing the step
	Choices []string       `json:"choices,omitempty"` // what a person can decide now
	Parks   int            `json:"parks"`             // how often it was parked
	Taken   []DecisionMade `json:"decisions,omitempty"`
	Notices int            `json:"notices"` // given
	record.Changed
}

// StepDone is a step that has ended.
type StepDone struct {
	fact.SagaStep
	At       int64 `json:"at"`       // hub's clock, Unix ms
	Position int64 `json:"position"` // of the event that says so
}

// DecisionMade is what a person decided.
type DecisionMade struct {
	fact.SagaDecided
	At     int64  `json:"at"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Made reports whether a step of the saga has made or changed a thing.
func (s *Saga) Made(thing fact.Ref) bool {
	return slices.ContainsFunc(s.Steps, func(d StepDone) bool { return slices.Contains(d.Refs, thing) })
}

// Stops are those of the delivery that the saga is about, as it found them last.
func (s *Saga) Stops() []fact.SagaStop {
	for _, d := range slices.Backward(s.Steps) {
		if d.Delivery != nil {
			return d.Delivery.Stops
		}
	}
	return nil
}

// Keeps says why nobody but the saga itself may let the stops of its delivery go;
// "" where others may.
func (s *Saga) Keeps() string {
	switch {
	case s.State != Ended:
		return "saga " + s.ID + " keeps it held until quality has decided; it is let go by itself then"
	case s.rejectedAt() > 0:
		return "quality has rejected what saga " + s.ID + " is about: plan the stop out of its route"
	}
	return ""
}

// ended gives what a step of a round came to, nil where it has not ended.
func (s *Saga) ended(step string, round int, undo bool) *fact.SagaStep {
	for i := range s.Steps {
		if d := &s.Steps[i].SagaStep; d.Step == step && d.Round == round && d.Undo == undo {
			return d
		}
	}
	return nil
}

// decided gives what was decided at a pause, "" where nothing was.
func (s *Saga) decided(pause string) string {
	for _, d := range s.Taken {
		if d.Pause == pause {
			return d.Decision
		}
	}
	return ""
}

// rejectedAt is the position at which the saga learnt that what it is about is
// not released, 0 where it has not.
func (s *Saga) rejectedAt() int64 {
	for _, d := range s.Steps {
		if d.Disposition == Rejected {
			return d.Position
		}
	}
	return 0
}

// Model is the read model behind an Engine.
type Model struct{ sagas *event.Table[Saga] }

// NewModel makes the read model, to be given to the event log first.
func NewModel() *Model {
	return &Model{event.NewTable("workflow.saga", event.Schema[Saga]{Version: 3, Fold: fold, Keys: keys})}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model { return []event.Model{m.sagas} }

func fold(e event.Event, rows *event.Rows[Saga]) error {
	v, err := record.Data(e, fact.SagaWasStarted, fact.SagaStepEnded, fact.SagaWaits, fact.SagaWasParked, fact.SagaWasDecided, fact.SagaEnded, fact.NoticeWasGiven)
	if err != nil || v == nil {
		return err
	}
	ref, err := fact.ParseRef(e.Stream)
	if err != nil {
		return err
	}
	return record.Change(rows, ref.ID, func(s *Saga) { s.apply(e, v); s.Note(e) })
}

func (s *Saga) apply(e event.Event, v any) {
	switch d := v.(type) {
	case *fact.SagaStarted:
		s.SagaStarted, s.Steps = *d, []StepDone{}
		s.moved(Running, e)
	case *fact.SagaStep:
		s.Steps = append(s.Steps, StepDone{*d, e.At, e.Position})
		if s.State != Running {
			s.moved(Running, e)
		}
	case *fact.SagaWaiting:
		s.moved(Waiting, e)
		s.Step, s.Pause, s.Choices = d.Step, d.Pause, []string{Compensate}
	case *fact.SagaParked:
		s.moved(Parked, e)
		s.Step, s.Pause, s.Choices, s.Error, s.Undoing = d.Step, d.Pause, d.Choices, d.Error, d.Undo
		s.Parks++
	case *fact.SagaDecided:
		s.Taken = append(s.Taken, DecisionMade{*d, e.At, e.Actor, e.Reason})
		s.moved(Running, e)
	case *fact.SagaOver:
		s.moved(Ended, e)
		s.Outcome = d.Outcome
	case *fact.Notice:
		s.Notices++
	}
}

// moved begins a state anew.
func (s *Saga) moved(to State, e event.Event) {
	s.State, s.Since = to, e.At
	s.Step, s.Pause, s.Choices, s.Error, s.Undoing = "", "", nil, "", false
}

// can reports whether a person may decide so now.
func (s *Saga) can(decision string) bool { return slices.Contains(s.Choices, decision) }

const open = "open"

func keys(_ string, s *Saga) []event.Key {
	all := []event.Key{{Name: "state", Value: string(s.State)}, {Name: "excursion", Value: s.Excursion}, {Name: "package", Value: s.Package}}
	for _, at := range s.Stops() {
		all = append(all, event.Key{Name: "stop", Value: at.Route + "/" + at.Stop})
	}
	if s.State != Ended {
		return append(all, event.Key{Name: open, Value: open})
	}
	return append(all, event.Key{Name: "ended", Value: month(time.UnixMilli(s.Since))})
}

// month is by which sagas are found that have ended: they are many in the end.
func month(t time.Time) string { return t.UTC().Format("2006-01") }
