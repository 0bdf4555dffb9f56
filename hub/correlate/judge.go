package correlate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/hub/correlate/join"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// judgeSome judges packages that are due for about so long and appends the
// verdicts that changed; more is whether some are left.
func (e *Engine) judgeSome(ctx context.Context, within time.Duration) (more bool, err error) {
	ids := e.due()
	if len(ids) == 0 {
		e.shelf.Clear()
		return false, nil
	}
	until := time.Now().Add(within)
	var done []string
	var marks []*mark
	var changed []revision
	var failed error
	for i, id := range ids {
		if i > 0 && (time.Now().After(until) || ctx.Err() != nil) {
			more = true
			break
		}
		e.mu.Lock()
		m := e.dirty[id]
		delete(e.dirty, id)
		e.mu.Unlock()
		r, err := e.judge(ctx, e.shelf, id, m)
		if err != nil {
			e.again(id, m)
			if failed = err; ctx.Err() != nil {
				break
			}
			more = false
			continue // others may work
		}
		done, marks, changed = append(done, id), append(marks, m), append(changed, r...)
		e.counts.judged.Add(1)
	}
	if err := e.append(ctx, changed); err != nil {
		for i, id := range done {
			e.again(id, marks[i])
		}
		return false, err
	}
	return more, failed
}

// again puts back a mark whose package could not be judged.
func (e *Engine) again(id string, m *mark) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := e.dirty[id]; n != nil {
		m.cause = joined(m.cause, n.cause)
		m.wider, m.exact = m.wider || n.wider, m.exact || n.exact
	}
	e.dirty[id] = m
}

// revision is a verdict to be appended.
type revision struct {
	key  join.Key
	data fact.VerdictRevised
}

// judge judges a package anew and gives what changed in substance.
func (e *Engine) judge(ctx context.Context, read join.Readings, id string, m *mark) ([]revision, error) {
	now := e.now().UnixMilli()
	e.mu.Lock()
	c, ok := e.facts.Case(id, now)
	e.mu.Unlock()
	if !ok {
		return nil, nil
	}
	judged, err := c.Judge(ctx, read)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.parcel(id)
	e.board(p, c, judged)
	if m.wider {
		e.touchLater(c, m)
	}
	var out []revision
	for i := range judged {
		j := &judged[i]
		was := p.told[j.Key()]
		if r, ok := revise(c, j, was, m); ok {
			out = append(out, r)
		}
	}
	for k, was := range p.told {
		if !was.dropped && !slices.ContainsFunc(judged, func(j join.Judgement) bool { return j.Key() == k }) {
			out = append(out, revision{k, fact.VerdictRevised{Package: id, Profile: k.Profile, Version: k.Version, Product: k.Product,
				Revision: was.revision + 1, Was: was.digest, Digest: was.digest, Closed: was.closed, Cause: m.cause, Dropped: true}})
		}
	}
	return out, nil
}

// revise decides whether a verdict is worth telling.
func revise(c *join.Case, j *join.Judgement, was *told, m *mark) (revision, bool) {
	closed := !c.Open()
	v := fact.VerdictRevised{Package: c.Package, Profile: j.Profile, Version: j.Version, Product: j.Product, Revision: 1,
		Digest: j.Digest, Closed: closed, Cause: m.cause, Verdict: j.Verdict, Units: j.Units}
	if was == nil {
		if j.Verdict.From == j.Verdict.To && !closed {
			return revision{}, false // nothing is known yet, nor missing
		}
		return revision{j.Key(), v}, true
	}
	if was.digest == j.Digest && was.closed == closed && !was.dropped {
		return revision{}, false
	}
	if !m.exact && was.closed == closed && !was.dropped && was.summary.same(summarize(&j.Verdict, !closed)) && slices.Equal(was.broken, brokenUnits(j.Units)) {
		return revision{}, false
	}
	v.Revision, v.Was = was.revision+1, was.digest
	return revision{j.Key(), v}, true
}

