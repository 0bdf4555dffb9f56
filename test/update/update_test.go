package update

import (
	"strings"
	"testing"
)

// A release is signed, published and asked for; a gateway runs it and confirms.
// One that crashes is undone, and stops the rollout.
func TestReleaseRunsOrIsUndone(t *testing.T) {
	f := newFleet(t, 1)
	v := f.vans[0]
	v.runs("v1.0.0")
	f.publish("v1.1.0", agent)
	f.frostline("rollout", "start", "v1.1.0", "--wave", "100%", "--soak", "0s")
	r := f.rollout("done")
	if g := f.gateway(r.ID, v.id); g.Phase != "confirmed" {
		t.Errorf("the gateway is %+v", g)
	}
	v.runs("v1.1.0")
	if v.starts != 1 {
		t.Errorf("it was started %d times: another release takes the place of the process", v.starts)
	}

	f.publish("v1.2.0", crash)
	f.frostline("rollout", "start", "v1.2.0", "--wave", "100%")
	r = f.rollout("stopped")
	if g := f.gateway(r.ID, v.id); g.Phase != "failed" || !strings.Contains(g.Reason, "undone: it ended out of order 3 times") {
		t.Errorf("the gateway is %+v", g)
	}
	v.runs("v1.1.0")
	f.frostline("rollout", "abort")
	f.settle()
}
