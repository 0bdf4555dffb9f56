package gnss

import (
	"encoding/binary"
	"math"
	"time"
)

// sirf takes the payload of a SiRF packet in, as nmea does a sentence. A
// solution (2, 98) is a second by itself.
func (r *Receiver) sirf(b []byte) mask {
	switch b[0] {
	case 2:
		if r.ublox {
			return 0
		}
		return r.sirfSolution(b) | starts | reports
	case 4:
		if len(b) == 188 {
			r.calendar.gps(int(binary.BigEndian.Uint16(b[1:])), 0) // minds the week's beginning anew
			return hasOther
		}
	case 6:
		r.sirfVersion(b)
		return hasOther
	case 41:
		return r.sirfGeodetic(b)
	case 52:
		return r.sirfSecond(b)
	case 98:
		return r.sirfUblox(b) | starts | reports
	}
	return 0
}

func s32(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) }
func s16(b []byte) float64 { return float64(int16(binary.BigEndian.Uint16(b))) }
func u16(b []byte) int     { return int(binary.BigEndian.Uint16(b)) }

// sirfType reads how a fix was made.
func (r *Receiver) sirfType(t int) {
	switch {
	case t&7 == 0:
		r.next.Status = StatusUnknown
	case t&7 == 7:
		r.next.Status = StatusDead
	case t&0x80 != 0:
		r.next.Status = StatusDGNSS
	default:
		r.next.Status = StatusGNSS
	}
	switch {
	case t&7 == 4 || t&7 == 6:
		r.next.Mode = Fix3D
	case r.next.Status != StatusUnknown:
		r.next.Mode = Fix2D
	default:
		r.next.Mode = NoFix
	}
}

// sirfSolution reads MID 2, measured navigation data: place and velocity from
// the earth's centre.
func (r *Receiver) sirfSolution(b []byte) mask {
	if len(b) < 41 {
		return 0
	}
	r.next.ecef = [3]float64{s32(b[1:]), s32(b[5:]), s32(b[9:])}
	r.next.velocity = [3]float64{s16(b[13:]) / 8, s16(b[15:]) / 8, s16(b[17:]) / 8}
	r.sirfType(int(b[19]))
	if r.next.Mode == Fix2D {
		r.next.HDOP = float64(b[20]) / 5
	}
	tow := time.Duration(binary.BigEndian.Uint32(b[24:])) * 10 * time.Millisecond
	r.next.Time = r.calendar.gps(u16(b[22:]), tow)
	return hasECEF | hasVelocity | hasTime | hasStatus | hasMode
}

// sirfVersion reads MID 6, the firmware's version.
func (r *Receiver) sirfVersion(b []byte) {
	if len(b) > 3 && len(b) == int(b[1])+int(b[2])+3 {
		r.modern = true
		return
	}
	text := string(b[1:])
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			r.modern = r.modern || decimal(text[i:]) >= 232
			return
		}
		if text[i] == 0 {
			return
		}
	}
}

// sirfGeodetic reads MID 41, geodetic navigation data, of which old firmware
// fills in little.
func (r *Receiver) sirfGeodetic(b []byte) mask {
	if len(b) != 91 {
		return 0
	}
	r.sirfType(u16(b[3:]))
	tow := time.Duration(binary.BigEndian.Uint32(b[7:])) * time.Millisecond
	r.next.Time = r.calendar.gps(u16(b[5:]), tow)
	m := hasStatus | hasMode | hasTime
	if r.next.Mode == NoFix {
		return m
	}
	r.next.Lat, r.next.Lon = s32(b[23:])*1e-7, s32(b[27:])*1e-7
	if r.next.Lat != 0 && r.next.Lon != 0 {
		m |= hasPlace
	}
	if b[89] != 0 {
		r.next.HDOP = float64(b[89]) * 0.2
	}
	if !r.modern {
		return m
	}
	r.next.AltHAE, r.next.AltMSL = s32(b[31:])*1e-2, s32(b[35:])*1e-2
	r.next.Speed, r.next.Track = float64(u16(b[40:]))*1e-2, float64(u16(b[42:]))*1e-2
	r.next.Climb = s16(b[46:]) * 1e-2
	m |= hasSpeed | hasTrack
	if r.next.Mode == Fix3D {
		m |= hasAltitude | hasClimb
	}
	return m
}

// sirfSecond reads MID 52, the time of the pulse a second.
func (r *Receiver) sirfSecond(b []byte) mask {
	if len(b) < 19 || b[14]&7 != 7 {
		return 0
	}
	c := calendar{year: u16(b[6:]), month: int(b[5]), day: int(b[4]), hour: int(b[1]), minute: int(b[2]), second: int(b[3]), recorded: true}
	r.next.Time = c.time()
	return hasTime
}

// sirfUblox reads MID 98 of u-blox, extended measured navigation data.
func (r *Receiver) sirfUblox(b []byte) mask {
	if len(b) != 39 {
		return 0
	}
	const rad = 180 / math.Pi * 1e-8
	r.next.Lat, r.next.Lon, r.next.AltHAE = s32(b[1:])*rad, s32(b[5:])*rad, s32(b[9:])*1e-3
	r.next.Speed, r.next.Climb, r.next.Track = s32(b[13:])*1e-3, s32(b[17:])*1e-3, s32(b[21:])*rad
	r.sirfType(int(b[25]))
	r.next.HDOP = float64(b[36]) / 5
	r.ublox = true
	m := hasPlace | hasAltitude | hasSpeed | hasTrack | hasClimb | hasStatus | hasMode
	if b[25]&0x40 != 0 {
		ms := u16(b[32:])
		c := calendar{year: u16(b[26:]), month: int(b[28]), day: int(b[29]), hour: int(b[30]), minute: int(b[31]),
			second: ms / 1000, nanos: ms % 1000 * 1e6, recorded: true}
		r.next.Time = c.time()
		m |= hasTime
	}
	return m
}
