package correlate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/proto/truetime"
)

// timeline gives the timeline of a boot that readings are dated by as they
// arrive.
func (e *Engine) timeline(ctx context.Context, k bootKey, b *batch.Batch) (*truetime.Timeline, error) {
	if tl := e.boots[k]; tl != nil {
		return tl, nil
	}
	return e.redate(ctx, k, b)
}

// Tolerance is by how much an instant may move and still be told as the same:
// an anchor dates readings anew by a few milliseconds, and that is not worth a
// new verdict. What is asked for is always exact.
const Tolerance = 1000 // ms

// redate takes the timeline that history has now instead of the one that the
// engine went by, and marks the packages whose readings are dated otherwise.
// No timeline is taken in any other way: history is ahead of the engine, so
// that the batch which brings an anchor may come when all readings are dated by
// it. Of a boot that is not known in this run any may be; that is once for each
// boot after a start.
func (e *Engine) redate(ctx context.Context, k bootKey, b *batch.Batch) (*truetime.Timeline, error) {
	now, err := e.history.Timeline(ctx, k.gateway, k.epoch, k.boot)
	if err != nil {
		return nil, fmt.Errorf("date readings: %w", err)
	}
	if !now.Dated() {
		return now, nil
	}
	from, to, shift := changed(e.boots[k], now)
	if len(e.boots) >= maxBoots {
		clear(e.boots)
	}
	e.boots[k] = now
	if from >= to {
		return now, nil
	}
	later := int64(0)
	if shift < Tolerance {
		later = e.now().Add(minorWait).UnixMilli()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	gap := e.facts.LongestGap()
	cause := fact.Cause{Kind: "anchor", Detail: fmt.Sprintf("boot %d of gateway %s, epoch %d, is dated anew by blocks %d to %d", k.boot, b.Gateway, b.Epoch, b.First, b.Last)}
	for _, id := range e.facts.Sensors(k.gateway) {
		e.touch(e.facts.Reached(id, minus(from, gap), plus(to, gap)), cause, later)
	}
	return now, nil
}

// changed bounds the UTC of usable readings that two timelines of a boot date
// differently, and says by how much at most. Readings of a boot have ticks from
// 0 on; now knows of all anchors that was knew of, and dates by all that was did
// unless it leaves out other sources.
func changed(was, now *truetime.Timeline) (from, to, shift int64) {
	begin, _ := now.Resolve(0)
	if !was.Dated() {
		return begin.UTC, math.MaxInt64, math.MaxInt64
	}
	old, _ := was.Resolve(0)
	switch {
	case old.Conflict != begin.Conflict, !slices.Equal(was.Left(), now.Left()):
		return min(old.UTC, begin.UTC), math.MaxInt64, math.MaxInt64
	case begin.Conflict: // none of them is usable
		return 0, 0, 0
	}
	from, to = math.MaxInt64, math.MinInt64
	differ := func(t int64) bool {
		a, _ := was.Resolve(t)
		b, _ := now.Resolve(t)
		return a.UTC != b.UTC
	}
	note := func(t int64) {
		a, _ := was.Resolve(t)
		b, _ := now.Resolve(t)
		from, to = min(from, a.UTC, b.UTC), max(to, a.UTC, b.UTC)
		shift = max(shift, a.UTC-b.UTC, b.UTC-a.UTC)
	}
	// All claims widen alike with the distance, so an anchor rules over a span
	// around itself or nowhere.
	const far = truetime.MaxTick - 1
	for _, at := range now.Boottimes() {
		if at = max(at, 0); !differ(at) {
			continue
		}
		note(at)
		left := sort.Search(int(at), func(i int) bool { return !differ(at - 1 - int64(i)) })
		note(at - int64(left))
		if differ(far) {
			note(at + month)
			to = math.MaxInt64
			continue
		}
		note(at + int64(sort.Search(int(far-at), func(i int) bool { return !differ(at + 1 + int64(i)) })))
	}
	return from, to, shift
}

// month is how far after its last anchor a boot is looked at to tell by how
// much its readings move, ms.
const month = 30 * 86_400_000

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
