package demo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	sim "frostline/firmware-sim"
	"frostline/firmware-sim/scenario"
)

// place is a zone or vehicle with a gateway of its own.
type place struct {
	gateway string
	what    string
	socket  string // of the simulated board
	devices []scenario.Device
}

var words = map[string]string{
	"sodo-cold":    "SoDo site, cold room, 2 to 8 °C",
	"sodo-freezer": "SoDo site, freezer, -25 to -15 °C",
	"sodo-ambient": "SoDo site, store room, 20 to 25 °C",
	"van-1":        "delivery van 1, insulated box",
	"van-2":        "delivery van 2, insulated box",
}

// watched is what each gateway itself alarms of: the goods, and the air around
// them.
var watched = map[string][]watchFile{
	"sodo-cold":    zone("Cold room", "refrigerated"),
	"sodo-freezer": zone("Freezer", "freezer"),
	"sodo-ambient": zone("Store room", "controlled-room"),
	"van-1":        box,
	"van-2":        box,
}

// patience is how long a sensor may be silent: all of them start at once here.
const patience = "1m"

var box = []watchFile{{"box", "Insulated box", "refrigerated", []string{"probe-1", "air", "wall"}, patience}}

func zone(name, profile string) []watchFile {
	return []watchFile{
		{"goods", name + ", goods", profile, []string{"probe-2"}, patience},
		{"air", name + ", air", profile, []string{"probe-1", "air", "wall"}, patience},
	}
}

// interval of all sensors, in the recorded hours and live.
const interval = 5 * time.Second

// places lists the gateways, which are the boards of firmware-sim's own
// demonstration.
func places(dir string) []place {
	var out []place
	for _, b := range sim.Demo(dir).Boards {
		out = append(out, place{gateway: b.Name, what: words[b.Name], socket: b.Socket, devices: b.Devices})
	}
	return out
}

// The parts of a gateway's configuration that the demonstration sets.
type gatewayFile struct {
	Gateway string       `yaml:"gateway"`
	Data    string       `yaml:"data"`
	Hub     hubFile      `yaml:"hub"`
	Panel   panelFile    `yaml:"panel"`
	Watches []watchFile  `yaml:"watches"`
	Sensors []sensorFile `yaml:"sensors"`
}

type hubFile struct {
	Enrol string `yaml:"enrol"`
}

type panelFile struct {
	Listen   string `yaml:"listen"`
	Kind     string `yaml:"kind"`
	TimeZone string `yaml:"time-zone"`
}

type watchFile struct {
	ID      string   `yaml:"id"`
	Label   string   `yaml:"label"`
	Profile string   `yaml:"profile"`
	Sensors []string `yaml:"sensors"`
	Unknown string   `yaml:"unknown-after"`
}

type sensorFile struct {
	ID       string `yaml:"id"`
	Driver   string `yaml:"driver"`
	Bus      string `yaml:"bus"`
	Address  string `yaml:"address,omitempty"`
	Interval string `yaml:"interval"`
}

// writeConfig writes the ith gateway's configuration. Like a real gateway's it
// names drivers, buses and addresses; only the names of the buses differ.
func (d *demo) writeConfig(i int, p place) error {
	f := gatewayFile{
		Gateway: p.gateway, Data: d.path(p.gateway),
		Hub:     hubFile{Enrol: "https://" + d.loopback(d.ports.Enrol)},
		Panel:   panelFile{Listen: d.loopback(d.ports.Panel + i), Kind: "site", TimeZone: "America/Los_Angeles"},
		Watches: watched[p.gateway],
	}
	if strings.HasPrefix(p.gateway, "van-") {
		f.Panel.Kind = "vehicle"
	}
	for _, dev := range p.devices {
		s := sensorFile{ID: dev.Name, Driver: dev.Kind, Interval: interval.String()}
		s.Bus = "sim:unix:" + p.socket + "/" + dev.Bus
		if s.Address = dev.ROM; dev.Address != 0 {
			s.Address = fmt.Sprintf("0x%02x", dev.Address)
		}
		switch dev.Kind {
		case "contact":
			s.Driver = "door"
		case "gnss":
			s.Bus = dev.Pty
		}
		f.Sensors = append(f.Sensors, s)
	}
	b, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("write configuration of %s: %w", p.gateway, err)
	}
	path := d.config(p)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}
