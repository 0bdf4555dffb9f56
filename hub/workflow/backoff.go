package workflow

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"frostline/hub/event"
	"frostline/hub/record"
	"frostline/hub/store"
)

const (
	firstPause   = 250 * time.Millisecond
	longestPause = time.Minute
)

// pause gives how long to wait after so many failures: full jitter, so that
// sagas that failed together do not come back together.
func pause(failures int) time.Duration {
	most := min(firstPause<<min(failures, 16), longestPause)
	return time.Duration(rand.Int64N(int64(most) + 1))
}

// kinds of failures.
type failure int

const (
	transient failure = iota // another attempt may fare better
	refused                  // none would
	storeless                // the hub itself can keep nothing: wait, whatever it takes
)

func kindOf(err error) failure {
	switch {
	case errors.Is(err, errNotYet), errors.Is(err, record.ErrRefused), errors.Is(err, record.ErrInvalid), errors.Is(err, record.ErrNotFound), errors.Is(err, event.ErrReused):
		return refused
	case store.Unwell(err), errors.Is(err, store.ErrUnknown), errors.Is(err, store.ErrClosed), errors.Is(err, event.ErrNotDone):
		return storeless
	}
	return transient
}

// insist does something until it succeeds, it is refused, it has failed tries
// times for another reason than the store, or ctx ends. failed is told of each
// failure that another attempt may follow.
func insist(ctx context.Context, tries int, failed func(error), do func(context.Context) error) error {
	for n, counted := 0, 0; ; n++ {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		kind := kindOf(err)
		if kind == refused {
			return err
		}
		failed(err)
		if kind == transient {
			if counted++; tries > 0 && counted >= tries {
				return err
			}
		}
		timer := time.NewTimer(pause(n))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}
