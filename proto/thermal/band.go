package thermal

// band measures the time within a range of temperatures: the labelled range, or
// that of a budget.
type band struct {
	low, high *edge // nil: open to that side

	in    bool
	since int64
	sum   int64 // ms within, up to since

	allowed, before int64 // of a budget
	broken          bool
	brokenAt        int64
}

// edge is passed by what is beyond it.
type edge struct {
	op Op
	at Temp
}

// labelled is the range of a profile, and where it does not say, what its
// limits leave.
func labelled(p *Profile) band {
	b := band{allowed: 1<<62 - 1}
	for i := range p.Limits {
		l := &p.Limits[i]
		c := cut(l.Op, l.At)
		if l.Op.upper() && (b.high == nil || c < cut(b.high.op, b.high.at)) {
			b.high = &edge{l.Op, l.At}
		}
		if !l.Op.upper() && (b.low == nil || c > cut(b.low.op, b.low.at)) {
			b.low = &edge{l.Op, l.At}
		}
	}
	if p.Low != nil {
		b.low = &edge{Below, *p.Low}
	}
	if p.High != nil {
		b.high = &edge{Above, *p.High}
	}
	return b
}

func (b *Budget) kind() BudgetKind {
	switch {
	case b.Kind != "":
		return b.Kind
	case b.Above != nil:
		return Heat
	}
	return Freeze
}

func budgetBand(b *Budget) band {
	x := band{allowed: b.Allowed}
	heat := b.kind() == Heat
	if b.Above != nil {
		x.low = &edge{AtOrBelow, *b.Above}
		if !heat {
			x.low.op = Below
		}
	}
	if b.Below != nil {
		x.high = &edge{AtOrAbove, *b.Below}
		if heat {
			x.high.op = Above
		}
	}
	return x
}

func (b *band) cuts() []Temp {
	var out []Temp
	for _, e := range []*edge{b.low, b.high} {
		if e != nil {
			out = append(out, cut(e.op, e.at))
		}
	}
	return out
}

// holds reports whether a temperature is in the band.
func (b *band) holds(t Temp) bool { return !b.low.passed(t) && !b.high.passed(t) }

// passed reports whether a temperature is beyond the edge.
func (e *edge) passed(t Temp) bool {
	switch {
	case e == nil:
		return false
	case t == e.at:
		return e.op.inclusive()
	}
	return e.op.upper() == (t > e.at)
}

// within reports whether the curve does not pass an edge at an instant.
func (e *edge) within(seg *segment, t int64) bool { return e == nil || !beyond(seg, t, e.op, e.at) }

func (b *band) enter(seg *segment, t int64) {
	b.settle(t)
	b.in, b.since = b.low.within(seg, t) && b.high.within(seg, t), t
}

// pass follows a line from at, where the state is that of the line.
func (b *band) pass(seg *segment, at, to int64) {
	b.settle(at)
	near, far := b.low, b.high // edges in the order in which the line meets them
	if seg.v1 < seg.v0 {
		near, far = far, near
	}
	from, until := at, to
	switch {
	case near.within(seg, at):
	case near.within(seg, to):
		from = seg.cross(near.at)
	default:
		from = to
	}
	switch {
	case far.within(seg, to):
	case far.within(seg, at):
		until = seg.cross(far.at)
	default:
		until = from
	}
	if until > from {
		b.add(from, until)
	}
	b.in, b.since = near.within(seg, to) && far.within(seg, to), to
}

// settle counts what is under way.
func (b *band) settle(t int64) {
	if b.in {
		b.add(b.since, t)
	}
	b.in = false
}

func (b *band) add(from, to int64) {
	n := to - from
	if left := b.allowed - b.before - b.sum; !b.broken && n > left {
		b.broken, b.brokenAt = true, from+left
	}
	b.sum += n
}
