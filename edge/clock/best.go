package clock

import (
	"maps"
	"slices"

	"frostline/proto/truetime"
)

// Best is the anchor that dates the present moment most narrowly, of those
// offered in this boot and not refused. ok is false while there is none.
func (k *Keeper) Best() (a truetime.Anchor, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.best(slices.Collect(maps.Values(k.latest)), k.c.Clock.Now())
}

// Dated reports whether any anchor has been accepted in this boot.
func (k *Keeper) Dated() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.recorded) > 0
}

// UTC dates a boottime of this boot, in ms, by the anchors known now. ok is
// false while there is none.
func (k *Keeper) UTC(at int64) (m truetime.Moment, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	anchors := slices.Clone(k.recorded)
	for _, a := range k.latest {
		anchors = append(anchors, a)
	}
	return truetime.NewTimeline(anchors).Resolve(at)
}

// Stats tells what the Keeper has seen.
func (k *Keeper) Stats() KeeperStats {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stats
}

func (*Keeper) best(anchors []truetime.Anchor, at int64) (best truetime.Anchor, ok bool) {
	for _, a := range anchors {
		if !ok || width(a, at) < width(best, at) {
			best, ok = a, true
		}
	}
	return best, ok
}

// width is an anchor's uncertainty at a boottime, ms: the oscillator runs off.
func width(a truetime.Anchor, at int64) int64 {
	return a.Uncertainty + int64(float64(max(at-a.At, a.At-at))*truetime.MaxDrift)
}
