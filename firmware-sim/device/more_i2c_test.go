package device_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/internal/testbus"
)

// steady is a signal without noise.
func steady(v *float64) *device.Signal {
	return device.NewSignal(func() float64 { return *v }, 1, "steady", 0)
}

func on(t *testing.T, address int, d bus.I2CDevice) testbus.I2C {
	t.Helper()
	w := bus.NewI2C()
	if err := w.Add(address, d); err != nil {
		t.Fatal(err)
	}
	return testbus.I2C{Do: attach(w)}
}

// periph's driver, which knows nothing of ours, reads what the world has.
func TestBME280(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		celsius, rh, pa := 4.5, 72.0, 101_325.0
		d := device.NewBME280(1, "weather", steady(&celsius), steady(&rh), steady(&pa))
		b := on(t, 0x76, d)
		do := b.Do
		b.Do = func(request []byte) ([]byte, error) { // the driver polls without a pause
			time.Sleep(100 * time.Microsecond)
			return do(request)
		}
		dev, err := bmxx80.NewI2C(b, 0x76, &bmxx80.DefaultOpts)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range [][3]float64{{4.5, 72, 101_325}, {-39, 20, 84_000}, {25, 50, 100_000}, {84, 95, 108_000}} {
			celsius, rh, pa = w[0], w[1], w[2]
			var e physic.Env
			if err := dev.Sense(&e); err != nil {
				t.Fatal(err)
			}
			near(t, "temperature", e.Temperature.Celsius(), celsius, 0.02)
			near(t, "humidity", float64(e.Humidity)/float64(physic.PercentRH), rh, 0.15)
			near(t, "pressure", float64(e.Pressure)/float64(physic.Pascal), pa, 3)
		}
		settings := make([]byte, 13)
		set(t, d, began, fault.PowerOn)
		if err := dev.Sense(&physic.Env{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := b.Tx(0x76, []byte{0xF2}, settings); err != nil {
			t.Fatal(err)
		}
		if settings[0] != 0 || settings[2] != 0 || settings[5] != 0x80 || settings[6] != 0 || settings[11] != 0x80 {
			t.Errorf("after a restart % x, want no settings and nothing measured", settings)
		}
	})
}

func TestTMP117(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		celsius := 25.0
		d := device.NewTMP117(1, "precise", steady(&celsius))
		b := on(t, 0x48, d)
		read := func(register byte) uint16 {
			t.Helper()
			r := make([]byte, 2)
			if err := b.Tx(0x48, []byte{register}, r); err != nil {
				t.Fatal(err)
			}
			return binary.BigEndian.Uint16(r)
		}
		want := func(what string, got, want uint16) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %04x, want %04x", what, got, want)
			}
		}
		want("identity", read(15), 0x0117)
		want("before the first conversion", read(0), 0x8000)
		want("settings at power-up", read(1), 0x0220)
		time.Sleep(time.Second)
		want("settings after a conversion", read(1), 0x2220)
		want("the flag is taken back", read(1), 0x0220)
		want("result", read(0), 0x0C80)
		celsius = -55
		if err := b.Tx(0x48, []byte{1, 0x0C, 0x20}, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(123 * time.Millisecond)
		want("too early", read(1), 0x0C20)
		want("the result before", read(0), 0x0C80)
		time.Sleep(time.Millisecond)
		want("one shot is over", read(1), 0x2420)
		want("result", read(0), 0xE480)
		time.Sleep(time.Minute)
		want("nothing more", read(1), 0x0420)
		set(t, d, began, fault.Unplugged)
		if err := b.Tx(0x48, []byte{1}, make([]byte, 2)); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("unplugged: %v", err)
		}
		set(t, d, began, fault.None)
		want("plugged in again", read(0), 0x8000)
	})
}

func TestSHT3x(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		celsius, rh := 4.5, 72.0
		d := device.NewSHT3x(1, "older", 0x0F1E2D3C, steady(&celsius), steady(&rh))
		b := on(t, 0x44, d)
		r := make([]byte, 6)
		for low, takes := range map[byte]time.Duration{0x00: 15500 * time.Microsecond, 0x0B: 6500 * time.Microsecond, 0x16: 4500 * time.Microsecond} {
			if err := b.Tx(0x44, []byte{0x24, low}, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(takes - time.Microsecond)
			if err := b.Tx(0x44, nil, r); !errors.Is(err, testbus.ErrNack) {
				t.Errorf("24%02x read too early: %v", low, err)
			}
			time.Sleep(time.Microsecond)
			if err := b.Tx(0x44, nil, r); err != nil {
				t.Errorf("24%02x read in time: %v", low, err)
			}
			c, _, good := decode(t, r)
			near(t, "temperature", c, 4.5, 0.01)
			near(t, "humidity", 100*float64(binary.BigEndian.Uint16(r[3:]))/65535, 72, 0.01)
			if !good {
				t.Errorf("checksum of % x is wrong", r)
			}
		}
		if err := b.Tx(0x44, []byte{0x36, 0x82}, r); err != nil || binary.BigEndian.Uint16(r) != 0x0F1E {
			t.Errorf("serial number % x, %v", r, err)
		}
		if err := b.Tx(0x44, []byte{0xFD}, nil); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("a command of an SHT4x: %v", err)
		}
		set(t, d, began, fault.CRC, 1)
		if err := b.Tx(0x44, []byte{0x24, 0x16}, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
		if err := b.Tx(0x44, nil, r); err != nil {
			t.Fatal(err)
		}
		if _, _, good := decode(t, r); good {
			t.Error("no bit was flipped")
		}
	})
}
