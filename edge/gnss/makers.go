package gnss

// gbs: errors of a fix; its time helps to find the end of a second.
func (r *Receiver) gbs(s Sentence) mask {
	r.cycle.at(s.Field(1))
	h, m, sec, _, ok := clock(s.Field(1))
	if c := r.calendar; ok && h == c.hour && m == c.minute && sec == c.second {
		return hasOther
	}
	return 0
}

// bwc: bearing to a waypoint; only the time is of use.
func (r *Receiver) bwc(s Sentence) mask {
	if r.calendar.setClock(s.Field(1)) && r.calendar.year != 0 {
		return hasTime
	}
	return 0
}

// grs: residuals; only the time is of use, for sentences without a date.
func (r *Receiver) grs(s Sentence) mask {
	r.calendar.setClock(s.Field(1))
	return 0
}

// hdg: magnetic heading, deviation and variation.
func (r *Receiver) hdg(s Sentence) mask {
	h, dev := s.optional(1), s.optional(2)
	if !known(h) || h < 0 || h > 360 || dev < 0 || dev > 360 {
		return 0
	}
	r.next.MagTrack = h
	if s.Field(3) != "" {
		switch s.letter(4) {
		case 'E':
			r.next.MagVar = s.optional(3)
		case 'W':
			r.next.MagVar = -s.optional(3)
		}
	}
	return hasMagnetic
}

// heading: where the vehicle points to, or how it turns, is no part of a fix.
func (r *Receiver) heading(s Sentence) mask {
	h := s.optional(1)
	if s.Type == "HDT" && (h < 0 || h > 360) || s.Type == "ROT" && s.letter(2) != 'A' || s.Field(1) == "" {
		return 0
	}
	return hasAttitude
}

// pgrmf: Garmin's fix, with week and second of GPS, date and time of day.
func (r *Receiver) pgrmf(s Sentence) (m mask) {
	switch w, tow := s.Field(1), s.Field(2); {
	case w != "" && tow != "" && digits(w[:1]) && digits(tow[:1]):
		m |= hasTime // what other sentences have said goes on
	case r.calendar.setClock(s.Field(4)) && r.calendar.setDate(s.Field(3)):
		m |= hasTime
	}
	if s.letter(10) != 'A' {
		return m
	}
	if s.place(6, &r.next) {
		m |= hasPlace
	}
	if c := s.letter(11); c >= '0' && c <= '2' {
		r.next.Mode = NoFix + Mode(c-'0')
		m |= hasMode
	}
	r.next.Speed, r.next.Track = s.optional(12)/3.6, s.optional(13)
	return m | hasSpeed | hasTrack | hasOther
}

// pgrmv: Garmin's velocity, m/s east, north and up.
func (r *Receiver) pgrmv(s Sentence) mask {
	if s.Field(1) == "" || s.Field(2) == "" || s.Field(3) == "" {
		return 0
	}
	r.next.ned = [3]float64{s.optional(2), s.optional(1), -s.optional(3)}
	return hasNED
}

// foot in metres.
const foot = 0.3048

// pgrmz: Garmin's altitude in feet.
func (r *Receiver) pgrmz(s Sentence) mask {
	m := mask(0)
	if s.letter(2) == 'f' && s.Field(1) != "" {
		r.next.AltMSL = float64(integer(s.Field(1))) * foot
		m |= hasAltitude
	}
	if c := s.letter(3); c >= '1' && c <= '3' {
		r.next.Mode = Mode(c - '0')
		m |= hasMode
	}
	return m
}

// pmgnst: Magellan's status.
func (r *Receiver) pmgnst(s Sentence) mask {
	r.next.Mode = NoFix
	if n := integer(s.Field(3)); s.letter(4) == 'T' && (n == 2 || n == 3) {
		r.next.Mode = Mode(n)
	}
	return hasMode
}

// psrfepe: SiRF's errors; its time helps to find the end of a second.
func (r *Receiver) psrfepe(s Sentence) mask {
	m := r.clock(s, 1) | hasStatus
	if s.letter(2) == 'A' && s.Field(3) != "" {
		r.next.HDOP = s.optional(3)
		m |= hasOther
	}
	return m
}

// psti030: Skytraq's fix with velocity, m/s east, north and up.
func (r *Receiver) psti030(s Sentence) (m mask) {
	switch {
	case s.letter(3) == 'V' || s.letter(13) == 'N':
		r.next.Mode = NoFix
		return hasMode | hasStatus
	case s.letter(3) != 'A':
		return 0
	}
	if s.Field(2) != "" && s.Field(12) != "" && r.calendar.setClock(s.Field(2)) && r.calendar.setDate(s.Field(12)) {
		m |= hasTime
		r.cycle.at(s.Field(2))
	}
	if s.place(4, &r.next) {
		r.next.Mode = Fix2D
		m |= hasPlace | hasMode
		if s.Field(8) != "" {
			r.next.AltMSL, r.next.Mode = s.optional(8), Fix3D
			m |= hasAltitude
		}
	}
	r.next.ned = [3]float64{s.optional(10), s.optional(9), -s.optional(11)}
	r.next.Status = faa(s.letter(13))
	return m | hasNED | hasStatus
}

// psti: Skytraq's baselines and measurements; only the time is of use.
func (r *Receiver) psti(s Sentence) (m mask) {
	date := 3
	if s.Field(2) != "" && r.calendar.setClock(s.Field(2)) && r.calendar.setDate(s.Field(date)) {
		r.cycle.at(s.Field(2))
		m = hasTime
	}
	return m
}

// pstiHeading: Skytraq's headings.
func (r *Receiver) pstiHeading(s Sentence) mask { return r.psti(s) | hasAttitude }

// pashr: Ashtech's position.
func (r *Receiver) pashr(s Sentence) mask {
	if s.Field(1) != "POS" {
		return 0
	}
	m := hasMode | hasStatus | starts
	r.next.Mode = NoFix
	if s.Field(2) == "" {
		return m
	}
	r.next.Mode, r.next.Status = Fix3D, StatusGNSS
	if integer(s.Field(2)) >= 1 {
		r.next.Status = StatusDGNSS
	}
	if r.calendar.setClock(s.Field(4)) {
		r.cycle.at(s.Field(4))
		m |= hasTime
	}
	if s.place(5, &r.next) {
		m |= hasPlace
		if s.Field(9) != "" {
			r.next.AltHAE = s.optional(9)
			m |= hasAltitude
		}
	}
	r.next.Track, r.next.Speed, r.next.Climb = s.optional(11), s.optional(12)/3.6, s.optional(13)
	if d := s.optional(15); known(d) {
		r.next.HDOP = d
	}
	return m | hasSpeed | hasTrack | hasClimb | hasOther
}

// xdr: transducers; how the vehicle lies is no part of a fix.
func (r *Receiver) xdr(s Sentence) mask {
	for i := 1; i+3 < len(s.Fields) && i < 40; i += 4 {
		if s.Field(i+1) == "" {
			continue
		}
		switch name := s.Field(i + 3); {
		case s.letter(i) == 'A' && s.letter(i+2) == 'D' && (name == "PTCH" || name == "PITCH" || name == "ROLL"),
			s.letter(i) == 'G' && (name == "MAGX" || name == "MAGY" || name == "MAGZ"):
			return hasAttitude
		}
	}
	return 0
}
