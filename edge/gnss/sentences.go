package gnss

import "math"

// maxSentence is more than any receiver sends, and less than two sentences that
// have run into one another with a checksum that happens to be right.
const maxSentence = 128

// known sentences, by type: how many fields they have at least, whether they
// belong to a second though they come late, and what reads them.
type reader struct {
	fields  int
	extends bool
	read    func(*Receiver, Sentence) mask
}

var readers = map[string]reader{
	"GGA": {13, false, (*Receiver).gga}, "GLL": {7, true, (*Receiver).gll}, "GNS": {13, false, (*Receiver).gns},
	"RMC": {8, false, (*Receiver).rmc}, "VTG": {5, false, (*Receiver).vtg}, "ZDA": {4, false, (*Receiver).zda},
	"GSA": {18, false, (*Receiver).gsa}, "GSV": {4, false, (*Receiver).gsv},
	"GST": {8, false, other(9)}, "GBS": {7, false, (*Receiver).gbs}, "BWC": {12, false, (*Receiver).bwc},
	"GRS": {4, false, (*Receiver).grs},
	"HDG": {0, false, (*Receiver).hdg}, "HDT": {1, false, (*Receiver).heading}, "HDM": {3, false, (*Receiver).heading},
	"ROT": {3, false, (*Receiver).heading}, "DBT": {7, false, other(0)}, "DPT": {4, false, other(0)},
	"ACCURACY": {1, true, nothing}, "DTM": {2, false, nothing}, "TXT": {5, false, nothing},
	"PGRME": {7, false, other(0)}, "PGRMF": {15, false, (*Receiver).pgrmf}, "PGRMV": {4, false, (*Receiver).pgrmv},
	"PGRMZ": {4, false, (*Receiver).pgrmz}, "PMGNST": {8, false, (*Receiver).pmgnst},
	"PGRMM": {2, false, nothing}, "PGRMT": {10, false, nothing}, "PSRFEPE": {7, false, (*Receiver).psrfepe},
	"MTW": {3, false, nothing}, "MWD": {0, false, other(0)}, "MWV": {0, false, other(0)}, "THS": {0, false, nothing},
	"PSTMCPU": {4, false, nothing}, "PSTMVER": {1, false, nothing}, "PSTMANTENNASTATUS": {4, false, nothing},
	"PMTK001": {3, false, nothing}, "PMTK424": {3, false, nothing}, "PMTK705": {4, false, nothing},
	"PSTI,030": {16, false, (*Receiver).psti030}, "PSTI,032": {16, false, (*Receiver).psti},
	"PSTI,033": {27, false, (*Receiver).psti}, "PSTI,035": {8, false, (*Receiver).pstiHeading}, "PSTI,036": {2, false, (*Receiver).pstiHeading},
	"XDR": {5, false, (*Receiver).xdr}, "PASHR": {3, false, (*Receiver).pashr},
}

// nothing reads a sentence that says nothing of a fix and yet counts.
func nothing(*Receiver, Sentence) mask { return 0 }

// other reads a sentence with news of something else than the fix, given in at
// least so many fields.
func other(fields int) func(*Receiver, Sentence) mask {
	return func(_ *Receiver, s Sentence) mask {
		if len(s.Fields) < fields {
			return 0
		}
		return hasOther
	}
}

// nmea takes a sentence in, and says what of r.next it has set and whether a
// second begins or ends with it.
func (r *Receiver) nmea(s Sentence) mask {
	r.cycle.timed, r.cycle.more = false, false
	m, tag := mask(0), ""
	name := s.Type
	if name == "PSTI" {
		name += "," + s.Field(1)
	}
	if k, ok := readers[name]; ok && len(s.Fields) >= k.fields && (s.Talker != "" || name[0] == 'P') {
		r.counts.Sentences++
		m, tag = k.read(r, s), name
		r.cycle.extends = k.extends
	} else {
		r.counts.Other++
	}
	r.sky.between(s)
	if m&hasTime != 0 {
		r.next.Time = r.calendar.time()
	}
	m = r.cycle.judge(tag, m)
	// RMC does not tell two dimensions from three.
	if m&hasMode != 0 && r.fix.Mode == Fix3D && r.next.Mode != NoFix &&
		(known(r.last.AltHAE) || known(r.old.AltHAE) || known(r.last.AltMSL) || known(r.old.AltMSL)) {
		r.next.Mode = r.fix.Mode
	}
	return m
}

