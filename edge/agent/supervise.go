package agent

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"frostline/edge/journal"
	"frostline/edge/panel"
)

// statusEvery is how often the service manager is told how the gateway is.
const statusEvery = 10 * time.Second

// progress is when readings last went all the way from a sensor's tick into the
// journal. It is measured without the time that the gateway slept, as the
// service manager's watchdog is.
type progress struct{ last atomic.Pointer[time.Time] }

// made notes what the journal said to readings. Readings that wait in memory
// for a full or broken disk are progress too: ending the agent would lose them.
func (p *progress) made(err error) {
	if err == nil || errors.Is(err, journal.ErrHeld) || errors.Is(err, journal.ErrDropped) {
		now := time.Now()
		p.last.Store(&now)
	}
}

// since is the time since the last progress, or since begin if there was none.
func (p *progress) since(begin time.Time) time.Duration {
	if t := p.last.Load(); t != nil {
		begin = *t
	}
	return time.Since(begin)
}

// patience is how long the agent may make no progress before its watchdog is
// let run out: half the watchdog's time beyond the next tick of the sensor that
// is read most often, as each tick gives readings, whether its sensor answers
// or not. Without sensors there is no progress to wait for, and 0.
func (a *agent) patience() time.Duration {
	var next time.Duration
	for _, s := range a.stage().sensors {
		if d := s.Interval + s.Timeout; next == 0 || d < next {
			next = d
		}
	}
	if next == 0 {
		return 0
	}
	return next + a.c.Manager.Watchdog/2
}

// supervise tells the service manager that sampling has begun, how the gateway
// is, and for its watchdog that readings are being kept. stopping ends when the
// agent is told to stop, ctx when it has.
func (a *agent) supervise(ctx, stopping context.Context) error {
	m := a.c.Manager
	if m.Socket == "" {
		return nil
	}
	select {
	case <-a.stage().sampler.Ready():
	case <-ctx.Done():
		return nil
	}
	begin := time.Now()
	a.toldManager(m.Ready(ctx, a.sentence(ctx)))
	wait := statusEvery
	if m.Watchdog > 0 {
		wait = min(wait, m.Watchdog/2)
	}
	tick := time.NewTicker(wait)
	defer tick.Stop()
	stop := stopping.Done()
	last := context.WithoutCancel(ctx) // what is said at the end is said
	var stalled time.Time              // since when; zero while it makes progress
	for {
		select {
		case <-ctx.Done():
			if stop != nil {
				a.toldManager(m.Stopping(last))
			}
			return nil
		case <-stop:
			a.toldManager(m.Stopping(last))
			stop = nil
			continue
		case <-tick.C:
		}
		idle, patience := a.progress.since(begin), a.patience()
		late := patience > 0 && idle > patience && stop != nil
		switch {
		case late && stalled.IsZero():
			stalled = time.Now().Add(-idle)
			a.log.Error("no reading was kept for too long; the watchdog runs out", "for", idle.Round(time.Millisecond), "watchdog", m.Watchdog)
		case !late && !stalled.IsZero():
			a.log.Info("readings are kept again", "after", time.Since(stalled).Round(time.Millisecond))
			stalled = time.Time{}
		}
		if m.Watchdog > 0 && !late {
			a.toldManager(m.Alive(ctx))
		}
		if stop != nil {
			a.toldManager(m.Status(ctx, a.sentence(ctx)))
		}
	}
}

// sentence is how the gateway is.
func (a *agent) sentence(ctx context.Context) string {
	s, err := a.Snapshot(ctx)
	if err != nil {
		return "How it is cannot be told: " + err.Error()
	}
	v := panel.Judge(s)
	if v.Fine == "" {
		return v.Says
	}
	return v.Says + " " + v.Fine
}

// toldManager logs that the service manager cannot be told, once.
func (a *agent) toldManager(err error) {
	if failed := err != nil; failed != a.deaf {
		a.deaf = failed
		if failed {
			a.log.Warn("the service manager does not hear the agent", "err", err)
		} else {
			a.log.Info("the service manager hears the agent again")
		}
	}
}
