// Package eventtest checks read models.
package eventtest

import (
	"context"
	"testing"

	"frostline/hub/event"
	"frostline/hub/store/storetest"
)

// Deterministic checks what event.Schema asks of a fold: that folding events
// one by one, each in a command of its own, and folding them all at once come
// to the same documents and keys. It uses a SQLite store of its own. fresh
// gives the models anew, without anything they remember.
func Deterministic(t testing.TB, fresh func() []event.Model, events []event.New) {
	t.Helper()
	ctx := context.Background()
	l, err := event.Open(ctx, event.Options{Store: storetest.Open(t, storetest.SQLite(t)), Models: fresh(), Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range events {
		n.Expect = -1
		_, err := l.Command(ctx, "system/test", func(ctx context.Context, c event.Change) error {
			_, err := c.Append(ctx, n)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	results, err := l.RebuildVerified(ctx, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.Same() {
			t.Errorf("read model %s says %s when events are folded one by one and %s when all at once: does its fold change a document without Put, or keep what its JSON does not?", r.Model, r.Before, r.After)
		}
	}
}
