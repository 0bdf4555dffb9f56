// Package fault is the vocabulary of what can go wrong with a simulated sensor
// or the thing it measures: the names used on the command line and in the
// control protocol, and the number that each takes.
package fault

import (
	"fmt"
	"math"
	"strings"
)

// Kind names a fault.
type Kind string

const (
	None          Kind = "none"           // as built
	Unplugged     Kind = "unplugged"      // no presence pulse, no acknowledgement, no sentence, a floating line
	Stuck         Kind = "stuck"          // the same value for ever: value in °C, or the one of this moment
	Noisy         Kind = "noisy"          // more noise: standard deviation in °C (metres for a position, share of flips for a contact)
	CRC           Kind = "crc"            // bits flip on the way: value is the share of frames hit
	Slow          Kind = "slow"           // answers late: value in seconds
	PowerOn       Kind = "power-on"       // the supply browns out: the part restarts with each measurement, and a DS18B20 answers 85.000 °C
	Open          Kind = "open"           // the element, or a wire to it, is broken
	Short         Kind = "short"          // the element is shorted
	NoValue       Kind = "no-value"       // a controller's own probe is broken: it gives the code that says so
	Drift         Kind = "drift"          // the value runs away: °C an hour
	FixLoss       Kind = "fix-loss"       // a receiver without sight of the sky
	CompressorOff Kind = "compressor-off" // a cold room's unit does not start
	DoorOpen      Kind = "door-open"      // a door left open
	FrozenPack    Kind = "frozen-pack"    // a box is packed with one straight from the freezer: its °C
)

// spec says what number a fault takes: its unit, default and range.
type spec struct {
	unit          string
	standard      float64
	lowest, most  float64
	takesNoNumber bool
}

var specs = map[Kind]spec{
	None:          {takesNoNumber: true},
	Unplugged:     {takesNoNumber: true},
	Stuck:         {unit: "°C", standard: math.NaN(), lowest: -200, most: 125},
	Noisy:         {unit: "°C (metres for a position, share of reads for a contact)", standard: 2, lowest: 0, most: 1000},
	CRC:           {unit: "share of frames", standard: 0.5, lowest: 0, most: 1},
	Slow:          {unit: "s", standard: 2, lowest: 0.001, most: 60},
	PowerOn:       {takesNoNumber: true},
	Open:          {takesNoNumber: true},
	Short:         {takesNoNumber: true},
	NoValue:       {takesNoNumber: true},
	Drift:         {unit: "°C/h", standard: 1, lowest: -1000, most: 1000},
	FixLoss:       {takesNoNumber: true},
	CompressorOff: {takesNoNumber: true},
	DoorOpen:      {takesNoNumber: true},
	FrozenPack:    {unit: "°C", standard: -18, lowest: -90, most: 0},
}

// Kinds lists every fault, in the order in which help shows them.
var Kinds = []Kind{None, Unplugged, Stuck, Noisy, CRC, Slow, PowerOn, Open, Short, NoValue, Drift, FixLoss, CompressorOff, DoorOpen, FrozenPack}

// Fault is a fault with its number.
type Fault struct {
	Kind  Kind
	Value float64 // in the unit of the kind; NaN for "stuck at the value of this moment"
}

// Clear is the absence of a fault.
var Clear = Fault{Kind: None}

// New checks a fault and fills in the usual number where value is nil.
func New(kind string, value *float64) (Fault, error) {
	k := Kind(kind)
	s, ok := specs[k]
	if !ok {
		return Fault{}, fmt.Errorf("fault %q is not known: want one of %s", kind, names())
	}
	if value == nil {
		return Fault{Kind: k, Value: s.standard}, nil
	}
	if s.takesNoNumber {
		return Fault{}, fmt.Errorf("fault %s with value %g: it takes no value, leave it out", k, *value)
	}
	if !(*value >= s.lowest && *value <= s.most) { // NaN fails too
		return Fault{}, fmt.Errorf("fault %s with value %g: want %g to %g %s", k, *value, s.lowest, s.most, s.unit)
	}
	return Fault{Kind: k, Value: *value}, nil
}

// String shows the fault and its number, as in "drift 1 °C/h".
func (f Fault) String() string {
	s := specs[f.Kind]
	if s.takesNoNumber || math.IsNaN(f.Value) {
		return string(f.Kind)
	}
	unit, _, _ := strings.Cut(s.unit, " (")
	return fmt.Sprintf("%s %g %s", f.Kind, f.Value, unit)
}

// Unsupported is the error of a thing that cannot have fault f; its sentence
// names those it can have.
func Unsupported(thing string, f Fault, possible ...Kind) error {
	list := make([]string, len(possible))
	for i, k := range possible {
		list[i] = string(k)
	}
	return fmt.Errorf("%s cannot have fault %s: want one of %s", thing, f.Kind, strings.Join(list, ", "))
}

func names() string {
	list := make([]string, len(Kinds))
	for i, k := range Kinds {
		list[i] = string(k)
	}
	return strings.Join(list, ", ")
}
