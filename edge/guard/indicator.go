package guard

import (
	"context"
	"time"

	"frostline/proto/thermal"
)

// Indicator is a lamp or a buzzer on the spot.
type Indicator struct {
	Name   string // for messages
	Buzzer bool   // else a lamp
	// Drive switches it on or off. It may block for a second or two, and is
	// called by one goroutine.
	Drive func(on bool) error
}

// mood is what indicators tell, the most urgent first.
type mood int

const (
	moodCritical mood = iota // out of range, critical, not acknowledged
	moodOut                  // out of range, not acknowledged
	moodUnknown              // a sensor is unknown, not acknowledged
	moodWarning              // a warning, not acknowledged
	moodPassed               // an alarm came and went, not acknowledged
	moodSeen                 // an alarm goes on and is acknowledged
	moodQuiet
)

// pattern is how long an indicator is on and then off, over and over. Never off
// is on for good; never on is off.
type pattern struct{ on, off time.Duration }

// patterns of lamps and buzzers, by mood.
var (
	lamps = [...]pattern{
		moodCritical: {125 * time.Millisecond, 125 * time.Millisecond},
		moodOut:      {250 * time.Millisecond, 250 * time.Millisecond},
		moodUnknown:  {100 * time.Millisecond, 900 * time.Millisecond},
		moodWarning:  {time.Second, time.Second},
		moodPassed:   {100 * time.Millisecond, 2900 * time.Millisecond},
		moodSeen:     {time.Hour, 0},
		moodQuiet:    {0, time.Hour},
	}
	buzzers = [...]pattern{
		moodCritical: {200 * time.Millisecond, 200 * time.Millisecond},
		moodOut:      {500 * time.Millisecond, 500 * time.Millisecond},
		moodUnknown:  {100 * time.Millisecond, 4900 * time.Millisecond},
		moodWarning:  {0, time.Hour},
		moodPassed:   {0, time.Hour},
		moodSeen:     {0, time.Hour},
		moodQuiet:    {0, time.Hour},
	}
)

// refresh is how often an indicator that does not blink is driven anew, in case
// its line was reset.
const refresh = 30 * time.Second

// mood is the most urgent of all alarms.
func (g *Guard) mood() mood {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := moodQuiet
	for _, a := range g.alarms {
		m = min(m, a.mood())
	}
	return m
}

func (a *Alarm) mood() mood {
	switch {
	case a.Acknowledged: // and not over, so it goes on
		return moodSeen
	case !a.Active:
		return moodPassed
	case a.Kind == Unknown:
		return moodUnknown
	case a.Severity == thermal.Critical:
		return moodCritical
	case a.Severity == thermal.Warning:
		return moodWarning
	}
	return moodOut
}

// indicate drives an indicator until ctx ends, and switches it off then. A line
// that cannot be driven is tried again, and told once.
func (g *Guard) indicate(ctx context.Context, i int) {
	x := g.c.Indicators[i]
	failing := false
	drive := func(on bool) {
		err := x.Drive(on)
		if failed := err != nil; failed != failing {
			failing = failed
			if failed {
				g.log.Error("an indicator cannot be driven: alarms do not show there", "indicator", x.Name, "err", err)
			} else {
				g.log.Info("an indicator can be driven again", "indicator", x.Name)
			}
		}
	}
	defer drive(false)
	wait := time.NewTimer(0)
	defer wait.Stop()
	at := mood(-1)
	on := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.moods[i]:
			if g.mood() == at {
				continue // the pattern goes on
			}
		case <-wait.C:
		}
		m := g.mood()
		p := lamps[m]
		if x.Buzzer {
			p = buzzers[m]
		}
		if m != at {
			at, on = m, false // it begins with on
		}
		on = p.on > 0 && (!on || p.off == 0)
		drive(on)
		wait.Reset(min(choose(on, p.on, p.off), refresh))
	}
}

func choose[T any](c bool, yes, no T) T {
	if c {
		return yes
	}
	return no
}
