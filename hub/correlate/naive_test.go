package correlate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"frostline/hub/fact"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

// naive is what should be known, written from docs/verify/JOIN.md alone: it
// asks at every millisecond who vouches.
type naive struct {
	statements []fact.Attached
	packed     []fact.PackagePacked
	closed     []fact.PackageClosed
	received   []fact.UnitReceived
	profiles   []fact.ProfileRecord
	products   []versioned[fact.ProductRecord]
	sensors    []versioned[fact.SensorRecord]
	certs      []versioned[fact.CalibrationRecord]
	readings   []tickReading
	anchors    map[string][]truetime.Anchor // "gateway/boot"

	dated map[string][]point // cache, by sensor
}

type versioned[T any] struct {
	version, at int64
	record      T
}

type tickReading struct {
	sensor, gateway string
	boot            uint32
	tick            int64
	value           thermal.Temp
	quality         reading.Quality
}

type point struct {
	at    int64
	value thermal.Temp
	state int // 0 usable, 1 bad, 2 conflict
}

// date is truetime by looking at each anchor, in 5000ths of a millisecond.
func date(anchors []truetime.Anchor, tick int64) (utc int64, conflict, ok bool) {
	if len(anchors) == 0 {
		return 0, false, false
	}
	abs := func(v int64) int64 { return max(v, -v) }
	exclude := func(a, b truetime.Anchor) bool {
		d := 5000*(a.UTC-a.At) - 5000*(b.UTC-b.At)
		return abs(d) > 5000*(max(a.Uncertainty, 1)+max(b.Uncertainty, 1))+abs(a.At-b.At)
	}
	fit := func(some func(truetime.Source) bool) (out []truetime.Anchor, all bool) {
		all = true
		for _, a := range anchors {
			for _, b := range anchors {
				all = all && !(some(a.Source) && some(b.Source) && exclude(a, b))
			}
			if some(a.Source) {
				out = append(out, a)
			}
		}
		return out, all
	}
	if _, all := fit(func(truetime.Source) bool { return true }); !all {
		conflict = true
		var voters []truetime.Source
		for s := truetime.NTP; s <= truetime.GNSS; s++ {
			if a, _ := fit(func(o truetime.Source) bool { return o == s }); len(a) > 0 {
				voters = append(voters, s)
			}
		}
		// All of them, and else two of three where these are the only two.
		var agree [][]truetime.Source
		try := func(some ...truetime.Source) {
			if _, all := fit(func(o truetime.Source) bool { return slices.Contains(some, o) }); all {
				agree = append(agree, some)
			}
		}
		if try(voters...); len(agree) == 0 && len(voters) == 3 {
			try(voters[0], voters[1])
			try(voters[0], voters[2])
			try(voters[1], voters[2])
		}
		if len(agree) == 1 && len(voters) > 1 {
			voted := func(o truetime.Source) bool { return slices.Contains(agree[0], o) }
			used, all := fit(func(o truetime.Source) bool { return voted(o) || o < truetime.NTP || o > truetime.GNSS })
			if !all {
				used, _ = fit(voted)
			}
			anchors, conflict = used, false
		}
	}
	var low, high int64
	for i, a := range anchors {
		w := 5000*max(a.Uncertainty, 1) + abs(tick-a.At)
		l, h := 5000*(a.UTC-a.At)-w, 5000*(a.UTC-a.At)+w
		switch {
		case i == 0:
			low, high = l, h
		case conflict:
			low, high = min(low, l), max(high, h)
		default:
			low, high = max(low, l), min(high, h)
		}
	}
	floor := func(v int64) int64 { return int64(math.Floor(float64(v) / 5000)) }
	low, high = floor(low), -floor(-high)
	return tick + low + int64(math.Floor(float64(high-low)/2)), conflict, true
}

