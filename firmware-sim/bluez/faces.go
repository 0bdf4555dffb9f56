package bluez

import (
	"maps"

	"github.com/godbus/dbus/v5"
)

// The methods here are called by D-Bus clients. Their names are BlueZ's.

func failed(name, text string) *dbus.Error { return dbus.NewError(name, []any{text}) }

// objects is org.freedesktop.DBus.ObjectManager.
type objects struct{ d *Daemon }

func (o objects) GetManagedObjects() (map[dbus.ObjectPath]map[string]map[string]dbus.Variant, *dbus.Error) {
	o.d.mu.Lock()
	defer o.d.mu.Unlock()
	all := map[dbus.ObjectPath]map[string]map[string]dbus.Variant{
		o.d.path: {adapterFace: o.d.adapterProperties()},
	}
	if o.d.o.Monitors {
		all[o.d.path][managerFace] = managerProperties()
	}
	for path, p := range o.d.devices {
		all[path] = map[string]map[string]dbus.Variant{deviceFace: maps.Clone(p)}
	}
	return all, nil
}

// adapterProperties are those of org.bluez.Adapter1. d.mu is held.
func (d *Daemon) adapterProperties() map[string]dbus.Variant {
	return map[string]dbus.Variant{
		"Address": dbus.MakeVariant("00:1A:7D:DA:71:13"), "Name": dbus.MakeVariant("gateway"),
		"Powered": dbus.MakeVariant(d.powered), "Discovering": dbus.MakeVariant(len(d.scanning) > 0),
	}
}

func managerProperties() map[string]dbus.Variant {
	return map[string]dbus.Variant{
		"SupportedMonitorTypes": dbus.MakeVariant([]string{"or_patterns"}), "SupportedFeatures": dbus.MakeVariant([]string{}),
	}
}

// properties is org.freedesktop.DBus.Properties, of the adapter.
type properties struct{ d *Daemon }

func (p properties) Get(face, name string) (dbus.Variant, *dbus.Error) {
	all, err := p.GetAll(face)
	if err != nil {
		return dbus.Variant{}, err
	}
	v, ok := all[name]
	if !ok {
		return v, failed("org.freedesktop.DBus.Error.InvalidArgs", "No such property '"+name+"'")
	}
	return v, nil
}

func (p properties) GetAll(face string) (map[string]dbus.Variant, *dbus.Error) {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	switch {
	case face == adapterFace:
		return p.d.adapterProperties(), nil
	case face == managerFace && p.d.o.Monitors:
		return managerProperties(), nil
	}
	return nil, failed("org.freedesktop.DBus.Error.InvalidArgs", "No such interface '"+face+"'")
}

func (p properties) Set(face, name string, v dbus.Variant) *dbus.Error {
	on, ok := v.Value().(bool)
	if face != adapterFace || name != "Powered" || !ok {
		return failed("org.freedesktop.DBus.Error.PropertyReadOnly", "Property '"+name+"' is not writable")
	}
	if err := p.d.Power(on); err != nil {
		return failed("org.bluez.Error.Failed", err.Error())
	}
	return nil
}

// adapter is org.bluez.Adapter1.
type adapter struct{ d *Daemon }

func (a adapter) SetDiscoveryFilter(filter map[string]dbus.Variant) *dbus.Error {
	if kind, ok := filter["Transport"].Value().(string); ok && kind != "le" && kind != "auto" {
		return failed("org.bluez.Error.NotSupported", "Operation is not supported")
	}
	return nil
}

func (a adapter) StartDiscovery(who dbus.Sender) *dbus.Error {
	a.d.mu.Lock()
	defer a.d.mu.Unlock()
	if !a.d.powered {
		return failed("org.bluez.Error.NotReady", "Resource Not Ready")
	}
	if a.d.scanning[string(who)] {
		return failed("org.bluez.Error.InProgress", "Operation already in progress")
	}
	a.d.scanning[string(who)] = true
	return nil
}

func (a adapter) StopDiscovery(who dbus.Sender) *dbus.Error {
	a.d.mu.Lock()
	defer a.d.mu.Unlock()
	if !a.d.scanning[string(who)] {
		return failed("org.bluez.Error.Failed", "No discovery started")
	}
	delete(a.d.scanning, string(who))
	return nil
}

// manager is org.bluez.AdvertisementMonitorManager1.
type manager struct{ d *Daemon }

func (m manager) RegisterMonitor(who dbus.Sender, root dbus.ObjectPath) *dbus.Error {
	go m.activate(string(who), root) // BlueZ looks at the monitors after it has answered
	return nil
}

// activate looks which monitors a client has, and tells those that are right.
func (m manager) activate(who string, root dbus.ObjectPath) {
	var all map[dbus.ObjectPath]map[string]map[string]dbus.Variant
	if m.d.conn.Object(who, root).Call(objectsFace+".GetManagedObjects", 0).Store(&all) != nil {
		return
	}
	for path, faces := range all {
		p, ok := faces[monitorFace]
		var patterns []struct {
			Start, Type byte
			Content     []byte
		}
		if kind, _ := p["Type"].Value().(string); !ok || kind != "or_patterns" || p["Patterns"].Store(&patterns) != nil || len(patterns) == 0 {
			m.d.conn.Object(who, path).Call(monitorFace+".Release", dbus.FlagNoReplyExpected)
			continue
		}
		m.d.mu.Lock()
		m.d.monitors[who+" "+string(path)] = true
		m.d.mu.Unlock()
		m.d.conn.Object(who, path).Call(monitorFace+".Activate", dbus.FlagNoReplyExpected)
	}
}

func (m manager) UnregisterMonitor(who dbus.Sender, root dbus.ObjectPath) *dbus.Error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	for k := range m.d.monitors {
		if len(k) > len(who) && k[:len(who)+1] == string(who)+" " {
			delete(m.d.monitors, k)
		}
	}
	return nil
}
