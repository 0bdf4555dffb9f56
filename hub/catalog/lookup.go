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

// Present tells of many records which there are, retired or not. q is as in
// Lookup.
func (m *Model) Present(ctx context.Context, q store.Querier, refs []fact.Ref) (map[fact.Ref]bool, error) {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.String()
	}
	found, err := m.table.GetAll(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	present := make(map[fact.Ref]bool, len(found))
	for _, r := range refs {
		if _, ok := found[r.String()]; ok {
			present[r] = true
		}
	}
	return present, nil
}
