package thermal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// snapshotFormat is the first byte of a snapshot. It changes with what follows.
const snapshotFormat = 1

// ErrSnapshot is wrapped where a snapshot cannot be gone on from: it is damaged,
// or of another profile or engine. Begin the history anew.
var ErrSnapshot = errors.New("snapshot of an evaluator")

// Snapshot writes the state of an evaluator, for Restore. It is about a
// kilobyte, some more for each event and gap, and 12 KB with an MKT rule
// anchored "last". It carries no checksum.
func (e *Evaluator) Snapshot() []byte {
	c := &coder{b: []byte{snapshotFormat}}
	engine, digest := EngineVersion, e.digest
	c.text(&engine)
	c.text(&digest)
	e.code(c)
	return c.b
}

// Restore gives an evaluator that goes on from a snapshot, by the same profile
// and engine as it was taken by. It gives the same verdicts as the evaluator
// itself would have.
func Restore(p *Profile, snapshot []byte) (*Evaluator, error) {
	bad := func(why string) (*Evaluator, error) { return nil, fmt.Errorf("%w: %s", ErrSnapshot, why) }
	if len(snapshot) == 0 || snapshot[0] != snapshotFormat {
		return bad("its format is not known")
	}
	e, err := NewEvaluator(p, 0)
	if err != nil {
		return nil, err
	}
	c := &coder{b: snapshot[1:], reading: true}
	var engine, of string
	c.text(&engine)
	c.text(&of)
	if engine != EngineVersion || of != e.digest {
		return bad("it is of another profile or another engine")
	}
	e.code(c)
	if c.bad || len(c.b) > 0 || !e.sound() {
		return bad("it is damaged")
	}
	return e, nil
}

// sound reports whether a state that was read is one that an evaluator can be
// in, as far as anything could go wrong otherwise.
func (e *Evaluator) sound() bool {
	for _, t := range []int64{e.from, e.at, e.t, e.end} {
		if instant(t) != nil {
			return false
		}
	}
	if e.at < e.from || len(e.events.list) > MaxEvents || len(e.gaps.list) > MaxGaps || e.v.possible() != nil && e.seen {
		return false
	}
	k := e.kinetic
	if k == nil {
		return true
	}
	held := int64(0)
	if k.rule.Anchor == AnchorLast {
		held = min(k.next, ringSize)
	} else if k.in && len(k.due) == 0 {
		return false
	}
	return k.from == e.from && k.next > 0 && k.tick == k.from+k.next*k.grid && k.tick > e.at && int64(len(k.ring)) == held
}

// code reads or writes all that changes in an evaluator. What follows from the
// profile is not in it, nor the cell of fast, which the next reading finds.
func (e *Evaluator) code(c *coder) {
	c.ints(&e.from, &e.at, &e.end, &e.t, &e.monitored, &e.area)
	c.bools(&e.live, &e.open, &e.seen)
	c.text(&e.source)
	c.temps(&e.v)
	c.floats(&e.rate, &e.heat)
	e.min.code(c)
	e.max.code(c)
	for i := range e.limits {
		w := &e.limits[i]
		c.bools(&w.in, &w.run, &w.alarmed, &w.anyAlarm)
		c.text(&w.source)
		w.peak.code(c)
		c.ints(&w.from, &w.since, &w.area0, &w.held, &w.area, &w.alarm, &w.first, &w.total, &w.longest, &w.events, &w.alarms)
	}
	for i := range e.bands {
		b := &e.bands[i]
		c.bools(&b.in, &b.broken)
		c.ints(&b.since, &b.sum, &b.before, &b.brokenAt)
	}
	c.ints(&e.events.omitted, &e.gaps.omitted, &e.gaps.total)
	list(c, &e.events.list, MaxEvents, func(x *listed) {
		index := int64(x.index)
		c.ints(&index)
		if x.index = int(index); c.reading {
			if index < 0 || index >= int64(len(e.limits)) {
				c.bad = true
				return
			}
			l := e.limits[index].rule
			x.Limit, x.Op, x.At, x.Severity = l.Name, l.Op, l.At, l.Severity
		}
		c.text(&x.Ended)
		c.text(&x.Source)
		c.bools(&x.Broken)
		c.temps(&x.Peak)
		c.floats(&x.Area)
		c.ints(&x.From, &x.To, &x.Alarm, &x.PeakAt, &x.Duration)
	})
	c.bools(&e.gaps.any)
	e.gaps.open.code(c)
	list(c, &e.gaps.list, MaxGaps, func(u *Unmonitored) { u.code(c) })
	if e.kinetic != nil {
		e.kinetic.code(c)
	}
	if c.reading {
		e.fast, e.active, e.tick = false, 0, math.MaxInt64
		for i := range e.limits {
			if e.limits[i].in {
				e.active++
			}
		}
		if e.kinetic != nil {
			e.tick = e.kinetic.tick
		}
	}
}

