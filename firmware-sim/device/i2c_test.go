package device_test

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/mcp9808"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/internal/testbus"
)

type faulty interface {
	SetFault(fault.Fault, time.Duration) error
}

func set(t *testing.T, d faulty, began time.Time, kind fault.Kind, value ...float64) {
	t.Helper()
	var v *float64
	if len(value) > 0 {
		v = &value[0]
	}
	f, err := fault.New(string(kind), v)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetFault(f, time.Since(began)); err != nil {
		t.Fatal(err)
	}
}

// crc8 is the checksum of the SHT4x, written once more so that the test does
// not check the device with itself.
func crc8(a, b byte) byte {
	crc := uint32(0xFF) << 8
	crc = (crc>>8 ^ uint32(a)) << 8
	for range 8 {
		if crc <<= 1; crc&0x10000 != 0 {
			crc ^= 0x3100
		}
	}
	crc ^= uint32(b) << 8
	for range 8 {
		if crc <<= 1; crc&0x10000 != 0 {
			crc ^= 0x3100
		}
	}
	return byte(crc >> 8)
}

func decode(t *testing.T, r []byte) (celsius, humidity float64, good bool) {
	t.Helper()
	good = crc8(r[0], r[1]) == r[2] && crc8(r[3], r[4]) == r[5]
	return -45 + 175*float64(binary.BigEndian.Uint16(r))/65535, -6 + 125*float64(binary.BigEndian.Uint16(r[3:]))/65535, good
}

func TestSHT4x(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		celsius, rh := 4.5, 72.0
		d := device.NewSHT4x(1, "air", 0x0F1E2D3C,
			device.NewSignal(func() float64 { return celsius }, 1, "air/t", 0.03),
			device.NewSignal(func() float64 { return rh }, 1, "air/h", 0.1))
		w := bus.NewI2C()
		if err := w.Add(0x44, d); err != nil {
			t.Fatal(err)
		}
		b := testbus.I2C{Do: attach(w)}
		r := make([]byte, 6)
		measure := func(command byte, wait time.Duration) error {
			if err := b.Tx(0x44, []byte{command}, nil); err != nil {
				return err
			}
			time.Sleep(wait)
			return b.Tx(0x44, nil, r)
		}

		for command, takes := range map[byte]time.Duration{
			0xFD: 8300 * time.Microsecond, 0xF6: 4500 * time.Microsecond, 0xE0: 1600 * time.Microsecond,
		} {
			if err := measure(command, takes-time.Microsecond); !errors.Is(err, testbus.ErrNack) {
				t.Errorf("%#02x read too early: %v, want no acknowledgement", command, err)
			}
			time.Sleep(time.Microsecond)
			if err := b.Tx(0x44, nil, r); err != nil {
				t.Errorf("%#02x read in time: %v", command, err)
			}
			c, h, good := decode(t, r)
			near(t, "temperature", c, 4.5, 0.4)
			near(t, "humidity", h, 72, 1.2)
			if !good {
				t.Errorf("%#02x: checksum of % x is wrong", command, r)
			}
			if err := b.Tx(0x44, nil, r); !errors.Is(err, testbus.ErrNack) {
				t.Errorf("%#02x read twice: %v, want no acknowledgement", command, err)
			}
		}
		if err := measure(0x89, 0); err != nil || binary.BigEndian.Uint16(r) != 0x0F1E || binary.BigEndian.Uint16(r[3:]) != 0x2D3C {
			t.Errorf("serial number % x, %v", r, err)
		}
		if err := b.Tx(0x44, []byte{0xFD}, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		if err := b.Tx(0x44, []byte{0x94}, nil); err != nil {
			t.Fatal(err)
		}
		if err := b.Tx(0x44, nil, nil); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("address while resetting: %v, want no acknowledgement", err)
		}
		time.Sleep(time.Millisecond)
		if err := b.Tx(0x44, nil, r); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("read after soft reset: %v, want nothing to read", err)
		}
		if err := b.Tx(0x44, []byte{0x12}, nil); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("unknown command: %v, want no acknowledgement", err)
		}
		if err := b.Tx(0x45, nil, nil); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("empty address: %v, want no acknowledgement", err)
		}

		set(t, d, began, fault.Slow, 1)
		if err := measure(0xFD, time.Second); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("slow: %v after a second, want no acknowledgement", err)
		}
		time.Sleep(10 * time.Millisecond)
		if err := b.Tx(0x44, nil, r); err != nil {
			t.Errorf("slow, in the end: %v", err)
		}
		set(t, d, began, fault.CRC, 1)
		if err := measure(0xFD, time.Second); err != nil {
			t.Fatal(err)
		}
		if _, _, good := decode(t, r); good {
			t.Error("crc 1: the checksum is right")
		}
		set(t, d, began, fault.Stuck, 6)
		if err := measure(0xFD, time.Second); err != nil {
			t.Fatal(err)
		}
		c, h, _ := decode(t, r)
		near(t, "stuck temperature", c, 6, 0.01)
		near(t, "humidity of a stuck sensor", h, 72, 1.2)
		set(t, d, began, fault.Drift, -1)
		time.Sleep(time.Hour)
		if err := measure(0xFD, time.Second); err != nil {
			t.Fatal(err)
		}
		c, h, _ = decode(t, r)
		near(t, "drifted temperature", c, 3.5, 0.2)
		near(t, "humidity of a drifting sensor", h, 72, 1.2)
		set(t, d, began, fault.Unplugged)
		if err := b.Tx(0x44, []byte{0xFD}, nil); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("unplugged: %v, want no acknowledgement", err)
		}
		if f, err := fault.New("power-on", nil); err != nil || d.SetFault(f, 0) == nil {
			t.Error("an SHT4x has a power-on value")
		}
	})
}

