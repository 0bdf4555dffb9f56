package sensor

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"frostline/proto/reading"
)

// Voltage is a voltage that Linux measures: a channel of hwmon or of an IIO
// converter, or voltage_now of a power supply. With a divider before it, scale
// makes the whole voltage of it.
//
// Accuracy is that of the converter and of the divider's resistors, 1 % each
// mostly, and range the converter's times scale.
// https://docs.kernel.org/hwmon/sysfs-interface.html
// https://docs.kernel.org/iio/iio_devbuf.html
//
// What looks like data and is not: either end of a converter's scale, which is
// more, or nothing, on the pin (full scale is known where Linux tells the number
// of bits); 0 V, of a wire that has come off; the voltage of another channel,
// where the devices were numbered in another order at boot, for which reason a
// device is better given by its name.
type Voltage struct {
	root, folder string
	channel      string
	scale        float64
}

// NewVoltage makes a driver of a channel of the device in a folder, or hwmon:NAME
// or iio:NAME, without looking there.
func NewVoltage(folder, channel string, scale float64) *Voltage {
	return &Voltage{root: sysRoot, folder: folder, channel: channel, scale: scale}
}

const (
	voltageExample = "hwmon:NAME or iio:NAME of a converter, or its folder, such as /sys/class/hwmon/hwmon0"
	channelExample = "in1 for hwmon, in_voltage0 for IIO, or voltage_now for a power supply"
)

var channelForm = regexp.MustCompile(`^(in\d{1,3}|in_voltage\d{1,3}(-voltage\d{1,3})?|voltage_now)$`)

var voltageKind = kind{
	bus: voltageExample, real: true, checkBus: checkFolder(voltageExample),
	address: channelExample,
	checkAddress: func(s string) string {
		if !channelForm.MatchString(s) {
			return "want " + channelExample
		}
		return ""
	},
	options: []string{"scale"}, defaults: Options{Scale: 1},
	open: func(s Spec, _ Env) (Driver, error) { return NewVoltage(s.Bus, s.Address, s.Options.Scale), nil },
}

// Model implements Driver.
func (d *Voltage) Model() string { return "voltage" }

// Quantities implements Driver.
func (d *Voltage) Quantities() []reading.Quantity { return []reading.Quantity{reading.Voltage} }

// Lead implements Driver: the kernel converts when it is asked.
func (d *Voltage) Lead() time.Duration { return 0 }

// Close implements Driver.
func (d *Voltage) Close() error { return nil }

// Begin implements Driver.
func (d *Voltage) Begin(context.Context) error { return nil }

// Read implements Driver.
func (d *Voltage) Read(context.Context) ([]Value, error) {
	folder, err := sysFolder(d.root, d.folder)
	if err != nil {
		return nil, fmt.Errorf("voltage: %w", err)
	}
	milli, end, err := d.measure(folder)
	if err != nil {
		return nil, fmt.Errorf("voltage %s of %s: %w", d.channel, d.folder, err)
	}
	v := Value{Quantity: reading.Voltage}
	whole := math.Round(milli * d.scale)
	if end || !(math.Abs(whole) <= maxMicrovolts/1000) {
		v.Quality = reading.OutOfRange
		whole = math.Max(-maxMicrovolts/1000, math.Min(maxMicrovolts/1000, whole))
	}
	v.Value = int64(whole)
	return []Value{v}, nil
}

// measure gives millivolts at the pin, and whether that is an end of the scale.
func (d *Voltage) measure(folder string) (milli float64, end bool, err error) {
	file := filepath.Join(folder, d.channel)
	switch {
	case d.channel == "voltage_now":
		n, err := readInt(file)
		return float64(n) / 1000, n <= 0, err
	case !strings.HasPrefix(d.channel, "in_"):
		n, err := readInt(file + "_input")
		return float64(n), false, err
	}
	raw, err := readInt(file + "_raw")
	if err != nil {
		return 0, false, err
	}
	scale, err := d.either(folder, "scale", math.NaN())
	if err != nil {
		return 0, false, err
	}
	offset, err := d.either(folder, "offset", 0)
	if err != nil {
		return 0, false, err
	}
	return (float64(raw) + offset) * scale, fullScale(filepath.Join(folder, "scan_elements", d.channel+"_type"), raw), nil
}

// either reads a number of the channel's, or of all channels', or takes the
// standard where there is neither and it is one.
func (d *Voltage) either(folder, what string, standard float64) (float64, error) {
	var failed error
	for _, name := range []string{d.channel, "in_voltage"} {
		s, err := readSys(filepath.Join(folder, name+"_"+what))
		if err != nil {
			failed = err
			continue
		}
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return 0, fmt.Errorf("%s_%s shows %.40q, want a number", name, what, s)
		}
		return n, nil
	}
	if math.IsNaN(standard) {
		return 0, failed
	}
	return standard, nil
}

var iioType = regexp.MustCompile(`^[bl]e:([us])(\d{1,2})/`)

// fullScale says whether a number is an end of what a converter of known width
// can tell. A file such as "le:u12/16>>0" has the width.
func fullScale(file string, raw int64) bool {
	s, err := readSys(file)
	m := iioType.FindStringSubmatch(s)
	if err != nil || m == nil {
		return false
	}
	bits, err := strconv.Atoi(m[2])
	if err != nil || bits < 1 || bits > 32 {
		return false
	}
	if m[1] == "s" {
		return raw >= 1<<(bits-1)-1 || raw <= -1<<(bits-1)
	}
	return raw >= 1<<bits-1
}
