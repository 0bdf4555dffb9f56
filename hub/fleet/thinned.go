package fleet

import (
	"context"
	"fmt"

	"frostline/hub/intake/batch"
	"frostline/hub/view"
	"frostline/proto/truetime"
)

// Thinned calls visit with what remains of the readings that a gateway gave up
// because its journal was full, in the order in which it did.
func (f *Fleet) Thinned(ctx context.Context, gateway string, visit func(view.Thinned) error) error {
	type boot struct{ epoch, boot uint32 }
	times := map[boot]*truetime.Timeline{}
	err := f.intake.Told(ctx, "thinned", func(id string, epoch uint32, _ int64, e batch.Event) error {
		m := e.Event.GetThinned()
		if id != gateway || m == nil {
			return nil
		}
		if m.Epoch != 0 {
			epoch = m.Epoch
		}
		v := view.Thinned{Epoch: epoch, First: m.First, Last: m.Last, Count: m.Count, Min: m.Min, Mean: m.Mean, Max: m.Max, Reason: m.Reason}
		if s, ok := f.registry.Lookup(gateway, epoch, m.Series); ok {
			v.Sensor, v.Quantity = s.Sensor, s.Quantity
		}
		k := boot{epoch, m.Boot}
		t, ok := times[k]
		if !ok {
			var err error
			if t, err = f.history.Timeline(ctx, gateway, epoch, m.Boot); err != nil {
				return err
			}
			times[k] = t
		}
		if t.Dated() {
			from, _ := t.Resolve(m.FromMs)
			to, _ := t.Resolve(m.ToMs)
			v.From, v.To = from.UTC, to.UTC
		}
		return visit(v)
	})
	if err != nil {
		return fmt.Errorf("thinned readings of gateway %s: %w", gateway, err)
	}
	return nil
}
