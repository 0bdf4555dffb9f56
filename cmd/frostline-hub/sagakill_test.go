package main

import (
	"context"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
)

var sagaSeed = flag.Uint64("saga.seed", 0, "of the kills; 0: by the clock")

// TestSagaChild is a hub that is killed: within the first command of a saga that
// does something new, or after it. It ends by itself once the phase is over.
func TestSagaChild(t *testing.T) {
	plan := strings.SplitN(os.Getenv("SAGA_CHILD"), "|", 5)
	if len(plan) != 5 {
		t.Skip("is run by TestKillsAtEachStep")
	}
	phase, err := strconv.Atoi(plan[1])
	if err != nil {
		t.Fatal(err)
	}
	w := openSagaWorld(t, plan[4], plan[3], workflow.Config{})
	w.log.cut = func(actor string, after bool) {
		if actor != "system/workflow" || after != (plan[2] == "after") {
			return
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			panic(err)
		}
		select {} // it comes
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	defer w.run()()
	w.until(ctx, sagaID, sagaStories[plan[0]].phases[phase].until)
}

// killed reports whether a child was killed; one that ended by itself is done.
func killed(t *testing.T, plan ...string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSagaChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), "SAGA_CHILD="+strings.Join(plan, "|"))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
		t.Fatalf("child %v: %v\n%s", plan, err, out)
	}
	return true
}

// TestKillsAtEachStep kills the hub within and after each command of each saga.
// Each effect takes place once, and none is left out.
func TestKillsAtEachStep(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a process for each step")
	}
	seed := *sagaSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-saga.seed=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	for name, story := range sagaStories {
		t.Run(name, func(t *testing.T) {
			storetest.URLs(t, func(t *testing.T, url string) { story.kill(t, name, url, dice) })
		})
	}
}

func (story sagaStory) kill(t *testing.T, name, url string, dice *rand.Rand) {
	dir, kills := t.TempDir(), 0
	each := func(do func(*sagaWorld)) { // with a hub that does not run sagas
		t.Run("", func(t *testing.T) { do(openSagaWorld(t, url, dir, workflow.Config{})) })
	}
	for i, p := range story.phases {
		each(p.do)
		// One kill is within the first command that does something new, the next
		// after it, so that all are met. Which goes first follows from the seed.
		for n := dice.IntN(2); killed(t, name, strconv.Itoa(i), []string{"within", "after"}[n%2], dir, url); n++ {
			if kills++; kills > 200 {
				t.Fatal("killed 200 times, and it does not go on")
			}
		}
	}
	if kills < 20 {
		t.Errorf("killed %d times, want each command to be met", kills)
	}
	each(func(w *sagaWorld) {
		if got := w.made(); !maps.Equal(got, story.made) {
			w.t.Errorf("after %d kills got\n%v\nwant\n%v", kills, got, story.made)
		}
		if s, err := w.sagas.Saga(w.t.Context(), sagaID); err != nil || s.Outcome != story.outcome {
			w.t.Errorf("outcome %q, %v, want %q", s.Outcome, err, story.outcome)
		}
	})
	t.Logf("killed %d times", kills)
}
