package sensor

import (
	"math/rand/v2"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"

	"frostline/proto/reading"
)

// bmeBlocks is the calibration of the example in Bosch's BMP280 data sheet,
// section 3.12, with the humidity numbers of a real BME280.
func bmeBlocks() (a [26]byte, b [7]byte) {
	for i, v := range []int{27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000} {
		a[2*i], a[2*i+1] = byte(v), byte(v>>8)
	}
	a[25] = 75
	return a, [7]byte{0x6A, 0x01, 0x00, 0x13, 0x29, 0x03, 0x1E}
}

// bmeData is what the part has measured.
func bmeData(t, h, p uint32) []byte {
	return []byte{byte(p >> 12), byte(p >> 4), byte(p << 4), byte(t >> 12), byte(t >> 4), byte(t << 4), byte(h >> 8), byte(h)}
}

func TestBMECalibration(t *testing.T) {
	a, b := bmeBlocks()
	c := parseBMECalibration(a, b)
	if centi, fine := c.temperature(519888); centi != 2508 || fine != 128422 {
		t.Errorf("temperature %d, fine %d, want the data sheet's 2508 and 128422", centi, fine)
	}
	if p := c.pressure(415148, 128422); p != 100_653 { // its 100653.27 Pa
		t.Errorf("pressure %d Pa", p)
	}
	if c.h4 != 0x139 || c.h5 != 0x32 || c.h2 != 0x16A || c.h6 != 30 {
		t.Errorf("humidity numbers %+v", c)
	}
	b[3], b[5] = 0xFF, 0x80
	if c := parseBMECalibration(a, b); c.h4 != -16+9 || c.h5 != -2048+2 {
		t.Errorf("numbers of 12 bits below zero: %d %d", c.h4, c.h5)
	}
	if (bmeCalibration{}).plausible() {
		t.Error("zeros are plausible")
	}
}

func bmeRead(register byte, answer ...byte) i2ctest.IO {
	return i2ctest.IO{Addr: 0x76, W: []byte{register}, R: answer}
}

func bmeSetUp() []i2ctest.IO {
	a, b := bmeBlocks()
	return []i2ctest.IO{
		bmeRead(0xD0, 0x60), bmeRead(0xF3, 0),
		bmeRead(0x88, a[:]...), bmeRead(0xE1, b[:]...), bmeRead(0x88, a[:]...), bmeRead(0xE1, b[:]...),
	}
}

func TestBME280(t *testing.T) {
	begin := i2ctest.IO{Addr: 0x76, W: []byte{0xF5, 0, 0xF2, 1, 0xF4, 0x65}}
	burst := func(settings [5]byte, data []byte) i2ctest.IO { return bmeRead(0xF2, append(settings[:], data...)...) }
	ours := [5]byte{1, 0, 0x64, 0, 0}
	skipped := bmeData(0x80000, 0x8000, 0x80000)
	ops := append(bmeSetUp(), begin, burst(ours, bmeData(519888, 30000, 415148)))
	ops = append(ops, begin, burst([5]byte{1, 8, 0x65, 0, 0}, skipped))    // measuring
	ops = append(ops, begin, burst(ours, bmeData(0x80000, 30000, 415148))) // a true value that looks like none
	ops = append(ops, begin, burst(ours, bmeData(519888, 0, 415148)))      // an open humidity element
	ops = append(ops, begin, burst(ours, bmeData(0xFFFF0, 30000, 415148))) // too hot for all
	ops = append(ops, begin, burst([5]byte{}, skipped))                    // restarted
	ops = append(ops, append(bmeSetUp(), begin, burst(ours, skipped))...)  // and measured nothing
	ops = append(ops, bmeRead(0xD0, 0x60), bmeRead(0xF3, 1))               // starting
	ops = append(ops, bmeRead(0xD0, 0x58))                                 // another part
	ops = append(ops, bmeRead(0xD0, 0xFF))                                 // nobody
	odd := bmeSetUp()
	odd[4].R = append([]byte{1}, odd[4].R[1:]...)
	ops = append(ops, odd...) // calibration with a flipped bit
	d := NewBME280(playback(t, ops...), 0x76)
	good := []Value{{reading.Temperature, 25_080, 0}, {reading.Humidity, 54_997, 0}, {reading.Pressure, 100_653, 0}}
	for i, want := range []any{
		good, reading.NotReady, reading.OK, reading.OutOfRange, reading.OutOfRange, reading.PowerOn, reading.PowerOn,
		reading.NotReady, reading.NoAnswer, reading.NoAnswer, reading.Checksum,
	} {
		vs, err := measure(d)
		switch want := want.(type) {
		case []Value:
			if err != nil || len(vs) != 3 || vs[0] != want[0] || vs[2] != want[2] || vs[1] != want[1] {
				t.Errorf("%d: got %+v %v, want %+v", i, vs, err, want)
			}
		case reading.Quality:
			got := QualityOf(err)
			if err == nil {
				got = vs[1].Quality
			}
			if got != want {
				t.Errorf("%d: got %+v %v, want %v", i, vs, err, want)
			}
		}
	}
}

