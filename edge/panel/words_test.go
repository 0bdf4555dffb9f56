package panel

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"frostline/proto/reading"
)

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		FormatAge(-5): "0.0 s", FormatAge(999): "0.9 s", FormatAge(9_990): "9.9 s", FormatAge(10_000): "10 s", FormatAge(59_999): "59 s",
		FormatAge(60_000): "1 min", FormatAge(3_600_000): "1 h", FormatAge(16_920_000): "4 h 42 min",
		FormatAge(532_800_000): "6 d 4 h", FormatAge(518_400_000): "6 d",
		english.room(0.5): "30 minutes", english.room(1.0 / 60): "1 minute", english.room(3.2): "3 hours", english.room(743): "30 days", english.room(9000): "more than a year",
		english.count(1, "reading"): "1 reading", english.count(1_234_567, "reading"): "1,234,567 readings", english.count(0, "block"): "0 blocks",
		FormatBytes(999): "999 B", FormatBytes(3_412_992): "3.4 MB", FormatBytes(2_000_000_000): "2.0 GB", FormatBytes(512_000): "512 kB",
		milliseconds(0.84): "0.8 ms", milliseconds(38.4): "38 ms", milliseconds(1400): "1.4 s",
		BusName("sim:unix:/run/x.sock/i2c-1"): "i2c-1, simulated", BusName("/dev/i2c-1"): "i2c-1", BusName("w1"): "w1",
		plain("a\x1b[2Jb\nc"): "a [2Jb c",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDisplay(t *testing.T) {
	for _, c := range []struct {
		v    int64
		q    reading.Quantity
		want string
	}{
		{5062, reading.Temperature, "5.06"}, {-62, reading.Temperature, "-0.06"}, {-4, reading.Temperature, "0.00"},
		{-18_555, reading.Temperature, "-18.56"}, {8_004, reading.Temperature, "8.00"}, {8_005, reading.Temperature, "8.01"},
		{-1_223_320_712, reading.Longitude, "-122.33207"}, {0, reading.Door, "closed"}, {1, reading.Door, "open"}, {0, reading.Tamper, "whole"}, {1, reading.Tamper, "opened"},
		{101_325, reading.Pressure, "101325"}, {87_600, reading.StateOfCharge, "88"}, {math.MinInt64, reading.Temperature, "-9223372036854775.81"},
	} {
		if got, _ := display(c.v, c.q); got != c.want {
			t.Errorf("%d of %s: got %q, want %q", c.v, c.q, got, c.want)
		}
	}
}

// TestLastSurvivesJSON: the socket's decimals are exact.
func TestLastSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Last{Quantity: reading.Quantity(rapid.IntRange(1, 13).Draw(t, "quantity"))}
		if rapid.Bool().Draw(t, "taken") {
			l.AgeMs = ptr(rapid.Int64Range(0, 1e12).Draw(t, "age"))
			l.Quality = reading.Quality(rapid.IntRange(0, 8).Draw(t, "quality"))
			if l.Quality.HasValue() {
				l.Value = rapid.Int64().Draw(t, "value")
			} else {
				l.Error = rapid.String().Draw(t, "error")
			}
		}
		if rapid.Bool().Draw(t, "sound") {
			l.Sound = &Sound{Value: rapid.Int64().Draw(t, "sound value"), AgeMs: rapid.Int64Range(0, 1e12).Draw(t, "sound age")}
		}
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var back Last
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !reflect.DeepEqual(l, back) {
			t.Fatalf("%s: got %+v, want %+v", b, back, l)
		}
	})
}
