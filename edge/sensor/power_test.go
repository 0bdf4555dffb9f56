package sensor

import (
	"os"
	"path/filepath"
	"testing"

	"periph.io/x/conn/v3/gpio"

	"frostline/proto/reading"
)

// sysfs writes files as Linux shows them, and takes away those given as empty.
func sysfs(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if text == "" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// step is what is written before a reading, and what is read then.
type step struct {
	name  string
	files map[string]string
	want  []Value // nil: no answer
}

func steps(t *testing.T, dir string, d Driver, all []step) {
	t.Helper()
	for _, s := range all {
		sysfs(t, dir, s.files)
		vs, err := measure(d)
		if s.want == nil {
			if err == nil || QualityOf(err) != reading.NoAnswer {
				t.Errorf("%s: got %+v %v, want no answer", s.name, vs, err)
			}
			continue
		}
		if err != nil || len(vs) != len(s.want) {
			t.Errorf("%s: got %+v %v", s.name, vs, err)
			continue
		}
		for i := range vs {
			if vs[i] != s.want[i] {
				t.Errorf("%s: got %+v, want %+v", s.name, vs[i], s.want[i])
			}
		}
	}
}

func TestBattery(t *testing.T) {
	dir := t.TempDir()
	v := func(milli int64, q reading.Quality) Value { return Value{reading.Voltage, milli, q} }
	c := func(percent int64, q reading.Quality) Value { return Value{reading.StateOfCharge, percent * 1000, q} }
	steps(t, dir, NewBattery(dir), []step{
		{"nothing there", nil, nil},
		{"usual", map[string]string{"type": "Battery", "present": "1", "voltage_now": "12624600", "capacity": "87"}, []Value{v(12_625, 0), c(87, 0)}},
		{"empty", map[string]string{"capacity": "0", "voltage_now": "9900000"}, []Value{v(9_900, 0), c(0, 0)}},
		{"a gauge without its battery", map[string]string{"capacity": "0", "voltage_now": "0"}, []Value{v(0, reading.OutOfRange), c(0, reading.OutOfRange)}},
		{"never calibrated", map[string]string{"capacity": "104", "voltage_now": "13000000"}, []Value{v(13_000, 0), c(101, reading.OutOfRange)}},
		{"no number", map[string]string{"capacity": "Unknown"}, []Value{v(13_000, 0), c(0, reading.NoAnswer)}},
		{"no voltage", map[string]string{"voltage_now": "", "capacity": "50"}, []Value{v(0, reading.NoAnswer), c(50, 0)}},
		{"taken out", map[string]string{"present": "0"}, nil},
	})
}

func TestVoltage(t *testing.T) {
	root := t.TempDir()
	hwmon, iio := filepath.Join(root, "class/hwmon/hwmon3"), filepath.Join(root, "bus/iio/devices/iio:device0")
	v := func(milli int64, q reading.Quality) []Value { return []Value{{reading.Voltage, milli, q}} }
	d := NewVoltage("hwmon:ina219", "in1", 1)
	d.root = root
	steps(t, hwmon, d, []step{
		{"nothing there", nil, nil},
		{"usual", map[string]string{"name": "ina219", "in1_input": "24120"}, v(24_120, 0)},
		{"below ground", map[string]string{"in1_input": "-5"}, v(-5, 0)},
		{"no number", map[string]string{"in1_input": "volts"}, nil},
	})
	sysfs(t, root, map[string]string{"class/hwmon/hwmon7/name": "ina219"})
	if vs, err := measure(d); err == nil {
		t.Errorf("two of that name: got %+v", vs)
	}
	d = NewVoltage(iio, "in_voltage2", 11)
	steps(t, iio, d, []step{
		{"no scale", map[string]string{"name": "ads1015", "in_voltage2_raw": "1100"}, nil},
		{"the scale of all", map[string]string{"in_voltage_scale": "1.0"}, v(12_100, 0)},
		{"its own", map[string]string{"in_voltage2_scale": "2.0", "in_voltage2_offset": "-100"}, v(22_000, 0)},
		{"full scale", map[string]string{"in_voltage2_raw": "4095", "scan_elements/in_voltage2_type": "le:u12/16>>0"}, v(87_890, reading.OutOfRange)},
		{"next to it", map[string]string{"in_voltage2_raw": "4094"}, v(87_868, 0)},
		{"signed full scale", map[string]string{"in_voltage2_raw": "-2048", "scan_elements/in_voltage2_type": "be:s12/16>>4"}, v(-47_256, reading.OutOfRange)},
		{"scale is no number", map[string]string{"in_voltage2_scale": "NaN"}, nil},
	})
	supply := filepath.Join(root, "class/power_supply/AC")
	steps(t, supply, NewVoltage(supply, "voltage_now", 1), []step{
		{"mains", map[string]string{"voltage_now": "5023000"}, v(5_023, 0)},
		{"unplugged", map[string]string{"voltage_now": "0"}, v(0, reading.OutOfRange)},
	})
}

func TestTamper(t *testing.T) {
	d := NewTamper(&levels{seq: []any{gpio.High, gpio.High, gpio.Low, gpio.Low}}, gpio.High, gpio.PullUp, 0)
	for _, want := range []int64{1, 0} {
		if vs, err := measure(d); err != nil || vs[0] != (Value{reading.Tamper, want, reading.OK}) {
			t.Errorf("got %+v %v, want %d", vs, err, want)
		}
	}
	if d.Model() != "tamper" {
		t.Errorf("model %s", d.Model())
	}
}

// Whatever a file shows, there is a value or an error, and no panic.
func FuzzVoltage(f *testing.F) {
	f.Add("4095", "1.5", "-3", "le:u12/16>>0")
	f.Fuzz(func(t *testing.T, raw, scale, offset, kind string) {
		dir := t.TempDir()
		for name, text := range map[string]string{"in_voltage0_raw": raw, "in_voltage0_scale": scale, "in_voltage0_offset": offset, "scan_elements/in_voltage0_type": kind} {
			sysfs(t, dir, map[string]string{name: text + " "})
		}
		vs, err := measure(NewVoltage(dir, "in_voltage0", 1000))
		if err == nil && (vs[0].Value > maxMicrovolts/1000 || vs[0].Value < -maxMicrovolts/1000) {
			t.Errorf("%q %q %q %q: %+v", raw, scale, offset, kind, vs)
		}
	})
}
