package history

import (
	"sync"

	"frostline/hub/intake/batch"
	"frostline/proto/reading"
)

// trackKey names a track: the readings of one series in one boot.
type trackKey struct {
	gateway string
	epoch   uint32
	series  uint32
	boot    uint32
}

// seriesKey names a series as the wire does.
type seriesKey struct {
	gateway string
	epoch   uint32
	series  uint32
}

func (k trackKey) of() seriesKey { return seriesKey{k.gateway, k.epoch, k.series} }

// head is what is committed and not in chunks yet. mu guards all of it.
type head struct {
	mu       sync.RWMutex
	boots    map[bootKey]*bootHead
	readings int   // held
	applied  int64 // id of the last batch
	skipped  int   // readings of batches that chunks had already
	latest   map[seriesKey]*latest

	// skip tells up to which batch each chunk was merged, for replaying.
	skip map[chunkKey]int64

	// boots in which a series has readings here, so that they need not be
	// looked for among all gateways'.
	inBoots map[seriesKey]map[uint32]struct{}
}

type bootKey struct {
	gateway string
	epoch   uint32
	boot    uint32
}

type chunkKey struct {
	trackKey
	window int64
}

// bootHead holds the series of a boot: in a list by id while ids are small,
// as those of gateways are.
type bootHead struct {
	few  []*track
	many map[uint32]*track
}

const fewSeries = 1024

// track is one series of a boot; its windows are few.
type track struct {
	key     trackKey
	windows []*window
	latest  *latest
}

// window holds the readings of a window in runs, each in order. Those being
// merged stay to be read until they are in a chunk; what comes meanwhile goes
// to new runs.
type window struct {
	number  int64
	runs    []points
	merging []points
	upto    int64 // batch up to which merging is complete
}

// all lists the runs as they are now.
func (w *window) all() []points {
	return append(append(make([]points, 0, len(w.merging)+len(w.runs)), w.merging...), w.runs...)
}

// latest is the newest reading of a series, by boot and tick.
type latest struct {
	known    bool
	whole    bool // chunks were looked at too
	boot     uint32
	tick     int64
	value    int64
	quality  reading.Quality
	received int64
}

func newHead() *head {
	return &head{boots: map[bootKey]*bootHead{}, latest: map[seriesKey]*latest{}, skip: map[chunkKey]int64{},
		inBoots: map[seriesKey]map[uint32]struct{}{}}
}

// apply takes a committed batch. It is used alike for new batches and for
// those replayed at start. It returns how many readings the head holds.
func (h *head) apply(b *batch.Batch) (held int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.ID <= h.applied {
		return h.readings
	}
	h.applied = b.ID
	for i := range b.Boots {
		boot := h.boot(bootKey{b.Gateway, b.Epoch, b.Boots[i].Boot})
		for j := range b.Boots[i].Columns {
			c := &b.Boots[i].Columns[j]
			t := boot.track(h, trackKey{b.Gateway, b.Epoch, c.Series, b.Boots[i].Boot})
			h.column(t, c, b)
		}
	}
	return h.readings
}

func (h *head) held() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.readings
}

func (h *head) boot(k bootKey) *bootHead {
	b := h.boots[k]
	if b == nil {
		b = &bootHead{}
		h.boots[k] = b
	}
	return b
}

func (b *bootHead) track(h *head, k trackKey) *track {
	if k.series < fewSeries {
		for int(k.series) >= len(b.few) {
			b.few = append(b.few, nil)
		}
		if b.few[k.series] == nil {
			b.few[k.series] = h.track(k)
		}
		return b.few[k.series]
	}
	t := b.many[k.series]
	if t == nil {
		if b.many == nil {
			b.many = map[uint32]*track{}
		}
		t = h.track(k)
		b.many[k.series] = t
	}
	return t
}

func (h *head) track(k trackKey) *track {
	l := h.latest[k.of()]
	if l == nil {
		l = &latest{}
		h.latest[k.of()] = l
	}
	boots := h.inBoots[k.of()]
	if boots == nil {
		boots = map[uint32]struct{}{}
		h.inBoots[k.of()] = boots
	}
	boots[k.boot] = struct{}{}
	return &track{key: k, latest: l}
}

// find gives a track if the head has it. mu is held.
func (h *head) find(k trackKey) *track {
	b := h.boots[bootKey{k.gateway, k.epoch, k.boot}]
	switch {
	case b == nil:
		return nil
	case k.series < fewSeries:
		if int(k.series) < len(b.few) {
			return b.few[k.series]
		}
		return nil
	}
	return b.many[k.series]
}

// column adds the readings of a column, window by window.
func (h *head) column(t *track, c *batch.Column, b *batch.Batch) {
	flaws := c.Flaws
	for from := 0; from < len(c.Ticks); {
		number := windowOf(c.Ticks[from])
		start := number * Window
		to := from + 1
		for to < len(c.Ticks) && uint64(c.Ticks[to]-start) < Window && c.Ticks[to] > c.Ticks[to-1] {
			to++
		}
		part := flaws
		for i, f := range flaws {
			if f.At >= to {
				part = flaws[:i]
				break
			}
		}
		flaws = flaws[len(part):]
		if upto, ok := h.skip[chunkKey{t.key, number}]; ok && upto >= b.ID {
			h.skipped += to - from
		} else {
			t.window(number).add(c.Ticks[from:to], c.Values[from:to], part, from)
			h.readings += to - from
		}
		t.latest.offer(t.key.boot, c, from, to, part, b.Received)
		from = to
	}
}

func (t *track) window(number int64) *window {
	for i := len(t.windows) - 1; i >= 0; i-- {
		if t.windows[i].number == number {
			return t.windows[i]
		}
	}
	w := &window{number: number}
	t.windows = append(t.windows, w)
	return w
}

// maxRuns is how many runs a window has before they are put in order.
const maxRuns = 16

// add appends readings whose ticks rise to the run that they continue. flaws
// count from the start of the column, of which ticks begin at base.
func (w *window) add(ticks, values []int64, flaws []batch.Flaw, base int) {
	start := w.number * Window
	first := int32(ticks[0] - start)
	best := -1
	for i := range w.runs {
		if last := w.runs[i].last(); last < first && (best < 0 || last > w.runs[best].last()) {
			best = i
		}
	}
	if best < 0 {
		if len(w.runs) >= maxRuns {
			w.runs = tidy(w.runs)
		}
		w.runs = append(w.runs, points{})
		best = len(w.runs) - 1
	}
	r := &w.runs[best]
	at := r.len()
	for _, tick := range ticks {
		r.offsets = append(r.offsets, int32(tick-start))
	}
	r.values = append(r.values, values...)
	for _, f := range flaws {
		r.flaws = append(r.flaws, flaw{int32(at + f.At - base), f.Quality})
	}
}

// tidy brings runs together, unless some tick is in several: those are for
// the merger to count.
func tidy(runs []points) []points {
	if one, repeated := merge(runs); repeated == 0 {
		return []points{one}
	}
	return runs
}

// offer takes a newer reading than it has from a part of a column.
func (l *latest) offer(boot uint32, c *batch.Column, from, to int, flaws []batch.Flaw, received int64) {
	tick := c.Ticks[to-1] // the part's newest: its ticks rise
	if l.known && (boot < l.boot || boot == l.boot && tick <= l.tick) {
		return
	}
	*l = latest{known: true, whole: l.whole, boot: boot, tick: tick, value: c.Values[to-1], received: received}
	if n := len(flaws); n > 0 && flaws[n-1].At == to-1 {
		l.quality = flaws[n-1].Quality
	}
}
