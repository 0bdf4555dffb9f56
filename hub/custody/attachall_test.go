package custody_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"frostline/hub/custody"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders/orderstest"
)

// TestManyStatementsAtOnceAreEachMadeOnce: AttachAll states what Attach would,
// counts what is new, and refuses all where it would refuse one.
func TestManyStatementsAtOnceAreEachMadeOnce(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		var all []fact.Attached
		for i := range 300 {
			s := fact.Ref{Kind: fact.Sensor, ID: fmt.Sprintf("gw/s%d", i)}
			b.Catalog.Enter(fact.SensorRecord{ID: s.ID})
			all = append(all, fact.Attached{ID: fmt.Sprint("import-", i), Subject: s, In: &zone, At: b.Now() - day, Made: b.Now(), Via: "statement"})
		}
		b.Catalog.Enter(fact.ZoneRecord{ID: zone.ID, Site: "S", Name: "Zone"})
		state := func(all ...fact.Attached) (n int, err error) {
			_, err = b.Log.Command(ctx, actor, func(ctx context.Context, c event.Change) error {
				n, err = b.Custody.AttachAll(ctx, c, "import", all)
				return err
			})
			return n, err
		}
		first := all[7]
		if n, err := state(append(all, first)...); n != 300 || err != nil {
			t.Fatalf("%d were stated, %v, want 300", n, err)
		}
		last := b.Log.Last()
		if n, err := state(all...); n != 0 || err != nil || b.Log.Last() != last {
			t.Errorf("again: %d were stated, %v, and %d events appended", n, err, b.Log.Last()-last)
		}
		found, err := b.Custody.Stays(ctx, zone, b.Now()-1000, b.Now())
		if err != nil || len(found) != 300 {
			t.Errorf("%d sensors are in the zone, %v, want 300", len(found), err)
		}
		other, stranger, ahead, nowhere := first, first, first, first
		other.Note = "something else"
		stranger.ID, stranger.Subject.ID = "new-1", "gw/unheard"
		ahead.ID, ahead.At = "new-2", b.Now()+day
		nowhere.ID, nowhere.In = "new-3", &fact.Ref{Kind: fact.Zone, ID: "unheard"}
		good := first
		good.ID, good.At = "new-4", b.Now()-1000
		for name, c := range map[string]struct {
			bad  fact.Attached
			want error
		}{"reused": {other, custody.ErrReused}, "stranger": {stranger, custody.ErrInvalid}, "ahead": {ahead, custody.ErrInvalid}, "nowhere": {nowhere, custody.ErrInvalid}} {
			if n, err := state(good, c.bad); !errors.Is(err, c.want) || b.Log.Last() != last {
				t.Errorf("%s: %d were stated, %v, and %d events appended; want %v and none", name, n, err, b.Log.Last()-last, c.want)
			}
		}
		unsaid := good
		unsaid.Made = 0
		if n, err := state(unsaid); n != 1 || err != nil {
			t.Errorf("without Made: %d were stated, %v", n, err)
		}
	})
}
