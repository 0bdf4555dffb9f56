package sensor

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewiretest"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

const rom onewire.Address = 0x7a00000131825228

// wire plays a recorded bus back.
type wire struct {
	*onewiretest.Playback
	held time.Duration
	err  error // given in place of the next transaction
}

func (w *wire) Tx(b, r []byte, p onewire.Pullup) error {
	if err := w.err; err != nil {
		w.err = nil
		return err
	}
	return w.Playback.Tx(b, r, p)
}

func (w *wire) Hold(b []byte, d time.Duration) error {
	w.held = d
	return w.Tx(b, nil, onewire.StrongPullup)
}

// tx is a transaction with the one device.
func tx(command []byte, answer ...byte) onewiretest.IO {
	return onewiretest.IO{W: append([]byte{0x55, 0x28, 0x52, 0x82, 0x31, 0x01, 0, 0, 0x7a}, command...), R: answer}
}

// pad is a scratchpad with a right checksum.
func pad(raw uint16, config byte) []byte {
	b := []byte{byte(raw), byte(raw >> 8), 0x4B, 0x46, config, 0xFF, 0x0C, 0x10}
	return append(b, onewire.CalcCRC(b))
}

var (
	readPad  = []byte{cmdReadScratchpad}
	convert  = tx([]byte{cmdConvert})
	external = tx([]byte{cmdReadSupply}, 0xFF)
)

func probe(t *testing.T, ops ...onewiretest.IO) (*DS18B20, *wire) {
	t.Helper()
	w := &wire{Playback: &onewiretest.Playback{Ops: ops, DontPanic: true}}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return NewDS18B20(w, rom, 12), w
}

// measure begins and reads.
func measure(d Driver) ([]Value, error) {
	if err := d.Begin(context.Background()); err != nil {
		return nil, err
	}
	return d.Read(context.Background())
}

func TestDS18B20(t *testing.T) {
	flip := func(b []byte) []byte { b[0] ^= 1; return b }
	for _, tt := range []struct {
		name string
		ops  []onewiretest.IO // after one good measurement of 4.5 °C
		want Value            // zero Quantity: an error
		err  reading.Quality
	}{
		{"again", []onewiretest.IO{convert, tx(readPad, pad(0x0191, 0x7F)...)}, Value{reading.Temperature, 25_062, 0}, 0},
		{"below zero", []onewiretest.IO{convert, tx(readPad, pad(0xFF5E, 0x7F)...)}, Value{reading.Temperature, -10_125, 0}, 0},
		{"coldest", []onewiretest.IO{convert, tx(readPad, pad(0xFC90, 0x7F)...)}, Value{reading.Temperature, -55_000, 0}, 0},
		{"beyond the range", []onewiretest.IO{convert, tx(readPad, pad(0x07FF, 0x7F)...)}, Value{reading.Temperature, 127_937, reading.OutOfRange}, 0},
		{"power-on value", []onewiretest.IO{convert, tx(readPad, pad(0x0550, 0x7F)...)}, Value{reading.Temperature, 85_000, reading.PowerOn}, 0},
		{"next to it", []onewiretest.IO{convert, tx(readPad, pad(0x0551, 0x7F)...)}, Value{reading.Temperature, 85_062, 0}, 0},
		{"one bad checksum", []onewiretest.IO{convert, tx(readPad, flip(pad(0x0191, 0x7F))...), tx(readPad, pad(0x0191, 0x7F)...)}, Value{reading.Temperature, 25_062, 0}, 0},
		{"bad checksums", []onewiretest.IO{convert, tx(readPad, flip(pad(0x0191, 0x7F))...), tx(readPad, flip(pad(0x0191, 0x7F))...)}, Value{}, reading.Checksum},
		{"unplugged", []onewiretest.IO{convert, tx(readPad, slices.Repeat([]byte{0xFF}, 9)...), tx(readPad, slices.Repeat([]byte{0xFF}, 9)...)}, Value{}, reading.NoAnswer},
		{"shorted", []onewiretest.IO{convert, tx(readPad, make([]byte, 9)...)}, Value{}, reading.NoAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ops := []onewiretest.IO{tx(readPad, pad(0x0550, 0x7F)...), external, convert, tx(readPad, pad(0x0048, 0x7F)...)}
			d, _ := probe(t, append(ops, tt.ops...)...)
			if vs, err := measure(d); err != nil || vs[0] != (Value{reading.Temperature, 4_500, reading.OK}) {
				t.Fatalf("got %+v %v", vs, err)
			}
			vs, err := measure(d)
			if tt.want.Quantity == 0 {
				if err == nil || QualityOf(err) != tt.err {
					t.Errorf("got %+v, %v, want %v", vs, err, tt.err)
				}
			} else if err != nil || len(vs) != 1 || vs[0] != tt.want {
				t.Errorf("got %+v, %v, want %+v", vs, err, tt.want)
			}
		})
	}
}

// A part with another resolution in its EEPROM is set up, again after each
// restart, and never in its EEPROM.
func TestDS18B20Resolution(t *testing.T) {
	set := tx([]byte{cmdWriteScratchpad, 0x4B, 0x46, 0x3F})
	d, _ := probe(t,
		tx(readPad, pad(0x0550, 0x7F)...), set, external, convert, tx(readPad, pad(0x004B, 0x3F)...),
		convert, tx(readPad, pad(0x0048, 0x7F)...), // restarted meanwhile
		tx(readPad, pad(0x0048, 0x7F)...), set, external, convert, tx(readPad, pad(0x0048, 0x3F)...),
	)
	d.bits = 10
	for range 3 {
		if vs, err := measure(d); err != nil || vs[0] != (Value{reading.Temperature, 4_500, reading.OK}) {
			t.Errorf("got %+v %v", vs, err)
		}
	}
	if got := d.Lead(); got < 188*time.Millisecond || got > 300*time.Millisecond {
		t.Errorf("lead %v at 10 bits", got)
	}
}

