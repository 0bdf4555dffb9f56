package sensor

import (
	"errors"
	"reflect"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// nacking is a bus on which some transactions are not acknowledged.
type nacking struct {
	i2c.Bus
	at []int // which, counted from 0
	n  int
}

func (b *nacking) Tx(addr uint16, w, r []byte) error {
	defer func() { b.n++ }()
	for _, n := range b.at {
		if n == b.n {
			return bus.ErrNack
		}
	}
	return b.Bus.Tx(addr, w, r)
}

func playback(t *testing.T, ops ...i2ctest.IO) *i2ctest.Playback {
	t.Helper()
	p := &i2ctest.Playback{Ops: ops, DontPanic: true}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// word is a word of the SHT4x with its checksum.
func word(v uint16) []byte {
	b := []byte{byte(v >> 8), byte(v)}
	return append(b, crcSensirion(b))
}

func TestCRCSensirion(t *testing.T) {
	if got := crcSensirion([]byte{0xBE, 0xEF}); got != 0x92 { // the data sheet's example
		t.Errorf("got %#x, want 0x92", got)
	}
}

func TestSHT4x(t *testing.T) {
	answer := func(temp, rh uint16) i2ctest.IO {
		return i2ctest.IO{Addr: 0x44, R: append(word(temp), word(rh)...)}
	}
	spoilt := answer(0x6666, 0x6666)
	spoilt.R[1] ^= 4
	for _, tt := range []struct {
		name   string
		answer i2ctest.IO
		t, rh  Value
		err    reading.Quality
	}{
		{"usual", answer(0x6666, 0x6666), Value{reading.Temperature, 25_000, 0}, Value{reading.Humidity, 44_000, 0}, 0},
		{"4 °C", answer(0x47AE, 0x8000), Value{reading.Temperature, 4_001, 0}, Value{reading.Humidity, 56_501, 0}, 0},
		{"drier than dry", answer(0x6666, 0x0500), Value{reading.Temperature, 25_000, 0}, Value{reading.Humidity, 0, 0}, 0},
		{"dew", answer(0x6666, 0xE000), Value{reading.Temperature, 25_000, 0}, Value{reading.Humidity, 100_000, 0}, 0},
		{"open element", answer(0, 0xFFFF), Value{reading.Temperature, -45_000, reading.OutOfRange}, Value{reading.Humidity, 100_000, reading.OutOfRange}, 0},
		{"too hot", answer(0xFFFF, 0x6666), Value{reading.Temperature, 130_000, reading.OutOfRange}, Value{reading.Humidity, 44_000, 0}, 0},
		{"flipped bit", spoilt, Value{}, Value{}, reading.Checksum},
		{"idle bus", i2ctest.IO{Addr: 0x44, R: []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}}, Value{}, Value{}, reading.Checksum},
		{"held low", i2ctest.IO{Addr: 0x44, R: make([]byte, 6)}, Value{}, Value{}, reading.Checksum},
	} {
		d := NewSHT4x(playback(t, i2ctest.IO{Addr: 0x44, W: []byte{0xFD}}, tt.answer), 0x44, High)
		vs, err := measure(d)
		if tt.err != 0 {
			if QualityOf(err) != tt.err {
				t.Errorf("%s: got %+v %v, want %v", tt.name, vs, err, tt.err)
			}
			continue
		}
		if err != nil || len(vs) != 2 || vs[0] != tt.t || vs[1] != tt.rh {
			t.Errorf("%s: got %+v %v, want %+v %+v", tt.name, vs, err, tt.t, tt.rh)
		}
	}
}

func TestSHT4xDoesNotAnswer(t *testing.T) {
	begin := i2ctest.IO{Addr: 0x44, W: []byte{0xE0}}
	d := NewSHT4x(&nacking{Bus: playback(t, begin), at: []int{1, 2}}, 0x44, Low)
	if _, err := measure(d); QualityOf(err) != reading.NotReady {
		t.Errorf("slow: got %v", err)
	}
	if _, err := measure(d); QualityOf(err) != reading.NoAnswer || !errors.Is(err, bus.ErrNack) {
		t.Errorf("unplugged: got %v", err)
	}
	// The answer to a measurement nobody began now is not taken.
	if vs, err := d.Read(t.Context()); QualityOf(err) != reading.NotReady {
		t.Errorf("not begun: got %+v %v", vs, err)
	}
}

func TestMCP9808(t *testing.T) {
	reg := func(r byte, v uint16) i2ctest.IO {
		return i2ctest.IO{Addr: 0x18, W: []byte{r}, R: []byte{byte(v >> 8), byte(v)}}
	}
	write := func(b ...byte) i2ctest.IO { return i2ctest.IO{Addr: 0x18, W: b} }
	setUp := []i2ctest.IO{reg(4, 0), reg(6, 0x0054), reg(7, 0x0400), write(1, 0, 0), write(8, 3), write(4, 0x06, 0x54)}
	good := func(raw uint16) []i2ctest.IO {
		return []i2ctest.IO{reg(4, mcpWitness), reg(5, raw), reg(4, mcpWitness)}
	}
	var ops []i2ctest.IO
	ops = append(ops, setUp...)
	ops = append(ops, reg(5, 0xC048), reg(4, mcpWitness))             // first: 4.5 °C with alert flags
	ops = append(ops, good(0x1FF8)...)                                // -0.5 °C
	ops = append(ops, good(0x0000)...)                                // a true 0 °C
	ops = append(ops, good(0x1D70)...)                                // -41 °C
	ops = append(ops, reg(4, mcpWitness), reg(5, 0x0000), reg(4, 0))  // restarts between Begin and Read
	ops = append(ops, setUp...)                                       // and is set up again
	ops = append(ops, reg(5, 0x0040), reg(4, mcpWitness))             // 4 °C
	ops = append(ops, reg(4, 0xFFFF), reg(6, 0xFFFF), reg(7, 0xFFFF)) // somebody else
	d := NewMCP9808(playback(t, ops...), 0x18)
	for _, want := range []Value{
		{reading.Temperature, 4_500, 0}, {reading.Temperature, -500, 0}, {reading.Temperature, 0, 0},
		{reading.Temperature, -41_000, reading.OutOfRange}, {reading.Temperature, 0, reading.PowerOn}, {reading.Temperature, 4_000, 0},
	} {
		if vs, err := measure(d); err != nil || vs[0] != want {
			t.Fatalf("got %+v %v, want %+v", vs, err, want)
		}
	}
	if vs, err := measure(d); err == nil || QualityOf(err) != reading.NoAnswer {
		t.Errorf("another part: got %+v %v", vs, err)
	}
}

func TestSHT3x(t *testing.T) {
	answer := func(temp, rh uint16) i2ctest.IO {
		return i2ctest.IO{Addr: 0x45, R: append(word(temp), word(rh)...)}
	}
	spoilt := answer(0x6666, 0x6666)
	spoilt.R[4] ^= 0x80
	for _, tt := range []struct {
		name   string
		answer i2ctest.IO
		t, rh  Value
		err    reading.Quality
	}{
		{"usual", answer(0x6666, 0x6666), Value{reading.Temperature, 25_000, 0}, Value{reading.Humidity, 40_000, 0}, 0},
		{"4 °C", answer(0x47AE, 0x8000), Value{reading.Temperature, 4_001, 0}, Value{reading.Humidity, 50_001, 0}, 0},
		{"open element", answer(0, 0xFFFF), Value{reading.Temperature, -45_000, reading.OutOfRange}, Value{reading.Humidity, 100_000, reading.OutOfRange}, 0},
		{"shorted element", answer(0xFFFF, 0), Value{reading.Temperature, 130_000, reading.OutOfRange}, Value{reading.Humidity, 0, reading.OutOfRange}, 0},
		{"flipped bit", spoilt, Value{}, Value{}, reading.Checksum},
		{"idle bus", i2ctest.IO{Addr: 0x45, R: []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}}, Value{}, Value{}, reading.Checksum},
		{"held low", i2ctest.IO{Addr: 0x45, R: make([]byte, 6)}, Value{}, Value{}, reading.Checksum},
	} {
		d := NewSHT3x(playback(t, i2ctest.IO{Addr: 0x45, W: []byte{0x24, 0x0B}}, tt.answer), 0x45, Medium)
		vs, err := measure(d)
		if tt.err != 0 {
			if QualityOf(err) != tt.err {
				t.Errorf("%s: got %+v %v, want %v", tt.name, vs, err, tt.err)
			}
			continue
		}
		if err != nil || len(vs) != 2 || vs[0] != tt.t || vs[1] != tt.rh {
			t.Errorf("%s: got %+v %v, want %+v %+v", tt.name, vs, err, tt.t, tt.rh)
		}
	}
	d := NewSHT3x(&nacking{Bus: playback(t, i2ctest.IO{Addr: 0x44, W: []byte{0x24, 0x00}}), at: []int{1, 2}}, 0x44, High)
	if _, err := measure(d); QualityOf(err) != reading.NotReady {
		t.Errorf("slow: got %v", err)
	}
	if _, err := measure(d); QualityOf(err) != reading.NoAnswer || !errors.Is(err, bus.ErrNack) {
		t.Errorf("unplugged: got %v", err)
	}
	if vs, err := d.Read(t.Context()); QualityOf(err) != reading.NotReady {
		t.Errorf("not begun: got %+v %v", vs, err)
	}
}

