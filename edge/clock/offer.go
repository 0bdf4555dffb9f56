package clock

import (
	"fmt"
	"slices"

	"frostline/proto/truetime"
)

// Offer hands in an anchor of any source, such as the hub's or a receiver's.
// It is recorded at the next poll if it is worth it. An anchor outside
// Floor to Ceiling, from the future of boottime, or without uncertainty is
// refused and counted.
func (k *Keeper) Offer(a truetime.Anchor) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.c.Clock.Now()
	if a.UTC < Floor || a.UTC > Ceiling || a.At > now || a.Uncertainty < 1 {
		k.stats.Refused++
		return
	}
	with := truetime.NewTimeline(append(slices.Clone(k.recorded), a))
	contradicts := k.contradicts(a, with.Left())
	if contradicts {
		k.dissent[a.Source]++
		last, before := k.dissented[a.Source]
		// A source that runs away contradicts itself each time: once an hour tells it.
		if k.dissent[a.Source] < maxDissent || before && now-last < k.c.Every.Milliseconds() {
			k.stats.Refused++
			return
		}
		k.dissented[a.Source] = now
	}
	k.dissent[a.Source] = 0
	k.latest[a.Source] = a
	settles := !with.Conflict() && truetime.NewTimeline(k.recorded).Conflict()
	if contradicts || settles || k.worth(a, now, with.Left()) {
		k.record(a)
	}
}

// worth decides on an anchor that contradicts nothing new. left are the sources
// that are left out with it. k.mu is held.
func (k *Keeper) worth(a truetime.Anchor, now int64, left []truetime.Source) bool {
	best, ok := narrowest(k.recorded, left, now)
	if !ok {
		return true
	}
	if slices.Contains(left, a.Source) {
		return false
	}
	if k.renew {
		return true
	}
	// What best has lost to drift since it was made is what Every is for.
	if gain := best.Uncertainty - a.Uncertainty; gain >= minGain && gain >= best.Uncertainty/2 {
		return true
	}
	// Hourly, but not an anchor so poor that it says nothing new.
	return now-k.stats.LastAt >= k.c.Every.Milliseconds() && width(a, now) <= 4*width(best, now)
}

// record takes an anchor into the chain. k.mu is held.
func (k *Keeper) record(a truetime.Anchor) {
	k.renew = false
	k.recorded = append(k.recorded, a)
	if len(k.recorded) > maxCompared {
		k.recorded = slices.Delete(k.recorded, spare(k.recorded), 1+spare(k.recorded))
	}
	k.stats.Recorded++
	k.stats.LastAt = a.At
	k.push(Event{At: a.At, Anchor: &a})
	k.tellSources()
}

// spare is the earliest anchor that is not the first of its source: a source
// that was wrong once an age ago is still known to have been.
func spare(anchors []truetime.Anchor) int {
	seen := map[truetime.Source]bool{}
	for i, a := range anchors {
		if seen[a.Source] {
			return i
		}
		seen[a.Source] = true
	}
	return 0
}

// tellSources logs once how sources stand to one another. k.mu is held.
func (k *Keeper) tellSources() {
	t := truetime.NewTimeline(k.recorded)
	says := ""
	switch {
	case t.Conflict():
		says = "time sources contradict one another, and no majority says which is wrong: readings of this boot cannot be used until another source answers"
	case len(t.Left()) > 0:
		says = fmt.Sprintf("time source left out, the others agree without it: %v", t.Left())
	case k.told != "":
		says = "time sources agree again"
	}
	if says == k.told {
		return
	}
	k.told = says
	if t.Conflict() {
		k.c.Log.Error(says)
	} else {
		k.c.Log.Warn(says)
	}
}

// contradicts says whether a and a recorded anchor of a source that is not left
// out exclude one another, and nothing recorded of a's own source has said so
// before.
func (k *Keeper) contradicts(a truetime.Anchor, left []truetime.Source) bool {
	excluded := false
	for _, b := range k.recorded {
		apart := (a.UTC - a.At) - (b.UTC - b.At)
		switch {
		case max(apart, -apart) <= width(a, b.At)+b.Uncertainty:
			if a.Source == b.Source {
				return false
			}
		case a.Source == b.Source || !slices.Contains(left, b.Source):
			excluded = true
		}
	}
	return excluded
}
