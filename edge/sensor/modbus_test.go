package sensor

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// unit is a recorded unit: what it answers to each request.
type unit map[string]any

func (u unit) Read(id uint8, table bus.ModbusTable, address, n uint16) ([]uint16, error) {
	switch a := u[fmt.Sprintf("%d %s %d %d", id, table, address, n)].(type) {
	case []uint16:
		return a, nil
	case error:
		return nil, a
	}
	return nil, &bus.Refusal{Reason: errors.New("illegal data address")}
}

func TestRegisterValues(t *testing.T) {
	half := math.Float32bits(-18.5)
	for _, tt := range []struct {
		r     Register
		words []uint16
		want  Value
	}{
		{Register{Quantity: "temperature", Type: "int16", Scale: 0.1}, []uint16{0xFF47}, Value{reading.Temperature, -18_500, 0}},
		{Register{Quantity: "temperature", Type: "int16", Scale: 0.1, Invalid: []string{"0x7FFF", "-32768"}}, []uint16{0x7FFF}, Value{reading.Temperature, 0, reading.NoAnswer}},
		{Register{Quantity: "temperature", Type: "int16", Scale: 0.1, Invalid: []string{"0x7FFF", "-32768"}}, []uint16{0x8000}, Value{reading.Temperature, 0, reading.NoAnswer}},
		{Register{Quantity: "temperature", Type: "int16", Scale: 0.1, Min: -50, Max: 50}, []uint16{501}, Value{reading.Temperature, 50_100, reading.OutOfRange}},
		{Register{Quantity: "temperature", Type: "int16"}, []uint16{0x8000}, Value{reading.Temperature, -32_768_000, reading.OutOfRange}},
		{Register{Quantity: "temperature", Type: "uint16", Scale: 0.1, Offset: -100}, []uint16{815}, Value{reading.Temperature, -18_500, 0}},
		{Register{Quantity: "temperature", Type: "float32"}, []uint16{uint16(half >> 16), uint16(half)}, Value{reading.Temperature, -18_500, 0}},
		{Register{Quantity: "temperature", Type: "float32", Words: "low-first"}, []uint16{uint16(half), uint16(half >> 16)}, Value{reading.Temperature, -18_500, 0}},
		{Register{Quantity: "temperature", Type: "float32"}, []uint16{0x7FC0, 0}, Value{reading.Temperature, 0, reading.NoAnswer}},
		{Register{Quantity: "temperature", Type: "float32"}, []uint16{0xFF80, 0}, Value{reading.Temperature, 0, reading.NoAnswer}},
		{Register{Quantity: "temperature", Type: "float32"}, []uint16{0x7F7F, 0xFFFF}, Value{reading.Temperature, 0, reading.NoAnswer}},
		{Register{Quantity: "pressure", Type: "uint32"}, []uint16{1, 0x8BCD}, Value{reading.Pressure, 101_325, 0}},
		{Register{Quantity: "pressure", Type: "int32", Words: "low-first"}, []uint16{0x8BCD, 1}, Value{reading.Pressure, 101_325, 0}},
		{Register{Quantity: "pressure", Type: "int32", Invalid: []string{"0x80000000"}}, []uint16{0x8000, 0}, Value{reading.Pressure, 0, reading.NoAnswer}},
		{Register{Quantity: "voltage", Type: "uint16", Scale: 0.01}, []uint16{2412}, Value{reading.Voltage, 24_120, 0}},
		{Register{Quantity: "humidity", Type: "uint16"}, []uint16{101}, Value{reading.Humidity, 101_000, reading.OutOfRange}},
		{Register{Quantity: "compressor-running", Type: "bit", Mask: "0x0008"}, []uint16{0x00F8}, Value{reading.CompressorRunning, 1, 0}},
		{Register{Quantity: "compressor-running", Type: "bit", Mask: "0x0008"}, []uint16{0xFFF7}, Value{reading.CompressorRunning, 0, 0}},
		{Register{Quantity: "compressor-running", Type: "uint16"}, []uint16{2}, Value{reading.CompressorRunning, 2, reading.OutOfRange}},
		{Register{Quantity: "state-of-charge", Type: "uint16", Mask: "0xFF00"}, []uint16{0x5A11}, Value{reading.StateOfCharge, 90_000, 0}},
		{Register{Quantity: "door", Table: "discrete"}, []uint16{1}, Value{reading.Door, 1, 0}},
	} {
		tt.r.Address = "0"
		p, field, value, remedy := tt.r.parse()
		if remedy != "" {
			t.Errorf("%+v: %s %q: %s", tt.r, field, value, remedy)
		} else if got := p.value(tt.words); got != tt.want {
			t.Errorf("%+v of %04x: got %+v, want %+v", tt.r, tt.words, got, tt.want)
		}
	}
}

