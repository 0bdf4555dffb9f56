package intake

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"frostline/proto/pb"
)

// Line is the account of one epoch of a gateway, in readings:
//
//	Produced = Committed + Pending + Gaps
//
// The sides come from different sources, so that the equation can fail.
// Produced is the highest count that any word of the gateway gives. Committed
// was counted reading by reading as blocks were committed. Pending and Gaps
// are told by the counts of readings before the blocks on either side of what
// is missing.
type Line struct {
	Gateway    string
	Epoch      uint32
	Produced   uint64
	ProducedBy string // whose word: "blocks", "seal", "state" or "next epoch"
	Committed  uint64
	Pending    uint64 // known to have been kept, neither committed nor declared lost
	Gaps       uint64 // declared lost
	// Unnumbered readings were lost before they were kept; they are in neither
	// side of the equation.
	Unnumbered uint64
	// Thinned are those of Gaps of which a summary is kept: least, mean and
	// greatest value, which are no readings.
	Thinned    uint64
	Difference int64    // Produced - Committed - Pending - Gaps
	AddsUp     bool     // Difference is 0 and there are no Problems
	Problems   []string // what contradicts the equation or stands in its way

	Blocks        uint64 // committed
	Watermark     uint64 // blocks up to it are committed without a hole
	Last          uint64 // highest block committed
	Known         uint64 // highest block that any word of the gateway names
	Holes         int    // between committed ranges
	Sealed        uint64 // highest block with a signature
	SealsWaiting  int    // for their blocks
	Restart       string // why the epoch cannot go on; empty if it can
	Ended         string // why the next epoch began; empty if none has
	Since         int64  // hub's clock, Unix ms, when the epoch was first heard of
	LastCommit    int64  // likewise; 0 before the first
	Stated        int64  // when the gateway last told of its journal; 0 never
	StatedPending uint64 // readings that it then had kept and not heard to be committed
}

