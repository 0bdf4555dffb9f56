package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/edge/sensor"
)

// bench is a host without sensors.
var bench = Host{Name: func() (string, error) { return "Bench.local", nil }, Find: func(string) ([]Sensor, []string) { return nil, nil }}

func TestExampleLoads(t *testing.T) {
	c, assumed, err := Load("example.yaml", ThisHost())
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Gateway: "pharmacy-1", Data: "/var/lib/frostline-edge", Panel: Panel{Listen: "127.0.0.1:8480", Kind: "plain", TimeZone: "UTC"}, W1Root: "/sys/bus/w1/devices",
		Journal: Journal{MaxSize: 512 << 20, SegmentSize: 4 << 20, Memory: 4 << 20},
		Update:  Update{Connected: 10 * time.Minute, Alone: time.Hour},
		Sensors: []Sensor{{ID: "fridge-1", Driver: "ds18b20", Bus: "w1", Address: "28-0316a2794b2c", Interval: 10 * time.Second, Timeout: 2 * time.Second,
			Options: sensor.Options{Resolution: 12, MaxRate: 5}}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if len(assumed) != 1 || !strings.Contains(assumed[0], "data in") {
		t.Errorf("assumed %q", assumed)
	}
}

// What the example shows commented out is right too, and what it says are the
// defaults are.
func TestExampleUncommented(t *testing.T) {
	text, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\ngateway:")
	all := "gateway:" + regexp.MustCompile(`(?m)^( *)# `).ReplaceAllString(rest, "$1")
	c, _, err := Parse([]byte(all), bench)
	if err != nil {
		t.Fatalf("%v\n%s", err, all)
	}
	if c.Sensors[1].Address != "0x44" {
		t.Errorf("got %+v", c)
	}
	for _, driver := range sensor.Drivers() {
		if !slices.ContainsFunc(c.Sensors, func(s Sensor) bool { return s.Driver == driver }) {
			t.Errorf("there is no example of a %s", driver)
		}
	}
	plain := c
	plain.Journal, plain.W1Root, plain.Panel, plain.Data = Journal{}, "", Panel{}, ""
	for i := range plain.Sensors {
		plain.Sensors[i].Timeout = 0
	}
	if again := plain.WithDefaults(""); again.Journal != c.Journal || again.W1Root != c.W1Root || again.Panel != c.Panel || again.Data != c.Data {
		t.Errorf("the example's defaults %+v are not the defaults %+v", c, again)
	}
}

func TestDefault(t *testing.T) {
	c, assumed, err := Default(bench)
	if err != nil || c.Gateway != "bench-local" || len(c.Sensors) != 0 {
		t.Errorf("got %+v %v", c, err)
	}
	if text := strings.Join(assumed, "\n"); !strings.Contains(text, `bench-local, from the host's name "Bench.local"`) || !strings.Contains(text, "no sensors") || !strings.Contains(text, "/var/lib/frostline-edge") {
		t.Errorf("said %q", text)
	}
	h := bench
	h.Find = func(root string) ([]Sensor, []string) {
		if root != "/sys/bus/w1/devices" {
			t.Errorf("looked in %s", root)
		}
		return []Sensor{{ID: "probe", Driver: "ds18b20", Bus: "w1", Address: "28-0316a2794b2c"}}, []string{"found a probe"}
	}
	c, assumed, err = Default(h)
	if err != nil || len(c.Sensors) != 1 || c.Sensors[0].Interval != 10*time.Second || !slices.Contains(assumed, "found a probe") {
		t.Errorf("got %+v, said %q, %v", c, assumed, err)
	}
	// An empty list means none, and nobody looks.
	h.Find = func(string) ([]Sensor, []string) {
		t.Error("looked for sensors though told there are none")
		return nil, nil
	}
	if c, _, err := Parse([]byte("sensors: []"), h); err != nil || len(c.Sensors) != 0 {
		t.Errorf("got %+v %v", c, err)
	}
	h.Name = func() (string, error) { return "", errors.New("no name") }
	if c, assumed, err := Parse([]byte("sensors: []"), h); err != nil || c.Gateway != "gateway-" || !strings.Contains(strings.Join(assumed, "\n"), "no name") {
		t.Errorf("got %+v, said %q, %v", c, assumed, err)
	}
}

func TestFindOnThisHost(t *testing.T) {
	root := t.TempDir()
	for _, d := range []string{"28-0316a2794b2c", "1d-000000000001", "w1_bus_master1"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	found, said := find(root)
	if len(found) == 0 || !reflect.DeepEqual(found[0], Sensor{ID: "probe-28-0316a2794b2c", Driver: "ds18b20", Bus: "w1", Address: "28-0316a2794b2c"}) {
		t.Errorf("found %+v", found)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "1d-000000000001 is left alone") || !strings.Contains(text, "probe-28-0316a2794b2c") {
		t.Errorf("said %q", text)
	}
}

// Everything that is wrong is told at once, in the order of the file.
func TestAllProblemsAtOnce(t *testing.T) {
	_, _, err := Parse([]byte(`gateway: Fridge #1
hub:
  address: hub.example
  enroll: http://hub
data: var/lib
panel: 127.0.0.1:8480
journal:
  max-size: 4 potatoes
  segment-size: 1GiB
sensors:
  - id: a
    driver: ds18b20
    bus: w1
    address: 28-0316a2794b2c
    interval: 500ms
  - id: a
    driver: sht4x
    bus: /dev/i2c-1
    adress: 0x44
    interval: soon
  - driver: thermocouple
  - id: d
    driver: ds18b20
    bus: w1
    address: 28-0316A2794B2C
    timeout: 1m
    options:
      resolution: twelve
      baud: 9600
`), bench)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, p := range e.Problems {
		got = append(got, p.String())
	}
	want := []string{
		`line 1: gateway "Fridge": want 3 to 40 characters of a-z, 0-9 and '-'`,
		`line 3: hub.address "hub.example": want host:port, such as hub.example:8883`,
		`line 4: hub.enroll: there is no such field: want one of address, enrol; did you mean enrol?`,
		`line 5: data "var/lib": want an absolute path, such as /var/lib/frostline-edge`,
		`line 6: panel "127.0.0.1:8480": want fields, each on a line of its own as name: value`,
		`line 8: journal.max-size "4 potatoes": want a whole number with a unit, such as 64KiB, 4MiB or 1GiB`,
		`line 9: journal.segment-size "1GiB": want 64KiB to 64MiB`,
		`line 15: sensors[0].interval "500ms": this sensor takes 900ms to measure: want at least 1s`,
		`line 16: sensors[1].id "a": sensors[0] has that id already: rename one`,
		`line 16: sensors[1].address: it is missing: want 0x44, 0x45 or 0x46`,
		`line 19: sensors[1].adress: there is no such field: want one of id, driver, bus, address, interval, timeout, options, calibration`,
		`line 20: sensors[1].interval "soon": want a number with a unit, such as 500ms, 10s, 5m or 24h`,
		`line 21: sensors[2].id: want 1 to 63 characters of a-z, 0-9, '.', '_' and '-', the first a letter or digit`,
		`line 21: sensors[2].driver "thermocouple": want one of ` + strings.Join(sensor.Drivers(), ", "),
		`line 28: sensors[3].options.resolution "twelve": want a whole number`,
		`line 29: sensors[3].options.baud "9600": this driver does not know it: leave it out`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.Contains(err.Error(), "16 problems\n  line 1: gateway") {
		t.Errorf("the error reads %s", err)
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		"gateway: [1":                       "line 1: file",
		"a: b: c":                           "line 1: file",
		"- gateway: abc":                    "want fields",
		"gateway: abc\ngateway: abd":        `"gateway" already defined`,
		"gateway: {a: b}":                   `gateway "{a: b}": want a single value`,
		"sensors: 5":                        "want a list",
		"gateway: &a abc":                   "anchors",
		"gateway: abc\n---\ngateway: abd":   "single document",
		"panel: {listen: 0.0.0.0:99999}":    "panel.listen",
		"hub: {enrol: 'http://hub:1'}":      "want a URL with https",
		"hub: {address: 'a b:1'}":           "hub.address",
		"journal: {group-wait: 1.5ms}":      "whole milliseconds",
		"journal: {group-wait: 1h}":         "0s to 10s",
		"journal: {keep-acknowledged: -1h}": "0s to 8760h",
		"journal: {max-size: 2MiB}":         "at most a quarter of max-size, which is 2MiB",
		"w1-root: sys":                      "absolute path",
		strings.Repeat("[", 40):             "40 brackets deep",
		"# " + strings.Repeat("x", 300_000): "at most 262144 bytes",
		"sensors: [{id: a, driver: ds18b20, bus: w1, address: 28-0316a2794b2c}, {id: b, driver: ds18b20, bus: w1, address: 28-0316A2794B2C}]": "sensors[0] is the same sensor",
		"sensors: [{id: a, driver: ds18b20, bus: w1, address: 28-0316a2794b2c, interval: 1s, timeout: 1s}]":                                   "timeout \"1s\": want 10ms to 100ms",
		"sensors: [{id: a, driver: door, bus: GPIO17, interval: 1ms}]":                                                                        "want 100ms to 24h0m0s",
	} {
		if _, _, err := Parse([]byte(text), bench); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q:\n got %v\nwant %s", text, err, want)
		}
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), bench); err == nil || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "create it") {
		t.Errorf("got %v", err)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("data: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(bad, bench); err == nil || !strings.Contains(err.Error(), bad+": line 1: data") {
		t.Errorf("got %v", err)
	}
}

func TestGatewayID(t *testing.T) {
	for host, want := range map[string]string{
		"van-1": "van-1", "RaspberryPi": "raspberrypi", "Kühl.example": "k--hl-example", "x": "gateway-x", "": "gateway-", strings.Repeat("a", 60): strings.Repeat("a", 40),
	} {
		got := gatewayID(host)
		if p := (Config{Gateway: got, Sensors: []Sensor{}}).WithDefaults("").Validate(); got != want || len(p) > 0 {
			t.Errorf("%q: got %q, want %q; %v", host, got, want, p)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "4096": 4096, "64KiB": 65536, "4 MiB": 4 << 20, "1GB": 1e9, "3TiB": 3 << 40, "12B": 12} {
		got, err := ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%q: got %d %v, want %d", text, got, err, want)
		}
		if again, err := ParseSize(got.String()); err != nil || again != got {
			t.Errorf("%d: %s came back as %d %v", got, got, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "9999999TiB", "1 apple"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
}

func TestDigest(t *testing.T) {
	digest := func(text string) string {
		c, _, err := Parse([]byte(text), bench)
		if err != nil {
			t.Fatal(err)
		}
		return c.Digest()
	}
	a, b := digest("sensors: []"), digest("# the same\ndata: /var/lib/frostline-edge\nsensors: []\n")
	if a != b || len(a) != 64 {
		t.Errorf("%s and %s differ, or are no SHA-256", a, b)
	}
	if a == digest("gateway: other\nsensors: []") {
		t.Error("another gateway has the same digest")
	}
}

// Whatever is in a file, it is refused with a reason or gives a configuration
// that is right in all parts.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte("sensors: [{id: a, driver: door, bus: GPIO17, options: {open: low, debounce: 5ms}}]"))
	f.Add([]byte("journal: {max-size: 1GiB, group-wait: 500ms}\nhub: {address: 'h:1'}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _, err := Parse(text, bench)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Problems) == 0 {
				t.Errorf("error without a problem: %v", err)
			}
			for _, p := range e.Problems {
				if p.Field == "" || p.Remedy == "" {
					t.Errorf("problem %+v names no field or remedy", p)
				}
			}
			return
		}
		if p := c.Validate(); len(p) > 0 {
			t.Errorf("accepted with %v", p)
		}
		for _, s := range c.Sensors {
			if s.Timeout <= 0 || s.Timeout > s.Interval || s.Interval%time.Millisecond != 0 {
				t.Errorf("accepted sensor %+v", s)
			}
		}
	})
}

// Units share a serial line, and so its settings; two sensors may read different
// registers of one unit, and not the same.
func TestModbusLines(t *testing.T) {
	sensor := func(id, unit, baud, address string) string {
		return "- {id: " + id + ", driver: modbus, bus: /dev/ttyS0, address: " + unit + ", options: {baud: " + baud +
			", registers: [{quantity: temperature, address: " + address + ", type: int16}]}}\n"
	}
	for _, tt := range []struct{ sensors, want string }{
		{sensor("a", "1", "9600", "0") + sensor("b", "1", "9600", "1") + sensor("c", "2", "9600", "0"), ""},
		{sensor("a", "1", "9600", "0") + sensor("b", "1", "9600", "0"), "sensors[1].address"},
		{sensor("a", "1", "9600", "0") + sensor("b", "2", "19200", "0"), "sensors[1].options.baud"},
	} {
		_, _, err := Parse([]byte("gateway: van-1\nsensors:\n"+tt.sensors), Host{})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.sensors, err, tt.want)
		}
	}
}
