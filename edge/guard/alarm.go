package guard

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// Kind says what an alarm is about. Its number is that of the wire.
type Kind uint32

// Kinds of alarms.
const (
	Excursion Kind = 1 // a rule of the profile is broken
	Unknown   Kind = 2 // the sensor gives nothing usable
)

// String gives "excursion" or "unknown".
func (k Kind) String() string {
	if k == Unknown {
		return "unknown"
	}
	return "excursion"
}

// Steps of an alarm. Their numbers are those of the wire.
const (
	Raised       uint32 = 1
	Escalated    uint32 = 2
	Cleared      uint32 = 3
	Acknowledged uint32 = 4
)

// Alarm is an alarm that is not over: its cause goes on, or nobody has
// acknowledged it.
type Alarm struct {
	ID           string           `json:"id"`
	Watch        string           `json:"watch"`
	Sensor       string           `json:"sensor"`
	Kind         Kind             `json:"kind"`
	Severity     thermal.Severity `json:"severity"`        // the highest so far
	Limit        string           `json:"limit,omitempty"` // the rule that is broken
	Profile      string           `json:"profile"`
	Version      int              `json:"version"`
	Digest       string           `json:"digest"`
	Active       bool             `json:"active"` // its cause goes on
	Acknowledged bool             `json:"acknowledged"`
	Reason       string           `json:"reason,omitempty"` // of the acknowledgement
	By           string           `json:"by,omitempty"`     // where it was given
	Times        int              `json:"times"`            // raised
	Value        int64            `json:"value"`            // that led to the last step, milli-degrees Celsius
	Quality      reading.Quality  `json:"quality"`
	At           int64            `json:"at"` // when it was raised last, guard's time, ms
}

// Open is an Alarm as it stands now.
type Open struct {
	Alarm
	Age time.Duration // since it was raised last; of a time before a reboot, at least
}

// Alarms gives the alarms that are not over: those that want somebody to act
// first, then the gravest, then the newest.
func (g *Guard) Alarms() []Open {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []Open
	for _, a := range slices.Backward(g.alarms) {
		out = append(out, Open{*a, time.Duration(max(g.c.Now()+g.shift-a.At, 0)) * time.Millisecond})
	}
	slices.SortStableFunc(out, func(a, b Open) int { return b.urgency() - a.urgency() })
	return out
}

// urgency orders alarms.
func (a *Alarm) urgency() int {
	n := rank(a.Severity)
	if a.Active {
		n += 10
	}
	if !a.Acknowledged {
		n += 100
	}
	return n
}

func rank(s thermal.Severity) int {
	return slices.Index([]thermal.Severity{thermal.Warning, thermal.Alarm, thermal.Critical}, s) + 1
}

// open finds the alarm of a lookout and kind. mu is held.
func (g *Guard) open(l *lookout, k Kind) *Alarm {
	for _, a := range g.alarms {
		if a.Watch == l.watch.Name && a.Sensor == l.sensor.ID && a.Kind == k {
			return a
		}
	}
	return nil
}

// raise raises an alarm, or escalates it, where that is news. tick is the
// boottime of what led to it. mu is held.
func (g *Guard) raise(l *lookout, k Kind, severity thermal.Severity, limit string, tick int64) {
	a := g.open(l, k)
	state := Raised
	switch {
	case a == nil:
		a = &Alarm{ID: newID(), Watch: l.watch.Name, Sensor: l.sensor.ID, Kind: k, Severity: severity}
		g.alarms = append(g.alarms, a)
	case !a.Active: // cleared, and not acknowledged yet
		a.Severity = severity
	case rank(severity) > rank(a.Severity):
		state = Escalated
		a.Severity, a.Acknowledged, a.Reason, a.By = severity, false, "", ""
	default:
		return
	}
	if state == Raised {
		a.Times++
		a.At = tick + g.shift
	}
	a.Active, a.Limit = true, limit
	a.Profile, a.Version, a.Digest = l.watch.Profile.ID, l.watch.Profile.Version, l.digest
	a.Value, a.Quality = l.value, l.quality
	g.step(a, state, tick, "")
	g.log.Warn("alarm "+stateWords[state], "alarm", a.ID, "watch", a.Watch, "sensor", a.Sensor, "kind", a.Kind, "severity", a.Severity, "limit", a.Limit, "value", thermal.Temp(a.Value), "quality", a.Quality)
}

