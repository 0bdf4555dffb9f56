package join

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
)

// Open is the end of a watch that goes on.
const Open = math.MaxInt64

// Types are the types of events that Facts looks at; it ignores all others.
var Types = []string{
	fact.WasAttached, fact.PackageWasPacked, fact.PackageWasClosed, fact.UnitWasReceived,
	fact.ProfileDefined, fact.ProductDefined, fact.SensorDefined, fact.CalibrationDefined,
}

// Facts is what events have told that bears on temperatures. NewFacts makes
// one; it grows with the number of packages, by about 1 KB for each.
type Facts struct {
	places  map[fact.Ref]*timeline.Timeline
	sources map[fact.Ref]map[fact.Ref]struct{} // thing: sensors and loggers ever stated to be in it
	riders  map[fact.Ref]map[fact.Ref]struct{} // thing: totes, packages and units, likewise

	packages map[string]*parcel
	units    map[string]version[fact.UnitReceived]
	profiles map[string]map[int]version[fact.ProfileRecord]
	products map[string]map[int64]version[fact.ProductRecord]
	sensors  map[string]version[fact.SensorRecord]

	calibrations map[string]version[fact.CalibrationRecord]
	certified    map[string]map[string]struct{} // sensor: certificates that ever named it

	ofProduct map[string]map[string]struct{} // product: units that were ever said to be of it
	ofProfile map[string]map[string]struct{} // profile: products that ever named it
	byProfile map[string]map[string]struct{} // profile: packages that ever named it
	byGateway map[string]map[string]struct{} // gateway: sensors that were ever stated to be somewhere
}

// version is a record with what tells which of several holds: the greatest
// rank, then the greatest version of the stream.
type version[T any] struct {
	rank, number int64
	at           int64 // when it was recorded
	record       T
}

func (v *version[T]) beats(o version[T]) bool {
	return v.rank > o.rank || v.rank == o.rank && v.number > o.number
}

// parcel is when a package is watched.
type parcel struct {
	packed *version[fact.PackagePacked]
	closed *version[fact.PackageClosed]
}

// NewFacts knows nothing yet.
func NewFacts() *Facts {
	return &Facts{
		places: map[fact.Ref]*timeline.Timeline{}, sources: map[fact.Ref]map[fact.Ref]struct{}{}, riders: map[fact.Ref]map[fact.Ref]struct{}{},
		packages: map[string]*parcel{}, units: map[string]version[fact.UnitReceived]{},
		profiles: map[string]map[int]version[fact.ProfileRecord]{}, products: map[string]map[int64]version[fact.ProductRecord]{},
		sensors: map[string]version[fact.SensorRecord]{}, calibrations: map[string]version[fact.CalibrationRecord]{},
		certified: map[string]map[string]struct{}{}, ofProduct: map[string]map[string]struct{}{},
		ofProfile: map[string]map[string]struct{}{}, byProfile: map[string]map[string]struct{}{}, byGateway: map[string]map[string]struct{}{},
	}
}

// Apply takes an event, in any order and as often as it comes. It fails for
// one that cannot be read, and then has changed nothing.
func (f *Facts) Apply(e event.Event) error {
	if !slices.Contains(Types, e.Type) {
		return nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return fmt.Errorf("apply event %s: %w", e.ID, err)
	}
	f.take(e, v)
	return nil
}

