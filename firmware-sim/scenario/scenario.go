// Package scenario describes simulated boards in YAML: what is around them,
// which sensors hang on which bus and what each of them senses.
package scenario

import (
	_ "embed"
	"path/filepath"
	"slices"
	"time"

	"frostline/firmware-sim/world"
)

// Scenario is a set of boards.
type Scenario struct {
	Seed   uint64  `yaml:"seed"` // of all noise and chance; the same seed gives the same run
	Boards []Board `yaml:"boards"`
}

// Board is one gateway's sensors and the world they are in.
type Board struct {
	Name    string         `yaml:"name"`             // 3 to 40 of a-z, 0-9 and '-'
	Socket  string         `yaml:"socket"`           // Unix socket for buses and control; default NAME.sock
	TCP     string         `yaml:"tcp,omitempty"`    // HOST:PORT for the same over TCP; empty: none
	Start   string         `yaml:"start,omitempty"`  // UTC at time zero, RFC 3339, or "now"; default now
	Speed   float64        `yaml:"speed,omitempty"`  // simulated seconds in a real one; default 1
	Driven  bool           `yaml:"driven,omitempty"` // time stands still until the control protocol moves it
	World   []world.Object `yaml:"world"`
	Devices []Device       `yaml:"devices"`
	// DBus is the address of a D-Bus on which the board plays BlueZ, with an
	// adapter hci0 that hears its Bluetooth loggers: unix:path=/run/test/bus.
	DBus string `yaml:"dbus,omitempty"`
	// Schedule is what goes wrong by itself.
	Schedule []Planned `yaml:"schedule,omitempty"`
}

// Planned is a fault that begins and ends at set times of the board's clock,
// which begins at 0 when the board starts, and again when a client sets it.
type Planned struct {
	At    time.Duration `yaml:"at"`
	For   time.Duration `yaml:"for"`
	Name  string        `yaml:"name"` // a device, or an object of the world
	Fault string        `yaml:"fault"`
	Value *float64      `yaml:"value,omitempty"` // in the unit of the fault
}

// Device is one sensor. Which fields a kind takes is checked.
type Device struct {
	Name      string        `yaml:"name"`                // by which faults are set
	Kind      string        `yaml:"kind"`                // one of Kinds
	Bus       string        `yaml:"bus,omitempty"`       // w1, i2c-1, spi-0.0, gpio-17
	Address   int           `yaml:"address,omitempty"`   // on I²C
	ROM       string        `yaml:"rom,omitempty"`       // on 1-Wire, as Linux writes it: 28-00000a1b2c3d
	Parasite  bool          `yaml:"parasite,omitempty"`  // a 1-Wire thermometer powered by the data line
	Serial    uint32        `yaml:"serial,omitempty"`    // of an sht3x or sht4x
	Senses    string        `yaml:"senses,omitempty"`    // OBJECT.QUANTITY, or a vehicle's name for a gnss
	Humidity  string        `yaml:"humidity,omitempty"`  // OBJECT.QUANTITY of an sht3x, sht4x or bme280
	Lag       time.Duration `yaml:"lag,omitempty"`       // time constant of the element; default by kind
	OffsetC   float64       `yaml:"offset_c,omitempty"`  // of the place, K
	NoiseC    *float64      `yaml:"noise_c,omitempty"`   // standard deviation, K; default 0.03
	Pty       string        `yaml:"pty,omitempty"`       // path of a terminal: of a gnss, default BOARD.gnss, or of a modbus line
	Dir       string        `yaml:"dir,omitempty"`       // of a battery or converter: the folder in which it is shown as files
	Volts     float64       `yaml:"volts,omitempty"`     // of a battery or converter
	TCP       string        `yaml:"tcp,omitempty"`       // HOST:PORT of a modbus line
	Unit      int           `yaml:"unit,omitempty"`      // of a modbus, 1 to 247
	Registers []Register    `yaml:"registers,omitempty"` // of a modbus
	MAC       string        `yaml:"mac,omitempty"`       // address of a ruuvi or bthome logger: CB:B8:33:4C:88:4F
	Key       string        `yaml:"key,omitempty"`       // bind key of a bthome logger, 32 hexadecimal digits; without one it does not encrypt
	Period    time.Duration `yaml:"period,omitempty"`    // of a logger, between measurements; default 5s
}

// Register is a value of a modbus and where it is.
type Register struct {
	Table   string  `yaml:"table,omitempty"` // coil, discrete, holding or input; default holding
	Address int     `yaml:"address"`         // on the wire, from 0
	Type    string  `yaml:"type"`            // int16, uint16, int32, uint32, float32 or bit
	Words   string  `yaml:"words,omitempty"` // of 32 bits: high-first or low-first; default high-first
	Scale   float64 `yaml:"scale,omitempty"` // of one step; default 1
	Senses  string  `yaml:"senses,omitempty"`
	Value   float64 `yaml:"value,omitempty"` // where it senses nothing
}

// standard gives the board with its blanks filled in.
func (b Board) standard() Board {
	if b.Socket == "" {
		b.Socket = b.Name + ".sock"
	}
	if b.Start == "" {
		b.Start = "now"
	}
	if b.Speed == 0 {
		b.Speed = 1
	}
	devices := make([]Device, len(b.Devices))
	for i, d := range b.Devices {
		devices[i] = d.standard(b.Name)
	}
	b.Devices = devices
	return b
}

func (d Device) standard(board string) Device {
	lag := kinds[d.Kind].lag
	if d.Lag == 0 {
		d.Lag = lag
	}
	if lag > 0 && d.NoiseC == nil {
		noise := 0.03
		d.NoiseC = &noise
	}
	if slices.Contains(kinds[d.Kind].takes, "period") && d.Period == 0 {
		d.Period = 5 * time.Second
	}
	if d.Kind == GNSS && d.Pty == "" {
		d.Pty = board + ".gnss"
	}
	return d
}

// StartTime gives the UTC at time zero; now stands for "now".
func (b Board) StartTime(now time.Time) time.Time {
	if t, err := time.Parse(time.RFC3339, b.Start); err == nil {
		return t.UTC()
	}
	return now.UTC()
}

// In gives the scenario with relative paths put into a folder.
func (s Scenario) In(dir string) Scenario {
	place := func(p string) string {
		if p == "" || filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	boards := make([]Board, len(s.Boards))
	for i, b := range s.Boards {
		b.Socket = place(b.Socket)
		b.Devices = append([]Device(nil), b.Devices...)
		for j := range b.Devices {
			b.Devices[j].Pty = place(b.Devices[j].Pty)
			b.Devices[j].Dir = place(b.Devices[j].Dir)
		}
		boards[i] = b
	}
	s.Boards = boards
	return s
}

//go:embed demo.yaml
var demoYAML []byte

// DemoYAML is the text of the scenario that comes with the simulator.
func DemoYAML() []byte { return append([]byte(nil), demoYAML...) }

// Demo is the scenario that comes with the simulator: a site of three zones and
// two vans. Its relative paths are meant for In.
func Demo() Scenario {
	s, err := Parse(demoYAML)
	if err != nil {
		panic("embedded scenario: " + err.Error())
	}
	return s
}
