package world

import (
	"fmt"
	"time"
)

// Object is one thing of the world: exactly one of Room, Box and Vehicle.
type Object struct {
	Name    string   `yaml:"name"`
	Room    *Room    `yaml:"room,omitempty"`
	Box     *Box     `yaml:"box,omitempty"`
	Vehicle *Vehicle `yaml:"vehicle,omitempty"`
}

// Kind names which of the three it is, or is empty.
func (o Object) Kind() string {
	switch {
	case o.Room != nil:
		return "room"
	case o.Box != nil:
		return "box"
	case o.Vehicle != nil:
		return "vehicle"
	}
	return ""
}

// Report takes one finding about a configuration: the field's path below the
// thing checked, its value, and what is wanted.
type Report func(field string, value any, want string)

// Check reports everything that is wrong with the object by itself.
func (o Object) Check(report Report) {
	set := 0
	below := func(part string) Report {
		return func(field string, value any, want string) { report(part+"."+field, value, want) }
	}
	if o.Room != nil {
		set++
		o.Room.WithDefaults().check(below("room"))
	}
	if o.Box != nil {
		set++
		o.Box.WithDefaults().check(below("box"))
	}
	if o.Vehicle != nil {
		set++
		o.Vehicle.WithDefaults().check(below("vehicle"))
	}
	if set != 1 {
		report("name", o.Name, "exactly one of room, box and vehicle below it")
	}
}

// QuantitiesOf lists what a probe can sense of a kind of object.
func QuantitiesOf(kind string) []string {
	switch kind {
	case "room":
		return []string{"air", "goods", "humidity", "door", "compressor", "surroundings"}
	case "box":
		return []string{"payload", "pack", "melted", "humidity", "door", "surroundings"}
	case "vehicle":
		return []string{"door", "speed", "latitude", "longitude"}
	}
	return nil
}

// Surroundings is what lies around a room or box: a mix of a steady indoor
// temperature and the weather.
type Surroundings struct {
	BaseC        float64 `yaml:"base_c"`        // steady temperature, °C
	AmbientShare float64 `yaml:"ambient_share"` // 0 for indoors, 1 for open air
}

// at gives the temperature of the surroundings, °C.
func (s Surroundings) at(ambient float64) float64 {
	return s.BaseC + s.AmbientShare*(ambient-s.BaseC)
}

func (s Surroundings) check(report Report) {
	within(report, "surroundings.base_c", s.BaseC, -60, 60, "°C")
	within(report, "surroundings.ambient_share", s.AmbientShare, 0, 1, "")
}

// Openings says how often and how long people open a door.
type Openings struct {
	Every time.Duration `yaml:"every"` // mean between openings from 06:00 to 20:00 local standard time; 0 for never
	Night time.Duration `yaml:"night"` // mean between openings otherwise; 0 for never
	Lasts time.Duration `yaml:"lasts"` // mean duration; half to one and a half times this
}

func (o Openings) check(report Report) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"every", o.Every}, {"night", o.Night}, {"lasts", o.Lasts}} {
		if d.value != 0 && (d.value < time.Second || d.value > 7*24*time.Hour) {
			report("openings."+d.name, d.value, "1s to 168h, or 0")
		}
	}
	if (o.Every > 0 || o.Night > 0) && o.Lasts == 0 {
		report("openings.lasts", o.Lasts, "how long an opening lasts, for example 30s")
	}
}

func within(report Report, field string, v, lowest, most float64, unit string) {
	if !(v >= lowest && v <= most) {
		want := fmt.Sprintf("%g to %g", lowest, most)
		if unit != "" {
			want += " " + unit
		}
		report(field, v, want)
	}
}

// stable reports a heat capacity so small that a step of the integration
// would overshoot.
func stable(report Report, field string, capacity, conductance float64) {
	if capacity > 0 && conductance*seconds > 0.1*capacity {
		report(field, capacity/1000, fmt.Sprintf("at least %.3g kJ/K for the conductances around it", conductance*seconds*10/1000))
	}
}

func or(v, standard float64) float64 {
	if v == 0 {
		return standard
	}
	return v
}

func orDuration(v, standard time.Duration) time.Duration {
	if v == 0 {
		return standard
	}
	return v
}