func TestRegisterProblems(t *testing.T) {
	good := Register{Quantity: "temperature", Address: "256", Type: "int16"}
	for field, spoil := range map[string]func(r *Register){
		"quantity": func(r *Register) { r.Quantity = "warmth" },
		"table":    func(r *Register) { r.Table = "holdings" },
		"address":  func(r *Register) { r.Address = "65536" },
		"type":     func(r *Register) { r.Type = "int8" },
		"words":    func(r *Register) { r.Words = "big" },
		"mask":     func(r *Register) { r.Mask = "1" },
		"scale":    func(r *Register) { r.Scale = 1e9 },
		"offset":   func(r *Register) { r.Offset = math.Inf(1) },
		"max":      func(r *Register) { r.Min, r.Max = 5, -5 },
		"invalid":  func(r *Register) { r.Invalid = []string{"0x10000"} },
	} {
		r := good
		spoil(&r)
		if _, got, _, remedy := r.parse(); got != field || remedy == "" {
			t.Errorf("%+v: blames %q (%s), want %s", r, got, remedy, field)
		}
	}
	for _, r := range []Register{
		{Quantity: "temperature", Address: "65535", Type: "int32"}, {Quantity: "door", Address: "1", Table: "coil", Type: "int16"}, {Quantity: "door", Type: "bit"},
	} {
		if _, _, _, remedy := r.parse(); remedy == "" {
			t.Errorf("%+v was taken", r)
		}
	}
	spec := Spec{Driver: "modbus", Bus: "tcp:unit:502", Address: "1", Options: Options{Registers: []Register{good, good}}}
	if p := Check(spec); len(p) != 1 || p[0].Field != "options.registers[1].quantity" {
		t.Errorf("the same quantity twice: %+v", p)
	}
}

func TestModbus(t *testing.T) {
	registers := []Register{
		{Quantity: "temperature", Address: "0x10", Type: "int16", Scale: 0.1},
		{Quantity: "compressor-setpoint", Address: "18", Table: "input", Type: "int16", Scale: 0.1},
		{Quantity: "compressor-running", Address: "3", Table: "coil"},
	}
	u := unit{"7 holding 16 1": []uint16{45}, "7 input 18 1": []uint16{40}, "7 coil 3 1": []uint16{1}}
	d, err := NewModbus(u, 7, registers)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want ...Value) {
		t.Helper()
		vs, err := measure(d)
		if err != nil || len(vs) != len(want) {
			t.Fatalf("%s: %+v %v", when, vs, err)
		}
		for i := range want {
			if vs[i] != want[i] {
				t.Errorf("%s: got %+v, want %+v", when, vs[i], want[i])
			}
		}
	}
	temperature, running := Value{reading.Temperature, 4_500, 0}, Value{reading.CompressorRunning, 1, 0}
	check("whole", temperature, Value{reading.CompressorSetpoint, 4_000, 0}, running)
	delete(u, "7 input 18 1")
	check("one refused", temperature, Value{reading.CompressorSetpoint, 0, reading.NoAnswer}, running)
	for _, tt := range []struct {
		err  error
		want reading.Quality
	}{{bus.ErrNack, reading.NoAnswer}, {bus.ErrChecksum, reading.Checksum}, {bus.ErrNotReady, reading.NotReady}} {
		u["7 coil 3 1"] = tt.err
		if vs, err := measure(d); !errors.Is(err, tt.err) || QualityOf(err) != tt.want {
			t.Errorf("%v: got %+v %v", tt.err, vs, err)
		}
	}
	for k := range u {
		delete(u, k)
	}
	if vs, err := measure(d); err == nil || QualityOf(err) != reading.NoAnswer {
		t.Errorf("all refused: %+v %v", vs, err)
	}
}

// Whatever is in a register, and however it is described, there is a value, and
// one that is called good is one that was there.
func FuzzRegister(f *testing.F) {
	f.Add("temperature", "int16", "low-first", "0x7FFF", "", 0.1, 0.0, uint16(45), uint16(0))
	f.Add("compressor-running", "uint32", "", "1", "0x80000000", 1.0, 0.0, uint16(0x8000), uint16(0))
	f.Add("pressure", "float32", "", "", "", 100.0, 1.0, uint16(0x7FC0), uint16(1))
	f.Fuzz(func(t *testing.T, quantity, kind, words, invalid, mask string, scale, offset float64, a, b uint16) {
		r := Register{Quantity: quantity, Address: "1", Type: kind, Words: words, Mask: mask, Scale: scale, Offset: offset}
		if invalid != "" {
			r.Invalid = []string{invalid}
		}
		p, _, _, remedy := r.parse()
		if remedy != "" {
			return
		}
		v := p.value([]uint16{a, b}[:widths[p.kind]])
		if !v.Quality.HasValue() && v.Value != 0 {
			t.Errorf("%+v of %04x %04x: %+v has a value", r, a, b, v)
		}
		if v.Quality == reading.OK && twoState(v.Quantity) && v.Value&^1 != 0 {
			t.Errorf("%+v of %04x %04x: %+v is called good", r, a, b, v)
		}
	})
}
