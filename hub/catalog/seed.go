package catalog

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// System is the actor of what the catalog does by itself.
const System = "system/catalog"

// Seed enters the ready-made profiles that are not there yet, as version 1. It
// leaves those alone that are, whatever people have made of them, so it may run
// at every start. It gives how many it entered.
func (c *Catalog) Seed(ctx context.Context, profiles []thermal.Profile) (entered int, err error) {
	var missing []fact.ProfileRecord
	for _, p := range profiles {
		p.Version = 1
		_, found, err := c.table.Get(ctx, c.o.Store, fact.Ref{Kind: fact.Profile, ID: p.ID}.String())
		if err != nil {
			return 0, fmt.Errorf("seed profiles: %w", err)
		}
		if !found {
			missing = append(missing, fact.ProfileRecord{Profile: p})
		}
	}
	if len(missing) == 0 {
		return 0, nil
	}
	_, err = c.o.Log.Command(ctx, System, func(ctx context.Context, ch event.Change) error {
		entered = 0
		v := c.view(ch)
		for _, p := range missing {
			s, err := v.plan(ctx, p, Any)
			if err != nil {
				return fmt.Errorf("%s: %w", p.Ref(), err)
			}
			if s.before != nil {
				continue
			}
			if _, err := s.append(ctx, ch, "ready-made profile"); err != nil {
				return err
			}
			entered++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("seed profiles: %w", err)
	}
	c.o.Logger.Info("ready-made storage profiles entered", "profiles", entered)
	return entered, nil
}
