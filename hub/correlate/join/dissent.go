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

// Dissents finds those who dissent from judgements that were made by Judge from
// the same readings, by key and source. A Shelf saves reading twice.
func (c *Case) Dissents(ctx context.Context, r Readings, judged []Judgement) ([]Dissent, error) {
	out := []Dissent{}
	for i := range judged {
		j := &judged[i]
		k := slices.IndexFunc(c.Judges, func(o Judge) bool { return o.Key() == j.Key() })
		if k < 0 {
			return nil, fmt.Errorf("dissent in package %s: it is not judged by profile %s version %d", c.Package, j.Profile, j.Version)
		}
		found, err := c.dissents(ctx, r, &c.Judges[k].Profile, j)
		if err != nil {
			return nil, fmt.Errorf("dissent in package %s by profile %s: %w", c.Package, j.Profile, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

func (c *Case) dissents(ctx context.Context, r Readings, p *thermal.Profile, j *Judgement) ([]Dissent, error) {
	b := c.Plan.builder(ctx, r, p)
	b.ahead = c.Open()
	b.cut(j.History.To)
	others, err := b.others(j.History.Stretches)
	if err != nil {
		return nil, err
	}
	bare := *p // what a span allows by itself; means and budgets are of the whole
	bare.MKT, bare.Budgets = nil, nil
	var out []Dissent
	for _, name := range slices.Sorted(maps.Keys(others)) {
		own := others[name]
		v, err := thermal.Evaluate(&bare, &thermal.History{From: own[0].From, To: own[len(own)-1].To, Stretches: own})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		d := Dissent{Profile: j.Profile, Version: j.Version, Product: j.Product, Source: name, Compared: v.Monitored}
		for i, l := range v.Limits {
			if l.Alarms == 0 || j.Verdict.Limits[i].Alarms > 0 {
				continue
			}
			if d.Limits = append(d.Limits, l.Limit); len(d.Limits) == 1 || l.AlarmAt < d.At {
				d.At = l.AlarmAt
			}
		}
		if len(d.Limits) > 0 {
			d.Min, d.Max = *v.Min, *v.Max
			out = append(out, d)
		}
	}
	return out, nil
}

// others gives, by name, what the sources tell that could have vouched while
// another one in the same thing did.
func (b *builder) others(stretches []thermal.Stretch) (map[string][]thermal.Stretch, error) {
	out := map[string][]thermal.Stretch{}
	for i := range b.plan.Legs {
		l := &b.plan.Legs[i]
		for len(stretches) > 0 && stretches[0].To <= l.From {
			stretches = stretches[1:]
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
				spans, err := b.vouched(o.Sensor, Span{max(l.From, st.From), min(l.To, st.To)})
				if err != nil {
					return nil, err
				}
				for _, s := range spans {
					out[o.Name()] = b.follow(out[o.Name()], o, s)
				}
			}
		}
	}
	return out, nil
}

// with reports whether two sources are in the same thing.
func (s *Source) with(o *Source) bool {
	return s.tier == o.tier && s.Via[len(s.Via)-1] == o.Via[len(o.Via)-1]
}

// follow adds a span to the stretches of a source.
func (b *builder) follow(list []thermal.Stretch, o *Source, s Span) []thermal.Stretch {
	t := b.tracks[o.Sensor]
	if n := len(list) - 1; n >= 0 && list[n].To == s.From {
		list[n].To, list[n].Samples = s.To, t.stretch(Span{list[n].From, s.To})
		return list
	}
	return append(list, thermal.Stretch{From: s.From, To: s.To, Source: o.Name(), Samples: t.stretch(s)})
}
