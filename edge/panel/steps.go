package panel

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
)

// step is one thing to do, in the driver's words.
type step struct {
	ID   string // of this step for this cause
	Text string
	Href string // of the page that does it; empty: it is done by hand
	Done bool
}

// maxSteps is as many as anybody follows in a hurry.
const maxSteps = 3

// steps are what to do, by fixed rules from the state, the first thing first:
//
//   - A place is out of range or has passed a limit: close the doors (which, where
//     contacts tell; not where all of them say closed), see that the unit runs and
//     is set rightly, acknowledge. Acknowledged and still out: ask before anything
//     is handed over.
//   - A place is silent: check its sensor and the sensor's power, acknowledge; ask
//     before anything is handed over.
//   - It was out or silent, and is well again: acknowledge.
//   - The gateway loses evidence: tell dispatch.
//   - In range: nothing.
func (l *locale) steps(s Snapshot, c cargo, canAcknowledge bool) []step {
	var steps []step
	cause := ""
	add := func(key string, args ...any) {
		steps = append(steps, step{ID: stepID(cause, key), Text: l.say("step."+key, args...)})
	}
	if len(c.Zones) > 0 && c.Zones[0].State != Fine {
		z := c.Zones[0]
		w := z.worst()
		alarm := s.Guard.excursion(w)
		waiting := s.Guard.waiting(z)
		cause = z.ID + "/" + w.State
		for _, a := range []*Alarm{alarm, waiting} {
			if a != nil {
				cause += fmt.Sprintf("/%s/%d", a.ID, a.Times)
			}
		}
		switch {
		case w.State == WatchUnknown:
			add("sensor", strings.ReplaceAll(w.Sensor, "-", "\u2011"))
			add("power")
		case w.State == WatchOut || w.State == WatchPassed || alarm != nil && alarm.Active:
			if open, there := doorsOpen(s.Sensors); len(open) > 0 {
				add("close-door", strings.Join(open, ", "))
			} else if !there {
				add("close-doors")
			}
			if r := l.rangeOf(w); r != "" {
				add("unit-set", r)
			} else {
				add("unit")
			}
		}
		switch {
		case waiting != nil && canAcknowledge:
			steps = append(steps, step{ID: stepID(cause, "acknowledge"), Text: l.say("step.acknowledge"), Href: "alarms/" + waiting.ID})
		case z.State == Bad || z.State == Silent:
			add("ask", z.Name)
		}
	}
	if c.Trouble != nil && len(steps) < maxSteps {
		cause = "trouble/" + c.Trouble.Part
		add("tell")
	}
	return steps[:min(len(steps), maxSteps)]
}

// stepID is the same for the same thing to do about the same cause.
func stepID(cause, key string) string {
	h := fnv.New64a()
	h.Write([]byte(cause))
	return fmt.Sprintf("%s-%x", key, h.Sum64())
}

// ticked remembers which steps were done, until the agent ends. It is safe for
// concurrent use.
type ticked struct {
	mu   sync.Mutex
	done map[string]bool
}

// maxTicked bounds what is remembered.
const maxTicked = 256

func (t *ticked) set(id string, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == nil || len(t.done) >= maxTicked {
		t.done = map[string]bool{}
	}
	t.done[id] = done
}

func (t *ticked) mark(steps []step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range steps {
		steps[i].Done = t.done[steps[i].ID]
	}
}
