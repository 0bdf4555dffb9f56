package correlate

import (
	"context"
	"errors"
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/store/storetest"
)

// TestRestate: readings that come late and change no verdict in substance are
// in none that was told, until evidence is asked for; then they are, once.
func TestRestate(t *testing.T) {
	r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
	fleet(r, 1, 1)
	const id = "P00000"
	send := func(from int64) {
		b := readings(0, from, 10_000, 30)
		if from == 0 {
			anchored(b)
		}
		r.now = max(r.now, noon+from+300_000)
		r.commit(b)
	}
	for _, from := range []int64{0, 300_000, 900_000} {
		send(from)
	}
	r.settle()
	send(600_000)
	r.settle()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.engine.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	last := func() *fact.VerdictRevised {
		t.Helper()
		all, err := r.engine.Revisions(ctx, id)
		if err != nil || len(all) == 0 {
			t.Fatalf("%d verdicts, %v", len(all), err)
		}
		return &all[len(all)-1].Data
	}
	exact := func() string {
		t.Helper()
		judged, err := r.engine.Verdicts(ctx, id)
		if err != nil || len(judged) != 1 {
			t.Fatalf("%+v, %v", judged, err)
		}
		return judged[0].Digest
	}
	if err := r.engine.Settled(ctx, r.journal.Last()); err != nil {
		t.Fatal(err)
	}
	if last().Digest == exact() {
		t.Fatal("the verdict was exact before it was asked for: this test shows nothing")
	}
	for range 3 {
		if err := r.engine.Restate(ctx, []string{id, "nobody's"}); err != nil {
			t.Fatal(err)
		}
		if v := last(); v.Digest != exact() || v.Revision != 2 || v.Cause.Kind != "evidence" {
			t.Fatalf("revision %d for %+v, exact: %v", v.Revision, v.Cause, v.Digest == exact())
		}
	}
}

// TestRestateWaits: nothing is said to be stated while the engine does not work.
func TestRestateWaits(t *testing.T) {
	r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
	fleet(r, 1, 1)
	r.commit(anchored(readings(0, 0, 10_000, 30)))
	r.settle()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.engine.Restate(ctx, []string{"P00000"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}
