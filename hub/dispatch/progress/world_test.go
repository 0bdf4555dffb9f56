package progress

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/road"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

var ctx = context.Background()

const (
	minute = int64(60_000)
	hour   = 60 * minute
)

// Where things are: the depot, and the places of dispatchtest.
var (
	depot = road.Point{Latitude: 407_200_000, Longitude: -740_100_000}
	home  = road.Point{Latitude: 407_000_000, Longitude: -740_000_000}
	far   = road.Point{Latitude: 408_000_000, Longitude: -740_000_000}
)

// world is dispatch on a store, with a van whose gateway has measured where it
// was. What the hub has of that is what was committed.
type world struct {
	*dispatchtest.Bench
	t       testing.TB
	db      *store.DB
	track   []fence.Fix
	began   int64 // when the gateway's clock did
	gate    road.Point
	mu      sync.Mutex
	has     []bool // of track
	anchors []truetime.Anchor
	tracker *Tracker
	options Options
	parcel  int64
}

// boot is when the gateway's clock began, Unix ms.
func (w *world) boot() int64 { return w.began }

func newWorld(t testing.TB, db *store.DB) *world {
	w := &world{Bench: dispatchtest.New(t, db), t: t, db: db, gate: depot}
	w.Stock(t)
	w.enter(fact.GatewayDefined, fact.GatewayRecord{ID: "gw", Name: "van", Vehicle: "V1"})
	w.options = Options{
		Store: db, Events: w.Log, Routes: w.Dispatch, Measured: w, Now: w.Clock, Log: storetest.Logger(t),
		Site: func(context.Context, string) (*fact.Position, error) {
			return &fact.Position{Latitude: w.gate.Latitude, Longitude: w.gate.Longitude}, nil
		},
	}
	w.restart()
	return w
}

func (w *world) enter(typ string, v fact.Record) {
	w.t.Helper()
	_, err := w.Log.Command(ctx, "person/test", func(ctx context.Context, c event.Change) error {
		_, err := c.Append(ctx, event.New{Stream: v.Ref().String(), Expect: -1, Type: typ, Data: v})
		return err
	})
	w.must(err)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// restart kills the tracker and opens another.
func (w *world) restart() {
	w.t.Helper()
	var err error
	w.tracker, err = New(ctx, w.options)
	w.must(err)
}

func (w *world) work() {
	w.t.Helper()
	w.must(w.tracker.Work(ctx))
}

// round plans route R1 to Home, Far and Home.
func (w *world) round() {
	w.t.Helper()
	p := w.Round()
	p.End = p.Start
	_, err := w.Dispatch.Route(ctx, "person/test", "", p, 0)
	w.must(err)
}

// drive makes the track: from the depot, where the van stands for five minutes
// until its time, to each stop, where it stands for so many minutes, and so on.
// It begins at from; a position comes each period with noise of some metres.
func drive(from int64, period int64, seed uint64, speed float64, stand int64, stops ...road.Point) (all []fence.Fix) {
	r := rand.New(rand.NewPCG(seed, 7))
	put := func(at int64, p road.Point) {
		const metre = 90
		all = append(all, fence.Fix{At: at, Where: road.Point{Latitude: p.Latitude + int64(r.NormFloat64()*4*metre), Longitude: p.Longitude + int64(r.NormFloat64()*4*metre)}, Accuracy: 6000})
	}
	at, p := from, depot
	rest := func(ms int64) {
		for end := at + ms; at < end; at += period {
			put(at, p)
		}
	}
	rest(5 * minute)
	for _, to := range stops {
		n := int64(math.Ceil(road.Straight(p, to) / speed * 1000 / float64(period)))
		for i := range n {
			part := float64(i) / float64(n)
			put(at, road.Point{Latitude: p.Latitude + int64(part*float64(to.Latitude-p.Latitude)), Longitude: p.Longitude + int64(part*float64(to.Longitude-p.Longitude))})
			at += period
		}
		p = to
		rest(stand)
	}
	return all
}

// has positions and an anchor at the beginning; nothing is committed yet.
func (w *world) driven(track []fence.Fix) {
	w.track, w.has = track, make([]bool, len(track))
	if w.began == 0 {
		w.began = track[0].At - hour
	}
	w.anchors = []truetime.Anchor{{At: 0, UTC: w.boot(), Uncertainty: 10, Source: truetime.GNSS}}
}

// commit commits a stretch of the track.
func (w *world) commit(from, until int) {
	w.parcel++
	b := &batch.Batch{ID: w.parcel, Gateway: "gw", Epoch: 1, Boots: []batch.Boot{{Boot: 1}}}
	for _, series := range []uint32{1, 2, 3} {
		c := batch.Column{Series: series}
		for _, f := range w.track[from:until] {
			c.Ticks = append(c.Ticks, f.At-w.boot())
			c.Values = append(c.Values, 0) // the tracker reads them from history
		}
		b.Boots[0].Columns = append(b.Boots[0].Columns, c)
	}
	w.mu.Lock()
	for i := from; i < until; i++ {
		w.has[i] = true
	}
	w.mu.Unlock()
	w.tracker.Committed(b)
}

// anchored tells the tracker that an anchor of the boot came.
func (w *world) anchored() {
	w.parcel++
	w.tracker.Committed(&batch.Batch{ID: w.parcel, Gateway: "gw", Epoch: 1, Events: []batch.Event{{Boot: 1, Event: &pb.Event{Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: 1}}}}}})
}

// upto lets the clock come to a time and commits what was measured by then.
func (w *world) upto(at int64) {
	w.t.Helper()
	if d := at - w.Now(); d > 0 {
		w.Pass(time.Duration(d) * time.Millisecond)
	}
	from := 0
	for from < len(w.track) && w.has[from] {
		from++
	}
	until := from
	for until < len(w.track) && w.track[until].At <= at {
		until++
	}
	if until > from {
		w.commit(from, until)
	}
	w.work()
}

func (w *world) route() dispatch.Route {
	w.t.Helper()
	r, err := w.Dispatch.Leg(ctx, "R1")
	w.must(err)
	return r
}

// The world is what its gateway measured.

func (w *world) Receivers(gateway string) []string {
	if gateway == "gw" {
		return []string{"gnss"}
	}
	return nil
}

func (w *world) Meaning(_ string, _, series uint32) (reading.Quantity, bool) {
	q := map[uint32]reading.Quantity{1: reading.Latitude, 2: reading.Longitude, 3: reading.PositionError}[series]
	return q, q != 0
}

func (w *world) Timeline(context.Context, string, uint32, uint32) (*truetime.Timeline, error) {
	if len(w.anchors) == 0 {
		return nil, nil
	}
	return truetime.NewTimeline(w.anchors), nil
}

func (w *world) Readings(_ context.Context, gateway, _ string, q reading.Quantity, from, to int64, visit func(Reading) error) error {
	tl := truetime.NewTimeline(w.anchors)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, f := range w.track {
		tick := f.At - w.boot()
		m, ok := tl.Resolve(tick)
		if gateway != "gw" || !w.has[i] || !ok || m.UTC < from || m.UTC >= to {
			continue
		}
		v := f.Accuracy
		switch q {
		case reading.Latitude:
			v = f.Where.Latitude
		case reading.Longitude:
			v = f.Where.Longitude
		}
		if err := visit(Reading{1, 1, tick, m.UTC, m.Uncertainty, v, !m.Conflict}); err != nil {
			return err
		}
	}
	return nil
}
