package sensor

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"frostline/edge/bus"
	"frostline/proto/reading"
	"frostline/proto/simbus"
	"frostline/proto/truetime"
)

// Spec describes a sensor as the configuration does. Its fields have no
// defaults but those of Options; see Options.WithDefaults.
type Spec struct {
	ID      string // name of the sensor
	Driver  string // one of Drivers
	Bus     string // as package bus takes it
	Address string // 1-Wire ROM or I²C address; empty where the driver has none
	Options Options
}

// Place tells sensors apart that are the same: where it is, and what of it is
// read. Two sensors may read different registers of one Modbus unit.
func (s Spec) Place() string {
	place := s.Bus + " " + strings.ToLower(s.Address)
	for _, r := range s.Options.Registers {
		place += fmt.Sprintf(" %s/%s", r.Table, r.Address)
	}
	return place
}

// Thermometer tells whether it measures a temperature. s must be right, see
// Check.
func (s Spec) Thermometer() bool {
	switch s.Driver {
	case "battery", "voltage", "door", "tamper", "gnss":
		return false
	case "modbus":
		return slices.ContainsFunc(s.Options.Registers, func(r Register) bool { return r.Quantity == reading.Temperature.String() })
	case "bthome":
		wanted, err := measures(s.Options.WithDefaults(s.Driver).Measures)
		return err == nil && slices.Contains(wanted, reading.Temperature)
	}
	return kinds[s.Driver].open != nil
}

// Problem is something wrong with a field.
type Problem struct {
	Field  string // as in the configuration, "options.baud"
	Value  string // as given
	Remedy string // what it has to be
}

// Check tells all that is wrong with s.
func Check(s Spec) []Problem {
	k, ok := kinds[s.Driver]
	if !ok {
		return []Problem{{"driver", s.Driver, "want one of " + strings.Join(Drivers(), ", ")}}
	}
	var out []Problem
	add := func(field, value, remedy string) { out = append(out, Problem{field, value, remedy}) }
	switch {
	case s.Bus == "":
		add("bus", "", "it is missing: want "+k.bus)
	case simbus.IsSim(s.Bus) && k.real:
		add("bus", s.Bus, "a "+s.Driver+" is on no simulated bus: want "+k.bus)
	case simbus.IsSim(s.Bus):
		if _, err := simbus.ParseName(s.Bus); err != nil {
			add("bus", s.Bus, "want sim:unix:PATH/BUS or sim:tcp:HOST:PORT/BUS")
		}
	case k.checkBus != nil:
		if remedy := k.checkBus(s.Bus); remedy != "" {
			add("bus", s.Bus, remedy)
		}
	}
	switch {
	case k.address == "" && s.Address != "":
		add("address", s.Address, "a "+s.Driver+" has none: leave it out")
	case k.address != "" && s.Address == "":
		add("address", "", "it is missing: want "+k.address)
	case k.address != "":
		if remedy := k.checkAddress(s.Address); remedy != "" {
			add("address", s.Address, remedy)
		}
	}
	out = append(out, checkOptions(k, s.Options)...)
	if k.check != nil {
		out = append(out, k.check(s)...)
	}
	return out
}

// Env is what drivers are made with.
type Env struct {
	Buses *bus.Set
	Now   func() int64 // boottime, ms
	// OnTime takes anchors made by receivers; nil where they are not wanted.
	OnTime func(truetime.Anchor)
	Log    *slog.Logger
}

// Lead is how long before a reading the sensor has to be begun; 0 where s is
// wrong.
func (s Spec) Lead() time.Duration {
	d, err := Open(s, Env{Buses: bus.NewSet("", slog.New(slog.DiscardHandler)), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0
	}
	return d.Lead()
}

// Open makes the driver of a sensor. It opens no bus and talks to no part: a
// sensor that is not there yet is one that does not answer.
func Open(s Spec, env Env) (Driver, error) {
	if p := Check(s); len(p) > 0 {
		return nil, fmt.Errorf("sensor %s: %s %q: %s", s.ID, p[0].Field, p[0].Value, p[0].Remedy)
	}
	s.Options = s.Options.WithDefaults(s.Driver)
	d, err := kinds[s.Driver].open(s, env)
	if err != nil {
		return nil, fmt.Errorf("sensor %s: %w", s.ID, err)
	}
	return d, nil
}