// clock takes the time of day in a field; the fix has a time when a date is
// known too.
func (r *Receiver) clock(s Sentence, i int) mask {
	if !r.calendar.setClock(s.Field(i)) {
		return 0
	}
	r.cycle.at(s.Field(i))
	if r.calendar.year == 0 {
		return 0
	}
	return hasTime
}

// faa reads the mode indicator of NMEA 2.3 and later.
func faa(mode byte) Status {
	switch mode {
	case 0, 'O', 'V', 'N':
		return StatusUnknown
	case 'D', 'P':
		return StatusDGNSS
	case 'E':
		return StatusDead
	case 'F':
		return StatusRTKFloat
	case 'M':
		return StatusSurveyed
	case 'R':
		return StatusRTKFixed
	case 'S':
		return StatusSimulated
	}
	return StatusGNSS
}

// qualities are those of GGA's sixth field.
var qualities = []Status{StatusUnknown, StatusGNSS, StatusDGNSS, StatusPPS, StatusRTKFixed, StatusRTKFloat, StatusDead, StatusSurveyed, StatusSimulated}

// gga: time, place, quality, satellites, HDOP, altitude, geoid.
func (r *Receiver) gga(s Sentence) (m mask) {
	before := r.sky.gga
	r.sky.gga = s.Field(0)
	quality := -1
	if s.Field(6) != "" {
		quality = integer(s.Field(6))
	}
	if quality >= 0 && quality < len(qualities) {
		r.next.Status = qualities[quality]
		m |= hasStatus
	}
	if quality == 0 && s.Field(1) == "" { // the end of a second cannot be told
		r.calendar.forget()
		r.cycle.reliable = false
	}
	// A receiver that has lost sight may go on with the same time and the
	// mode it had.
	r.sky.frozen = (before == "" || before == s.Field(0)) && s.Field(1) == r.sky.ggaTime
	if !r.sky.frozen {
		r.sky.ggaTime = s.Field(1)
	}
	satellites := integer(s.Field(7))
	r.sky.tell(s.Field(7))
	m |= r.clock(s, 1) | hasMode
	r.next.Mode = NoFix
	if s.place(2, &r.next) {
		m |= hasPlace
		r.next.Mode = Fix2D
		r.next.GeoidSep = s.optional(11)
		if s.Field(9) != "" {
			r.next.AltMSL = s.optional(9)
			m |= hasAltitude
			if satellites >= 4 {
				r.next.Mode = Fix3D
			}
		}
		if satellites < 3 && (s.Talker == "GP" || s.Talker == "GN") {
			r.next.Mode = NoFix
		}
	}
	if d := s.optional(8); d >= 0.01 && d <= 89.99 { // 99.99 and 0.00 mean none
		r.next.HDOP = d
		m |= hasOther
	}
	return m
}

// gll: place, time, validity.
func (r *Receiver) gll(s Sentence) mask {
	m := r.clock(s, 5) | hasStatus | hasMode
	r.next.Mode = NoFix
	modern := len(s.Fields) >= 8
	if s.letter(6) != 'A' || modern && s.letter(7) == 'N' || !s.place(1, &r.next) {
		return m
	}
	r.next.Status = StatusGNSS
	if modern {
		r.next.Status = faa(s.letter(7))
	}
	switch {
	case known(r.fix.AltHAE) || known(r.fix.AltMSL) || r.sky.used() > 3:
		r.next.Mode = Fix3D
	case r.fix.Mode < Fix2D || !known(r.old.AltHAE) && !known(r.old.AltMSL):
		r.next.Mode = Fix2D
	default:
		r.next.Mode = Unseen
	}
	return m | hasPlace
}

