// Package config is the gateway's configuration: one YAML file, every field of
// which may be left out. What is given is checked before anything starts, and
// everything that is wrong is told at once, with field, value, remedy and line.
// Without a file the gateway runs on what it finds.
package config

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"frostline/edge/sensor"
	"frostline/proto/release"
)

// Config is the configuration of a gateway. The zero value of a field means its
// default, which WithDefaults fills in.
//
// A field with the tag "desired" may be given by the hub too, as its desired
// state, which wins: one tagged "whole" replaces the file's, and one tagged
// "each" is a list whose entries are laid over the file's of the same id, field
// by field, but for those tagged "new": what hangs on which wire is known on the
// spot, and is given by the hub only of an entry that the file does not have. All
// else is the gateway's own: who it is, where it keeps things, which hub it
// trusts.
type Config struct {
	// Gateway is the id of this gateway, 3 to 40 of a-z, 0-9 and '-', unique at
	// its hub. Default: the host's name, with all else replaced by '-'.
	Gateway string `yaml:"gateway"`

	// Data is the directory of journal, keys and certificate, on a disk that
	// keeps what is synced to it. Default /var/lib/frostline-edge.
	Data string `yaml:"data"`

	Hub     Hub     `yaml:"hub"`
	Panel   Panel   `yaml:"panel"`
	Journal Journal `yaml:"journal"`
	Update  Update  `yaml:"update"`

	// W1Root is where the kernel shows its 1-Wire devices.
	// Default /sys/bus/w1/devices.
	W1Root string `yaml:"w1-root"`

	// Sensors are read in this order where they share a tick. Left out: those
	// found on the host's own 1-Wire and I²C bus. An empty list: none.
	Sensors []Sensor `yaml:"sensors" desired:"each"`

	// Watches say how what lies beside the sensors is to be kept, so that the
	// gateway alarms on the spot. Default: none.
	Watches []Watch `yaml:"watches" desired:"whole"`

	// Packages have storage profiles of their own: each is watched by its own
	// while it is aboard by a scan. Default: none; the profile of what a package
	// is in counts.
	Packages []Package `yaml:"packages" desired:"whole"`

	// Indicators are the lamps and buzzers that alarm. Default: none.
	Indicators []Indicator `yaml:"indicators"`

	// NextStop is shown to the driver. Default: none, and nothing is shown.
	NextStop NextStop `yaml:"next-stop" desired:"whole"`
}

// Hub is where readings go. Both are told to the gateway when it is enrolled,
// and need to be given only where that was done elsewhere.
type Hub struct {
	// Address is the host and port of the hub's MQTT listener, host:port. It
	// overrides the one of the enrolment. Default: empty, that one.
	Address string `yaml:"address"`

	// Enrol is the URL at which the gateway gets its certificate, https://….
	// Default: empty, the one on the command line of the enrolment.
	Enrol string `yaml:"enrol"`
}

// Panel is the gateway's own pages.
type Panel struct {
	// Listen is the address it listens on, host:port, or "off". The page asks
	// nobody who they are. Default 127.0.0.1:8480, the host itself alone.
	Listen string `yaml:"listen"`

	// Kind is what the gateway is in, and so which page is at /: vehicle for the
	// driver's, site for the wall of a warehouse or a pharmacy, plain for the
	// gateway's details. All of them are at /driver, /wall and /details whatever
	// it is. Default plain.
	Kind string `yaml:"kind"`

	// Language of the pages, en or es, where whoever looks has not chosen one.
	// Default: empty, what the browser asks for.
	Language string `yaml:"language"`

	// TimeZone is the one in which the driver's page and the wall tell the time
	// of day, by its name in the IANA database, such as America/New_York.
	// Default UTC.
	TimeZone string `yaml:"time-zone"`
}

// NextStop is where a vehicle goes next, as dispatch wants its driver to see it.
type NextStop struct {
	// Place is what it is called on the route, 1 to 60 printable characters. It
	// must name no patient: the page is open to whoever is in the cab. Required
	// for a stop.
	Place string `yaml:"place"`

	// Due is when it is expected there, RFC 3339, such as
	// 2026-11-21T14:40:00-05:00. Default: empty, not said.
	Due string `yaml:"due"`
}

// Journal limits what readings take on the gateway until the hub has them.
type Journal struct {
	// MaxSize is the disk space of the journal, 1MiB to 1TiB. Beyond it the
	// oldest stretches in range for all watches are thinned to hourly least,
	// mean and greatest values and, last of all, the oldest readings dropped;
	// both are declared lost. Default 512MiB, which is years for ten sensors
	// every ten seconds.
	MaxSize Size `yaml:"max-size"`

	// SegmentSize is the size of the files it consists of, which are deleted
	// whole, 64KiB to 64MiB, and at most a quarter of MaxSize. Default 4MiB.
	SegmentSize Size `yaml:"segment-size"`

	// Memory holds readings while the disk is full or broken, 64KiB to 1GiB.
	// Default 4MiB, which is four hours at 50 readings a second.
	Memory Size `yaml:"memory"`

	// GroupWait is how long a commit waits for more readings, 0s to 10s. More
	// wears the flash less and delays what is live. Default 0s.
	GroupWait time.Duration `yaml:"group-wait"`

	// KeepAcknowledged is how long a file stays here after the hub has all of
	// it, 0s to 8760h, for those who want a second copy for a while. It goes
	// earlier where MaxSize wants it. Default 0s.
	KeepAcknowledged time.Duration `yaml:"keep-acknowledged"`
}

