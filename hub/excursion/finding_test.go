package excursion

import (
	"testing"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// TestReasonsDoNotPartWhatNobodySaw: spans that are each short enough, and
// together are not, ask for a case.
func TestReasonsDoNotPartWhatNobodySaw(t *testing.T) {
	v := fact.VerdictRevised{Package: "P", Verdict: thermal.Verdict{To: 200, Constants: thermal.Constants{LongestGap: 30}, Gaps: []thermal.Unmonitored{
		{From: 0, To: 20, Reason: "no sensor"}, {From: 20, To: 40, Reason: "sensor silent"}, {From: 40, To: 45, Reason: "no sensor"},
		{From: 100, To: 130, Reason: "sensor silent"},
		{From: 190, To: 200, Reason: "bad readings"},
	}}}
	all := findings(v)
	if len(all) != 1 {
		t.Fatalf("got %+v, want one of the first 45 ms", all)
	}
	if f := all[0]; f.From != 0 || f.To != 45 || f.Alarm != 30 || f.Duration != 45 || f.Why != "no sensor; sensor silent" || f.Ended != thermal.Returned {
		t.Errorf("got %+v", f)
	}
}
