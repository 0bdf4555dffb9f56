package join

import "sort"

// lead is the source to whose newest reading an open package is judged.
type lead struct {
	end    int64 // of what is judged
	sensor string
	at     int64 // its newest usable reading
	ahead  int64 // the earliest usable reading after now
}

// fresh finds the first source in order, of those at the end of the plan, whose
// newest usable reading is no older than the longest gap and that may vouch
// then. Where there is none, the package is judged until now.
func (b *builder) fresh(now int64) (lead, error) {
	p := b.plan
	if len(p.Legs) == 0 { // it begins later
		return lead{end: p.To}, nil
	}
	for _, s := range p.Legs[len(p.Legs)-1].Sources {
		t, err := b.track(s.Sensor)
		if err != nil {
			return lead{}, err
		}
		i := sort.Search(len(t.samples), func(i int) bool { return t.samples[i].At > now }) - 1
		if i < 0 || now-t.samples[i].At > b.profile.LongestGap || !p.Takes(s.Sensor, b.profile, t.samples[i].At) {
			continue
		}
		return lead{end: max(p.From, t.samples[i].At), sensor: s.Sensor, at: t.samples[i].At}, nil
	}
	return lead{end: max(p.From, now)}, nil
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

// after gives the earliest usable reading after an instant, of the sensors that
// were read.
func (b *builder) after(now int64) int64 {
	first := int64(Open)
	for _, t := range b.tracks {
		if i := sort.Search(len(t.samples), func(i int) bool { return t.samples[i].At > now }); i < len(t.samples) && t.samples[i].At < t.until {
			first = min(first, t.samples[i].At)
		}
	}
	return first
}
