package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
	"frostline/edge/sensor"
)

// kernelW1 is the name of the 1-Wire bus that the kernel drives.
const kernelW1 = "w1"

// kind is a kind of bus that can be searched for sensors.
type kind struct {
	on sensor.Wiring
	// find lists the sensors that answer on a bus, each as its driver would be
	// configured, and counts the others.
	find func(b *bench, bus string) (found []sensor.Spec, others int, err error)
}

var searchable = []kind{
	{sensor.OneWire, (*bench).findOneWire},
	{sensor.I2C, (*bench).findI2C},
}

// findOneWire searches a 1-Wire bus, or asks the kernel what it has found.
func (b *bench) findOneWire(name string) (found []sensor.Spec, others int, err error) {
	var roms []onewire.Address
	if name == kernelW1 {
		roms, err = b.buses.W1().Devices()
	} else {
		roms, err = b.buses.OneWire(name).Search(false)
	}
	for _, a := range roms {
		if driver := sensor.Family(a); driver != "" {
			found = append(found, sensor.Spec{Driver: driver, Address: bus.FormatROM(a)})
		} else {
			others++
		}
	}
	return found, others, err
}

// findI2C asks the addresses at which known sensors live.
func (b *bench) findI2C(name string) (found []sensor.Spec, others int, err error) {
	return sensor.FindI2C(b.buses.I2C(name)), 0, nil
}

// address writes an address in the one way that search results have.
func address(s sensor.Spec) string {
	if a, err := bus.ParseROM(s.Address); err == nil {
		return bus.FormatROM(a)
	}
	if n, err := strconv.ParseUint(s.Address, 0, 7); err == nil {
		return fmt.Sprintf("0x%02x", n)
	}
	return s.Address
}

// searchBus compares what hangs on a bus with the configuration.
func (b *bench) searchBus(name string, k kind) Result {
	if b.occupied() && name != kernelW1 {
		return skipped("the agent has the bus, and a search would disturb its readings; stop it to search")
	}
	found, others, err := b.find(k, name)
	if err != nil {
		return fail("Check the bus: cable, power, pull-up resistor, and a short between its wires.", "search for devices: %v", err)
	}
	missing := map[string]bool{}
	for _, s := range b.Sensors {
		if s.Bus == name && sensor.On(s.Driver) == k.on {
			missing[address(s)] = true
		}
	}
	configured := len(missing)
	var strangers []string
	for _, s := range found {
		if !missing[s.Address] {
			strangers = append(strangers, s.Driver+" "+s.Address)
		}
		delete(missing, s.Address)
	}
	text := fmt.Sprintf("%d of %d configured sensors found", configured-len(missing), configured)
	if others > 0 {
		text += fmt.Sprintf(", %d devices of other kinds", others)
	}
	switch {
	case len(strangers) > 0:
		return warn("Add them to the configuration file, or take them off the bus.", "%s; on the bus and configured nowhere: %s", text, strings.Join(strangers, ", "))
	case len(missing) > 0:
		return warn("See the sensors above that do not answer.", "%s", text)
	}
	return ok("%s, and no other", text)
}
