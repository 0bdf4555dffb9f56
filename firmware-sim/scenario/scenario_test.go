package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDemoIsWhole(t *testing.T) {
	s := Demo()
	var names []string
	for _, b := range s.Boards {
		names = append(names, b.Name)
		count := map[string]int{}
		for _, d := range b.Devices {
			count[d.Kind]++
		}
		van := strings.HasPrefix(b.Name, "van-")
		if count[SHT4x] != 1 || count[MCP9808] != 1 || count[Contact] != 1 ||
			van && (count[DS18B20] != 1 || count[GNSS] != 1) || !van && count[DS18B20] != 2 {
			t.Errorf("%s has %v", b.Name, count)
		}
	}
	if got := strings.Join(names, " "); got != "sodo-cold sodo-freezer sodo-ambient van-1 van-2" {
		t.Errorf("boards %s", got)
	}
	placed := s.In("/run/frost")
	if got := placed.Boards[3]; got.Socket != "/run/frost/van-1.sock" || got.Devices[3].Pty != "/run/frost/van-1.gnss" {
		t.Errorf("van-1 at %s, receiver at %s", got.Socket, got.Devices[3].Pty)
	}
	if s.Boards[3].Socket != "van-1.sock" || s.Boards[3].Devices[3].Pty != "van-1.gnss" {
		t.Error("In changed the scenario it was called on")
	}
	if err := placed.Check(); err != nil {
		t.Error(err)
	}
}

const small = `seed: 1
boards:
  - name: one
    world:
      - name: room
        room: {setpoint_c: 5, cooling_w: 1000, walls_w_per_k: 20, air_kj_per_k: 100, surroundings: {base_c: 20}}
      - name: van
        vehicle: {route: sodo-bellevue-i90}
    devices:
      - {name: probe, kind: ds18b20, bus: w1, rom: 28-000000000001, senses: room.air}
      - name: air
        kind: sht4x
        bus: i2c-1
        address: 0x44
        senses: room.air
        humidity: room.humidity
      - {name: gnss, kind: gnss, senses: van}
`

func TestErrorsNameLineFieldAndValue(t *testing.T) {
	if _, err := Parse([]byte(small)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"name: one", "name: One!", `line 3: boards[0].name "One!": want 3 to 40`},
		{"address: 0x44", "address: 0x50", `line 14: boards[0].devices[1].address 0x50: want 0x44 to 0x46`},
		{"        address: 0x44\n", "", `boards[0].devices[1].address 0x00: want 0x44 to 0x46`},
		{"28-000000000001", "10-000000000001", `line 10: boards[0].devices[0].rom "10-000000000001": want 28-`},
		{"senses: room.air}", "senses: room.wind}", `line 10: boards[0].devices[0].senses "room.wind": want one of a room's quantities`},
		{"senses: room.air}", "senses: cellar.air}", `line 10: boards[0].devices[0].senses "cellar.air": want OBJECT.QUANTITY`},
		{"senses: van}", "senses: room}", `line 17: boards[0].devices[2].senses "room": want the name of a vehicle`},
		{"bus: w1", "bus: i2c-1", `line 10: boards[0].devices[0].bus "i2c-1": want a bus for a ds18b20, as in w1`},
		{"kind: gnss", "kind: sonar", `line 17: boards[0].devices[2].kind "sonar": want battery, bme280`},
		{"name: gnss", "name: probe", `line 17: boards[0].devices[2].name "probe": want something else: boards[0].devices[0].name has it`},
		{"setpoint_c: 5", "setpoint_c: 500", `line 6: boards[0].world[0].room.setpoint_c 500: want -60 to 60 °C`},
		{"route: sodo-bellevue-i90", "route: mars", `line 8: boards[0].world[1].vehicle.route "mars"`},
		{"name: one", "name: one\n    speed: 5000", `line 4: boards[0].speed 5000: want 0.01 to 1000`},
		{"name: one", "name: one\n    start: soon", `line 4: boards[0].start "soon": want "now"`},
		{"name: one", "name: one\n    tcp: nowhere", `line 4: boards[0].tcp "nowhere": want HOST:PORT`},
		{"name: one", "name: one\n    colour: red", `unknown field "colour"`},
		{"seed: 1", "seed: one", `[1:7]`},
		{"humidity: room.humidity", "humidity: room.humidity\n        lag: -3s", `line 17: boards[0].devices[1].lag -3s: want up to 1h`},
	} {
		_, err := Parse([]byte(strings.Replace(small, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q:\n got %v\nwant %s", c.new, c.old, err, c.want)
		}
	}
	both := strings.NewReplacer("name: one", "name: '!'", "0x44", "0x50").Replace(small)
	if _, err := Parse([]byte(both)); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two mistakes: %v, want both told", err)
	}
	for _, text := range []string{"", "seed: 1", small + "---\nseed: 2\n", strings.Repeat("#", maxFile+1)} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("scenario of %d bytes was accepted: %.20q", len(text), text)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.yaml")
	if _, err := Load(path); err == nil {
		t.Error("a missing file was loaded")
	}
	if err := os.WriteFile(path, []byte("boards: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add(DemoYAML())
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := Parse(text); err == nil {
			if again := s.Check(); again != nil {
				t.Errorf("parsed, but checked: %v", again)
			}
		}
	})
}
