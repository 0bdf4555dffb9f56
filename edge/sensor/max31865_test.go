package sensor

import (
	"errors"
	"math"
	"testing"

	"periph.io/x/conn/v3/conntest"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spitest"

	"frostline/proto/reading"
)

// The table of IEC 60751:2008 for 100 ohms.
func TestPlatinum(t *testing.T) {
	for celsius, ohms := range map[float64]float64{
		-200: 18.52, -196: 20.25, -150: 39.72, -100: 60.26, -80: 68.33, -50: 80.31, -20: 92.16, 0: 100,
		25: 109.73, 100: 138.51, 200: 175.86, 400: 247.09, 600: 313.71, 850: 390.48,
	} {
		if got := 100 * platinumRatio(celsius); math.Abs(got-ohms) > 0.005 {
			t.Errorf("%g °C: %.4f ohms, want %.2f", celsius, got, ohms)
		}
		if got := platinumCelsius(ohms / 100); math.Abs(got-celsius) > 0.02 {
			t.Errorf("%g ohms: %.4f °C, want %g", ohms, got, celsius)
		}
	}
	for celsius := platinumLow * 10; celsius <= platinumHigh*10; celsius++ {
		want := float64(celsius) / 10
		if got := platinumCelsius(platinumRatio(want)); math.Abs(got-want) > 1e-6 {
			t.Fatalf("%g °C becomes %.7f", want, got)
		}
	}
}

// Limits of a PT100 at 430 ohms: 1.02 times 390.48 ohms and 0.9 times 18.52.
var rtdTestLimits = []byte{0xED, 0x20, 0x09, 0xEC}

func rtdFrame(w ...byte) conntest.IO { return conntest.IO{W: w, R: make([]byte, len(w))} }

func rtdRead(regs ...byte) conntest.IO {
	return conntest.IO{W: make([]byte, 9), R: append([]byte{0xFF}, regs...)}
}

// rtdRegs is what the part shows: settings, a code, our limits, faults.
func rtdRegs(config byte, code uint16, faults byte) []byte {
	return append(append([]byte{config, byte(code >> 7), byte(code << 1)}, rtdTestLimits...), faults)
}

func rtdBegin() []conntest.IO {
	return []conntest.IO{rtdFrame(append([]byte{0x83}, rtdTestLimits...)...), rtdFrame(0x80, 0x02), rtdFrame(0x80, 0xC0)}
}

// rtdSearches is the search, whose end is seen at the second look.
func rtdSearches(faults byte) []conntest.IO {
	return []conntest.IO{
		rtdFrame(0x80, 0x82), rtdFrame(0x80, 0x84), rtdRead(rtdRegs(0x84, 0, 0)...), rtdRead(rtdRegs(0x80, 0, faults)...), rtdFrame(0x80, 0x00),
	}
}

func TestMAX31865(t *testing.T) {
	code := func(ohms float64) uint16 { return uint16(math.Round(ohms / 430 * 32768)) }
	var ops []conntest.IO
	var want []any
	add := func(w any, more ...[]conntest.IO) {
		ops = append(ops, rtdBegin()...)
		for _, m := range more {
			ops = append(ops, m...)
		}
		want = append(want, w)
	}
	read := func(config byte, code uint16, faults byte) []conntest.IO {
		return []conntest.IO{rtdRead(rtdRegs(config, code, faults)...)}
	}
	add(0.0, read(0xC0, code(100), 0), rtdSearches(0))
	add(-196.0, read(0xC0, code(20.2465), 0), rtdSearches(0))
	add(-80.0, read(0xC0, code(68.325), 0), rtdSearches(0))
	add(25.0, read(0xC0, code(109.735), 0x80), rtdSearches(0)) // what the first conversion left is forgotten
	add(reading.NoAnswer, read(0xC0, 0x7FFF, 0x80), rtdSearches(0))
	add(reading.NoAnswer, read(0xC0, 0, 0x40), rtdSearches(0))
	add(reading.NoAnswer, read(0xC0, code(101), 0), rtdSearches(0x18)) // a broken wire
	add(reading.NoAnswer, read(0xC0, code(101), 0x04), rtdSearches(0))
	add(reading.PowerOn, []conntest.IO{rtdRead(0, 0, 0, 0xFF, 0xFF, 0, 0, 0)})
	add(reading.PowerOn, read(0x80, code(100), 0)) // limits without settings cannot be
	add(reading.NoAnswer, []conntest.IO{rtdRead(0, 0, 0, 0, 0, 0, 0, 0)})
	add(reading.NoAnswer, []conntest.IO{rtdRead(0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)})
	endless := []conntest.IO{rtdFrame(0x80, 0x82), rtdFrame(0x80, 0x84)}
	for range maxLooks {
		endless = append(endless, rtdRead(rtdRegs(0x84, 0, 0)...))
	}
	add(reading.NotReady, read(0xC0, code(100), 0), endless)
	port := &spitest.Playback{Playback: conntest.Playback{Ops: ops, D: 1, DontPanic: true}}
	conn, err := port.Connect(physic.MegaHertz, spi.Mode1, 8)
	if err != nil {
		t.Fatal(err)
	}
	d := NewMAX31865(conn, RTD{Nominal: 100, Reference: 430, Wires: 4, Mains: 60})
	for i, w := range want {
		vs, err := measure(d)
		switch w := w.(type) {
		case float64:
			if err != nil || vs[0].Quality != reading.OK || math.Abs(float64(vs[0].Value)/1000-w) > 0.02 {
				t.Errorf("%d: got %+v %v, want %g °C", i, vs, err, w)
			}
		case reading.Quality:
			got := QualityOf(err)
			if err == nil {
				got = vs[0].Quality
			}
			if got != w {
				t.Errorf("%d: got %+v %v, want %v", i, vs, err, w)
			}
			if i >= 4 && i <= 7 && !errors.Is(err, ErrElement) {
				t.Errorf("%d: %v does not blame the element", i, err)
			}
		}
	}
	if err := port.Close(); err != nil {
		t.Error(err)
	}
	if d := NewMAX31865(conn, RTD{Nominal: 1000, Reference: 4000, Wires: 3, Mains: 50}); d.settings != 0x11 {
		t.Errorf("three wires at 50 Hz: settings %02x", d.settings)
	}
}

// Whatever the converter says, a value is where platinum can be or is not good.
func FuzzMAX31865(f *testing.F) {
	f.Add(uint16(0x4000), 430.0, 100.0)
	f.Fuzz(func(t *testing.T, code uint16, reference, nominal float64) {
		if !(nominal >= 10 && nominal <= 10_000 && reference >= nominal && reference <= 10*nominal) {
			return
		}
		d := NewMAX31865(nil, RTD{Nominal: nominal, Reference: reference})
		if v := d.value(code >> 1); v.Quality == reading.OK && (v.Value < -200_000 || v.Value > 850_000) {
			t.Errorf("code %d at %g of %g ohms: %+v is called good", code, nominal, reference, v)
		}
	})
}
