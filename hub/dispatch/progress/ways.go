package progress

import (
	"context"
	"time"

	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/road"
)

// leg is how long the way from one place to another is estimated to be.
type leg struct {
	seconds, metres float64
	source          string
	low, high       float64     // in nine of ten cases, in proportion; both 1 where nobody tells
	line            *fence.Line // nil where only the estimate was asked for
}

type pair struct {
	kind     road.Kind
	from, to road.Point
}

// ways asks the road engine, and keeps its answers. It is for whoever holds work.
type ways struct {
	router road.Router
	now    func() time.Time
	legs   map[pair]leg
	lines  map[pair]leg
	alone  time.Time // until then the engine is left alone
	told   int       // calls to the engine
}

const (
	maxLegs  = 50_000
	maxLines = 5_000
	engine   = 5 * time.Second // that one answer may take
	rest     = time.Minute     // for which an engine is left alone that failed
)

func newWays(r road.Router, now func() time.Time) *ways {
	return &ways{router: r, now: now, legs: map[pair]leg{}, lines: map[pair]leg{}}
}

// ask gives the way through points. sure is false where the engine was not
// asked, or did not answer: that is not to be kept.
func (w *ways) ask(ctx context.Context, kind road.Kind, points []road.Point) (way *road.Way, sure bool, err error) {
	if w.now().Before(w.alone) {
		way, err = road.Estimate{}.Way(ctx, kind, points)
		return way, false, err
	}
	short, stop := context.WithTimeout(ctx, engine)
	defer stop()
	w.told++
	way, err = w.router.Way(short, kind, points)
	if err == nil && len(way.Notes) == 0 {
		return way, true, nil
	}
	w.alone = w.now().Add(rest)
	if err != nil { // without a stand-in of its own
		way, err = road.Estimate{}.Way(ctx, kind, points)
	}
	return way, false, err
}

// through gives the legs from each point to the next.
func (w *ways) through(ctx context.Context, kind road.Kind, points []road.Point) (all []leg, err error) {
	missing := false
	for i := 1; i < len(points); i++ {
		l, ok := w.legs[pair{kind, points[i-1], points[i]}]
		all = append(all, l)
		missing = missing || !ok
	}
	if !missing {
		return all, nil
	}
	all = all[:0]
	for begin := 0; begin < len(points)-1; begin += road.MaxPoints - 1 {
		part := points[begin:min(len(points), begin+road.MaxPoints)]
		way, sure, err := w.ask(ctx, kind, part)
		if err != nil {
			return nil, err
		}
		if len(w.legs) > maxLegs {
			clear(w.legs)
		}
		for i, l := range way.Legs {
			one := leg{l.Seconds, l.Metres, way.Source, way.Low, way.High, nil}
			all = append(all, one)
			if sure {
				w.legs[pair{kind, part[i], part[i+1]}] = one
			}
		}
	}
	return all, nil
}

// line gives the way from one point to another, drawn. keep is whether it will
// be asked for again.
func (w *ways) line(ctx context.Context, kind road.Kind, from, to road.Point, keep bool) (leg, error) {
	k := pair{kind, from, to}
	if l, ok := w.lines[k]; ok {
		return l, nil
	}
	way, sure, err := w.ask(ctx, kind, []road.Point{from, to})
	if err != nil {
		return leg{}, err
	}
	shape := way.Shape
	if len(shape) < 2 {
		shape = []road.Point{from, to}
	}
	l := leg{way.Legs[0].Seconds, way.Legs[0].Metres, way.Source, way.Low, way.High, fence.NewLine(shape)}
	if keep && sure {
		if len(w.lines) > maxLines {
			clear(w.lines)
		}
		w.lines[k] = l
	}
	return l, nil
}
