package evidence

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Unsigned is blocks of a bundle that their gateway has not signed: the end of
// a segment. A gateway signs about once a minute, all that it has until then.
type Unsigned struct {
	Gateway     string
	Epoch       uint32
	First, Last uint64
}

// await waits until any of the blocks that may be signed soon are, and then for
// the others, at most so long. It reports whether any were.
func (x *Exporter) await(ctx context.Context, unsigned []Unsigned, most time.Duration) (any bool, err error) {
	wait, done := context.WithTimeout(ctx, most)
	defer done()
	left := slices.DeleteFunc(slices.Clone(unsigned), func(u Unsigned) bool { return !x.soon(u) })
	for look := time.NewTicker(200 * time.Millisecond); ; {
		for i := len(left) - 1; i >= 0; i-- {
			signed, err := x.isSigned(ctx, left[i])
			if err != nil {
				return any, fmt.Errorf("look for a seal of block %d of gateway %s: %w", left[i].Last, left[i].Gateway, err)
			}
			if signed {
				any, left = true, slices.Delete(left, i, i+1)
			}
		}
		if len(left) == 0 {
			look.Stop()
			return any, nil
		}
		select {
		case <-wait.Done():
			look.Stop()
			return any, ctx.Err() // nil where only the wait is over
		case <-look.C:
		}
	}
}

// soon reports whether a gateway may still sign blocks: it is connected, and
// they are of its present epoch.
func (x *Exporter) soon(u Unsigned) bool {
	if x.o.Online != nil && !x.o.Online(u.Gateway) {
		return false
	}
	newest := u.Epoch
	x.o.Intake.Chains(func(gateway string, epoch uint32, _ int64, _ uint64) {
		if gateway == u.Gateway {
			newest = max(newest, epoch)
		}
	})
	return newest == u.Epoch
}

// isSigned reports whether there is a seal that holds blocks, with all up to it
// committed.
func (x *Exporter) isSigned(ctx context.Context, u Unsigned) (found bool, err error) {
	err = x.o.Intake.Seals(ctx, u.Gateway, u.Epoch, u.Last-1, 1, func(number uint64, _ []byte) error {
		x.o.Intake.Extent(u.Gateway, u.Epoch, func(first, last uint64) {
			found = found || first <= u.Last && number <= last
		})
		return nil
	})
	return found, err
}