// touchLater marks the later packages of units whose budgets are counted: what
// they had spent before may have changed.
func (e *Engine) touchLater(c *join.Case, m *mark) {
	for i := range c.Judges {
		if len(c.Judges[i].Profile.Budgets) == 0 {
			continue
		}
		for _, u := range c.Judges[i].Units {
			for _, leg := range e.facts.UnitLegs(u) {
				if leg.Package != c.Package && leg.From >= c.Watch.From {
					cause := m.cause
					cause.Detail = "in package " + c.Package + " before: " + m.cause.Detail
					if len(cause.Detail) > 400 {
						cause.Detail = cause.Detail[:400]
					}
					e.touchOne(leg.Package, m.cause.From, leg.To, cause, 0)
					e.dirty[leg.Package].wider = false // its own mark goes no further
				}
			}
		}
	}
}

func (e *Engine) parcel(id string) *parcel {
	p := e.packages[id]
	if p == nil {
		p = &parcel{id: id, told: map[join.Key]*told{}}
		e.packages[id] = p
	}
	return p
}

// maxAppend bounds the verdicts of one transaction.
const maxAppend = 200

// Actor is who appends verdicts.
const Actor = "system/correlate"

// append appends verdicts and remembers them.
func (e *Engine) append(ctx context.Context, all []revision) error {
	for len(all) > 0 {
		some := all[:min(len(all), maxAppend)]
		for i := range some {
			if some[i].data.Dropped {
				if err := e.lastOf(ctx, &some[i]); err != nil {
					return err
				}
			}
		}
		_, err := e.events.Command(ctx, Actor, func(ctx context.Context, c event.Change) error {
			news := make([]event.New, len(some))
			for i := range some {
				r := &some[i]
				news[i] = event.New{ID: r.id(), Stream: fact.Ref{Kind: fact.Package, ID: r.data.Package}.String(), Expect: -1,
					Type: fact.VerdictWasRevised, Data: r.data}
			}
			_, err := c.AppendAll(ctx, news)
			return err
		})
		if errors.Is(err, event.ErrReused) { // a commit of unknown outcome was done: learn what was told
			for i := range some {
				if err := e.relearn(ctx, some[i].data.Package); err != nil {
					return err
				}
			}
		}
		if err != nil {
			return fmt.Errorf("append verdicts: %w", err)
		}
		e.mu.Lock()
		for i := range some {
			e.parcel(some[i].data.Package).told[some[i].key] = tell(&some[i].data)
		}
		e.mu.Unlock()
		e.counts.revisions.Add(uint64(len(some)))
		all = all[len(some):]
	}
	return nil
}

// id is the same for the same revision, however often it is appended.
func (r *revision) id() string {
	d := &r.data
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q %d", d.Package, d.Profile, d.Version, d.Product, d.Revision))
	return "verdict-" + hex.EncodeToString(sum[:16])
}

// lastOf gives a revision that drops a judge the last verdict by it.
func (e *Engine) lastOf(ctx context.Context, r *revision) error {
	all, err := e.Revisions(ctx, r.data.Package)
	if err != nil {
		return err
	}
	r.data.Verdict = thermal.Verdict{}
	for i := range all {
		if d := &all[i].Data; d.Profile == r.key.Profile && d.Version == r.key.Version && d.Product == r.key.Product {
			r.data.Verdict, r.data.Units = d.Verdict, d.Units
		}
	}
	return nil
}

// relearn reads what was told of a package.
func (e *Engine) relearn(ctx context.Context, id string) error {
	all, err := e.Revisions(ctx, id)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range all {
		e.learn(&all[i].Data)
	}
	return nil
}

// learn takes a verdict that was appended. mu is held.
func (e *Engine) learn(v *fact.VerdictRevised) {
	k := join.Key{Profile: v.Profile, Version: v.Version, Product: v.Product}
	p := e.parcel(v.Package)
	if was := p.told[k]; was == nil || was.revision <= v.Revision {
		p.told[k] = tell(v)
	}
}
