package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const van = `gateway: van-1
sensors:
  - id: fridge
    driver: ds18b20
    bus: w1
    address: 28-0316a2794b2c
    options: {resolution: 11}
  - id: air
    driver: sht4x
    bus: /dev/i2c-1
    address: 0x44
    interval: 20s
`

func own(t testing.TB, text string) Own {
	t.Helper()
	o, _, err := parseOwn([]byte(text), bench)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOverGivesWhatTheHubWants(t *testing.T) {
	o := own(t, van)
	before := o.Config()
	m, err := o.Over([]byte(`sensors:
  - id: fridge
    interval: 1s
    options: {max-rate: 2}
  - id: box
    driver: ruuvi
    bus: hci0
    address: CB:B8:33:4C:88:4F
`))
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.Sensors = append([]Sensor(nil), before.Sensors...)
	// The timeout is by default, and so follows the interval.
	want.Sensors[0].Interval, want.Sensors[0].Timeout, want.Sensors[0].Options.MaxRate = time.Second, m.Sensors[0].Timeout, 2
	want.Sensors = append(want.Sensors, m.Sensors[2])
	if !reflect.DeepEqual(m.Config, want) {
		t.Errorf("got  %+v\nwant %+v", m.Config, want)
	}
	if s := m.Sensors[0]; s.Timeout >= time.Second || s.Timeout <= 0 || s.Options.Resolution != 11 {
		t.Errorf("fridge is %+v", s)
	}
	if b := m.Sensors[2]; b.ID != "box" || b.Driver != "ruuvi" || b.Interval != 10*time.Second {
		t.Errorf("box is %+v", b)
	}
	if !reflect.DeepEqual(o.Config(), before) {
		t.Error("the gateway's own configuration has changed")
	}
	for field, origin := range map[string]Origin{
		"gateway": ByFile, "data": ByDefault, "sensors[0].interval": ByHub, "sensors[0].timeout": ByDefault, "sensors[0].options.resolution": ByFile,
		"sensors[0].options.max-rate": ByHub, "sensors[1].interval": ByFile, "sensors[2].bus": ByHub, "sensors[2].interval": ByDefault,
	} {
		if got := m.Origin(field); got != origin {
			t.Errorf("%s is by %s, want %s", field, got, origin)
		}
	}
	var b strings.Builder
	if err := m.Show(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"gateway: van-1 # file", "  - id: fridge # file", "    interval: 1s # hub", "      max-rate: 2 # hub", "      resolution: 11 # file", "    interval: 20s # file", "journal:", "  max-size: 512MiB # default"} {
		flat := strings.Join(strings.Fields(strings.TrimSpace(line)), " ")
		found := false
		for shown := range strings.Lines(b.String()) {
			found = found || strings.Join(strings.Fields(shown), " ") == flat && strings.HasPrefix(shown, line[:len(line)-len(strings.TrimLeft(line, " "))])
		}
		if !found {
			t.Errorf("%q is not in\n%s", line, b.String())
		}
	}
	// What is shown is a file that means the same.
	again, _, err := Parse([]byte(b.String()), bench)
	if err != nil || again.Digest() != m.Digest() {
		t.Errorf("what is shown reads %+v, %v, want %+v", again, err, m.Config)
	}
}

func TestOverOfNothingIsTheFile(t *testing.T) {
	o := own(t, van)
	for _, text := range []string{"", "# nothing yet\n", "sensors:\n", "sensors: []"} {
		m, err := o.Over([]byte(text))
		if err != nil || m.Digest() != o.Config().Digest() {
			t.Errorf("%q: got %+v, %v", text, m.Config, err)
		}
	}
}

// It is that or nothing, and everything that is wrong is told.
func TestOverRefusesWhole(t *testing.T) {
	o := own(t, van)
	for text, want := range map[string]string{
		"gateway: van-2":                         "gateway: the gateway's own file gives it",
		"hub: {address: 'x:1'}":                  "hub: the gateway's own file gives it",
		"journal: {memory: 1MiB}":                "journal: the gateway's own file gives it",
		"sensor: []":                             "did you mean sensors?",
		"[]":                                     "want fields",
		"sensors: 5":                             "want a list",
		"sensors: [5]":                           "want entries with an id",
		"sensors: [{interval: 5s}]":              "want entries with an id",
		"sensors: [{id: fridge, interval: 1ms}]": `sensors[fridge].interval "1ms": want 100ms`,
		"sensors: [{id: fridge, interval: 5s}, {id: fridge}]":                   "sensors[fridge]: it is there twice",
		"sensors: [{id: fridge, bus: w1}]":                                      "sensors[fridge].bus: the gateway's own file gives it",
		"sensors: [{id: other}]":                                                `sensors[other].driver: `,
		"sensors: [{id: b, driver: sht4x, bus: /dev/i2c-1, address: 0x44}]":     "sensors[air] is the same sensor",
		"sensors: [{id: air, options: {baud: 9600}}, {id: fridge, timeout: 1}]": "line 1: sensors[air].options.baud",
		"sensors: [{id: fridge, intervall: 5s}]":                                "did you mean interval?",
	} {
		m, err := o.Over([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v, %+v\nwant %s", text, err, m.Config, want)
		}
	}
}

func FuzzOver(f *testing.F) {
	o := own(f, van)
	f.Add([]byte("sensors: [{id: fridge, interval: 5s}]"))
	f.Add([]byte("sensors:\n - id: x\n   driver: bthome\n   options: {registers: [{min: 5}]}"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		before := o.Config().Digest()
		m, err := o.Over(text)
		if err == nil && len(m.Validate()) > 0 {
			t.Errorf("taken though %v", m.Validate())
		}
		if m.Gateway != o.config.Gateway || m.Hub != o.config.Hub || o.Config().Digest() != before {
			t.Errorf("changed what is the gateway's own: %+v", m.Config)
		}
	})
}
