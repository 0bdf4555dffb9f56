// Package device simulates sensors at the level of their registers and
// commands, as their data sheets describe them: thermometers on 1-Wire, I²C and
// SPI, controllers on Modbus, contacts on GPIO lines, receivers. A driver written
// for the part works here unchanged, and meets what the part does when it is read too
// early, browns out, loses bits or is pulled from its socket.
//
// Times are since the board started. Nothing here locks: the board that owns
// the devices serialises calls.
package device

import (
	"fmt"
	"math"
	"time"

	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/noise"
)

// Signal is the analogue side of a device: what its element is exposed to,
// with noise and with faults that happen before digitisation.
type Signal struct {
	source func() float64
	noise  noise.Source
	sigma  float64
	faulty signalFault
}

// signalFault is what a fault does to a signal.
type signalFault struct {
	kind  fault.Kind
	value float64
	since time.Duration
}

// NewSignal reads source and adds noise of standard deviation sigma, in the
// unit of the source. The noise is a function of seed, name and time alone.
func NewSignal(source func() float64, seed uint64, name string, sigma float64) *Signal {
	return &Signal{source: source, noise: noise.New(seed, name), sigma: sigma}
}

// At gives the signal at time now.
func (s *Signal) At(now time.Duration) float64 { return s.coarse(now, 1) }

// coarse gives the signal at time now with its own noise multiplied.
func (s *Signal) coarse(now time.Duration, times float64) float64 {
	if s.faulty.kind == fault.Stuck {
		return s.faulty.value
	}
	v, sigma := s.source(), s.sigma*times
	switch s.faulty.kind {
	case fault.Noisy:
		sigma = s.faulty.value
	case fault.Drift:
		v += s.faulty.value * (now - s.faulty.since).Hours()
	}
	return v + sigma*s.noise.Normal(now.Milliseconds())
}

// setFault takes what concerns the signal from f; any other fault clears it.
func (s *Signal) setFault(f fault.Fault, now time.Duration) {
	held := f.Value
	if f.Kind == fault.Stuck && math.IsNaN(held) {
		held = s.At(now)
	}
	s.faulty = signalFault{kind: f.Kind, value: held, since: now}
}

// setOther takes what concerns the signal from a fault whose number is one of
// temperature, as a second element of a thermometer does: stuck means at what it
// is, and a drift passes it by.
func (s *Signal) setOther(f fault.Fault, now time.Duration) {
	switch f.Kind {
	case fault.Stuck:
		f.Value = math.NaN()
	case fault.Drift:
		f = fault.Clear
	}
	s.setFault(f, now)
}

// True is the undisturbed value behind the signal.
func (s *Signal) True() float64 { return s.source() }

// flips decides which frames lose a bit, and which bit.
type flips struct {
	noise  noise.Source
	frames int64
	hit    uint64
}

// spoil flips one bit of frame with the given probability.
func (f *flips) spoil(frame []byte, share float64) {
	f.frames++
	if f.noise.Uniform(2*f.frames) >= share {
		return
	}
	f.hit++
	bit := f.noise.Bits(2*f.frames+1) % uint64(8*len(frame))
	frame[bit/8] ^= 1 << (bit % 8)
}

// health is the fault a device has, shared by all kinds.
type health struct {
	name  string
	fault fault.Fault
	flips flips
}

func newHealth(seed uint64, name string) health {
	return health{name: name, fault: fault.Clear, flips: flips{noise: noise.New(seed, name+"/bits")}}
}

// Name is the device's name on its board.
func (h *health) Name() string { return h.name }

// Fault is what is wrong with the device now.
func (h *health) Fault() fault.Fault { return h.fault }

// FlippedFrames counts the frames that lost a bit.
func (h *health) FlippedFrames() uint64 { return h.flips.hit }

// accept refuses a fault the device cannot have.
func (h *health) accept(kind string, f fault.Fault, possible ...fault.Kind) error {
	for _, k := range possible {
		if f.Kind == k {
			return nil
		}
	}
	return fault.Unsupported(fmt.Sprintf("%s %q", kind, h.name), f, possible...)
}

// duration turns seconds into a duration.
func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
