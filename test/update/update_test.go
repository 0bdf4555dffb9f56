package update

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/edge/update"
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

// A release that has a connection, and goes on measuring and sending, but gets
// nothing acknowledged goes back, and what it has measured is not lost.
func TestReleaseWithoutAcknowledgementIsUndone(t *testing.T) {
	f := newFleet(t, 1)
	v := f.vans[0]
	v.runs("v1.0.0")
	f.publish("v1.2.0", deaf)
	f.frostline("rollout", "start", "v1.2.0", "--wave", "100%")
	v.sees("the release on trial", func(s update.Standing) bool { return s.Trial == "v1.2.0" })
	r := f.rollout("stopped")
	if g := f.gateway(r.ID, v.id); g.Phase != "failed" || !strings.Contains(g.Reason, "the hub acknowledged nothing within 5s of connection") {
		t.Errorf("the gateway is %+v", g)
	}
	v.runs("v1.0.0")
	f.settle()
}

// A release that hangs cannot go back by itself: the program that started it ends
// it.
func TestReleaseThatHangsIsEnded(t *testing.T) {
	f := newFleet(t, 1)
	v := f.vans[0]
	v.runs("v1.0.0")
	f.publish("v1.2.0", hang)
	f.frostline("rollout", "start", "v1.2.0", "--wave", "100%")
	r := f.rollout("stopped")
	if g := f.gateway(r.ID, v.id); g.Phase != "failed" || !strings.Contains(g.Reason, "neither proved itself nor went back") {
		t.Errorf("the gateway is %+v", g)
	}
	v.runs("v1.0.0")
	f.settle()
}

// Without the hub nothing is proven: the release before runs again, and the new
// one is tried once the hub is back.
func TestTrialWithoutAHubIsPutOff(t *testing.T) {
	f := newFleet(t, 1)
	v := f.vans[0]
	v.runs("v1.0.0")
	f.publish("v1.1.0", agent)
	f.frostline("rollout", "start", "v1.1.0", "--wave", "100%", "--soak", "0s")
	v.sees("a release on trial", func(s update.Standing) bool { return s.Trial == "v1.1.0" })
	f.hub.Kill()
	v.sees("the trial to be put off", func(s update.Standing) bool { return s.Trial == "" && s.Slot == "" && s.Refused == "" })
	f.startHub()
	f.rollout("done")
	v.runs("v1.1.0")
	f.settle()
}

// Waves go on when they have confirmed, and stop when one of them fails; the
// others do not change.
func TestWavesStopOnFailures(t *testing.T) {
	f := newFleet(t, 3)
	for _, v := range f.vans {
		v.runs("v1.0.0")
	}
	f.publish("v1.2.0", crash)
	f.frostline("rollout", "start", "v1.2.0", "--wave", "van-2", "--wave", "100%", "--soak", "0s")
	r := f.rollout("stopped")
	if r.Wave != 1 || r.Waves[0].Failed != 1 || r.Waves[1].Waiting != 2 {
		t.Errorf("the rollout is %+v", r)
	}
	out := f.frostline("rollout", "status")
	if !strings.Contains(out, "is stopped in wave 1 of 2: 1 gateways failed") {
		t.Errorf("frostline rollout status says\n%s", out)
	}
	f.frostline("rollout", "abort", "--reason", "it crashes")
	f.publish("v1.1.0", agent)
	f.frostline("rollout", "start", "v1.1.0", "--wave", "1", "--wave", "100%", "--soak", "0s")
	f.rollout("done")
	for _, v := range f.vans {
		v.runs("v1.1.0")
	}
	for _, v := range []*van{f.vans[0], f.vans[2]} {
		if v.starts != 1 {
			t.Errorf("%s was started %d times", v.id, v.starts)
		}
	}
	f.settle()
}

// Killed at each step of an update, a gateway comes up and gets there, and the
// account of its readings adds up.
func TestKilledAtEachStep(t *testing.T) {
	f := newFleet(t, 1)
	v := f.vans[0]
	v.runs("v1.0.0")
	part := func(least int64) func() bool {
		return func() bool {
			found, err := filepath.Glob(filepath.Join(v.data, "update", "part-*"))
			if err != nil || len(found) == 0 {
				return false
			}
			info, err := os.Stat(found[0])
			return err == nil && info.Size() >= least
		}
	}
	standing := func(ok func(update.Standing) bool) func() bool {
		return func() bool { s, err := update.Look(filepath.Join(v.data, "update")); return err == nil && ok(s) }
	}
	for i, step := range []struct {
		name string
		seen func() bool
	}{
		{"it is chosen", standing(func(s update.Standing) bool { return s.Wanted != "" })},
		{"a piece is here", part(1)},
		{"half of it is here", part(4 << 20)},
		{"it is being unpacked", standing(func(s update.Standing) bool { return s.Wanted != "" && s.Free })},
		{"it is on trial", standing(func(s update.Standing) bool { return s.Trial != "" })},
		{"it was started", standing(func(s update.Standing) bool { return s.Trial != "" && s.Starts > 0 })},
		{"it is confirmed", standing(func(s update.Standing) bool { return s.Trial == "" && s.Wanted == "" })},
	} {
		version := []string{"v1.1.0", "v1.3.0"}[i%2]
		former := []string{"v1.3.0", "v1.1.0"}[i%2]
		os.Remove(f.at(version + ".release"))
		f.publish(version, agent, "--replaces", former)
		f.frostline("rollout", "start", version, "--wave", "100%", "--soak", "0s")
		v.look(step.name, step.seen)
		v.cut()
		f.rollout("done")
		v.runs(version)
		t.Log("killed when", step.name)
	}
	f.settle()
}

// sees waits for what the van keeps of releases.
func (v *van) sees(what string, ok func(update.Standing) bool) {
	v.Helper()
	v.look(what, func() bool { s, err := update.Look(filepath.Join(v.data, "update")); return err == nil && ok(s) })
}

// look waits for something that may not last.
func (v *van) look(what string, ok func() bool) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			v.Fatalf("waited for %s: %v", what, ctx.Err())
		}
	}
}
