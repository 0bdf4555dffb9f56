package risk

import (
	"context"
	"slices"
)

// Loads gives the packages that are in a shipment, each with the outlook that
// the list has of it, in order of id. They are not to be changed.
func (b *Board) Loads(ctx context.Context, shipment string) ([]Load, error) {
	b.work.Lock()
	defer b.work.Unlock()
	ids, ok := b.packages[shipment]
	if !ok {
		var err error
		if ids, err = b.o.Packages(ctx, shipment); err != nil {
			return nil, err
		}
	}
	ids = slices.Sorted(slices.Values(ids))
	now := b.o.Now().UnixMilli()
	loads := b.o.Loads.Briefs(ids)
	for i := range loads {
		b.foresee(&loads[i], now)
	}
	return loads, nil
}
