package device_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/ds18b20"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/internal/testbus"
)

// attach gives requests to a master at the present of a test's bubble.
func attach(b bus.Bus) testbus.Do {
	m, began := b.Attach(), time.Now()
	return func(request []byte) ([]byte, error) {
		response, hold := m.Do(time.Since(began), request)
		time.Sleep(hold)
		return response, nil
	}
}

func rom(t *testing.T, s string) uint64 {
	t.Helper()
	r, err := device.ParseROM(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type thermometer struct {
	*device.DS18B20
	celsius float64
	began   time.Time
}

func newThermometer(t *testing.T, w *bus.OneWire, code string, celsius float64, parasite bool) *thermometer {
	t.Helper()
	th := &thermometer{celsius: celsius, began: time.Now()}
	signal := device.NewSignal(func() float64 { return th.celsius }, 1, code, 0.03)
	th.DS18B20 = device.NewDS18B20(1, code, rom(t, code), parasite, signal)
	if err := w.Add(th.DS18B20); err != nil {
		t.Fatal(err)
	}
	return th
}

func (th *thermometer) fault(t *testing.T, kind fault.Kind, value ...float64) {
	t.Helper()
	var v *float64
	if len(value) > 0 {
		v = &value[0]
	}
	f, err := fault.New(string(kind), v)
	if err != nil {
		t.Fatal(err)
	}
	if err := th.SetFault(f, time.Since(th.began)); err != nil {
		t.Fatal(err)
	}
}

// wantPowerOn reads 85.000 °C. (The driver means to refuse that value, and in
// version 3.7.4 compares it with 85 K.)
func wantPowerOn(t *testing.T, when string, d *ds18b20.Dev) {
	t.Helper()
	if got, err := d.LastTemp(); err != nil || got != 85*physic.Celsius+physic.ZeroCelsius {
		t.Errorf("%s: %v, %v, want the power-on value of 85 °C", when, got, err)
	}
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: %.4f, want %.4f ± %.3f", what, got, want, within)
	}
}

func TestSearchFindsAllROMs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bus.NewOneWire()
		var want []onewire.Address
		codes := []string{"28-000000000001", "28-000000000002", "28-ffffffffffff", "28-000007a1b2c3", "28-00000fa1b2c3", "28-000007a1b2c2"}
		for _, c := range codes {
			newThermometer(t, w, c, 5, false)
			want = append(want, onewire.Address(rom(t, c)))
		}
		found, err := testbus.OneWire{Do: attach(w)}.Search(false)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(found)
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Errorf("found %x, want %x", found, want)
		}
		if err := w.Add(device.NewDS18B20(1, "twin", uint64(want[0]), false, nil)); err == nil {
			t.Error("two devices share a ROM code")
		}
	})
}

func TestPeriphReadsADS18B20(t *testing.T) {
	for _, celsius := range []float64{4.5, -20.25, 0, -0.5, 22.75, 125, -55, 85} {
		synctest.Test(t, func(t *testing.T) {
			w := bus.NewOneWire()
			th := newThermometer(t, w, "28-000007a1b2c3", celsius, true) // parasitic: wants the strong pull-up
			newThermometer(t, w, "28-000007a1b2c4", 60, false)
			d, err := ds18b20.New(testbus.OneWire{Do: attach(w)}, onewire.Address(th.ROM()), 12)
			if err != nil {
				t.Fatal(err)
			}
			var e physic.Env
			for range 20 {
				err = d.Sense(&e)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "sensed", e.Temperature.Celsius(), celsius, 0.2)
			}
		})
	}
}

func TestConversionTimeAndResolution(t *testing.T) {
	for bits, takes := range map[int]time.Duration{
		9: 93_750 * time.Microsecond, 10: 187_500 * time.Microsecond, 11: 375 * time.Millisecond, 12: 750 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := bus.NewOneWire()
			th := newThermometer(t, w, "28-000007a1b2c3", 23.4, false)
			do := attach(w)
			b := testbus.OneWire{Do: do}
			d, err := ds18b20.New(b, onewire.Address(th.ROM()), bits)
			if err != nil {
				t.Fatal(err)
			}
			wantPowerOn(t, "before any conversion", d)
			if err := ds18b20.StartAll(b); err != nil {
				t.Fatal(err)
			}
			slot := func() byte { // read slots after Convert T on the same transaction
				r, err := do([]byte{4, 0, 1, 0})
				if err != nil {
					t.Fatal(err)
				}
				return r[1]
			}
			time.Sleep(takes - time.Microsecond)
			if got := slot(); got != 0 {
				t.Errorf("%d bits, just before the end: read slot %#02x, want 0", bits, got)
			}
			time.Sleep(time.Microsecond)
			if got := slot(); got != 0xFF {
				t.Errorf("%d bits, at the end: read slot %#02x, want 0xff", bits, got)
			}
			first, err := d.LastTemp()
			if err != nil {
				t.Fatal(err)
			}
			step := 1.0 / float64(int(2)<<(bits-9))
			near(t, "sensed", first.Celsius(), 23.4, step+0.15)
			if r := math.Mod(first.Celsius()-0+1e-9, step); r > 1e-6 {
				t.Errorf("%d bits: %v is not a multiple of %g", bits, first, step)
			}
			// Read too early, the scratchpad still holds the old value.
			th.celsius = 40
			if err := ds18b20.StartAll(b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(takes / 2)
			if early, err := d.LastTemp(); err != nil || early != first {
				t.Errorf("read too early: %v, %v, want the old %v", early, err, first)
			}
		})
	}
}

func TestParasiticDeviceNeedsTheStrongPullUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bus.NewOneWire()
		th := newThermometer(t, w, "28-000007a1b2c3", 5, true)
		b := testbus.OneWire{Do: attach(w)}
		d, err := ds18b20.New(b, onewire.Address(th.ROM()), 12)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Tx([]byte{0xCC, 0x44}, nil, onewire.WeakPullup); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		wantPowerOn(t, "converted without power", d)
		var supply [1]byte
		if err := b.Tx([]byte{0xCC, 0xB4}, supply[:], onewire.WeakPullup); err != nil || supply[0] != 0 {
			t.Errorf("read power supply: %#02x, %v, want 0 for a parasitic device", supply[0], err)
		}
	})
}

func TestAlarmSearchAndEEPROM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bus.NewOneWire()
		hot, cold := newThermometer(t, w, "28-000000000001", 30, false), newThermometer(t, w, "28-000000000002", 5, false)
		b := testbus.OneWire{Do: attach(w)}
		write := func(th *thermometer, th1, tl byte, copies bool) {
			dev := onewire.Dev{Bus: b, Addr: onewire.Address(th.ROM())}
			if err := dev.Tx([]byte{0x4E, th1, tl, 0x7F}, nil); err != nil {
				t.Fatal(err)
			}
			if copies {
				if err := dev.TxPower([]byte{0x48}, nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		write(hot, 8, 2, true)
		write(cold, 8, 2, false)
		if err := ds18b20.ConvertAll(b, 12); err != nil {
			t.Fatal(err)
		}
		found, err := b.Search(true)
		if err != nil || len(found) != 1 || uint64(found[0]) != hot.ROM() {
			t.Errorf("alarm search found %x, %v, want only the hot device", found, err)
		}
		for _, th := range []*thermometer{hot, cold} {
			th.fault(t, fault.Unplugged)
			th.fault(t, fault.None)
		}
		var pad [9]byte
		for th, want := range map[*thermometer]byte{hot: 8, cold: 0x4B} {
			dev := onewire.Dev{Bus: b, Addr: onewire.Address(th.ROM())}
			if err := dev.Tx([]byte{0xBE}, pad[:]); err != nil {
				t.Fatal(err)
			}
			if pad[2] != want {
				t.Errorf("TH after power-up is %d, want %d", pad[2], want)
			}
		}
	})
}

