package gs1

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const unit = "(01)00300021433802(21)A1(17)270630(10)LOT7"

func TestForms(t *testing.T) {
	want := "(01)00300021433802"
	for _, c := range []struct{ text, want string }{
		{"]d20100300021433802", want},
		{"]C10100300021433802", want},
		{"]e00100300021433802", want},
		{"]Q30100300021433802", want},
		{"]J10100300021433802", want},
		{"]E00300021433802", want},
		{"]E402345673", "(01)00000002345673"},
		{"]Q1https://id.gs1.org/01/00300021433802", want},
		{"^0100300021433802", want},
		{"\x1d0100300021433802", want},
		{"0100300021433802", want},
		{"010030002143380221A1\x1d1727063010LOT7", unit},
		{"010030002143380221A1\x1d17270630\x1d10LOT7\x1d", unit},
		{"(01)00300021433802", want},
		{"http://example.com/x/01/00300021433802", want},
		{"urn:epc:idpat:sgtin:0300021.043380.*", want},
		{"urn:epc:id:sgtin:0300021.043380.A%2F1", "(01)00300021433802(21)A/1"},
		{"urn:epc:id:sgln:0614141.12345.0", "(414)0614141123452"},
		{"300021433802", want},
		{"0300021433802", want},
		{"00300021433802", want},
		{"006141411234567890", "(00)006141411234567890"},
		{"00006141411234567890", "(00)006141411234567890"},
		{"]E02112345678900|]e099COMPOSITE\x1d98XYZ", "(01)02112345678900(99)COMPOSITE(98)XYZ"},
	} {
		e, err := Parse(c.text)
		if got := e.Bracketed(); err != nil || got != c.want {
			t.Errorf("%q: %s, want %s: %v", c.text, got, c.want, err)
		}
	}
}

func TestPlacesOfFaults(t *testing.T) {
	for _, c := range []struct {
		text string
		at   int
		want Fault
	}{
		{"", 0, Empty},
		{"hello", 0, Unreadable},
		{"]XX", 1, BadSymbology},
		{"]Q1hello", 3, NoPlainReading},
		{"]d2", 3, Empty},
		{"]d20100300021433803", 18, IncorrectCheckDigit},
		{"]d20100300021433802^10A", 19, ReservedCaret},
		{"00300021433803", 13, IncorrectCheckDigit},
		{"]E00300021433803", 15, IncorrectCheckDigit},
		{"^0100300021433802171335", 19, ValueTooShort},
		{"^010030002143380217271330", 21, IllegalMonth},
		{"^010030002143380217270231", 23, IllegalDay},
		{"(01)00300021433802(10)a\\(b c", 26, NotCSET82},
		{"(01)00300021433802(10)", 22, NoValue},
		{"(01)0030002143380", 4, ValueTooShort},
		{"(01", 0, NotBracketed},
		{"(05)1", 1, UnknownAI},
		{"(10)A", 1, Missing},
		{"(01)00300021433802(37)3", 1, Forbidden},
		{"(01)00300021433802(10)A(10)B", 24, Contradictory},
		{"https://a/01/00300021433802/10/A%2Fb%20", 36, NotCSET82},
		{"https://a/01/00300021433802?10=A", 28, BelongsInPath},
		{"https://a/01/00300021433802?99=A&99=A", 33, Repeated},
		{"https://a/01/00300021433802?05=A", 28, UnknownAI},
		{"https://a/01/00300021433802/21/A/10/B", 10, BadQualifiers},
		{"https://a/x", 9, NoPrimaryKey},
		{"https://a/01/00300021433802 ", 27, NotURI},
		{"urn:epc:id:sgtin:0300021.043380", 25, IncompleteSplit},
		{"urn:epc:id:nothing:0300021.043380.1", 11, NotEPC},
		{"urn:epc:id:sscc:03000.043380.1", 16, PrefixLength},
		{"urn:isbn:1", 0, NotEPC},
		{strings.Repeat("9", 9000), 8191, TooLong},
		{"(99)A" + strings.Repeat("(99)A", 64), 64*5 + 1, TooMany},
	} {
		_, err := Parse(c.text)
		if e := new(Error); !errors.As(err, &e) || e.At != c.at || !errors.Is(err, c.want) {
			text := c.text
			t.Errorf("%.60q: %v (%#v), want %q at %d", text, err, err, c.want, c.at)
		}
	}
}

