package main

import (
	"context"
	"maps"
	"testing"
	"time"

	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
)

const sagaID = "excursion-" + sagaCase

// TestSagas tells each story without an interruption.
func TestSagas(t *testing.T) {
	for name, story := range sagaStories {
		t.Run(name, func(t *testing.T) {
			storetest.URLs(t, func(t *testing.T, url string) {
				w := openSagaWorld(t, url, t.TempDir(), workflow.Config{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				stop := w.run()
				var s workflow.Saga
				for _, p := range story.phases {
					p.do(w)
					s = w.until(ctx, sagaID, p.until)
				}
				stop()
				if s.Outcome != story.outcome {
					t.Errorf("outcome %q, want %q", s.Outcome, story.outcome)
				}
				if got := w.made(); !maps.Equal(got, story.made) {
					t.Errorf("got\n%v\nwant\n%v", got, story.made)
				}
				story.after(t, ctx, w)
			})
		})
	}
}

// after looks at what the contexts say.
func (story sagaStory) after(t *testing.T, ctx context.Context, w *sagaWorld) {
	jobs, err := w.dispatch.Jobs(ctx, "", true, "", 10)
	w.must(err)
	if want := story.outcome == workflow.Replaced; want != (len(jobs) == 1) {
		t.Errorf("%d jobs wait for a route: %+v", len(jobs), jobs)
	} else if want && (jobs[0].Replaces != "J1" || !jobs[0].Identity) {
		t.Errorf("job %+v, want one like J1 that replaces it", jobs[0])
	}
	r, err := w.dispatch.Leg(ctx, "R1")
	w.must(err)
	held, err := w.m.Holds.Held(ctx, w.db, packageP1)
	w.must(err)
	// What is not released stays where it is.
	if want := story.outcome == workflow.Replaced || story.outcome == workflow.Settled; r.Visits()[0].Held != want || held != want {
		t.Errorf("stop held: %v, package in quarantine: %v, want %v", r.Visits()[0].Held, held, want)
	}
}
