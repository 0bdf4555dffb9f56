// Package guard watches what is aboard while there is nobody to ask: it judges
// the readings of a gateway's own sensors by storage profiles, with the code
// that the hub judges with, and alarms on the spot.
//
// A Watch is a profile and the sensors that vouch for it, such as those of a
// compartment. Each of its sensors is judged on its own: one that is out of
// range alarms, whatever the others say. A sensor that gives nothing usable is
// unknown from its first bad or missing reading on, never in range, and alarms
// as unknown.
//
// # Time
//
// All is measured by boottime, which never steps. Histories go on after a
// restart of the agent. After a reboot nobody knows how long the gateway was
// off: that stretch is unmonitored, so that a temperature that was out before is
// not counted through it, and what was counted in all is kept.
//
// # An alarm
//
// An alarm belongs to a watch, a sensor and a kind. It is raised when a rule of
// the profile is broken, or the sensor unknown; escalated when a graver rule is,
// or when the sensor has been unknown for longer than the profile allows; and
// cleared after three readings in a row without cause. Whoever is there
// acknowledges it, with a reason. It is over when it is both cleared and
// acknowledged; comes the cause back before, the same alarm is raised anew.
//
// Each of these is a step. Steps go into the chain, in their order and at once,
// and onto disk before, so that none is forgotten in a restart; what the chain
// has already is not told twice.
package guard

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/proto/pb"
	"frostline/proto/thermal"
)

// Watch is a storage profile and what it is watched by.
type Watch struct {
	Name    string // of a compartment, or a token of a package; unique
	Profile thermal.Profile
	Sensors []string // ids; each has a temperature
	// UnknownAfter is how long a sensor may be unknown before that is an alarm.
	// 0: it is one at once.
	UnknownAfter time.Duration
	// WhenAboard: it is to be watched only while something is aboard. That is for
	// who chooses what to Set; the guard watches all that it is given.
	WhenAboard bool
}

// Sensor is a thermometer of the gateway.
type Sensor struct {
	ID       string
	Series   uint32 // of its temperature
	Interval time.Duration
	Timeout  time.Duration // after the tick, until which it may answer
}

// Journal is the chain into which alarms go.
type Journal interface {
	// Tell puts an event into the chain. kept says that it is on disk, and all
	// told before it; where it is not, and there is no error, the journal holds
	// it in memory and keeps it as soon as it can.
	Tell(ctx context.Context, e *pb.Event) (kept bool, err error)
	// Recent gives the newest alarms of the chain, in any order: all that were
	// told before the last stop, unless that is long ago.
	Recent(ctx context.Context, yield func(*pb.Alarm)) error
}

// Config is what a Guard is made of.
type Config struct {
	Watches    []Watch
	Sensors    []Sensor
	Indicators []Indicator
	Dir        string // of the guard's own state, which it makes
	BootID     string
	Now        func() int64 // boottime, ms
	Journal    Journal
	// Told is called after a step is in the chain: time for a seal. It must not
	// block. May be nil.
	Told func()
	Log  *slog.Logger
}

// Guard watches. Its methods are safe for concurrent use.
type Guard struct {
	c     Config
	log   *slog.Logger
	store store
	wake  chan struct{}   // capacity 1: steps wait to be told
	moods []chan struct{} // of each indicator, capacity 1

	mu       sync.Mutex
	shift    int64 // guard's time less boottime, ms
	lookouts []*lookout
	bySeries map[uint32][]*lookout
	alarms   []*Alarm // open, by when they were raised
	steps    []step   // not known to be in the chain, in order
	dropped  uint64   // readings that came out of order
}

// New makes a guard of c, whose Watches and Sensors Set may change, and goes on
// where the one before it stopped. It fails where a watch cannot be: the error
// names it. State that cannot be read is set aside and told in the log.
func New(c Config) (*Guard, error) {
	g := &Guard{c: c, log: c.Log, store: store{dir: c.Dir}, wake: make(chan struct{}, 1), bySeries: map[uint32][]*lookout{}}
	for range c.Indicators {
		g.moods = append(g.moods, make(chan struct{}, 1))
	}
	saved := g.store.load(g.log)
	g.resume(saved)
	if err := g.set(c.Watches, c.Sensors, saved); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	return g, nil
}

// Set changes what is watched, and by what. Where profile and sensor are those of
// before, what was counted goes on, also at another interval; alarms of what is
// not watched any more are cleared and say so. Where it fails nothing is changed.
func (g *Guard) Set(watches []Watch, sensors []Sensor) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := len(g.steps)
	if err := g.set(watches, sensors, &saved{}); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	g.changed(n)
	return nil
}

// set is Set; saved is what an earlier guard has counted. mu is held.
func (g *Guard) set(watches []Watch, all []Sensor, saved *saved) error {
	sensors := map[string]*Sensor{}
	for i := range all {
		sensors[all[i].ID] = &all[i]
	}
	var lookouts []*lookout
	names, bySeries := map[string]bool{}, map[uint32][]*lookout{}
	for i := range watches {
		w := &watches[i]
		if names[w.Name] {
			return fmt.Errorf("watch %q: there are two of that name: rename one", w.Name)
		}
		names[w.Name] = true
		for _, id := range w.Sensors {
			s := sensors[id]
			if s == nil {
				return fmt.Errorf("watch %q: sensor %q is no thermometer of this gateway: name one that is", w.Name, id)
			}
			l, err := g.lookout(w, s, saved)
			if err != nil {
				return fmt.Errorf("watch %q: %w", w.Name, err)
			}
			lookouts = append(lookouts, l)
			bySeries[s.Series] = append(bySeries[s.Series], l)
		}
	}
	g.lookouts, g.bySeries = lookouts, bySeries
	g.forsake()
	return nil
}

// Intervals of Run.
const (
	lookEvery = 250 * time.Millisecond // for readings that did not come
	saveEvery = 10 * time.Minute       // what evaluators have counted
	tellAgain = 5 * time.Second        // after the chain took nothing
)

// Run tells the chain, drives the indicators and looks for readings that do not
// come, until ctx ends; it then keeps what was counted and tells what it can.
func (g *Guard) Run(ctx context.Context) error {
	group, within := errgroup.WithContext(ctx)
	group.Go(func() error { g.look(within); return nil })
	group.Go(func() error { g.tell(within); return nil })
	for i := range g.c.Indicators {
		group.Go(func() error { g.indicate(within, i); return nil })
	}
	return group.Wait()
}

// look notices readings that do not come, and keeps what was counted.
func (g *Guard) look(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	saved := g.c.Now()
	for {
		select {
		case <-ctx.Done():
			g.saveCounts()
			return
		case <-tick.C:
		}
		now := g.c.Now()
		g.mu.Lock()
		n := len(g.steps)
		for _, l := range g.lookouts {
			l.overdue(g, now)
		}
		g.changed(n)
		g.mu.Unlock()
		if now-saved >= saveEvery.Milliseconds() {
			saved = now
			g.saveCounts()
		}
	}
}

// changed rouses who waits for steps, if there are more than before. mu is held.
func (g *Guard) changed(before int) {
	if len(g.steps) == before {
		return
	}
	poke(g.wake)
	for _, m := range g.moods {
		poke(m)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
