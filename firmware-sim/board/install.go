package board

import (
	"fmt"
	"time"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/scenario"
)

// humidityLag is the time constant of a capacitive humidity element.
const humidityLag = 8 * time.Second

// humidityNoise is the standard deviation of a humidity element, %.
const humidityNoise = 0.08

// The air that a barometer is in, Pa: the world has no weather of pressure.
const (
	seaLevel      = 101_325
	pressureNoise = 3
)

// installers build a device of each kind and put it where it belongs. full is
// its name in all of the simulation.
var installers = map[string]func(b *Board, full string, d scenario.Device) (sensor, error){
	scenario.DS18B20: onOneWire(device.NewDS18B20),
	scenario.DS18S20: onOneWire(device.NewDS18S20),
	scenario.SHT3x: onI2C(func(b *Board, full string, d scenario.Device, signal *device.Signal) (i2cSensor, error) {
		h, err := b.hygrometer(full, d)
		return device.NewSHT3x(b.seed, full, d.Serial, signal, h), err
	}),
	scenario.BME280: onI2C(func(b *Board, full string, d scenario.Device, signal *device.Signal) (i2cSensor, error) {
		h, err := b.hygrometer(full, d)
		p := device.NewSignal(func() float64 { return seaLevel }, b.seed, full+"/pressure", pressureNoise)
		return device.NewBME280(b.seed, full, signal, h, p), err
	}),
	scenario.TMP117: onI2C(func(b *Board, full string, d scenario.Device, signal *device.Signal) (i2cSensor, error) {
		return device.NewTMP117(b.seed, full, signal), nil
	}),
	scenario.SHT4x: onI2C(func(b *Board, full string, d scenario.Device, signal *device.Signal) (i2cSensor, error) {
		h, err := b.hygrometer(full, d)
		return device.NewSHT4x(b.seed, full, d.Serial, signal, h), err
	}),
	scenario.MCP9808: onI2C(func(b *Board, full string, d scenario.Device, signal *device.Signal) (i2cSensor, error) {
		return device.NewMCP9808(b.seed, full, signal), nil
	}),
	scenario.MAX31865: func(b *Board, full string, d scenario.Device) (sensor, error) {
		signal, err := b.thermometer(d)
		if err != nil {
			return nil, err
		}
		s := device.NewMAX31865(b.seed, full, signal)
		_, err = busOf(b, d.Bus, func() *bus.SPI { return bus.NewSPI(s) })
		return s, err
	},
	scenario.Modbus:    installModbus,
	scenario.Battery:   inFolder(device.NewBattery),
	scenario.Converter: inFolder(device.NewConverter),
	scenario.Tamper:    installContact,
	scenario.Contact:   installContact,
	scenario.Indicator: func(b *Board, full string, d scenario.Device) (sensor, error) {
		s := device.NewIndicator(b.seed, full)
		_, err := busOf(b, d.Bus, func() *bus.Line { return bus.NewOutput(s.Level, s.Drive) })
		return s, err
	},
	scenario.Ruuvi:  installLogger,
	scenario.BTHome: installLogger,
	scenario.GNSS: func(b *Board, full string, d scenario.Device) (sensor, error) {
		r, err := b.receiver(full, d)
		if err != nil {
			return nil, err
		}
		return r.gnss, nil
	},
}

// install builds a device and puts it where it belongs.
func (b *Board) install(d scenario.Device) error {
	build := installers[d.Kind]
	if build == nil {
		return fmt.Errorf("kind %q is not known", d.Kind)
	}
	s, err := build(b, b.name+"/"+d.Name, d)
	if err != nil {
		return err
	}
	b.devices = append(b.devices, &installed{spec: d, sensor: s})
	return nil
}

// onOneWire installs a thermometer on a 1-Wire bus.
func onOneWire[D interface {
	sensor
	bus.OneWireDevice
}](fresh func(seed uint64, name string, rom uint64, parasite bool, signal *device.Signal) D) func(*Board, string, scenario.Device) (sensor, error) {
	return func(b *Board, full string, d scenario.Device) (sensor, error) {
		signal, err := b.thermometer(d)
		if err != nil {
			return nil, err
		}
		rom, err := device.ParseROM(d.ROM)
		if err != nil {
			return nil, err
		}
		w, err := busOf(b, d.Bus, bus.NewOneWire)
		if err != nil {
			return nil, err
		}
		s := fresh(b.seed, full, rom, d.Parasite, signal)
		return s, w.Add(s)
	}
}

// i2cSensor is a sensor on an I²C bus.
type i2cSensor interface {
	sensor
	bus.I2CDevice
}

// onI2C installs a thermometer, and what else it is, on an I²C bus.
func onI2C(fresh func(b *Board, full string, d scenario.Device, signal *device.Signal) (i2cSensor, error)) func(*Board, string, scenario.Device) (sensor, error) {
	return func(b *Board, full string, d scenario.Device) (sensor, error) {
		signal, err := b.thermometer(d)
		if err != nil {
			return nil, err
		}
		s, err := fresh(b, full, d, signal)
		if err != nil {
			return nil, err
		}
		w, err := busOf(b, d.Bus, bus.NewI2C)
		if err != nil {
			return nil, err
		}
		return s, w.Add(d.Address, s)
	}
}

func installContact(b *Board, full string, d scenario.Device) (sensor, error) {
	open := func() bool { return false } // an enclosure that nobody opens but by a fault
	if d.Senses != "" {
		p, err := b.world.Probe(d.Senses, 0, 0)
		if err != nil {
			return nil, err
		}
		open = func() bool { return p.Value() >= 0.5 }
	}
	s := device.NewContact(b.seed, full, open)
	_, err := busOf(b, d.Bus, func() *bus.Line { return bus.NewLine(s.Level) })
	return s, err
}

// thermometer makes the analogue side of a temperature sensor.
func (b *Board) thermometer(d scenario.Device) (*device.Signal, error) {
	p, err := b.world.Probe(d.Senses, d.Lag, d.OffsetC)
	if err != nil {
		return nil, err
	}
	noise := 0.0
	if d.NoiseC != nil {
		noise = *d.NoiseC
	}
	return device.NewSignal(p.Value, b.seed, b.name+"/"+d.Name, noise), nil
}

// hygrometer makes the analogue side of a humidity element.
func (b *Board) hygrometer(full string, d scenario.Device) (*device.Signal, error) {
	p, err := b.world.Probe(d.Humidity, humidityLag, 0)
	if err != nil {
		return nil, err
	}
	return device.NewSignal(p.Value, b.seed, full+"/humidity", humidityNoise), nil
}

// busOf gives the board's bus of that name, made by fresh where there is none.
func busOf[B bus.Bus](b *Board, name string, fresh func() B) (B, error) {
	for _, w := range b.wirings {
		if w.name != name {
			continue
		}
		of, ok := w.bus.(B)
		if !ok {
			return of, fmt.Errorf("bus %q carries devices of another kind", name)
		}
		return of, nil
	}
	made := fresh()
	b.wirings = append(b.wirings, &wiring{name: name, bus: made})
	return made, nil
}