func TestDS18B20Parasite(t *testing.T) {
	powered := convert
	powered.Pull = onewire.StrongPullup
	d, w := probe(t, tx(readPad, pad(0x0550, 0x7F)...), tx([]byte{cmdReadSupply}, 0), powered, tx(readPad, pad(0x0048, 0x7F)...))
	if vs, err := measure(d); err != nil || vs[0].Value != 4_500 || w.held < 750*time.Millisecond {
		t.Errorf("got %+v %v, bus held for %v", vs, err, w.held)
	}
}

func TestDS18B20BusErrors(t *testing.T) {
	d, w := probe(t, tx(readPad, pad(0x0550, 0x7F)...), external, convert)
	gone := errors.New("bus is gone")
	w.err = gone
	if err := d.Begin(context.Background()); !errors.Is(err, gone) || QualityOf(err) != reading.NoAnswer {
		t.Errorf("got %v", err)
	}
	if err := d.Begin(context.Background()); err != nil {
		t.Error(err)
	}
	w.err = gone
	if _, err := d.Read(context.Background()); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestQualityOf(t *testing.T) {
	for err, want := range map[error]reading.Quality{
		nil: reading.OK, bus.ErrChecksum: reading.Checksum, bus.ErrNotReady: reading.NotReady, ErrNoFix: reading.NoFix,
		bus.ErrNack: reading.NoAnswer, errors.New("anything"): reading.NoAnswer, context.DeadlineExceeded: reading.NoAnswer,
	} {
		if got := QualityOf(err); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

const oldROM onewire.Address = 0x5f000802b4a3f110

func TestDS18S20(t *testing.T) {
	rom := append([]byte{0x55}, romBytes(oldROM)...)
	tx := func(command byte, answer ...byte) onewiretest.IO {
		return onewiretest.IO{W: append(slices.Clone(rom), command), R: answer}
	}
	pad := func(raw uint16, remain, per byte) []byte {
		b := []byte{byte(raw), byte(raw >> 8), 0x4B, 0x46, 0xFF, 0xFF, remain, per}
		return append(b, onewire.CalcCRC(b))
	}
	ok := func(milli int64) Value { return Value{reading.Temperature, milli, reading.OK} }
	ops := []onewiretest.IO{tx(cmdReadSupply, 0xFF)}
	var want []any
	for _, m := range []struct {
		raw         uint16
		remain, per byte
		want        any
	}{
		{0x0032, 0x0C, 0x10, ok(25_000)}, // the data sheet's +25.0 °C
		{0x0032, 0x0A, 0x10, ok(25_125)},
		{0x0001, 0x0C, 0x10, ok(0)},       // bit 0 is dropped: 0 and no quarter
		{0xFFFF, 0x04, 0x10, ok(-500)},    // its -0.5 °C, floored to -1, and three quarters less one
		{0xFFCE, 0x0C, 0x10, ok(-25_000)}, // its -25.0 °C
		{0xFF92, 0x0C, 0x10, ok(-55_000)},
		{0x0008, 0x10, 0x10, ok(3_750)},
		{0x00FC, 0x0C, 0x10, Value{reading.Temperature, 126_000, reading.OutOfRange}},
		{0x00AA, 0x0C, 0x10, Value{reading.Temperature, 85_000, reading.PowerOn}},
	} {
		ops = append(ops, tx(cmdConvert), tx(cmdReadScratchpad, pad(m.raw, m.remain, m.per)...))
		want = append(want, m.want)
	}
	ops = append(ops, tx(cmdReadSupply, 0xFF)) // it has restarted
	for range 3 {
		ops = append(ops, tx(cmdConvert))
	}
	ops = append(ops[:len(ops)-2],
		tx(cmdReadScratchpad, pad(0x0032, 0x0C, 0)...), tx(cmdConvert), tx(cmdReadScratchpad, pad(0x0032, 0x11, 0x10)...),
		tx(cmdConvert), tx(cmdReadScratchpad, make([]byte, 9)...))
	want = append(want, reading.NoAnswer, reading.NoAnswer, reading.NoAnswer)
	w := &wire{Playback: &onewiretest.Playback{Ops: ops, DontPanic: true}}
	d := NewDS18S20(w, oldROM)
	for i, want := range want {
		vs, err := measure(d)
		if q, bad := want.(reading.Quality); bad {
			if err == nil || QualityOf(err) != q {
				t.Errorf("%d: got %+v, %v, want %v", i, vs, err, q)
			}
		} else if err != nil || len(vs) != 1 || vs[0] != want {
			t.Errorf("%d: got %+v, %v, want %+v", i, vs, err, want)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever is in a scratchpad, a temperature lies where 16 bits can tell it.
func FuzzDS18S20Milli(f *testing.F) {
	f.Add([]byte{0x32, 0, 0x4B, 0x46, 0xFF, 0xFF, 0x0C, 0x10, 0x1C})
	f.Fuzz(func(t *testing.T, b []byte) {
		var pad [9]byte
		copy(pad[:], b)
		if v, ok := ds18s20Milli(pad); v < -16_385_000 || v > 16_385_000 || !ok && v != 0 {
			t.Errorf("% x: %d %v", pad, v, ok)
		}
	})
}
