package progress

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
)

// vertex of the demonstration's route.
type vertex struct {
	at   road.Point
	kmh  float64
	stay time.Duration
}

func demonstration(t testing.TB) (all []vertex) {
	text, err := os.ReadFile("testdata/sodo-capitol-hill-sr520.csv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if line[0] == '#' || len(f) < 5 {
			continue
		}
		lat, err1 := strconv.ParseFloat(f[0], 64)
		lon, err2 := strconv.ParseFloat(f[1], 64)
		kmh, err3 := strconv.ParseFloat(f[2], 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		v := vertex{at: road.Point{Latitude: int64(math.Round(lat * 1e7)), Longitude: int64(math.Round(lon * 1e7))}, kmh: kmh}
		if f[3] != "" {
			if v.stay, err = time.ParseDuration(f[3]); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, v)
	}
	return all
}

// traffic drives along the vertices from a time on: slower at some hours, on
// some days, and on some stretches; hand-overs take half to three times as long
// as usual, and one in twelve legs is held up for some minutes.
func traffic(r *rand.Rand, way []vertex, from int64) (track []fence.Fix) {
	const period = 10_000
	day := math.Exp(0.12 * r.NormFloat64())
	at := float64(from)
	next := from
	put := func(a, b road.Point, began, ended float64) {
		for ; float64(next) < ended; next += period {
			part := 0.0
			if ended > began {
				part = (float64(next) - began) / (ended - began)
			}
			track = append(track, fence.Fix{At: next, Accuracy: 6000, Where: road.Point{
				Latitude:  a.Latitude + int64(part*float64(b.Latitude-a.Latitude)+r.NormFloat64()*300),
				Longitude: a.Longitude + int64(part*float64(b.Longitude-a.Longitude)+r.NormFloat64()*300)}})
		}
	}
	for i, v := range way {
		if v.stay > 0 {
			stay := v.stay.Seconds()
			if v.stay >= 3*time.Minute && i > 0 {
				stay *= max(0.5, min(3, math.Exp(0.4*r.NormFloat64())))
				if r.IntN(12) == 0 {
					stay += 180 + 300*r.Float64()
				}
			}
			put(v.at, v.at, at, at+stay*1000)
			at += stay * 1000
		}
		if i+1 == len(way) {
			put(v.at, v.at, at, at+300_000)
			break
		}
		rush := 1.0
		if h := time.UnixMilli(int64(at)).UTC().Hour(); h >= 7 && h < 9 || h >= 16 && h < 18 {
			rush = 1.5
		}
		took := road.Straight(v.at, way[i+1].at) / (v.kmh / 3.6) * day * rush * math.Exp(0.25*r.NormFloat64()) * 1000
		put(v.at, way[i+1].at, at, at+took)
		at += took
	}
	return track
}

// TestIntervalsHold drives the demonstration's route on many days, learns from
// the first, and counts how often the courier came when the estimate of the
// moment had said.
func TestIntervalsHold(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.options.Location = time.UTC
	w.restart()
	way := demonstration(t)
	w.gate = way[0].at
	var places []fact.Ref
	for i, v := range way {
		if i > 0 && v.stay >= 3*time.Minute {
			p := dispatch.Place{ID: fmt.Sprintf("pl_%c9d41c07be", 'a'+i%26), Latitude: v.at.Latitude, Longitude: v.at.Longitude, Radius: 75}
			w.must(w.Dispatch.SetPlace(ctx, "person/test", "", p))
			places = append(places, fact.Ref{Kind: fact.Place, ID: p.ID})
		}
	}
	r := rand.New(rand.NewPCG(11, 11))
	type tally struct{ all, in, before, after int }
	const before, days = 40, 90
	var raw, learnt tally
	width := 0.0
	for n := range days {
		w.Pass(8*time.Hour + time.Duration(r.IntN(8*60))*time.Minute)
		route := fmt.Sprintf("R-%d", n)
		p := fact.RoutePlanned{ID: route, Courier: "van-1", Start: fact.Ref{Kind: fact.Site, ID: "S1"}, Depart: w.Now() + way[0].stay.Milliseconds()}
		for i, to := range places {
			id := fmt.Sprintf("%d-%d", n, i)
			_, err := w.Orders.Plan(ctx, "person/test", "", fact.ShipmentPlanned{ID: "S-" + id}, -1)
			w.must(err)
			_, err = w.Dispatch.Plan(ctx, "person/test", "", fact.JobPlanned{ID: "J-" + id, Shipment: "S-" + id, From: p.Start, To: to}, 0)
			w.must(err)
			p.Stops = append(p.Stops, fact.Stop{ID: fmt.Sprint("s", i), Job: "J-" + id, Kind: "delivery", Place: to})
		}
		_, err := w.Dispatch.Route(ctx, "person/test", "", p, 0)
		w.must(err)
		w.driven(traffic(r, way, w.Now()))
		type said struct {
			stop string
			a    dispatch.Arrival
		}
		var all []said
		end := w.track[len(w.track)-1].At
		for at := w.Now() + 2*minute; at < end; at += 2 * minute {
			w.upto(at)
			leg, err := w.Dispatch.Leg(ctx, route)
			w.must(err)
			for _, v := range leg.Visits() {
				if a, ok := w.tracker.ETA(route, v.ID); ok && v.Arrived == 0 {
					all = append(all, said{v.ID, a})
				}
			}
		}
		w.upto(end)
		leg, err := w.Dispatch.Leg(ctx, route)
		w.must(err)
		arrived := map[string]int64{}
		for _, v := range leg.Visits() {
			arrived[v.ID] = v.Arrived
		}
		of := &raw
		if n >= before {
			of = &learnt
		}
		for _, s := range all {
			real := arrived[s.stop]
			switch of.all++; {
			case real == 0:
				t.Fatalf("day %d: never came to %s", n, s.stop)
			case real < s.a.Low:
				of.before++
			case real > s.a.High:
				of.after++
			default:
				of.in++
			}
			if n >= before {
				width += float64(s.a.High-s.a.Low) / float64(minute)
			}
			if s.a.Low > s.a.At || s.a.At > s.a.High || s.a.Basis == "" {
				t.Fatalf("%+v", s.a)
			}
		}
		_, err = w.Dispatch.Report(ctx, "person/driver", "", fact.RouteReported{ID: "e-" + route, Route: route, Status: "ended", At: end})
		w.must(err)
	}
	part := func(c tally) float64 { return float64(c.in) / float64(c.all) }
	t.Logf("nothing learnt: %.3f of %d; then: %.3f of %d, %d sooner, %d later, %.1f min wide", part(raw), raw.all, part(learnt), learnt.all, learnt.before, learnt.after, width/float64(learnt.all))
	if part(learnt) < 0.8 {
		t.Errorf("the courier came within the interval in %.3f of %d estimates, want 0.8", part(learnt), learnt.all)
	}
	if width/float64(learnt.all) > 25 {
		t.Errorf("intervals are %.1f min wide", width/float64(learnt.all))
	}
}