// gns: as gga, with a mode for each constellation.
func (r *Receiver) gns(s Sentence) mask {
	m := r.clock(s, 1)
	if c := s.letter(6); c == 0 || c == 'N' {
		r.next.Mode = NoFix
		return m | hasMode
	}
	if c := s.letter(13); c == 'U' || c == 'V' { // unsafe, not valid
		return m
	}
	r.sky.tell(s.Field(7))
	r.next.Mode = NoFix
	if s.place(2, &r.next) {
		m |= hasPlace
		r.next.Mode = Fix2D
		if v := s.optional(9); known(v) {
			r.next.AltMSL = v
			m |= hasAltitude
			if integer(s.Field(7)) > 3 {
				r.next.Mode = Fix3D
			}
		}
		if s.Field(9) != "" {
			r.next.GeoidSep = s.optional(10)
		}
	}
	if s.Field(8) != "" {
		r.next.HDOP = s.optional(8)
	}
	r.next.Status = faa(s.letter(6))
	return m | hasMode | hasStatus | hasOther
}

// knot in metres a second.
const knot = 1852.0 / 3600

// rmc: time, validity, place, speed, track, date, magnetic variation, mode.
func (r *Receiver) rmc(s Sentence) (m mask) {
	m = hasStatus | hasMode
	if s.letter(2) != 'A' {
		r.next.Mode = NoFix
		if s.Field(1) == "" || s.Field(9) == "" { // the end of a second cannot be told
			r.calendar.forget()
			r.cycle.reliable = false
			m |= reports | hasTime
		}
		return m
	}
	if s.Field(1) != "" && len(s.Fields) > 9 && s.Field(9) != "" &&
		r.calendar.setClock(s.Field(1)) && r.calendar.setDate(s.Field(9)) {
		m |= hasTime
		r.cycle.at(s.Field(1))
	}
	r.next.Mode = NoFix
	if s.place(3, &r.next) {
		r.next.Status, r.next.Mode = StatusGNSS, max(Fix2D, r.last.Mode)
		m |= hasPlace
	}
	if s.Field(7) != "" {
		r.next.Speed = s.optional(7) * knot
		m |= hasSpeed
	}
	if s.Field(8) != "" {
		r.next.Track = s.optional(8)
		m |= hasTrack
	}
	if s.Field(10) != "" && s.Field(11) != "" {
		v := s.optional(10)
		switch s.letter(11) {
		case 'E':
		case 'W':
			v = -v
		default:
			v = nan
		}
		if math.Abs(v) > 0.09 { // zero means none
			r.next.MagVar = v
			m |= hasMagnetic
		}
	}
	if len(s.Fields) > 12 && s.Field(12) != "" {
		r.next.Status = faa(s.letter(12))
	}
	if r.sky.used() > 3 || known(r.fix.AltHAE) || known(r.fix.AltMSL) {
		r.next.Mode = Fix3D
	}
	return m
}

// vtg: track and speed.
func (r *Receiver) vtg(s Sentence) mask {
	if s.Field(1) == "" || s.Field(5) == "" {
		return 0
	}
	if c := s.letter(9); len(s.Fields) > 9 && (c == 'E' || c == 'N') {
		return 0
	}
	m := hasTrack | hasSpeed
	r.next.Track, r.next.Speed = s.optional(1), s.optional(5)*knot
	if s.Field(3) != "" {
		r.next.MagTrack = s.optional(3)
		m |= hasMagnetic
	}
	return m
}

// zda: time and date with four digits of the year.
func (r *Receiver) zda(s Sentence) mask {
	for i := 1; i <= 4; i++ {
		if s.Field(i) == "" {
			return 0
		}
	}
	if !r.calendar.setClock(s.Field(1)) {
		return 0
	}
	d, mo, y := integer(s.Field(2)), integer(s.Field(3)), integer(s.Field(4))
	if y < 1900 || y > 2200 || mo < 1 || mo > 12 || d < 1 || d > 31 {
		return 0
	}
	r.calendar.year, r.calendar.month, r.calendar.day = y, mo, d
	r.cycle.at(s.Field(1))
	return hasTime
}
