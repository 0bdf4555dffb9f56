package road

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// OSRM is an osrm-routed by URL, by its HTTP API of version 1 (services table,
// route and match). Profiles are named in the address; which one answers is up
// to the data that it runs with.
type OSRM struct{ Remote }

// OSRMSource is the Source of its answers.
const OSRMSource = "osrm"

type osrmReply struct {
	Code      string       `json:"code"`
	Message   string       `json:"message"`
	Durations [][]*float64 `json:"durations"`
	Distances [][]*float64 `json:"distances"`
	Routes    []struct {
		Geometry string    `json:"geometry"`
		Legs     []osrmLeg `json:"legs"`
	} `json:"routes"`
	Matchings []struct {
		Confidence float64 `json:"confidence"`
		Distance   float64 `json:"distance"`
	} `json:"matchings"`
	Tracepoints []*struct {
		Location [2]float64 `json:"location"`
	} `json:"tracepoints"`
}

type osrmLeg struct {
	Duration float64 `json:"duration"`
	Distance float64 `json:"distance"`
}

func coordinates(points []Point, which []int) string {
	var b strings.Builder
	for k, i := range which {
		if k > 0 {
			b.WriteByte(';')
		}
		fmt.Fprintf(&b, "%.6f,%.6f", points[i].lon(), points[i].lat())
	}
	return b.String()
}

func (o *OSRM) ask(ctx context.Context, path string) (*osrmReply, error) {
	var r osrmReply
	status, err := o.call(ctx, path, nil, &r)
	if err != nil {
		return nil, fmt.Errorf("osrm: %w", err)
	}
	if r.Code != "Ok" {
		return nil, fmt.Errorf("osrm: %s: status %d, code %q: %s", o.host(), status, r.Code, r.Message)
	}
	return &r, nil
}

// Table asks for durations and distances, in pieces of MaxTable points.
func (o *OSRM) Table(ctx context.Context, kind Kind, points []Point) (*Table, error) {
	if err := checked(points, 1, MaxPoints); err != nil {
		return nil, err
	}
	profile, err := o.profile(kind)
	if err != nil {
		return nil, err
	}
	if len(points) == 1 {
		return &Table{Seconds: [][]int32{{0}}, Metres: [][]int32{{0}}, Source: OSRMSource, Low: 1, High: 1}, nil
	}
	t, err := o.blocks(len(points), func(from, to []int) ([][]*float64, [][]*float64, error) {
		path := "/table/v1/" + profile + "/"
		if len(from) == len(points) {
			path += coordinates(points, from) + "?annotations=duration,distance"
		} else {
			path += coordinates(points, append(append([]int{}, from...), to...)) + "?annotations=duration,distance" +
				"&sources=" + indexes(0, len(from)) + "&destinations=" + indexes(len(from), len(from)+len(to))
		}
		r, err := o.ask(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		return r.Durations, r.Distances, nil
	})
	if err != nil {
		return nil, err
	}
	t.Source = OSRMSource
	return t, nil
}

func indexes(a, b int) string {
	var s []string
	for ; a < b; a++ {
		s = append(s, strconv.Itoa(a))
	}
	return strings.Join(s, ";")
}

// Way asks for the fastest route through the points.
func (o *OSRM) Way(ctx context.Context, kind Kind, points []Point) (*Way, error) {
	if err := checked(points, 2, MaxPoints); err != nil {
		return nil, err
	}
	profile, err := o.profile(kind)
	if err != nil {
		return nil, err
	}
	r, err := o.ask(ctx, "/route/v1/"+profile+"/"+coordinates(points, between(0, len(points)))+"?overview=full&geometries=polyline6&steps=false")
	if err != nil {
		return nil, err
	}
	if len(r.Routes) == 0 || len(r.Routes[0].Legs) != len(points)-1 {
		return nil, fmt.Errorf("osrm: %s: no route of %d legs in the reply", o.host(), len(points)-1)
	}
	w := &Way{Source: OSRMSource, Low: 1, High: 1}
	for _, l := range r.Routes[0].Legs {
		w.Legs = append(w.Legs, Leg{l.Duration, l.Distance})
	}
	if w.Shape, err = polyline6(r.Routes[0].Geometry); err != nil {
		return nil, fmt.Errorf("osrm: %s: geometry: %w", o.host(), err)
	}
	return w, nil
}

// Match puts a track on the road. Timestamps go along, and accuracies where all
// are known.
func (o *OSRM) Match(ctx context.Context, kind Kind, track []Fix) (*Matched, error) {
	points, times, radii, known := make([]Point, len(track)), make([]string, len(track)), make([]string, len(track)), true
	for i, f := range track {
		points[i] = f.At
		times[i] = strconv.FormatInt(f.Time.Unix(), 10)
		radii[i] = strconv.FormatFloat(min(max(f.Accuracy, 1), 500), 'f', 1, 64)
		known = known && f.Accuracy > 0
		if i > 0 && f.Time.Unix() <= track[i-1].Time.Unix() {
			return nil, fmt.Errorf("track: fix %d is not a second after fix %d; sort it by time and thin it", i, i-1)
		}
	}
	if err := checked(points, 2, MaxFixes); err != nil {
		return nil, err
	}
	profile, err := o.profile(kind)
	if err != nil {
		return nil, err
	}
	path := "/match/v1/" + profile + "/" + coordinates(points, between(0, len(points))) + "?overview=false&timestamps=" + strings.Join(times, ";")
	if known {
		path += "&radiuses=" + strings.Join(radii, ";")
	}
	r, err := o.ask(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(r.Tracepoints) != len(track) {
		return nil, fmt.Errorf("osrm: %s: %d trace points for %d fixes", o.host(), len(r.Tracepoints), len(track))
	}
	m := &Matched{Source: OSRMSource, Confidence: 1}
	for _, p := range r.Tracepoints {
		if p == nil {
			m.Points = append(m.Points, nil)
			continue
		}
		at := Point{int64(math.Round(p.Location[1] * 1e7)), int64(math.Round(p.Location[0] * 1e7))}
		if err := at.valid(); err != nil {
			return nil, fmt.Errorf("osrm: %s: %w", o.host(), err)
		}
		m.Points = append(m.Points, &at)
	}
	for _, s := range r.Matchings {
		m.Confidence, m.Metres = min(m.Confidence, s.Confidence), m.Metres+s.Distance
	}
	return m, nil
}
