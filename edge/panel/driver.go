package panel

import "strings"

// driverView is the driver's page.
type driverView struct {
	Top   topView
	Cargo cargoView
	Steps []step
	Boxes []boxView
	More  string        // of the compartments for which there is no room; empty for none
	Stop  string        // where to next; empty where nobody said
	Told  []messageView // that wait for a confirmation
	Read  []string
}

// topView is the line at the top: who, and how what is kept gets to the hub.
type topView struct {
	Gateway  string
	Identify bool
	Link     pill
	Time     string // of day; empty while it is not known
}

// cargoView is the one verdict.
type cargoView struct {
	State State
	Word  string
	Head  string
	Sub   []string
	Value *faceValue
}

// boxView is a compartment beside the verdict.
type boxView struct {
	ID    string
	Name  string
	State State
	Word  string
	Value *faceValue
	Range string
	Age   string
	Spark *spark
}

func (p *Page) driverView(l *locale, s Snapshot, err error) driverView {
	if err != nil { // nothing is known
		return driverView{Top: topView{Gateway: p.gateway, Link: pill{Silent, l.say("link.unknown")}},
			Cargo: cargoView{State: Silent, Word: l.faceState(Silent), Head: l.say("head.broken"), Sub: []string{l.say("sub.broken")}}}
	}
	c := l.cargo(s)
	v := driverView{Top: p.top(l, s), Cargo: cargoView{c.State, c.Word, c.Head, c.Sub, c.Value}, Steps: l.steps(s, c, p.alarms != nil)}
	p.ticked.mark(v.Steps)
	room := choose(len(v.Steps) > 0, 3, 6)
	for _, z := range c.Zones[:min(len(c.Zones), room)] {
		v.Boxes = append(v.Boxes, p.box(l, s, z))
	}
	v.More = l.more(c.Zones[len(v.Boxes):])
	if len(c.Zones) == 0 { // what is measured is shown, and judged by nobody
		plain := unwatched(s)
		for _, x := range plain[:min(len(plain), room)] {
			v.Boxes = append(v.Boxes, p.plainTile(l, s, x).boxView)
		}
	}
	v.Told, v.Read = p.told(l, s)
	if n := s.NextStop; n != nil {
		v.Stop = l.say("stop.place", plain(n.Place))
		if n.DueMs != nil {
			v.Stop = l.say("stop.due", plain(n.Place), p.set.clock(*n.DueMs))
		}
	}
	return v
}

// more sums up zones for which there is no room, which come worst first.
func (l *locale) more(zones []zone) string {
	if len(zones) == 0 {
		return ""
	}
	counts := map[State]uint64{}
	for _, z := range zones {
		counts[z.State]++
	}
	var parts []string
	for _, state := range order {
		if n := counts[state]; n > 0 {
			parts = append(parts, l.say("count."+string(state), group(n)))
		}
	}
	return l.say("driver.more", strings.Join(parts, ", "))
}

func (p *Page) top(l *locale, s Snapshot) topView {
	t := topView{Gateway: s.Gateway, Identify: s.IdentifyMs > 0, Link: l.keeping(s)}
	if s.Clock.UTCMs != nil {
		t.Time = p.set.clock(*s.Clock.UTCMs)
	}
	return t
}

// keeping says what becomes of the readings: that they are saved is said only
// where it is true.
func (l *locale) keeping(s Snapshot) pill {
	j := s.Journal
	switch {
	case j.Error != "" || j.MemoryBlocks > 0:
		return pill{Bad, l.say("keeping.failing")}
	case s.Uplink.State == LinkConnected && !s.Uplink.HubSilent:
		for _, f := range l.judgeUplink(s.Uplink, j) {
			if f.State == Watch {
				return pill{Watch, l.say("keeping.behind", l.count(j.PendingReadings, "reading"))}
			}
		}
		return pill{Fine, l.say("keeping.connected")}
	}
	why := "keeping.offline"
	switch s.Uplink.State {
	case LinkConnected:
		why = "keeping.hub-silent"
	case LinkCut:
		why = "keeping.cut"
	case LinkOff:
		why = "keeping.no-hub"
	}
	return pill{Silent, l.say(why, l.saved(j))}
}

// box is a zone beside the verdict, and the tile of a wall.
func (p *Page) box(l *locale, s Snapshot, z zone) boxView {
	w := z.worst()
	b := boxView{ID: z.ID, Name: z.Name, State: z.State, Word: l.faceState(z.State), Value: l.faceValue(w), Range: l.rangeOf(w), Spark: p.spark(l, s, w)}
	if w.Value != nil {
		b.Age = l.ago(w.AgeMs)
	}
	return b
}

// spark is the chart of a watch's sensor.
func (p *Page) spark(l *locale, s Snapshot, w Watched) *spark {
	if p.history == nil {
		return nil
	}
	series, ok := s.thermometer(w.Sensor)
	if !ok {
		return nil
	}
	return p.sparks.of(p.history, l, w, series, s.Clock.BoottimeMs)
}
