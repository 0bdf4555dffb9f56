package sensor

import (
	"fmt"

	"periph.io/x/conn/v3/i2c"
)

// FindI2C asks a bus which of its devices are sensors we know, at the addresses
// at which they live: an MCP9808, a TMP117 and a BME280 for who they are, an
// SHT4x or SHT3x for its serial number with checksums. Other devices that live
// at those addresses are asked too, so that it is for buses that carry sensors.
func FindI2C(b i2c.Bus) (found []Spec) {
	for _, part := range []struct {
		driver    string
		low, high uint16
		is        func(i2c.Dev) bool
	}{
		{"mcp9808", 0x18, 0x1F, isMCP9808},
		{"sht4x", 0x44, 0x46, func(d i2c.Dev) bool { return hasSerial(d, []byte{sht4xSerial}) }},
		{"sht3x", 0x44, 0x45, func(d i2c.Dev) bool { return hasSerial(d, sht3xSerial) }},
		{"tmp117", 0x48, 0x4B, isTMP117},
		{"bme280", 0x76, 0x77, isBME280},
	} {
		for addr := part.low; addr <= part.high; addr++ {
			if part.is(i2c.Dev{Bus: b, Addr: addr}) {
				found = append(found, Spec{
					ID: fmt.Sprintf("%s-%02x", part.driver, addr), Driver: part.driver,
					Bus: b.String(), Address: fmt.Sprintf("0x%02x", addr),
				})
			}
		}
	}
	return found
}

func isMCP9808(d i2c.Dev) bool {
	r := registers{d}
	maker, err := r.word(mcpManufacturer)
	device, err2 := r.word(mcpDevice)
	return err == nil && err2 == nil && maker == 0x0054 && device>>8 == 0x04
}

func isTMP117(d i2c.Dev) bool {
	id, err := registers{d}.word(tmpDevice)
	return err == nil && id&tmpDeviceMax == tmpDeviceID
}

func isBME280(d i2c.Dev) bool {
	var id [1]byte
	return d.Tx([]byte{bmeIdentity}, id[:]) == nil && id[0] == bmeChip
}

// hasSerial says whether a command is answered by two words with checksums.
func hasSerial(d i2c.Dev, command []byte) bool {
	var b [6]byte
	if d.Tx(command, nil) != nil || d.Tx(nil, b[:]) != nil {
		return false
	}
	_, _, ok := sensirionWords(b)
	return ok
}
