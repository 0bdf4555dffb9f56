// Package clock is a board's simulated time: real, at any speed, or driven
// from outside. Simulated time never goes back.
package clock

import "time"

// Clock tells simulated time since the board started. It is not safe for
// concurrent use.
type Clock struct {
	wall   func() time.Time
	driven bool
	speed  float64
	at     time.Duration // simulated time at since
	since  time.Time     // real time, in real mode
}

// New makes a clock at zero that runs at speed, reading real time from wall.
func New(wall func() time.Time, speed float64) *Clock {
	return &Clock{wall: wall, speed: speed, since: wall()}
}

// NewDriven makes a clock at zero that stands still until Skip.
func NewDriven(wall func() time.Time) *Clock {
	return &Clock{wall: wall, speed: 1, since: wall(), driven: true}
}

// Now gives the simulated time.
func (c *Clock) Now() time.Duration {
	if c.driven {
		return c.at
	}
	if d := c.wall().Sub(c.since); d > 0 {
		return c.at + time.Duration(float64(d)*c.speed)
	}
	return c.at
}

// Driven reports whether time stands still until Skip.
func (c *Clock) Driven() bool { return c.driven }

// Speed is how many simulated seconds pass in a real one.
func (c *Clock) Speed() float64 { return c.speed }

// Drive makes time stand still until Skip.
func (c *Clock) Drive() { c.at, c.driven = c.Now(), true }

// Run makes time go on by itself.
func (c *Clock) Run(speed float64) {
	c.at, c.since, c.driven, c.speed = c.Now(), c.wall(), false, speed
}

// Skip moves time on to t at once; a time that has passed does nothing.
func (c *Clock) Skip(t time.Duration) {
	if t > c.Now() {
		c.at, c.since = t, c.wall()
	}
}

// Until says how long in real time it takes until t; the longest duration
// where time stands still.
func (c *Clock) Until(t time.Duration) time.Duration {
	if c.driven {
		return 1<<63 - 1
	}
	return max(0, time.Duration(float64(t-c.Now())/c.speed))
}