// periph's driver gives the same for the same part, wherever that is at home.
func TestBME280AsPeriph(t *testing.T) {
	a, b := bmeBlocks()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		raw := bmeData(400_000+r.Uint32N(250_000), 18_000+r.Uint32N(30_000), 300_000+r.Uint32N(200_000))
		p := playback(t, bmeRead(0xD0, 0x60), bmeRead(0x88, a[:]...), bmeRead(0xE1, b[:]...),
			i2ctest.IO{Addr: 0x76, W: []byte{0xF4, 0x64, 0xF2, 1, 0xF5, 0xA0, 0xF4, 0x64}},
			i2ctest.IO{Addr: 0x76, W: []byte{0xF4, 0x65}}, bmeRead(0xF3, 0), bmeRead(0xF7, raw...))
		dev, err := bmxx80.NewI2C(p, 0x76, &bmxx80.Opts{Temperature: bmxx80.O4x, Pressure: bmxx80.O1x, Humidity: bmxx80.O1x})
		if err != nil {
			t.Fatal(err)
		}
		var e physic.Env
		if err := dev.Sense(&e); err != nil {
			t.Fatal(err)
		}
		ours := append(bmeSetUp(), i2ctest.IO{Addr: 0x76, W: []byte{0xF5, 0, 0xF2, 1, 0xF4, 0x65}}, bmeRead(0xF2, append([]byte{1, 0, 0x64, 0, 0}, raw...)...))
		vs, err := measure(NewBME280(playback(t, ours...), 0x76))
		if err != nil {
			t.Fatal(err)
		}
		within := func(what string, got, want, d int64) {
			t.Helper()
			if got-want > d || want-got > d {
				t.Errorf("% x: %s is %d here and %d there", raw, what, got, want)
			}
		}
		within("temperature", vs[0].Value, int64((e.Temperature-physic.ZeroCelsius)/physic.MilliKelvin), 1)
		within("humidity", vs[1].Value, int64(e.Humidity/(physic.PercentRH/1000)), 100) // periph drops what a step is not a whole number of
		within("pressure", vs[2].Value, int64(e.Pressure/physic.Pascal), 1)
	}
}

// Whatever a part says of itself and of the air, there are three values and no
// panic, and what is called good is where the part measures.
func FuzzBME280(f *testing.F) {
	a, b := bmeBlocks()
	f.Add(append(append(a[:], b[:]...), bmeData(519888, 30000, 415148)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		var all [41]byte
		copy(all[:], in)
		n := all[33:]
		u := func(i int) int64 { return int64(n[i])<<12 | int64(n[i+1])<<4 | int64(n[i+2])>>4 }
		vs := parseBMECalibration([26]byte(all[:26]), [7]byte(all[26:33])).values(u(3), int64(n[6])<<8|int64(n[7]), u(0))
		limits := [3][2]int64{{-40_000, 85_000}, {0, 100_000}, {30_000, 110_000}}
		for i, v := range vs {
			if v.Quality == reading.OK && (v.Value < limits[i][0] || v.Value > limits[i][1]) {
				t.Errorf("% x: %+v is called good", in, v)
			}
		}
	})
}
