package sensor

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		spec Spec
		want []string // fields with problems
	}{
		{Spec{Driver: "ds18b20", Bus: "w1", Address: "28-0316a2794b2c"}, nil},
		{Spec{Driver: "ds18b20", Bus: "sim:unix:/tmp/x.sock/w1", Address: "28-0316a2794b2c", Options: Options{Resolution: 9, StuckAfter: time.Hour}}, nil},
		{Spec{Driver: "ds18s20", Bus: "w1", Address: "10-0316a2794b2c"}, nil},
		{Spec{Driver: "ds18s20", Bus: "w1", Address: "28-0316a2794b2c", Options: Options{Resolution: 9}}, []string{"address", "options.resolution"}},
		{Spec{Driver: "sht4x", Bus: "/dev/i2c-1", Address: "0x44", Options: Options{Precision: Low, MaxRate: 1}}, nil},
		{Spec{Driver: "mcp9808", Bus: "/dev/i2c-1", Address: "24"}, nil},
		{Spec{Driver: "gnss", Bus: "/dev/ttyACM0", Options: Options{Baud: 115200}}, nil},
		{Spec{Driver: "door", Bus: "GPIO17", Options: Options{Open: "low", Pull: "none", Debounce: time.Second}}, nil},
		{Spec{Driver: "max31865", Bus: "/dev/spidev0.0", Options: Options{Reference: 430, Wires: 3, Mains: 50}}, nil},
		{Spec{Driver: "max31865", Bus: "/dev/spidev0.0"}, []string{"options.reference", "options.wires"}},
		{Spec{Driver: "max31865", Bus: "/dev/spidev0.0", Address: "1", Options: Options{Reference: 430, Nominal: 1000, Wires: 5, Mains: 55}}, []string{"address", "options.wires", "options.mains", "options.reference"}},
		{Spec{Driver: "modbus", Bus: "tcp:reefer", Address: "256"}, []string{"bus", "address", "options.registers"}},
		{Spec{Driver: "modbus", Bus: "/dev/ttyUSB0", Address: "7", Options: Options{Parity: "mark", Registers: []Register{{Quantity: "temperature", Address: "0", Type: "int16"}}}}, []string{"options.parity"}},
		{Spec{Driver: "modbus", Bus: "tcp:reefer:502", Address: "0", Options: Options{Registers: []Register{{Quantity: "temperature", Address: "0", Type: "int16"}}}}, nil},
		{Spec{Driver: "battery", Bus: "BAT0"}, []string{"bus"}},
		{Spec{Driver: "voltage", Bus: "iio:ads1015", Address: "in_voltage0", Options: Options{Scale: 11}}, nil},
		{Spec{Driver: "voltage", Bus: "adc:1", Address: "../in1", Options: Options{Scale: 1e6}}, []string{"bus", "address", "options.scale"}},
		{Spec{Driver: "tamper", Bus: "GPIO27"}, nil},
		{Spec{Driver: "tmp117", Bus: "/dev/i2c-1", Address: "0x4C"}, []string{"address"}},
		{Spec{Driver: "bme280", Bus: "/dev/i2c-1", Address: "0x77"}, nil},
		{Spec{Driver: "sht3x", Bus: "/dev/i2c-1", Address: "0x46", Options: Options{Precision: "best"}}, []string{"address", "options.precision"}},
		{Spec{Driver: "ds1820"}, []string{"driver"}},
		{Spec{Driver: "ds18b20"}, []string{"bus", "address"}},
		{Spec{Driver: "ds18b20", Bus: "w1", Address: "10-0316a2794b2c"}, []string{"address"}},
		{Spec{Driver: "ds18b20", Bus: "w1", Address: "0x44", Options: Options{Resolution: 13}}, []string{"address", "options.resolution"}},
		{Spec{Driver: "sht4x", Bus: "sim:udp:x/y", Address: "0x18"}, []string{"bus", "address"}},
		{Spec{Driver: "mcp9808", Bus: "/dev/i2c-1", Address: "0x44", Options: Options{Precision: High}}, []string{"address", "options.precision"}},
		{Spec{Driver: "gnss", Bus: "sim:unix:/tmp/x.sock/gnss", Address: "1", Options: Options{Baud: 1, MaxRate: 2}}, []string{"bus", "address", "options.baud", "options.max-rate"}},
		{Spec{Driver: "door", Bus: "GPIO17", Options: Options{Open: "up", Pull: "high", Debounce: time.Minute}}, []string{"options.open", "options.pull", "options.debounce"}},
	} {
		tt.spec.ID = "s"
		var got []string
		for _, p := range Check(tt.spec) {
			got = append(got, p.Field)
			if p.Remedy == "" {
				t.Errorf("%+v: %+v has no remedy", tt.spec, p)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: problems with %v, want %v", tt.spec, got, tt.want)
		}
		d, err := Open(tt.spec, Env{Buses: bus.NewSet(t.TempDir(), slog.New(slog.DiscardHandler)), Now: func() int64 { return 1 }, Log: slog.New(slog.DiscardHandler)})
		if (err == nil) != (tt.want == nil) {
			t.Errorf("%+v: opened with %v", tt.spec, err)
		}
		if err == nil && (d.Model() != tt.spec.Driver || len(d.Quantities()) == 0) {
			t.Errorf("%+v: is %s", tt.spec, d.Model())
		}
	}
	if _, err := Open(Spec{ID: "fridge", Driver: "door"}, Env{}); err == nil || !strings.Contains(err.Error(), "fridge") {
		t.Errorf("got %v", err)
	}
}

