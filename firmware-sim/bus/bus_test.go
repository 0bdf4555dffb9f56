package bus_test

import (
	"testing"
	"time"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/device"
	"frostline/proto/simbus"
)

func buses(t testing.TB) []bus.Bus {
	t.Helper()
	five := func() float64 { return 5 }
	signal := func(name string) *device.Signal { return device.NewSignal(five, 1, name, 0.03) }
	w := bus.NewOneWire()
	for _, code := range []string{"28-000007a1b2c3", "28-000007a1b2c4"} {
		rom, err := device.ParseROM(code)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(device.NewDS18B20(1, code, rom, false, signal(code))); err != nil {
			t.Fatal(err)
		}
	}
	i := bus.NewI2C()
	if err := i.Add(0x44, device.NewSHT4x(1, "a", 7, signal("t"), signal("h"))); err != nil {
		t.Fatal(err)
	}
	if err := i.Add(0x18, device.NewMCP9808(1, "b", signal("m"))); err != nil {
		t.Fatal(err)
	}
	line := bus.NewLine(device.NewContact(1, "door", func() bool { return false }).Level)
	return []bus.Bus{w, i, line, bus.NewSPI(device.NewMAX31865(1, "c", signal("p")))}
}

// Two clients of one bus do not tear each other's transactions.
func TestMastersKeepTransactionsApart(t *testing.T) {
	w := buses(t)[0]
	a, b := w.Attach(), w.Attach()
	do := func(m bus.Master, request ...byte) []byte {
		t.Helper()
		r, _ := m.Do(time.Hour, request)
		if len(r) == 0 || r[0] != byte(simbus.StatusOK) {
			t.Fatalf("request % x: % x", request, r)
		}
		return r[1:]
	}
	do(a, byte(simbus.OpReset))
	do(a, byte(simbus.OpWrite), 0, 0xCC, 0xBE)
	first := do(a, byte(simbus.OpRead), 0, 4, 0)
	do(b, byte(simbus.OpReset))
	do(b, byte(simbus.OpWrite), 0, 0xF0)
	rest := do(a, byte(simbus.OpRead), 0, 6, 0)
	if got := append(first, rest...); got[0] != 0x50 || got[1] != 0x05 || got[7] != 0x10 || got[9] != 0xFF {
		t.Errorf("scratchpad % x, want the power-on value whole and idle line after it", got)
	}
	if r := do(b, byte(simbus.OpTriplet), 0); r[0] != 1 || r[1] != 0 || r[2] != 0 {
		t.Errorf("first triplet % x, want the 0 of family 0x28", r)
	}
}

func TestRequestsOutOfPlaceAreRefused(t *testing.T) {
	all := buses(t)
	for _, c := range []struct {
		bus     int
		request []byte
	}{
		{0, nil},
		{0, []byte{byte(simbus.OpI2C), 0, 0x44, 0, 0}},
		{0, []byte{byte(simbus.OpWrite)}},
		{0, []byte{byte(simbus.OpWrite), 2, 0}},
		{0, []byte{byte(simbus.OpRead), 0, 1}},
		{0, []byte{byte(simbus.OpRead), 0xFF, 0xFF, 0}},
		{0, []byte{byte(simbus.OpTriplet), 2}},
		{1, []byte{byte(simbus.OpI2C), 0, 0x44}},
		{1, []byte{byte(simbus.OpI2C), 4, 0x44, 0, 0}},
		{1, []byte{byte(simbus.OpI2C), 0, 0x44, 0xFF, 0}},
		{1, []byte{byte(simbus.OpGPIO)}},
		{2, []byte{byte(simbus.OpGPIO), 1}},
		{2, []byte{byte(simbus.OpDrive), 1}}, // an input
		{3, []byte{byte(simbus.OpGPIO)}},
	} {
		before := all[c.bus].Counts().Refused
		r, _ := all[c.bus].Attach().Do(0, c.request)
		if len(r) < 10 || r[0] != byte(simbus.StatusError) {
			t.Errorf("bus %d, request % x: %q, want an error that says why", c.bus, c.request, r)
		}
		if all[c.bus].Counts().Refused != before+1 {
			t.Errorf("bus %d, request % x: not counted", c.bus, c.request)
		}
	}
	i := bus.NewI2C()
	if i.Add(0x80, nil) == nil || i.Add(0x03, nil) == nil {
		t.Error("an address outside of 7 bits or a reserved one was taken")
	}
}

// Whatever a client sends, each bus answers with a frame of legal size.
func FuzzDo(f *testing.F) {
	f.Add([]byte{1, 2, 1, 3, 4, 3, 0, 0xCC, 0x44})
	f.Add([]byte{2, 0, 9, 4, 0, 9, 0, 6, 1, 0, 0x44, 0, 6, 0xFD})
	f.Add([]byte{3, 7, 0x80, 0xC0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		var masters []bus.Master
		for _, b := range buses(t) {
			masters = append(masters, b.Attach())
		}
		// The script is a row of requests: length, bytes.
		for at := time.Duration(0); len(script) > 0; at += 40 * time.Millisecond {
			n := min(int(script[0]), len(script)-1)
			request := script[1 : 1+n]
			script = script[1+n:]
			for _, m := range masters {
				r, hold := m.Do(at, request)
				if len(r) == 0 || len(r) > simbus.MaxFrame || r[0] > byte(simbus.StatusError) || hold < 0 {
					t.Fatalf("request % x: response of %d bytes, hold %s", request, len(r), hold)
				}
			}
		}
	})
}
