package excursion

import (
	"errors"
	"slices"
	"testing"
)

// TestEveryStateAndStep holds each pair of state and step against a table that
// is written out here, not taken from the code.
func TestEveryStateAndStep(t *testing.T) {
	want := map[State]map[Step]State{
		"opened":              {"acknowledge": "acknowledged"},
		"reopened":            {"acknowledge": "acknowledged"},
		"retracted":           {"acknowledge": "closed"},
		"acknowledged":        {"investigate": "under_investigation"},
		"under_investigation": {"assess": "under_investigation", "propose": "proposed"},
		"proposed":            {"assess": "proposed", "propose": "proposed", "sign": "signed", "investigate": "under_investigation"},
		"signed":              {"approve": "approved", "investigate": "under_investigation"},
		"approved":            {"close": "closed", "investigate": "under_investigation"},
		"closed":              {"investigate": "under_investigation"},
	}
	if len(States) != len(want) {
		t.Fatalf("%d states, want %d", len(States), len(want))
	}
	for _, s := range States {
		for _, step := range Steps {
			to, err := Next(s, step)
			expect, ok := want[s][step]
			if step == Comment {
				expect, ok = s, true
			}
			if ok != (err == nil) || ok && to != expect {
				t.Errorf("%s %s: got %s, %v; want %s, allowed %v", step, s, to, err, expect, ok)
			}
			if ok != slices.Contains(Allowed(s), step) {
				t.Errorf("%s: allowed %v, want %s among them: %v", s, Allowed(s), step, ok)
			}
			var e *StepError
			if !ok && (!errors.As(err, &e) || e.State != s || !slices.Equal(e.Allowed, Allowed(s)) || to != s) {
				t.Errorf("%s %s: error %v does not name state and allowed steps", step, s, err)
			}
		}
	}
}

// TestNoReleaseBeforeReview: whichever way is taken, a case that data have not
// retracted is closed only with two signatures after a proposal after an
// investigation after an acknowledgement.
func TestNoReleaseBeforeReview(t *testing.T) {
	var walk func(s State, done []Step)
	walk = func(s State, done []Step) {
		if s == Closed {
			need := []Step{Acknowledge, Investigate, Propose, Sign, Approve, Close}
			for _, d := range done {
				if len(need) > 0 && d == need[0] {
					need = need[1:]
				}
			}
			if len(need) > 0 {
				t.Fatalf("closed by %v without %v", done, need)
			}
			return
		}
		if len(done) == 9 {
			return
		}
		for step, to := range transitions[s] {
			walk(to, append(slices.Clone(done), step))
		}
	}
	walk(Opened, nil)
	walk(Reopened, nil)
}