// take applies the decoded data of an event.
func (f *Facts) take(e event.Event, data any) {
	switch d := data.(type) {
	case *fact.Attached:
		f.attach(*d)
	case *fact.PackagePacked:
		newest(&f.parcel(d.ID).packed, version[fact.PackagePacked]{d.Made, e.Version, e.At, *d})
		index(f.byProfile, d.Profile, d.ID)
	case *fact.PackageClosed:
		newest(&f.parcel(d.ID).closed, version[fact.PackageClosed]{d.Made, e.Version, e.At, *d})
	case *fact.UnitReceived:
		replace(f.units, d.ID, version[fact.UnitReceived]{0, e.Version, e.At, *d})
		index(f.ofProduct, d.Product, d.ID)
	case *fact.ProfileRecord:
		of := f.profiles[d.Profile.ID]
		if of == nil {
			of = map[int]version[fact.ProfileRecord]{}
			f.profiles[d.Profile.ID] = of
		}
		replace(of, d.Profile.Version, version[fact.ProfileRecord]{0, e.Version, e.At, *d})
	case *fact.ProductRecord:
		of := f.products[d.ID]
		if of == nil {
			of = map[int64]version[fact.ProductRecord]{}
			f.products[d.ID] = of
		}
		of[e.Version] = version[fact.ProductRecord]{0, e.Version, e.At, *d}
		index(f.ofProfile, d.Profile, d.ID)
	case *fact.SensorRecord:
		replace(f.sensors, d.ID, version[fact.SensorRecord]{0, e.Version, e.At, *d})
	case *fact.CalibrationRecord:
		replace(f.calibrations, d.ID, version[fact.CalibrationRecord]{0, e.Version, e.At, *d})
		index(f.certified, d.Sensor, d.ID)
	}
}

func replace[K comparable, T any](m map[K]version[T], k K, v version[T]) {
	if old, ok := m[k]; !ok || v.beats(old) {
		m[k] = v
	}
}

func newest[T any](p **version[T], v version[T]) {
	if *p == nil || v.beats(**p) {
		*p = &v
	}
}

func index[K, V comparable](m map[K]map[V]struct{}, k K, v V) {
	of := m[k]
	if of == nil {
		of = map[V]struct{}{}
		m[k] = of
	}
	of[v] = struct{}{}
}

func (f *Facts) parcel(id string) *parcel {
	p := f.packages[id]
	if p == nil {
		p = &parcel{}
		f.packages[id] = p
	}
	return p
}

func (f *Facts) attach(a fact.Attached) {
	t := f.places[a.Subject]
	if t == nil {
		t = &timeline.Timeline{}
		f.places[a.Subject] = t
	}
	if !t.Add(a) || a.In == nil {
		return
	}
	if gateway, _, ok := strings.Cut(a.Subject.ID, "/"); ok && a.Subject.Kind == fact.Sensor {
		index(f.byGateway, gateway, a.Subject.ID)
	}
	switch a.Subject.Kind {
	case fact.Sensor, fact.Logger:
		index(f.sources, *a.In, a.Subject)
	default:
		index(f.riders, *a.In, a.Subject)
	}
}

// during gives where a subject was, cut to a span.
func (f *Facts) during(subject fact.Ref, from, to int64) []timeline.Interval {
	t := f.places[subject]
	if t == nil || from >= to {
		return nil
	}
	return t.During(from, to)
}

// Packages gives the ids of all packages that were packed, in no order.
func (f *Facts) Packages(yield func(id string)) {
	for id, p := range f.packages {
		if p.packed != nil {
			yield(id)
		}
	}
}

// Sensors gives the ids of a gateway's sensors that were ever stated to be
// somewhere, in order.
func (f *Facts) Sensors(gateway string) []string {
	return slices.Sorted(maps.Keys(f.byGateway[gateway]))
}

// LongestGap is the longest that any profile known counts as monitored.
func (f *Facts) LongestGap() (most int64) {
	for _, of := range f.profiles {
		for _, v := range of {
			most = max(most, v.record.Profile.LongestGap)
		}
	}
	return most
}

// Watch is the span in which a package is judged.
type Watch struct {
	From, To int64  // To is Open while the package is not closed
	Closed   string // how it ended; "" while it is open
}

// Watch tells when a package is judged; false where it was never packed. Of
// several statements the one made last holds. One that was closed before it
// was packed is judged for no time.
func (f *Facts) Watch(id string) (Watch, bool) {
	p := f.packages[id]
	if p == nil || p.packed == nil {
		return Watch{}, false
	}
	w := Watch{From: p.packed.record.At, To: Open}
	if c := p.closed; c != nil && !c.record.Reopen {
		w.To, w.Closed = max(w.From, c.record.At), c.record.How
	}
	return w, true
}
