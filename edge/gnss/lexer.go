package gnss

import "bytes"

// Limits of what is kept of the stream while a packet is incomplete.
const (
	maxLine   = 1024 // of text; receivers send at most 130 characters
	maxBinary = 4096 // of a binary packet
)

// kind says what a packet is.
type kind int

const (
	noise     kind = iota // bytes of nothing we know
	sentence              // NMEA 0183, "$…*hh", with a right checksum and without the end of the line
	damaged               // a line like one, with a wrong checksum or none
	comment               // a line "# …", which recordings begin with
	sirf                  // payload of a SiRF binary packet with a right checksum
	foreign               // a whole packet of a protocol that is not read
	wanted                // more bytes are needed to say
	truncated             // text that another sentence has broken into
)

// lexer cuts a stream into packets. Text in which another sentence begins is
// kept until that one has ended: some receivers send one from within another.
type lexer struct {
	buf   []byte // what is not cut yet
	stash []byte // the first part of a sentence that another has broken into
}

// feed takes bytes and calls each for the packets they complete, with bytes
// that are valid during the call alone.
func (l *lexer) feed(b []byte, each func(k kind, data []byte)) {
	l.buf = append(l.buf, b...)
	l.cut(each, false)
}

// flush cuts what is left when no more will come.
func (l *lexer) flush(each func(k kind, data []byte)) { l.cut(each, true) }

func (l *lexer) cut(each func(k kind, data []byte), last bool) {
	rest := l.buf
	for len(rest) > 0 {
		k, n, data := next(rest)
		switch k {
		case wanted:
			if !last {
				l.buf = append(l.buf[:0], rest...)
				return
			}
			k, n, data = noise, 1, rest[:1]
		case truncated:
			l.stash = append(l.stash[:0], rest[:n]...)
			rest = rest[n:]
			continue
		}
		each(k, data)
		rest = rest[n:]
		if len(l.stash) > 0 {
			if k == sentence && len(l.stash)+len(rest) <= 4*maxBinary {
				rest = append(bytes.Clone(l.stash), rest...)
			} else {
				each(noise, l.stash)
			}
			l.stash = l.stash[:0]
		}
	}
	l.buf = l.buf[:0]
	if cap(l.buf) > 4*maxBinary {
		l.buf = nil
	}
}

// next looks at the packet at the start of b, which is not empty. n is its
// length; data is what each is to be given.
func next(b []byte) (k kind, n int, data []byte) {
	switch b[0] {
	case '$', '!':
		return nextSentence(b)
	case '#':
		return nextComment(b)
	case 0xA0:
		return nextSiRF(b)
	case 0xB5:
		return nextUBX(b)
	case 0xD3:
		return nextRTCM3(b)
	}
	return noise, 1, b[:1]
}

// talkers are the first letters after '$' that gpsd knows; 'P' is for makers'
// own sentences, and "Ac" for an acknowledgement of SiRF receivers.
var talkers = []string{
	"GA", "GB", "GL", "GN", "GP", "GY", "BD", "QZ", "EC", "HC", "HE", "II", "IN",
	"SD", "SN", "ST", "TI", "WI", "YX", "AP", "AI", "Ac", "AB", "AD", "AN", "AR", "AS", "AT", "AX", "BS", "SA",
}

func knownTalker(a, b byte) bool {
	if a == 'P' {
		return b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
	}
	for _, t := range talkers {
		if t[0] == a && t[1] == b {
			return true
		}
	}
	return false
}

// nextSentence cuts text to the end of its line. An ashtech's PASHR may carry
// binary data, and is passed over like any other noise then.
func nextSentence(b []byte) (kind, int, []byte) {
	if len(b) >= 3 && !knownTalker(b[1], b[2]) {
		return noise, 1, b[:1]
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n':
			line := bytes.TrimRight(b[:i], "\r")
			if !rightSum(line) {
				return damaged, i + 1, line
			}
			if b[0] != '$' {
				return foreign, i + 1, line
			}
			return sentence, i + 1, line
		case b[i-1] == '\r' && c != '\r':
			return noise, 1, b[:1]
		case c == '$' && i >= 3:
			return truncated, i, nil
		case c != '\r' && (c < ' ' || c > '~'), i >= maxLine:
			return noise, 1, b[:1]
		}
	}
	return wanted, 0, nil
}

