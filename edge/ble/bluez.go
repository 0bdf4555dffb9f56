package ble

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of BlueZ's interfaces.
const (
	bluez       = "org.bluez"
	adapterFace = "org.bluez.Adapter1"
	deviceFace  = "org.bluez.Device1"
	managerFace = "org.bluez.AdvertisementMonitorManager1"
	propsFace   = "org.freedesktop.DBus.Properties"
	objectsFace = "org.freedesktop.DBus.ObjectManager"
)

// callLimit bounds each question to BlueZ.
const callLimit = 5 * time.Second

// errGone says that BlueZ, or the adapter, went away.
var errGone = errors.New("bluetooth's daemon has gone: is bluetoothd running?")

// listen listens until ctx ends or something fails.
func (r *Radio) listen(ctx context.Context) error {
	conn, err := connect(ctx, r.bus)
	if err != nil {
		return err
	}
	defer conn.Close() // it holds nothing: BlueZ forgets who has gone
	signals := make(chan *dbus.Signal, 256)
	conn.Signal(signals)
	path := dbus.ObjectPath("/org/bluez/" + r.adapter)
	for _, m := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(bluez), dbus.WithMatchInterface(propsFace), dbus.WithMatchPathNamespace(path)},
		{dbus.WithMatchSender(bluez), dbus.WithMatchInterface(objectsFace)},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, bluez)},
	} {
		if err := conn.AddMatchSignalContext(ctx, m...); err != nil {
			return fmt.Errorf("ask the D-Bus for signals: %w", err)
		}
	}
	if err := powered(ctx, conn, path); err != nil {
		return err
	}
	if err := begin(ctx, conn, path); err != nil {
		return err
	}
	r.set(nil)
	r.log.Debug("radio listens", "adapter", r.adapter)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, more := <-signals:
			if !more {
				return errors.New("the D-Bus has hung up")
			}
			if err := r.signal(s, path); err != nil {
				return err
			}
		}
	}
}

// connect connects to a D-Bus; an empty address is the system's.
func connect(ctx context.Context, address string) (*dbus.Conn, error) {
	options := []dbus.ConnOption{dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler())}
	var conn *dbus.Conn
	var err error
	if address == "" {
		conn, err = dbus.ConnectSystemBus(options...)
	} else {
		conn, err = dbus.Connect(address, options...)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the D-Bus: is dbus-daemon running? %w", err)
	}
	return conn, nil
}

// powered says what is wrong with the adapter, if anything is.
func powered(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) error {
	on, err := property[bool](ctx, conn, path, adapterFace, "Powered")
	if err != nil {
		return fmt.Errorf("ask for the adapter: is bluetoothd running, and the adapter plugged in? %w", err)
	}
	if !on {
		return errors.New("the adapter is powered off: run bluetoothctl power on, and see rfkill")
	}
	return nil
}

// property reads one property.
func property[T any](ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath, face, name string) (v T, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var got dbus.Variant
	if err := conn.Object(bluez, path).CallWithContext(ctx, propsFace+".Get", 0, face, name).Store(&got); err != nil {
		return v, err
	}
	return v, got.Store(&v)
}

// begin makes the adapter listen: by a monitor where BlueZ has them, which is
// passive, else by discovery.
func begin(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) error {
	if types, err := property[[]string](ctx, conn, path, managerFace, "SupportedMonitorTypes"); err == nil {
		for _, t := range types {
			if t == "or_patterns" && monitor(ctx, conn, path) == nil {
				return nil
			}
		}
	}
	adapter := conn.Object(bluez, path)
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	filter := map[string]dbus.Variant{"Transport": dbus.MakeVariant("le"), "DuplicateData": dbus.MakeVariant(true)}
	if err := adapter.CallWithContext(ctx, adapterFace+".SetDiscoveryFilter", 0, filter).Err; err != nil {
		return fmt.Errorf("ask for low energy alone: %w", err)
	}
	if err := adapter.CallWithContext(ctx, adapterFace+".StartDiscovery", 0).Err; err != nil {
		return fmt.Errorf("begin to scan: may this user (group bluetooth)? %w", err)
	}
	return nil
}

// signal takes a signal of BlueZ.
func (r *Radio) signal(s *dbus.Signal, adapter dbus.ObjectPath) error {
	switch s.Name {
	case "org.freedesktop.DBus.NameOwnerChanged":
		return errGone
	case propsFace + ".PropertiesChanged":
		var face string
		var changed map[string]dbus.Variant
		if len(s.Body) < 2 || dbus.Store(s.Body[:2], &face, &changed) != nil {
			return nil
		}
		switch {
		case face == deviceFace:
			r.device(s.Path, adapter, changed)
		case face == adapterFace && s.Path == adapter:
			if on, ok := changed["Powered"].Value().(bool); ok && !on {
				return errors.New("the adapter was powered off")
			}
			if on, ok := changed["Discovering"].Value().(bool); ok && !on {
				return errors.New("somebody has ended the scan")
			}
		}
	case objectsFace + ".InterfacesAdded":
		var path dbus.ObjectPath
		var faces map[string]map[string]dbus.Variant
		if len(s.Body) >= 2 && dbus.Store(s.Body[:2], &path, &faces) == nil {
			r.device(path, adapter, faces[deviceFace])
		}
	case objectsFace + ".InterfacesRemoved":
		var path dbus.ObjectPath
		if len(s.Body) > 0 && dbus.Store(s.Body[:1], &path) == nil && path == adapter {
			return errors.New("the adapter was unplugged")
		}
	}
	return nil
}

// shortUUID is the end of a UUID made of sixteen bits.
const shortUUID = "-0000-1000-8000-00805f9b34fb"

// device takes what BlueZ says anew of a device. What it remembers of before is
// never asked for.
func (r *Radio) device(path, adapter dbus.ObjectPath, changed map[string]dbus.Variant) {
	name, ok := strings.CutPrefix(string(path), string(adapter)+"/dev_")
	if !ok || changed == nil {
		return
	}
	from, err := ParseAddress(name)
	if err != nil {
		return
	}
	a := Advertisement{Address: from}
	if m, ok := changed["ManufacturerData"]; ok {
		data := map[uint16]dbus.Variant{}
		if m.Store(&data) == nil {
			a.Manufacturer = payloads(data)
		}
	}
	if m, ok := changed["ServiceData"]; ok {
		data, short := map[string]dbus.Variant{}, map[uint16]dbus.Variant{}
		if m.Store(&data) == nil {
			for uuid, v := range data {
				head, is := strings.CutSuffix(strings.ToLower(uuid), shortUUID)
				if n, err := strconv.ParseUint(head, 16, 16); is && err == nil {
					short[uint16(n)] = v
				}
			}
			a.Service = payloads(short)
		}
	}
	if len(a.Manufacturer)+len(a.Service) > 0 {
		r.give(a)
	}
}

// payloads keeps those that are bytes.
func payloads(from map[uint16]dbus.Variant) map[uint16][]byte {
	to := map[uint16][]byte{}
	for k, v := range from {
		if b, ok := v.Value().([]byte); ok {
			to[k] = b
		}
	}
	return to
}
