package subscription

import (
	"context"
	"fmt"
)

// Status is how subscriptions go.
type Status struct {
	Active  int // of all that are not given up
	Failing int // of these, whose receiver accepts nothing
	Failed  int // given up
}

// Status counts subscriptions.
func (d *Desk) Status(ctx context.Context) (s Status, err error) {
	err = d.store.QueryRow(ctx, `SELECT COALESCE(SUM(CASE WHEN state = 'active' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN state = 'active' AND failing_ms > 0 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) FROM epcis_subscription`).Scan(&s.Active, &s.Failing, &s.Failed)
	if err != nil {
		return s, fmt.Errorf("count subscriptions: %w", err)
	}
	return s, nil
}