// rightSum says whether line ends in '*' and the exclusive or of what is
// between '$' and it. Some receivers put something after it.
func rightSum(line []byte) bool {
	star := bytes.LastIndexByte(line, '*')
	if star < 1 || star+2 >= len(line) {
		return false
	}
	hi, ok1 := hex(line[star+1])
	lo, ok2 := hex(line[star+2])
	var sum byte
	for _, c := range line[1:star] {
		sum ^= c
	}
	return ok1 && ok2 && sum == hi<<4|lo
}

func hex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

func nextComment(b []byte) (kind, int, []byte) {
	for i, c := range b {
		switch {
		case c == '\n':
			return comment, i + 1, bytes.TrimRight(b[:i], "\r")
		case c != '\r' && c != '\t' && (c < ' ' || c > '~'), i >= maxLine:
			return noise, 1, b[:1]
		}
	}
	return wanted, 0, nil
}

// nextSiRF cuts A0 A2, length, payload, checksum, B0 B3; all big endian.
func nextSiRF(b []byte) (kind, int, []byte) {
	if len(b) < 4 {
		if len(b) >= 2 && b[1] != 0xA2 {
			return noise, 1, b[:1]
		}
		return wanted, 0, nil
	}
	size := int(b[2])<<8 | int(b[3])
	if b[1] != 0xA2 || size == 0 || size > maxBinary {
		return noise, 1, b[:1]
	}
	if len(b) < size+8 {
		return wanted, 0, nil
	}
	payload, tail := b[4:4+size], b[4+size:]
	sum := 0
	for _, c := range payload {
		sum += int(c)
	}
	if sum&0x7FFF != int(tail[0])<<8|int(tail[1]) || tail[2] != 0xB0 || tail[3] != 0xB3 {
		return noise, 1, b[:1]
	}
	return sirf, size + 8, payload
}

// nextUBX passes over a packet of u-blox: B5 62, class, id, length in little
// endian, payload, Fletcher's checksum.
func nextUBX(b []byte) (kind, int, []byte) {
	if len(b) < 6 {
		if len(b) >= 2 && b[1] != 0x62 {
			return noise, 1, b[:1]
		}
		return wanted, 0, nil
	}
	size := int(b[4]) | int(b[5])<<8
	if b[1] != 0x62 || size > maxBinary {
		return noise, 1, b[:1]
	}
	if len(b) < size+8 {
		return wanted, 0, nil
	}
	var x, y byte
	for _, c := range b[2 : size+6] {
		x += c
		y += x
	}
	if b[size+6] != x || b[size+7] != y {
		return noise, 1, b[:1]
	}
	return foreign, size + 8, b[:size+8]
}

// nextRTCM3 passes over a packet of corrections: D3, ten bits of length,
// payload, CRC-24Q.
func nextRTCM3(b []byte) (kind, int, []byte) {
	if len(b) < 3 {
		if len(b) == 2 && b[1] > 3 {
			return noise, 1, b[:1]
		}
		return wanted, 0, nil
	}
	size := int(b[1])<<8 | int(b[2])
	if b[1] > 3 {
		return noise, 1, b[:1]
	}
	if len(b) < size+6 {
		return wanted, 0, nil
	}
	crc := uint32(0)
	for _, c := range b[:size+6] {
		crc ^= uint32(c) << 16
		for range 8 {
			if crc <<= 1; crc&0x1000000 != 0 {
				crc ^= 0x1864CFB
			}
		}
	}
	if crc&0xFFFFFF != 0 {
		return noise, 1, b[:1]
	}
	return foreign, size + 6, b[:size+6]
}
