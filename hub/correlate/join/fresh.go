package join

import "sort"

// fresh finds the first source in order, of those at the end of the plan, whose
// newest usable reading is no older than the longest gap and that may vouch
// then. It gives the time of that reading, or now and "" where there is none.
func (b *builder) fresh(now int64) (end int64, sensor string, err error) {
	p := b.plan
	if len(p.Legs) == 0 {
		return max(p.From, min(now, p.To)), "", nil
	}
	for _, s := range p.Legs[len(p.Legs)-1].Sources {
		t, err := b.track(s.Sensor)
		if err != nil {
			return 0, "", err
		}
		i := sort.Search(len(t.samples), func(i int) bool { return t.samples[i].At > now }) - 1
		if i < 0 || now-t.samples[i].At > b.profile.LongestGap || b.plan.rule(s.Sensor, b.profile, t.samples[i].At) != "" {
			continue
		}
		return max(p.From, t.samples[i].At), s.Sensor, nil
	}
	return max(p.From, now), "", nil
}

// cut ends the plan earlier.
func (b *builder) cut(to int64) {
	p := *b.plan
	p.To = to
	i := sort.Search(len(p.Legs), func(i int) bool { return p.Legs[i].From >= to })
	p.Legs = append([]Leg(nil), p.Legs[:i]...)
	if i > 0 {
		p.Legs[i-1].To = to
	}
	b.plan, b.out.To = &p, to
}
