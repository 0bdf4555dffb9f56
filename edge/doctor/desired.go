package doctor

import (
	"context"
	"time"
)

// desiredCheck tells which configuration runs, where the hub has a say in it.
func (b *bench) desiredCheck() []check {
	if b.running == nil || b.running.Config.Running == 0 && b.running.Config.Refused == 0 {
		return nil
	}
	c := b.running.Config
	return []check{one("configuration", time.Second, func(context.Context) Result {
		switch {
		case c.Refused != 0:
			return warn("Correct it at the hub, and set it again with frostline gateway config "+b.Gateway+".",
				"version %d of the hub's desired state runs (0 is this gateway's own file), and version %d was refused: %s", c.Running, c.Refused, c.Reason)
		case c.Trial:
			return ok("version %d of the hub's desired state runs, on trial until the hub acknowledges a block of it", c.Running)
		}
		return ok("version %d of the hub's desired state runs; frostline-edge config --show tells what that is", c.Running)
	})}
}
