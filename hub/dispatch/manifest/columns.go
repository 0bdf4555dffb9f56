package manifest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
)

// Column is a column of the CSV files of a kind.
type Column struct {
	Name     string
	Help     string
	Example  string
	Required bool
	set      func(*row, string) error
}

// row is a line that is being read.
type row struct {
	id    string
	place dispatch.Place
	cour  fact.CourierDefined
	job   fact.JobPlanned
	win   fact.Window
	route fact.RoutePlanned
	stop  fact.Stop
}

// Columns lists the columns of a kind; nil for a kind that there is not.
func Columns(kind string) []Column { return columns[kind] }

// Example gives a file of a kind to begin with.
func Example(kind string) string {
	var head, line []string
	for _, c := range columns[kind] {
		head, line = append(head, c.Name), append(line, c.Example)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.WriteAll([][]string{head, line})
	return b.String()
}

func column(kind, name string) *Column {
	for i := range columns[kind] {
		if columns[kind][i].Name == name {
			return &columns[kind][i]
		}
	}
	return nil
}

func names(kind string) (all []string) {
	for _, c := range columns[kind] {
		all = append(all, c.Name)
	}
	return all
}

const site = "site/ID or place/TOKEN"

var columns = map[string][]Column{
	"places": {
		need(id("a token that tells nothing")), need(degrees("latitude", "degrees north, WGS 84", "52.5200066", 90, func(r *row) *int64 { return &r.place.Latitude })),
		need(degrees("longitude", "degrees east, WGS 84", "13.4049540", 180, func(r *row) *int64 { return &r.place.Longitude })),
		whole("radius_m", "of the fence around it, m", "75", func(r *row) *int64 { return &r.place.Radius }),
	},
	"couriers": {
		need(id("letters, digits and ._:+-")), need(text("kind", strings.Join(fact.CourierKinds, ", "), "van", func(r *row) *string { return &r.cour.Kind })),
		need(text("party", "id of the party that has custody of what it carries", "courier-a", func(r *row) *string { return &r.cour.Party })),
		text("vehicle", "id of the vehicle whose gateway tells where it is", "van-14", func(r *row) *string { return &r.cour.Vehicle }),
		whole("speed_mm_s", "while it moves, mm/s", "12000", func(r *row) *int64 { return &r.cour.Speed }),
		whole("range_m", "without a stop for energy, m", "", func(r *row) *int64 { return &r.cour.Range }),
		whole("payload_g", "g", "400000", func(r *row) *int64 { return &r.cour.Payload }),
		whole("time_constant_s", "of its compartment against the air outside, s", "7200", func(r *row) *int64 { return &r.cour.TimeConstant }),
		yes("retired", func(r *row) *bool { return &r.cour.Retired }),
	},
	"jobs": {
		need(id("letters, digits and ._:+-")), need(text("shipment", "id of a shipment", "SH-1001", func(r *row) *string { return &r.job.Shipment })),
		need(where("from", "site/depot-1", func(r *row) *fact.Ref { return &r.job.From })), need(where("to", "place/pl_9d41c07be2", func(r *row) *fact.Ref { return &r.job.To })),
		instant("ready", "can be picked up from then on", "2026-09-14T06:00:00Z", func(r *row) *int64 { return &r.job.Ready }),
		instant("window_from", "may be delivered from then on; needs window_until", "2026-09-14T08:00:00Z", func(r *row) *int64 { return &r.win.From }),
		instant("window_until", "and until then", "2026-09-14T10:00:00Z", func(r *row) *int64 { return &r.win.Until }),
		whole("service_s", "that the hand-over takes, s", "300", func(r *row) *int64 { return &r.job.Service }),
		whole("load_g", "g", "5000", func(r *row) *int64 { return &r.job.Load }),
		yes("two", func(r *row) *bool { return &r.job.Two }), yes("identity", func(r *row) *bool { return &r.job.Identity }),
		text("replaces", "id of the job that it makes good", "", func(r *row) *string { return &r.job.Replaces }),
	},
	"routes": {
		need(id("the same in each line of a route")), need(text("courier", "id of a courier", "van-14", func(r *row) *string { return &r.route.Courier })),
		need(where("start", "site/depot-1", func(r *row) *fact.Ref { return &r.route.Start })), where("end", "site/depot-1", func(r *row) *fact.Ref { return &r.route.End }),
		need(instant("depart", "when it is to set out", "2026-09-14T07:30:00Z", func(r *row) *int64 { return &r.route.Depart })),
		need(text("stop", "id of the stop, unique in the route", "s1", func(r *row) *string { return &r.stop.ID })),
		need(text("job", "id of a job", "J-1001", func(r *row) *string { return &r.stop.Job })),
		need(text("kind", strings.Join(fact.StopKinds, ", "), "delivery", func(r *row) *string { return &r.stop.Kind })),
		need(where("place", "place/pl_9d41c07be2", func(r *row) *fact.Ref { return &r.stop.Place })),
		instant("eta", "as planned", "2026-09-14T08:20:00Z", func(r *row) *int64 { return &r.stop.ETA }), yes("pinned", func(r *row) *bool { return &r.stop.Pinned }),
	},
}

func need(c Column) Column { c.Required = true; return c }

func id(help string) Column {
	return Column{Name: "id", Help: help, Example: "X-1", set: func(r *row, s string) error { r.id = s; return nil }}
}

func text(name, help, example string, at func(*row) *string) Column {
	return Column{Name: name, Help: help, Example: example, set: func(r *row, s string) error { *at(r) = s; return nil }}
}

func whole(name, help, example string, at func(*row) *int64) Column {
	return Column{Name: name, Help: help, Example: example, set: func(r *row, s string) (err error) {
		if *at(r), err = strconv.ParseInt(s, 10, 64); err != nil {
			return errors.New("want a whole number")
		}
		return nil
	}}
}

func degrees(name, help, example string, most float64, at func(*row) *int64) Column {
	return Column{Name: name, Help: help, Example: example, set: func(r *row, s string) error {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || !(math.Abs(x) <= most) {
			return fmt.Errorf("want degrees with a point, up to %v", most)
		}
		*at(r) = int64(math.Round(x * 1e7))
		return nil
	}}
}

func yes(name string, at func(*row) *bool) Column {
	return Column{Name: name, Help: "yes or no", set: func(r *row, s string) error {
		switch strings.ToLower(s) {
		case "yes", "true":
			*at(r) = true
		case "no", "false":
		default:
			return errors.New("want yes or no")
		}
		return nil
	}}
}

func where(name, example string, at func(*row) *fact.Ref) Column {
	return Column{Name: name, Help: site, Example: example, set: func(r *row, s string) (err error) {
		if *at(r), err = fact.ParseRef(s); err != nil {
			return fmt.Errorf("want %s", site)
		}
		return nil
	}}
}

func instant(name, help, example string, at func(*row) *int64) Column {
	return Column{Name: name, Help: help, Example: example, set: func(r *row, s string) error {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return errors.New("want a time as 2026-09-14T06:00:00Z")
		}
		*at(r) = t.UnixMilli()
		return nil
	}}
}

// add adds what a line says to the things that were read before.
func (r *row) add(kind string, line int, items []dispatch.Item, bad func(int, string, string, ...any)) []dispatch.Item {
	it := dispatch.Item{Line: line}
	switch kind {
	case "places":
		r.place.ID = r.id
		it.Place = &r.place
	case "couriers":
		r.cour.ID = r.id
		it.Courier = &r.cour
	case "jobs":
		if r.job.ID = r.id; r.win != (fact.Window{}) {
			r.job.Windows = []fact.Window{r.win}
		}
		it.Job = &r.job
	default:
		r.route.ID = r.id
		if n := len(items); n > 0 && items[n-1].Route.ID == r.id {
			last := items[n-1].Route
			r.route.Stops = last.Stops
			if !reflect.DeepEqual(*last, r.route) {
				bad(line, r.id, "id: courier, start, end or depart differ from the line before; they are of the whole route")
				return items
			}
			last.Stops = append(last.Stops, r.stop)
			return items
		}
		r.route.Stops = []fact.Stop{r.stop}
		it.Route = &r.route
	}
	return append(items, it)
}
