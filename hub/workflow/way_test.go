package workflow

import (
	"strings"
	"testing"

	"frostline/hub/fact"
)

// way puts what people follow in a line: step=mark, ?disposition, * for what
// compensating would undo.
func way(s Saga) string {
	e := &Engine{}
	e.steps = e.excursionSteps()
	var out []string
	for _, st := range e.Way(s) {
		text := st.Step + "=" + string(st.Mark)
		if st.If != "" {
			text += "?" + st.If
		}
		if st.Undo {
			text += "*"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func did(all ...fact.SagaStep) (out []StepDone) {
	for _, s := range all {
		if s.Outcome == "" {
			s.Outcome = done
		}
		out = append(out, StepDone{SagaStep: s})
	}
	return out
}

func TestWay(t *testing.T) {
	found := fact.SagaStep{Step: "find", Delivery: &fact.SagaDelivery{Shipment: "S", Order: "O", Job: "J", Stops: []fact.SagaStop{{Route: "R", Stop: "s"}}}}
	held := []fact.SagaStep{{Step: "quarantine"}, found, {Step: "stop"}, {Step: "tell"}}
	signed := func(d string) []fact.SagaStep {
		return append(held[:len(held):len(held)], fact.SagaStep{Step: "disposition", Disposition: d})
	}
	made := append(signed(Rejected), fact.SagaStep{Step: "order"}, fact.SagaStep{Step: "shipment"})
	back := append(made[:len(made):len(made)], fact.SagaStep{Step: "shipment", Undo: true}, fact.SagaStep{Step: "order", Undo: true})
	for name, c := range map[string]struct {
		saga Saga
		want string
	}{
		"it has just begun": {Saga{State: Running}, "quarantine=now find=ahead tell=ahead disposition=ahead lift=ahead?released tell outcome=ahead"},
		"it waits for quality": {Saga{State: Waiting, Step: "disposition", Steps: did(held...)},
			"quarantine=done* find=done stop=done* tell=done disposition=now lift=ahead?released resume=ahead?released order=ahead?rejected shipment=ahead?rejected job=ahead?rejected tell outcome=ahead"},
		"released": {Saga{State: Running, Steps: did(signed(Released)...)},
			"quarantine=done* find=done stop=done* tell=done disposition=done lift=now resume=ahead tell outcome=ahead"},
		"rejected": {Saga{State: Running, Steps: did(signed(Rejected)...)},
			"quarantine=done* find=done stop=done* tell=done disposition=done order=now shipment=ahead job=ahead tell outcome=ahead"},
		"a person is asked": {Saga{State: Parked, Step: "stop", Steps: did(held[:2]...)},
			"quarantine=done* find=done stop=now tell=ahead disposition=ahead lift=ahead?released resume=ahead?released order=ahead?rejected shipment=ahead?rejected job=ahead?rejected tell outcome=ahead"},
		"a replacement was taken back": {Saga{State: Parked, Step: "job", Steps: did(back...)},
			"quarantine=done* find=done stop=done* tell=done disposition=done order=undone shipment=undone job=now tell outcome=ahead"},
		"and is tried again": {Saga{State: Running, Steps: did(back...)},
			"quarantine=done* find=done stop=done* tell=done disposition=done order=now shipment=ahead job=ahead tell outcome=ahead"},
		"it is being undone": {Saga{State: Running, Steps: did(append(held[:4:4], fact.SagaStep{Step: "stop", Undo: true})...), Taken: []DecisionMade{{SagaDecided: fact.SagaDecided{Decision: Compensate}}}},
			"quarantine=done* find=done stop=undone tell=done"},
		"it is over": {Saga{State: Ended, Outcome: Released, Steps: did(append(signed(Released), fact.SagaStep{Step: "lift"}, fact.SagaStep{Step: "resume", Outcome: nothing}, fact.SagaStep{Step: "tell outcome"})...)},
			"quarantine=done find=done stop=done tell=done disposition=done lift=done resume=nothing tell outcome=done"},
	} {
		if got := way(c.saga); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}