func TestSilenceWidensTheInterval(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.round()
	w.tour(10_000)
	w.upto(w.track[0].At + 16*minute)
	fresh, ok := w.tracker.ETA("R1", "s2")
	if !ok || !strings.HasPrefix(fresh.Basis, "position ") {
		t.Fatalf("%+v, %v", fresh, ok)
	}
	w.Pass(12 * time.Minute)
	w.work()
	silent, _ := w.tracker.ETA("R1", "s2")
	if silent.High-silent.Low < fresh.High-fresh.Low+11*minute || silent.At < w.Now() || !strings.HasPrefix(silent.Basis, "no position for 12 min, which widens the interval; ways are estimated") {
		t.Errorf("then %+v, now %+v", fresh, silent)
	}
}

func TestWindowsAreWaitedFor(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	opens := w.Now() + 3*hour
	j, err := w.Dispatch.Job(ctx, "J1")
	w.must(err)
	j.Windows = []fact.Window{{From: opens, Until: opens + hour}}
	_, err = w.Dispatch.Plan(ctx, "person/test", "", j.JobPlanned, -1)
	w.must(err)
	w.round()
	w.work()
	first, _ := w.tracker.ETA("R1", "s1")
	second, _ := w.tracker.ETA("R1", "s2")
	if first.At > opens-2*hour || second.Low < opens+10*minute || second.High > opens+2*hour {
		t.Errorf("the window opens at %d; %+v, %+v", opens, first, second)
	}
	if !strings.HasPrefix(first.Basis, "has not set out; ways are estimated, and take ") || !strings.HasSuffix(second.Basis, "; one stop before it") {
		t.Errorf("%q, %q", first.Basis, second.Basis)
	}
}

// engineOf is a road engine that says what ways there are, or fails.
type engineOf struct {
	calls int
	fails bool
}

func (e *engineOf) Table(context.Context, road.Kind, []road.Point) (*road.Table, error) {
	return nil, errors.New("was not asked for")
}

func (e *engineOf) Way(_ context.Context, _ road.Kind, points []road.Point) (*road.Way, error) {
	if e.calls++; e.fails {
		return nil, errors.New("no route to host")
	}
	w := &road.Way{Shape: points, Source: "osrm", Low: 1, High: 1}
	for i := range points[1:] {
		d := road.Straight(points[i], points[i+1])
		w.Legs = append(w.Legs, road.Leg{Seconds: d / 12, Metres: d})
	}
	return w, nil
}

func TestRoadEngine(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	e := &engineOf{}
	w.options.Road = e
	w.restart()
	w.round()
	w.tour(10_000)
	w.upto(w.track[0].At + 16*minute)
	a, ok := w.tracker.ETA("R1", "s2")
	if real := w.track[0].At + 27*minute; !ok || a.At < real-minute || a.At > real+2*minute || !strings.Contains(a.Basis, "; ways by osrm, and take 0.8 to 1.4 times that") {
		t.Errorf("%+v, %v; it really comes at about %d", a, ok, real)
	}
	calls := e.calls
	for range 20 {
		w.Pass(time.Second)
		w.work()
	}
	if e.calls != calls {
		t.Errorf("asked %d times for what it had said", e.calls-calls)
	}
	// Off its way, it is asked where that leads, and no more than once a minute.
	for i := range w.track {
		if w.track[i].At > w.Now() {
			w.track[i].Where.Longitude += 300_000
		}
	}
	for range 30 {
		w.upto(w.Now() + 10_000)
	}
	if n := e.calls - calls; n < 1 || n > 6 {
		t.Errorf("asked %d times in five minutes off the way", n)
	}
	e.fails = true
	w.restart()
	calls = e.calls
	for range 30 {
		w.Pass(time.Second)
		w.work()
	}
	if a, ok := w.tracker.ETA("R1", "s2"); !ok || !strings.Contains(a.Basis, "ways are estimated") || e.calls != calls+1 {
		t.Errorf("engine fails, asked %d times in half a minute: %+v, %v", e.calls-calls, a, ok)
	}
}
