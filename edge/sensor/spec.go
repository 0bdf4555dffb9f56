package sensor

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"

	"frostline/edge/bus"
	"frostline/proto/simbus"
	"frostline/proto/truetime"
)

// Spec describes a sensor as the configuration does. Its fields have no
// defaults but those of Options; see Options.WithDefaults.
type Spec struct {
	ID      string // name of the sensor
	Driver  string // one of Drivers
	Bus     string // as package bus takes it
	Address string // 1-Wire ROM or I²C address; empty for gnss and door
	Options Options
}

// Options is what only some drivers know. A field that a driver does not know
// has to be zero.
type Options struct {
	Resolution int           `yaml:"resolution"`  // ds18b20: bits, 9 to 12; default 12
	Precision  Precision     `yaml:"precision"`   // sht4x: high, medium or low; default high
	Baud       int           `yaml:"baud"`        // gnss: default 9600
	Open       string        `yaml:"open"`        // door: level of the line while the door is open, high or low; default high
	Pull       string        `yaml:"pull"`        // door: the gateway's pull resistor, up, down or none; default up
	Debounce   time.Duration `yaml:"debounce"`    // door: between two looks at the line; default 20ms, at most 1s
	MaxRate    float64       `yaml:"max-rate"`    // thermometers: °C a second beyond which a change is impossible; default 5
	StuckAfter time.Duration `yaml:"stuck-after"` // thermometers: the same value for so long means a stuck sensor; default 2h for sht4x, never for others
}

// Problem is something wrong with a field.
type Problem struct {
	Field  string // as in the configuration, "options.baud"
	Value  string // as given
	Remedy string // what it has to be
}

// Drivers lists the drivers, by name.
var Drivers = []string{"door", "ds18b20", "gnss", "mcp9808", "sht4x"}

// kind is what the drivers have in common.
type kind struct {
	addressed bool
	options   []string // that it knows
}

var kinds = map[string]kind{
	"ds18b20": {true, []string{"resolution", "max-rate", "stuck-after"}},
	"sht4x":   {true, []string{"precision", "max-rate", "stuck-after"}},
	"mcp9808": {true, []string{"max-rate", "stuck-after"}},
	"gnss":    {false, []string{"baud"}},
	"door":    {false, []string{"open", "pull", "debounce"}},
}

// WithDefaults fills in the options the driver knows and that are zero.
func (o Options) WithDefaults(driver string) Options {
	for _, name := range kinds[driver].options {
		switch {
		case name == "resolution" && o.Resolution == 0:
			o.Resolution = 12
		case name == "precision" && o.Precision == "":
			o.Precision = High
		case name == "baud" && o.Baud == 0:
			o.Baud = 9600
		case name == "open" && o.Open == "":
			o.Open = "high"
		case name == "pull" && o.Pull == "":
			o.Pull = "up"
		case name == "debounce" && o.Debounce == 0:
			o.Debounce = 20 * time.Millisecond
		case name == "max-rate" && o.MaxRate == 0:
			o.MaxRate = 5
		case name == "stuck-after" && o.StuckAfter == 0 && driver == "sht4x":
			o.StuckAfter = 2 * time.Hour
		}
	}
	return o
}

// Check tells all that is wrong with s.
func Check(s Spec) []Problem {
	k, ok := kinds[s.Driver]
	if !ok {
		return []Problem{{"driver", s.Driver, "want one of " + strings.Join(Drivers, ", ")}}
	}
	var out []Problem
	add := func(field, value, remedy string) { out = append(out, Problem{field, value, remedy}) }
	switch {
	case s.Bus == "":
		add("bus", "", "it is missing: want "+busExamples[s.Driver])
	case simbus.IsSim(s.Bus):
		if _, err := simbus.ParseName(s.Bus); err != nil {
			add("bus", s.Bus, "want sim:unix:PATH/BUS or sim:tcp:HOST:PORT/BUS")
		} else if s.Driver == "gnss" {
			add("bus", s.Bus, "a receiver is on a serial port: want the path of one, or of the simulator's pseudo-terminal")
		}
	}
	switch {
	case !k.addressed && s.Address != "":
		add("address", s.Address, "a "+s.Driver+" has none: leave it out")
	case k.addressed && s.Address == "":
		add("address", "", "it is missing: want "+addressExamples[s.Driver])
	case k.addressed:
		if remedy := checkAddress(s); remedy != "" {
			add("address", s.Address, remedy)
		}
	}
	return append(out, checkOptions(k, s.Options)...)
}

