package board

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"frostline/firmware-sim/bluez"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/scenario"
)

// transmitter is a logger that is heard by the board's Bluetooth adapter.
type transmitter struct {
	logger  *device.Logger
	address string
	next    time.Duration // when it sends next
}

// everySecond is how often loggers send.
const everySecond = time.Second

// air is what the board's Bluetooth adapter hears.
type air struct {
	bus     string // D-Bus address on which the board plays BlueZ
	daemon  *bluez.Daemon
	loggers []*transmitter
	failed  uint64
}

// bthomeUUID is the service under which BTHome's loggers send.
const bthomeUUID = "0000fcd2-0000-1000-8000-00805f9b34fb"

// installLogger builds a logger of either kind.
func installLogger(b *Board, full string, d scenario.Device) (sensor, error) {
	signal, err := b.thermometer(d)
	if err != nil {
		return nil, err
	}
	humidity, err := b.hygrometer(full, d)
	if err != nil {
		return nil, err
	}
	address, err := device.ParseMAC(d.MAC)
	if err != nil {
		return nil, err
	}
	var l *device.Logger
	if d.Kind == scenario.Ruuvi {
		l = device.NewRuuvi(b.seed, full, address, d.Period, signal, humidity)
	} else {
		var key []byte
		if d.Key != "" {
			if key, err = hex.DecodeString(d.Key); err != nil || len(key) != 16 {
				return nil, fmt.Errorf("key: want 32 hexadecimal digits")
			}
		}
		l = device.NewBTHome(b.seed, full, address, key, d.Period, signal, humidity)
		// The counter goes on over a restart of the simulator, as that of a
		// logger does whose battery was not changed.
		l.Count(uint32(b.wall().Unix()))
	}
	b.air.loggers = append(b.air.loggers, &transmitter{logger: l, address: d.MAC})
	return l, nil
}

func (a *air) open() (err error) {
	if len(a.loggers) == 0 {
		return nil
	}
	a.daemon, err = bluez.Open(bluez.Options{Bus: a.bus, Adapter: "hci0", Monitors: true})
	return err
}

func (a *air) close() error {
	if a.daemon == nil {
		return nil
	}
	d := a.daemon
	a.daemon = nil
	return d.Close()
}

// transmit sends what is due. Of several seconds that have passed at once only
// the last is sent.
func (b *Board) transmit(now time.Duration) {
	for _, t := range b.air.loggers {
		if now < t.next {
			continue
		}
		t.next = now - now%everySecond + everySecond
		b.world.AdvanceTo(now)
		a, sends := t.logger.Advertise(now)
		if !sends || b.air.daemon == nil {
			continue
		}
		heard := bluez.Advertisement{Address: t.address, RSSI: -60}
		if a.Manufacturer != nil {
			heard.Manufacturer = map[uint16][]byte{a.Company: a.Manufacturer}
		}
		if a.Service != nil {
			heard.Service = map[string][]byte{bthomeUUID: a.Service}
		}
		if err := b.air.daemon.Advertise(heard); err != nil {
			if b.air.failed == 0 {
				b.log.Warn("adapter cannot tell; further failures are only counted", "device", t.logger.Name(), "err", err)
			}
			b.air.failed++
		}
	}
}

// nextTransmission gives the time at which a logger next sends.
func (a *air) nextTransmission() (next time.Duration, ok bool) {
	for _, t := range a.loggers {
		if !ok || t.next < next {
			next, ok = t.next, true
		}
	}
	return next, ok
}

// Bluetooth switches the adapter of the board's Bluetooth loggers.
func (b *Board) Bluetooth(on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.air.daemon == nil {
		return errors.New("this board has no Bluetooth adapter: it has no loggers, or is closed")
	}
	return b.air.daemon.Power(on)
}
