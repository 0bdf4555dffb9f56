package panel

import (
	"slices"
	"strings"
	"unicode/utf8"

	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// cargo is the one verdict that a driver and a warehouse act on: how what is
// watched stands, from the same standing and the same findings as all else. What
// is wrong with the gateway alone makes it a watch at most: the medicine is not
// out of range because the hub refused a block. A link that is down changes
// nothing: readings are kept.
type cargo struct {
	State State
	Word  string // in range, watch, out of range, silent, not watched
	Head  string // the verdict in a few words
	Sub   []string
	Value *faceValue // of the worst place; nil where there is none
	Zones []zone
	// Trouble is the gravest finding that is about the gateway; nil for none.
	Trouble *Finding
}

// faceValue is a temperature as it is read from afar.
type faceValue struct {
	Number string
	Old    bool // not a present one
}

// Length is a class by how much room it takes.
func (v faceValue) Length() string {
	switch n := utf8.RuneCountInString(v.Number); {
	case n > 5:
		return "longer"
	case n > 4:
		return "long"
	}
	return ""
}

// faceState is the word of a state on the faces.
func (l *locale) faceState(s State) string { return l.say("face." + string(s)) }

func (l *locale) cargo(s Snapshot) cargo {
	c := cargo{State: Fine, Zones: s.Guard.zones()}
	findings := l.judge(s).Findings
	if i := slices.IndexFunc(findings, func(f Finding) bool {
		return f.State == Bad && !strings.HasPrefix(f.Part, "alarm ") && !strings.HasPrefix(f.Part, "watch ")
	}); i >= 0 {
		c.Trouble = &findings[i]
	}
	if len(c.Zones) == 0 {
		c.State, c.Word, c.Head = Silent, l.say("face.not-watched"), l.say("head.not-watched")
		c.Sub = []string{l.say("sub.not-watched")}
		if len(s.Sensors) == 0 {
			c.Head = l.say("head.no-sensor")
		}
		return c
	}
	worst := c.Zones[0]
	c.State = worst.State
	if c.State == Fine && c.Trouble != nil {
		c.State, c.Head, c.Sub = Watch, l.trouble(s, c.Trouble), []string{c.Trouble.Says, l.say("sub.all-in-range")}
	} else {
		c.Head, c.Sub = l.head(s, c.Zones)
	}
	c.Word = l.faceState(c.State)
	if worst.State != Fine || len(c.Zones) == 1 { // else whose would it be?
		c.Value = l.faceValue(worst.worst())
	}
	return c
}

// trouble is what is wrong with the gateway, in a few words.
func (l *locale) trouble(s Snapshot, f *Finding) string {
	switch {
	case f.Part == "journal" && (s.Journal.Error != "" || s.Journal.MemoryBlocks > 0):
		return l.say("head.disk")
	case f.Part == "journal":
		return l.say("head.full")
	}
	return l.say("head.hub")
}

// faceValue is what a watch last gave.
func (l *locale) faceValue(w Watched) *faceValue {
	if w.Value == nil {
		return nil
	}
	bounds := []*thermal.Temp{w.Low, w.High}
	for i := range w.Limits {
		bounds = append(bounds, &w.Limits[i].At)
	}
	return &faceValue{Number: shownTemp(*w.Value, bounds...), Old: w.State == WatchUnknown}
}

// head is the verdict in a few words, and what there is to add.
func (l *locale) head(s Snapshot, zones []zone) (head string, sub []string) {
	z := zones[0]
	if z.State == Fine {
		if len(zones) == 1 {
			return l.say("head.one-in-range", z.Name), l.ahead(z)
		}
		head = l.say("head.all-in-range")
		for _, z := range zones {
			if a := l.ahead(z); len(a) > 0 {
				return head, []string{z.Name + ": " + a[0]}
			}
		}
		return head, nil
	}
	return l.zoneHead(s, z), l.zoneSub(s, z)
}

// zoneHead says of one zone what is not fine, beginning with its name.
func (l *locale) zoneHead(s Snapshot, z zone) string {
	w := z.worst()
	a := s.Guard.excursion(w)
	upper, known := passedSide(w, a)
	side := choose(!known, "out", choose(upper, "warm", "cold"))
	switch {
	case z.State == Bad && w.State == WatchUnknown:
		return l.say("head.was-"+side+"-silent", z.Name)
	case z.State == Bad:
		return l.say("head."+side, z.Name)
	case z.State == Silent && w.Value == nil:
		return l.say("head.none-yet", z.Name)
	case z.State == Silent:
		return l.say("head.silent", z.Name, FormatAge(max(w.UnknownMs, 0)))
	case w.State == WatchInRange && a == nil:
		return l.say("head.was-silent", z.Name)
	case w.State == WatchInRange && !a.Active:
		return l.say("head.was-"+side, z.Name)
	}
	if x, ok := w.limit(choose(w.Rule != "", w.Rule, limitOf(a))); ok {
		return l.say(choose(x.Upper, "head.above", "head.below"), z.Name, bound(x.At))
	}
	return l.say("head.out", z.Name)
}

// zoneSub adds to it how long, and what comes.
func (l *locale) zoneSub(s Snapshot, z zone) []string {
	w := z.worst()
	var sub []string
	r := l.rangeOf(w)
	switch a := s.Guard.excursion(w); {
	case z.State == Silent || w.State == WatchUnknown:
		if v := l.faceValue(w); v != nil {
			sub = append(sub, l.say("sub.last", v.Number, FormatAge(w.AgeMs)))
		}
		sub = append(sub, l.say("sub.unknown"))
	case z.State == Bad && a != nil && a.Active:
		sub = append(sub, l.say("sub.out-for", FormatAge(a.AgeMs)))
	case w.LeftMs != nil && *w.LeftMs > 0:
		sub = append(sub, l.say("sub.left", l.minutes(*w.LeftMs)))
	case w.State == WatchInRange && (a == nil || !a.Active):
		sub = append(sub, l.say("sub.again"))
	}
	if r != "" && z.State != Silent {
		sub = append(sub, l.say("sub.range", r))
	}
	return sub
}

// ahead says when a zone that is in range will pass a limit, if that is soon.
func (l *locale) ahead(z zone) []string {
	var soonest *Ahead
	for _, w := range z.Watches {
		if w.State == WatchInRange && w.Ahead != nil && (soonest == nil || w.Ahead.LeftMs < soonest.LeftMs) {
			soonest = w.Ahead
		}
	}
	if soonest == nil {
		return nil
	}
	if soonest.LatestMs == 0 {
		return []string{l.say("sub.ahead-open", bound(soonest.At), l.minutes(soonest.LeftMs), l.minutes(soonest.EarliestMs))}
	}
	return []string{l.say("sub.ahead", bound(soonest.At), l.minutes(soonest.LeftMs), l.minutes(soonest.EarliestMs), l.minutes(soonest.LatestMs))}
}

func limitOf(a *Alarm) string {
	if a == nil {
		return ""
	}
	return a.Limit
}

// passedSide says on which side of its range something is or was; known is false
// where the profile does not tell.
func passedSide(w Watched, a *Alarm) (upper, known bool) {
	if x, ok := w.limit(limitOf(a)); ok {
		return x.Upper, true
	}
	if x, ok := w.limit(w.Rule); ok {
		return x.Upper, true
	}
	return false, false
}

// doorsOpen lists doors that are open by a fresh reading; there says whether any
// door has a contact that answers.
func doorsOpen(sensors []Sensor) (open []string, there bool) {
	for _, s := range sensors {
		for _, x := range s.Last {
			if x.Quantity != reading.Door {
				continue
			}
			if state, _ := JudgeLast(s, x); state != Fine {
				continue
			}
			there = true
			if x.Value != 0 {
				open = append(open, strings.ReplaceAll(s.ID, "-", "\u2011")) // not broken there
			}
		}
	}
	return open, there
}
