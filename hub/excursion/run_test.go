package excursion

import (
	"context"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// TestRunFollowsTheLogAndItsOwnDeadlines: as a consumer and by its timer alone,
// over a restart; read models made anew say the same.
func TestRunFollowsTheLogAndItsOwnDeadlines(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.cases.policy = soon{}
		run := func() (stop func()) {
			ctx, cancel := context.WithCancel(w.ctx)
			done := make(chan error, 1)
			go func() { done <- w.cases.Run(ctx) }()
			return func() {
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		}
		until := func(what string, ok func([]View) bool) {
			t.Helper()
			for end := time.Now().Add(30 * time.Second); !ok(w.all("P1")); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("not within 30 s: %s: %+v", what, w.all("P1"))
				}
			}
		}
		stop := run()
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		until("opened", func(v []View) bool { return len(v) == 1 })
		stop()
		w.verdict("P1", 2, "late reading", hot(100, 130, 9900, thermal.Alarm))
		w.pass(time.Hour)
		stop = run()
		until("revised and escalated", func(v []View) bool { return v[0].Facts.To == t0+130*minute && v[0].Level == 2 })
		stop()

		models := w.log.Models()
		before := map[string]string{}
		for _, m := range models {
			sum, err := w.log.Digest(w.ctx, m)
			if err != nil {
				t.Fatal(err)
			}
			before[m] = sum
		}
		if err := w.log.Rebuild(w.ctx, models, nil); err != nil {
			t.Fatal(err)
		}
		for _, m := range models {
			if sum, err := w.log.Digest(w.ctx, m); err != nil || sum != before[m] {
				t.Errorf("read model %s made anew is another: %v", m, err)
			}
		}
		// A verdict that cannot be read is parked, where it is seen.
		if err := w.cases.Handle(w.ctx, []event.Event{{Type: "correlate.verdict_revised", Data: []byte(`{"package":1}`)}}); err == nil || w.cases.Counts().Unread != 1 {
			t.Errorf("a verdict that cannot be read: %v, %+v", err, w.cases.Counts())
		}
	})
}

// soon is a policy of one level after another.
type soon struct{}

func (soon) Levels(string, string) []time.Duration {
	return []time.Duration{time.Minute, 24 * time.Hour}
}
func (soon) Repeats() int { return 0 }
