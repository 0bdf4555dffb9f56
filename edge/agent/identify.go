package agent

import (
	"context"
	"sync"
	"time"
)

// lamp is an indicator that also shows which gateway is meant.
type lamp struct {
	drive func(on bool) error

	mu     sync.Mutex
	wanted bool // by the guard
	lent   bool // to show which gateway is meant
}

// set is what the guard wants; it shows at once unless the lamp is lent.
func (l *lamp) set(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = on
	if l.lent {
		return nil
	}
	return l.drive(on)
}

// blink lends the lamp and switches it; back gives it back as the guard wants it.
func (l *lamp) blink(on, back bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lent = !back; back {
		on = l.wanted
	}
	return l.drive(on)
}

// blinkEvery is how long a lamp is on, and off: faster than any alarm.
const blinkEvery = 60 * time.Millisecond

// identify shows which gateway is meant for a while: on its page, and by its
// lamps unless they tell of an alarm. Asked again meanwhile it goes on for
// longer.
func (a *agent) identify(ctx context.Context, span time.Duration) {
	a.identified.Store(a.clock.Now() + span.Milliseconds())
	if len(a.lamps) == 0 || a.blinking.Swap(true) {
		return
	}
	go a.blink(ctx)
}

func (a *agent) blink(ctx context.Context) {
	defer a.blinking.Store(false)
	tick := time.NewTicker(blinkEvery)
	defer tick.Stop()
	told := false
	for on := true; ; on = !on {
		over := a.identifiedFor() == 0 || ctx.Err() != nil
		for _, l := range a.lamps {
			if err := l.blink(on, over || a.alarming()); err != nil && !told {
				told = true
				a.trouble("indicator", err)
			}
		}
		if over {
			return
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// alarming says whether somebody has to see to an alarm.
func (a *agent) alarming() bool { return a.guard != nil && len(a.guard.Alarms()) > 0 }

// identifiedFor is for how much longer the gateway shows itself, ms; 0 when it
// does not.
func (a *agent) identifiedFor() int64 { return max(a.identified.Load()-a.clock.Now(), 0) }
