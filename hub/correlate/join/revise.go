package join

import (
	"fmt"
	"slices"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
)

const ever = -1 << 62 // before anything

// Revise is Apply that also tells which packages the event touches, and when:
// whose watch, profiles, units or sources may not be what they were.
func (f *Facts) Revise(e event.Event) ([]Touched, error) {
	if !slices.Contains(Types, e.Type) {
		return nil, nil
	}
	data, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return nil, fmt.Errorf("apply event %s: %w", e.ID, err)
	}
	switch d := data.(type) {
	case *fact.Attached:
		return f.moved(e, d), nil
	case *fact.SensorRecord:
		was := f.sensors[d.ID].record.Accuracy
		f.take(e, data)
		if f.sensors[d.ID].record.Accuracy == was {
			return nil, nil
		}
		return f.Reached(d.ID, ever, Open), nil
	case *fact.CalibrationRecord:
		return f.certify(e, d), nil
	}
	before := map[string]*outline{}
	for _, id := range f.concerned(data) {
		before[id] = f.outline(id)
	}
	f.take(e, data)
	var out []Touched
	for _, id := range f.concerned(data) {
		old := before[id]
		if old == nil {
			old = &outline{}
		}
		if from, to, ok := old.diff(f.outline(id)); ok {
			out = append(out, Touched{id, from, to})
		}
	}
	return merged(out), nil
}

// concerned gives the packages that a record or statement bears on.
func (f *Facts) concerned(data any) (ids []string) {
	units := func(of map[string]struct{}) {
		for u := range of {
			for _, l := range f.UnitLegs(u) {
				ids = append(ids, l.Package)
			}
		}
	}
	switch d := data.(type) {
	case *fact.PackagePacked:
		ids = append(ids, d.ID)
	case *fact.PackageClosed:
		ids = append(ids, d.ID)
	case *fact.UnitReceived:
		units(map[string]struct{}{d.ID: {}})
	case *fact.ProductRecord:
		units(f.ofProduct[d.ID])
	case *fact.ProfileRecord:
		for p := range f.ofProfile[d.Profile.ID] {
			units(f.ofProduct[p])
		}
		for id := range f.byProfile[d.Profile.ID] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// moved takes a statement of place and tells whom it touches: those who were
// with the subject, before or now, while it is elsewhere than was known.
func (f *Facts) moved(e event.Event, d *fact.Attached) []Touched {
	was := slices.Clone(f.during(d.Subject, ever, Open))
	f.take(e, d)
	is := f.during(d.Subject, ever, Open)
	from, to, ok := timeline.Diff(was, is)
	if !ok {
		return nil
	}
	var out []Touched
	note := func(id string, from, to int64) { out = append(out, Touched{id, from, to}) }
	thing := func(in fact.Ref, a, b int64) { f.inside(in, a, b, note) }
	switch d.Subject.Kind {
	case fact.Package, fact.Tote:
		f.inside(d.Subject, from, to, note)
		return merged(out)
	case fact.Unit:
		thing = func(in fact.Ref, _, _ int64) { // its budgets are of its whole life
			if w, ok := f.Watch(in.ID); ok {
				note(in.ID, w.From, w.To)
			}
		}
		from, to = ever, Open
	}
	for _, v := range append(was, is...) {
		if a, b := max(v.From, from), min(v.To, to); v.In != nil && a < b {
			thing(*v.In, a, b)
		}
	}
	return merged(out)
}

// certify takes a calibration and tells whom it touches.
func (f *Facts) certify(e event.Event, d *fact.CalibrationRecord) []Touched {
	was := f.calibrations[d.ID].record
	f.take(e, d)
	is := f.calibrations[d.ID].record
	if was == is {
		return nil
	}
	out := f.Reached(is.Sensor, is.From, is.Until)
	if was.Sensor != "" {
		out = append(out, f.Reached(was.Sensor, was.From, was.Until)...)
	}
	return merged(out)
}
