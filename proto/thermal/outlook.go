package thermal

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ErrNoCourse is wrapped where readings do not show a course.
var ErrNoCourse = errors.New("no course")

// TimeTo is how long a first-order system takes from one temperature to
// another, all in degrees Celsius: t* = τ·ln((T0−Ta)/(Tlim−Ta)). It is false
// where the limit does not lie between the temperature and what it tends to.
func TimeTo(now, ambient, limit float64, tau time.Duration) (time.Duration, bool) {
	if !(tau > 0) || !(now < limit && limit < ambient || now > limit && limit > ambient) {
		return 0, false
	}
	t := float64(tau) * math.Log((now-ambient)/(limit-ambient))
	return time.Duration(t), t < math.MaxInt64
}

// Ambient is what three temperatures at equal intervals tend to, in degrees, if
// they follow Newton's law: (T1²−T0·T2)/(2·T1−T0−T2).
func Ambient(t0, t1, t2 float64) float64 { return (t1*t1 - t0*t2) / (2*t1 - t0 - t2) }

// Course is a first-order thermal model: T(t) = Ambient + (Now−Ambient)·exp(−(t−At)/Tau).
type Course struct {
	At      int64         // Unix ms
	Now     float64       // °C, at At
	Ambient float64       // °C, what it tends to; meaningless without Tau
	Tau     time.Duration // 0: a straight line by Slope, as of a large Tau
	Slope   float64       // K/h at At
	Noise   float64       // K, standard deviation of the readings about the course
}

// minCourse is how many readings show a course.
const minCourse = 6

// FitCourse fits a course to readings in the order of time. It averages them in
// thirds of equal length, of which Newton's law gives the course in closed form;
// what noise does to it, Outlook says.
func FitCourse(s []Sample) (Course, error) {
	if len(s) < minCourse {
		return Course{}, fmt.Errorf("%w: %d readings: want at least %d", ErrNoCourse, len(s), minCourse)
	}
	first, last := s[0].At, s[len(s)-1].At
	span := last - first
	if span < 3*second {
		return Course{}, fmt.Errorf("%w: readings span %d ms: want at least 3000", ErrNoCourse, span)
	}
	var sum [3]float64
	third := float64(span) / 3
	// The mean of each third is that of the curve, not of the readings, so that
	// uneven readings do no harm.
	for i := 1; i < len(s); i++ {
		a, b := s[i-1], s[i]
		if b.At <= a.At {
			return Course{}, fmt.Errorf("%w: reading at %d is not after the one before", ErrNoCourse, b.At)
		}
		for k := range sum {
			from, to := max(float64(a.At-first), float64(k)*third), min(float64(b.At-first), float64(k+1)*third)
			if from >= to {
				continue
			}
			at := func(x float64) float64 {
				return a.Value.Celsius() + (b.Value-a.Value).Celsius()*(x-float64(a.At-first))/float64(b.At-a.At)
			}
			sum[k] += (at(from) + at(to)) / 2 * (to - from)
		}
	}
	m0, m1, m2 := sum[0]/third, sum[1]/third, sum[2]/third
	c := Course{At: last}
	ratio := (m2 - m1) / (m1 - m0)
	if !(ratio > 0 && ratio < 0.98) || math.IsInf(ratio, 0) {
		// A straight line, or faster than one: the least squares say how steep.
		c.straight(s)
	} else {
		tau := -third / math.Log(ratio)
		c.Tau, c.Ambient = time.Duration(tau*float64(time.Millisecond)), Ambient(m0, m1, m2)
		// The mean over the last third lies between its ends; the end follows.
		q := math.Exp(-third / tau)
		c.Now = c.Ambient + (m2-c.Ambient)*(third/tau)*q/(1-q)
		c.Slope = (c.Ambient - c.Now) / tau * float64(hour)
	}
	var squares float64
	for _, x := range s {
		d := x.Value.Celsius() - c.value(x.At)
		squares += d * d
	}
	c.Noise = math.Sqrt(squares / float64(len(s)-3))
	return c, nil
}

func (c *Course) straight(s []Sample) {
	var n, st, sv, stt, stv float64
	for _, x := range s {
		t, v := float64(x.At-c.At)/float64(hour), x.Value.Celsius()
		n, st, sv, stt, stv = n+1, st+t, sv+v, stt+t*t, stv+t*v
	}
	c.Slope = (n*stv - st*sv) / (n*stt - st*st)
	c.Now = (sv - c.Slope*st) / n
}

func (c *Course) value(at int64) float64 {
	t := float64(at - c.At)
	if c.Tau == 0 {
		return c.Now + c.Slope*t/float64(hour)
	}
	return c.Ambient + (c.Now-c.Ambient)*math.Exp(-t/(float64(c.Tau)/float64(time.Millisecond)))
}

// to gives the time to a limit, and false when it is not on this course.
func (c *Course) to(limit float64) (time.Duration, bool) {
	if c.Tau > 0 {
		return TimeTo(c.Now, c.Ambient, limit, c.Tau)
	}
	h := (limit - c.Now) / c.Slope
	if !(h > 0) || h*float64(time.Hour) > math.MaxInt64/2 {
		return 0, false
	}
	return time.Duration(h * float64(time.Hour)), true
}

// maxAhead is how far an estimate is worth anything.
const maxAhead = 7 * 24 * time.Hour