func TestPeriphReadsAnMCP9808(t *testing.T) {
	for _, want := range []float64{4.5, -20.0625, 0, -0.25, 22.75, 124.9375, -40} {
		synctest.Test(t, func(t *testing.T) {
			w, d, _ := newMCP(t, want, 0)
			_ = d
			dev, err := mcp9808.New(testbus.I2C{Do: attach(w)}, &mcp9808.Opts{Addr: 0x18, Res: mcp9808.Maximum})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(250 * time.Millisecond)
			var e physic.Env
			if err := dev.Sense(&e); err != nil {
				t.Fatal(err)
			}
			if got := e.Temperature.Celsius(); math.Abs(got-want) > 1e-9 {
				t.Errorf("sensed %v, want %v", got, want)
			}
		})
	}
}

func newMCP(t *testing.T, celsius, sigma float64) (*bus.I2C, *device.MCP9808, *float64) {
	t.Helper()
	v := &celsius
	d := device.NewMCP9808(1, "wall", device.NewSignal(func() float64 { return *v }, 1, "wall", sigma))
	w := bus.NewI2C()
	if err := w.Add(0x18, d); err != nil {
		t.Fatal(err)
	}
	return w, d, v
}

func TestMCP9808Registers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w, d, celsius := newMCP(t, 5, 0)
		b := testbus.I2C{Do: attach(w)}
		word := func(register byte) uint16 {
			r := make([]byte, 2)
			if err := b.Tx(0x18, []byte{register}, r); err != nil {
				t.Fatal(err)
			}
			return binary.BigEndian.Uint16(r)
		}
		write := func(bytes ...byte) {
			if err := b.Tx(0x18, bytes, nil); err != nil {
				t.Fatal(err)
			}
		}
		if m, id := word(6), word(7); m != 0x0054 || id != 0x0400 {
			t.Errorf("manufacturer %#04x, device %#04x, want 0x0054 and 0x0400", m, id)
		}
		if got := word(5) & 0x1FFF; got != 5*16 {
			t.Errorf("temperature %#04x, want 5 °C", got)
		}
		// A new value is there after a conversion, not before.
		*celsius = 7
		write(8, 3)
		time.Sleep(249 * time.Millisecond)
		if got := word(5) & 0x1FFF; got != 5*16 {
			t.Errorf("read too early: %#04x, want the old 5 °C", got)
		}
		time.Sleep(time.Millisecond)
		if got := word(5) & 0x1FFF; got != 7*16 {
			t.Errorf("read in time: %#04x, want 7 °C", got)
		}
		// Coarser and faster.
		*celsius = 7.2
		write(8, 0)
		time.Sleep(30 * time.Millisecond)
		if got := word(5) & 0x1FFF; got != 7*16 {
			t.Errorf("at 0.5 °C: %#04x, want 7 °C", got)
		}
		// Limits 2 to 8 °C, critical at 10, and the flags of a warmer place.
		write(2, 0, 8<<4)
		write(3, 0, 2<<4)
		write(4, 0, 10<<4)
		for c, flags := range map[float64]uint16{5: 0, 9: 2, 12: 6, 1: 1, -3: 1} {
			*celsius = c
			time.Sleep(30 * time.Millisecond)
			if got := word(5) >> 13; got != flags {
				t.Errorf("at %g °C: flags %03b, want %03b", c, got, flags)
			}
		}
		// Locked limits and a sleeping converter.
		write(1, 0, 0x40)
		write(2, 0x01, 0x00)
		if got := word(2); got != 8<<4 {
			t.Errorf("locked limit became %#04x", got)
		}
		before := word(5)
		write(1, 0x01, 0x40)
		*celsius = 20
		time.Sleep(time.Second)
		if got := word(5); got != before {
			t.Errorf("shut down, it went on converting: %#04x", got)
		}
		write(5, 0x12, 0x34)
		write(7, 0x12, 0x34)
		if word(5) != before || word(7) != 0x0400 {
			t.Error("read-only registers were written")
		}

		set(t, d, began, fault.Slow, 0.5)
		start := time.Now()
		word(6)
		if got := time.Since(start); got != 500*time.Millisecond {
			t.Errorf("slow: answered after %s, want 500ms", got)
		}
		set(t, d, began, fault.Unplugged)
		if err := b.Tx(0x18, []byte{5}, make([]byte, 2)); !errors.Is(err, testbus.ErrNack) {
			t.Errorf("unplugged: %v, want no acknowledgement", err)
		}
		set(t, d, began, fault.None)
		if got := word(2); got != 0 {
			t.Errorf("limit after power-up: %#04x, want 0", got)
		}
		set(t, d, began, fault.Drift, 3)
		time.Sleep(time.Hour)
		if got := word(5) & 0x1FFF; got != 23*16 {
			t.Errorf("drifted: %#04x, want 23 °C", got)
		}
		set(t, d, began, fault.Stuck)
		*celsius = 40
		time.Sleep(time.Second)
		if got := word(5) & 0x1FFF; got != 23*16 {
			t.Errorf("stuck: %#04x, want 23 °C", got)
		}
		if f, err := fault.New("crc", nil); err != nil || d.SetFault(f, 0) == nil {
			t.Error("an MCP9808 has checksums")
		}
	})
}

func TestContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		open := false
		d := device.NewContact(1, "door", func() bool { return open })
		do := attach(bus.NewLine(d.Level))
		level := func() byte {
			l, err := do.Level()
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		if level() != 0 {
			t.Error("closed door: line is high")
		}
		set(t, d, began, fault.Unplugged)
		if level() != 1 {
			t.Error("cut cable: line is low")
		}
		set(t, d, began, fault.Stuck)
		open = true
		if level() != 0 {
			t.Error("stuck contact follows the door")
		}
		set(t, d, began, fault.None)
		if level() != 1 {
			t.Error("open door: line is low")
		}
		set(t, d, began, fault.Noisy)
		low := 0
		for range 1000 {
			time.Sleep(time.Millisecond)
			if level() == 0 {
				low++
			}
		}
		if low < 400 || low > 600 {
			t.Errorf("bouncing: %d of 1000 reads wrong, want about half", low)
		}
	})
}