func (n *naive) points(sensor string) []point {
	if p, ok := n.dated[sensor]; ok {
		return p
	}
	var all []point
	for _, r := range n.readings {
		if r.sensor != sensor {
			continue
		}
		utc, conflict, ok := date(n.anchors[fmt.Sprintf("%s/%d", r.gateway, r.boot)], r.tick)
		if !ok {
			continue
		}
		p := point{at: utc, value: r.value}
		if r.quality != reading.OK {
			p.state = 1
		}
		if conflict {
			p.state = 2
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	if n.dated == nil {
		n.dated = map[string][]point{}
	}
	n.dated[sensor] = all
	return all
}

// usable gives the samples of a sensor, those of one instant averaged.
func (n *naive) usable(sensor string) (out []thermal.Sample) {
	sums, counts := map[int64]int64{}, map[int64]int64{}
	for _, p := range n.points(sensor) {
		if p.state == 0 {
			sums[p.at] += int64(p.value)
			counts[p.at]++
		}
	}
	for at, sum := range sums {
		out = append(out, thermal.Sample{At: at, Value: thermal.Temp(math.Floor(float64(sum) / float64(counts[at])))})
	}
	slices.SortFunc(out, func(a, b thermal.Sample) int { return cmp.Compare(a.At, b.At) })
	return out
}

// where gives the statement that holds for a subject at an instant.
func (n *naive) where(subject fact.Ref, at int64) *fact.Attached {
	var best *fact.Attached
	for i := range n.statements {
		s := &n.statements[i]
		if s.Subject != subject || s.Corrects != "" {
			continue
		}
		for { // follow corrections
			var by *fact.Attached
			for k := range n.statements {
				c := &n.statements[k]
				if c.Corrects == s.ID && c.Subject == subject && (by == nil || c.Made > by.Made || c.Made == by.Made && c.ID > by.ID) {
					by = c
				}
			}
			if by == nil {
				break
			}
			s = by
		}
		if s.Withdrawn || s.At > at {
			continue
		}
		if best == nil || s.At > best.At || s.At == best.At && (s.Made > best.Made || s.Made == best.Made && s.ID > best.ID) {
			best = s
		}
	}
	return best
}

type candidate struct {
	sensor, name string
	order        string
}

// candidates gives who can vouch for a package at an instant, in order.
func (n *naive) candidates(pkg fact.Ref, at int64) (out []candidate, known bool) {
	in := func(thing fact.Ref, tier int) {
		for _, r := range n.subjects() {
			s := n.where(r, at)
			if s == nil || s.In == nil || *s.In != thing {
				continue
			}
			switch r.Kind {
			case fact.Sensor:
				out = append(out, candidate{r.ID, r.String() + " in " + thing.String(), fmt.Sprintf("%d %02d sensor %s", tier, s.Rank, r.ID)})
			case fact.Logger:
				for _, c := range n.subjects() {
					if w := n.where(c, at); c.Kind == fact.Sensor && w != nil && w.In != nil && *w.In == r {
						out = append(out, candidate{c.ID, c.String() + " in " + r.String() + " in " + thing.String(),
							fmt.Sprintf("%d %02d logger %s %02d %s", tier, s.Rank, r.ID, w.Rank, c.ID)})
					}
				}
			}
		}
	}
	in(pkg, 0)
	if s := n.where(pkg, at); s != nil && s.In != nil {
		known = true
		if s.In.Kind == fact.Tote {
			in(*s.In, 1)
			if w := n.where(*s.In, at); w != nil && w.In != nil {
				in(*w.In, 2)
			}
		} else {
			in(*s.In, 2)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].order < out[j].order })
	return out, known
}

func (n *naive) subjects() (out []fact.Ref) {
	seen := map[fact.Ref]bool{}
	for _, s := range n.statements {
		if !seen[s.Subject] {
			seen[s.Subject] = true
			out = append(out, s.Subject)
		}
	}
	return out
}

func newestOf[T any](all []versioned[T], id func(T) string, want string) (out T) {
	best := int64(-1)
	for _, v := range all {
		if id(v.record) == want && v.version > best {
			best, out = v.version, v.record
		}
	}
	return out
}

// refuses says why a profile does not take a sensor at an instant.
func (n *naive) refuses(p *thermal.Profile, sensor string, at int64) string {
	certified, told, good := false, false, false
	seen := map[string]bool{}
	for _, c := range n.certs {
		if seen[c.record.ID] {
			continue
		}
		seen[c.record.ID] = true
		r := newestOf(n.certs, func(r fact.CalibrationRecord) string { return r.ID }, c.record.ID)
		if r.Sensor == sensor && r.From <= at && at < r.Until {
			certified = true
			told = told || r.Accuracy > 0
			good = good || r.Accuracy > 0 && r.Accuracy <= p.Accuracy
		}
	}
	if own := newestOf(n.sensors, func(r fact.SensorRecord) string { return r.ID }, sensor).Accuracy; !told {
		good = own > 0 && own <= p.Accuracy
	}
	switch {
	case p.Calibration && !certified:
		return "no valid calibration"
	case p.Accuracy > 0 && !good:
		return "sensor not accurate"
	}
	return ""
}

// covered reports whether an instant lies between two readings that are close
// enough.
func covered(samples []thermal.Sample, at, gap int64) bool {
	i := sort.Search(len(samples), func(i int) bool { return samples[i].At > at })
	return i > 0 && i < len(samples) && samples[i].At-samples[i-1].At <= gap
}

// span is a run of instants at which the same is known.
type span struct {
	from, to int64
	source   string // "" where nobody vouches
	sensor   string
	reason   string
	first    string // of the candidates
	leg      string // all candidates
}

func (n *naive) history(pkg fact.Ref, p *thermal.Profile, from, to int64) thermal.History {
	samples := map[string][]thermal.Sample{}
	for _, s := range n.subjects() {
		if s.Kind == fact.Sensor {
			samples[s.ID] = n.usable(s.ID)
		}
	}
	// What is stated changes at the times of statements alone.
	var cuts []int64
	for _, s := range n.statements {
		cuts = append(cuts, s.At)
	}
	var spans []span
	var list []candidate
	var known bool
	for at := from; at < to; at++ {
		if at == from || slices.Contains(cuts, at) {
			list, known = n.candidates(pkg, at)
		}
		s := span{from: at, to: at + 1, leg: fmt.Sprint(known)}
		for _, c := range list {
			s.leg += " " + c.name
		}
		for _, c := range list {
			if covered(samples[c.sensor], at, p.LongestGap) && n.refuses(p, c.sensor, at) == "" {
				s.source, s.sensor = c.name, c.sensor
				break
			}
		}
		switch {
		case s.source != "":
			s.leg = ""
		case len(list) == 0 && known:
			s.reason, s.leg = "no sensor", ""
		case len(list) == 0:
			s.reason, s.leg = "no attachment", ""
		default:
			s.first = list[0].sensor
			if covered(samples[s.first], at, p.LongestGap) {
				s.reason = n.refuses(p, s.first, at)
			}
		}
		if k := len(spans) - 1; k >= 0 && spans[k].source == s.source && spans[k].reason == s.reason && spans[k].leg == s.leg && spans[k].first == s.first {
			spans[k].to = s.to
			continue
		}
		spans = append(spans, s)
	}
	h := thermal.History{From: from, To: to, Stretches: []thermal.Stretch{}, Unmonitored: []thermal.Unmonitored{}}
	for _, s := range spans {
		if s.source != "" {
			st := thermal.Stretch{From: s.from, To: s.to, Source: s.source}
			all := samples[s.sensor]
			a, b := 0, len(all)-1
			for a+1 < len(all) && all[a+1].At <= s.from {
				a++
			}
			for b > 0 && all[b-1].At >= s.to {
				b--
			}
			st.Samples = all[a : b+1]
			h.Stretches = append(h.Stretches, st)
			continue
		}
		if s.reason == "" {
			s.reason = n.silent(s)
		}
		if k := len(h.Unmonitored) - 1; k >= 0 && h.Unmonitored[k].To == s.from && h.Unmonitored[k].Reason == s.reason {
			h.Unmonitored[k].To = s.to
			continue
		}
		h.Unmonitored = append(h.Unmonitored, thermal.Unmonitored{From: s.from, To: s.to, Reason: s.reason})
	}
	return h
}

// silent says why the first candidate has no usable readings in a span.
func (n *naive) silent(s span) string {
	worst := 0
	for _, p := range n.points(s.first) {
		if p.at >= s.from && p.at < s.to {
			worst = max(worst, p.state)
		}
	}
	switch worst {
	case 2:
		return "clock sources in conflict"
	case 1:
		return "bad readings"
	}
	// Undated boots lie between the dated ones around them.
	type boot struct{ number, first, last int64 }
	boots := map[int64]*boot{}
	gateway := ""
	for _, r := range n.readings {
		if r.sensor != s.first {
			continue
		}
		gateway = r.gateway
		b := boots[int64(r.boot)]
		if b == nil {
			b = &boot{int64(r.boot), r.tick, r.tick}
			boots[b.number] = b
		}
		b.first, b.last = min(b.first, r.tick), max(b.last, r.tick)
	}
	for _, u := range boots {
		if len(n.anchors[fmt.Sprintf("%s/%d", gateway, u.number)]) > 0 {
			continue
		}
		from, to := int64(math.MinInt64), int64(math.MaxInt64)
		for _, d := range boots {
			a := n.anchors[fmt.Sprintf("%s/%d", gateway, d.number)]
			if first, _, ok := date(a, d.first); ok && d.number > u.number {
				to = min(to, first)
			}
			if last, _, ok := date(a, d.last); ok && d.number < u.number {
				from = max(from, last)
			}
		}
		if from < s.to && s.from < to {
			return "undated readings"
		}
	}
	return "sensor silent"
}