func TestTMP117(t *testing.T) {
	reg := func(r byte, v uint16) i2ctest.IO {
		return i2ctest.IO{Addr: 0x48, W: []byte{r}, R: []byte{byte(v >> 8), byte(v)}}
	}
	begin := i2ctest.IO{Addr: 0x48, W: []byte{1, 0x0C, 0x20}}
	const done = 0x2420
	flag := reg(1, 0x0420)
	ops := []i2ctest.IO{reg(15, 0x1117)} // a later revision
	good := func(raw uint16) { ops = append(ops, flag, begin, reg(1, done), reg(0, raw)) }
	good(0x0C80)                                                    // 25 °C, the data sheet's
	good(0x0001)                                                    // its 7.8125 m°C
	good(0xFFFF)                                                    // and below zero
	good(0x0000)                                                    // a true 0 °C
	good(0xE480)                                                    // its -55 °C
	good(0xD800)                                                    // -80 °C
	ops = append(ops, flag, begin, reg(1, 0x0C20))                  // still measuring
	good(0x8000)                                                    // restarted before the result was read
	ops = append(ops, reg(15, 0x0117))                              // and is asked again
	ops = append(ops, flag, begin, reg(1, 0x2220), reg(0, 0x0C80))  // restarted, and has measured by itself
	ops = append(ops, reg(15, 0x0117), flag, begin)                 //
	ops = append(ops, reg(1, 0xFFFF), reg(0, 0xFFFF))               // the line floats
	ops = append(ops, reg(15, 0x0117), flag, begin, reg(1, 0x2C20)) // ready while the mode still reads one shot
	ops = append(ops, reg(0, 0x0200), flag, begin, reg(1, 0), reg(0, 0), reg(15, 0xFFFF))
	d := NewTMP117(playback(t, ops...), 0x48)
	for i, want := range []any{
		Value{reading.Temperature, 25_000, 0}, Value{reading.Temperature, 8, 0}, Value{reading.Temperature, -8, 0}, Value{reading.Temperature, 0, 0},
		Value{reading.Temperature, -55_000, 0}, Value{reading.Temperature, -80_000, reading.OutOfRange}, reading.NotReady,
		Value{reading.Temperature, -256_000, reading.PowerOn}, Value{reading.Temperature, 25_000, reading.PowerOn},
		Value{reading.Temperature, -8, reading.PowerOn}, Value{reading.Temperature, 4_000, 0}, Value{reading.Temperature, 0, reading.PowerOn}, reading.NoAnswer,
	} {
		vs, err := measure(d)
		if q, bad := want.(reading.Quality); bad && (err == nil || QualityOf(err) != q) || !bad && (err != nil || vs[0] != want) {
			t.Errorf("%d: got %+v %v, want %+v", i, vs, err, want)
		}
	}
}

