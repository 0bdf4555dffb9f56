package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"frostline/proto/thermal"
)

// TestSeriesIsRefused: what could be misread is refused, with the line and what
// to write instead.
func TestSeriesIsRefused(t *testing.T) {
	two := "time,celsius\n2026-09-14T06:00:00Z,5\n"
	wide := utf16.Encode([]rune("\ufefftime,celsius\n"))
	var utf16le strings.Builder
	for _, u := range wide {
		utf16le.WriteByte(byte(u))
		utf16le.WriteByte(byte(u >> 8))
	}
	for name, c := range map[string]struct{ in, want string }{
		"nothing":                  {"", "no readings"},
		"a byte order mark alone":  {"\ufeff", "no readings"},
		"a header alone":           {"time,celsius\n", "no readings"},
		"comments alone":           {"# a\n\n#b\n", "no readings"},
		"NaN":                      {two + "2026-09-14T06:01:00Z,NaN\n", "line 3: temperature \"NaN\" is no measurement"},
		"infinity":                 {two + "2026-09-14T06:01:00Z,-Inf\n", "line 3: temperature \"-Inf\""},
		"too large for a double":   {two + "2026-09-14T06:01:00Z,1e400\n", "line 3: temperature"},
		"absolute zero":            {two + "2026-09-14T06:01:00Z,-273.15\n", "line 3: temperature -273.15 °C: at or below absolute zero"},
		"below absolute zero":      {two + "2026-09-14T06:01:00Z,-300\n", "line 3: temperature -300 °C: at or below absolute zero"},
		"it to a thousandth":       {two + "2026-09-14T06:01:00Z,-273.1499\n", "line 3: temperature -273.1499 °C: at or below absolute zero"},
		"hotter than anything":     {two + "2026-09-14T06:01:00Z,1000.1\n", "line 3: temperature 1000.1 °C: want at most 1000"},
		"hexadecimal":              {two + "2026-09-14T06:01:00Z,0x10\n", "line 3: temperature"},
		"with a unit":              {two + "2026-09-14T06:01:00Z,5 °C\n", "line 3: temperature"},
		"no temperature":           {two + "2026-09-14T06:01:00Z,\n", "line 3: temperature is missing"},
		"no time":                  {two + ",5\n", "line 3: time"},
		"one column":               {two + "5\n", "line 3: 1 columns"},
		"three columns":            {two + "2026-09-14T06:01:00Z,5,6\n", "line 3: 3 columns"},
		"no zone":                  {"2026-09-14T06:00:00,5\n", "write 2026-09-14T06:00:00Z if it is UTC"},
		"no zone and no seconds":   {"2026-09-14 06:00,5\n", "write 2026-09-14T06:00:00Z if it is UTC"},
		"a day that is not":        {"2026-02-30T06:00:00Z,5\n", "line 1: time"},
		"a leap second":            {"2016-12-31T23:59:60Z,5\n", "line 1: time \"2016-12-31T23:59:60Z\" is a leap second"},
		"the year 9999":            {"9999-12-31T23:59:59Z,5\n", "line 1: time \"9999-12-31T23:59:59Z\": want a time from 1900 to 2500"},
		"the year 1":               {"0001-01-01T00:00:00Z,5\n", "line 1: time"},
		"microseconds":             {"1789365600000000,5\n", "line 1: time"},
		"seconds and milliseconds": {"1789365600,5\n1789365660000,5\n", "line 2: time \"1789365660000\" reads as Unix milliseconds, but line 1 as Unix seconds"},
		"seconds and texts":        {"1789365600,5\n2026-09-14T06:10:00Z,5\n", "line 2: time"},
		"texts against the header": {"unix_ms,celsius\n2026-09-14T06:10:00Z,5\n", "line 2: time \"2026-09-14T06:10:00Z\" reads as RFC 3339, but the header says Unix milliseconds"},
		"millis under seconds":     {"time (s),celsius\n1789365660000,5\n", "line 2: time"},
		"Fahrenheit":               {"time,temperature_f\n2026-09-14T06:10:00Z,41\n", "column \"temperature_f\": want degrees Celsius"},
		"degrees F":                {"time,Temp (°F)\n2026-09-14T06:10:00Z,41\n", "want degrees Celsius"},
		"Fahrenheit alone":         {"temp_f\n41\n", "want degrees Celsius"},
		"times alone":              {"time\n5\n6\n", "want temperatures"},
		"kelvin":                   {"time,temperature [K]\n2026-09-14T06:10:00Z,278\n", "want degrees Celsius"},
		"humidity":                 {"time,humidity\n2026-09-14T06:10:00Z,41\n", "want degrees Celsius"},
		"the other way round":      {"temperature,elapsed\n5.1,60\n5.2,120\n", "none of them is called time"},
		"time last":                {"x,time\n5.1,60\n5.2,120\n", "none of them is called celsius"},
		"two times":                {"date,time,celsius\n2026-09-14,06:00,5\n", "two hold time"},
		"names that say nothing":   {"a,b,c\n1,2,3\n", "none of them is called time"},
		"hours without --weights":  {"hours,celsius\n6,14\n", "--weights"},
		"decimal commas":           {"5,1\n5,2\n4,9\n", "decimal comma"},
		"and a semicolon":          {"2026-09-14T06:00:00Z;5,1\n", "line 1: temperature \"5,1\": a decimal comma"},
		"and a comma":              {"time,celsius\n2026-09-14T06:00:00Z,5,1\n", "line 2: 3 columns"},
		"another unit":             {"time,value,unit\n2026-09-14T06:10:00Z,41,°F\n", "line 2: unit"},
		"UTF-16":                   {utf16le.String(), "line 1: not UTF-8"},
		"Latin 1":                  {"time,\xb0C\n", "line 1: not UTF-8"},
		"a long line":              {"time,celsius\n" + strings.Repeat("1", maxSeriesLine+1), "line 2: longer than"},
		"open quotes":              {two + "\"2026-09-14T06:01:00Z,5\n", "line 3: quotes"},
	} {
		_, err := readSeries("", strings.NewReader(c.in), false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it refused: %s", name, err, c.want)
		}
	}
}

