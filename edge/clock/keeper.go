package clock

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"frostline/edge/outage"
	"frostline/proto/truetime"
)

// Event is something the chain should know of the clock: an anchor that ties
// boottime to UTC, or a step of the system clock against boottime.
type Event struct {
	At     int64            // boottime, ms
	Anchor *truetime.Anchor // or nil, and then
	Step   int64            // the system clock moved by this many ms
}

// KeeperConfig describes a Keeper. Zero durations take the default.
type KeeperConfig struct {
	Clock Clock
	// Record keeps an event. An error means it was not kept: the Keeper offers
	// it again at the next poll, in order, before any later one.
	Record func(context.Context, Event) error
	// NTP and RTC are asked at each poll; nil where there is no such source.
	NTP, RTC func(Clock) (truetime.Anchor, bool, error)

	Poll     time.Duration // between looks at the clocks; default 1 s
	Every    time.Duration // an anchor is recorded at least so often while a source has one; default 1 h
	Step     time.Duration // smallest step of the system clock that is recorded; default 250 ms
	RTCGrace time.Duration // how long better sources are awaited before the RTC is recorded; default 2 min
	Log      *slog.Logger
}

// KeeperStats counts what a Keeper has seen since it was made.
type KeeperStats struct {
	Recorded int   // anchors handed to Record
	Steps    int   // steps of the system clock
	Refused  int   // anchors offered that were impossible, or contradicted the recorded ones once
	Dropped  int   // events lost because Record failed for too long
	LastAt   int64 // boottime of the last anchor recorded, ms; meaningless while Recorded is 0
}

const (
	minGain     = 20  // ms by which an anchor has to be better than the recorded ones
	maxPending  = 256 // events that wait for Record
	maxCompared = 64  // recorded anchors that a new one is compared with
	maxDissent  = 3   // contradictions in a row after which a source is recorded all the same
)

// Keeper decides which anchors are worth recording: the first of a boot, one
// that halves the uncertainty, one an hour, one after each step of the system
// clock, contradictions that persist, and what settles them. Which source to
// believe is truetime's to say, here as at the hub. Offer and the getters are
// safe for concurrent use.
type Keeper struct {
	c KeeperConfig

	mu       sync.Mutex
	recorded []truetime.Anchor // the first of each source, and the last
	latest   map[truetime.Source]truetime.Anchor
	dissent  map[truetime.Source]int // contradictions in a row
	// dissented is the boottime of the last one that was recorded, ms.
	dissented map[truetime.Source]int64
	pending   []Event
	stats     KeeperStats
	renew     bool   // record the next anchor: the system clock has stepped
	told      string // how the sources stand, as it was logged last

	// Used by Run alone.
	started int64                     // boottime, ms
	offset  int64                     // UTC - Now at the last poll, ms
	failing map[string]*outage.Outage // by source, and of Record
}

// NewKeeper checks c and makes a Keeper.
func NewKeeper(c KeeperConfig) (*Keeper, error) {
	if c.Clock == nil || c.Record == nil || c.Log == nil {
		return nil, fmt.Errorf("clock keeper: Clock, Record and Log are required")
	}
	for _, d := range []struct {
		at       *time.Duration
		standard time.Duration
	}{{&c.Poll, time.Second}, {&c.Every, time.Hour}, {&c.Step, 250 * time.Millisecond}, {&c.RTCGrace, 2 * time.Minute}} {
		if *d.at == 0 {
			*d.at = d.standard
		}
	}
	return &Keeper{c: c, latest: map[truetime.Source]truetime.Anchor{}, dissent: map[truetime.Source]int{}, dissented: map[truetime.Source]int64{}, failing: map[string]*outage.Outage{}}, nil
}

// Run polls the sources until ctx ends, and then returns nil. What Record has
// refused until then is offered to it once more.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.c.Clock.Busy()()
	k.started = k.c.Clock.Now()
	_, utc, _ := pair(k.c.Clock)
	k.offset = utc - k.c.Clock.Now()
	for {
		k.poll()
		k.flush(ctx)
		now := k.c.Clock.Now()
		if err := k.c.Clock.SleepUntil(ctx, now+k.c.Poll.Milliseconds()); err != nil {
			k.flush(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// poll looks for a step of the system clock and asks the sources once.
func (k *Keeper) poll() {
	at, utc, width := pair(k.c.Clock)
	off := utc - at
	if d := off - k.offset; max(d, -d) >= k.c.Step.Milliseconds()+width {
		k.step(at, d)
	}
	k.offset = off

	if a, ok := k.ask("ntp", k.c.NTP); ok {
		k.Offer(a)
	}
	if at-k.started >= k.c.RTCGrace.Milliseconds() && !k.Dated() {
		if a, ok := k.ask("rtc", k.c.RTC); ok {
			k.Offer(a)
		}
	}
}

// ask asks one source, and logs its failures once.
func (k *Keeper) ask(name string, source func(Clock) (truetime.Anchor, bool, error)) (truetime.Anchor, bool) {
	if source == nil {
		return truetime.Anchor{}, false
	}
	a, ok, err := source(k.c.Clock)
	k.tell(name, "time source fails", "time source works again", err)
	return a, ok && err == nil
}

// tell logs the first failure of a part, and its end.
func (k *Keeper) tell(part, fails, works string, err error) {
	o := k.failing[part]
	if o == nil {
		o = &outage.Outage{Log: k.c.Log.With("source", part), Fails: fails, Works: works}
		k.failing[part] = o
	}
	if now := k.c.Clock.Now(); err != nil {
		o.Failed(now, "", err)
	} else {
		o.Worked(now)
	}
}

// step records that the system clock has moved by d ms.
func (k *Keeper) step(at, d int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stats.Steps++
	k.renew = true
	k.push(Event{At: at, Step: d})
	k.c.Log.Warn("system clock stepped", "by", time.Duration(d)*time.Millisecond)
}

// push adds an event for Record. k.mu is held.
func (k *Keeper) push(e Event) {
	if len(k.pending) == maxPending {
		k.stats.Dropped++
		k.c.Log.Error("clock event lost: none of the last ones could be recorded", "waiting", maxPending)
		return
	}
	k.pending = append(k.pending, e)
}

// flush hands the pending events to Record, in order.
func (k *Keeper) flush(ctx context.Context) {
	for {
		k.mu.Lock()
		if len(k.pending) == 0 {
			k.mu.Unlock()
			return
		}
		e := k.pending[0]
		k.mu.Unlock()
		err := k.c.Record(ctx, e)
		k.tell("record", "clock event could not be recorded, trying again", "clock events are recorded again", err)
		if err != nil {
			return
		}
		k.mu.Lock()
		k.pending = k.pending[1:]
		k.mu.Unlock()
	}
}
