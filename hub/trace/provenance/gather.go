package provenance

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

// stay is a thing's being in a container, from its putting in to its taking
// out; from may be unknown (the least), to open (the greatest).
type stay struct {
	in       string
	from, to int64
}

const (
	ever  = math.MinInt64
	never = math.MaxInt64
)

// gathering collects the events that speak of a unit.
type gathering struct {
	t    *Teller
	p    *Provenance
	epc  string // canonical, of the unit
	seen map[int64]bool
}

// kept is an event as it was read, with its row.
type kept struct {
	repository.Row
	*epcis.Event
}

func (k *kept) at() int64 { return k.Row.Time }

func (g *gathering) all(ctx context.Context, epc string) error {
	g.epc = epcis.Canonical(epc)
	if err := g.of(ctx, g.epc, "", ever, never, 0); err != nil {
		return err
	}
	slices.SortStableFunc(g.p.Steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Proof.Seq, b.Proof.Seq))
	})
	return nil
}

// of collects the events of a thing in a span of event time, and of what it was
// in then. via is the container by which these speak of the unit.
func (g *gathering) of(ctx context.Context, thing, via string, from, to int64, depth int) error {
	events, err := g.fetch(ctx, thing, from, to)
	if err != nil {
		return err
	}
	wrong := declarations(events)
	for i := range events {
		e := &events[i]
		if g.seen[e.Seq] || e.Error != nil || via != "" && !g.counts(e, thing) {
			continue
		}
		if len(g.p.Steps) == MaxSteps {
			g.p.Omitted = true
			return nil
		}
		g.seen[e.Seq] = true
		s := stepOf(e)
		s.Via, s.Wrong = via, wrong[e.Row.ID]
		g.p.Steps = append(g.p.Steps, s)
	}
	if depth == MaxDepth {
		return nil
	}
	for _, s := range stays(events, thing, wrong) {
		if err := g.of(ctx, s.in, s.in, max(s.from, from), min(s.to, to), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads the events that name a thing, the oldest first.
func (g *gathering) fetch(ctx context.Context, thing string, from, to int64) (all []kept, err error) {
	q := repository.Query{Filters: []repository.Filter{{Name: "MATCH_anyEPC", Kind: repository.EPC, Values: []string{thing}}}}
	if from != ever {
		q.FromTime = &from
	}
	if to != never {
		before := to + 1
		q.BeforeTime = &before
	}
	var at *repository.Position
	for len(all) <= MaxSteps {
		page, next, err := g.t.Repository.Fetch(ctx, q, at, 500)
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			e, err := epcis.ParseEvent(row.Document)
			if err != nil {
				return nil, err
			}
			all = append(all, kept{row, e})
		}
		if at = next; next == nil {
			return all, nil
		}
	}
	g.p.Omitted = true
	return all, nil
}

// counts says whether an event of a container speaks of what is in it: not
// where the container only had other things put in or taken out, and not where
// a sensor's report names units, but not this one.
func (g *gathering) counts(e *kept, container string) bool {
	if same(e.ParentID, container) && !slices.ContainsFunc(e.EPCs, func(s string) bool { return same(s, container) }) {
		return len(e.ChildEPCs) == 0 && len(e.ChildQuantities) == 0
	}
	if e.BizStep != "sensor_reporting" {
		return true
	}
	for _, s := range e.EPCs {
		if c := epcis.Canonical(s); c == g.epc {
			return true
		} else if strings.Contains(c, "/01/") && strings.Contains(c, "/21/") {
			return false
		}
	}
	return true
}

func same(a, b string) bool { return a != "" && epcis.Canonical(a) == b }

// declarations gives what was declared to be wrong, by event id.
func declarations(events []kept) map[string]*Wrong {
	wrong := map[string]*Wrong{}
	for i := range events {
		if d := events[i].Error; d != nil {
			wrong[events[i].Row.ID] = &Wrong{At: d.Time.UnixMilli(), Reason: d.Reason, Corrective: d.Corrective}
		}
	}
	return wrong
}

// stays gives what a thing was in, from the aggregations that hold.
func stays(events []kept, thing string, wrong map[string]*Wrong) (all []stay) {
	for i := range events {
		e := &events[i]
		child := slices.ContainsFunc(e.ChildEPCs, func(s string) bool { return same(s, thing) })
		if e.Error != nil || wrong[e.Row.ID] != nil || !child || e.ParentID == "" || e.Type == epcis.TransactionEvent {
			continue
		}
		in := epcis.Canonical(e.ParentID)
		open := slices.IndexFunc(all, func(s stay) bool { return s.in == in && s.to == never })
		switch {
		case e.Action == epcis.Delete && open >= 0:
			all[open].to = e.at()
		case e.Action == epcis.Delete:
			all = append(all, stay{in, ever, e.at()})
		case open < 0: // put in, or seen in it
			all = append(all, stay{in, e.at(), never})
		}
	}
	return all
}