// Account lists all epochs of all gateways, by gateway and epoch. It reads
// memory, and the list of quarantined blocks.
func (in *Intake) Account(ctx context.Context) ([]Line, error) {
	refused := map[chainKey][]interval{}
	err := each(ctx, in.store, `SELECT gateway, epoch, first, last FROM intake_quarantine WHERE first > 0 ORDER BY first`, nil, func(rows *sql.Rows) error {
		var k chainKey
		var i interval
		err := rows.Scan(&k.gateway, &k.epoch, &i.first, &i.last)
		refused[k] = append(refused[k], i)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	in.mu.Lock()
	chains := make([]*chainState, 0, len(in.chains))
	for _, c := range in.chains {
		chains = append(chains, c)
	}
	in.mu.Unlock()
	slices.SortFunc(chains, func(a, b *chainState) int {
		return cmp.Or(cmp.Compare(a.gateway, b.gateway), cmp.Compare(a.epoch, b.epoch))
	})
	out := make([]Line, 0, len(chains))
	for i, c := range chains {
		out = append(out, c.account(successor(c, chains[i+1:]), c.lostLater(chains[i+1:]), refused[c.chainKey]))
		last := &out[len(out)-1]
		for _, l := range chains[i:] {
			if l.gateway != c.gateway {
				break
			}
			last.Thinned += l.thinned[c.epoch]
		}
		last.Thinned = min(last.Thinned, last.Gaps) // a file may have brought some of them
	}
	return out, nil
}

// successor is how the epoch after c began, nil if that is not known.
func successor(c *chainState, later []*chainState) *pb.EpochStart {
	for _, l := range later {
		if l.gateway != c.gateway {
			return nil
		}
		if l.start != nil && l.start.PreviousEpoch == c.epoch {
			return l.start
		}
	}
	return nil
}

// lostLater lists what later epochs declare lost of this one.
func (c *chainState) lostLater(chains []*chainState) (out []*pb.Gap) {
	for _, l := range chains {
		if l.gateway != c.gateway {
			break
		}
		for _, g := range l.gaps {
			if g.Epoch == c.epoch && g.Epoch != l.epoch {
				out = append(out, g)
			}
		}
	}
	return out
}

// lost are the declarations of blocks of this epoch.
func (c *chainState) lost(later []*pb.Gap) (out []*pb.Gap) {
	for _, g := range c.gaps {
		if g.Epoch == 0 || g.Epoch == c.epoch {
			out = append(out, g)
		}
	}
	return append(out, later...)
}

func (c *chainState) account(next *pb.EpochStart, later []*pb.Gap, refused []interval) Line {
	l := Line{
		Gateway: c.gateway, Epoch: c.epoch, Committed: c.readings, Watermark: c.ranges.watermark(), Sealed: c.sealed.number,
		SealsWaiting: len(c.waiting), Restart: clean(c.restart), Since: c.since, LastCommit: c.committed,
		Stated: c.stated.at, StatedPending: c.stated.pendingReadings, ProducedBy: "blocks",
	}
	problem := func(format string, a ...any) { l.Problems = append(l.Problems, fmt.Sprintf(format, a...)) }
	l.Last, l.Produced = c.ranges.top()
	l.Known = max(l.Last, c.sealed.number, c.stated.last)
	claim := func(readings uint64, by string) {
		if readings > l.Produced {
			l.Produced, l.ProducedBy = readings, by
		}
	}
	claim(c.sealed.readings, "seal")
	claim(c.stated.readings, "state")
	if next != nil {
		claim(next.PreviousReadings, "next epoch")
		l.Known = max(l.Known, next.PreviousLast)
		l.Ended = clean(next.Reason)
	}
	l.Unnumbered = unnumbered(c.gaps)
	gaps := widest(c.lost(later))
	var spanned uint64
	left := span{}
	for _, s := range c.ranges {
		l.Blocks += s.last - s.first + 1
		spanned += s.after.count - s.before.count
		if hole := (interval{left.last + 1, s.first - 1}); hole.first <= hole.last {
			l.Holes++
			missing := s.before.count - left.after.count
			lost, whole := declared(gaps, hole, missing)
			l.Gaps += lost
			l.Pending += missing - lost
			if i := slices.IndexFunc(refused, hole.touches); i >= 0 && !whole {
				problem("blocks %d to %d are in quarantine", refused[i].first, refused[i].last)
			}
		}
		left = s
	}
	tail := l.Produced - left.after.count
	if next != nil {
		// The start of the next epoch says how much of this one the gateway
		// knows of. What it knows it still has, or declares lost; the rest is.
		if kept := max(next.PreviousReadings, left.after.count) - left.after.count; kept < tail {
			l.Gaps += tail - kept
			tail = kept
		}
	}
	beyond := interval{left.last + 1, maxNumber}
	if next != nil && next.PreviousLast > left.last {
		beyond.last = next.PreviousLast
	}
	lost, whole := declared(gaps, beyond, tail)
	l.Gaps += lost
	l.Pending += tail - lost
	if i := slices.IndexFunc(refused, beyond.touches); i >= 0 && !whole {
		problem("blocks %d to %d are in quarantine", refused[i].first, refused[i].last)
	}
	if spanned != c.readings {
		problem("%d readings were committed, and blocks count %d", c.readings, spanned)
	}
	if believed := c.stated.readings - min(c.stated.pendingReadings, c.stated.readings); believed > l.Committed+l.Gaps {
		problem("the gateway takes %d readings for committed, and %d are", believed, l.Committed)
	}
	if c.restart != "" {
		problem("the epoch cannot go on: %s", l.Restart)
	}
	l.Difference = int64(l.Produced) - int64(l.Committed) - int64(l.Pending) - int64(l.Gaps)
	l.AddsUp = l.Difference == 0 && len(l.Problems) == 0
	return l
}

func (i interval) touches(j interval) bool { return j.first <= i.last && i.first <= j.last }

// declared is how many of the readings missing in a hole were declared lost:
// all of them where the declarations cover the hole, else what they say.
func declared(gaps []*pb.Gap, hole interval, missing uint64) (lost uint64, whole bool) {
	var parts []interval
	for _, g := range gaps {
		if part := (interval{max(g.First, hole.first), min(g.Last, hole.last)}); g.First > 0 && part.first <= part.last {
			parts = append(parts, part)
			if part.first == g.First && part.last == g.Last {
				lost += min(g.Readings, missing)
			}
		}
	}
	slices.SortFunc(parts, func(a, b interval) int { return cmp.Compare(a.first, b.first) })
	next := hole.first
	for _, p := range parts {
		if p.first <= next {
			next = max(next, p.last+1)
		}
	}
	if next > hole.last {
		return missing, true
	}
	return min(lost, missing), false
}
