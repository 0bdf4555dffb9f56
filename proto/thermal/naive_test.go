package thermal

import (
	"math"
	"math/big"
	"slices"
)

// naive judges a history from THERMAL.md alone: exact fractions, everything in
// memory, no state kept from one question to the next. It shares no code with
// the evaluator.
type naive struct {
	p      *Profile
	h      *History
	pieces []nPiece
	gaps   []Unmonitored
}

// nPiece is a part of the line between two readings, closed at both ends.
type nPiece struct {
	t0, t1 int64
	v0, v1 Temp
	a, b   int64
	source string
}

func rat(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

func (p *nPiece) value(t *big.Rat) *big.Rat {
	if p.t0 == p.t1 {
		return rat(int64(p.v0))
	}
	x := new(big.Rat).Sub(t, rat(p.t0))
	x.Mul(x, big.NewRat(int64(p.v1-p.v0), p.t1-p.t0))
	return x.Add(x, rat(int64(p.v0)))
}

// round is to the nearest integer, halves up.
func round(r *big.Rat) int64 {
	n := new(big.Int).Mul(r.Num(), big.NewInt(2))
	n.Add(n, r.Denom())
	d := new(big.Int).Mul(r.Denom(), big.NewInt(2))
	q, m := new(big.Int).DivMod(n, d, new(big.Int)) // Euclidean, d > 0: floor
	_ = m
	return q.Int64()
}

func newNaive(p *Profile, h *History) *naive {
	n := &naive{p: p, h: h}
	type span struct {
		from, to int64
		reason   string
	}
	var lost []span
	covered := h.From
	say := func(to int64, reason string) {
		if to > covered {
			lost = append(lost, span{covered, to, reason})
			covered = to
		}
	}
	u := h.Unmonitored
	flush := func(before int64) {
		for len(u) > 0 && u[0].From < before {
			say(u[0].From, ReasonUntold)
			say(u[0].To, u[0].Reason)
			u = u[1:]
		}
	}
	for _, s := range h.Stretches {
		flush(s.From)
		say(s.From, ReasonUntold)
		put := func(x nPiece) {
			x.a, x.b = max(x.t0, s.From), min(x.t1, s.To)
			if x.a > x.b {
				return
			}
			x.source = s.Source
			n.pieces = append(n.pieces, x)
			covered = x.b
		}
		for i, x := range s.Samples {
			if i > 0 && s.Samples[i-1].At >= s.To {
				break
			}
			if i > 0 && x.At-s.Samples[i-1].At <= p.LongestGap {
				put(nPiece{t0: s.Samples[i-1].At, v0: s.Samples[i-1].Value, t1: x.At, v1: x.Value})
				continue
			}
			reason := ReasonNoReading
			if i > 0 {
				reason = ReasonLongGap
			}
			say(min(x.At, s.To), reason)
			put(nPiece{t0: x.At, t1: x.At, v0: x.Value, v1: x.Value})
		}
		say(s.To, ReasonNoReading)
	}
	flush(math.MaxInt64)
	say(h.To, ReasonUntold)
	for _, s := range lost {
		if k := len(n.gaps) - 1; k >= 0 && n.gaps[k].To == s.from && n.gaps[k].Reason == s.reason {
			n.gaps[k].To = s.to
			continue
		}
		n.gaps = append(n.gaps, Unmonitored{s.from, s.to, s.reason})
	}
	return n
}

// moment is the curve at a critical instant, or between two of them.
type moment struct {
	t     *big.Rat // where a change that shows here happened
	v     *big.Rat
	last  bool // knowledge ends after it
	n     int  // piece
	exact bool // not between
}

// moments follow the curve through all instants at which it meets a level.
func (n *naive) moments(levels ...Temp) []moment {
	var out []moment
	for i := range n.pieces {
		p := &n.pieces[i]
		at := []*big.Rat{rat(p.a), rat(p.b)}
		for _, l := range levels {
			if p.v0 == p.v1 {
				continue
			}
			t := big.NewRat(int64(l-p.v0), int64(p.v1-p.v0))
			t.Mul(t, rat(p.t1-p.t0)).Add(t, rat(p.t0))
			if t.Cmp(rat(p.a)) > 0 && t.Cmp(rat(p.b)) < 0 {
				at = append(at, t)
			}
		}
		slices.SortFunc(at, (*big.Rat).Cmp)
		for k, t := range at {
			if k > 0 && t.Cmp(at[k-1]) > 0 {
				half := new(big.Rat).Add(t, at[k-1])
				half.Mul(half, big.NewRat(1, 2))
				out = append(out, moment{t: at[k-1], v: p.value(half), n: i})
			}
			out = append(out, moment{t: t, v: p.value(t), n: i, exact: true})
		}
		out[len(out)-1].last = i+1 == len(n.pieces) || n.pieces[i+1].a != p.b
	}
	return out
}

func passed(v *big.Rat, op Op, at Temp) bool {
	switch c := v.Cmp(rat(int64(at))); op {
	case Above:
		return c > 0
	case AtOrAbove:
		return c >= 0
	case Below:
		return c < 0
	default:
		return c <= 0
	}
}

// doubled is twice the integral of the temperature over an interval of whole
// milliseconds, each line's from its first reading rounded.
func (n *naive) doubled(from, to int64) int64 {
	var sum int64
	for i := range n.pieces {
		p := &n.pieces[i]
		upTo := func(t int64) int64 {
			if p.t0 == p.t1 {
				return 0
			}
			x := new(big.Rat).Mul(new(big.Rat).Add(p.value(rat(t)), rat(int64(p.v0))), rat(t-p.t0))
			return round(x)
		}
		if a, b := max(from, p.a), min(to, p.b); a < b {
			sum += upTo(b) - upTo(a)
		}
	}
	return sum
}

// spans gives the maximal intervals in which a condition holds, crossings
// rounded; a jump of the curve where it holds on both sides joins them.
func (n *naive) spans(holds func(*big.Rat) bool, levels ...Temp) [][2]int64 {
	var out [][2]int64
	in, from := false, int64(0)
	for _, m := range n.moments(levels...) {
		t := round(m.t)
		if is := holds(m.v); is != in {
			if is {
				from = t
			} else {
				out = append(out, [2]int64{from, t})
			}
			in = is
		}
		if m.last && in {
			out, in = append(out, [2]int64{from, t}), false
		}
	}
	return out
}

// events of a limit.
func (n *naive) events(l *Limit) []Event {
	clear := l.At - l.Deadband
	if !l.Op.upper() {
		clear = l.At + l.Deadband
	}
	var out []Event
	var ev *Event
	var total int64
	run, since := false, int64(0)
	var area int64
	stop := func(t int64) {
		d, before := t-since, ev.Duration
		if l.Timer == Cumulative {
			before = total
		}
		if !ev.Broken && before+d >= l.Delay {
			ev.Broken, ev.Alarm = true, since+max(0, l.Delay-before)
		}
		x := n.doubled(since, t) - 2*int64(l.At)*d
		if l.Op == Below || l.Op == AtOrBelow {
			x = -x
		}
		area += x
		ev.Duration, total, run = ev.Duration+d, total+d, false
	}
	end := func(t int64, how string) {
		if run {
			stop(t)
		}
		ev.To, ev.Ended, ev.Area = t, how, float64(round(big.NewRat(max(0, area), 7200)))/1e6
		out, ev = append(out, *ev), nil
	}
	for _, m := range n.moments(l.At, clear) {
		t, v := round(m.t), round(m.v)
		if !m.exact {
			v = 0
		}
		switch is := passed(m.v, l.Op, l.At); {
		case is && ev == nil:
			if m.exact {
				ev = &Event{Peak: Temp(v), PeakAt: t}
			} else {
				ev = &Event{Peak: l.At, PeakAt: t}
			}
			ev.Limit, ev.Op, ev.At, ev.Severity, ev.From, ev.Source = l.Name, l.Op, l.At, l.Severity, t, n.pieces[m.n].source
			area = 0
			run, since = true, t
		case is && !run:
			run, since = true, t
		case !is && ev != nil:
			if run {
				stop(t)
			}
			if !passed(m.v, l.Op, clear) {
				end(t, Returned)
			}
		}
		if ev != nil && m.exact && (l.Op.upper() && Temp(v) > ev.Peak || !l.Op.upper() && Temp(v) < ev.Peak) {
			ev.Peak, ev.PeakAt = Temp(v), t
		}
		if m.last && ev != nil {
			how := Lost
			if t == n.h.To {
				how = Ongoing
			}
			end(t, how)
		}
	}
	return out
}

// kelvinMean is the mean kinetic temperature of an interval in thousandths of
// a degree, unrounded, and how much of it is monitored.
func (n *naive) kelvinMean(from, to int64) (float64, int64) {
	k := float64(n.p.Activation) / DefaultActivation * 10_000
	rate := func(v Temp) float64 { return math.Exp(-k / (float64(v)/1000 + 273.15)) }
	var sum float64
	var ms int64
	for i := range n.pieces {
		p := &n.pieces[i]
		a, b := max(from, p.a), min(to, p.b)
		if a >= b {
			continue
		}
		at := func(t int64) float64 {
			return rate(p.v0) + (rate(p.v1)-rate(p.v0))*float64(t-p.t0)/float64(p.t1-p.t0)
		}
		sum += (at(a) + at(b)) / 2 * float64(b-a)
		ms += b - a
	}
	return (k/-math.Log(sum/float64(ms)) - 273.15) * 1000, ms
}

// windows of the MKT rule.
func (n *naive) windows() [][2]int64 {
	r := n.p.MKT
	grid := r.Window / 720
	floor := func(t int64) int64 { return n.h.From + (t-n.h.From)/grid*grid }
	var out [][2]int64
	seen := map[[2]int64]bool{}
	add := func(w [2]int64) {
		if !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	spans := n.spans(func(v *big.Rat) bool { return passed(v, r.Op, r.Limit) }, r.Limit)
	if r.Anchor == AnchorLast {
		for _, s := range spans {
			if s[1]-r.Window < n.h.From {
				add([2]int64{n.h.From, min(n.h.From+r.Window, n.h.To)})
			} else {
				add([2]int64{min(floor(s[1]-r.Window), s[0]), s[1]})
			}
		}
		return out
	}
	last := map[int64]int64{}
	var begins []int64
	for _, s := range spans {
		b := floor(s[0])
		if _, ok := last[b]; !ok {
			begins = append(begins, b)
		}
		last[b] = max(last[b], s[1])
	}
	for _, b := range begins {
		add([2]int64{b, min(max(b+r.Window, last[b]), n.h.To)})
	}
	return out
}