// Outlook is an estimate of when a limit will be reached. It is no evidence: no
// verdict and no disposition depends on it.
type Outlook struct {
	Limit    string   `json:"limit"`
	At       Temp     `json:"at"`
	Severity Severity `json:"severity"`
	Estimate bool     `json:"estimate"` // always true
	OnCourse bool     `json:"onCourse"`
	Why      string   `json:"why,omitempty"` // not on course
	// Reached is when, and Earliest and Latest the interval, Unix ms; Latest 0
	// is open: it may never be.
	Reached  int64         `json:"reached,omitempty"`
	Earliest int64         `json:"earliest,omitempty"`
	Latest   int64         `json:"latest,omitempty"`
	Tau      time.Duration `json:"tauNs,omitempty"`   // 0: a straight line
	Ambient  *Temp         `json:"ambient,omitempty"` // what it tends to
}

// Outlooks estimates for each limit of a profile when it will be reached if the
// box goes on as its readings show, of which the newest are enough: an hour or
// two. The interval holds what the readings' halves, their noise, and a change
// of pace by a quarter say. A pack that is melting holds its temperature: the
// limit is then not on this course, whatever comes when it has melted.
func Outlooks(p *Profile, recent []Sample) ([]Outlook, error) {
	courses, err := fitCourses(recent)
	if err != nil {
		return nil, err
	}
	c := courses[0]
	out := make([]Outlook, len(p.Limits))
	left := c.left(recent)
	for i := range p.Limits {
		out[i] = outlook(&p.Limits[i], c, courses, float64(recent[len(recent)-1].At-recent[0].At)/float64(hour), left)
		if p.Limits[i].reached(recent[len(recent)-1].Value) { // whatever the course has of it
			out[i] = Outlook{Limit: p.Limits[i].Name, At: p.Limits[i].At, Severity: p.Limits[i].Severity, Estimate: true, Why: whyPassed}
		}
	}
	return out, nil
}

// fitCourses fits the course of readings, and after it those that parts of them
// show.
func fitCourses(recent []Sample) ([]Course, error) {
	c, err := FitCourse(recent)
	if err != nil {
		return nil, err
	}
	courses := []Course{c}
	for _, part := range [][]Sample{recent[len(recent)/2:], recent[len(recent)/4:]} {
		if x, err := FitCourse(part); err == nil {
			courses = append(courses, x)
		}
	}
	line := Course{At: c.At}
	line.straight(recent[len(recent)/2:])
	return append(courses, line), nil
}

// left reports whether the newest quarter of the readings, beyond doubt by its
// own noise, goes less than half as fast as the course does there, or the
// other way: a room that has come back to its thermostat is not on its way to
// the other limit. Few readings say nothing of it.
func (c *Course) left(s []Sample) bool {
	newest := s[len(s)-len(s)/4:]
	n := float64(len(newest))
	if n < minCourse {
		return false
	}
	first, last := newest[0].At, newest[len(newest)-1].At
	line := Course{At: c.At}
	line.straight(newest)
	var squares float64
	for _, x := range newest {
		d := x.Value.Celsius() - line.value(x.At)
		squares += d * d
	}
	// Twice the standard error of what a line goes over its span, for even readings.
	doubt := 2 * math.Sqrt(squares/(n-2)*12/n)
	went, goes := line.value(last)-line.value(first), c.value(last)-c.value(first)
	return went*math.Copysign(1, goes)+doubt < math.Abs(goes)/2
}

const whyPassed = "the limit is passed already"

// reached reports whether a reading is at a limit or beyond it.
func (l *Limit) reached(t Temp) bool { return l.Op.upper() && t >= l.At || !l.Op.upper() && t <= l.At }

func outlook(l *Limit, c Course, courses []Course, span float64, left bool) Outlook {
	o := Outlook{Limit: l.Name, At: l.At, Severity: l.Severity, Estimate: true}
	limit := l.At.Celsius()
	switch {
	case l.Op.upper() && c.Now >= limit || !l.Op.upper() && c.Now <= limit:
		o.Why = whyPassed
		return o
	case math.Abs(c.Slope)*span < max(2*c.Noise, 0.05):
		o.Why = "not on this course: the temperature holds; a melting pack holds it too, until it has melted"
		return o
	case left:
		o.Why = "not on this course: the newest readings do not go there"
		return o
	}
	t, ok := c.to(limit)
	if ok && t > maxAhead {
		o.Why = "not on this course within 7 days"
		return o
	}
	if !ok {
		o.Why = "not on this course: the limit does not lie between the temperature and what it tends to"
		return o
	}
	o.OnCourse, o.Tau = true, c.Tau
	if c.Tau > 0 {
		a := Temp(math.Round(min(max(c.Ambient, -273.15), MaxTemp.Celsius()) * 1000))
		o.Ambient = &a
	}
	times := []time.Duration{t * 3 / 4, t * 5 / 4}
	open := false
	for _, x := range courses {
		for _, noise := range []float64{-2 * c.Noise, 2 * c.Noise} {
			y := x
			y.Now += noise
			switch d, ok := y.to(limit); {
			case ok:
				times = append(times, d)
			case l.Op.upper() && y.Now >= limit || !l.Op.upper() && y.Now <= limit:
				times = append(times, 0)
			default:
				open = true
			}
		}
	}
	o.Reached = c.At + t.Milliseconds()
	o.Earliest = c.At + slices.Min(times).Milliseconds()
	if latest := slices.Max(times); !open && latest <= maxAhead {
		o.Latest = c.At + latest.Milliseconds()
	}
	return o
}
