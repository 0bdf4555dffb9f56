package intake

import (
	"cmp"
	"slices"

	"frostline/proto/pb"
)

// widest leaves out the declarations of an epoch's blocks that others enclose.
// A gateway states a loss again, as one with what was lost beside it, when the
// block that said so is lost; and the hub may have had that block.
func widest(gaps []*pb.Gap) []*pb.Gap {
	out := slices.Clone(gaps)
	slices.SortStableFunc(out, func(a, b *pb.Gap) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(b.Last, a.Last))
	})
	end := uint64(0)
	return slices.DeleteFunc(out, func(g *pb.Gap) bool {
		inside := g.First > 0 && g.Last <= end
		end = max(end, g.Last)
		return inside
	})
}

// unnumbered counts the readings that were lost before they had numbers. What
// is stated again counts once, and equal losses that are not count each.
func unnumbered(gaps []*pb.Gap) (readings uint64) {
	type loss struct {
		readings uint64
		boot     uint32
		from, to int64
	}
	said, again := map[loss]uint64{}, map[loss]uint64{}
	for _, g := range gaps {
		of := said
		if g.Again {
			of = again
		}
		if g.First == 0 {
			of[loss{g.Readings, g.Boot, g.FromMs, g.ToMs}]++
		}
	}
	for l, n := range again {
		said[l] = max(said[l], n)
	}
	for l, n := range said {
		readings += l.readings * n
	}
	return readings
}