// TestBadLinesAreAllNamed, up to a bound.
func TestBadLinesAreAllNamed(t *testing.T) {
	var in strings.Builder
	in.WriteString("time,celsius\n")
	for i := range 50 {
		fmt.Fprintf(&in, "%d,%s\n", 1789365600+i, map[bool]string{true: "warm", false: "5"}[i%2 == 0])
	}
	_, err := readSeries("", strings.NewReader(in.String()), false)
	if err == nil || !strings.Contains(err.Error(), "line 2:") || !strings.Contains(err.Error(), "line 40:") || !strings.Contains(err.Error(), "and 5 more bad lines") {
		t.Errorf("got %v, want lines 2 to 40 named and 5 more told", err)
	}
}

// TestSeriesIsReadAlike: however a file is written, it says the same.
func TestSeriesIsReadAlike(t *testing.T) {
	p, err := thermal.Named("refrigerated")
	if err != nil {
		t.Fatal(err)
	}
	verdict := func(in string) string {
		s, err := readSeries("", strings.NewReader(in), false)
		if err != nil {
			t.Errorf("%.60q: %v", in, err)
			return ""
		}
		out, err := judgeSeries(&p, s, nil)
		if err != nil {
			t.Errorf("%.60q: %v", in, err)
			return ""
		}
		digest, err := out.Verdict.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	want := verdict("time,celsius\n2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,8.5\n2026-09-14T06:20:00Z,7\n")
	for name, in := range map[string]string{
		"no header":           "2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,8.5\n2026-09-14T06:20:00Z,7\n",
		"no newline at end":   "2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,8.5\n2026-09-14T06:20:00Z,7",
		"CR LF and a BOM":     "\ufefftime,celsius\r\n2026-09-14T06:00:00Z,5\r\n2026-09-14T06:10:00Z,8.5\r\n2026-09-14T06:20:00Z,7\r\n",
		"semicolons":          "Time;Temperature (°C)\n2026-09-14T06:00:00Z;5\n2026-09-14T06:10:00Z;8.5\n2026-09-14T06:20:00Z;7\n",
		"tabs":                "time\tcelsius\n2026-09-14T06:00:00Z\t5\n2026-09-14T06:10:00Z\t8.5\n2026-09-14T06:20:00Z\t7\n",
		"spaces and blanks":   "time , celsius\n\n 2026-09-14 06:00:00Z , +5.0\n# note\n2026-09-14 06:10:00Z,  8.500\n2026-09-14 06:20:00Z ,7e0 \n",
		"quotes":              "\"time\",\"celsius\"\n\"2026-09-14T06:00:00Z\",\"5\"\n\"2026-09-14T06:10:00Z\",\"8.5\"\n\"2026-09-14T06:20:00Z\",\"7\"\n",
		"zones":               "2026-09-14T08:00:00+02:00,5\n2026-09-14T01:10:00-05:00,8.5\n2026-09-14T06:20:00.0000Z,7\n",
		"seconds":             "1789365600,5\n1789366200.000,8.5\n1789366800,7\n",
		"milliseconds":        "1789365600000,5\n1789366200000,8.5\n1789366800000,7\n",
		"unsorted":            "2026-09-14T06:20:00Z,7\n2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,8.5\n",
		"twice":               "2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,8.5\n2026-09-14T06:10:00Z,8.5\n2026-09-14T06:20:00Z,7\n",
		"two that average it": "2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,8\n2026-09-14T06:20:00Z,7\n2026-09-14T06:10:00Z,9\n",
		"exchanged, more":     "celsius,humidity,time\n5,40,2026-09-14T06:00:00Z\n8.5,41,2026-09-14T06:10:00Z\n7,42,2026-09-14T06:20:00Z\n",
		"exchanged, only two": "celsius,time\n5,2026-09-14T06:00:00Z\n8.5,2026-09-14T06:10:00Z\n7,2026-09-14T06:20:00Z\n",
		"other names":         "Zeitpunkt,Wert\n2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,8.5\n2026-09-14T06:20:00Z,7\n",
		"bad quality":         "time,value,quality\n2026-09-14T06:00:00Z,5,ok\n2026-09-14T06:05:00Z,85,fault\n2026-09-14T06:10:00Z,8.5,ok\n2026-09-14T06:20:00Z,7,ok\n",
	} {
		if got := verdict(in); got != want {
			t.Errorf("%s: another verdict", name)
		}
	}
}

// TestHeaderTellsTheClock: small numbers of milliseconds are no seconds.
func TestHeaderTellsTheClock(t *testing.T) {
	for header, want := range map[string]int64{"unix_ms": 60_000, "timestamp (ms)": 60_000, "unix_s": 60_000_000, "time": 60_000_000, "seconds": 0} {
		s, err := readSeries("", strings.NewReader(header+",celsius\n0,5\n60000,6\n"), false)
		switch {
		case want == 0:
			if err == nil {
				t.Errorf("%s: read as %v", header, s.rows)
			}
		case err != nil || s.rows[1].at != want:
			t.Errorf("%s: got %v %v, want %d ms", header, s, err, want)
		}
	}
}

// TestDuplicatesThatDifferAreTold: their mean may hide what one of them saw.
func TestDuplicatesThatDifferAreTold(t *testing.T) {
	in := "2026-09-14T06:00:00Z,5\n2026-09-14T06:10:00Z,6\n2026-09-14T06:10:00Z,9\n2026-09-14T06:20:00Z,5\n2026-09-14T06:20:00Z,5\n"
	for _, args := range [][]string{{"thermal", "--profile", "refrigerated"}, {"mkt", "--json"}} {
		file := filepath.Join(t.TempDir(), "a.csv")
		if err := os.WriteFile(file, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut strings.Builder
		if code := run(append(args, file), &out, &errOut); code != 0 {
			t.Fatalf("%v: %d: %s", args, code, errOut.String())
		}
		var got struct {
			Input struct {
				Duplicates int     `json:"duplicatesAveraged"`
				Differing  int     `json:"duplicatesThatDiffer"`
				Widest     float64 `json:"widestDifferenceKelvin"`
			}
			Duplicates int     `json:"duplicates_averaged"`
			Differing  int     `json:"duplicates_that_differ"`
			Widest     float64 `json:"widest_difference_k"`
		}
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatal(err)
		}
		if got.Duplicates+got.Input.Duplicates != 2 || got.Differing+got.Input.Differing != 1 || got.Widest+got.Input.Widest != 3 {
			t.Errorf("%v: got %+v, want two averaged, one instant that differs by 3 K", args, got)
		}
	}
}

// TestPublishedMKT: examples that others have published, with their rounding.
func TestPublishedMKT(t *testing.T) {
	for _, c := range []struct {
		source, in string
		weights    bool
		want, by   float64
	}{
		{"isopharm.co.uk, mean kinetic temperature: 2 h at 20, 4 h at 2, 1 h at 25", "2,20\n4,2\n1,25\n", true, 15.7, 0.05},
		{"a public unit test of six readings", "19.8\n20.2\n20.6\n21\n21.3\n21.5\n", false, 20.75, 0.005},
		{"validaide", "20\n20\n40\n25\n", false, 30.208237, 1e-6},
		{"14 °C for 6 h of 24 at 5 °C", "14\n5\n5\n5\n", false, 8.285215773520349, 1e-9},
		{"the trapezoid rule", "0,5\n3600,5\n18000,15\n", false, 10.439515187423297, 1e-9},
	} {
		s, err := readSeries("", strings.NewReader(c.in), c.weights)
		if err != nil {
			t.Fatal(err)
		}
		got, err := meanKinetic(s, c.weights, 0, thermal.DefaultActivation)
		if err != nil || math.Abs(got.MKT-c.want) > c.by {
			t.Errorf("%s: got %v %v, want %v", c.source, got.MKT, err, c.want)
		}
	}
}

// TestExitStatus: 2 for a wrong call, 1 for a file that cannot be read, 0 for a
// verdict whatever it says.
func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	warm := file("warm.csv", "2026-09-14T06:00:00Z,50\n2026-09-14T06:10:00Z,50\n")
	bad := file("bad.csv", "2026-09-14T06:00:00Z,warm\n")
	for _, c := range []struct {
		code int
		args []string
	}{
		{0, []string{"thermal", "--profile", "crt", warm}},
		{0, []string{"mkt", warm}},
		{1, []string{"thermal", "--profile", "crt", bad}},
		{1, []string{"mkt", bad}},
		{1, []string{"mkt", filepath.Join(dir, "none.csv")}},
		{1, []string{"thermal", "--profile", filepath.Join(dir, "none.yaml"), warm}},
		{1, []string{"thermal", "--profile", bad, warm}},
		{2, []string{"thermal", warm}},
		{2, []string{"thermal", "--profile", "tepid", warm}},
		{2, []string{"thermal", "--profile", "crt", "--gap", "soon", warm}},
		{2, []string{"thermal", "--profile", "crt", "--delta-h", "-1", warm}},
		{2, []string{"thermal", "--profile", "crt", warm, warm}},
		{2, []string{"mkt", "--delta-h", "0", warm}},
		{2, []string{"mkt", "--delta-h", "NaN", warm}},
		{2, []string{"mkt", "--gap", "0s", warm}},
		{2, []string{"mkt", "--weight", warm}},
	} {
		var out, errOut strings.Builder
		if code := run(c.args, &out, &errOut); code != c.code || code != 0 && (out.Len() > 0 || errOut.Len() == 0) {
			t.Errorf("%v: got %d, %q on standard output, %q on standard error; want %d", c.args, code, out.String(), errOut.String(), c.code)
		}
	}
}
