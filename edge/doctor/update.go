package doctor

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// updateCheck tells which release of the agent is to run, where the hub has
// chosen any.
func (b *bench) updateCheck() []check {
	if b.Updates == nil {
		return nil
	}
	s, err := b.Updates()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return []check{one("release", time.Second, func(context.Context) Result {
		runs := "the program of the package"
		if s.Slot != "" {
			runs = "release " + s.Version
		}
		switch {
		case err != nil:
			return fail("Look at the disk; the program of the package runs until the hub's choice can be read.", "%v", err)
		case s.Refused != "":
			return warn("See frostline rollout status at the hub.", "%s runs, as the one that the hub chose does not: %s", runs, s.Refused)
		case s.Trial != "":
			return ok("release %s is on trial until the hub acknowledges readings of it; else %s runs again", s.Trial, runs)
		case s.Wanted != "":
			return ok("%s runs, and release %s is to follow", runs, s.Wanted)
		}
		return ok("%s runs", runs)
	})}
}
