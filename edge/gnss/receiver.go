package gnss

import (
	"strconv"
	"strings"
	"time"
)

// Counts tells what a receiver has sent.
type Counts struct {
	Sentences   uint64 // NMEA, with a right checksum, of a kind that is used
	Other       uint64 // NMEA of other kinds, and packets of other protocols
	SiRF        uint64 // SiRF packets with a right checksum
	BadChecksum uint64 // lines like a sentence with a wrong checksum or none
	Noise       uint64 // bytes that belonged to nothing
}

// Receiver puts fixes together of what one receiver sends. It is not safe for
// concurrent use. What it keeps is bounded, whatever it is fed.
type Receiver struct {
	report func(Fix)
	line   func(Sentence)
	lexer  lexer
	counts Counts

	fix  Fix // of the present second, as far as it is known
	last Fix // as of the sentence before, with a time
	old  Fix // of the second before
	next Fix // what the present sentence says
	hdop float64

	calendar calendar
	cycle    cycle
	sky      sky
	ublox    bool // a SiRF packet of u-blox has come: others are worse
	modern   bool // SiRF firmware of 2.3.2 or later
}

// NewReceiver makes a receiver that has heard nothing. report is given each
// fix, within Write and Flush. line, which may be nil, is given each sentence
// with a right checksum before that.
func NewReceiver(report func(Fix), line func(Sentence)) *Receiver {
	if line == nil {
		line = func(Sentence) {}
	}
	return &Receiver{report: report, line: line, fix: blank(), last: blank(), old: blank(), hdop: nan,
		calendar: calendar{rollovers: rolloversSince2019}}
}

// Counts tells what has come so far.
func (r *Receiver) Counts() Counts { return r.counts }

// Write takes bytes of the receiver, in pieces of any size. It never fails.
func (r *Receiver) Write(b []byte) (int, error) {
	r.lexer.feed(b, r.packet)
	return len(b), nil
}

// Flush says that no more bytes will come: what is left is looked at as it is.
func (r *Receiver) Flush() { r.lexer.flush(r.packet) }

func (r *Receiver) packet(k kind, data []byte) {
	r.next = blank()
	var m mask
	switch k {
	case noise:
		r.counts.Noise += uint64(len(data))
		return
	case damaged:
		r.counts.BadChecksum++
		return
	case foreign:
		r.counts.Other++
		return
	case comment:
		r.calendar.dated(string(data))
		return
	case sirf:
		r.counts.SiRF++
		m = r.sirf(data)
		r.cycle.reliable = true
	case sentence:
		if len(data) > maxSentence {
			r.counts.Other++ // two that have run into one another
			return
		}
		s := ParseSentence(string(data))
		r.line(s)
		m = r.nmea(s)
	}
	if m&starts != 0 {
		r.fix, r.hdop = blank(), nan
	}
	if known(r.next.HDOP) {
		r.hdop = r.next.HDOP
	}
	r.fix.merge(m, &r.next)
	r.age()
	if m&reports != 0 || !r.cycle.reliable && m&(hasAttitude|hasPlace|hasMode) != 0 {
		f := r.fix
		f.HDOP, f.Satellites = r.hdop, r.sky.inUse()
		if f.Mode < Fix2D {
			f = f.withoutPlace()
		}
		r.report(f)
	}
}

// withoutPlace is a fix that says nothing of where.
func (f Fix) withoutPlace() Fix {
	b := blank()
	b.Mode, b.Status, b.Time, b.Satellites = f.Mode, f.Status, f.Time, f.Satellites
	return b
}

// age keeps the fix of the second before, and derives what follows from both.
func (r *Receiver) age() {
	seconds := -1.0
	if !r.fix.Time.IsZero() {
		seconds = since(r.fix.Time, r.last.Time)
		if seconds > 0.0099 || seconds < -0.0099 {
			r.old = r.last
		} else {
			seconds = since(r.fix.Time, r.old.Time)
		}
	}
	r.fix.derive(&r.old, seconds)
	if !r.fix.Time.IsZero() {
		r.last = r.fix
	}
}

