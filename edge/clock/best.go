package clock

import (
	"maps"
	"slices"

	"frostline/proto/truetime"
)

// Best is the anchor that dates the present moment most narrowly, of those
// offered in this boot by sources that are not left out. ok is false while there
// is none.
func (k *Keeper) Best() (a truetime.Anchor, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return narrowest(slices.Collect(maps.Values(k.latest)), k.timeline().Left(), k.c.Clock.Now())
}

// Left are the sources that are not believed, because those that agree
// contradict them.
func (k *Keeper) Left() []truetime.Source {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.timeline().Left())
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
	return k.timeline().Resolve(at)
}

// timeline is made of all anchors known. k.mu is held.
func (k *Keeper) timeline() *truetime.Timeline {
	anchors := slices.Clone(k.recorded)
	for _, a := range k.latest {
		anchors = append(anchors, a)
	}
	return truetime.NewTimeline(anchors)
}

// Stats tells what the Keeper has seen.
func (k *Keeper) Stats() KeeperStats {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stats
}

// narrowest picks the anchor that is surest at a boottime, of sources not left out.
func narrowest(anchors []truetime.Anchor, left []truetime.Source, at int64) (best truetime.Anchor, ok bool) {
	for _, a := range anchors {
		if !slices.Contains(left, a.Source) && (!ok || width(a, at) < width(best, at)) {
			best, ok = a, true
		}
	}
	return best, ok
}

// width is an anchor's uncertainty at a boottime, ms: the oscillator runs off.
func width(a truetime.Anchor, at int64) int64 {
	return a.Uncertainty + int64(float64(max(at-a.At, a.At-at))*truetime.MaxDrift)
}
