package device_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
)

// The converter's registers, by the example of a PT100 at 430 ohms.
func TestMAX31865(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		celsius := -196.0
		d := device.NewMAX31865(1, "cryo", steady(&celsius))
		tx := func(w ...byte) []byte { return d.Transfer(time.Since(began), w) }
		regs := func() []byte { return tx(make([]byte, 9)...)[1:] }
		if got := regs(); !bytes.Equal(got, []byte{0, 0, 0, 0xFF, 0xFF, 0, 0, 0}) {
			t.Errorf("power-up: % x", got)
		}
		tx(0x83, 0xED, 0x20, 0x09, 0xEC)
		tx(0x80, 0xC0)
		time.Sleep(54 * time.Millisecond)
		if got := regs(); got[1] != 0 || got[2] != 0 {
			t.Errorf("read too early: % x", got)
		}
		time.Sleep(time.Millisecond)
		got := regs()
		near(t, "ohms", float64(binary.BigEndian.Uint16(got[1:])>>1)/32768*430, 20.25, 0.01)
		if got[0] != 0xC0 || got[7] != 0 {
			t.Errorf("settings and faults: % x", got)
		}
		set(t, d, began, fault.Open)
		time.Sleep(time.Second)
		if got := regs(); got[1] != 0xFF || got[7] != 0x80 || got[2]&1 != 1 {
			t.Errorf("open: % x", got)
		}
		tx(0x80, 0x82)
		tx(0x80, 0x84)
		if got := regs(); got[0] != 0x84 || got[7] != 0 {
			t.Errorf("searching: % x", got)
		}
		time.Sleep(time.Millisecond)
		if got := regs(); got[0] != 0x80 || got[7] != 0x18 {
			t.Errorf("found: % x", got)
		}
		set(t, d, began, fault.Unplugged)
		if got := regs(); !bytes.Equal(got, bytes.Repeat([]byte{0xFF}, 8)) {
			t.Errorf("unplugged: % x", got)
		}
	})
}

func controller() *device.Modbus {
	air, setpoint := -18.5, 231.4
	return device.NewModbus(1, "c", 7, true, []*device.ModbusRegister{
		{Function: 3, Address: 256, Kind: "int16", Scale: 0.1, Signal: steady(&air)},
		{Function: 3, Address: 257, Kind: "float32", LowFirst: true, Scale: 1, Signal: steady(&setpoint)},
		{Function: 1, Address: 3, Kind: "bit", Scale: 1, Signal: steady(&setpoint)},
	})
}

func TestModbus(t *testing.T) {
	d := controller()
	low := math.Float32bits(231.4)
	for _, c := range []struct{ request, want []byte }{
		{[]byte{3, 1, 0, 0, 1}, []byte{3, 2, 0xFF, 0x47}},
		{[]byte{3, 1, 1, 0, 2}, []byte{3, 4, byte(low >> 8), byte(low), byte(low >> 24), byte(low >> 16)}},
		{[]byte{1, 0, 3, 0, 1}, []byte{1, 1, 1}},
		{[]byte{3, 0, 255, 0, 1}, []byte{0x83, 2}},
		{[]byte{4, 1, 0, 0, 1}, []byte{0x84, 2}},
		{[]byte{3, 1, 0, 0, 0}, []byte{0x83, 3}},
		{[]byte{3, 1, 0, 0, 200}, []byte{0x83, 3}},
		{[]byte{3, 1}, []byte{0x83, 3}},
		{[]byte{6, 1, 0, 0, 1}, []byte{0x86, 1}},
	} {
		if got := d.Answer(0, c.request); !bytes.Equal(got, c.want) {
			t.Errorf("% x: got % x, want % x", c.request, got, c.want)
		}
	}
	// The example of the specification: 02 07 has the checksum 41 12.
	if crc := device.CRCModbus([]byte{2, 7}); crc != 0x1241 {
		t.Errorf("checksum %04x, want 1241", crc)
	}
	f, err := fault.New("no-value", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetFault(f, 0); err != nil {
		t.Fatal(err)
	}
	if got := d.Answer(0, []byte{3, 1, 0, 0, 1}); !bytes.Equal(got, []byte{3, 2, 0x7F, 0xFF}) {
		t.Errorf("no value: % x", got)
	}
}

// Whatever is asked, the answer fits a frame.
func FuzzModbus(f *testing.F) {
	f.Add([]byte{3, 1, 0, 0, 3})
	f.Fuzz(func(t *testing.T, request []byte) {
		if a := controller().Answer(0, request); len(a) > 253 || len(request) > 0 && len(a) < 2 {
			t.Errorf("% x: answer of %d bytes", request, len(a))
		}
	})
}

func TestPower(t *testing.T) {
	volts := 12.8
	b, c := device.NewBattery(1, "b", steady(&volts)), device.NewConverter(1, "c", steady(&volts))
	if f := b.Files(0); f["voltage_now"] != "12800000" || f["capacity"] != "100" || f["present"] != "1" {
		t.Errorf("battery %v", f)
	}
	if f := c.Files(0); f["in_voltage0_raw"] != "1164" {
		t.Errorf("converter %v", f)
	}
}
