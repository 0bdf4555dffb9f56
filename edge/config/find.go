package config

import (
	"fmt"
	"log/slog"
	"os"

	"frostline/edge/bus"
	"frostline/edge/sensor"
)

// boardI2C is the bus on the pin header of the usual boards. Other I²C buses of
// a host carry its own parts, with which nobody should meddle uninvited.
const boardI2C = "/dev/i2c-1"

// find finds sensors on the kernel's 1-Wire bus, which lists them, and on the
// board's I²C bus, where it asks.
func find(w1Root string) (found []Sensor, said []string) {
	buses := bus.NewSet(w1Root, slog.New(slog.DiscardHandler))
	defer buses.Close()
	addresses, err := buses.W1().Devices()
	if err != nil {
		said = append(said, fmt.Sprintf("sensors on 1-Wire could not be looked for: %v", err))
	}
	for _, a := range addresses {
		rom := bus.FormatROM(a)
		driver := sensor.Family(a)
		if driver == "" {
			said = append(said, fmt.Sprintf("1-Wire device %s is left alone: it is no thermometer we know", rom))
			continue
		}
		found = append(found, Sensor{ID: "probe-" + rom, Driver: driver, Bus: "w1", Address: rom})
	}
	if _, err := os.Stat(boardI2C); err == nil {
		for _, s := range sensor.FindI2C(buses.I2C(boardI2C)) {
			found = append(found, Sensor{ID: s.ID, Driver: s.Driver, Bus: s.Bus, Address: s.Address})
		}
	}
	for _, s := range found {
		said = append(said, fmt.Sprintf("sensor %s: a %s at %s on %s, every 10 s", s.ID, s.Driver, s.Address, s.Bus))
	}
	return found, said
}
