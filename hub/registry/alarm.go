package registry

import (
	"cmp"
	"maps"
	"slices"

	"frostline/hub/intake/batch"
	"frostline/proto/pb"
)

// Limits of what is kept of a gateway's alarms.
const (
	maxAlarms = 64 // that are over; those that are not are all kept
	maxSteps  = 64 // of one alarm
)

// Alarm is an alarm of a gateway's own guard, by what of its chain is here: steps
// may come in any order.
type Alarm struct {
	ID       string
	Watch    string // a compartment, or a package's token
	Sensor   string
	Unknown  bool   // the sensor gave nothing usable; else a rule was broken
	Severity uint32 // 1 warning, 2 alarm, 3 critical
	Limit    string // the rule that was broken
	Profile  string // id of the storage profile
	Version  uint32

	Active       bool // raised, and not cleared since
	Acknowledged bool
	Reason       string // of the acknowledgement, or why it was cleared otherwise
	By           string // where it was given
	Times        int    // raised
	Value        int64  // at the last step, milli-degrees Celsius
	Quality      uint32
	// When it was raised last: in the gateway's time, which anchors date, and by
	// the hub's clock when it was told, Unix ms.
	Epoch, Boot uint32
	Tick        int64 // boottime, ms; 0 where it is of a boot that nobody numbers
	Told        int64
}

// Over reports whether nobody has to act any more.
func (a Alarm) Over() bool { return !a.Active && a.Acknowledged }

// step is one step of an alarm, where it stands in the chain.
type step struct {
	epoch, boot uint32
	block       uint64
	position    int
	told        int64
	m           *pb.Alarm
}

func (s step) compare(o step) int {
	return cmp.Or(cmp.Compare(s.epoch, o.epoch), cmp.Compare(s.block, o.block), cmp.Compare(s.position, o.position))
}

// alarm takes a step. The registry's mu is held.
func (g *gateway) alarm(epoch uint32, at int64, e *batch.Event) {
	m := e.Event.GetAlarm()
	if m.Alarm == "" || len(m.Alarm) > 64 {
		return
	}
	if g.alarms == nil {
		g.alarms = map[string][]step{}
	}
	all := g.alarms[m.Alarm]
	same := func(s step) bool { return s.m.State == m.State && s.m.TickMs == m.TickMs && s.m.BootId == m.BootId }
	if slices.ContainsFunc(all, same) {
		return // told twice, after a power cut of the gateway or a start of the hub
	}
	s := step{epoch, e.Boot, e.Block, e.Position, at, m}
	i, _ := slices.BinarySearchFunc(all, s, step.compare)
	all = slices.Insert(all, i, s)
	if len(all) > maxSteps { // the first says when it began, the last how it stands
		all = slices.Delete(all, 1, 2)
	}
	g.alarms[m.Alarm] = all
	if len(g.alarms) > maxAlarms {
		g.forgetAlarm()
	}
}

// forgetAlarm forgets the oldest alarm that is over, if there are too many.
func (g *gateway) forgetAlarm() {
	var over []Alarm
	for _, id := range slices.Sorted(maps.Keys(g.alarms)) {
		if a := alarmOf(g.alarms[id]); a.Over() {
			over = append(over, a)
		}
	}
	if len(over) > maxAlarms {
		delete(g.alarms, slices.MinFunc(over, func(a, b Alarm) int { return cmp.Compare(a.Told, b.Told) }).ID)
	}
}

// alarmOf is what the steps of an alarm, in order, come to.
func alarmOf(steps []step) Alarm {
	var a Alarm
	for _, s := range steps {
		m := s.m
		a.ID, a.Watch, a.Sensor, a.Unknown, a.Severity = clip(m.Alarm), clip(m.Watch), clip(m.Sensor), m.Kind == 2, m.Severity
		a.Profile, a.Version, a.Value, a.Quality = clip(m.Profile), m.Version, m.Value, m.Quality
		if m.Limit != "" {
			a.Limit = clip(m.Limit)
		}
		switch m.State {
		case 1, 2:
			a.Active, a.Acknowledged, a.Reason, a.By = true, false, "", ""
			if m.State == 1 || a.Told == 0 {
				a.Times++
				a.Epoch, a.Boot, a.Tick, a.Told = s.epoch, s.boot, m.TickMs, s.told
				if m.BootId != "" {
					a.Boot, a.Tick = 0, 0
				}
			}
		case 3:
			a.Active = false
			if a.Reason == "" {
				a.Reason = clip(m.Reason)
			}
		case 4:
			a.Acknowledged, a.Reason, a.By = true, clip(m.Reason), clip(m.By)
		}
		if a.Told == 0 {
			a.Told = s.told
		}
	}
	return a
}

// alarmsOf lists the alarms of a gateway: those that are not over first, then
// the newest. mu is held.
func (g *gateway) alarmsOf() []Alarm {
	var out []Alarm
	for _, steps := range g.alarms {
		out = append(out, alarmOf(steps))
	}
	rank := func(a Alarm) int {
		switch {
		case a.Over():
			return 3
		case a.Active && !a.Acknowledged:
			return 0
		case a.Active:
			return 1
		}
		return 2
	}
	slices.SortFunc(out, func(a, b Alarm) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Told, a.Told), cmp.Compare(a.ID, b.ID))
	})
	return out
}