// Update says whose releases of the agent this gateway runs when its hub chooses
// one.
type Update struct {
	// Keys are the public keys that releases are signed by, as "frostline release
	// key" prints them, at most 4. Default: none, and no release is taken.
	Keys []string `yaml:"keys"`

	// Connected is for how long a new release may have a connection to the hub
	// and get nothing acknowledged before it is undone, 5s to 24h. Default 10m.
	Connected time.Duration `yaml:"connected"`

	// Alone is for how long a new release may have no connection before the one
	// before it runs again, and tries it again later, 5s to 168h. Default 1h.
	Alone time.Duration `yaml:"alone"`
}

// ReleaseKeys are Keys, read; those that cannot be read are left out.
func (u Update) ReleaseKeys() (all []ed25519.PublicKey) {
	for _, k := range u.Keys {
		if key, err := release.ParsePublic(k); err == nil {
			all = append(all, key)
		}
	}
	return all
}

// Sensor is one sensor.
type Sensor struct {
	// ID names the sensor, 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning
	// with a letter or digit, unique on this gateway. Required.
	ID string `yaml:"id"`

	// Driver is one of [sensor.Drivers]. Required.
	Driver string `yaml:"driver" desired:"new"`

	// Bus is what the sensor hangs on: w1, /dev/i2c-1, /dev/ttyUSB0, GPIO17,
	// gpsd:127.0.0.1:2947, hci0 for Bluetooth, or a simulated bus,
	// sim:unix:PATH/BUS. Required.
	Bus string `yaml:"bus" desired:"new"`

	// Address is the sensor's on its bus: a ROM such as 28-0316a2794b2c for
	// 1-Wire, 0x44 for I²C, CB:B8:33:4C:88:4F for Bluetooth. Required for
	// those, not allowed for others.
	Address string `yaml:"address" desired:"new"`

	// Interval is the time between readings, 100ms to 24h in whole
	// milliseconds, and long enough for the sensor to measure. Readings are
	// taken at its multiples since boot. Default 10s.
	Interval time.Duration `yaml:"interval"`

	// Timeout is how long after that moment the sensor may answer, 10ms to the
	// interval less the time it takes to measure. Default 2s, or that.
	Timeout time.Duration `yaml:"timeout"`

	// Options are those of the driver.
	Options sensor.Options `yaml:"options"`

	// Calibration is the certificate that its temperature is corrected by.
	// Default: none, it is taken as measured.
	Calibration Calibration `yaml:"calibration"`
}

// Spec is what the driver needs of it.
func (s Sensor) Spec() sensor.Spec {
	return sensor.Spec{ID: s.ID, Driver: s.Driver, Bus: s.Bus, Address: s.Address, Options: s.Options}
}

// WithDefaults fills in every field that is left out; host is the host's name.
// A sensor's timeout needs a valid sensor.
func (c Config) WithDefaults(host string) Config {
	set(&c.Gateway, gatewayID(host))
	set(&c.Data, "/var/lib/frostline-edge")
	set(&c.Panel.Listen, "127.0.0.1:8480")
	set(&c.Panel.Kind, "plain")
	set(&c.Panel.TimeZone, "UTC")
	set(&c.Journal.MaxSize, 512<<20)
	set(&c.Journal.SegmentSize, 4<<20)
	set(&c.Update.Connected, 10*time.Minute)
	set(&c.Update.Alone, time.Hour)
	set(&c.Journal.Memory, 4<<20)
	set(&c.W1Root, "/sys/bus/w1/devices")
	c.Sensors = append([]Sensor(nil), c.Sensors...)
	for i := range c.Sensors {
		s := &c.Sensors[i]
		set(&s.Interval, 10*time.Second)
		s.Options = s.Options.WithDefaults(s.Driver)
		set(&s.Timeout, max(min(2*time.Second, s.Interval-s.Spec().Lead()), 0))
	}
	c.Watches = append([]Watch(nil), c.Watches...)
	for i := range c.Watches {
		set(&c.Watches[i].When, WatchAlways)
	}
	c.Indicators = append([]Indicator(nil), c.Indicators...)
	for i := range c.Indicators {
		set(&c.Indicators[i].Kind, "lamp")
		set(&c.Indicators[i].Active, "high")
	}
	return c
}

func set[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

// gatewayID makes a gateway id of a host's name.
func gatewayID(host string) string {
	b := make([]byte, 0, 40)
	for _, c := range []byte(host) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-':
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		default:
			c = '-'
		}
		b = append(b, c)
	}
	if len(b) < 3 {
		b = append([]byte("gateway-"), b...)
	}
	return string(b[:min(len(b), 40)])
}

// Digest is the SHA-256 of the configuration's meaning, in hex: the same for
// files that differ in comments and in defaults written out.
func (c Config) Digest() string {
	b, err := json.Marshal(c)
	if err != nil { // no field can fail to be encoded
		panic(fmt.Sprintf("encode configuration: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