// A value can be about a person, so that it is not in an error.
func TestErrorsKeepValues(t *testing.T) {
	_, err := Parse("(8018)123456789012345675(7253)JANE%2")
	if err == nil || strings.Contains(err.Error(), "JANE") || !strings.Contains(err.Error(), "(7253)") {
		t.Errorf("%v", err)
	}
}

func TestParts(t *testing.T) {
	e, err := Parse("]d2010030002143380221A1\x1d1727063010LOT7")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{e.GTIN(), e.Serial(), e.Expiry(), e.Lot(), e.SSCC(), Title("10"), Title("05")}
	want := []string{"00300021433802", "A1", "270630", "LOT7", "", "BATCH/LOT", ""}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := e.Unbracketed('^'), "^010030002143380221A1^1727063010LOT7"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	link, err := e.DigitalLink("https://example.com/")
	if want := "https://example.com/01/00300021433802/10/LOT7/21/A1?17=270630"; err != nil || link != want {
		t.Errorf("%q, want %q: %v", link, want, err)
	}
}

func TestEPCs(t *testing.T) {
	for _, c := range []struct {
		text   string
		prefix int
		want   string
	}{
		{unit, 7, "urn:epc:id:sgtin:0300021.043380.A1"},
		{"(01)00300021433802(10)a/b", 7, "urn:epc:class:lgtin:0300021.043380.a%2Fb"},
		{"(01)00300021433802(235)x", 7, "urn:epc:id:upui:0300021.043380.x"},
		{"(01)00300021433802", 8, "urn:epc:idpat:sgtin:03000214.03380.*"},
		{"(00)006141411234567890", 7, "urn:epc:id:sscc:0614141.0123456789"},
		{"(414)0614141123452", 7, "urn:epc:id:sgln:0614141.12345.0"},
		{"(414)0614141123452(254)7", 7, "urn:epc:id:sgln:0614141.12345.7"},
		{"(8003)00614141123452", 7, "urn:epc:idpat:grai:0614141.12345.*"},
		{"(8003)00614141123452A%", 12, "urn:epc:id:grai:061414112345..A%25"},
		{"(8004)0614141AB/9", 7, "urn:epc:id:giai:0614141.AB%2F9"},
		{"(8006)003000214338020102(21)5", 7, "urn:epc:id:itip:0300021.043380.01.02.5"},
		{"(8010)0614141AB#9(8011)5", 7, "urn:epc:id:cpi:0614141.AB%239.5"},
		{"(10)A", 7, ""},
		{unit, 5, ""}, {unit, 13, ""},
	} {
		e, err := Options{Incomplete: true}.Parse(c.text)
		got := ""
		if err == nil {
			got, err = e.EPC(c.prefix)
		}
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s with %d: %q, want %q: %v", c.text, c.prefix, got, c.want, err)
		}
	}
}

// A link can be written with escapes, in which case the URN has its own, or
// without any, and then it is copied.
func TestEscapesOfSerials(t *testing.T) {
	const key = "https://id.gs1.org/01/00300021433802/21/"
	for serial, want := range map[string]string{
		"A%2Bb": "A+b", "A&b": "A%26b", "A%26b": "A%26b", "A%21": "A!", `A"&b`: `A"&b`, "A?17=270630": "A", "A#top": "A", "A%": "A%",
	} {
		got, err := ToURN(key+serial, 7)
		if want = "urn:epc:id:sgtin:0300021.043380." + want; err != nil || got != want {
			t.Errorf("%s: %s, want %s: %v", serial, got, want, err)
		}
	}
}

