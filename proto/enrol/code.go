package enrol

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Code is a one-time code: a secret that the hub knows again, and which
// certificate authority the hub has, so that a gateway that is given the code
// knows the hub too. Both are 128 bits, beyond guessing and beyond finding
// another authority that fits.
//
// Written, it is 55 characters of Crockford's base 32 in eleven groups:
//
//	FL-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX
//
// which hold 4 bits of version, the secret, the fingerprint and a checksum of
// 15 bits that finds every mistyped character and every swapped pair.
type Code struct {
	Secret      [16]byte
	Fingerprint [16]byte // of the authority: first half of the SHA-256 of its certificate
}

const (
	alphabet    = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	prefix      = "FL"
	codeVersion = 1
	dataBits    = 4 + 128 + 128
	checkBits   = 15
	length      = (dataBits + checkBits) / 5
	group       = 5
)

// NewCode makes a code with a fresh secret for a hub with this authority.
func NewCode(authority *x509.Certificate) Code {
	c := Code{Fingerprint: Fingerprint(authority)}
	rand.Read(c.Secret[:]) // never fails
	return c
}

// Fingerprint is how codes name a certificate authority.
func Fingerprint(authority *x509.Certificate) (f [16]byte) {
	sum := sha256.Sum256(authority.Raw)
	copy(f[:], sum[:])
	return f
}

// Names reports whether the code is of a hub with this authority.
func (c Code) Names(authority *x509.Certificate) bool {
	f := Fingerprint(authority)
	return subtle.ConstantTimeCompare(f[:], c.Fingerprint[:]) == 1
}

// Digest is how the hub remembers a code it gave out: the SHA-256 of its
// secret, in hex.
func (c Code) Digest() string {
	sum := sha256.Sum256(c.Secret[:])
	return hex.EncodeToString(sum[:])
}

// LogValue keeps the secret out of logs.
func (c Code) LogValue() slog.Value { return slog.StringValue("FL-…") }

// String writes the code in full, secret included.
func (c Code) String() string {
	var v bits
	v.put(codeVersion, 4)
	for _, b := range c.Secret {
		v.put(uint(b), 8)
	}
	for _, b := range c.Fingerprint {
		v.put(uint(b), 8)
	}
	v.put(v.crc(dataBits), checkBits)
	var s strings.Builder
	s.WriteString(prefix)
	for i := range length {
		if i%group == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(alphabet[v.get(i*5, 5)])
	}
	return s.String()
}

// ErrCode is wrapped by every error of ParseCode.
var ErrCode = errors.New("enrolment code")

// ParseCode reads a code as people write it: in any case, with or without
// dashes and spaces, O for 0, and I or L for 1. Errors do not repeat the code.
func ParseCode(s string) (Code, error) {
	var c Code
	if len(s) > 256 {
		return c, fmt.Errorf("%w: %d bytes long, a code has %d characters", ErrCode, len(s), length+len(prefix))
	}
	var digits []byte
	rest, ok := cutPrefixFold(strings.TrimSpace(s), prefix)
	if !ok {
		return c, fmt.Errorf("%w: does not begin with %s-", ErrCode, prefix)
	}
	for _, r := range rest {
		switch r {
		case '-', ' ', '\t', '\n', '\r', '\u2010', '\u2011', '\u2013', '\u2014', '\u00a0': // dashes that programs put for '-'
			continue
		}
		d := digit(r)
		if d < 0 {
			return c, fmt.Errorf("%w: character %q in group %d is not one of %s", ErrCode, r, len(digits)/group+1, alphabet)
		}
		digits = append(digits, byte(d))
	}
	if len(digits) != length {
		return c, fmt.Errorf("%w: %d characters after %s, want %d in %d groups of %d", ErrCode, len(digits), prefix, length, length/group, group)
	}
	var v bits
	for _, d := range digits {
		v.put(uint(d), 5)
	}
	if v.get(dataBits, checkBits) != v.crc(dataBits) {
		return c, fmt.Errorf("%w: the checksum does not fit: a character is mistyped or two are swapped", ErrCode)
	}
	if got := v.get(0, 4); got != codeVersion {
		return c, fmt.Errorf("%w: version %d, this program knows %d: update the older of gateway and hub", ErrCode, got, codeVersion)
	}
	for i := range c.Secret {
		c.Secret[i] = byte(v.get(4+8*i, 8))
	}
	for i := range c.Fingerprint {
		c.Fingerprint[i] = byte(v.get(4+128+8*i, 8))
	}
	return c, nil
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func digit(r rune) int {
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch r {
	case 'O':
		r = '0'
	case 'I', 'L':
		r = '1'
	}
	if r >= 0x80 {
		return -1
	}
	return strings.IndexByte(alphabet, byte(r))
}

// bits is a string of bits, first the most significant.
type bits struct {
	b [(dataBits + checkBits + 7) / 8]byte
	n int
}

func (v *bits) put(value uint, n int) {
	for i := n - 1; i >= 0; i-- {
		if value>>i&1 == 1 {
			v.b[v.n/8] |= 0x80 >> (v.n % 8)
		}
		v.n++
	}
}

func (v *bits) get(at, n int) (value uint) {
	for i := at; i < at+n; i++ {
		value = value<<1 | uint(v.b[i/8]>>(7-i%8)&1)
	}
	return value
}

// crc is CRC-15 as on the CAN bus, of the first n bits. It finds every error
// that is confined to 15 bits in a row: three characters.
func (v *bits) crc(n int) (crc uint) {
	for i := range n {
		crc <<= 1
		if (crc>>15^v.get(i, 1))&1 == 1 {
			crc ^= 0x4599
		}
		crc &= 1<<15 - 1
	}
	return crc
}
