package sensor

import (
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frostline/edge/ble"
	"frostline/edge/bus"
	"frostline/proto/reading"
)

// tag makes a driver that is told of advertisements by the test.
func tag(t *testing.T, now *int64, s Spec) *Logger {
	t.Helper()
	s.ID, s.Bus = "logger", "hci0"
	quiet := slog.New(slog.DiscardHandler)
	d, err := Open(s, Env{Buses: bus.NewSet("", quiet), Now: func() int64 { return *now }, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	l := d.(*Logger)
	if err := l.prepare(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Logger) expect(t *testing.T, what string, want ...Value) {
	t.Helper()
	vs, err := l.Read(t.Context())
	if err != nil || len(vs) != len(want) {
		t.Fatalf("%s: got %+v %v, want %+v", what, vs, err, want)
	}
	for i := range want {
		if vs[i] != want[i] {
			t.Errorf("%s: got %+v, want %+v", what, vs[i], want[i])
		}
	}
}

func (l *Logger) silent(t *testing.T, what string, quality reading.Quality, says string) {
	t.Helper()
	if vs, err := l.Read(t.Context()); QualityOf(err) != quality || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: got %+v %v, want %v and %q", what, vs, err, quality, says)
	}
}

func service(t *testing.T, data string) ble.Advertisement {
	t.Helper()
	b, err := hex.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	return ble.Advertisement{Service: map[uint16][]byte{ble.BTHomeService: b}}
}

// A measurement is as old as its first hearing, however often it comes again.
func TestLoggerAges(t *testing.T) {
	now := int64(1000)
	l := tag(t, &now, Spec{Driver: "ruuvi", Address: "CB:B8:33:4C:88:4F"})
	valid, err := hex.DecodeString("0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F")
	if err != nil {
		t.Fatal(err)
	}
	send := func(number byte) {
		b := append([]byte(nil), valid...)
		b[17] = number
		l.hear(ble.Advertisement{Manufacturer: map[uint16][]byte{ble.RuuviCompany: b}})
	}
	want := []Value{{reading.Temperature, 24_300, reading.OK}, {reading.Humidity, 53_490, reading.OK}, {reading.Pressure, 100_044, reading.OK}, {reading.Voltage, 2977, reading.OK}}
	l.silent(t, "at first", reading.NoAnswer, "nobody listens")
	send(1)
	l.expect(t, "one", want...)
	for range 20 { // for 20 s the same measurement
		now += 1000
		send(1)
	}
	l.silent(t, "only echoes", reading.NoAnswer, "nobody listens")
	send(2)
	l.expect(t, "a new one", want...)
	now += 15_000
	l.expect(t, "15 s later", want...)
	now++
	l.silent(t, "later", reading.NoAnswer, "nobody listens")
	l.hear(ble.Advertisement{Manufacturer: map[uint16][]byte{0x004C: {1, 2}}}) // Apple's
	if c := l.Counts(); c != (LoggerCounts{Taken: 2, Again: 20}) {
		t.Errorf("counted %+v", c)
	}
	l.hear(ble.Advertisement{Manufacturer: map[uint16][]byte{ble.RuuviCompany: valid[:20]}})
	l.silent(t, "garbage", reading.Checksum, "not in the format")
}

func keyFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logger.key")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

const (
	bindKey  = "231d39c1d7cc1ab1aee224cd096db932\n"
	sealedAt = "41a47266c95f730011223378237214" // counter 0x33221100, 25.06 °C, 50.55 %
)

// A logger with a key: what it says is taken once, kept over a restart, and
// nobody else's is.
func TestLoggerWithKey(t *testing.T) {
	now := int64(1000)
	path := keyFile(t, bindKey, 0o600)
	spec := Spec{Driver: "bthome", Address: "54:48:E6:8F:80:A5", Options: Options{KeyFile: path, Measures: "humidity, temperature,voltage"}}
	l := tag(t, &now, spec)
	l.hear(service(t, "4002ca0903bf13"))
	l.silent(t, "without encryption", reading.NoAnswer, "not encrypted")
	l.hear(service(t, "41a47266c95f730011223378237215"))
	l.silent(t, "forged", reading.Checksum, "cannot be decrypted")
	l.hear(service(t, sealedAt))
	want := []Value{{reading.Humidity, 50_550, reading.OK}, {reading.Temperature, 25_060, reading.OK}, {reading.Voltage, 0, reading.NotReady}}
	l.expect(t, "its own", want...)
	l.hear(service(t, sealedAt))
	if c := l.Counts(); c != (LoggerCounts{Taken: 1, Again: 1, Refused: 2}) {
		t.Errorf("counted %+v", c)
	}
	kept, err := os.ReadFile(path + ".counter")
	if err != nil || string(kept) != "857870592\n" {
		t.Errorf("kept %q %v", kept, err)
	}
	// After a restart, and with a counter above, the old one is refused.
	if err := os.WriteFile(path+".counter", []byte("857870593\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = tag(t, &now, spec)
	l.hear(service(t, sealedAt))
	l.silent(t, "sent again", reading.NoAnswer, "gone back")
	if c := l.Counts(); c.Replayed != 1 || c.Taken != 0 {
		t.Errorf("counted %+v", c)
	}
}

func TestLoggerKeyFile(t *testing.T) {
	for what, c := range map[string]struct{ path, want string }{
		"readable by others": {keyFile(t, bindKey, 0o644), "chmod 600"},
		"too short":          {keyFile(t, "231d39\n", 0o600), "32 hexadecimal digits"},
		"not hexadecimal":    {keyFile(t, strings.Repeat("zz", 16), 0o600), "32 hexadecimal digits"},
		"large":              {keyFile(t, strings.Repeat("00", 1000), 0o600), "at most"},
		"absent":             {filepath.Join(t.TempDir(), "none"), "no such file"},
		"a directory":        {t.TempDir(), "want a file"},
	} {
		if _, err := readKey(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	f := counterFile{path: keyFile(t, "many\n", 0o600)}
	if _, _, err := f.read(); err == nil || !strings.Contains(err.Error(), "want a number") {
		t.Errorf("counter: %v", err)
	}
	now := int64(1)
	f = counterFile{path: filepath.Join(t.TempDir(), "none", "counter"), log: slog.New(slog.DiscardHandler), now: func() int64 { return now }}
	f.keep(1) // cannot be written: told, and no more
	if _, seen, err := f.read(); seen || err != nil || !f.failed {
		t.Errorf("got %v %v %v", seen, err, f.failed)
	}
}

func TestLoggerSpec(t *testing.T) {
	for what, c := range map[string]struct {
		s    Spec
		want string
	}{
		"bus":      {Spec{ID: "l", Driver: "ruuvi", Bus: "/dev/ttyUSB0", Address: "CB:B8:33:4C:88:4F"}, "hci0"},
		"address":  {Spec{ID: "l", Driver: "ruuvi", Bus: "hci0", Address: "0x44"}, "CB:B8"},
		"measures": {Spec{ID: "l", Driver: "bthome", Bus: "hci0", Address: "CB:B8:33:4C:88:4F", Options: Options{Measures: "latitude"}}, "with commas"},
		"twice":    {Spec{ID: "l", Driver: "bthome", Bus: "hci0", Address: "CB:B8:33:4C:88:4F", Options: Options{Measures: "door,door"}}, "with commas"},
		"key":      {Spec{ID: "l", Driver: "ruuvi", Bus: "hci0", Address: "CB:B8:33:4C:88:4F", Options: Options{KeyFile: "/k"}}, "leave it out"},
		"relative": {Spec{ID: "l", Driver: "bthome", Bus: "hci0", Address: "CB:B8:33:4C:88:4F", Options: Options{KeyFile: "k"}}, "absolute path"},
	} {
		if p := Check(c.s); len(p) != 1 || !strings.Contains(p[0].Remedy, c.want) {
			t.Errorf("%s: %+v, want %q", what, p, c.want)
		}
	}
}
