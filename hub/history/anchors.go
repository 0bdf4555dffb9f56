package history

import (
	"container/list"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"frostline/hub/intake/batch"
	"frostline/proto/pb"
	"frostline/proto/truetime"
)

// epochKey names an epoch of a gateway.
type epochKey struct {
	gateway string
	epoch   uint32
}

// maxAnchors bounds the anchors kept in memory, about 100 bytes each. Those of
// epochs not asked for lately are read again when they are.
const maxAnchors = 200_000

// anchors keeps the timelines of epochs that were asked for.
type anchors struct {
	evidence Evidence

	mu     sync.Mutex
	epochs map[epochKey]*list.Element
	used   *list.List // of *epochAnchors, lately used first
	count  int
}

// epochAnchors are the anchors of an epoch. It is filled by whoever asks
// first, while new anchors are added by those who commit.
type epochAnchors struct {
	key    epochKey
	loaded bool
	seen   map[place]bool
	boots  map[uint32]*bootAnchors
	count  int
}

type bootAnchors struct {
	list     []truetime.Anchor
	timeline *truetime.Timeline // nil when the list has changed
	newest   pb.Anchor          // by boottime
}

// place is where in the chain an anchor stands.
type place struct {
	block    uint64
	position int
}

func newAnchors(e Evidence) *anchors {
	return &anchors{evidence: e, epochs: map[epochKey]*list.Element{}, used: list.New()}
}

// apply takes the anchors of a committed batch.
func (a *anchors) apply(b *batch.Batch) {
	for i := range b.Events {
		e := &b.Events[i]
		an := e.Event.GetAnchor()
		if an == nil {
			continue
		}
		a.mu.Lock()
		if el := a.epochs[epochKey{b.Gateway, b.Epoch}]; el != nil {
			a.count += el.Value.(*epochAnchors).add(place{e.Block, e.Position}, an)
			a.bound()
		}
		a.mu.Unlock()
	}
}

// add adds an anchor unless it is there; it returns by how many there are more.
func (e *epochAnchors) add(p place, m *pb.Anchor) int {
	if e.seen[p] {
		return 0
	}
	an := truetime.Anchor{At: m.AtMs, UTC: m.UtcMs, Uncertainty: int64(m.UncertaintyMs), Source: truetime.Source(m.Source)}
	if !an.Plausible() {
		return 0
	}
	e.seen[p] = true
	b := e.boots[m.Boot]
	if b == nil {
		b = &bootAnchors{}
		e.boots[m.Boot] = b
	}
	if len(b.list) == 0 || m.AtMs >= b.newest.AtMs {
		b.newest = pb.Anchor{AtMs: m.AtMs, Source: m.Source}
	}
	b.list = append(b.list, an)
	b.timeline = nil
	e.count++
	return 1
}

// bound forgets the epochs least lately used. mu is held.
func (a *anchors) bound() {
	for a.count > maxAnchors && a.used.Len() > 1 {
		old := a.used.Remove(a.used.Back()).(*epochAnchors)
		a.count -= old.count
		delete(a.epochs, old.key)
	}
}

// of gives the timelines of an epoch's boots; those without anchors are nil.
func (a *anchors) of(ctx context.Context, k epochKey) (func(boot uint32) *truetime.Timeline, error) {
	e, err := a.epoch(ctx, k)
	if err != nil {
		return nil, err
	}
	return func(boot uint32) *truetime.Timeline {
		a.mu.Lock()
		defer a.mu.Unlock()
		b := e.boots[boot]
		if b == nil {
			return nil
		}
		if b.timeline == nil {
			b.timeline = truetime.NewTimeline(b.list)
		}
		return b.timeline
	}, nil
}

// epoch finds or reads the anchors of an epoch. While they are read, those
// committed meanwhile are added too: each is taken once, by its place.
func (a *anchors) epoch(ctx context.Context, k epochKey) (*epochAnchors, error) {
	a.mu.Lock()
	el := a.epochs[k]
	if el == nil {
		el = a.used.PushFront(&epochAnchors{key: k, seen: map[place]bool{}, boots: map[uint32]*bootAnchors{}})
		a.epochs[k] = el
	}
	a.used.MoveToFront(el)
	e := el.Value.(*epochAnchors)
	loaded := e.loaded
	a.mu.Unlock()
	if loaded {
		return e, nil
	}
	type placed struct {
		place
		anchor *pb.Anchor
	}
	var read []placed
	err := a.evidence.Anchors(ctx, k.gateway, k.epoch, func(block uint64, position int, n *pb.Anchor) error {
		read = append(read, placed{place{block, position}, n})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read anchors of gateway %s, epoch %d: %w", k.gateway, k.epoch, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	added := 0
	for _, n := range read {
		added += e.add(n.place, n.anchor)
	}
	e.loaded = true
	if a.epochs[k] == el {
		a.count += added
		a.bound()
	}
	return e, nil
}

// ClockState is how well a boot of a gateway is tied to UTC.
type ClockState struct {
	Dated       bool
	UTC         int64           // Unix ms, at the boottime asked for
	Uncertainty int64           // ms, likewise
	Source      truetime.Source // of the newest anchor that it is dated by
	Conflict    bool            // the gateway's clock sources contradict one another
	// Left are the sources that are left out because those that agree
	// contradict them, ascending.
	Left []truetime.Source
}

// ClockState tells how well a boottime of a gateway's boot can be dated.
func (h *History) ClockState(ctx context.Context, gateway string, epoch, boot uint32, boottime int64) (ClockState, error) {
	e, err := h.anchors.epoch(ctx, epochKey{gateway, epoch})
	if err != nil {
		return ClockState{}, err
	}
	h.anchors.mu.Lock()
	defer h.anchors.mu.Unlock()
	b := e.boots[boot]
	if b == nil {
		return ClockState{}, nil
	}
	if b.timeline == nil {
		b.timeline = truetime.NewTimeline(b.list)
	}
	m, ok := b.timeline.Resolve(boottime)
	left := slices.Clone(b.timeline.Left())
	return ClockState{Dated: ok, UTC: m.UTC, Uncertainty: m.Uncertainty, Source: b.newestBut(left), Conflict: m.Conflict, Left: left}, nil
}

// newestBut is the source of the newest anchor of those not left out.
func (b *bootAnchors) newestBut(left []truetime.Source) truetime.Source {
	newest := truetime.Source(b.newest.Source)
	if !slices.Contains(left, newest) {
		return newest
	}
	at := int64(math.MinInt64)
	for _, a := range b.list {
		if a.At >= at && !slices.Contains(left, a.Source) {
			at, newest = a.At, a.Source
		}
	}
	return newest
}

// Timeline dates the boottimes of a boot of a gateway by the anchors known so
// far; nil while there is none.
func (h *History) Timeline(ctx context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error) {
	of, err := h.anchors.of(ctx, epochKey{gateway, epoch})
	if err != nil {
		return nil, err
	}
	return of(boot), nil
}
