package sensor

import "frostline/proto/reading"

// bmeCalibration is what Bosch has measured of each BME280 (data sheet, "Trimming
// parameter readout").
type bmeCalibration struct {
	t1                             uint16
	t2, t3                         int16
	p1                             uint16
	p2, p3, p4, p5, p6, p7, p8, p9 int16
	h1, h3                         uint8
	h2, h4, h5                     int16
	h6                             int8
}

// parseBMECalibration reads the two blocks, from 0x88 and from 0xE1. periph's
// takes the two numbers of 12 bits for positive; they have a sign.
func parseBMECalibration(a [26]byte, b [7]byte) bmeCalibration {
	u := func(i int) uint16 { return uint16(a[i]) | uint16(a[i+1])<<8 }
	s := func(i int) int16 { return int16(u(i)) }
	return bmeCalibration{
		t1: u(0), t2: s(2), t3: s(4),
		p1: u(6), p2: s(8), p3: s(10), p4: s(12), p5: s(14), p6: s(16), p7: s(18), p8: s(20), p9: s(22),
		h1: a[25], h2: int16(uint16(b[0]) | uint16(b[1])<<8), h3: b[2],
		h4: int16(int8(b[3]))<<4 | int16(b[4]&0x0F),
		h5: int16(int8(b[5]))<<4 | int16(b[4]>>4),
		h6: int8(b[6]),
	}
}

// plausible says that these are neither zeros nor ones.
func (c bmeCalibration) plausible() bool {
	return c.t1 != 0 && c.t1 != 0xFFFF && c.p1 != 0 && c.p1 != 0xFFFF && c.t2 != 0 && c.t2 != -1 && c.h2 != 0 && c.h2 != -1
}

// values turns what was digitised into what was measured, by the integer
// formulas of the data sheet, "Compensation formulas", in 64 bits throughout, so
// that nothing overflows whatever the part says.
func (c bmeCalibration) values(rawT, rawH, rawP int64) []Value {
	centi, fine := c.temperature(rawT)
	t := thermal(centi*10, -40_000, 85_000)
	h := Value{Quantity: reading.Humidity, Value: c.humidity(rawH, fine)}
	if rawH == 0 || rawH == 0xFFFF {
		h.Quality = reading.OutOfRange
	}
	p := Value{Quantity: reading.Pressure, Value: c.pressure(rawP, fine)}
	if p.Value < 30_000 || p.Value > 110_000 {
		p.Quality = reading.OutOfRange
	}
	if t.Quality != reading.OK { // the others are made with it
		h.Quality, p.Quality = reading.OutOfRange, reading.OutOfRange
	}
	return []Value{t, h, p}
}

// temperature in 0.01 °C, and the finer number that the others need.
func (c bmeCalibration) temperature(raw int64) (centi, fine int64) {
	x := ((raw>>3 - int64(c.t1)<<1) * int64(c.t2)) >> 11
	y := raw>>4 - int64(c.t1)
	fine = x + (((y*y)>>12)*int64(c.t3))>>14
	return (fine*5 + 128) >> 8, fine
}

// pressure in Pa.
func (c bmeCalibration) pressure(raw, fine int64) int64 {
	x := fine - 128_000
	y := x*x*int64(c.p6) + (x*int64(c.p5))<<17 + int64(c.p4)<<35
	x = (x*x*int64(c.p3))>>8 + (x*int64(c.p2))<<12
	x = ((1<<47 + x) * int64(c.p1)) >> 33
	if x == 0 {
		return 0
	}
	p := ((1_048_576-raw)<<31 - y) * 3125 / x
	x = (int64(c.p9) * (p >> 13) * (p >> 13)) >> 25
	y = (int64(c.p8) * p) >> 19
	q24 := (p+x+y)>>8 + int64(c.p7)<<4
	return (q24 + 128) >> 8
}

// humidity in milli-percent.
func (c bmeCalibration) humidity(raw, fine int64) int64 {
	x := fine - 76_800
	a := (raw<<14 - int64(c.h4)<<20 - int64(c.h5)*x + 16_384) >> 15
	b := ((x*int64(c.h6))>>10*((x*int64(c.h3))>>11+32_768))>>10 + 2_097_152
	x = a * ((b*int64(c.h2) + 8192) >> 14)
	x -= (((x >> 15) * (x >> 15)) >> 7 * int64(c.h1)) >> 4
	x = min(max(x, 0), 419_430_400)
	return (x>>12*1000 + 512) >> 10
}
