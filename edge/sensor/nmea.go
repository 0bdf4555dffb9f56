package sensor

import (
	"math"

	"github.com/adrianmo/go-nmea"
)

// maxSentence is more than any receiver sends: the standard says 82 characters.
const maxSentence = 160

// sentences cuts a stream of bytes, which may hold anything, into candidate
// sentences: printable ASCII from a '$' to the end of the line. A '$' within a
// line starts anew, since a receiver that restarts breaks off in mid-sentence.
type sentences struct {
	buf    []byte
	inside bool
	noise  uint64 // bytes that belonged to no sentence
}

// feed takes bytes and calls each for the sentences they complete.
func (s *sentences) feed(b []byte, each func(sentence string)) {
	for _, c := range b {
		switch {
		case c == '$':
			s.noise += uint64(len(s.buf))
			s.buf, s.inside = append(s.buf[:0], c), true
		case c == '\r' || c == '\n':
			if s.inside {
				each(string(s.buf))
			}
			s.buf, s.inside = s.buf[:0], false
		case s.inside && c >= ' ' && c <= '~' && len(s.buf) < maxSentence:
			s.buf = append(s.buf, c)
		default:
			s.noise += uint64(len(s.buf)) + 1
			s.buf, s.inside = s.buf[:0], false
		}
	}
}

// track is what the sentences of one receiver say, each with the boottime at
// which it was heard, in ms; 0 is never.
type track struct {
	heard int64 // last sentence with a good checksum
	bad   int64 // last one with a bad one
	fixes map[string]fix

	precision   int64 // horizontal error, mm
	precisionAt int64
	satellites  int64
	satelliteAt int64

	counts NMEACounts
}

// NMEACounts counts what a receiver has sent since the driver was made.
type NMEACounts struct {
	Sentences   uint64 // with a good checksum, of a kind that is used
	Other       uint64 // with a good checksum, of another kind
	BadChecksum uint64
	Malformed   uint64 // good checksum, and fields that make no sense
	Noise       uint64 // bytes that belonged to no sentence
}

// fix is a position by one talker, or, without valid, the lack of one.
type fix struct {
	at       int64
	valid    bool
	lat, lon int64 // 1e-7 degrees
	speed    int64 // mm/s
	speedAt  int64
}

// maxTalkers bounds what a noisy line can make us remember.
const maxTalkers = 8

// clockTime is a UTC time and date as a receiver gives it, with a valid fix.
type clockTime struct {
	date nmea.Date
	time nmea.Time
}

// take takes a sentence heard at boottime at. ok tells of a time with a fix.
func (t *track) take(s string, at int64) (c clockTime, ok bool) {
	parsed, err := parseNMEA(s)
	if err != nil {
		switch err.(type) {
		case *nmea.NotSupportedError:
			t.heard = at
			t.counts.Other++
		case malformedError:
			t.heard = at
			t.counts.Malformed++
		default:
			t.bad = at
			t.counts.BadChecksum++
		}
		return c, false
	}
	t.heard = at
	switch m := parsed.(type) {
	case nmea.RMC:
		t.counts.Sentences++
		f := t.fixes[m.Talker]
		f.at = at
		f.valid = m.Validity == nmea.ValidRMC && satelliteMode(m.FFAMode) && f.place(m.Latitude, m.Longitude, m.Fields[2], m.Fields[4])
		if v := m.Speed * 1_852_000 / 3600; f.valid && m.Fields[6] != "" && v >= 0 && v < 1e9 {
			f.speed, f.speedAt = int64(math.Round(v)), at
		}
		t.keep(m.Talker, f)
		return clockTime{m.Date, m.Time}, f.valid && m.Date.Valid && m.Time.Valid
	case nmea.GGA:
		t.counts.Sentences++
		f := t.fixes[m.Talker]
		f.at = at
		// 6 is dead reckoning; the library refuses what is beyond.
		f.valid = m.FixQuality != "" && m.FixQuality != nmea.Invalid && m.FixQuality != nmea.EST && f.place(m.Latitude, m.Longitude, m.Fields[1], m.Fields[3])
		t.keep(m.Talker, f)
		if f.valid && m.HDOP > 0 && m.HDOP < 90 { // 99.9 means none
			t.precision, t.precisionAt = int64(math.Round(m.HDOP*5000)), at
		}
		if m.Fields[6] != "" && m.NumSatellites >= 0 && m.NumSatellites < 200 {
			t.satellites, t.satelliteAt = m.NumSatellites, at
		}
	}
	return c, false
}

// keep remembers what a talker said.
func (t *track) keep(talker string, f fix) {
	if t.fixes == nil {
		t.fixes = map[string]fix{}
	}
	if _, known := t.fixes[talker]; known || len(t.fixes) < maxTalkers {
		t.fixes[talker] = f
	}
}

// place sets the position, and says whether it is one: both fields given, in
// range, and not the origin of all coordinates, which receivers show when they
// know nothing.
func (f *fix) place(lat, lon float64, latField, lonField string) bool {
	in := lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 && (lat != 0 || lon != 0)
	if !in || latField == "" || lonField == "" {
		return false
	}
	f.lat, f.lon = int64(math.Round(lat*1e7)), int64(math.Round(lon*1e7))
	return true
}

// satelliteMode says whether a mode of NMEA 2.3 means a position from
// satellites: dead reckoning, typed in and simulated ones are none.
func satelliteMode(mode string) bool {
	switch mode {
	case nmea.FAAModeEstimated, nmea.FAAModeManualInput, nmea.FAAModeSimulated, nmea.FAAModeDataNotValid:
		return false
	}
	return true
}

// malformedError is a sentence whose checksum is right and whose fields are not.
type malformedError struct{ error }

// parseNMEA parses a sentence, of the kinds that are used: the library panics
// on some others that are cut short (ALC, in version 1.10.0). It reads a missing
// checksum, a wrong one and a wrong field all as errors of no type; the checksum
// is what tells a bad line from an odd receiver.
func parseNMEA(s string) (nmea.Sentence, error) {
	summed := false
	p := nmea.SentenceParser{
		CheckCRC: func(b nmea.BaseSentence, fields string) error {
			err := nmea.CheckCRC(b, fields)
			summed = err == nil
			return err
		},
		OnBaseSentence: func(b *nmea.BaseSentence) error {
			if b.Type != nmea.TypeRMC && b.Type != nmea.TypeGGA {
				return &nmea.NotSupportedError{Prefix: b.Prefix()}
			}
			return nil
		},
	}
	parsed, err := p.Parse(s)
	if err == nil {
		return parsed, nil
	}
	if _, other := err.(*nmea.NotSupportedError); summed && !other {
		return nil, malformedError{err}
	}
	return nil, err
}
