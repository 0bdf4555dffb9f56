package sensor

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"time"
)

// Options is what only some drivers know. A field that a driver does not know
// has to be zero.
type Options struct {
	Resolution int           `yaml:"resolution"`  // ds18b20: bits, 9 to 12; default 12
	Precision  Precision     `yaml:"precision"`   // sht3x, sht4x: high, medium or low; default high
	Baud       int           `yaml:"baud"`        // gnss: default 9600; modbus on a serial port: default 19200
	Open       string        `yaml:"open"`        // door, tamper: level of the line while it is open, high or low; default high
	Pull       string        `yaml:"pull"`        // door, tamper: the gateway's pull resistor, up, down or none; default up
	Debounce   time.Duration `yaml:"debounce"`    // door, tamper: between two looks at the line; default 20ms, at most 1s
	Nominal    float64       `yaml:"nominal"`     // max31865: ohms of the element at 0 °C; default 100
	Reference  float64       `yaml:"reference"`   // max31865: ohms of the resistor beside the converter; required
	Wires      int           `yaml:"wires"`       // max31865: of the element, 2, 3 or 4; required
	Mains      int           `yaml:"mains"`       // max31865: hertz of the mains to filter out, 50 or 60; default 60
	Parity     string        `yaml:"parity"`      // modbus on a serial port: even, odd or none; default even
	Registers  []Register    `yaml:"registers"`   // modbus: what is where; required
	Scale      float64       `yaml:"scale"`       // voltage: whole voltage by that at the converter's pin; default 1
	MaxRate    float64       `yaml:"max-rate"`    // thermometers: °C a second beyond which a change is impossible; default 5
	StuckAfter time.Duration `yaml:"stuck-after"` // thermometers: the same value for so long means a stuck sensor; default 2h for those that measure humidity too, never for others
	KeyFile    string        `yaml:"key-file"`    // bthome: file of the bind key, 32 hexadecimal digits, that nobody else may read; default: none
	Measures   string        `yaml:"measures"`    // bthome: the quantities it sends, with commas between; default temperature
	MaxAge     time.Duration `yaml:"max-age"`     // bthome, ruuvi: how long a measurement heard is the present one; default 15s, at most 1h
}

// rule is what an option has to be.
type rule struct {
	right  func(o Options) bool
	remedy string
}

// rules has every option by its name.
var rules = map[string]rule{
	"resolution":  {func(o Options) bool { return o.Resolution >= 9 && o.Resolution <= 12 }, "want 9 to 12 bits"},
	"precision":   {func(o Options) bool { return sht4xCommands[o.Precision] != nil }, "want high, medium or low"},
	"baud":        {func(o Options) bool { return o.Baud >= 300 && o.Baud <= 4_000_000 }, "want the device's, 4800, 9600, 38400 or 115200 mostly"},
	"open":        {func(o Options) bool { return o.Open == "high" || o.Open == "low" }, "want high or low"},
	"pull":        {func(o Options) bool { return o.Pull == "up" || o.Pull == "down" || o.Pull == "none" }, "want up, down or none"},
	"debounce":    {func(o Options) bool { return o.Debounce >= time.Millisecond && o.Debounce <= time.Second }, "want 1ms to 1s"},
	"nominal":     {func(o Options) bool { return o.Nominal >= 10 && o.Nominal <= 10_000 }, "want 10 to 10000 ohms, 100 for a PT100"},
	"reference":   {func(o Options) bool { return o.Reference >= 10 && o.Reference <= 100_000 }, "want 10 to 100000 ohms"},
	"wires":       {func(o Options) bool { return o.Wires >= 2 && o.Wires <= 4 }, "want 2, 3 or 4"},
	"mains":       {func(o Options) bool { return o.Mains == 50 || o.Mains == 60 }, "want 50 or 60"},
	"parity":      {func(o Options) bool { return o.Parity == "even" || o.Parity == "odd" || o.Parity == "none" }, "want even, odd or none"},
	"registers":   {func(o Options) bool { return len(o.Registers) <= maxRegisters }, fmt.Sprint("want at most ", maxRegisters)},
	"scale":       {func(o Options) bool { return o.Scale >= 0.001 && o.Scale <= 1000 }, "want 0.001 to 1000, such as 11 for a divider of 100 kΩ and 10 kΩ"},
	"max-rate":    {func(o Options) bool { return o.MaxRate >= 0.01 && o.MaxRate <= 1000 }, "want 0.01 to 1000 °C a second"},
	"stuck-after": {func(o Options) bool { return o.StuckAfter >= time.Minute && o.StuckAfter <= 366*24*time.Hour }, "want 1m to 8784h"},
	"key-file":    {func(o Options) bool { return filepath.IsAbs(o.KeyFile) }, "want an absolute path, such as /etc/frostline/logger.key"},
	"measures":    {func(o Options) bool { _, err := measures(o.Measures); return err == nil }, "want some of temperature, humidity, pressure, state-of-charge, voltage, door, with commas between"},
	"max-age":     {func(o Options) bool { return o.MaxAge >= time.Second && o.MaxAge <= time.Hour }, "want 1s to 1h"},
}

// WithDefaults fills in the options the driver knows and that are zero.
func (o Options) WithDefaults(driver string) Options {
	k := kinds[driver]
	given, standard := reflect.ValueOf(&o).Elem(), reflect.ValueOf(k.defaults)
	for i := range given.NumField() {
		if f := given.Field(i); f.IsZero() && slices.Contains(k.options, optionName(i)) {
			f.Set(standard.Field(i))
		}
	}
	return o
}

// optionName is the name of a field of Options in the configuration.
func optionName(field int) string { return reflect.TypeFor[Options]().Field(field).Tag.Get("yaml") }

// checkOptions tells which options the driver does not know, or that cannot be.
func checkOptions(k kind, o Options) []Problem {
	var out []Problem
	given := reflect.ValueOf(o)
	for i := range given.NumField() {
		name := optionName(i)
		switch r := rules[name]; {
		case given.Field(i).IsZero():
		case !slices.Contains(k.options, name):
			out = append(out, Problem{"options." + name, fmt.Sprint(given.Field(i)), "this driver does not know it: leave it out"})
		case !r.right(o):
			out = append(out, Problem{"options." + name, fmt.Sprint(given.Field(i)), r.remedy})
		}
	}
	return out
}
