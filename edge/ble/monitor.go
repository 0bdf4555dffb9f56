package ble

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// Paths under which BlueZ finds our monitor.
const (
	monitorRoot = dbus.ObjectPath("/frostline")
	monitorPath = dbus.ObjectPath("/frostline/loggers")
	monitorFace = "org.bluez.AdvertisementMonitor1"
)

// pattern is bytes that an advertisement has at a place of a field.
type pattern struct {
	Start   byte
	Type    byte // of the field, by the Bluetooth SIG's assigned numbers
	Content []byte
}

// patterns are those of the loggers we read.
var patterns = []pattern{
	{0, 0x16, []byte{BTHomeService & 0xFF, BTHomeService >> 8}},
	{0, 0xFF, []byte{RuuviCompany & 0xFF, RuuviCompany >> 8}},
}

// properties are those of the monitor. A sampling period of 0 has BlueZ tell
// every advertisement.
func properties() map[string]dbus.Variant {
	return map[string]dbus.Variant{
		"Type":               dbus.MakeVariant("or_patterns"),
		"Patterns":           dbus.MakeVariant(patterns),
		"RSSISamplingPeriod": dbus.MakeVariant(uint16(0)),
	}
}

// listener is the monitor: BlueZ tells it of devices, which we hear by the
// changes of their properties instead.
type listener struct{}

// Release, Activate, DeviceFound and DeviceLost are org.bluez.AdvertisementMonitor1.
func (listener) Release() *dbus.Error                    { return nil }
func (listener) Activate() *dbus.Error                   { return nil }
func (listener) DeviceFound(dbus.ObjectPath) *dbus.Error { return nil }
func (listener) DeviceLost(dbus.ObjectPath) *dbus.Error  { return nil }

// catalogue tells BlueZ of the monitor.
type catalogue struct{}

// GetManagedObjects is org.freedesktop.DBus.ObjectManager.
func (catalogue) GetManagedObjects() (map[dbus.ObjectPath]map[string]map[string]dbus.Variant, *dbus.Error) {
	return map[dbus.ObjectPath]map[string]map[string]dbus.Variant{monitorPath: {monitorFace: properties()}}, nil
}

// GetAll is org.freedesktop.DBus.Properties, of the monitor.
func (catalogue) GetAll(string) (map[string]dbus.Variant, *dbus.Error) { return properties(), nil }

// Get is org.freedesktop.DBus.Properties, of the monitor.
func (catalogue) Get(_, name string) (dbus.Variant, *dbus.Error) {
	v, ok := properties()[name]
	if !ok {
		return v, dbus.MakeFailedError(fmt.Errorf("no property %s", name))
	}
	return v, nil
}

// monitor registers a monitor with an adapter. It lasts as long as conn.
func monitor(ctx context.Context, conn *dbus.Conn, adapter dbus.ObjectPath) error {
	for _, e := range []struct {
		what any
		path dbus.ObjectPath
		face string
	}{{catalogue{}, monitorRoot, objectsFace}, {listener{}, monitorPath, monitorFace}, {catalogue{}, monitorPath, propsFace}} {
		if err := conn.Export(e.what, e.path, e.face); err != nil {
			return fmt.Errorf("offer a monitor: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := conn.Object(bluez, adapter).CallWithContext(ctx, managerFace+".RegisterMonitor", 0, monitorRoot).Err; err != nil {
		return fmt.Errorf("register a monitor: %w", err)
	}
	return nil
}
