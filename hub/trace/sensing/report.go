package sensing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/custody/timeline"
	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
	"frostline/proto/thermal"
)

func compare(a, b *statement) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.topic, b.topic))
}

// engine begins the name of the method by which readings are judged.
const engine = "thermal-"

// near is within what a change of contents makes no cut of its own.
const near = 10 * minute

// cuts gives where reports of the package begin and end, in order: its packing,
// midnights, hand-overs, and its closing where that is known; between those,
// where units came or went.
func (p *parcel) cuts() []int64 {
	hard := []int64{p.from}
	for at := (p.from/day + 1) * day; at < p.to; at += day {
		hard = append(hard, at)
	}
	for _, h := range p.handed {
		if h.At >= p.from+minute && h.At <= p.to-minute { // at packing and closing there is a cut already
			hard = append(hard, h.At)
		}
	}
	if p.closed {
		hard = append(hard, p.to)
	}
	slices.Sort(hard)
	hard = slices.Compact(hard)
	var soft []int64
	for _, s := range p.contents {
		for _, at := range []int64{s.from, s.to} {
			if at > p.from && at < p.to && at != timeline.Open {
				soft = append(soft, at)
			}
		}
	}
	slices.Sort(soft)
	all, last := slices.Clone(hard), int64(-1)
	for _, at := range soft {
		i, found := slices.BinarySearch(hard, at)
		if found || i > 0 && at-hard[i-1] < near || i < len(hard) && hard[i]-at < near || last >= 0 && at-last < near {
			continue
		}
		all, last = append(all, at), at
	}
	slices.Sort(all)
	return all
}

// reports states what sensors reported of the package, span by span, and gives
// when there will be more to say, 0 for never. A span is reported once readings
// reach its end, or after grace.
func (p *parcel) reports(now, grace int64) (all []statement, again int64) {
	cuts := p.cuts()
	for i := 1; i < len(cuts); i++ {
		from, to := cuts[i-1], cuts[i]
		if to+grace > now && !p.known(to) {
			again = to + grace
			break
		}
		all = append(all, statement{
			topic: fmt.Sprintf("report %d", from), At: to, Step: "sensor_reporting", Action: epcis.Observe,
			Things: p.aboard(from, to), Place: p.place(to - 1), Shipment: p.shipment(from), Elements: p.elements(from, to),
		})
	}
	switch {
	case again != 0:
	case !p.closed:
		again = (now/day+1)*day + minute
	default:
		// Late readings that change no verdict in substance tell of nothing: look
		// a few times more.
		for _, later := range []int64{day, 7 * day, 28 * day} {
			if now < p.to+later {
				again = p.to + later
				break
			}
		}
	}
	return all, again
}

// known says whether every judge has readings up to an instant.
func (p *parcel) known(at int64) bool {
	for i := range p.judged {
		s := p.judged[i].History.Stretches
		if len(s) == 0 || s[len(s)-1].To < at {
			return false
		}
	}
	return len(p.judged) > 0
}

// mostElements bounds the elements of a report.
const mostElements = 200

// elements gives what each sensor reported in a span by each profile, and the
// stretches that nobody vouched for.
func (p *parcel) elements(from, to int64) (all []element) {
	for i := range p.judged {
		j := &p.judged[i]
		rules := rulesOf(j.Profile, j.Version, j.Product)
		sources := map[string]*tally{}
		for k := range j.History.Stretches {
			s := &j.History.Stretches[k]
			if s.From >= to || s.To <= from {
				continue
			}
			name := device(s.Source)
			if sources[name] == nil {
				sources[name] = &tally{}
			}
			sources[name].add(s, from, to)
		}
		for _, name := range keys(sources) {
			t := sources[name]
			if t.empty() {
				continue
			}
			r := t.report()
			all = append(all, element{From: t.from, To: t.to, Device: name, Rules: rules, Method: engine + j.Verdict.Engine, Proof: "profile=" + escape(j.Profile), Says: []report{r}})
		}
		for _, u := range holes(&j.History, from, to) {
			all = append(all, element{From: u.From, To: u.To, Rules: rules, Method: engine + j.Verdict.Engine, Says: []report{{Type: "Temperature", Exception: "ERROR_CONDITION"}}})
		}
	}
	if len(p.judged) == 0 { // there is nothing to judge it by, so nobody vouches
		all = append(all, element{From: from, To: to, Says: []report{{Type: "Temperature", Exception: "ERROR_CONDITION"}}})
	}
	return all
}

// holes gives what of a span nobody vouched for; of very many, neighbours are
// said as one, which says more to be unknown than is.
func holes(h *thermal.History, from, to int64) (all []thermal.Unmonitored) {
	add := func(a, b int64) {
		if a, b = max(a, from), min(b, to); a >= b {
			return
		}
		if n := len(all); n > 0 && (all[n-1].To == a || n == mostElements) {
			all[n-1].To = b
			return
		}
		all = append(all, thermal.Unmonitored{From: a, To: b})
	}
	add(from, h.From)
	for _, u := range h.Unmonitored {
		add(u.From, u.To)
	}
	add(h.To, to)
	return all
}

// verdicts states, once the watch has ended, what each profile says of all of
// it.
func (p *parcel) verdicts() (all []statement) {
	if !p.closed {
		return nil
	}
	for i := range p.judged {
		j := &p.judged[i]
		v := &j.Verdict
		e := element{From: v.From, To: v.To, Rules: rulesOf(j.Profile, j.Version, j.Product), Method: engine + v.Engine, Proof: "verdict=sha256:" + j.Digest}
		whole := report{Type: "Temperature", Min: v.Min, Max: v.Max, Mean: v.Mean}
		switch v.Outcome {
		case thermal.Excursion:
			whole.Exception = "ALARM_CONDITION"
		case thermal.Unknown:
			whole.Exception = "ERROR_CONDITION"
		}
		e.Says = []report{whole}
		if v.MKT != nil {
			value := v.MKT.Value
			e.Says = append(e.Says, report{Type: "Temperature", Value: &value, Method: engine + v.Engine + "-mkt"})
		}
		things := []string{p.ref.String()}
		for _, t := range p.aboard(p.from, p.to) {
			if strings.HasPrefix(t, string(fact.Unit)) && p.stayed(t) {
				things = append(things, t)
			}
		}
		all = append(all, statement{
			topic: "verdict " + e.Rules, At: p.to, Step: "sensor_reporting",
			Action: epcis.Observe, Things: things, Place: p.place(p.to - 1), Shipment: p.shipment(p.to - 1), Elements: []element{e},
		})
	}
	return all
}

// stayed says whether a unit was in the package all the time that it was
// watched: only then the verdict is one of the unit too.
func (p *parcel) stayed(unit string) bool {
	return slices.ContainsFunc(p.contents, func(s stay) bool {
		return s.unit == unit && s.from < p.from+near && s.to > p.to-near
	})
}
