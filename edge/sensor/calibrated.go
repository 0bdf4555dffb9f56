package sensor

import (
	"context"
	"slices"

	"frostline/proto/calibration"
	"frostline/proto/reading"
)

// Calibrated is a thermometer that is corrected by a certificate. What it
// measured comes last, as a quantity of its own.
type Calibrated struct {
	Driver
	certificate calibration.Certificate
	quantities  []reading.Quantity
	temperature int // index of it
}

// Calibrate corrects a driver's temperature. ok is false where it has none, and
// the driver stays as it is.
func Calibrate(d Driver, c calibration.Certificate) (corrected Driver, ok bool) {
	qs := d.Quantities()
	i := slices.Index(qs, reading.Temperature)
	if i < 0 {
		return d, false
	}
	x := &Calibrated{Driver: d, certificate: c, quantities: append(slices.Clone(qs), reading.TemperatureRaw), temperature: i}
	if r, listens := d.(Runner); listens {
		return &calibratedRunner{x, r}, true
	}
	return x, true
}

// Quantities implements Driver.
func (d *Calibrated) Quantities() []reading.Quantity { return d.quantities }

// Read implements Driver. A value that must not be used is corrected too: it is
// the one that was judged.
func (d *Calibrated) Read(ctx context.Context) ([]Value, error) {
	values, err := d.Driver.Read(ctx)
	if err != nil || len(values) <= d.temperature {
		return values, err
	}
	t := &values[d.temperature]
	raw := Value{Quantity: reading.TemperatureRaw, Value: t.Value, Quality: t.Quality}
	if t.Quality.HasValue() {
		t.Value = d.certificate.Correct(t.Value)
	}
	return append(values, raw), nil
}

// calibratedRunner is one that has to listen all the time.
type calibratedRunner struct {
	*Calibrated
	runner Runner
}

// Run implements Runner.
func (d *calibratedRunner) Run(ctx context.Context) { d.runner.Run(ctx) }