func (k *kinetic) code(c *coder) {
	c.ints(&k.from, &k.tick, &k.next, &k.windows, &k.brokenAt)
	c.bools(&k.in, &k.early, &k.broken)
	k.last.code(c)
	k.begin.code(c)
	k.latest.code(c)
	k.worst.code(c)
	list(c, &k.ring, ringSize, func(x *cell) { c.floats(&x.heat); c.ints(&x.ms) })
	list(c, &k.due, ringSize, func(x *sums) { x.code(c) })
}

func (p *peak) code(c *coder)        { c.bools(&p.known); c.temps(&p.v); c.ints(&p.at) }
func (s *sums) code(c *coder)        { c.ints(&s.at, &s.ms); c.floats(&s.heat) }
func (u *Unmonitored) code(c *coder) { c.ints(&u.From, &u.To); c.text(&u.Reason) }
func (w *MKTWindow) code(c *coder)   { c.temps(&w.Value); c.ints(&w.From, &w.To, &w.Monitored) }

// coder writes or reads: one list of fields serves both, so that they cannot
// differ. bad says that what was read made no sense; what follows is zero.
type coder struct {
	b       []byte
	reading bool
	bad     bool
}

func (c *coder) ints(all ...*int64) {
	for _, p := range all {
		if !c.reading {
			c.b = binary.AppendVarint(c.b, *p)
			continue
		}
		v, n := binary.Varint(c.b)
		if n <= 0 {
			c.bad, c.b, v, n = true, nil, 0, 0
		}
		*p, c.b = v, c.b[n:]
	}
}

func (c *coder) temps(all ...*Temp) {
	for _, p := range all {
		c.ints((*int64)(p))
	}
}

func (c *coder) bools(all ...*bool) {
	for _, p := range all {
		var v int64
		if *p {
			v = 1
		}
		c.ints(&v)
		*p = v != 0
	}
}

func (c *coder) floats(all ...*float64) {
	for _, p := range all {
		if !c.reading {
			c.b = binary.LittleEndian.AppendUint64(c.b, math.Float64bits(*p))
			continue
		}
		if len(c.b) < 8 {
			c.bad, c.b = true, nil
			continue
		}
		*p, c.b = math.Float64frombits(binary.LittleEndian.Uint64(c.b)), c.b[8:]
	}
}

func (c *coder) text(p *string) {
	n := int64(len(*p))
	if c.ints(&n); !c.reading {
		c.b = append(c.b, *p...)
		return
	}
	if n < 0 || n > int64(len(c.b)) {
		c.bad, c.b, n = true, nil, 0
	}
	*p, c.b = string(c.b[:n]), c.b[n:]
}

// list codes a list of at most so many.
func list[T any](c *coder, l *[]T, most int64, each func(*T)) {
	n := int64(len(*l))
	if c.ints(&n); c.reading {
		if n < 0 || n > most || n > int64(len(c.b)) {
			c.bad, c.b, n = true, nil, 0
		}
		*l = nil
		if n > 0 {
			*l = make([]T, n)
		}
	}
	for i := range *l {
		each(&(*l)[i])
	}
}