// clear ends the cause of an alarm, if it has one. mu is held.
func (g *Guard) clear(l *lookout, k Kind, why string) {
	a := g.open(l, k)
	if a == nil || !a.Active {
		return
	}
	a.Value, a.Quality = l.value, l.quality
	g.end(a, l.tick, why)
}

// end is clear for an alarm that may have no lookout any more. mu is held.
func (g *Guard) end(a *Alarm, tick int64, why string) {
	a.Active = false
	g.step(a, Cleared, tick, why)
	g.log.Info("alarm cleared", "alarm", a.ID, "watch", a.Watch, "sensor", a.Sensor, "kind", a.Kind, "why", why)
	g.settle(a)
}

// settle forgets an alarm that is over. mu is held.
func (g *Guard) settle(a *Alarm) {
	if !a.Active && a.Acknowledged {
		g.alarms = slices.DeleteFunc(g.alarms, func(o *Alarm) bool { return o == a })
	}
}

// Errors of Acknowledge.
var (
	ErrNoAlarm = errors.New("no alarm waits to be acknowledged under that id")
	ErrReason  = errors.New("reason")
)

// maxReason bounds the reason of an acknowledgement, in characters.
const maxReason = 200

// All stands for every alarm that waits to be acknowledged.
const All = "all"

// Acknowledge says that somebody has seen an alarm and why it came, or what was
// done. id may be shortened as long as it is unique, or be All. by is where it
// was given, "page" or "console". It gives the ids acknowledged. The error wraps
// ErrNoAlarm or ErrReason.
func (g *Guard) Acknowledge(id, reason, by string) ([]string, error) {
	reason = strings.Join(strings.Fields(reason), " ")
	if n := len([]rune(reason)); n < 3 || n > maxReason || strings.ContainsFunc(reason, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return nil, fmt.Errorf("acknowledge: %w %.40q: want 3 to %d characters that say why it came, or what was done", ErrReason, reason, maxReason)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []*Alarm
	for _, a := range g.alarms {
		if !a.Acknowledged && id != "" && (id == All || strings.HasPrefix(a.ID, strings.ToLower(id))) {
			found = append(found, a)
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("acknowledge %.40q: %w: list them first", id, ErrNoAlarm)
	case len(found) > 1 && id != All:
		return nil, fmt.Errorf("acknowledge %.40q: %w: %d begin with it, write one out", id, ErrNoAlarm, len(found))
	}
	n := len(g.steps)
	var ids []string
	for _, a := range found {
		a.Acknowledged, a.Reason, a.By = true, reason, by
		g.step(a, Acknowledged, g.c.Now(), reason)
		ids = append(ids, a.ID)
		g.log.Info("alarm acknowledged", "alarm", a.ID, "by", by)
		g.settle(a)
	}
	g.changed(n)
	return ids, nil
}

// forsake clears alarms of what is not watched any more.
func (g *Guard) forsake() {
	watched := map[[2]string]bool{}
	for _, l := range g.lookouts {
		watched[[2]string{l.watch.Name, l.sensor.ID}] = true
	}
	for _, a := range slices.Clone(g.alarms) {
		if a.Active && !watched[[2]string{a.Watch, a.Sensor}] {
			g.end(a, g.c.Now(), "it is no longer watched")
		}
	}
}

var stateWords = map[uint32]string{Raised: "raised", Escalated: "escalated", Cleared: "cleared", Acknowledged: "acknowledged"}

// newID makes an id that people can type: eight of a-z and 2-7.
func newID() string { return strings.ToLower(rand.Text()[:8]) }