// levels is a line that gives one level after another; nil is an error.
type levels struct {
	seq  []any
	pull gpio.Pull
}

func (l *levels) Level(p gpio.Pull) (gpio.Level, error) {
	l.pull = p
	v := l.seq[0]
	l.seq = l.seq[1:]
	if err, ok := v.(error); ok {
		return gpio.Low, err
	}
	return v.(gpio.Level), nil
}

func TestDoor(t *testing.T) {
	gone := errors.New("line is gone")
	for _, tt := range []struct {
		name string
		seq  []any
		want int64
		err  error
	}{
		{"closed", []any{gpio.Low, gpio.Low}, 0, nil},
		{"open", []any{gpio.High, gpio.High}, 1, nil},
		{"opening", []any{gpio.Low, gpio.High, gpio.High}, 1, nil},
		{"a spike", []any{gpio.High, gpio.Low, gpio.High}, 1, nil},
		{"gone at once", []any{gone}, 0, gone},
		{"gone later", []any{gpio.Low, gone}, 0, gone},
		{"gone last", []any{gpio.Low, gpio.High, gone}, 0, gone},
	} {
		for _, open := range []gpio.Level{gpio.High, gpio.Low} {
			l := &levels{seq: tt.seq}
			vs, err := measure(NewDoor(l, open, gpio.PullUp, 0))
			if !errors.Is(err, tt.err) {
				t.Errorf("%s: got %+v %v, want %v", tt.name, vs, err, tt.err)
			} else if want := tt.want ^ map[gpio.Level]int64{gpio.High: 0, gpio.Low: 1}[open]; err == nil && vs[0] != (Value{reading.Door, want, reading.OK}) {
				t.Errorf("%s, open %v: got %+v, want %d", tt.name, open, vs, want)
			}
			if l.pull != gpio.PullUp || len(l.seq) > 0 {
				t.Errorf("%s: pull %v, %d levels not looked at", tt.name, l.pull, len(l.seq))
			}
		}
	}
}

