package join

import (
	"cmp"
	"slices"

	"frostline/proto/thermal"
)

// certificate is a calibration as far as it decides who vouches.
type certificate struct {
	Span
	accuracy
}

// accuracy is ±, 0 where nobody has told.
type accuracy thermal.Temp

// certificates gives the calibrations of a sensor, and the accuracy that
// people say it has.
func (f *Facts) certificates(sensor string) ([]certificate, accuracy) {
	var out []certificate
	for id := range f.certified[sensor] {
		if c := f.calibrations[id].record; c.Sensor == sensor && c.From < c.Until {
			out = append(out, certificate{Span{c.From, c.Until}, accuracy(c.Accuracy)})
		}
	}
	slices.SortFunc(out, func(a, b certificate) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.accuracy, b.accuracy))
	})
	return out, accuracy(f.sensors[sensor].record.Accuracy)
}

// ruled is a span with why a sensor cannot vouch in it; "" where it can.
type ruled struct {
	Span
	reason string
}

// eligible cuts a span by whether a profile takes the sensor.
func (p *Plan) eligible(sensor string, profile *thermal.Profile, s Span) []ruled {
	if !profile.Calibration && profile.Accuracy == 0 {
		return []ruled{{s, ""}}
	}
	cuts := []int64{s.From, s.To}
	for _, c := range p.rules[sensor] {
		cuts = append(cuts, max(s.From, min(c.From, s.To)), max(s.From, min(c.To, s.To)))
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var out []ruled
	for i := 1; i < len(cuts); i++ {
		r := ruled{Span{cuts[i-1], cuts[i]}, p.rule(sensor, profile, cuts[i-1])}
		if n := len(out); n > 0 && out[n-1].reason == r.reason {
			out[n-1].To = r.To
		} else {
			out = append(out, r)
		}
	}
	return out
}

// rule says why a profile does not take a sensor at an instant.
func (p *Plan) rule(sensor string, profile *thermal.Profile, at int64) string {
	certified, told, good := false, false, false
	for _, c := range p.rules[sensor] {
		if c.From <= at && at < c.To {
			certified = true
			told = told || c.accuracy > 0
			good = good || c.accuracy > 0 && thermal.Temp(c.accuracy) <= profile.Accuracy
		}
	}
	if !told {
		a := p.known[sensor]
		good = a > 0 && thermal.Temp(a) <= profile.Accuracy
	}
	switch {
	case profile.Calibration && !certified:
		return NoCalibration
	case profile.Accuracy > 0 && !good:
		return NotAccurate
	}
	return ""
}

// Changes gives the first instant after at when the sensors that a profile
// takes may be others; Open where there is none.
func (p *Plan) Changes(profile *thermal.Profile, at int64) int64 {
	next := int64(Open)
	if !profile.Calibration && profile.Accuracy == 0 {
		return next
	}
	for _, of := range p.rules {
		for _, c := range of {
			for _, t := range []int64{c.From, c.To} {
				if t > at {
					next = min(next, t)
				}
			}
		}
	}
	return next
}

// Takes reports whether a profile takes a sensor at an instant.
func (p *Plan) Takes(sensor string, profile *thermal.Profile, at int64) bool {
	return p.rule(sensor, profile, at) == ""
}