var busExamples = map[string]string{
	"ds18b20": "w1 for a sensor that Linux drives, such as on GPIO4 of a Raspberry Pi",
	"sht4x":   "an I²C bus such as /dev/i2c-1",
	"mcp9808": "an I²C bus such as /dev/i2c-1",
	"gnss":    "a serial port such as /dev/ttyUSB0",
	"door":    "a GPIO line such as GPIO17",
}

var addressExamples = map[string]string{
	"ds18b20": "the name in /sys/bus/w1/devices, such as 28-0316a2794b2c",
	"sht4x":   "0x44, 0x45 or 0x46",
	"mcp9808": "0x18 to 0x1f",
}

func checkAddress(s Spec) (remedy string) {
	switch s.Driver {
	case "ds18b20":
		a, err := bus.ParseROM(s.Address)
		if err != nil {
			return "want " + addressExamples[s.Driver]
		}
		if f := byte(a); f != 0x28 && f != 0x22 {
			return fmt.Sprintf("family %02x is no DS18B20: want an address of family 28", f)
		}
	case "sht4x", "mcp9808":
		a, err := i2cAddress(s.Address)
		low, high := uint16(0x44), uint16(0x46)
		if s.Driver == "mcp9808" {
			low, high = 0x18, 0x1F
		}
		if err != nil || a < low || a > high {
			return "want " + addressExamples[s.Driver]
		}
	}
	return ""
}

func i2cAddress(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 0, 7)
	return uint16(n), err
}

func checkOptions(k kind, o Options) []Problem {
	var out []Problem
	check := func(name string, given any, zero, right bool, remedy string) {
		if zero {
			return
		}
		if !slices.Contains(k.options, name) {
			right, remedy = false, "this driver does not know it: leave it out"
		}
		if !right {
			out = append(out, Problem{"options." + name, fmt.Sprint(given), remedy})
		}
	}
	check("resolution", o.Resolution, o.Resolution == 0, o.Resolution >= 9 && o.Resolution <= 12, "want 9 to 12 bits")
	check("precision", o.Precision, o.Precision == "", shtCommands[o.Precision] != 0, "want high, medium or low")
	check("baud", o.Baud, o.Baud == 0, o.Baud >= 300 && o.Baud <= 4_000_000, "want the receiver's, 4800, 9600, 38400 or 115200 mostly")
	check("open", o.Open, o.Open == "", o.Open == "high" || o.Open == "low", "want high or low")
	check("pull", o.Pull, o.Pull == "", o.Pull == "up" || o.Pull == "down" || o.Pull == "none", "want up, down or none")
	check("debounce", o.Debounce, o.Debounce == 0, o.Debounce >= time.Millisecond && o.Debounce <= time.Second, "want 1ms to 1s")
	check("max-rate", o.MaxRate, o.MaxRate == 0, o.MaxRate >= 0.01 && o.MaxRate <= 1000, "want 0.01 to 1000 °C a second")
	check("stuck-after", o.StuckAfter, o.StuckAfter == 0, o.StuckAfter >= time.Minute && o.StuckAfter <= 366*24*time.Hour, "want 1m to 8784h")
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
	o := s.Options.WithDefaults(s.Driver)
	switch s.Driver {
	case "ds18b20":
		a, err := bus.ParseROM(s.Address)
		if err != nil {
			return nil, err
		}
		if s.Bus == "w1" {
			return NewW1Therm(env.Buses.W1(), a), nil
		}
		return NewDS18B20(env.Buses.OneWire(s.Bus), a, o.Resolution), nil
	case "sht4x", "mcp9808":
		a, err := i2cAddress(s.Address)
		if err != nil {
			return nil, err
		}
		if s.Driver == "sht4x" {
			return NewSHT4x(env.Buses.I2C(s.Bus), a, o.Precision), nil
		}
		return NewMCP9808(env.Buses.I2C(s.Bus), a), nil
	case "gnss":
		return NewGNSS(GNSSConfig{
			Name: s.Bus, Now: env.Now, OnTime: env.OnTime, Log: env.Log.With("sensor", s.ID),
			Open: serialOpener(env.Buses, s.Bus, o.Baud),
		}), nil
	case "door":
		pull := map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}[o.Pull]
		return NewDoor(env.Buses.Line(s.Bus), gpio.Level(o.Open == "high"), pull, o.Debounce), nil
	}
	return nil, fmt.Errorf("sensor %s: driver %q has no code", s.ID, s.Driver)
}
