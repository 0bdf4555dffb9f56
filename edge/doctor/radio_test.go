package doctor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"frostline/edge/ble"
	"frostline/edge/bus"
	"frostline/edge/sensor"
)

// What helps against a receiver behind gpsd, and a logger, is said of them.
func TestRemediesByRadio(t *testing.T) {
	gpsd, tag, logger := sensor.Spec{Driver: "gnss", Bus: "gpsd:127.0.0.1:2947"}, sensor.Spec{Driver: "ruuvi", Bus: "hci0"}, sensor.Spec{Driver: "bthome", Bus: "hci0"}
	for _, c := range []struct {
		s     sensor.Spec
		err   error
		words string
	}{
		{gpsd, errors.New("connection refused"), "systemctl status gpsd"},
		{sensor.Spec{Driver: "gnss", Bus: "/dev/ttyUSB0"}, errors.New("no such port"), "baud rate"},
		{tag, errors.New("the adapter is powered off"), "bluetoothctl show"},
		{logger, fmt.Errorf("logger: %w: no such file", sensor.ErrBindKey), "mode 0600"},
		{logger, fmt.Errorf("logger: %w", ble.ErrNoKey), "key-file"},
		{logger, fmt.Errorf("logger: %w", ble.ErrPlain), "have the logger encrypt"},
		{logger, fmt.Errorf("logger: %w", ble.ErrReplay), "battery was changed"},
		{logger, fmt.Errorf("logger: %w", ble.ErrForeign), "two devices"},
		{logger, fmt.Errorf("logger: %w: %w", ble.ErrSecret, bus.ErrChecksum), "key"},
	} {
		if got := remedy(c.s, c.err); !strings.Contains(strings.ToLower(got), strings.ToLower(c.words)) {
			t.Errorf("%s, %v: %q does not speak of %q", c.s.Driver, c.err, got, c.words)
		}
	}
}
