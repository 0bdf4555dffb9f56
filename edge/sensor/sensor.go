// Package sensor reads sensors: thermometers and hygrometers on 1-Wire, I²C and
// SPI, registers of controllers on Modbus, receivers on a serial port or through
// gpsd, loggers over Bluetooth, contacts on GPIO lines, voltages and batteries
// that Linux knows. kinds lists them. Each driver says in its comment how exact the part is, over which range,
// where its data sheet is, and which of its answers look like data and are not.
//
// A driver is used by one goroutine at a time, which begins a measurement, does
// other things for Lead, and reads it. No driver sleeps, so that a slow part
// never holds a bus, and a simulated one runs at any speed.
package sensor

import (
	"context"
	"errors"
	"time"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// Value is what a sensor says of one quantity.
type Value struct {
	Quantity reading.Quantity
	Value    int64 // in the quantity's unit; 0 where the quality has no value
	Quality  reading.Quality
}

// Driver is one sensor. Begin and Read are called by one goroutine at a time;
// the other methods may be called at any time.
type Driver interface {
	// Model names the part, as in the configuration.
	Model() string
	// Quantities lists what it measures; it never changes.
	Quantities() []reading.Quantity
	// Lead is how long before a reading Begin has to be called. It may be 0.
	Lead() time.Duration
	// Begin begins a measurement. After an error there is nothing to read.
	Begin(ctx context.Context) error
	// Read gives a value for each of Quantities, in that order, measured since
	// Begin. QualityOf says what an error means for all of them.
	Read(ctx context.Context) ([]Value, error)
	// Close gives back what the driver alone holds. Buses are not its own.
	Close() error
}

// Runner is a driver that has to listen all the time. Whoever opened it runs it,
// from before the first Read until after the last.
type Runner interface {
	// Run listens until ctx ends. It keeps what goes wrong for Read to tell.
	Run(ctx context.Context)
}

// ErrNoFix is wrapped where a receiver works and has no position.
var ErrNoFix = errors.New("no fix")

// QualityOf is the quality of readings whose sensor gave err.
func QualityOf(err error) reading.Quality {
	switch {
	case err == nil:
		return reading.OK
	case errors.Is(err, bus.ErrChecksum):
		return reading.Checksum
	case errors.Is(err, bus.ErrNotReady):
		return reading.NotReady
	case errors.Is(err, ErrNoFix):
		return reading.NoFix
	}
	return reading.NoAnswer
}

// thermal judges a temperature in milli-degrees by the part's range.
func thermal(milli, low, high int64) Value {
	v := Value{Quantity: reading.Temperature, Value: milli}
	if milli < low || milli > high {
		v.Quality = reading.OutOfRange
	}
	return v
}
