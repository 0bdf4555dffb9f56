package sensor

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"frostline/proto/calibration"
	"frostline/proto/reading"
)

// given is a driver that gives what it was given.
type given struct {
	values []Value
	err    error
}

func (g *given) Model() string { return "given" }
func (g *given) Quantities() []reading.Quantity {
	return []reading.Quantity{reading.Humidity, reading.Temperature}
}
func (g *given) Lead() time.Duration                   { return 0 }
func (g *given) Begin(context.Context) error           { return nil }
func (g *given) Read(context.Context) ([]Value, error) { return slices.Clone(g.values), g.err }
func (g *given) Close() error                          { return nil }

var offset = calibration.Certificate{ID: "CAL-1", Issuer: "Lab", ValidFrom: 1, ValidUntil: 2, Points: []calibration.Point{{Measured: 0, Actual: 250}}}

// Raw and corrected come from one measurement: the same tick, and one quality.
func TestCalibrated(t *testing.T) {
	g := &given{values: []Value{{reading.Humidity, 41_000, reading.OK}, {reading.Temperature, 5000, reading.OK}}}
	d, ok := Calibrate(g, offset)
	if want := []reading.Quantity{reading.Humidity, reading.Temperature, reading.TemperatureRaw}; !ok || !slices.Equal(d.Quantities(), want) {
		t.Fatalf("quantities %v, want %v", d.Quantities(), want)
	}
	if len(g.Quantities()) != 2 {
		t.Error("the driver's own quantities have changed")
	}
	p := NewPlausibility(map[reading.Quantity]Limit{reading.Temperature: {Step: 1000, Rate: 1000}})
	read := func(tick int64) []Value {
		v, err := d.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.Judge(tick, v)
		return v
	}
	if got, want := read(0), []Value{{reading.Humidity, 41_000, reading.OK}, {reading.Temperature, 5250, reading.OK}, {reading.TemperatureRaw, 5000, reading.OK}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	g.values[1].Value = 30_000
	if got, want := read(1000)[1:], []Value{{reading.Temperature, 30_250, reading.ImpossibleStep}, {reading.TemperatureRaw, 30_000, reading.ImpossibleStep}}; !slices.Equal(got, want) {
		t.Errorf("a jump: got %v, want %v", got, want)
	}
	g.values[1] = Value{reading.Temperature, 85_000, reading.PowerOn}
	if got, want := read(2000)[1:], []Value{{reading.Temperature, 85_250, reading.PowerOn}, {reading.TemperatureRaw, 85_000, reading.PowerOn}}; !slices.Equal(got, want) {
		t.Errorf("power-on: got %v, want %v", got, want)
	}
	g.values[1] = Value{reading.Temperature, 0, reading.Checksum}
	if got, want := read(3000)[1:], []Value{{reading.Temperature, 0, reading.Checksum}, {reading.TemperatureRaw, 0, reading.Checksum}}; !slices.Equal(got, want) {
		t.Errorf("no value: got %v, want %v", got, want)
	}
	g.err = errors.New("unplugged")
	if _, err := d.Read(t.Context()); !errors.Is(err, g.err) {
		t.Errorf("got %v, want %v", err, g.err)
	}
	if _, ok := Calibrate(&Contact{quantity: reading.Door}, offset); ok {
		t.Error("a door was calibrated")
	}
	if d, ok := Calibrate(&listening{given: g}, offset); !ok {
		t.Error("a logger was not calibrated")
	} else if _, listens := d.(Runner); !listens {
		t.Error("a calibrated logger listens no longer")
	}
}

type listening struct{ *given }

func (listening) Run(context.Context) {}
