package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"frostline/edge/ble"
	"frostline/edge/bus"
	"frostline/edge/panel"
	"frostline/edge/sensor"
	"frostline/proto/reading"
)

// Limits of one sensor and of one search.
const (
	probeLimit  = 8 * time.Second
	listenFor   = 4 * time.Second // to a receiver that has not found itself yet
	searchLimit = 10 * time.Second
)

func (b *bench) busChecks() []check {
	if len(b.Sensors) == 0 {
		return []check{one("sensors", time.Second, func(context.Context) Result {
			return fail("Name the gateway's sensors in the configuration file.", "no sensor is configured: nothing would be measured")
		})}
	}
	var checks []check
	for _, s := range b.Sensors {
		checks = append(checks, one("sensor "+s.ID, probeLimit, func(ctx context.Context) Result {
			if b.occupied() {
				return b.askedSensor(s.ID)
			}
			return b.probe(ctx, s)
		}))
	}
	for _, k := range searchable {
		var searched []string
		for _, s := range b.Sensors {
			if sensor.On(s.Driver) == k.on && !slices.Contains(searched, s.Bus) {
				searched = append(searched, s.Bus)
				checks = append(checks, one("search "+panel.BusName(s.Bus), searchLimit, func(context.Context) Result { return b.searchBus(s.Bus, k) }))
			}
		}
	}
	return checks
}

// place says where a sensor is.
func place(driver, busName, address string) string {
	if address != "" {
		driver += " " + address
	}
	return driver + " on " + panel.BusName(busName)
}

// probe takes one reading.
func (b *bench) probe(ctx context.Context, s sensor.Spec) Result {
	where := place(s.Driver, s.Bus, s.Address)
	d, stop, err := b.start(ctx, s)
	if err != nil {
		return fail("Correct the sensor's entry in the configuration file.", "%v", err)
	}
	defer stop()
	values, err := measure(ctx, d)
	if _, is := d.(sensor.Runner); is { // hears something each second
		patience := listenFor
		if isLogger(s) { // some send every ten seconds
			patience = probeLimit - time.Second
		}
		patient, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		for unsettled(values, err) && sleep(patient, 100*time.Millisecond) {
			values, err = measure(ctx, d)
		}
	}
	if err != nil {
		return fail(remedy(s, err), "%s: %s", where, strings.TrimPrefix(strings.TrimRight(err.Error(), ": "), where+": "))
	}
	if s.Driver == "gnss" {
		b.receiver.Store(&s)
	}
	var said []string
	worst := reading.OK
	for _, v := range values {
		if v.Quality != reading.OK {
			worst = v.Quality
		}
		text := v.Quality.String()
		if v.Quality == reading.OK {
			text = panel.FormatValue(v.Value, v.Quantity)
		} else if v.Quality.HasValue() {
			text += " (" + panel.FormatValue(v.Value, v.Quantity) + ")"
		}
		said = append(said, v.Quantity.String()+" "+text)
	}
	found := where + ": " + strings.Join(said, ", ")
	switch {
	case worst == reading.OK:
		return ok("%s", found)
	case worst.HasValue(), worst == reading.NoFix:
		return warn(panel.Remedy(worst), "%s", found)
	}
	return fail(panel.Remedy(worst), "%s", found)
}

// start makes a driver, and has it listen where it is one that listens. stop
// ends both.
func (b *bench) start(ctx context.Context, s sensor.Spec) (d sensor.Driver, stop func(), err error) {
	d, err = b.open(s, sensor.Env{Buses: b.buses, Now: b.Clock.Now, OnTime: b.heard.take, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if r, is := d.(sensor.Runner); is {
			r.Run(ctx)
		}
	}()
	return d, func() {
		cancel()
		<-ended
		d.Close()
	}, nil
}

func unsettled(values []sensor.Value, err error) bool {
	return err != nil || slices.ContainsFunc(values, func(v sensor.Value) bool { return v.Quality != reading.OK })
}

// measure makes one measurement.
func measure(ctx context.Context, d sensor.Driver) ([]sensor.Value, error) {
	if err := d.Begin(ctx); err != nil {
		return nil, err
	}
	if !sleep(ctx, d.Lead()) {
		return nil, fmt.Errorf("no measurement in time: %w", context.Cause(ctx))
	}
	return d.Read(ctx)
}

// sleep waits for d and reports whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// isLogger says whether a sensor is heard over Bluetooth.
func isLogger(s sensor.Spec) bool { return s.Driver == "ruuvi" || s.Driver == "bthome" }

// loggerRemedy says what helps against the error of a Bluetooth logger.
func loggerRemedy(err error) string {
	switch {
	case errors.Is(err, sensor.ErrBindKey):
		return "Put the logger's bind key, 32 hexadecimal digits, into that file, belonging to the agent's user, with mode 0600."
	case errors.Is(err, ble.ErrNoKey):
		return "Give the logger's bind key in a file of mode 0600, as options.key-file."
	case errors.Is(err, ble.ErrPlain):
		return "Have the logger encrypt, or take options.key-file out of the configuration file."
	case errors.Is(err, ble.ErrSecret):
		return "Compare the bind key with the one in the logger's app: this is another's."
	case errors.Is(err, ble.ErrReplay):
		return "If the logger's battery was changed, delete the counter beside its key; else somebody sends what was recorded."
	case errors.Is(err, ble.ErrForeign):
		return "Two devices send under this address: find the other one."
	}
	return "See that systemctl status bluetooth is well, look for the adapter with bluetoothctl show (powered, group bluetooth), then for the logger with bluetoothctl scan le; check its battery and distance."
}

// remedy says what helps against a sensor's error.
func remedy(s sensor.Spec, err error) string {
	switch {
	case s.Driver == "modbus" && errors.Is(err, bus.ErrNack):
		return "The line works and the unit is silent: check its cable (A and B), power and unit number, and baud and parity in the configuration file."
	case (s.Driver == "battery" || s.Driver == "voltage") && sensor.QualityOf(err) == reading.NoAnswer:
		return "Look in the folder that the configuration file names, and load the driver of the device if it is not there."
	case errors.Is(err, sensor.ErrElement):
		return "The converter works, and its element does not: check the element's terminals and cable, then the wires and reference in the configuration file."
	case isLogger(s):
		return loggerRemedy(err)
	case errors.Is(err, bus.ErrNack):
		return "The bus works and nothing answers at this address: check the sensor's cable, power and address."
	case sensor.QualityOf(err) != reading.NoAnswer:
		return panel.Remedy(sensor.QualityOf(err))
	case strings.HasPrefix(s.Bus, "sim:"):
		return "Start firmware-sim with this socket, or correct the bus in the configuration file."
	case s.Driver == "gnss" && strings.HasPrefix(s.Bus, "gpsd:"):
		return "See that gpsd runs there (systemctl status gpsd.socket) and has the receiver (cgps); its address is the bus in the configuration file."
	case s.Driver == "gnss":
		return "Check the receiver's cable, the port's name and its baud rate, and that this user may open it (group dialout)."
	}
	return "Check that the bus exists and that this user may open it (groups i2c, spi, gpio, dialout), then the sensor's cable and power."
}
