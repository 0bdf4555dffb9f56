package journal

import (
	"fmt"
	"slices"

	"frostline/proto/chain"
)

// tailSpans bounds the acknowledged ranges in a tail: it has to stay small,
// and of those left out only sending again is the price.
const tailSpans = 8

// mark gives what is written of an epoch. Lost blocks are passed in: only what
// a Gap event declares, in the same commit or before, may be written.
func (e *epoch) mark(lost spans) mark {
	m := mark{Epoch: e.id, Committed: e.committed, Lost: slices.Clone(lost)}
	if e.committed > 0 {
		h := hash(e.committedHead)
		m.CommittedHead = &h
	}
	m.Acked = slices.Clone(e.acked[:min(len(e.acked), tailSpans)])
	if e.over {
		m.Last, m.Readings = e.last, e.readings
		if e.headOK {
			h := hash(e.head)
			m.Head = &h
		}
	}
	return m
}

// take adds what a mark says to what is known. Marks of different age agree
// except that the newer says more.
func (e *epoch) take(m mark) {
	if m.Last > 0 {
		e.over = true
		if m.Last > e.last || m.Last == e.last && !e.headOK {
			e.last, e.readings, e.headOK = m.Last, max(m.Readings, e.readings), m.Head != nil
			if m.Head != nil {
				e.head = chain.Head(*m.Head)
			}
		}
	}
	if m.Committed > e.committed && m.CommittedHead != nil {
		e.committed, e.committedHead = m.Committed, chain.Head(*m.CommittedHead)
	}
	for _, x := range m.Acked {
		e.acked.add(x)
		e.durable.add(x)
		e.settled.add(x)
	}
	for _, x := range m.Lost {
		e.lost.add(x)
		e.told.add(x)
		e.settled.add(x)
	}
}

// tail says how the journal stands. With lost, it is to be committed together
// with all notices, and so may speak of all losses. j.mu is held.
func (j *Journal) tail(lost bool) *tail {
	e := j.present()
	t := &tail{Gateway: j.gateway, Epoch: e.id, Last: e.last, Head: hash(e.head), Readings: e.readings,
		Boot: j.boot, BootID: j.o.BootID, Tick: j.tick, Declared: len(j.table.declared), Start: j.begin, Warned: j.warned}
	for _, x := range j.epochs {
		said := x.told
		if lost {
			said = x.lost
		}
		t.Marks = append(t.Marks, x.mark(said))
	}
	return t
}

// known lists the series that are declared in the epoch. j.mu is held.
func (j *Journal) known() []declared {
	return slices.DeleteFunc(j.table.all(), func(d declared) bool { return !j.table.declared[d.ID] })
}

// saveState writes the state file. Where that fails it is tried again later:
// what it says is in the active segment too. j.disk is held.
func (j *Journal) saveState() {
	j.mu.Lock()
	if !j.loaded {
		j.mu.Unlock()
		return
	}
	s := &state{tail: *j.tail(false), Series: j.known()}
	acked := map[*epoch]spans{}
	for _, e := range j.epochs {
		acked[e] = slices.Clone(e.acked[:min(len(e.acked), tailSpans)])
	}
	j.mu.Unlock()
	err := writeState(j.o.disk, j.dir, s)
	j.owed = false // after a failure it is dirty
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		if !j.dirty {
			j.log.Warn("the state file is not written; it is tried again", "error", fmt.Errorf("save: %w", err))
		}
		j.dirty = true
		return
	}
	j.dirty = false
	for e, set := range acked {
		for _, x := range set {
			e.durable.add(x)
		}
	}
}