// errBus does not acknowledge what it was not told to expect.
type errBus struct{ *i2ctest.Playback }

func (b errBus) Tx(addr uint16, w, r []byte) error {
	if b.Count < len(b.Ops) && b.Ops[b.Count].Addr == addr {
		return b.Playback.Tx(addr, w, r)
	}
	return bus.ErrNack
}

func TestFindI2C(t *testing.T) {
	p := playback(t,
		i2ctest.IO{Addr: 0x19, W: []byte{6}, R: []byte{0, 0x54}}, i2ctest.IO{Addr: 0x19, W: []byte{7}, R: []byte{4, 1}},
		i2ctest.IO{Addr: 0x1C, W: []byte{6}, R: []byte{0, 0x1F}}, i2ctest.IO{Addr: 0x1C, W: []byte{7}, R: []byte{4, 1}}, // a memory module's
		i2ctest.IO{Addr: 0x44, W: []byte{0x89}}, i2ctest.IO{Addr: 0x44, R: append(word(0x0F1E), word(0x2D3C)...)},
		i2ctest.IO{Addr: 0x45, W: []byte{0x89}}, i2ctest.IO{Addr: 0x45, R: make([]byte, 6)}, // another part
		i2ctest.IO{Addr: 0x45, W: []byte{0x36, 0x82}}, i2ctest.IO{Addr: 0x45, R: append(word(1), word(2)...)}, // of this kind
		i2ctest.IO{Addr: 0x49, W: []byte{15}, R: []byte{0x01, 0x17}},
		i2ctest.IO{Addr: 0x4A, W: []byte{15}, R: []byte{0x75, 0x00}}, // an LM75's
		i2ctest.IO{Addr: 0x76, W: []byte{0xD0}, R: []byte{0x60}}, i2ctest.IO{Addr: 0x77, W: []byte{0xD0}, R: []byte{0x58}},
	)
	found := FindI2C(errBus{p})
	if len(found) != 5 || found[2].ID != "sht3x-45" || found[3].ID != "tmp117-49" || found[4].ID != "bme280-76" || !reflect.DeepEqual(found[0], Spec{ID: "mcp9808-19", Driver: "mcp9808", Bus: "playback", Address: "0x19"}) || found[1].ID != "sht4x-44" {
		t.Errorf("found %+v", found)
	}
}
