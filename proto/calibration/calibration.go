// Package calibration puts a thermometer's readings right by a certificate: by an
// offset, or by the straight line through two points. Gateway, hub and verifier
// reckon with the same integers.
//
// Temperatures are thousandths of a degree Celsius. With one point, measured m
// and actual a, a reading r becomes r + (a-m). With two, it becomes
//
//	a1 + (r-m1)·(a2-a1)/(m2-m1)
//
// where the quotient is rounded to the nearest integer and halves up, which is
// floor((2n+d)/(2d)) of n/d for d > 0. Beyond the two points the line goes on:
// a certificate that was measured at 0 and 50 °C is used at -20 °C all the same,
// and says so by its points.
package calibration

import (
	"fmt"
	"strings"
	"time"

	"frostline/proto/pb"
)

// Point is what a sensor measured and what it was.
type Point struct {
	Measured int64 // thousandths of a degree
	Actual   int64
}

// Certificate is what a laboratory found out of a sensor.
type Certificate struct {
	ID         string
	Issuer     string
	ValidFrom  int64   // UTC, Unix ms
	ValidUntil int64   // UTC, Unix ms, the first instant at which it is not valid
	Points     []Point // one is an offset, two a line, by Measured ascending
}

// Bounds of a certificate. Beyond them something is wrong with it, or with the
// sensor: such a one is to be replaced, not corrected.
const (
	MaxText       = 100       // bytes of id and issuer
	MaxCorrection = 20_000    // thousandths of a degree at a point
	MinDistance   = 1_000     // between two measured points
	MaxTemp       = 1_000_000 // of a point, either way
)

// Validate tells the first thing that is wrong.
func (c *Certificate) Validate() error {
	if err := text("certificate", c.ID); err != nil {
		return err
	}
	if err := text("issuer", c.Issuer); err != nil {
		return err
	}
	if c.ValidFrom <= 0 || c.ValidUntil <= c.ValidFrom {
		return fmt.Errorf("validity from %s until %s: want the end after the beginning", day(c.ValidFrom), day(c.ValidUntil))
	}
	if n := len(c.Points); n != 1 && n != 2 {
		return fmt.Errorf("%d points: want one, an offset, or two", n)
	}
	for _, p := range c.Points {
		if p.Measured < -MaxTemp || p.Measured > MaxTemp {
			return fmt.Errorf("point measured at %s °C: want -1000 to 1000", degrees(p.Measured))
		}
		if d := p.Actual - p.Measured; d < -MaxCorrection || d > MaxCorrection {
			return fmt.Errorf("point measured %s °C, actual %s °C: they are more than %s °C apart: replace the sensor", degrees(p.Measured), degrees(p.Actual), degrees(MaxCorrection))
		}
	}
	if len(c.Points) == 2 && c.Points[1].Measured-c.Points[0].Measured < MinDistance {
		return fmt.Errorf("points measured %s and %s °C: want them ascending, and at least %s °C apart", degrees(c.Points[0].Measured), degrees(c.Points[1].Measured), degrees(MinDistance))
	}
	if len(c.Points) == 2 && c.Points[1].Actual <= c.Points[0].Actual {
		return fmt.Errorf("points actual %s and %s °C: want them ascending as those measured are", degrees(c.Points[0].Actual), degrees(c.Points[1].Actual))
	}
	return nil
}

func text(what, s string) error {
	if s == "" || len(s) > MaxText || strings.ToValidUTF8(s, "") != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%s %.40q: want 1 to %d bytes of text without control characters", what, s, MaxText)
	}
	return nil
}

// Correct puts a reading right. The certificate must be valid, and raw within
// ±1000 °C.
func (c *Certificate) Correct(raw int64) int64 {
	a := c.Points[0]
	if len(c.Points) == 1 {
		return raw + a.Actual - a.Measured
	}
	b := c.Points[1]
	n, d := (raw-a.Measured)*(b.Actual-a.Actual), b.Measured-a.Measured
	q, r := (2*n+d)/(2*d), (2*n+d)%(2*d)
	if r < 0 {
		q--
	}
	return a.Actual + q
}

// State is how a certificate stands at an instant.
type State string

// States of a certificate. None is that of a sensor without one.
const (
	None    State = ""
	Valid   State = "valid"
	Expired State = "expired"
	Early   State = "not yet valid"
)

// At gives the state at an instant, UTC in Unix ms.
func (c *Certificate) At(utc int64) State {
	switch {
	case utc >= c.ValidUntil:
		return Expired
	case utc < c.ValidFrom:
		return Early
	}
	return Valid
}

// Kinds of correction on the wire.
const (
	kindOffset    = 1
	kindTwoPoints = 2
)

// Message is the event of a sensor, one of whose series is corrected by the
// certificate from another.
func (c *Certificate) Message(sensor string, series, raw uint32) *pb.Calibration {
	m := &pb.Calibration{Sensor: sensor, Series: series, Raw: raw, Certificate: c.ID, Issuer: c.Issuer, ValidFromMs: c.ValidFrom, ValidUntilMs: c.ValidUntil, Kind: kindOffset}
	if len(c.Points) == 2 {
		m.Kind = kindTwoPoints
	}
	for _, p := range c.Points {
		m.Point = append(m.Point, &pb.CalibrationPoint{Measured: p.Measured, Actual: p.Actual})
	}
	return m
}

// Parse reads an event. It gives nil where the event says that the series is
// corrected no longer.
func Parse(m *pb.Calibration) (*Certificate, error) {
	if m.GetCertificate() == "" {
		return nil, nil
	}
	c := &Certificate{ID: m.Certificate, Issuer: m.Issuer, ValidFrom: m.ValidFromMs, ValidUntil: m.ValidUntilMs}
	for _, p := range m.Point {
		c.Points = append(c.Points, Point{p.GetMeasured(), p.GetActual()})
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("calibration of series %d: %w", m.Series, err)
	}
	if want := uint32(len(c.Points)); m.Kind != want { // kindOffset has one point, kindTwoPoints two
		return nil, fmt.Errorf("calibration of series %d: kind %d with %d points: want kind %d", m.Series, m.Kind, len(c.Points), want)
	}
	return c, nil
}

func degrees(milli int64) string {
	sign := ""
	if milli < 0 {
		sign, milli = "-", -milli
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%s%d.%03d", sign, milli/1000, milli%1000), "0"), ".")
}

func day(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02") }
