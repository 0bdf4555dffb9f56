package bus

import (
	"time"

	"frostline/proto/simbus"
)

// Line is a GPIO line: an input with whatever drives it, or an output with
// whatever hangs on it.
type Line struct {
	level  func(now time.Duration) bool
	drive  func(high bool) bool
	counts Counts
}

// NewLine makes a line whose level, true for high, is asked for at each read.
func NewLine(level func(now time.Duration) bool) *Line { return &Line{level: level} }

// NewOutput makes a line that clients drive. drive reports whether that worked;
// what it was set to is what a read gives.
func NewOutput(level func(now time.Duration) bool, drive func(high bool) bool) *Line {
	return &Line{level: level, drive: drive}
}

// Attach gives a client its access. A line keeps no state of its clients.
func (l *Line) Attach() Master { return l }

// Counts says what has happened on the line so far.
func (l *Line) Counts() Counts { return l.counts }

// Do executes one request.
func (l *Line) Do(now time.Duration, request []byte) ([]byte, time.Duration) {
	l.counts.Requests++
	switch {
	case len(request) == 1 && simbus.Op(request[0]) == simbus.OpGPIO:
		if l.level(now) {
			return ok(1), 0
		}
		return ok(0), 0
	case len(request) == 2 && simbus.Op(request[0]) == simbus.OpDrive && request[1] <= 1:
		if l.drive == nil {
			return l.counts.refuse("this GPIO line is an input: something else drives it"), 0
		}
		if !l.drive(request[1] == 1) {
			return l.counts.refuse("this GPIO line cannot be driven"), 0
		}
		return ok(), 0
	}
	return l.counts.refuse("a GPIO line takes operation %d alone, or %d and a level of 0 or 1", simbus.OpGPIO, simbus.OpDrive), 0
}
