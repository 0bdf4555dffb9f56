package guard

import (
	"fmt"
	"time"

	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// settled is how many readings in a row without cause clear an alarm: fewer, and
// a temperature at its limit or a loose plug would make one alarm after another.
const settled = 3

// grace is what a reading may be later than its sensor's timeout before it counts
// as missing, ms: the sampler gives one that says so, unless it is itself stuck.
const grace = 500

// reasonOff is why nothing is known of the time before a boot.
const reasonOff = "the gateway was off, for how long it cannot tell"

// lookout is one sensor of one watch. Guard.mu guards it.
type lookout struct {
	watch  *Watch
	sensor *Sensor
	digest string // of the profile
	e      *thermal.Evaluator
	begun  bool // a stretch is under way

	taken   bool  // there is a last
	tick    int64 // boottime of the last reading, or of the start, ms
	value   int64
	quality reading.Quality
	any     bool  // there was a usable one in this run
	good    int64 // tick of the last usable reading
	goodVal int64

	unknown   bool  // since bad
	bad       int64 // boottime, ms
	usable    int   // usable readings in a row
	calm      int   // and without cause for an excursion
	standings []thermal.Standing
}

// lookout makes one, from what was saved of it where that still fits.
func (g *Guard) lookout(w *Watch, s *Sensor, saved *saved) (*lookout, error) {
	now := g.c.Now()
	l := &lookout{watch: w, sensor: s, tick: now, unknown: true, bad: now}
	var err error
	if l.digest, err = w.Profile.Digest(); err != nil {
		return nil, err
	}
	if was := g.former(l); was != nil {
		l.e, l.begun, l.standings = was.e, was.begun, was.standings
		l.taken, l.tick, l.value, l.quality, l.any, l.good, l.goodVal = was.taken, was.tick, was.value, was.quality, was.any, was.good, was.goodVal
		l.unknown, l.bad, l.usable, l.calm = was.unknown, was.bad, was.usable, was.calm
		return l, nil
	}
	if c := saved.count(w.Name, s.ID); c != nil {
		if l.e, err = thermal.Restore(&w.Profile, c.Evaluator); err != nil {
			g.log.Info("what was counted is not gone on from", "watch", w.Name, "sensor", s.ID, "why", err)
		} else if saved.Counts.BootID == g.c.BootID {
			l.begun = c.Begun
		} else if at := now + g.shift; at > l.e.Covered() {
			if err := l.e.Unmonitored(at, reasonOff); err != nil {
				return nil, err
			}
		}
	}
	if l.e == nil {
		l.begun = false
		if l.e, err = thermal.NewEvaluator(&w.Profile, now+g.shift); err != nil {
			return nil, err
		}
	}
	l.standings = l.e.Standings()
	return l, nil
}

// former is the lookout of now that another goes on from. mu is held.
func (g *Guard) former(l *lookout) *lookout {
	for _, o := range g.lookouts {
		if o.watch.Name == l.watch.Name && o.sensor.ID == l.sensor.ID && o.digest == l.digest {
			return o
		}
	}
	return nil
}

// take judges a reading. g.mu is held.
func (l *lookout) take(g *Guard, r reading.Reading) {
	if l.taken && r.Tick <= l.tick {
		g.dropped++
		return
	}
	l.taken, l.tick, l.value, l.quality = true, r.Tick, r.Value, r.Quality
	if r.Quality != reading.OK {
		l.miss(g, r.Tick, r.Tick)
		return
	}
	before := l.standings
	if err := l.add(r.Tick+g.shift, r.Value); err != nil {
		// A value that no thermometer can give, or a time before what was judged.
		g.log.Warn("a reading cannot be judged", "watch", l.watch.Name, "sensor", l.sensor.ID, "err", err)
		l.miss(g, r.Tick, r.Tick)
		return
	}
	l.any, l.good, l.goodVal = true, r.Tick, r.Value
	l.unknown, l.usable = false, l.usable+1
	l.standings = l.e.Standings()
	l.excursion(g, before)
	if l.usable >= settled {
		g.clear(l, Unknown, "")
	}
}

func (l *lookout) add(at, value int64) error {
	if !l.begun {
		if err := l.e.Begin(max(at, l.e.Covered()), l.sensor.ID); err != nil {
			return err
		}
		l.begun = true
	}
	return l.e.Add(thermal.Sample{At: at, Value: thermal.Temp(value)})
}

// excursion raises, escalates or clears by how the rules stand.
func (l *lookout) excursion(g *Guard, before []thermal.Standing) {
	var worst *thermal.Standing
	once := false // broken since the reading before, and over already
	quiet := true
	open := g.open(l, Excursion)
	for i := range l.standings {
		s := &l.standings[i]
		fresh := !s.Beyond && s.Breaks > before[i].Breaks
		if s.Beyond && (s.Broken || open != nil && open.Limit == s.Rule) {
			quiet = false
		}
		if (s.Broken && s.Beyond || fresh) && (worst == nil || rank(s.Severity) > rank(worst.Severity)) {
			worst, once = s, fresh
		}
	}
	if worst != nil {
		g.raise(l, Excursion, worst.Severity, worst.Rule, l.tick)
	}
	if !quiet {
		l.calm = 0
		return
	}
	if l.calm++; l.calm >= settled || once {
		g.clear(l, Excursion, "")
	}
}

// miss says that nothing usable is known of the sensor at a boottime, since
// another. g.mu is held.
func (l *lookout) miss(g *Guard, since, now int64) {
	if !l.unknown {
		l.unknown, l.bad = true, since
	}
	l.usable = 0
	if now-l.bad < l.watch.UnknownAfter.Milliseconds() {
		return
	}
	severity := thermal.Warning
	known := l.good // or since the start of the agent
	if !l.any {
		known = l.bad
	}
	if now-known > l.watch.Profile.LongestGap {
		severity = thermal.Alarm
	}
	g.raise(l, Unknown, severity, "", now)
}

// overdue looks at boottime now whether a reading should have come. g.mu is held.
func (l *lookout) overdue(g *Guard, now int64) {
	if l.unknown && l.taken && l.quality != reading.OK {
		l.miss(g, l.bad, now) // it may escalate
	}
	interval := l.sensor.Interval.Milliseconds()
	next := (l.tick/interval + 1) * interval
	if now <= next+l.sensor.Timeout.Milliseconds()+grace {
		return
	}
	if l.quality == reading.OK {
		l.quality, l.value = reading.NoAnswer, 0
	}
	l.miss(g, next, now)
}

// State is how a sensor stands to a profile.
type State string

// States of a lookout. Unknown is a state of its own.
const (
	StateInRange State = "in_range" // no limit is passed
	StatePassed  State = "passed"   // one is, and the profile allows it for a while yet
	StateOut     State = "out"      // the profile does not allow it
	StateUnknown State = "unknown"  // the sensor gives nothing usable
)

// Look is how a sensor of a watch stands at present.
type Look struct {
	Watch      string
	Sensor     string
	Profile    string // its name
	State      State
	Rule       string          // the limit that is passed; empty where none is
	Left       time.Duration   // until a passed limit is broken, if the temperature stays
	HasValue   bool            // there was a usable reading
	Value      thermal.Temp    // the last usable one
	Age        time.Duration   // of it
	Quality    reading.Quality // of the last reading
	UnknownFor time.Duration   // how long nothing usable has come
}

// Looks gives how all watches stand, in the order of the configuration.
func (g *Guard) Looks() []Look {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.c.Now()
	var out []Look
	for _, l := range g.lookouts {
		x := Look{Watch: l.watch.Name, Sensor: l.sensor.ID, Profile: l.watch.Profile.Name, State: StateInRange, Quality: l.quality}
		if l.any {
			x.HasValue, x.Value, x.Age = true, thermal.Temp(l.goodVal), time.Duration(now-l.good)*time.Millisecond
		}
		for _, s := range l.standings {
			switch {
			case !s.Beyond:
			case s.Broken && x.State != StateOut:
				x.State, x.Rule, x.Left = StateOut, s.Rule, 0
			case x.State == StateInRange:
				x.State, x.Rule, x.Left = StatePassed, s.Rule, time.Duration(s.Left)*time.Millisecond
			}
		}
		if l.unknown {
			x.State, x.Rule, x.Left, x.UnknownFor = StateUnknown, "", 0, time.Duration(max(now-l.bad, 0))*time.Millisecond
		}
		out = append(out, x)
	}
	return out
}

// String is for messages: "van-1-a by box-a".
func (l *lookout) String() string { return fmt.Sprintf("%s by %s", l.watch.Name, l.sensor.ID) }