// since is the time from one instant to another, where none means 1970.
func since(to, from time.Time) float64 {
	if from.IsZero() {
		from = time.Unix(0, 0)
	}
	return to.Sub(from).Seconds()
}

// Sentence is an NMEA sentence with a right checksum.
type Sentence struct {
	Talker string   // two letters; empty for a maker's own sentence
	Type   string   // three letters, such as RMC; of a maker's own, all of its name
	Fields []string // from the name on, without the checksum
}

// maxFields of a sentence are looked at.
const maxFields = 100

// ParseSentence takes a line from '$' on apart. Of a line that is none it gives
// what looks like its parts.
func ParseSentence(line string) Sentence {
	body, _, _ := strings.Cut(strings.TrimPrefix(line, "$"), "*")
	s := Sentence{Fields: strings.SplitN(body, ",", maxFields+1)}
	s.Fields = s.Fields[:min(len(s.Fields), maxFields)]
	s.Type = s.Fields[0]
	if len(s.Type) > 2 && s.Type[0] != 'P' {
		s.Talker, s.Type = s.Type[:2], s.Type[2:]
	} else if len(s.Type) == 5 && s.Type[:2] == "PQ" { // quectel's BeiDou and QZSS
		s.Talker, s.Type = s.Type[:2], s.Type[2:]
	}
	return s
}

// Field gives a field, 0 being the name; empty where there is none.
func (s Sentence) Field(i int) string {
	if i < 0 || i >= len(s.Fields) {
		return ""
	}
	return s.Fields[i]
}

// letter is the first letter of a field, or 0.
func (s Sentence) letter(i int) byte {
	if f := s.Field(i); f != "" {
		return f[0]
	}
	return 0
}

// integer is the number a text begins with, as atoi has it: 0 for none.
func integer(text string) int {
	text = strings.TrimLeft(text, " ")
	n := 0
	for n < len(text) && n < 10 && (text[n] >= '0' && text[n] <= '9' || n == 0 && (text[n] == '-' || text[n] == '+')) {
		n++
	}
	v, err := strconv.Atoi(text[:n])
	if err != nil {
		return 0
	}
	return v
}

// decimal is the number a text begins with; NaN for none.
func decimal(text string) float64 {
	text = strings.TrimLeft(text, " ")
	n, point := 0, false
	for n < len(text) && n < 40 {
		c := text[n]
		if c == '.' && !point {
			point = true
		} else if (c < '0' || c > '9') && (n != 0 || c != '-' && c != '+') {
			break
		}
		n++
	}
	v, err := strconv.ParseFloat(text[:n], 64)
	if err != nil {
		return nan
	}
	return v
}

// optional is decimal of a field, or NaN where it is empty.
func (s Sentence) optional(i int) float64 { return decimal(s.Field(i)) }

// place reads latitude and longitude from four fields, 4404.1237,N,12118.8472,W.
func (s Sentence) place(i int, f *Fix) bool {
	for n := range 4 {
		if s.Field(i+n) == "" {
			return false
		}
	}
	lat, lon := angle(s.Field(i)), angle(s.Field(i+2))
	if s.letter(i+1) == 'S' {
		lat = -lat
	}
	if s.letter(i+3) == 'W' {
		lon = -lon
	}
	if !known(lat, lon) {
		return false
	}
	f.Lat, f.Lon = lat, lon
	return true
}

// angle reads degrees and minutes, DDDMM.mmmm, as degrees.
func angle(text string) float64 {
	whole, _, ok := strings.Cut(text, ".")
	if !ok {
		return nan
	}
	n, err := strconv.Atoi(strings.TrimLeft(whole, " "))
	if whole == "" {
		n, err = 0, nil
	}
	if err != nil || n < -1_000_000 || n > 1_000_000 {
		return nan
	}
	degrees := n / 100
	minutes := float64(n - degrees*(100-60))
	fraction := decimal(text[len(whole):])
	return (minutes + fraction) * (1.0 / 60.0)
}
