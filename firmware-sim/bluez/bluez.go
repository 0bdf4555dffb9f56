// Package bluez plays BlueZ, the Bluetooth daemon of Linux, on a D-Bus of its
// own: an adapter, which can be powered off or pulled, discovery, advertisement
// monitors, and devices that come and change as their advertisements are heard.
// It does what BlueZ 5.66 does as far as somebody who listens to advertisements
// can see: nothing is told while nobody listens, and devices keep their last
// data.
package bluez

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// Names of BlueZ's interfaces.
const (
	service     = "org.bluez"
	adapterFace = "org.bluez.Adapter1"
	deviceFace  = "org.bluez.Device1"
	managerFace = "org.bluez.AdvertisementMonitorManager1"
	monitorFace = "org.bluez.AdvertisementMonitor1"
	propsFace   = "org.freedesktop.DBus.Properties"
	objectsFace = "org.freedesktop.DBus.ObjectManager"
)

// Advertisement is what a device sends.
type Advertisement struct {
	Address      string // CB:B8:33:4C:88:4F
	RSSI         int16  // dBm
	Manufacturer map[uint16][]byte
	Service      map[string][]byte // by full UUID
}

// Options describe the daemon.
type Options struct {
	Bus      string // D-Bus address
	Adapter  string // hci0
	Monitors bool   // offer advertisement monitors, as BlueZ does with a new kernel
}

// Daemon is a running daemon. It is safe for concurrent use.
type Daemon struct {
	o    Options
	conn *dbus.Conn
	path dbus.ObjectPath

	mu       sync.Mutex
	powered  bool
	scanning map[string]bool // by unique name of who began it
	monitors map[string]bool // by unique name and path
	devices  map[dbus.ObjectPath]map[string]dbus.Variant
	told     uint64 // advertisements that somebody was told of
	unheard  uint64 // and those that came while nobody listened
}

// Open takes BlueZ's name on a D-Bus and offers an adapter that is powered on.
func Open(o Options) (*Daemon, error) {
	conn, err := dbus.Connect(o.Bus)
	if err != nil {
		return nil, fmt.Errorf("connect to the D-Bus at %s: %w", o.Bus, err)
	}
	d := &Daemon{o: o, conn: conn, path: dbus.ObjectPath("/org/bluez/" + o.Adapter), powered: true,
		scanning: map[string]bool{}, monitors: map[string]bool{}, devices: map[dbus.ObjectPath]map[string]dbus.Variant{}}
	exports := []struct {
		what any
		path dbus.ObjectPath
		face string
	}{{objects{d}, "/", objectsFace}, {adapter{d}, d.path, adapterFace}, {properties{d}, d.path, propsFace}}
	if o.Monitors {
		exports = append(exports, struct {
			what any
			path dbus.ObjectPath
			face string
		}{manager{d}, d.path, managerFace})
	}
	for _, e := range exports {
		if err = errors.Join(err, conn.Export(e.what, e.path, e.face)); err != nil {
			break
		}
	}
	if err == nil {
		var reply dbus.RequestNameReply
		if reply, err = conn.RequestName(service, dbus.NameFlagDoNotQueue); err == nil && reply != dbus.RequestNameReplyPrimaryOwner {
			err = fmt.Errorf("somebody else is %s there", service)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("offer an adapter: %w", err), conn.Close())
	}
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	go d.forget(signals) // ends with the connection
	if err := conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged")); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return d, nil
}

// Close leaves the D-Bus.
func (d *Daemon) Close() error { return d.conn.Close() }

// forget ends what clients that have gone had asked for.
func (d *Daemon) forget(signals <-chan *dbus.Signal) {
	for s := range signals {
		if s.Name != "org.freedesktop.DBus.NameOwnerChanged" || len(s.Body) != 3 || s.Body[2] != "" {
			continue
		}
		name, _ := s.Body[0].(string)
		d.mu.Lock()
		delete(d.scanning, name)
		for m := range d.monitors {
			if strings.HasPrefix(m, name+" ") {
				delete(d.monitors, m)
			}
		}
		d.mu.Unlock()
	}
}

// Listening says whether somebody has asked for advertisements.
func (d *Daemon) Listening() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.listening()
}

func (d *Daemon) listening() bool { return d.powered && len(d.scanning)+len(d.monitors) > 0 }

// Counts gives how many advertisements were told, and how many nobody heard.
func (d *Daemon) Counts() (told, unheard uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told, d.unheard
}

// Power switches the adapter.
func (d *Daemon) Power(on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.powered == on {
		return nil
	}
	d.powered = on
	if !on {
		clear(d.scanning)
	}
	return d.changed(d.path, adapterFace, map[string]dbus.Variant{"Powered": dbus.MakeVariant(on), "Discovering": dbus.MakeVariant(false)})
}

// Advertise has the adapter hear an advertisement.
func (d *Daemon) Advertise(a Advertisement) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.listening() {
		d.unheard++
		return nil
	}
	d.told++
	path := d.path + dbus.ObjectPath("/dev_"+strings.ReplaceAll(a.Address, ":", "_"))
	news := map[string]dbus.Variant{"RSSI": dbus.MakeVariant(a.RSSI)}
	if len(a.Manufacturer) > 0 {
		news["ManufacturerData"] = dbus.MakeVariant(variants(a.Manufacturer))
	}
	if len(a.Service) > 0 {
		news["ServiceData"] = dbus.MakeVariant(variants(a.Service))
	}
	device, known := d.devices[path]
	if !known {
		device = map[string]dbus.Variant{"Address": dbus.MakeVariant(a.Address), "Adapter": dbus.MakeVariant(d.path)}
		d.devices[path] = device
	}
	for k, v := range news {
		device[k] = v
	}
	if known {
		return d.changed(path, deviceFace, news)
	}
	return d.conn.Emit("/", objectsFace+".InterfacesAdded", path, map[string]map[string]dbus.Variant{deviceFace: device})
}

func variants[K comparable](data map[K][]byte) map[K]dbus.Variant {
	out := map[K]dbus.Variant{}
	for k, b := range data {
		out[k] = dbus.MakeVariant(b)
	}
	return out
}

// changed tells of properties. d.mu is held.
func (d *Daemon) changed(path dbus.ObjectPath, face string, news map[string]dbus.Variant) error {
	return d.conn.Emit(path, propsFace+".PropertiesChanged", face, news, []string{})
}
