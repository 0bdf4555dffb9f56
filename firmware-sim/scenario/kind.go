package scenario

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"frostline/firmware-sim/device"
)

// Device kinds.
const (
	DS18B20   = "ds18b20"
	DS18S20   = "ds18s20"
	SHT3x     = "sht3x"
	SHT4x     = "sht4x"
	MCP9808   = "mcp9808"
	TMP117    = "tmp117"
	BME280    = "bme280"
	MAX31865  = "max31865"
	Modbus    = "modbus"
	GNSS      = "gnss"
	Contact   = "contact"
	Tamper    = "tamper"
	Battery   = "battery"
	Converter = "converter"
	Ruuvi     = "ruuvi"
	BTHome    = "bthome"
	Indicator = "indicator"
)

// Kinds lists the kinds of devices, by name.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// kind is what a kind of device needs.
type kind struct {
	bus       *regexp.Regexp // nil: none
	example   string         // of a bus
	instead   string         // of a bus
	addresses [2]int         // on I²C
	family    byte           // on 1-Wire
	takes     []string       // fields that most kinds do not have
	vehicle   bool           // senses one, and no quantity
	own       bool           // senses what its parts say
	lag       time.Duration  // usual time constant of a thermometer; 0: it is none
}

var (
	onWire = regexp.MustCompile(`^w1(-\d{1,3})?$`)
	onI2C  = regexp.MustCompile(`^i2c-\d{1,3}$`)
	onSPI  = regexp.MustCompile(`^spi-\d{1,2}\.\d$`)
	onGPIO = regexp.MustCompile(`^gpio-\d{1,3}$`)
)

var kinds = map[string]kind{
	DS18B20:   {bus: onWire, example: "w1", family: device.FamilyDS18B20, takes: []string{"parasite"}, lag: 25 * time.Second},
	DS18S20:   {bus: onWire, example: "w1", family: device.FamilyDS18S20, takes: []string{"parasite"}, lag: 25 * time.Second},
	SHT3x:     {bus: onI2C, example: "i2c-1", addresses: [2]int{0x44, 0x45}, takes: []string{"serial", "humidity"}, lag: 10 * time.Second},
	SHT4x:     {bus: onI2C, example: "i2c-1", addresses: [2]int{0x44, 0x46}, takes: []string{"serial", "humidity"}, lag: 10 * time.Second},
	MCP9808:   {bus: onI2C, example: "i2c-1", addresses: [2]int{0x18, 0x1F}, lag: 15 * time.Second},
	TMP117:    {bus: onI2C, example: "i2c-1", addresses: [2]int{0x48, 0x4B}, lag: 15 * time.Second},
	BME280:    {bus: onI2C, example: "i2c-1", addresses: [2]int{0x76, 0x77}, takes: []string{"humidity"}, lag: 12 * time.Second},
	MAX31865:  {bus: onSPI, example: "spi-0.0", lag: 40 * time.Second},
	Tamper:    {bus: onGPIO, example: "gpio-18", own: true},
	Battery:   {instead: "a dir", takes: []string{"dir", "volts"}, own: true},
	Converter: {instead: "a dir", takes: []string{"dir", "volts"}, own: true},
	Indicator: {bus: onGPIO, example: "gpio-27", own: true},
	Contact:   {bus: onGPIO, example: "gpio-17"},
	Ruuvi:     {instead: "the air", takes: []string{"humidity", "mac", "period"}, lag: 30 * time.Second},
	BTHome:    {instead: "the air", takes: []string{"humidity", "mac", "period", "key"}, lag: 30 * time.Second},
	Modbus:    {instead: "a pty or a tcp address", takes: []string{"pty", "tcp", "unit", "registers"}, own: true, lag: 30 * time.Second},
	GNSS:      {instead: "a pty", takes: []string{"pty"}, vehicle: true},
}
