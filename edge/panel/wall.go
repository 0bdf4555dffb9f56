package panel

import (
	"strings"
	"unicode/utf8"

	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// wallView is the wall of a warehouse.
type wallView struct {
	Top    topView
	Counts []pill
	Tiles  []tile
	Small  []tile // those for whom there is no room: in range, as a rule
	Size   string // class of the tiles, by how many there are
}

// tile is one zone on the wall.
type tile struct {
	boxView
	Says string
}

// Lengthy says that the name takes more than a line of a tile.
func (t tile) Lengthy() bool { return utf8.RuneCountInString(t.Name) > 11 }

// maxTiles is how many zones are shown large. Where there are more, the worst are
// and the others are small, so that all are on one screen.
const maxTiles = 12

// large is how many of so many zones are shown large, worst of which are not in
// range: whole rows of four, at most two where there are small ones.
func large(n, worst int) int {
	if n <= maxTiles {
		return n
	}
	return choose(worst > 4, 8, 4)
}

// wallView gives the wall, and the state of the worst zone.
func (p *Page) wallView(l *locale, s Snapshot, err error) (wallView, State) {
	if err != nil { // no zone is known
		return wallView{Top: topView{Gateway: p.gateway, Link: pill{Silent, l.say("link.unknown")}},
			Counts: []pill{{Silent, l.say("judge.broken", plain(err.Error()))}}}, Silent
	}
	v, c := wallView{Top: p.top(l, s)}, l.cargo(s)
	counts := map[State]int{}
	var all []tile
	for _, z := range c.Zones {
		counts[z.State]++
		t := tile{boxView: p.box(l, s, z), Says: l.tileSays(s, z)}
		all = append(all, t)
	}
	for _, x := range unwatched(s) {
		all = append(all, p.plainTile(l, s, x))
	}
	for _, state := range order {
		if n := counts[state]; n > 0 {
			v.Counts = append(v.Counts, pill{state, l.say("count."+string(state), group(uint64(n)))})
		}
	}
	if c.Trouble != nil {
		v.Counts = append(v.Counts, pill{Watch, c.Trouble.Says})
	}
	n := large(len(all), len(c.Zones)-counts[Fine])
	v.Tiles, v.Small, v.Size = all[:n], all[n:], wallSize(n)
	if len(v.Small) > 0 {
		v.Size = choose(n > 4, "many eight", "many")
	}
	return v, c.State
}

// wallSize is the class of a wall with so many large tiles.
func wallSize(n int) string {
	switch {
	case n <= 1:
		return "one"
	case n <= 2:
		return "two"
	case n <= 4:
		return "four"
	case n <= 6:
		return "six"
	case n <= 8:
		return "eight"
	}
	return "twelve"
}

// tileSays is what stands below a tile's temperature.
func (l *locale) tileSays(s Snapshot, z zone) string {
	w := z.worst()
	a := s.Guard.excursion(w)
	switch {
	case z.State == Fine:
		if ahead := l.ahead(z); len(ahead) > 0 {
			return ahead[0]
		}
		return ""
	case z.State == Bad && a != nil && a.Active && w.State != WatchUnknown:
		return l.say("tile.out", l.faceRule(w, a.Limit), FormatAge(a.AgeMs))
	case w.State == WatchPassed && w.LeftMs != nil && *w.LeftMs > 0:
		return l.say("tile.left", l.faceRule(w, w.Rule), l.minutes(*w.LeftMs))
	case z.State == Silent && w.Value == nil:
		return l.say("tile.none-yet")
	case z.State == Silent:
		return l.say("tile.silent", FormatAge(w.UnknownMs))
	}
	return strings.TrimPrefix(strings.TrimPrefix(l.zoneHead(s, z), z.Name), ": ")
}

// faceRule is a limit in the same words in which a face says all: its own name may
// be of any length.
func (l *locale) faceRule(w Watched, name string) string {
	if x, ok := w.limit(name); ok {
		return l.say(choose(x.Upper, "rule.above", "rule.below"), bound(x.At))
	}
	return minus(plain(name))
}

// unwatched are the thermometers that vouch for nothing.
func unwatched(s Snapshot) []Sensor {
	watched := map[string]bool{}
	for _, w := range s.Guard.Watches {
		watched[w.Sensor] = true
	}
	var out []Sensor
	for _, x := range s.Sensors {
		if _, ok := s.thermometer(x.ID); ok && !watched[x.ID] {
			out = append(out, x)
		}
	}
	return out
}

// plainTile is a thermometer without limits: it answers or not, and is never in
// range.
func (p *Page) plainTile(l *locale, s Snapshot, x Sensor) tile {
	state, words := l.judgeSensor(x)
	t := tile{boxView: boxView{ID: "sensor/" + x.ID, Name: x.ID, State: state, Word: l.faceState(state)}, Says: words}
	if state == Fine {
		t.State, t.Word, t.Says = "none", l.say("face.not-watched"), l.say("tile.no-limits")
	}
	for _, last := range x.Last {
		if last.Quantity != reading.Temperature {
			continue
		}
		if v, old, known := latest(x, last); known {
			t.Value = &faceValue{shownTemp(thermal.Temp(v)), old}
		}
		if last.Sound != nil {
			t.Age = l.ago(last.Sound.AgeMs)
		}
	}
	t.Spark = p.spark(l, s, Watched{ID: x.ID, Sensor: x.ID})
	return t
}

// thermometer gives the series of a sensor's temperature; ok is false where it
// measures none.
func (s Snapshot) thermometer(id string) (series uint32, ok bool) {
	for _, x := range s.Sensors {
		if x.ID != id {
			continue
		}
		for _, last := range x.Last {
			if last.Quantity == reading.Temperature {
				return last.Series, true
			}
		}
	}
	return 0, false
}
