package journal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"frostline/proto/block"
	"frostline/proto/pb"
)

// stated is what blocks say that has to be said again where they are lost: what
// was lost before them, how the epoch began, and when their boot was.
type stated struct {
	gaps    []*pb.Gap
	start   *pb.Event            // of the epoch
	anchors map[source]*pb.Event // the last of each
	boot    uint32               // of the last block: later ones may be of it too
	others  int                  // events that are lost with their blocks
}

type source struct{ boot, source uint32 }

// stated reads what blocks of a segment say. Where they are damaged the error
// says so.
func (s *segment) stated(blocks []span) (*stated, error) {
	said := &stated{anchors: map[source]*pb.Event{}}
	var failed error
	for _, x := range blocks {
		err := s.each(x.First, x.Last, func(r record) bool {
			b, err := block.Decode(r.raw)
			if err != nil {
				failed = err
				return false
			}
			said.boot = b.Boot
			for _, raw := range b.Events {
				said.add(raw)
			}
			return true
		})
		if err = cmp.Or(failed, err); err != nil {
			return nil, fmt.Errorf("segment %s: %w", s.name(), err)
		}
	}
	return said, nil
}

func (s *stated) add(raw []byte) {
	e, err := block.DecodeEvent(raw)
	if err != nil {
		s.others++
		return
	}
	switch k := e.Kind.(type) {
	case *pb.Event_Gap:
		s.gaps = append(s.gaps, k.Gap)
	case *pb.Event_EpochStart:
		s.start = e
	case *pb.Event_SeriesDeclared: // each segment says it
	case *pb.Event_Anchor:
		s.anchors[source{k.Anchor.Boot, k.Anchor.Source}] = e
	default:
		s.others++
	}
}

// restate says again what blocks said that are lost now, in the commit that
// declares them lost. Where they cannot be read it says again all that the
// journal knows of. A declaration that grew is one with those beside it: of two
// that overlap one encloses the other. j.disk is held.
func (j *Journal) restate(e *epoch, said *stated) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.o.Boottime()
	if said == nil {
		said = &stated{anchors: map[source]*pb.Event{}}
		j.bare = true
		for _, o := range j.epochs {
			for _, x := range o.told {
				said.gaps = append(said.gaps, &pb.Gap{Epoch: o.id, First: x.First, Last: x.Last, Readings: x.readings(), Reason: "blocks were lost"})
			}
		}
	}
	if said.start != nil && e == j.present() {
		j.notices = append(j.notices, notice{event: said.start})
	}
	for _, k := range slices.SortedFunc(maps.Keys(said.anchors), func(a, b source) int {
		return cmp.Or(cmp.Compare(a.boot, b.boot), cmp.Compare(a.source, b.source))
	}) {
		_, known := j.anchors[k.source] // then segments begin with it
		if k.boot == said.boot && !(k.boot == j.boot && known) {
			j.notices = append(j.notices, notice{event: said.anchors[k]})
		}
	}
	done := map[place]bool{}
	for _, g := range said.gaps {
		g := &pb.Gap{Epoch: cmp.Or(g.Epoch, e.id), First: g.First, Last: g.Last, Readings: g.Readings, Boot: g.Boot, FromMs: g.FromMs, ToMs: g.ToMs, Reason: g.Reason, Again: true}
		if g.First == 0 {
			g.Epoch = 0
		} else if o := j.epoch(g.Epoch); o != nil {
			if x, ok := o.lost.at(g.First); ok && x.blocks() > g.Last-g.First+1 {
				g.First, g.Last, g.Readings, g.Reason = x.First, x.Last, x.readings(), "blocks were lost one after another"
			}
		}
		if g.First > 0 && done[place{g.Epoch, g.First}] {
			continue
		}
		done[place{g.Epoch, g.First}] = true
		n := notice{epoch: g.Epoch, event: &pb.Event{AtMs: at, Kind: &pb.Event_Gap{Gap: g}}}
		g.Epoch = 0 // the notice names it where it has to be named
		j.notices = append(j.notices, n)
	}
}
