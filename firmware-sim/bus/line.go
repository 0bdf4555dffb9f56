package bus

import (
	"time"

	"frostline/proto/simbus"
)

// Line is a GPIO input line with whatever drives it.
type Line struct {
	level  func(now time.Duration) bool
	counts Counts
}

// NewLine makes a line whose level, true for high, is asked for at each read.
func NewLine(level func(now time.Duration) bool) *Line { return &Line{level: level} }

// Attach gives a client its access. Reading a line keeps no state.
func (l *Line) Attach() Master { return l }

// Counts says what has happened on the line so far.
func (l *Line) Counts() Counts { return l.counts }

// Do executes one request.
func (l *Line) Do(now time.Duration, request []byte) ([]byte, time.Duration) {
	l.counts.Requests++
	if len(request) != 1 || simbus.Op(request[0]) != simbus.OpGPIO {
		return l.counts.refuse("a GPIO line takes operation %d alone, without arguments", simbus.OpGPIO), 0
	}
	if l.level(now) {
		return ok(1), 0
	}
	return ok(0), 0
}
