package gnss

import (
	"math"
	"time"
)

// Mode says what a fix is made of.
type Mode int

// Modes of a fix, as gpsd numbers them.
const (
	Unseen Mode = iota // nothing has been said of it yet
	NoFix
	Fix2D // latitude and longitude
	Fix3D // and altitude
)

// Status says how a fix was made.
type Status int

// Statuses of a fix, as gpsd numbers them.
const (
	StatusUnknown   Status = iota
	StatusGNSS             // satellites alone
	StatusDGNSS            // with differential corrections
	StatusRTKFixed         // with carrier phase, ambiguities resolved
	StatusRTKFloat         // with carrier phase
	StatusDead             // dead reckoning, without satellites
	StatusGNSSDead         // satellites and dead reckoning
	StatusSurveyed         // typed in
	StatusSimulated        // made up by a simulator
	StatusPPS              // precise, military signal
)

// Satellite says whether satellites have measured a fix of that status: dead
// reckoning, typed in and simulated ones are none, and where the receiver does
// not say it is taken for one.
func (s Status) Satellite() bool {
	return s != StatusDead && s != StatusSurveyed && s != StatusSimulated
}

// Fix is what a receiver says of one instant. A number that is not known is
// NaN, a time that is not known the zero Time.
type Fix struct {
	Mode   Mode
	Status Status
	Time   time.Time // UTC, with the date the receiver gives

	Lat, Lon       float64 // degrees, WGS 84
	AltHAE, AltMSL float64 // metres above the ellipsoid and above the geoid
	GeoidSep       float64 // metres of the geoid above the ellipsoid, as the receiver says
	Track          float64 // degrees clockwise from true north, 0 to 360
	MagTrack       float64 // degrees clockwise from magnetic north
	MagVar         float64 // degrees of magnetic north east of true north, as the receiver says
	Speed          float64 // metres a second over ground
	Climb          float64 // metres a second upwards
	HDOP           float64 // horizontal dilution of precision
	Satellites     int     // used for the fix; below zero where it is not known

	ecef, velocity [3]float64 // metres and metres a second from the earth's centre
	ned            [3]float64 // metres a second north, east and down
}

var nan = math.NaN()

func known(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// blank is a fix of which nothing is known.
func blank() Fix {
	none := [3]float64{nan, nan, nan}
	return Fix{Satellites: -1, Lat: nan, Lon: nan, AltHAE: nan, AltMSL: nan, GeoidSep: nan, Track: nan, MagTrack: nan,
		MagVar: nan, Speed: nan, Climb: nan, HDOP: nan, ecef: none, velocity: none, ned: none}
}

// mask says which parts of a fix a sentence has said something of.
type mask uint32

const (
	hasTime mask = 1 << iota
	hasPlace
	hasMode
	hasStatus
	hasAltitude
	hasTrack
	hasMagnetic
	hasSpeed
	hasClimb
	hasECEF
	hasVelocity
	hasNED
	hasAttitude // of the vehicle: heading, roll; no part of a fix, and gpsd reports at it
	hasOther    // anything else that is new: satellites, errors
	starts      // the first of a second: all before is of the last one
	reports     // the last of a second
)

// merge takes over from from what m says it has.
func (f *Fix) merge(m mask, from *Fix) {
	take := func(bit mask, to *float64, v float64, keep bool) {
		if m&bit != 0 && (!keep || known(v)) {
			*to = v
		}
	}
	if m&hasTime != 0 {
		f.Time = from.Time
	}
	if m&hasMode != 0 {
		f.Mode = from.Mode
	}
	if m&hasStatus != 0 {
		f.Status = max(f.Status, from.Status)
	}
	take(hasPlace, &f.Lat, from.Lat, false)
	take(hasPlace, &f.Lon, from.Lon, false)
	take(hasAltitude, &f.AltHAE, from.AltHAE, true)
	take(hasAltitude, &f.AltMSL, from.AltMSL, true)
	take(hasTrack, &f.Track, from.Track, false)
	take(hasMagnetic, &f.MagTrack, from.MagTrack, true)
	take(hasMagnetic, &f.MagVar, from.MagVar, true)
	take(hasSpeed, &f.Speed, from.Speed, false)
	take(hasClimb, &f.Climb, from.Climb, false)
	take(^mask(0), &f.GeoidSep, from.GeoidSep, true)
	if m&hasECEF != 0 {
		f.ecef = from.ecef
	}
	if m&hasVelocity != 0 {
		f.velocity = from.velocity
	}
	if m&hasNED != 0 {
		f.ned = from.ned
	}
}

// fastest is beyond anything a receiver on earth can move at, m/s; what claims
// more is garbage.
const fastest = 9999.9

func sane(v *float64) {
	if math.Abs(*v) > fastest {
		*v = nan
	}
}

// derive works out what follows from the rest. old is the fix of an earlier
// second, seconds ago; seconds is not above zero where there is none.
func (f *Fix) derive(old *Fix, seconds float64) {
	if !known(f.Lat, f.Lon) || math.Abs(f.Lat) > 90 || math.Abs(f.Lon) > 180 {
		f.Lat, f.Lon = nan, nan
	}
	if !known(f.ecef[:]...) || math.Abs(f.ecef[0])+math.Abs(f.ecef[1])+math.Abs(f.ecef[2]) <= 10 {
		f.ecef = [3]float64{nan, nan, nan}
	}
	if !known(f.Lat, f.Lon) && known(f.ecef[:]...) {
		f.fromECEF()
	}
	sane(&f.Speed)
	for i := range f.ned {
		sane(&f.ned[i])
	}
	sane(&f.Climb)
	if known(f.ned[2]) && !known(f.Climb) {
		f.Climb = -f.ned[2]
	}
	if known(f.ned[0], f.ned[1]) {
		if !known(f.Speed) {
			f.Speed = math.Hypot(f.ned[0], f.ned[1])
		}
		if !known(f.Track) {
			f.Track = math.Atan2(f.ned[1], f.ned[0]) * 180 / math.Pi
		}
	}
	if known(f.MagVar) {
		switch {
		case !known(f.MagTrack) && known(f.Track):
			f.MagTrack = f.Track + f.MagVar
		case known(f.MagTrack) && !known(f.Track):
			f.Track = f.MagTrack - f.MagVar
		}
	}
	f.Track, f.MagTrack = circle(f.Track), circle(f.MagTrack)
	if known(f.GeoidSep) {
		switch {
		case known(f.AltHAE) && !known(f.AltMSL):
			f.AltMSL = f.AltHAE - f.GeoidSep
		case !known(f.AltHAE) && known(f.AltMSL):
			f.AltHAE = f.AltMSL + f.GeoidSep
		}
	}
	if seconds <= 0 || f.Mode < Fix2D || old.Mode < Fix2D {
		return
	}
	if !known(f.Speed) {
		f.Speed = distance(f.Lat, f.Lon, old.Lat, old.Lon) / seconds
		sane(&f.Speed)
	}
	if f.Mode >= Fix3D && old.Mode >= Fix3D && !known(f.Climb) {
		f.Climb = (f.AltHAE - old.AltHAE) / seconds
		sane(&f.Climb)
	}
}

// circle brings an angle into 0 to 360 degrees.
func circle(v float64) float64 {
	if !known(v) || math.Abs(v) > 1e6 {
		return nan
	}
	for v < 0 {
		v += 360
	}
	for v >= 360 {
		v -= 360
	}
	return v
}

// Unknown is a fix of which nothing is known.
func Unknown() Fix { return blank() }
