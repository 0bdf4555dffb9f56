package catalog

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Get gives a record as it is now, retired or not, or an ErrNotFound.
func (c *Catalog) Get(ctx context.Context, ref fact.Ref) (Entry, error) {
	if err := ref.Check(); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return c.entry(ctx, ref.String(), ref.String())
}

func (c *Catalog) entry(ctx context.Context, id, name string) (Entry, error) {
	e, found, err := c.table.Get(ctx, c.o.Store, id)
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", name, err)
	}
	return e, nil
}

// Filter says which records of a kind List gives.
type Filter struct {
	Retired bool // those that are retired too
	// Field and Value choose those that refer to a record, such as {"site",
	// "depot-1"} for zones; see Parents. Without Field all are given.
	Field, Value string
}

// List gives up to limit records of a kind whose ids come after one, in the
// order of ids.
func (c *Catalog) List(ctx context.Context, k fact.Kind, f Filter, after string, limit int) ([]Entry, error) {
	key, value := keyLive, string(k)
	if f.Retired {
		key = keyKind
	}
	if f.Field != "" {
		if _, ok := Parents(k)[f.Field]; !ok {
			return nil, fmt.Errorf("list %s by %q: %w: they do not refer to one", k.Plural(), f.Field, ErrNotFound)
		}
		key, value = string(k)+"."+f.Field, f.Value
		if !f.Retired {
			key += ".live"
		}
	}
	if after != "" {
		after = fact.Ref{Kind: k, ID: after}.String()
	}
	return entries(c.table.Find(ctx, c.o.Store, key, value, after, limit))
}

func entries(found []event.Entry[Entry], err error) ([]Entry, error) {
	if err != nil {
		return nil, err
	}
	all := make([]Entry, len(found))
	for i, e := range found {
		all[i] = e.Doc
	}
	return all, nil
}

// ByGTIN gives the product in use that has a GTIN of 8 to 14 digits.
func (c *Catalog) ByGTIN(ctx context.Context, gtin string) (Entry, error) {
	found, err := entries(c.table.Find(ctx, c.o.Store, string(fact.Product)+".gtin", gtin14(gtin), "", 1))
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Entry{}, fmt.Errorf("product with gtin %q: %w", gtin, err)
	}
	return found[0], nil
}

// Version gives one version of a profile.
func (c *Catalog) Version(ctx context.Context, profile string, version int) (Entry, error) {
	return c.entry(ctx, versionID(profile, version), fmt.Sprintf("version %d of profile %s", version, profile))
}

// Versions gives up to limit versions of a profile after one, in order.
func (c *Catalog) Versions(ctx context.Context, profile string, after, limit int) ([]Entry, error) {
	return entries(c.table.Find(ctx, c.o.Store, keyVersion, profile, versionID(profile, after), limit))
}

// ProfileAt gives the version of a profile that was in force at an instant, as
// fact.ProfileRecord says.
func (c *Catalog) ProfileAt(ctx context.Context, profile string, at int64) (fact.ProfileRecord, error) {
	var best fact.ProfileRecord
	for after := 0; ; {
		page, err := c.Versions(ctx, profile, after, 100)
		if err != nil {
			return best, err
		}
		for _, e := range page {
			record, err := e.Record()
			if err != nil {
				return best, err
			}
			p := record.(fact.ProfileRecord)
			if after++; p.From > at && best.Profile.Version > 0 {
				return best, nil
			}
			best = p
		}
		if len(page) < 100 {
			break
		}
	}
	if best.Profile.Version == 0 {
		return best, fmt.Errorf("profile %s: %w", profile, ErrNotFound)
	}
	return best, nil
}
