package device

import (
	"math"
	"time"

	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/noise"
)

// Position is where a receiver's antenna is and how it moves: degrees, metres
// a second, degrees clockwise from north.
type Position struct{ Lat, Lon, Speed, Course float64 }

// GNSS is a satellite receiver that sends a burst of NMEA 0183 sentences each
// whole second of UTC.
type GNSS struct {
	health
	position func(at time.Duration) Position
	sky      noise.Source
	stuck    Position
	fixes    time.Duration // a position is known from then on, after a start
}

// hotStart is how long a receiver that gets its power back looks for
// satellites.
const hotStart = 3 * time.Second

// NewGNSS makes a receiver with a fix.
func NewGNSS(seed uint64, name string, position func(at time.Duration) Position) *GNSS {
	return &GNSS{health: newHealth(seed, name), position: position, sky: noise.New(seed, name+"/sky")}
}

// True is the speed over ground, m/s, as of the last step of the world.
func (d *GNSS) True() float64 { return d.position(0).Speed }

// SetFault makes something go wrong, or right again. Stuck freezes the
// position while the time goes on, noisy takes its value in metres, crc hits
// each sentence by itself, and slow sends a second's burst late.
func (d *GNSS) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("gnss", f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.CRC, fault.Slow, fault.FixLoss); err != nil {
		return err
	}
	if f.Kind == fault.Stuck {
		d.stuck = d.position(now)
	}
	if d.fault.Kind == fault.Unplugged && f.Kind != fault.Unplugged {
		d.fixes = now + hotStart
	}
	d.fault = f
	return nil
}

// Delay is how late bursts go out.
func (d *GNSS) Delay() time.Duration {
	if d.fault.Kind == fault.Slow {
		return duration(d.fault.Value)
	}
	return 0
}

// Burst gives the sentences of the second utc, which is now since the board
// started; nil from a receiver whose cable is pulled.
func (d *GNSS) Burst(now time.Duration, utc time.Time) []byte {
	if d.fault.Kind == fault.Unplugged {
		return nil
	}
	burst := d.look(now, utc).sentences()
	if d.fault.Kind == fault.CRC {
		d.garble(burst)
	}
	return burst
}

// look works out what the receiver knows at a second.
func (d *GNSS) look(now time.Duration, utc time.Time) fix {
	second := utc.Unix()
	x := float64(second)
	if d.fault.Kind == fault.FixLoss || now < d.fixes {
		return fix{utc: utc, satellites: int(d.sky.Bits(second/5) % 4)}
	}
	at := d.position(now)
	if d.fault.Kind == fault.Stuck {
		at = d.stuck
		at.Speed = 0
	}
	f := fix{
		utc: utc, valid: true, at: at,
		satellites: 8 + int(d.sky.Bits(second/60)%5),
		hdop:       1.05 + 0.2*d.sky.Smooth(x/60),
		altitude:   22 + 3*d.sky.Smooth(x/45+0.5),
	}
	// The error of a good receiver wanders by some metres over minutes.
	east, north := 1.8*d.sky.Smooth(x/40+1e7), 1.8*d.sky.Smooth(x/40+2e7)
	if d.fault.Kind == fault.Noisy {
		east += d.fault.Value * d.sky.Normal(2*second)
		north += d.fault.Value * d.sky.Normal(2*second+1)
		f.hdop += d.fault.Value / 5
	}
	const perDegree = 111_195.0 // metres of a degree of latitude
	f.at.Lat += north / perDegree
	f.at.Lon += east / (perDegree * math.Cos(at.Lat*math.Pi/180))
	if at.Speed > 0 {
		f.at.Speed = math.Max(0, at.Speed+0.05*d.sky.Normal(-second))
	}
	return f
}

// garble flips a bit in some of the sentences, but not in line ends: those
// would join two sentences into one.
func (d *GNSS) garble(burst []byte) {
	start := 0
	for i, c := range burst {
		if c != '\r' {
			continue
		}
		d.flips.spoil(burst[start:i], d.fault.Value)
		start = i + 2
	}
}
