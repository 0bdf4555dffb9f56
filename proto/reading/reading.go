// Package reading is the vocabulary of a single measurement: which quantity,
// of which series, when by the gateway's boot clock, how much, and how good.
package reading

import "fmt"

// Quantity names what a series measures and fixes its unit. Values are
// integers in that unit, never floats. The numbers are part of the wire format
// and of stored evidence: they are appended to, never changed.
type Quantity uint8

const (
	Temperature        Quantity = 1  // milli-degrees Celsius
	Humidity           Quantity = 2  // milli-percent relative humidity
	Latitude           Quantity = 3  // 1e-7 degrees, north positive
	Longitude          Quantity = 4  // 1e-7 degrees, east positive
	Speed              Quantity = 5  // millimetres per second over ground
	PositionError      Quantity = 6  // millimetres, estimated horizontal error (HDOP × 5 m where the receiver gives no better)
	Door               Quantity = 7  // 0 closed, 1 open
	Voltage            Quantity = 8  // millivolts
	Pressure           Quantity = 9  // pascals
	StateOfCharge      Quantity = 10 // milli-percent of a battery
	CompressorRunning  Quantity = 11 // 0 off, 1 running
	SatellitesUsed     Quantity = 12 // satellites in the fix
	CompressorSetpoint Quantity = 13 // milli-degrees Celsius
	Tamper             Quantity = 14 // 0 whole, 1 the enclosure was opened or the contact's cable cut
	TemperatureRaw     Quantity = 15 // milli-degrees Celsius as measured, where Temperature is corrected by a certificate; vouches for nothing
)

var quantityNames = map[Quantity]string{
	Temperature: "temperature", Humidity: "humidity", Latitude: "latitude", Longitude: "longitude",
	Speed: "speed", PositionError: "position-error", Door: "door", Voltage: "voltage", Pressure: "pressure",
	StateOfCharge: "state-of-charge", CompressorRunning: "compressor-running",
	SatellitesUsed: "satellites-used", CompressorSetpoint: "compressor-setpoint", Tamper: "tamper",
	TemperatureRaw: "temperature-raw",
}

var quantityUnits = map[Quantity]struct {
	symbol   string
	decimals int
}{
	Temperature: {"°C", 3}, Humidity: {"%RH", 3}, Latitude: {"°", 7}, Longitude: {"°", 7},
	Speed: {"m/s", 3}, PositionError: {"m", 3}, Door: {"", 0}, Voltage: {"V", 3}, Pressure: {"Pa", 0},
	StateOfCharge: {"%", 3}, CompressorRunning: {"", 0}, SatellitesUsed: {"", 0}, CompressorSetpoint: {"°C", 3}, Tamper: {"", 0},
	TemperatureRaw: {"°C", 3},
}

// String gives the name used in configuration, in JSON and on pages.
func (q Quantity) String() string {
	if s, ok := quantityNames[q]; ok {
		return s
	}
	return fmt.Sprintf("quantity-%d", uint8(q))
}

// Unit gives the display symbol and the number of decimals by which the
// integer value is divided: a Temperature of 4250 shows as "4.250 °C".
func (q Quantity) Unit() (symbol string, decimals int) {
	u := quantityUnits[q]
	return u.symbol, u.decimals
}

// ParseQuantity is the inverse of String.
func ParseQuantity(s string) (Quantity, error) {
	for q, n := range quantityNames {
		if n == s {
			return q, nil
		}
	}
	return 0, fmt.Errorf("quantity %q is not known", s)
}

// Quality says whether a reading may be used, and if not, why. Part of the
// wire format: appended to, never changed.
type Quality uint8

const (
	OK             Quality = 0
	NoAnswer       Quality = 1 // the sensor did not answer in time, or is unplugged
	Checksum       Quality = 2 // it answered and the checksum was wrong
	PowerOn        Quality = 3 // the value is the sensor's power-on value (85.000 °C), not a measurement
	OutOfRange     Quality = 4 // outside what the sensor can measure
	ImpossibleStep Quality = 5 // changed faster than its physics allow
	Stuck          Quality = 6 // the same raw value for longer than noise allows
	NoFix          Quality = 7 // a GNSS receiver without a position fix
	NotReady       Quality = 8 // a conversion had not finished
)

var qualityNames = [...]string{"ok", "no-answer", "checksum", "power-on", "out-of-range", "impossible-step", "stuck", "no-fix", "not-ready"}

func (q Quality) String() string {
	if int(q) < len(qualityNames) {
		return qualityNames[q]
	}
	return fmt.Sprintf("quality-%d", uint8(q))
}

// HasValue reports whether a reading of this quality carries the raw value it
// was judged by. The others have no value at all: they encode and decode as 0.
func (q Quality) HasValue() bool {
	switch q {
	case NoAnswer, Checksum, NoFix, NotReady:
		return false
	}
	return true
}

// Reading is one measurement of one series at one sampling tick.
type Reading struct {
	Series  uint32  // id within the gateway's epoch, declared by a SeriesDeclared event
	Tick    int64   // CLOCK_BOOTTIME of the sampling tick, milliseconds since boot
	Value   int64   // in the quantity's unit; 0 where Quality.HasValue is false
	Quality Quality // OK, or why the value must not be used
}
