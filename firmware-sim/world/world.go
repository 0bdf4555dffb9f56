// Package world is the physics behind simulated sensors: a cold room with its
// compressor and door, an insulated box with a phase-change pack, a vehicle on
// its route, in the weather of a recorded year.
//
// The world moves in fixed steps of 250 ms, whoever looks at it and however
// often, so that a run depends on its configuration, seed and starting time
// alone. Temperatures are degrees Celsius, heat is joules, as floating-point
// numbers: this is the analogue side, and only a simulated sensor turns it into
// the integers that readings are made of.
//
// A World is not safe for concurrent use; the board that owns it guards it.
package world

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	"frostline/firmware-sim/fault"
)

// Step is the fixed step of integration.
const Step = 250 * time.Millisecond

// seconds is Step as a number.
const seconds = float64(Step) / float64(time.Second)

// Config describes a world.
type Config struct {
	Seed    uint64
	Start   time.Time // UTC at time zero
	Objects []Object
}

// moment is what an object may know while it takes a step.
type moment struct {
	utc     time.Time
	ambient float64 // °C outdoors
}

// thing is an object at run time.
type thing interface {
	kind() string
	step(m moment)
	// quantities gives a look at each measurable quantity by name.
	quantities() map[string]func() float64
	setFault(f fault.Fault) error
}

// World is a set of objects and the probes that lag behind them.
type World struct {
	now    time.Duration // of the last completed step
	start  int64         // UTC at time zero, Unix milliseconds
	names  []string      // in stepping order
	things map[string]thing
	faults map[string]fault.Fault
	probes []*Probe
}

// New builds a world at time zero. The configuration must have passed Check.
func New(c Config) (*World, error) {
	w := &World{
		start:  c.Start.UnixMilli(),
		things: map[string]thing{},
		faults: map[string]fault.Fault{},
	}
	// Vehicles step first: a box follows the door of the vehicle it rides in.
	objects := append([]Object(nil), c.Objects...)
	sort.SliceStable(objects, func(i, j int) bool { return objects[i].Vehicle != nil && objects[j].Vehicle == nil })
	for _, o := range objects {
		if w.things[o.Name] != nil {
			return nil, fmt.Errorf("world object %q: the name is taken", o.Name)
		}
		t, err := w.build(c.Seed, o)
		if err != nil {
			return nil, fmt.Errorf("world object %q: %w", o.Name, err)
		}
		w.names = append(w.names, o.Name)
		w.things[o.Name] = t
		w.faults[o.Name] = fault.Clear
	}
	return w, nil
}

func (w *World) build(seed uint64, o Object) (thing, error) {
	m := w.moment()
	switch {
	case o.Room != nil:
		return newRoom(seed, o.Name, o.Room.WithDefaults(), m), nil
	case o.Box != nil:
		c := o.Box.WithDefaults()
		var carrier *vehicle
		if c.RidesIn != "" {
			v, ok := w.things[c.RidesIn].(*vehicle)
			if !ok {
				return nil, fmt.Errorf("rides_in %q: there is no such vehicle", c.RidesIn)
			}
			carrier = v
		}
		return newBox(seed, o.Name, c, carrier, m), nil
	case o.Vehicle != nil:
		return newVehicle(seed, o.Name, o.Vehicle.WithDefaults())
	}
	return nil, fmt.Errorf("want one of room, box or vehicle")
}

// Now is the time of the last completed step since the world began.
func (w *World) Now() time.Duration { return w.now }

// UTC gives the world's date and time at t after its beginning.
func (w *World) UTC(t time.Duration) time.Time {
	return time.UnixMilli(w.start).UTC().Add(t)
}

// SetUTC declares that t after the beginning is utc. Temperatures, positions
// and doors stay as they are; the weather follows the new date.
func (w *World) SetUTC(t time.Duration, utc time.Time) {
	w.start = utc.Add(-t).UnixMilli()
}

func (w *World) moment() moment {
	utc := w.UTC(w.now)
	return moment{utc: utc, ambient: Ambient(utc)}
}

// AdvanceTo takes all whole steps up to t. Going back is not possible and does
// nothing.
func (w *World) AdvanceTo(t time.Duration) {
	for w.now+Step <= t {
		m := w.moment()
		for _, n := range w.names {
			w.things[n].step(m)
		}
		for _, p := range w.probes {
			p.step()
		}
		w.now += Step
	}
}

// SetFault makes something go wrong with an object, or right again.
func (w *World) SetFault(object string, f fault.Fault) error {
	t := w.things[object]
	if t == nil {
		return fmt.Errorf("world object %q is not known: want one of %s", object, strings.Join(w.names, ", "))
	}
	if err := t.setFault(f); err != nil {
		return err
	}
	w.faults[object] = f
	return nil
}

// State is one object as it is now, for people to look at.
type State struct {
	Name   string
	Kind   string
	Fault  fault.Fault
	Values map[string]float64
}

// States shows every object, in stepping order.
func (w *World) States() []State {
	list := make([]State, 0, len(w.names))
	for _, n := range w.names {
		t := w.things[n]
		s := State{Name: n, Kind: t.kind(), Fault: w.faults[n], Values: map[string]float64{}}
		for q, look := range t.quantities() {
			s.Values[q] = look()
		}
		list = append(list, s)
	}
	return list
}

// Position gives where a vehicle is at t, which may lie within the step that
// has not been taken yet.
func (w *World) Position(vehicleName string, t time.Duration) (Position, error) {
	v, ok := w.things[vehicleName].(*vehicle)
	if !ok {
		return Position{}, fmt.Errorf("vehicle %q is not known", vehicleName)
	}
	return v.position((t - w.now).Seconds()), nil
}

// Probe is a sensing element: it follows a quantity of an object with the
// delay of its own thermal mass.
type Probe struct {
	look   func() float64
	share  float64 // of the difference taken up in one step; 1 for no lag
	offset float64 // °C, of the place where the probe hangs
	value  float64
}

// Probe hangs a probe at a quantity, named OBJECT.QUANTITY as in "room.air".
// Lag is its time constant; offset is added to what it senses.
func (w *World) Probe(quantity string, lag time.Duration, offset float64) (*Probe, error) {
	object, name, _ := strings.Cut(quantity, ".")
	t := w.things[object]
	if t == nil {
		return nil, fmt.Errorf("quantity %q: world object %q is not known: want one of %s", quantity, object, strings.Join(w.names, ", "))
	}
	look := t.quantities()[name]
	if look == nil {
		return nil, fmt.Errorf("quantity %q: a %s has %s", quantity, t.kind(), strings.Join(QuantitiesOf(t.kind()), ", "))
	}
	p := &Probe{look: look, share: 1, offset: offset}
	if lag > 0 {
		p.share = 1 - math.Exp(-seconds/lag.Seconds())
	}
	p.value = look() + offset
	w.probes = append(w.probes, p)
	return p, nil
}

// Value is what the element is at, as of the last step.
func (p *Probe) Value() float64 { return p.value }

func (p *Probe) step() { p.value += p.share * (p.look() + p.offset - p.value) }
