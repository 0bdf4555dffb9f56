package gnss

import "strings"

// maxSatellites bounds what is counted.
const maxSatellites = 230

// sky is what is known of the satellites, as far as fixes depend on it.
type sky struct {
	using   map[int]bool // numbers of those used for the fix, made unique
	visible int          // in sight, as told by the present row of GSV
	turned  bool         // one of them has an azimuth other than zero
	lastGSA byte         // second letter of the talker of the GSA just before; 0 for none
	lastGSV byte
	endGSV  byte // of the last GSV of a row
	mixed   bool // there is more than one talker of GSA
	mixedSV bool // and of GSV

	told    int    // satellites used by the last GGA or GNS that said how many, and one
	gga     string // talker and type of the last GGA
	ggaTime string
	frozen  bool // its time stood still: what follows is not believed
}

func (k *sky) used() int { return len(k.using) }

// inUse is how many satellites the fix is made of: those listed, or as many as
// the receiver says; -1 where neither is known.
func (k *sky) inUse() int {
	if len(k.using) > 0 {
		return len(k.using)
	}
	return k.told - 1
}

// tell takes a number of satellites in use, in a field that may be empty.
func (k *sky) tell(field string) {
	if n := integer(field); field != "" && n >= 0 && n < maxSatellites {
		k.told = n + 1
	}
}

func (k *sky) zero() { k.visible, k.turned = 0, false }

// between ends rows of GSV and GSA at any other sentence.
func (k *sky) between(s Sentence) {
	name := s.Field(0)
	if len(name) < 2 || !strings.HasPrefix(name[2:], "GSV") {
		if k.lastGSV != 0 {
			k.endGSV = k.lastGSV
		}
		k.lastGSV = 0
	}
	if len(name) < 2 || !strings.HasPrefix(name[2:], "GSA") {
		k.lastGSA = 0
	}
}

// gsa: mode, satellites used, dilutions of precision.
func (r *Receiver) gsa(s Sentence) (m mask) {
	k := &r.sky
	talker, before := s.Talker[1], k.lastGSA
	if !k.frozen {
		if n := integer(s.Field(2)); n >= 1 && n <= 3 {
			r.next.Mode = Mode(n)
			m |= hasMode
		}
		system := 0
		if len(s.Fields) <= 19 {
			if d := s.optional(16); d >= 0.01 && d <= 89.99 {
				r.next.HDOP = d
			}
			if f := s.Field(18); len(s.Fields) == 19 && !strings.Contains(f, ".") {
				system = integer(f)
			}
		}
		if before == 0 || talker == before && talker != 'N' && talker != 'Q' {
			k.using = nil
		}
		k.lastGSA = talker
		k.use(s, systemOf(s.Talker, system))
		m |= hasOther
	}
	if talker != 'P' {
		k.mixed = true
	}
	switch {
	case k.mixed && talker == 'P':
		return 0 // others follow
	case before != 'N' && talker == 'N':
		return hasMode // more may follow
	}
	return m
}

// systemOf is the satellite system of a talker, as NMEA 4.10 numbers them.
func systemOf(talker string, told int) int {
	switch talker[1] {
	case 'P':
		return 1
	case 'L':
		return 2
	case 'A':
		return 3
	case 'B', 'D':
		return 4
	case 'Z':
		return 5
	case 'I':
		return 6
	case 'Q':
		if talker[0] != 'P' || told == 0 {
			return 5
		}
	}
	return told
}

// use counts the satellites of a GSA, each once.
func (k *sky) use(s Sentence, system int) {
	for i := 3; i < len(s.Fields)-3; i++ {
		f := s.Field(i)
		if strings.Contains(f, ".") {
			return
		}
		if n := unique(s.Talker, integer(f), system); n > 0 && len(k.using) < maxSatellites {
			if k.using == nil {
				k.using = map[int]bool{}
			}
			k.using[n] = true
		}
	}
}

// unique numbers a satellite over all systems, as the receivers that do so
// number them: GPS 1 to 32, SBAS 33 to 64, GLONASS 65 to 96, QZSS from 193,
// Galileo from 301, BeiDou from 401, NavIC from 501; 0 for one that cannot be.
func unique(talker string, n, system int) int {
	if n < 1 || n > 600 {
		return 0
	}
	base := func(at, own int) int { // some number from own on
		if n > own && n < own+100 && own > 0 {
			return at + n - own
		}
		return at + n%100
	}
	switch system {
	case 1:
		if n < 137 || n >= 152 && n < 158 || n >= 193 && n < 265 {
			return n
		}
		return 0
	case 2:
		if n >= 64 {
			n -= 64
		}
		return 64 + n
	case 3:
		return base(300, 100)
	case 4:
		return base(400, 200)
	case 5:
		if n >= 100 {
			n -= 192
		}
		return 192 + n
	case 6:
		return 500 + n
	case 0:
	default:
		return 0
	}
	switch {
	case n <= 32:
		switch talker {
		case "GA":
			return 300 + n
		case "GB", "BD", "PQ":
			return 400 + n
		case "GI":
			return 500 + n
		case "GL":
			return 64 + n
		case "GQ", "QZ":
			return 192 + n
		}
		return n
	case n <= 96, n >= 120 && n <= 158, n >= 173 && n <= 182, n >= 193 && n <= 197,
		n >= 301 && n <= 356, n >= 401 && n <= 437, n >= 500 && n <= 518:
		return n
	case n >= 201 && n <= 237:
		return n + 200
	}
	return 0
}

// gsv: satellites in sight, four to a sentence.
func (r *Receiver) gsv(s Sentence) mask {
	k := &r.sky
	of, part := integer(s.Field(1)), integer(s.Field(2))
	if of < 1 || of > 10 || part < 1 || part > of || len(s.Fields)%4 == 3 {
		k.zero()
		return 0
	}
	talker := s.Talker[1]
	if len(s.Fields)%4 == 2 { // a system more than the standard has
		if n := integer(s.Field(len(s.Fields) - 1)); n != 4 && n != 5 {
			return 0
		}
	}
	if part == 1 && k.lastGSV == 0 {
		k.zero()
	}
	k.lastGSV = talker
	if talker != 'P' {
		k.mixedSV = true
	}
	for i := 4; i+3 < len(s.Fields)/4*4; i += 4 {
		if integer(s.Field(i)) == 0 {
			continue
		}
		if k.visible >= maxSatellites {
			k.zero()
			break
		}
		k.visible++
		az := integer(s.Field(i + 2))
		k.turned = k.turned || s.Field(i+1) == "" || s.Field(i+2) == "" || az < 0 || az > 360 || az%360 != 0
	}
	if part < of {
		r.cycle.more = true
		return 0
	}
	if !k.turned { // SiRF without any satellite gives some, all due north
		k.zero()
		return 0
	}
	if k.mixedSV && talker == 'P' && k.endGSV != 'P' {
		return 0
	}
	return hasOther
}