func TestDates(t *testing.T) {
	in := func(year int) time.Time { return time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		value string
		now   int
		want  string
	}{
		{"270630", 2026, "2027-06-30 00:00"},
		{"270200", 2026, "2027-02-28 00:00"},
		{"280200", 2026, "2028-02-29 00:00"},
		{"2802291530", 2026, "2028-02-29 15:30"},
		{"760101", 2026, "2076-01-01 00:00"},
		{"770101", 2026, "1977-01-01 00:00"},
		{"990101", 2026, "1999-01-01 00:00"},
		{"000229", 2026, "2000-02-29 00:00"},
		{"000228", 2051, "2100-02-28 00:00"},
		{"000229", 2051, ""},
		{"490101", 2100, "2149-01-01 00:00"},
		{"510101", 2100, "2051-01-01 00:00"},
		{"270631", 2026, ""}, {"271301", 2026, ""}, {"27063", 2026, ""}, {"2706302400", 2026, ""}, {"27x630", 2026, ""},
	} {
		got, err := Date(c.value, in(c.now))
		if (err == nil) != (c.want != "") || err == nil && got.Format("2006-01-02 15:04") != c.want {
			t.Errorf("%s in %d: %v, want %q: %v", c.value, c.now, got, c.want, err)
		}
	}
}

func TestCheckDigits(t *testing.T) {
	if c, err := CheckDigit("0030002143380"); err != nil || c != '2' {
		t.Errorf("%c: %v", c, err)
	}
	for _, s := range []string{"", "12a"} {
		if _, err := CheckDigit(s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
	if !ValidSSCC("006141411234567890") || ValidSSCC("006141411234567891") || !ValidGLN("0614141123452") || ValidGTIN("006141411234567890") || ValidCheckDigit("0") {
		t.Error("wrong kind or check digit accepted, or right one refused")
	}
	if err := Check("nothing", ""); err == nil {
		t.Error("no error for a rule that there is not")
	}
}

func TestPrefixes(t *testing.T) {
	p, err := ReadPrefixes(strings.NewReader(`{"GCPPrefixFormatList":{"date":"x","entry":[{"prefix":"03","gcpLength":7},{"prefix":"0614","gcpLength":8},{"prefix":"0615","gcpLength":0}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"0300021433802": 7, "0614141123452": 8, "0615": 0, "9": 0, "": 0} {
		if got := p.Length(key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
	if (*Prefixes)(nil).Length("03") != 0 {
		t.Error("a table that is not there says something")
	}
	for _, bad := range []string{"", "{}", `{"GCPPrefixFormatList":{"entry":[{"prefix":"x","gcpLength":7}]}}`, `{"GCPPrefixFormatList":{"entry":[{"prefix":"1","gcpLength":13}]}}`} {
		if _, err := ReadPrefixes(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestDictionaryIsRefused(t *testing.T) {
	for _, bad := range []string{
		"0 N2", "01", "01 Q2", "01 N", "01 N0", "01 N100", "01 N2,nothing", "01 N..2 N2", "01 [N2] N2", "01 * N..2",
		"01 N2 ex=x", "01 N2 req=1", "01 N2 dlpkey=1,2,3,4,5,6", "01 N2\n01 N2", "02 N2\n01 N2", "310 N2\n3110 N2", "01-12 N2", "3105-3100 N2",
	} {
		if _, err := compile(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	d, err := compile(dictionaryText)
	if err != nil || len(d.entries) < 500 {
		t.Fatalf("%d entries: %v", len(d.entries), err)
	}
}

func TestCheckDigitFindsEverySingleWrongDigit(t *testing.T) {
	const sscc = "106141412345678908"
	if !ValidCheckDigit(sscc) {
		t.Fatal("a right SSCC is refused")
	}
	for i := range sscc {
		for d := byte('0'); d <= '9'; d++ {
			if d == sscc[i] {
				continue
			}
			if wrong := sscc[:i] + string(d) + sscc[i+1:]; ValidCheckDigit(wrong) {
				t.Errorf("%s passes", wrong)
			}
		}
	}
	for _, s := range []string{"", "0", "12a4", "１２"} {
		if ValidCheckDigit(s) {
			t.Errorf("%q passes", s)
		}
	}
}
