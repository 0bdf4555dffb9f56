package thermal

import "slices"

// gridCells is how many cells of its grid an MKT window spans. Windows begin on
// the grid, so that what must be remembered is bounded.
const gridCells = 720

// kinetic judges the MKT rule of a profile.
type kinetic struct {
	rule  *MKTRule
	rates *rates
	from  int64
	grid  int64
	tick  int64  // next instant of the grid
	next  int64  // and its number
	last  sums   // at the instant of the grid before tick
	ring  []cell // of the last instants of the grid, by number modulo ringSize; for AnchorLast

	in    bool   // an excursion is under way
	begin sums   // where
	early bool   // one ended while the first window was not full; for AnchorLast
	due   []sums // begins of windows that are not full; for AnchorFollowing

	windows  int64
	latest   MKTWindow // judged
	worst    MKTWindow
	broken   bool
	brokenAt int64
}

const ringSize = gridCells + 2

// sums are those of the evaluator at an instant.
type sums struct {
	at   int64
	heat float64
	ms   int64
}

// cell is sums at an instant of the grid.
type cell struct {
	heat float64
	ms   int64
}

func newKinetic(r *MKTRule, rates *rates, from int64) *kinetic {
	k := &kinetic{rule: r, rates: rates, from: from, grid: r.Window / gridCells}
	k.mark(sums{at: from})
	return k
}

func (k *kinetic) clone() *kinetic {
	if k == nil {
		return nil
	}
	c := *k
	c.ring, c.due = slices.Clone(k.ring), slices.Clone(k.due)
	return &c
}

// mark passes an instant of the grid.
func (k *kinetic) mark(s sums) {
	n := k.next
	k.next, k.tick, k.last = n+1, s.at+k.grid, s
	if k.rule.Anchor == AnchorLast {
		if len(k.ring) < ringSize {
			k.ring = append(k.ring, cell{s.heat, s.ms})
		} else {
			k.ring[n%ringSize] = cell{s.heat, s.ms}
		}
	}
	if k.early && n == gridCells {
		k.early = false
		k.judge(sums{at: k.from}, s)
	}
	for len(k.due) > 0 && k.due[0].at+k.rule.Window <= s.at && !(k.in && len(k.due) == 1) {
		k.judge(k.due[0], s)
		k.due = k.due[1:]
	}
}

// enter compares the state with a curve that begins or goes on at e.at.
func (k *kinetic) enter(e *Evaluator, seg *segment) {
	switch is := beyond(seg, e.at, k.rule.Op, k.rule.Limit); {
	case is && !k.in:
		k.start(sums{e.at, e.heat, e.monitored})
	case !is:
		k.end(sums{e.at, e.heat, e.monitored})
	}
}

// pass follows a line from e.at to an instant, in the order of time.
func (k *kinetic) pass(e *Evaluator, seg *segment, to int64) {
	at := func(t int64) sums { return sums{t, e.heat + e.warmth(seg, t), e.monitored + t - e.at} }
	if is := beyond(seg, to, k.rule.Op, k.rule.Limit); is != k.in {
		c := seg.cross(k.rule.Limit)
		for k.tick <= c {
			k.mark(at(k.tick))
		}
		if is {
			k.start(at(c))
		} else {
			k.end(at(c))
		}
	}
	for k.tick <= to {
		k.mark(at(k.tick))
	}
}

// lose passes a span that is unmonitored, in which no excursion is under way.
func (k *kinetic) lose(e *Evaluator, to int64) {
	s := sums{heat: e.heat, ms: e.monitored}
	for n := 0; k.tick <= to; n++ {
		if n == ringSize { // all that waits for an instant of the grid is done
			if skip := (to-k.tick)/k.grid - ringSize; skip > 0 {
				k.next, k.tick = k.next+skip, k.tick+skip*k.grid
			}
		}
		s.at = k.tick
		k.mark(s)
	}
}

func (k *kinetic) start(s sums) {
	k.in, k.begin = true, s
	if k.rule.Anchor == AnchorFollowing && (len(k.due) == 0 || k.due[len(k.due)-1].at != k.last.at) {
		k.due = append(k.due, k.last)
	}
}

// end ends an excursion, if one is under way. Its window holds all of it.
func (k *kinetic) end(s sums) {
	if !k.in {
		return
	}
	k.in = false
	if k.rule.Anchor == AnchorFollowing {
		if last := len(k.due) - 1; s.at >= k.due[last].at+k.rule.Window { // the instant of the grid there is passed already
			k.judge(k.due[last], s)
			k.due = k.due[:last]
		}
		return
	}
	reach := s.at - k.rule.Window - k.from
	if reach < 0 {
		k.early = true
		return
	}
	n := reach / k.grid
	c := k.ring[n%ringSize]
	b := sums{k.from + n*k.grid, c.heat, c.ms}
	if k.begin.at < b.at {
		b = k.begin
	}
	k.judge(b, s)
}

// finish judges the windows that are not full by what is known of them.
func (k *kinetic) finish(now sums) {
	if k.early {
		k.judge(sums{at: k.from}, now)
	}
	for _, b := range k.due {
		k.judge(b, now)
	}
}

func (k *kinetic) judge(b, e sums) {
	ms := e.ms - b.ms
	if ms <= 0 {
		return
	}
	v, ok := k.rates.temp((e.heat - b.heat) / float64(ms))
	if !ok {
		return
	}
	w := MKTWindow{Value: v, From: b.at, To: e.at, Monitored: ms}
	if k.windows > 0 && w == k.latest { // of another excursion
		return
	}
	k.windows++
	k.latest = w
	if k.windows == 1 || v > k.worst.Value {
		k.worst = w
	}
	if !k.broken && (v > k.rule.Limit || v == k.rule.Limit && k.rule.Op.inclusive()) {
		k.broken, k.brokenAt = true, e.at
	}
}
