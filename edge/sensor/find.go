package sensor

import (
	"fmt"

	"periph.io/x/conn/v3/i2c"
)

// FindI2C asks a bus which of its devices are sensors we know: at the addresses
// of an MCP9808 for its manufacturer and device registers, at those of an SHT4x
// for its serial number with checksums. Other devices that live at those
// addresses are asked too, so that it is for buses that carry sensors.
func FindI2C(b i2c.Bus) (found []Spec) {
	spec := func(driver string, addr uint16) Spec {
		return Spec{ID: fmt.Sprintf("%s-%02x", driver, addr), Driver: driver, Bus: b.String(), Address: fmt.Sprintf("0x%02x", addr)}
	}
	for addr := uint16(0x18); addr <= 0x1F; addr++ {
		d := NewMCP9808(b, addr)
		maker, err := d.word(mcpManufacturer)
		device, err2 := d.word(mcpDevice)
		if err == nil && err2 == nil && maker == 0x0054 && device>>8 == 0x04 {
			found = append(found, spec(d.Model(), addr))
		}
	}
	for addr := uint16(0x44); addr <= 0x46; addr++ {
		var serial [6]byte
		dev := i2c.Dev{Bus: b, Addr: addr}
		if dev.Tx([]byte{shtSerial}, nil) == nil && dev.Tx(nil, serial[:]) == nil &&
			crcSensirion(serial[0:2]) == serial[2] && crcSensirion(serial[3:5]) == serial[5] {
			found = append(found, spec("sht4x", addr))
		}
	}
	return found
}
