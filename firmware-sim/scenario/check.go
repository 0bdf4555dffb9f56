package scenario

import (
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"frostline/firmware-sim/control"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/world"
	"frostline/proto/topic"
)

// Limits of a scenario.
const (
	maxBoards  = 256
	maxObjects = 64  // on a board
	maxDevices = 256 // on a board
	maxPlanned = 256 // faults on a board's schedule
	maxSocket  = 107 // bytes of a Unix socket's path
)

// longestPlan bounds the times of a schedule.
const longestPlan = 30 * 24 * time.Hour

// findings collects what is wrong, with the line of each.
type findings struct {
	line func(path string) int
	list []error
}

func (f *findings) add(path string, value any, want string) {
	if s, ok := value.(string); ok {
		value = fmt.Sprintf("%q", s)
	}
	where := ""
	if n := f.line(path); n > 0 {
		where = fmt.Sprintf("line %d: ", n)
	}
	f.list = append(f.list, fmt.Errorf("%s%s %v: want %s", where, path, value, want))
}

// once reports a value that was there before.
func (f *findings) once(seen map[string]string, path, value string) {
	if first, ok := seen[value]; ok && value != "" {
		f.add(path, value, "something else: "+first+" has it")
		return
	}
	seen[value] = path
}

func (s Scenario) check(line func(string) int) error {
	f := &findings{line: line}
	if len(s.Boards) == 0 || len(s.Boards) > maxBoards {
		f.add("boards", len(s.Boards), fmt.Sprintf("1 to %d boards", maxBoards))
	}
	names, places := map[string]string{}, map[string]string{}
	for i, b := range s.Boards {
		path := fmt.Sprintf("boards[%d]", i)
		f.once(names, path+".name", b.Name)
		f.once(places, path+".socket", b.Socket)
		f.once(places, path+".tcp", b.TCP)
		b.check(f, path, places)
	}
	return errors.Join(f.list...)
}

func (b Board) check(f *findings, path string, places map[string]string) {
	if topic.CheckGateway(b.Name) != nil {
		f.add(path+".name", b.Name, "3 to 40 characters of a-z, 0-9 and '-'")
	}
	if b.Socket == "" || len(b.Socket) > maxSocket {
		f.add(path+".socket", b.Socket, fmt.Sprintf("a path of 1 to %d bytes, which is as long as a Unix socket's may be", maxSocket))
	}
	if b.TCP != "" {
		if _, _, err := net.SplitHostPort(b.TCP); err != nil {
			f.add(path+".tcp", b.TCP, "HOST:PORT, as in 127.0.0.1:7001")
		}
	}
	if _, err := time.Parse(time.RFC3339, b.Start); err != nil && b.Start != "now" {
		f.add(path+".start", b.Start, `"now", or a time as in 2025-01-31T12:00:00Z`)
	}
	if !(b.Speed >= 0.01 && b.Speed <= control.MaxSpeed) {
		f.add(path+".speed", b.Speed, fmt.Sprintf("0.01 to %d", control.MaxSpeed))
	}
	if len(b.World) == 0 || len(b.World) > maxObjects {
		f.add(path+".world", len(b.World), fmt.Sprintf("1 to %d objects", maxObjects))
	}
	if len(b.Devices) == 0 || len(b.Devices) > maxDevices {
		f.add(path+".devices", len(b.Devices), fmt.Sprintf("1 to %d devices", maxDevices))
	}
	names := map[string]string{}
	for i, o := range b.World {
		at := fmt.Sprintf("%s.world[%d]", path, i)
		f.name(at+".name", o.Name)
		f.once(names, at+".name", o.Name)
		o.Check(func(field string, value any, want string) { f.add(at+"."+field, value, want) })
		if o.Box != nil && o.Box.RidesIn != "" && kindOf(b.World, o.Box.RidesIn) != "vehicle" {
			f.add(at+".box.rides_in", o.Box.RidesIn, "the name of a vehicle of this board")
		}
	}
	taken := map[string]string{}
	for i, d := range b.Devices {
		at := fmt.Sprintf("%s.devices[%d]", path, i)
		f.name(at+".name", d.Name)
		f.once(names, at+".name", d.Name)
		d.check(f, at, b.World, taken)
		if d.Kind != Modbus { // whose units share a line
			f.once(places, at+".pty", d.Pty)
		}
	}
	if slices.ContainsFunc(b.Devices, func(d Device) bool { return slices.Contains(kinds[d.Kind].takes, "mac") }) && !strings.Contains(b.DBus, ":") {
		f.add(path+".dbus", b.DBus, "the address of a D-Bus, as in unix:path=/run/test/bus: a board with loggers plays BlueZ there")
	}
	b.checkSchedule(f, path, names)
}

