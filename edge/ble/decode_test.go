package ble

import (
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"testing"

	"frostline/proto/reading"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func address(t testing.TB, s string) Address {
	t.Helper()
	a, err := ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const ok, out, none = reading.OK, reading.OutOfRange, reading.NotReady

// The vectors of Ruuvi's specification: valid, maximum, minimum, invalid.
func TestRuuviVectors(t *testing.T) {
	tag := address(t, "CB:B8:33:4C:88:4F")
	for what, c := range map[string]struct {
		data       string
		t, h, p, v Value
		number     uint32
		numbered   bool
	}{
		"valid":   {"0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F", Value{24_300, ok}, Value{53_490, ok}, Value{100_044, ok}, Value{2977, ok}, 205, true},
		"maximum": {"057FFFFFFEFFFE7FFF7FFF7FFFFFDEFEFFFECBB8334C884F", Value{163_835, out}, Value{163_835, out}, Value{115_534, out}, Value{3646, ok}, 65534, true},
		"minimum": {"058001000000008001800180010000000000CBB8334C884F", Value{-163_835, out}, Value{0, ok}, Value{50_000, ok}, Value{1600, ok}, 0, true},
		"invalid": {"058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF", Value{0, none}, Value{0, none}, Value{0, none}, Value{0, none}, 65535, false},
	} {
		p, err := DecodeRuuvi(tag, unhex(t, c.data))
		want := map[reading.Quantity]Value{reading.Temperature: c.t, reading.Humidity: c.h, reading.Pressure: c.p, reading.Voltage: c.v}
		if err != nil || !maps.Equal(p.Values, want) || p.Number != c.number || p.Numbered != c.numbered {
			t.Errorf("%s: got %+v %v, want %+v", what, p, err, want)
		}
	}
	valid := unhex(t, "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F")
	if _, err := DecodeRuuvi(address(t, "CB:B8:33:4C:88:50"), valid); !errors.Is(err, ErrForeign) {
		t.Errorf("another's address: %v", err)
	}
	for _, b := range [][]byte{nil, valid[:23], append(bytes.Clone(valid), 0), append([]byte{3}, valid[1:]...)} {
		if _, err := DecodeRuuvi(tag, b); !errors.Is(err, ErrFormat) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

// The examples of BTHome's specification, and what its parser is tested with.
func TestBTHomePlain(t *testing.T) {
	from := address(t, "A4:C1:38:8D:18:B2")
	for data, want := range map[string]map[reading.Quantity]Value{
		"4002ca0903bf13":                     {reading.Temperature: {25_060, ok}, reading.Humidity: {50_550, ok}},
		"4000690161":                         {reading.StateOfCharge: {97_000, ok}},
		"40451101":                           {reading.Temperature: {27_300, ok}},
		"4057ea":                             {reading.Temperature: {-22_000, ok}},
		"4058ea":                             {reading.Temperature: {-7_700, ok}},
		"4002fcff":                           {reading.Temperature: {-40, ok}},
		"402e23":                             {reading.Humidity: {35_000, ok}},
		"4004138a01":                         {reading.Pressure: {100_883, ok}},
		"400c020c":                           {reading.Voltage: {3074, ok}},
		"404a020c":                           {reading.Voltage: {307_400, ok}},
		"401a01":                             {reading.Door: {1, ok}},
		"401a02":                             {reading.Door: {2, out}},
		"40530c48656c6c6f20576f726c64212e23": {reading.Humidity: {35_000, ok}},
		"4002ca0902ff0f":                     {reading.Temperature: {25_060, ok}}, // the first of two
		"4002ca09ee010203":                   {reading.Temperature: {25_060, ok}}, // and an object from after our time
		"4002ff7f":                           {reading.Temperature: {327_670, out}},
		"40020080":                           {reading.Temperature: {-327_680, out}},
		"4003ffff":                           {reading.Humidity: {655_350, out}},
		"40":                                 {},
	} {
		d := BTHome{}
		p, err := d.Decode(from, unhex(t, data))
		if err != nil || !maps.Equal(p.Values, want) {
			t.Errorf("%s: got %+v %v, want %+v", data, p, err, want)
		}
	}
	d := BTHome{}
	if p, _ := d.Decode(from, unhex(t, "40006901610c020c")); !p.Numbered || p.Number != 0x69 {
		t.Errorf("packet id: %+v", p)
	}
	if p, err := d.Decode(from, unhex(t, "42b2188d38c1a402ca09")); err != nil || p.Values[reading.Temperature].Value != 25_060 {
		t.Errorf("with its address: %+v %v", p, err)
	}
	if _, err := d.Decode(from, unhex(t, "42b3188d38c1a402ca09")); !errors.Is(err, ErrForeign) {
		t.Errorf("another's address: %v", err)
	}
	for _, bad := range []string{"", "2002ca09", "4002ca", "4053", "405305aa", "42b2188d"} {
		if _, err := d.Decode(from, unhex(t, bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// The example of BTHome's page on encryption.
func TestBTHomeEncrypted(t *testing.T) {
	from := address(t, "54:48:E6:8F:80:A5")
	key := Key(unhex(t, "231d39c1d7cc1ab1aee224cd096db932"))
	sealed := unhex(t, "41a47266c95f730011223378237214")
	d := BTHome{Key: &key}
	for range 2 { // once heard and heard again
		p, err := d.Decode(from, sealed)
		want := map[reading.Quantity]Value{reading.Temperature: {25_060, ok}, reading.Humidity: {50_550, ok}}
		if err != nil || !maps.Equal(p.Values, want) || !p.Numbered || p.Number != 0x33221100 {
			t.Fatalf("got %+v %v", p, err)
		}
	}
	for i := range sealed[1:] { // any bit changed
		b := bytes.Clone(sealed)
		b[i+1] ^= 0x10
		if _, err := d.Decode(from, b); !errors.Is(err, ErrSecret) {
			t.Errorf("byte %d changed: %v", i+1, err)
		}
	}
	if _, err := d.Decode(address(t, "54:48:E6:8F:80:A6"), sealed); !errors.Is(err, ErrSecret) {
		t.Errorf("in another's name: %v", err)
	}
	d.Counter++
	if _, err := d.Decode(from, sealed); !errors.Is(err, ErrReplay) {
		t.Errorf("sent again later: %v", err)
	}
	if _, err := d.Decode(from, unhex(t, "4002ca0903bf13")); !errors.Is(err, ErrPlain) {
		t.Errorf("without encryption: %v", err)
	}
	if _, err := (&BTHome{}).Decode(from, sealed); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := d.Decode(from, sealed[:8]); !errors.Is(err, ErrFormat) {
		t.Errorf("too short: %v", err)
	}
}

// The example of BTHome's page on encryption, at the level of the cipher.
func TestCCM(t *testing.T) {
	key := Key(unhex(t, "231d39c1d7cc1ab1aee224cd096db932"))
	nonce := unhex(t, "5448E68F80A5D2FC4100112233")
	plain, err := openCCM(key, nonce, unhex(t, "a47266c95f73"), unhex(t, "78237214"))
	if err != nil || hex.EncodeToString(plain) != "02ca0903bf13" {
		t.Errorf("got %x %v", plain, err)
	}
}

func TestAddress(t *testing.T) {
	if a := address(t, "cb_b8_33_4c_88_4f"); a.String() != "CB:B8:33:4C:88:4F" {
		t.Errorf("got %s", a)
	}
	for _, s := range []string{"", "CB:B8:33:4C:88", "CB:B8:33:4C:88:4F:00", "CB:B8:33:4C:88:GG", "CBB8:33:4C:88:4F:0", "CB::B8:33:4C:8:84"} {
		if _, err := ParseAddress(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	for s, right := range map[string]bool{"hci0": true, "hci12@unix:path=/run/bus": true, "hci": false, "eth0": false, "hci0@": false, "hcix": false, "hci1234": false} {
		if _, _, err := ParseName(s); (err == nil) != right {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// Whatever is advertised, values are of known quantities, and those not
// measured have none.
func FuzzDecode(f *testing.F) {
	f.Add(unhex(f, "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"))
	f.Add(unhex(f, "41a47266c95f730011223378237214"))
	f.Add(unhex(f, "40530c48656c6c6f20576f726c64212e23"))
	f.Add(unhex(f, "42b2188d38c1a402ca09"))
	key := Key(unhex(f, "231d39c1d7cc1ab1aee224cd096db932"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, from := range []Address{{}, {0xCB, 0xB8, 0x33, 0x4C, 0x88, 0x4F}, {0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5}} {
			p, err := DecodeRuuvi(from, b)
			check(t, p, err)
			p, err = (&BTHome{}).Decode(from, b)
			check(t, p, err)
			p, err = (&BTHome{Key: &key}).Decode(from, b)
			check(t, p, err)
			p, err = parseObjects(b)
			check(t, p, err)
		}
	})
}

func check(t *testing.T, p Packet, err error) {
	t.Helper()
	if err != nil && len(p.Values) > 0 {
		t.Errorf("values in spite of %v: %+v", err, p)
	}
	for q, v := range p.Values {
		if _, e := reading.ParseQuantity(q.String()); e != nil || !v.Quality.HasValue() && v.Value != 0 || v.Value < -3_300_000 || v.Value > 1<<24 {
			t.Errorf("%v is %+v", q, v)
		}
	}
}
