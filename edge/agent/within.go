package agent

import (
	"slices"

	"frostline/edge/guard"
	"frostline/edge/journal"
	"frostline/proto/reading"
)

// within says what is in range, for a journal that has to thin: what all
// storage profiles that are watched by a sensor now allow. Of other quantities,
// and of sensors that nothing is watched by, nothing says it.
func (a *agent) within(s journal.Series) (low, high int64, ok bool) {
	present := a.stage()
	if present == nil || s.Quantity != reading.Temperature {
		return 0, 0, false
	}
	watches := present.rules.Load().watches
	if now := a.watched.Load(); now != nil {
		watches = append(slices.Clone(watches), *now...) // also by profiles of packages aboard
	}
	return guard.Within(watches, s.Sensor)
}
