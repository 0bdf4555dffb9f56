package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"frostline/proto/calibration"
)

// Calibration is a thermometer's certificate. Its readings are corrected by it,
// and what was measured is kept beside them; past its validity they are corrected
// all the same, and shown as of an expired calibration.
type Calibration struct {
	// Certificate is its number. Required where there is a calibration.
	Certificate string `yaml:"certificate"`

	// Issuer is the laboratory. Required.
	Issuer string `yaml:"issuer"`

	// ValidFrom and ValidUntil are UTC, 2026-01-15 or 2026-01-15T12:00:00Z; at
	// ValidUntil it is valid no longer. Required.
	ValidFrom  Instant `yaml:"valid-from"`
	ValidUntil Instant `yaml:"valid-until"`

	// Offset is added to what is measured, °C, up to three decimals, -20 to 20.
	// It or Points is required.
	Offset Degrees `yaml:"offset"`

	// Points are two, by what was measured, at least 1 °C apart: a line through
	// them corrects.
	Points []Point `yaml:"points"`
}

// Point is what a sensor measured, and what it was, °C with up to three
// decimals.
type Point struct {
	Measured Degrees `yaml:"measured"`
	Actual   Degrees `yaml:"actual"`
}

// Degrees is a temperature that may not be given: 0 then, and else twice its
// thousandths of a degree Celsius and one, so that 0 °C is not taken for nothing.
type Degrees int64

// Given says that it was written.
func (d Degrees) Given() bool { return d != 0 }

// Milli gives thousandths of a degree.
func (d Degrees) Milli() int64 { return int64(d) >> 1 }

// String gives degrees with as many decimals as are needed.
func (d Degrees) String() string {
	sign, v := "", d.Milli()
	if v < 0 {
		sign, v = "-", -v
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%s%d.%03d", sign, v/1000, v%1000), "0"), ".")
}

// UnmarshalText reads degrees.
func (d *Degrees) UnmarshalText(b []byte) error {
	s := strings.TrimPrefix(string(b), "+")
	whole, decimals, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+(decimals + "000")[:max(3, len(decimals))], 10, 32)
	if err != nil || len(decimals) > 3 || strings.ContainsAny(decimals, "+-") || whole == "" || strings.ContainsAny(s, "_") {
		return fmt.Errorf("want degrees with at most three decimals, such as -0.125")
	}
	*d = Degrees(n<<1 | 1)
	return nil
}

// Instant is a moment, Unix ms; 0 where none was given.
type Instant int64

// String gives RFC 3339.
func (i Instant) String() string { return time.UnixMilli(int64(i)).UTC().Format(time.RFC3339) }

// UnmarshalText reads a day, of which it is the beginning in UTC, or RFC 3339.
func (i *Instant) UnmarshalText(b []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(b)); err == nil && t.Year() >= 1990 && t.Year() < 2200 {
			*i = Instant(t.UnixMilli())
			return nil
		}
	}
	return fmt.Errorf("want a day such as 2026-01-15, or a time such as 2026-01-15T12:00:00Z, of 1990 to 2199")
}

// given says whether there is a calibration.
func (c Calibration) given() bool {
	return c.Certificate != "" || c.Issuer != "" || c.ValidFrom != 0 || c.ValidUntil != 0 || c.Offset.Given() || len(c.Points) > 0
}

// Read gives the certificate; ok is false where there is none. It must be right,
// see Validate.
func (c Calibration) Read() (out calibration.Certificate, ok bool) {
	if !c.given() {
		return out, false
	}
	out = calibration.Certificate{ID: c.Certificate, Issuer: c.Issuer, ValidFrom: int64(c.ValidFrom), ValidUntil: int64(c.ValidUntil)}
	if c.Offset.Given() {
		out.Points = append(out.Points, calibration.Point{Measured: 0, Actual: c.Offset.Milli()})
	}
	for _, p := range c.Points {
		out.Points = append(out.Points, calibration.Point{Measured: p.Measured.Milli(), Actual: p.Actual.Milli()})
	}
	return out, true
}

// calibration checks that of a sensor.
func (v *validator) calibration(at string, s Sensor) {
	c, ok := s.Calibration.Read()
	if !ok {
		return
	}
	at += "calibration"
	switch {
	case !s.Spec().Thermometer():
		v.add(at, s.ID, "a "+s.Driver+" measures no temperature: leave it out")
		return
	case s.Calibration.ValidFrom == 0:
		v.add(at+".valid-from", "", "it is missing: want a day such as 2026-01-15")
		return
	case s.Calibration.ValidUntil == 0:
		v.add(at+".valid-until", "", "it is missing: want a day such as 2027-01-15")
		return
	case s.Calibration.Offset.Given() == (len(s.Calibration.Points) > 0), !s.Calibration.Offset.Given() && len(s.Calibration.Points) != 2:
		v.add(at, s.Calibration.Certificate, "want either offset or two points")
		return
	}
	for i, p := range s.Calibration.Points {
		if !p.Measured.Given() || !p.Actual.Given() {
			v.add(fmt.Sprintf("%s.points[%d]", at, i), "", "want both measured and actual")
			return
		}
	}
	if err := c.Validate(); err != nil {
		v.add(at, s.Calibration.Certificate, err.Error())
	}
}