// checkSchedule wants each fault to be one that exists, on something that is
// there, and to last a while.
func (b Board) checkSchedule(f *findings, path string, names map[string]string) {
	if len(b.Schedule) > maxPlanned {
		f.add(path+".schedule", len(b.Schedule), fmt.Sprintf("at most %d faults", maxPlanned))
	}
	for i, p := range b.Schedule {
		at := fmt.Sprintf("%s.schedule[%d]", path, i)
		if _, ok := names[p.Name]; !ok {
			f.add(at+".name", p.Name, "the name of a device or of an object of the world")
		}
		if _, err := fault.New(p.Fault, p.Value); err != nil {
			f.add(at+".fault", p.Fault, err.Error())
		}
		if p.At < 0 || p.At > longestPlan {
			f.add(at+".at", p.At, fmt.Sprintf("0 to %s", longestPlan))
		}
		if p.For <= 0 || p.For > longestPlan {
			f.add(at+".for", p.For, fmt.Sprintf("more than 0, at most %s", longestPlan))
		}
	}
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func (f *findings) name(path, name string) {
	if !nameForm.MatchString(name) {
		f.add(path, name, "1 to 40 characters of a-z, 0-9 and '-', a letter first")
	}
}

func kindOf(objects []world.Object, name string) string {
	for _, o := range objects {
		if o.Name == name {
			return o.Kind()
		}
	}
	return ""
}

func (d Device) check(f *findings, path string, objects []world.Object, taken map[string]string) {
	k, ok := kinds[d.Kind]
	if !ok {
		f.add(path+".kind", d.Kind, strings.Join(Kinds(), ", "))
		return
	}
	switch {
	case k.bus == nil && d.Bus != "":
		f.add(path+".bus", d.Bus, "no bus: a "+d.Kind+" has "+k.instead)
	case k.bus != nil && !k.bus.MatchString(d.Bus):
		f.add(path+".bus", d.Bus, "a bus for a "+d.Kind+", as in "+k.example)
	}
	if k.addresses == [2]int{} && d.Address != 0 {
		f.add(path+".address", d.Address, "no address: a "+d.Kind+" has none")
	} else if d.Address < k.addresses[0] || d.Address > k.addresses[1] {
		f.add(path+".address", hexadecimal(d.Address), fmt.Sprintf("%#02x to %#02x", k.addresses[0], k.addresses[1]))
	}
	if k.family != 0 {
		d.checkROM(f, path, k.family)
		f.once(taken, path+".rom", d.Bus+" "+strings.ToLower(d.ROM))
	} else if d.ROM != "" {
		f.add(path+".rom", d.ROM, "no ROM code: a "+d.Kind+" has none")
	} else if d.Bus != "" {
		f.once(taken, path+".bus", fmt.Sprintf("%s %#02x", d.Bus, d.Address))
	}
	own := func(field string, value any, given bool) {
		if given && !slices.Contains(k.takes, field) {
			f.add(path+"."+field, value, "it left out: a "+d.Kind+" has none")
		}
	}
	own("parasite", d.Parasite, d.Parasite)
	own("serial", d.Serial, d.Serial != 0)
	own("pty", d.Pty, d.Pty != "")
	own("tcp", d.TCP, d.TCP != "")
	own("dir", d.Dir, d.Dir != "")
	own("volts", d.Volts, d.Volts != 0)
	if slices.Contains(k.takes, "dir") {
		if d.Dir == "" {
			f.add(path+".dir", d.Dir, "a folder of its own")
		}
		f.once(taken, path+".dir", d.Dir)
		if !(d.Volts > 0 && d.Volts <= 1000) {
			f.add(path+".volts", d.Volts, "more than 0, at most 1000 V")
		}
	}
	own("unit", d.Unit, d.Unit != 0)
	own("registers", len(d.Registers), len(d.Registers) > 0)
	if d.Kind == Modbus {
		d.checkModbus(f, path, objects)
	}
	own("mac", d.MAC, d.MAC != "")
	own("key", "…", d.Key != "")
	own("period", d.Period, d.Period != 0)
	if slices.Contains(k.takes, "mac") {
		d.checkLogger(f, path)
		f.once(taken, path+".mac", strings.ToUpper(d.MAC))
	}
	d.checkElement(f, path, k, objects)
}

var keyForm = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// checkLogger checks what a Bluetooth logger alone has.
func (d Device) checkLogger(f *findings, path string) {
	if _, err := device.ParseMAC(d.MAC); err != nil {
		f.add(path+".mac", d.MAC, "six bytes, as in CB:B8:33:4C:88:4F")
	}
	if d.Key != "" && !keyForm.MatchString(d.Key) {
		f.add(path+".key", "…", "32 hexadecimal digits")
	}
	if d.Period < time.Second || d.Period > time.Hour {
		f.add(path+".period", d.Period, "1s to 1h")
	}
}

// maxRegisters bounds the registers of a modbus.
const maxRegisters = 64

func (d Device) checkModbus(f *findings, path string, objects []world.Object) {
	if (d.Pty == "") == (d.TCP == "") {
		f.add(path+".pty", d.Pty, "a pty or a tcp address, and not both")
	}
	if _, _, err := net.SplitHostPort(d.TCP); d.TCP != "" && err != nil {
		f.add(path+".tcp", d.TCP, "HOST:PORT, as in 127.0.0.1:5020")
	}
	if d.Unit < 1 || d.Unit > 247 {
		f.add(path+".unit", d.Unit, "1 to 247")
	}
	if n := len(d.Registers); n < 1 || n > maxRegisters {
		f.add(path+".registers", n, fmt.Sprintf("1 to %d", maxRegisters))
	}
	for i, r := range d.Registers {
		at := fmt.Sprintf("%s.registers[%d]", path, i)
		if !slices.Contains([]string{"", "coil", "discrete", "holding", "input"}, r.Table) {
			f.add(at+".table", r.Table, "coil, discrete, holding or input")
		}
		if r.Address < 0 || r.Address > 0xFFFE {
			f.add(at+".address", r.Address, "0 to 65534")
		}
		if !slices.Contains([]string{"int16", "uint16", "int32", "uint32", "float32", "bit"}, r.Type) {
			f.add(at+".type", r.Type, "int16, uint16, int32, uint32, float32 or bit")
		}
		if !slices.Contains([]string{"", "high-first", "low-first"}, r.Words) {
			f.add(at+".words", r.Words, "high-first or low-first")
		}
		if !(math.Abs(r.Scale) <= 1e6) || !(math.Abs(r.Value) <= 1e9) || r.Scale != 0 && math.Abs(r.Scale) < 1e-6 {
			f.add(at+".scale", r.Scale, "0.000001 to 1000000, and a value to match")
		}
		if r.Senses != "" {
			checkQuantity(f, at+".senses", r.Senses, objects)
		}
	}
}

// hexadecimal shows an address as data sheets do.
type hexadecimal int

// String gives 0x44 for 68.
func (h hexadecimal) String() string { return fmt.Sprintf("0x%02x", int(h)) }

func (d Device) checkROM(f *findings, path string, family byte) {
	rom, err := device.ParseROM(d.ROM)
	if err != nil || byte(rom) != family {
		f.add(path+".rom", d.ROM, fmt.Sprintf("%02x- and 12 hexadecimal digits, as in %02x-00000a1b2c3d", family, family))
	}
}

// checkElement checks what the sensing element is exposed to.
func (d Device) checkElement(f *findings, path string, k kind, objects []world.Object) {
	switch {
	case k.vehicle && kindOf(objects, d.Senses) != "vehicle":
		f.add(path+".senses", d.Senses, "the name of a vehicle of this board")
	case k.vehicle:
	case k.own && d.Senses != "":
		f.add(path+".senses", d.Senses, "it left out: its parts say what they sense")
	case k.own:
	default:
		checkQuantity(f, path+".senses", d.Senses, objects)
	}
	switch {
	case slices.Contains(k.takes, "humidity"):
		checkQuantity(f, path+".humidity", d.Humidity, objects)
	case d.Humidity != "":
		f.add(path+".humidity", d.Humidity, "it left out: a "+d.Kind+" has none")
	}
	if d.Lag < 0 || d.Lag > time.Hour {
		f.add(path+".lag", d.Lag, "up to 1h")
	}
	if !(d.OffsetC >= -20 && d.OffsetC <= 20) {
		f.add(path+".offset_c", d.OffsetC, "-20 to 20 K")
	}
	if d.NoiseC != nil && !(*d.NoiseC >= 0 && *d.NoiseC <= 5) {
		f.add(path+".noise_c", *d.NoiseC, "0 to 5 K")
	}
}

func checkQuantity(f *findings, path, quantity string, objects []world.Object) {
	object, name, _ := strings.Cut(quantity, ".")
	kind := kindOf(objects, object)
	if kind == "" {
		f.add(path, quantity, "OBJECT.QUANTITY of an object of this board")
	} else if known := world.QuantitiesOf(kind); !slices.Contains(known, name) {
		f.add(path, quantity, "one of a "+kind+"'s quantities: "+strings.Join(known, ", "))
	}
}
