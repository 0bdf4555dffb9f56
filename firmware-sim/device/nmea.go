package device

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// fix is what a receiver knows in one second.
type fix struct {
	utc        time.Time
	valid      bool // a position is known
	at         Position
	altitude   float64 // m above mean sea level
	satellites int
	hdop       float64
}

// geoid is the height of mean sea level above the ellipsoid at Seattle, m.
const geoid = -18.4

// knot is one knot in m/s.
const knot = 1852.0 / 3600

// sentences gives a second's burst in NMEA 0183 version 4.10, in the order in
// which u-blox receivers send it: RMC, VTG, GGA, GSA, GSV. Without a fix the time
// goes on and the position fields are empty.
func (f fix) sentences() []byte {
	var out bytes.Buffer
	clock, date := f.utc.Format("150405.00"), f.utc.Format("020106")
	if !f.valid {
		sentence(&out, "GNRMC,%s,V,,,,,,,%s,,,N,V", clock, date)
		sentence(&out, "GNVTG,,,,,,,,,N")
		sentence(&out, "GNGGA,%s,,,,,0,%02d,99.99,,,,,,", clock, f.satellites)
		sentence(&out, "GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99,1")
		f.view(&out)
		return out.Bytes()
	}
	position := degrees(f.at.Lat, 2, "N", "S") + "," + degrees(f.at.Lon, 3, "E", "W")
	course := ""
	if f.at.Speed > 0.5 { // standing, a receiver cannot know it
		course = fmt.Sprintf("%.2f", f.at.Course)
	}
	sentence(&out, "GNRMC,%s,A,%s,%.3f,%s,%s,,,A,V", clock, position, f.at.Speed/knot, course, date)
	sentence(&out, "GNVTG,%s,T,,M,%.3f,N,%.3f,K,A", course, f.at.Speed/knot, f.at.Speed*3.6)
	sentence(&out, "GNGGA,%s,%s,1,%02d,%.2f,%.1f,M,%.1f,M,,", clock, position, f.satellites, f.hdop, f.altitude, geoid)
	sentence(&out, "GNGSA,A,3,%s,%.2f,%.2f,%.2f,1", f.prns(), 1.7*f.hdop, f.hdop, 1.37*f.hdop)
	f.view(&out)
	return out.Bytes()
}

// prn is the number of the nth satellite in sight, 1 to 32.
func prn(n int) int { return 2 + n*5%31 }

// view adds GSV sentences, four satellites in each: number, elevation, azimuth,
// signal to noise.
func (f fix) view(out *bytes.Buffer) {
	n := min(f.satellites, 12)
	for part := range (n + 3) / 4 {
		var b bytes.Buffer
		for i := 4 * part; i < min(n, 4*part+4); i++ {
			fmt.Fprintf(&b, ",%02d,%02d,%03d,%02d", prn(i), 10+i*13%75, (20+i*67)%360, 25+i*7%20)
		}
		sentence(out, "GPGSV,%d,%d,%02d%s,1", (n+3)/4, part+1, n, b.String())
	}
}

// prns lists the satellites used, in the twelve fields of GSA.
func (f fix) prns() string {
	var b bytes.Buffer
	for i := range 12 {
		if i > 0 {
			b.WriteByte(',')
		}
		if i < f.satellites {
			fmt.Fprintf(&b, "%02d", prn(i))
		}
	}
	return b.String()
}

// sentence adds a sentence with its checksum.
func sentence(out *bytes.Buffer, format string, args ...any) {
	body := fmt.Sprintf(format, args...)
	sum := byte(0)
	for i := range len(body) {
		sum ^= body[i]
	}
	fmt.Fprintf(out, "$%s*%02X\r\n", body, sum)
}

// degrees writes an angle as degrees and minutes with five decimals, 2 cm.
func degrees(v float64, digits int, positive, negative string) string {
	letter := positive
	if v < 0 {
		letter = negative
	}
	// Round first, so that 59.999999 minutes become a degree.
	units := int64(math.Round(math.Abs(v) * 60 * 1e5))
	d, m := units/(60*1e5), units%(60*1e5)
	return fmt.Sprintf("%0*d%02d.%05d,%s", digits, d, m/1e5, m%1e5, letter)
}
