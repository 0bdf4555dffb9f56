package excursion

import (
	"fmt"
	"slices"
	"strings"
)

// State of a case.
type State string

const (
	Opened        State = "opened"              // nobody has acknowledged it
	Acknowledged  State = "acknowledged"        // somebody knows
	Investigating State = "under_investigation" // and looks into it
	Proposed      State = "proposed"            // a disposition of each unit awaits signature
	Signed        State = "signed"              // and, signed once, approval
	Approved      State = "approved"            // signed by two persons
	Closed        State = "closed"
	Reopened      State = "reopened"  // data changed what people had acknowledged or signed; acknowledge anew
	Retracted     State = "retracted" // data say it never was; acknowledge to close
)

// States lists all states.
var States = []State{Opened, Acknowledged, Investigating, Proposed, Signed, Approved, Closed, Reopened, Retracted}

// Step is what a person does to a case.
type Step string

const (
	Acknowledge Step = "acknowledge"
	Investigate Step = "investigate" // also from later states: takes the case back, and says why
	Assess      Step = "assess"      // says which span was looked at; changes no state
	Propose     Step = "propose"
	Sign        Step = "sign"
	Approve     Step = "approve"
	Close       Step = "close"
	Comment     Step = "comment" // changes no state
)

// Steps lists all steps.
var Steps = []Step{Acknowledge, Investigate, Assess, Propose, Sign, Approve, Close, Comment}

// transitions is the whole order of steps: what is not here is refused.
var transitions = map[State]map[Step]State{
	Opened:        {Acknowledge: Acknowledged},
	Reopened:      {Acknowledge: Acknowledged},
	Retracted:     {Acknowledge: Closed},
	Acknowledged:  {Investigate: Investigating},
	Investigating: {Assess: Investigating, Propose: Proposed},
	Proposed:      {Assess: Proposed, Propose: Proposed, Sign: Signed, Investigate: Investigating},
	Signed:        {Approve: Approved, Investigate: Investigating},
	Approved:      {Close: Closed, Investigate: Investigating},
	Closed:        {Investigate: Investigating},
}

// Next gives the state after a step. It fails with a *StepError where the step
// is not allowed.
func Next(s State, step Step) (State, error) {
	if step == Comment {
		return s, nil
	}
	if to, ok := transitions[s][step]; ok {
		return to, nil
	}
	return s, &StepError{State: s, Step: step, Allowed: Allowed(s)}
}

// Allowed lists the steps allowed in a state, in the order of Steps.
func Allowed(s State) []Step {
	var all []Step
	for _, step := range Steps {
		if _, ok := transitions[s][step]; ok || step == Comment {
			all = append(all, step)
		}
	}
	return all
}

// awaits reports whether somebody has yet to acknowledge: the deadline runs.
func (s State) awaits() bool { return s == Opened || s == Reopened }

// decided reports whether signatures have been made.
func (s State) decided() bool { return slices.Contains([]State{Signed, Approved, Closed}, s) }

// StepError says that a step is out of order.
type StepError struct {
	State   State
	Step    Step
	Allowed []Step
}

func (e *StepError) Error() string {
	words := make([]string, len(e.Allowed))
	for i, s := range e.Allowed {
		words[i] = string(s)
	}
	return fmt.Sprintf("excursion is %s: cannot %s it, allowed are %s", e.State, e.Step, strings.Join(words, ", "))
}
