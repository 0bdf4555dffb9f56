package join

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"frostline/proto/thermal"
)

// Dissent is a sensor that was in the same thing as the one that vouched, and by
// whose readings limits are broken that the verdict does not find broken. Rank
// and id decide which of several sensors vouches, and no verdict is made of two;
// so this is told beside the verdict, lest the worst that anybody saw be hidden.
// It changes no verdict.
type Dissent struct {
	Profile  string       `json:"profile"` // that judged, with Version and Product
	Version  int          `json:"version"`
	Product  string       `json:"product,omitempty"`
	Source   string       `json:"source"` // that dissents, named as in histories
	Limits   []string     `json:"limits"` // names, in the order of the profile
	At       int64        `json:"at"`     // when the first of them was broken, UTC, Unix ms
	Min      thermal.Temp `json:"min"`    // of its readings while another vouched
	Max      thermal.Temp `json:"max"`
	Compared int64        `json:"comparedMs"` // how long another vouched and it could have
}

// MaxCompared is how many sensors beside those that vouched are looked at for
// one judgement, the first by name. Each is read over the time of the package.
const MaxCompared = 32

// Dissents finds those who dissent from judgements that were made by Judge from
// the same readings, by key and source. Unheard is how many more sensors than
// MaxCompared there were. One sensor's readings are in memory at a time, if r
// keeps none.
func (c *Case) Dissents(ctx context.Context, r Readings, judged []Judgement) (dissent []Dissent, unheard int, err error) {
	dissent = []Dissent{}
	for i := range judged {
		j := &judged[i]
		k := slices.IndexFunc(c.Judges, func(o Judge) bool { return o.Key() == j.Key() })
		if k < 0 {
			return nil, 0, fmt.Errorf("dissent in package %s: it is not judged by profile %s version %d", c.Package, j.Profile, j.Version)
		}
		beside, err := c.Plan.beside(j.History.Stretches)
		if err != nil {
			return nil, 0, fmt.Errorf("dissent in package %s: %w", c.Package, err)
		}
		names := slices.Sorted(maps.Keys(beside))
		unheard += max(0, len(names)-MaxCompared)
		for _, name := range names[:min(len(names), MaxCompared)] {
			d, ok, err := c.dissent(ctx, r, &c.Judges[k].Profile, j, beside[name])
			if err != nil {
				return nil, 0, fmt.Errorf("dissent of %s in package %s by profile %s: %w", name, c.Package, j.Profile, err)
			}
			if ok {
				dissent = append(dissent, d)
			}
		}
	}
	return dissent, unheard, nil
}

// aside is a source that was in the same thing as the one that vouched, and
// when.
type aside struct {
	Source
	spans []Span
}

// beside gives, by name, who was in the same thing as those that vouched.
func (p *Plan) beside(stretches []thermal.Stretch) (map[string]*aside, error) {
	out := map[string]*aside{}
	for i := range p.Legs {
		l := &p.Legs[i]
		for len(stretches) > 0 && stretches[0].To <= l.From {
			stretches = stretches[1:]
		}
		if len(l.Sources) < 2 {
			continue
		}
		for k := range stretches {
			st := &stretches[k]
			if st.From >= l.To {
				break
			}
			who := slices.IndexFunc(l.Sources, func(s Source) bool { return s.Name() == st.Source })
			if who < 0 {
				return nil, fmt.Errorf("%s vouched from %d to %d and could not have", st.Source, st.From, st.To)
			}
			for n := range l.Sources {
				o := &l.Sources[n]
				if n == who || !o.with(&l.Sources[who]) {
					continue
				}
				a := out[o.Name()]
				if a == nil {
					a = &aside{Source: *o}
					out[o.Name()] = a
				}
				a.spans = append(a.spans, Span{max(l.From, st.From), min(l.To, st.To)})
			}
		}
	}
	return out, nil
}

// with reports whether two sources are in the same thing.
func (s *Source) with(o *Source) bool {
	return s.tier == o.tier && s.Via[len(s.Via)-1] == o.Via[len(o.Via)-1]
}

// dissent judges by a source where another one vouched and it could have.
func (c *Case) dissent(ctx context.Context, r Readings, p *thermal.Profile, j *Judgement, o *aside) (d Dissent, ok bool, err error) {
	b := c.Plan.builder(ctx, r, p)
	var own []thermal.Stretch
	for _, s := range o.spans {
		spans, err := b.vouched(o.Sensor, s)
		if err != nil {
			return d, false, err
		}
		t := b.tracks[o.Sensor]
		for _, v := range spans {
			if n := len(own) - 1; n >= 0 && own[n].To == v.From {
				own[n].To, own[n].Samples = v.To, t.stretch(Span{own[n].From, v.To})
				continue
			}
			own = append(own, thermal.Stretch{From: v.From, To: v.To, Source: o.Name(), Samples: t.stretch(v)})
		}
	}
	if len(own) == 0 {
		return d, false, nil
	}
	bare := *p // what a span allows by itself; means and budgets are of the whole
	bare.MKT, bare.Budgets = nil, nil
	v, err := thermal.Evaluate(&bare, &thermal.History{From: own[0].From, To: own[len(own)-1].To, Stretches: own})
	if err != nil {
		return d, false, err
	}
	d = Dissent{Profile: j.Profile, Version: j.Version, Product: j.Product, Source: o.Name(), Compared: v.Monitored}
	for i, l := range v.Limits {
		if l.Alarms == 0 || j.Verdict.Limits[i].Alarms > 0 {
			continue
		}
		if d.Limits = append(d.Limits, l.Limit); len(d.Limits) == 1 || l.AlarmAt < d.At {
			d.At = l.AlarmAt
		}
	}
	if len(d.Limits) == 0 {
		return d, false, nil
	}
	d.Min, d.Max = *v.Min, *v.Max
	return d, true, nil
}
