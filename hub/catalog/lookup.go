package catalog

import (
	"context"

	"frostline/hub/fact"
	"frostline/hub/store"
)

// Lookup gives a record as it is in q, which is the store or a command under
// way: whether there is one, and whether it is retired.
func (m *Model) Lookup(ctx context.Context, q store.Querier, r fact.Ref) (record fact.Record, retired, found bool, err error) {
	entry, found, err := m.table.Get(ctx, q, r.String())
	if err != nil || !found {
		return nil, false, false, err
	}
	record, err = entry.Record()
	return record, entry.Retired, err == nil, err
}