func TestDS18B20Faults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bus.NewOneWire()
		th := newThermometer(t, w, "28-000007a1b2c3", 5, false)
		b := testbus.OneWire{Do: attach(w)}
		d, err := ds18b20.New(b, onewire.Address(th.ROM()), 12)
		if err != nil {
			t.Fatal(err)
		}
		sense := func() (float64, error) {
			var e physic.Env
			err := d.Sense(&e)
			return e.Temperature.Celsius(), err
		}

		th.fault(t, fault.Unplugged)
		if _, err := sense(); err == nil || !strings.Contains(err.Error(), "presence") {
			t.Errorf("unplugged: %v, want no presence pulse", err)
		}
		newThermometer(t, w, "28-000000000009", 5, false) // somebody else is there
		if _, err := sense(); err == nil || !strings.Contains(err.Error(), "did not respond") {
			t.Errorf("unplugged beside another: %v, want no response", err)
		}
		th.fault(t, fault.None)
		wantPowerOn(t, "plugged in again", d)

		th.fault(t, fault.Stuck)
		held, err := sense()
		if err != nil {
			t.Fatal(err)
		}
		th.celsius = 30
		if again, err := sense(); err != nil || again != held {
			t.Errorf("stuck: %v then %v, %v", held, again, err)
		}
		th.fault(t, fault.Stuck, 7.5)
		if got, _ := sense(); got != 7.5 {
			t.Errorf("stuck at 7.5: %v", got)
		}

		th.fault(t, fault.PowerOn)
		if got, err := sense(); err != nil || got != 85 {
			t.Errorf("power-on: %v, %v, want 85", got, err)
		}

		th.fault(t, fault.CRC, 0.5)
		bad := 0
		for range 200 {
			if _, err := sense(); err != nil {
				if !strings.Contains(err.Error(), "CRC") {
					t.Fatal(err)
				}
				bad++
			}
		}
		if bad < 70 || bad > 130 || uint64(bad) != th.FlippedFrames() {
			t.Errorf("crc 0.5: %d of 200 frames bad, %d flipped", bad, th.FlippedFrames())
		}

		th.fault(t, fault.None)
		if _, err := sense(); err != nil {
			t.Fatal(err)
		}
		old, _ := d.LastTemp()
		th.celsius = 10
		th.fault(t, fault.Slow, 2)
		if got, err := sense(); err != nil || got != old.Celsius() {
			t.Errorf("slow: %v, %v after the usual time, want the old %v", got, err, old)
		}
		time.Sleep(2 * time.Second)
		if got, err := d.LastTemp(); err != nil || math.Abs(got.Celsius()-10) > 0.2 {
			t.Errorf("slow: %v, %v in the end, want 10", got, err)
		}

		spread := func() float64 {
			var list []float64
			for range 100 {
				got, err := sense()
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, got)
			}
			return slices.Max(list) - slices.Min(list)
		}
		th.fault(t, fault.None)
		quiet := spread()
		th.fault(t, fault.Noisy)
		if noisy := spread(); quiet > 0.3 || noisy < 4 {
			t.Errorf("spread %.2f K healthy, %.2f K noisy", quiet, noisy)
		}

		th.fault(t, fault.Drift, 2)
		time.Sleep(90 * time.Minute)
		if got, _ := sense(); math.Abs(got-13) > 0.2 {
			t.Errorf("drift of 2 °C/h for 90 minutes: %v, want 13", got)
		}
	})
}

// A DS18S20 gives its data sheet's numbers for the data sheet's temperatures.
func TestDS18S20(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		celsius := 25.0
		d := device.NewDS18S20(1, "old", rom(t, "10-000802b4a3f1"), false, device.NewSignal(func() float64 { return celsius }, 1, "old", 0))
		w := bus.NewOneWire()
		if err := w.Add(d); err != nil {
			t.Fatal(err)
		}
		dev := onewire.Dev{Bus: testbus.OneWire{Do: attach(w)}, Addr: onewire.Address(d.ROM())}
		pad := func() []byte {
			t.Helper()
			b := make([]byte, 9)
			if err := dev.Tx([]byte{0xBE}, b); err != nil {
				t.Fatal(err)
			}
			if !onewire.CheckCRC(b) {
				t.Errorf("checksum of % x is wrong", b)
			}
			return b
		}
		powerOn := []byte{0xAA, 0, 0x4B, 0x46, 0xFF, 0xFF, 0x0C, 0x10}
		if got := pad(); !slices.Equal(got[:8], powerOn) {
			t.Errorf("after power-up % x, want % x", got, powerOn)
		}
		for _, c := range []struct {
			celsius     float64
			raw, remain byte
			high        byte
		}{
			{85, 0xAA, 0x0C, 0}, {25, 0x32, 0x0C, 0}, {25.25, 0x33, 0x08, 0}, {0, 0, 0x0C, 0},
			{-0.5, 0xFF, 0x04, 0xFF}, {-25, 0xCE, 0x0C, 0xFF}, {-55, 0x92, 0x0C, 0xFF},
		} {
			celsius = c.celsius
			if err := dev.Tx([]byte{0x44}, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(750 * time.Millisecond)
			b := pad()
			if b[0] != c.raw || b[1] != c.high || b[6] != c.remain || b[7] != 16 {
				t.Errorf("%g °C: % x, want %02x %02x and counter %02x", c.celsius, b, c.raw, c.high, c.remain)
			}
			whole := float64(int16(uint16(b[1])<<8|uint16(b[0])) >> 1)
			near(t, "by the formula", whole-0.25+(16-float64(b[6]))/16, c.celsius, 1.0/32)
		}
		set(t, d, began, fault.Unplugged)
		set(t, d, began, fault.None)
		if got := pad(); !slices.Equal(got[:8], powerOn) {
			t.Errorf("plugged in again % x, want % x", got, powerOn)
		}
	})
}
