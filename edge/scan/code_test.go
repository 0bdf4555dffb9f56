package scan

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		code    string
		kind    Kind
		value   string
		problem string
	}{
		{"BOX-0001", Label, "BOX-0001", ""},
		{" BOX-0001\r\n", Label, "BOX-0001", ""},
		{"095060001343520017", SSCC, "095060001343520017", ""},
		{"00095060001343520017", SSCC, "095060001343520017", ""},
		{"(00)095060001343520017", SSCC, "095060001343520017", ""},
		{"]C100095060001343520017", SSCC, "095060001343520017", ""},
		{"https://id.gs1.org/00/095060001343520017", SSCC, "095060001343520017", ""},
		{"https://example.com/00/095060001343520017", SSCC, "095060001343520017", ""},
		{"095060001343520018", 0, "", CodeCheckDigit},
		{"00095060001343520018", 0, "", CodeCheckDigit},
		{"(00)095060001343520018", 0, "", CodeCheckDigit},
		{"https://id.gs1.org/00/095060001343520018", 0, "", CodeCheckDigit},
		{"]d2010950600013435221ABC", Unit, "09506000134352.ABC", ""},
		{"\x1d010950600013435221ABC", Unit, "09506000134352.ABC", ""},
		{"(01)09506000134352(17)290101(10)L1(21)A/B", Unit, "09506000134352.A%2FB", ""},
		{"https://id.gs1.org/01/09506000134352/21/ABC", Unit, "09506000134352.ABC", ""},
		{"010950600013435221ABC", Unit, "09506000134352.ABC", ""},
		{"010950600013435321ABC", 0, "", CodeCheckDigit},
		{"(01)09506000134352", 0, "", CodeProduct},
		{"https://id.gs1.org/01/09506000134352", 0, "", CodeProduct},
		{"]E09506000134352", 0, "", CodeProduct},
		{"]A0BOX-0001", Label, "BOX-0001", ""},
		{"]C0095060001343520017", SSCC, "095060001343520017", ""},
		{"]d2zz9", 0, "", CodeStandard},
		{"https://example.com/parcel?id=7", Label, "https://example.com/parcel?id=7", ""},
		{"(A) 17", Label, "(A) 17", ""},
		{"12345670", Label, "12345670", ""},
		{"10ABC", Label, "10ABC", ""},
		{"[)>\x1e06\x1dXABC\x1e\x04", Label, "[)>\x1e06\x1dXABC\x1e\x04", ""},
		{"", 0, "", CodeEmpty},
		{"\r\n", 0, "", CodeEmpty},
		{"A\x00B", 0, "", CodeText},
		{"A\xffB", 0, "", CodeText},
		{"]A0", 0, "", CodeStandard},
		{strings.Repeat("A", MaxCode+1), 0, "", CodeTooLong},
	} {
		s, p := read(c.code)
		switch {
		case c.problem != "" && (p == nil || p.Code != c.problem):
			t.Errorf("%q: %v, %+v; want the problem %s", c.code, s, p, c.problem)
		case c.problem == "" && (p != nil || s != Subject{c.kind, c.value}):
			t.Errorf("%q: %v, %+v; want %s %q", c.code, s, p, c.kind, c.value)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"BOX", "]C100095060001343520017", "(01)09506000134352(21)A", "https://id.gs1.org/00/1", "]]]]]]]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, code string) {
		s, p := read(code)
		if (p == nil) != (s.Value != "") || len(s.Value) > MaxCode+64 {
			t.Fatalf("%q: %v %v", code, s, p)
		}
	})
}
