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

// install builds a device and puts it on its bus.
func (b *Board) install(d scenario.Device) error {
	full := b.name + "/" + d.Name
	in := &installed{spec: d}
	switch d.Kind {
	case scenario.DS18B20:
		signal, err := b.thermometer(d)
		if err != nil {
			return err
		}
		rom, err := device.ParseROM(d.ROM)
		if err != nil {
			return err
		}
		s := device.NewDS18B20(b.seed, full, rom, d.Parasite, signal)
		in.sensor = s
		w, err := busOf(b, d.Bus, bus.NewOneWire)
		if err != nil {
			return err
		}
		if err := w.Add(s); err != nil {
			return err
		}
	case scenario.SHT4x, scenario.MCP9808:
		signal, err := b.thermometer(d)
		if err != nil {
			return err
		}
		var s interface {
			sensor
			bus.I2CDevice
		} = device.NewMCP9808(b.seed, full, signal)
		if d.Kind == scenario.SHT4x {
			p, err := b.world.Probe(d.Humidity, humidityLag, 0)
			if err != nil {
				return err
			}
			s = device.NewSHT4x(b.seed, full, d.Serial, signal, device.NewSignal(p.Value, b.seed, full+"/humidity", humidityNoise))
		}
		in.sensor = s
		w, err := busOf(b, d.Bus, bus.NewI2C)
		if err != nil {
			return err
		}
		if err := w.Add(d.Address, s); err != nil {
			return err
		}
	case scenario.Contact:
		p, err := b.world.Probe(d.Senses, 0, 0)
		if err != nil {
			return err
		}
		s := device.NewContact(b.seed, full, func() bool { return p.Value() >= 0.5 })
		in.sensor = s
		if _, err := busOf(b, d.Bus, func() *bus.Line { return bus.NewLine(s.Level) }); err != nil {
			return err
		}
	case scenario.GNSS:
		r, err := b.receiver(full, d)
		if err != nil {
			return err
		}
		in.sensor = r.gnss
	default:
		return fmt.Errorf("kind %q is not known", d.Kind)
	}
	b.devices = append(b.devices, in)
	return nil
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