// Every driver has an example of what is missing, and a set of options that
// WithDefaults fills in without changing what is given.
func TestDrivers(t *testing.T) {
	for _, name := range Drivers() {
		k := kinds[name]
		if k.bus == "" || k.open == nil || (k.address == "") != (k.checkAddress == nil) {
			t.Errorf("%s: bus example %q, address example %q, opens %v", name, k.bus, k.address, k.open != nil)
		}
		if p := checkOptions(k, (Options{}).WithDefaults(name)); len(p) > 0 {
			t.Errorf("%s: defaults are wrong: %+v", name, p)
		}
		for _, o := range k.options {
			if rules[o].right == nil {
				t.Errorf("%s: option %s has no rule", name, o)
			}
		}
	}
	if o := (Options{Resolution: 9}).WithDefaults("ds18b20"); o.Resolution != 9 || o.MaxRate != 5 {
		t.Errorf("got %+v", o)
	}
}

func TestW1Therm(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "28-0316a2794b2c")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Spec{ID: "s", Driver: "ds18b20", Bus: "w1", Address: "28-0316a2794b2c"}, Env{Buses: bus.NewSet(root, slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		raw, t string
		want   Value
	}{
		{"48 00 4b 46 7f ff 08 10 0c", "4500", Value{reading.Temperature, 4_500, reading.OK}},
		{"50 05 4b 46 7f ff 0c 10 1c", "85000", Value{reading.Temperature, 85_000, reading.PowerOn}},
		{"ff 07 4b 46 7f ff 0c 10 1c", "127937", Value{reading.Temperature, 127_937, reading.OutOfRange}},
	} {
		text := tt.raw + " : crc=0c YES\n" + tt.raw + " t=" + tt.t + "\n"
		if err := os.WriteFile(filepath.Join(dir, "w1_slave"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if vs, err := measure(d); err != nil || vs[0] != tt.want {
			t.Errorf("got %+v %v, want %+v", vs, err, tt.want)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := measure(d); QualityOf(err) != reading.NoAnswer || err == nil {
		t.Errorf("unplugged: got %v", err)
	}
}

// The kernel's numbers of the elder, whose driver says what it is.
func TestW1ThermElder(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "10-000802b4a3f1")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Spec{ID: "s", Driver: "ds18s20", Bus: "w1", Address: "10-000802b4a3f1"}, Env{Buses: bus.NewSet(root, slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		raw, t string
		want   any
	}{
		{"32 00 4b 46 ff ff 0a 10 0c", "25125", Value{reading.Temperature, 25_125, reading.OK}},
		{"aa 00 4b 46 ff ff 0c 10 87", "85000", Value{reading.Temperature, 85_000, reading.PowerOn}},
		{"32 00 4b 46 ff ff 0c 00 41", "0", reading.Checksum},
	} {
		text := tt.raw + " : crc=0c YES\n" + tt.raw + " t=" + tt.t + "\n"
		if err := os.WriteFile(filepath.Join(dir, "w1_slave"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		vs, err := measure(d)
		if q, bad := tt.want.(reading.Quality); bad && (err == nil || QualityOf(err) != q) || !bad && (err != nil || vs[0] != tt.want) {
			t.Errorf("%s: got %+v %v, want %+v", tt.raw, vs, err, tt.want)
		}
	}
	if d.Model() != "ds18s20" {
		t.Errorf("model %s", d.Model())
	}
}

func TestPlausibility(t *testing.T) {
	const second = 1000
	type r struct {
		at    int64 // seconds
		value int64
		want  reading.Quality
	}
	for name, readings := range map[string][]r{
		"slow change":         {{0, 4000, 0}, {10, 20000, 0}, {20, -20000, 0}},
		"a spike":             {{0, 4000, 0}, {1, 90000, reading.ImpossibleStep}, {2, 4100, 0}, {3, 4000, 0}},
		"two kinds of spikes": {{0, 4000, 0}, {1, 90000, reading.ImpossibleStep}, {2, -50000, reading.ImpossibleStep}, {3, 90000, reading.ImpossibleStep}, {4, 4000, 0}},
		"a probe was moved":   {{0, 4000, 0}, {1, 23000, reading.ImpossibleStep}, {2, 23100, reading.ImpossibleStep}, {3, 23000, 0}, {4, 23000, 0}},
		"after an outage":     {{0, 4000, 0}, {3600, -70000, 0}},
		"stuck":               {{0, 4000, 0}, {2400, 4000, 0}, {4800, 4000, 0}, {7199, 4000, 0}, {7200, 4000, reading.Stuck}, {7300, 4000, reading.Stuck}, {7310, 4010, 0}, {7320, 4010, 0}},
		"silent, not stuck":   {{0, 4000, 0}, {7200, 4000, 0}, {7210, 4000, 0}},
	} {
		p := NewPlausibility(Spec{Driver: "sht4x"}.Limits())
		for _, r := range readings {
			vs := []Value{{reading.Temperature, r.value, reading.OK}, {reading.Humidity, 100_000, reading.OK}, {reading.Temperature, 0, reading.NoAnswer}}
			p.Judge(r.at*second, vs)
			if vs[0].Quality != r.want || vs[1].Quality != reading.OK || vs[2].Quality != reading.NoAnswer {
				t.Errorf("%s: at %d s %d is %v, want %v; others %v %v", name, r.at, r.value, vs[0].Quality, r.want, vs[1].Quality, vs[2].Quality)
			}
		}
	}
	// Drift of a healthy sensor for years is never doubted.
	p := NewPlausibility(Spec{Driver: "ds18b20"}.Limits())
	for i := range int64(100_000) {
		vs := []Value{{reading.Temperature, 4000 + i%2*62, reading.OK}}
		p.Judge(i*10*second, vs)
		if vs[0].Quality != reading.OK {
			t.Fatalf("reading %d is %v", i, vs[0].Quality)
		}
	}
	if len((Spec{Driver: "door"}).Limits()) != 0 || len((Spec{Driver: "gnss"}).Limits()) != 2 {
		t.Error("limits of doors or receivers")
	}
}
