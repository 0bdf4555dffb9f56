package sampler

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync"

	"frostline/proto/reading"
)

// gatherer puts the readings of a tick together.
type gatherer struct {
	clock  Clock
	linger int64                // ms
	oldest int64                // ms after which nobody answers for a tick any more
	due    func(tick int64) int // sensors that answer for a tick
	out    chan Batch
	seen   func([]reading.Reading) // nil: nobody looks

	mu      sync.Mutex
	ticks   map[int64]*gathering
	lost    []Loss
	stats   Stats
	wake    context.CancelFunc // ends run's sleep
	waking  func()             // a hold on the clock until run has seen why it was woken
	nextOut int64              // boottime run sleeps until, ms
}

// gathering is a tick that is not complete.
type gathering struct {
	left     int // sensors that have not answered
	readings []reading.Reading
	deadline int64 // boottime at which what there is goes out, ms
}

// Stats counts since the Sampler was made.
type Stats struct {
	Readings int64 // given out in batches
	Batches  int64
	Late     int64 // batches that did not go out with the rest of their tick
	Lost     int64 // readings declared as lost
}

const never = math.MaxInt64

func newGatherer(c Clock, linger, oldest int64, buffer int, due func(int64) int) *gatherer {
	return &gatherer{clock: c, linger: linger, oldest: oldest, due: due, out: make(chan Batch, buffer), ticks: map[int64]*gathering{}, nextOut: never}
}

// add takes the readings of one sensor for a tick. The caller is busy.
func (g *gatherer) add(tick int64, readings []reading.Reading) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	t := g.ticks[tick]
	if t == nil {
		t = &gathering{left: g.due(tick), deadline: tick + g.linger}
		g.ticks[tick] = t
	}
	if len(t.readings) == 0 && now >= t.deadline {
		t.deadline = now + g.linger
	}
	t.readings = append(t.readings, readings...)
	if t.left--; t.left <= 0 {
		delete(g.ticks, tick)
		g.send(tick, t)
		if t.deadline == g.nextOut {
			g.rouse() // nothing to wait for any more
		}
		return
	}
	if t.deadline < g.nextOut {
		g.nextOut = t.deadline
		g.rouse()
	}
}

// rouse has run look again. g.mu is held.
func (g *gatherer) rouse() {
	if g.wake != nil && g.waking == nil {
		g.waking = g.clock.Busy()
		g.wake()
	}
}

// lose notes readings that are lost.
func (g *gatherer) lose(l Loss) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.noteLoss(l)
}

// noteLoss joins a loss to the ones not yet told. g.mu is held.
func (g *gatherer) noteLoss(l Loss) {
	g.stats.Lost += int64(l.Readings)
	for i := range g.lost {
		if o := &g.lost[i]; o.Reason == l.Reason {
			o.Readings += l.Readings
			o.From, o.To = min(o.From, l.From), max(o.To, l.To)
			return
		}
	}
	g.lost = append(g.lost, l)
}

// send gives out what there is of a tick. g.mu is held.
func (g *gatherer) send(tick int64, t *gathering) {
	if len(t.readings) == 0 {
		return
	}
	slices.SortFunc(t.readings, func(a, b reading.Reading) int { return cmp.Compare(a.Series, b.Series) })
	if g.seen != nil {
		g.seen(t.readings)
	}
	b := Batch{Tick: tick, Readings: t.readings, Lost: g.lost, Done: g.clock.Busy()}
	select {
	case g.out <- b:
		g.lost = nil
		g.stats.Batches++
		g.stats.Readings += int64(len(b.Readings))
		if g.clock.Now() > tick+g.linger {
			g.stats.Late++
		}
	default:
		b.Done()
		g.noteLoss(Loss{Readings: len(t.readings), From: tick, To: tick, Reason: Overflow})
	}
	t.readings = nil
}

// run gives out what has lingered, until ctx ends.
func (g *gatherer) run(ctx context.Context) {
	for ctx.Err() == nil {
		g.mu.Lock()
		now := g.clock.Now()
		g.nextOut = never
		for tick, t := range g.ticks {
			if now >= t.deadline {
				g.send(tick, t)
				if now > tick+g.oldest {
					delete(g.ticks, tick) // the rest was declared lost
				}
				continue
			}
			g.nextOut = min(g.nextOut, t.deadline)
		}
		sleep, cancel := context.WithCancel(ctx)
		g.wake = cancel
		until := g.nextOut
		if g.waking != nil {
			g.waking()
			g.waking = nil
		}
		g.mu.Unlock()
		_ = g.clock.SleepUntil(sleep, until) // ctx ended, or there is something to look at
		cancel()
	}
}

// close gives out all there is.
func (g *gatherer) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tick := range slices.Sorted(maps.Keys(g.ticks)) {
		g.send(tick, g.ticks[tick])
		delete(g.ticks, tick)
	}
	if g.waking != nil {
		g.waking()
		g.waking = nil
	}
}
