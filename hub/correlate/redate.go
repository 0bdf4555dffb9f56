package correlate

import (
	"context"
	"fmt"
	"math"
	"sort"

	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/proto/pb"
	"frostline/proto/truetime"
)

// timeline gives the timeline of a boot, as far as the engine has worked
// anchors in.
func (e *Engine) timeline(ctx context.Context, k bootKey) (*truetime.Timeline, error) {
	if tl := e.boots[k]; tl != nil {
		return tl, nil
	}
	tl, err := e.history.Timeline(ctx, k.gateway, k.epoch, k.boot)
	if err != nil {
		return nil, fmt.Errorf("date readings: %w", err)
	}
	if tl.Dated() {
		e.keep(k, tl)
	}
	return tl, nil
}

func (e *Engine) keep(k bootKey, tl *truetime.Timeline) {
	if len(e.boots) >= maxBoots {
		clear(e.boots)
	}
	e.boots[k] = tl
}

// Tolerance is by how much an instant may move and still be told as the same:
// an anchor dates readings anew by a few milliseconds, and that is not worth a
// new verdict. What is asked for is always exact.
const Tolerance = 1000 // ms

// redate takes new anchors of a boot and marks the packages whose readings they
// move.
func (e *Engine) redate(ctx context.Context, b *batch.Batch, boot uint32, anchors []truetime.Anchor) error {
	k := bootKey{b.Gateway, b.Epoch, boot}
	now, err := e.history.Timeline(ctx, b.Gateway, b.Epoch, boot)
	if err != nil {
		return fmt.Errorf("date readings: %w", err)
	}
	was := e.boots[k]
	if was == nil { // by the anchors that other blocks have
		var others []truetime.Anchor
		err := e.evidence.Anchors(ctx, b.Gateway, b.Epoch, func(block uint64, _ int, a *pb.Anchor) error {
			if a.Boot == boot && (block < b.First || block > b.Last) {
				others = append(others, truetime.Anchor{At: a.AtMs, UTC: a.UtcMs, Uncertainty: int64(a.UncertaintyMs), Source: truetime.Source(a.Source)})
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read anchors: %w", err)
		}
		was = truetime.NewTimeline(others)
	}
	from, to, shift := changed(was, now, anchors)
	if now.Dated() {
		e.keep(k, now)
	}
	if from >= to {
		return nil
	}
	later := int64(0)
	if shift < Tolerance {
		later = e.now().Add(minorWait).UnixMilli()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	gap := e.facts.LongestGap()
	cause := fact.Cause{Kind: "anchor", Detail: fmt.Sprintf("boot %d of gateway %s, epoch %d, is dated anew by blocks %d to %d", boot, b.Gateway, b.Epoch, b.First, b.Last)}
	for _, id := range e.facts.Sensors(b.Gateway) {
		e.touch(e.facts.Reached(id, minus(from, gap), plus(to, gap)), cause, later)
	}
	return nil
}

// changed bounds the UTC of readings that two timelines of a boot date
// differently, and says by how much at most. Readings of a boot have ticks from
// 0 on.
func changed(was, now *truetime.Timeline, anchors []truetime.Anchor) (from, to, shift int64) {
	if !now.Dated() {
		return 0, 0, 0
	}
	begin, _ := now.Resolve(0)
	if !was.Dated() {
		return begin.UTC, math.MaxInt64, math.MaxInt64
	}
	old, _ := was.Resolve(0)
	if old.Conflict != begin.Conflict {
		return min(old.UTC, begin.UTC), math.MaxInt64, math.MaxInt64
	}
	differ := func(t int64) bool {
		a, _ := was.Resolve(t)
		b, _ := now.Resolve(t)
		return a.UTC != b.UTC
	}
	from, to = math.MaxInt64, math.MinInt64
	note := func(t int64) {
		a, _ := was.Resolve(t)
		b, _ := now.Resolve(t)
		from, to = min(from, a.UTC, b.UTC), max(to, a.UTC, b.UTC)
		shift = max(shift, a.UTC-b.UTC, b.UTC-a.UTC)
	}
	// An anchor rules around itself, up to where others rule.
	const far = truetime.MaxTick - 1
	for _, a := range anchors {
		if !a.Plausible() {
			continue
		}
		at := max(a.At, 0)
		if !differ(at) {
			continue
		}
		note(at)
		left := sort.Search(int(at), func(i int) bool { return !differ(at - 1 - int64(i)) })
		note(at - int64(left))
		if differ(far) {
			to = math.MaxInt64
			if b, _ := now.Resolve(at + 86_400_000); true {
				a, _ := was.Resolve(at + 86_400_000)
				shift = max(shift, a.UTC-b.UTC, b.UTC-a.UTC)
			}
			continue
		}
		right := sort.Search(int(far-at), func(i int) bool { return !differ(at + 1 + int64(i)) })
		note(at + int64(right))
	}
	return from, to, shift
}

func minus(a, b int64) int64 {
	if a < math.MinInt64+b {
		return math.MinInt64
	}
	return a - b
}

func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
