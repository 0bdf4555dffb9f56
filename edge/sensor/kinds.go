package sensor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// kind is a driver as the configuration sees it. It stands in the driver's own
// file; a new driver is a new file and a line in kinds.
type kind struct {
	bus  string // an example of what it hangs on
	real bool   // a simulated bus is not for it
	on   Wiring // where one of its kind can be searched for

	address      string // an example of its address; empty where it has none
	checkBus     func(name string) (remedy string)
	checkAddress func(address string) (remedy string)

	options  []string             // that it knows
	defaults Options              // of those, where they are not zero
	check    func(Spec) []Problem // what no option says alone; nil where there is nothing

	open func(s Spec, env Env) (Driver, error) // s is checked and has its defaults
	// limits is what of it is believed; nil where everything is.
	limits func(Options) map[reading.Quantity]Limit
}

var kinds = map[string]kind{
	"battery":  batteryKind,
	"bme280":   bme280Kind,
	"bthome":   bthomeKind,
	"door":     doorKind,
	"ds18b20":  ds18b20Kind,
	"ds18s20":  ds18s20Kind,
	"gnss":     gnssKind,
	"max31865": max31865Kind,
	"mcp9808":  mcp9808Kind,
	"modbus":   modbusKind,
	"ruuvi":    ruuviKind,
	"sht3x":    sht3xKind,
	"sht4x":    sht4xKind,
	"tamper":   tamperKind,
	"tmp117":   tmp117Kind,
	"voltage":  voltageKind,
}

// Drivers lists the drivers, by name.
func Drivers() []string { return slices.Sorted(maps.Keys(kinds)) }

// Wiring is a kind of bus on which sensors can be searched for.
type Wiring string

// The kinds of bus that know who hangs on them.
const (
	OneWire Wiring = "1-Wire" // lists its devices
	I2C     Wiring = "I²C"    // answers at addresses, see FindI2C
)

// On is the kind of bus of a driver; empty where it cannot be searched.
func On(driver string) Wiring { return kinds[driver].on }

// families are the 1-Wire parts we know, by the first byte of their address.
var families = map[byte]string{
	0x10: "ds18s20",
	0x28: "ds18b20",
	0x22: "ds18b20", // DS1822, of which it is the better half
}

// Family is the driver of a 1-Wire device; empty where there is none.
func Family(a onewire.Address) string { return families[byte(a)] }

// checkROM wants an address of a family of the driver's.
func checkROM(driver, example string) func(string) string {
	return func(s string) string {
		a, err := bus.ParseROM(s)
		if err != nil {
			return "want " + example
		}
		if f := Family(a); f != driver {
			return fmt.Sprintf("family %02x is no %s: want %s", byte(a), driver, example)
		}
		return ""
	}
}

// checkI2C wants an address of a range.
func checkI2C(low, high uint16, example string) func(string) string {
	return func(s string) string {
		if a, err := i2cAddress(s); err != nil || a < low || a > high {
			return "want " + example
		}
		return ""
	}
}

func i2cAddress(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 0, 7)
	return uint16(n), err
}

const boardBus = "an I²C bus such as /dev/i2c-1"

// thermometer is the limits of what measures nothing but temperature.
//
// The usual 5 °C a second is more than a bare element shows when it is taken
// from a freezer into a warm hand.
func thermometer(o Options) map[reading.Quantity]Limit {
	return map[reading.Quantity]Limit{
		reading.Temperature: {Step: 2_000, Rate: int64(o.MaxRate * 1000), Stuck: o.StuckAfter},
	}
}

// hygrometer is the limits of what measures humidity too.
func hygrometer(o Options) map[reading.Quantity]Limit {
	l := thermometer(o)
	l[reading.Humidity] = Limit{Step: 20_000, Rate: 50_000, Stuck: o.StuckAfter}
	return l
}
