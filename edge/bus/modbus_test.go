package bus

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// rtu is a serial frame with its checksum: a unit and what follows.
func rtu(b ...byte) []byte {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			odd := crc&1 != 0
			if crc >>= 1; odd {
				crc ^= 0xA001
			}
		}
	}
	return binary.LittleEndian.AppendUint16(b, crc)
}

// recorded is a serial line that was recorded: for each request, in order, what
// comes back.
func recorded(t *testing.T, answers ...[]byte) (name string, asked func() [][]byte) {
	t.Helper()
	m, s, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(); s.Close() })
	if _, err := term.MakeRaw(int(s.Fd())); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var requests [][]byte
	go func() {
		for _, a := range answers {
			request := make([]byte, 8)
			if _, err := io.ReadFull(m, request); err != nil {
				return
			}
			mu.Lock()
			requests = append(requests, request)
			mu.Unlock()
			if _, err := m.Write(a); err != nil {
				return
			}
		}
	}()
	return s.Name(), func() [][]byte { mu.Lock(); defer mu.Unlock(); return slices.Clone(requests) }
}

func modbusSet(t *testing.T) *Set {
	t.Helper()
	set := NewSet("", slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := set.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return set
}

func TestModbusSerial(t *testing.T) {
	broken := rtu(7, 3, 2, 0, 45)
	broken[3] ^= 0x10
	for _, tt := range []struct {
		name    string
		answers [][]byte
		want    uint16
		err     error // of the first request
	}{
		{"whole", [][]byte{rtu(7, 3, 2, 0, 45)}, 45, nil},
		{"silent", [][]byte{nil, rtu(7, 3, 2, 0, 46)}, 46, ErrNack},
		{"a flipped bit", [][]byte{broken, rtu(7, 3, 2, 0, 46)}, 46, ErrChecksum},
		{"half an answer", [][]byte{{7, 3, 2, 0}, rtu(7, 3, 2, 0, 46)}, 46, ErrNack},
		{"of another unit", [][]byte{rtu(8, 3, 2, 0, 45), rtu(7, 3, 2, 0, 46)}, 46, ErrChecksum},
		{"of more registers", [][]byte{rtu(7, 3, 4, 0, 45, 0, 45), rtu(7, 3, 2, 0, 46)}, 46, ErrChecksum},
		{"busy", [][]byte{rtu(7, 0x83, 6), rtu(7, 3, 2, 0, 46)}, 46, ErrNotReady},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name, asked := recorded(t, tt.answers...)
			h := modbusSet(t).Modbus(name, SerialLine{Baud: 115200, Parity: "even"})
			if tt.err != nil {
				if words, err := h.Read(7, Holding, 0x100, 1); !errors.Is(err, tt.err) {
					t.Fatalf("got %v, %v, want %v", words, err, tt.err)
				}
			}
			words, err := h.Read(7, Holding, 0x100, 1)
			if err != nil || len(words) != 1 || words[0] != tt.want {
				t.Errorf("got %v, %v, want %d", words, err, tt.want)
			}
			for _, r := range asked() {
				if !slices.Equal(r, rtu(7, 3, 1, 0, 0, 1)) {
					t.Errorf("asked % x", r)
				}
			}
		})
	}
}

// A unit says no in words of its own, and the line stays open.
func TestModbusRefusal(t *testing.T) {
	name, _ := recorded(t, rtu(1, 0x84, 2), rtu(1, 1, 1, 0x01))
	h := modbusSet(t).Modbus(name, SerialLine{Baud: 115200, Parity: "none"})
	_, err := h.Read(1, Input, 9, 2)
	if no := (*Refusal)(nil); !errors.As(err, &no) {
		t.Errorf("got %v", err)
	}
	if words, err := h.Read(1, Coil, 3, 1); err != nil || !slices.Equal(words, []uint16{1}) {
		t.Errorf("got %v, %v", words, err)
	}
}

func TestModbusTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections := make(chan struct{}, 8)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections <- struct{}{}
			go func() {
				defer c.Close()
				for {
					q := make([]byte, 12)
					if _, err := io.ReadFull(c, q); err != nil {
						return
					}
					if q[6] == 9 {
						return // hangs up on unit 9
					}
					stale := []byte{^q[0], q[1], 0, 0, 0, 7, q[6], 4, 4, 9, 9, 9, 9}
					whole := []byte{q[0], q[1], 0, 0, 0, 7, q[6], 4, 4, 0x40, 0x90, 0, 0}
					if _, err := c.Write(append(stale, whole...)); err != nil {
						return
					}
				}
			}()
		}
	}()
	h := modbusSet(t).Modbus(ModbusTCP+l.Addr().String(), SerialLine{})
	read := func() {
		t.Helper()
		if words, err := h.Read(1, Input, 100, 2); err != nil || !slices.Equal(words, []uint16{0x4090, 0}) {
			t.Errorf("got %x, %v", words, err)
		}
	}
	read() // the answer to another request is passed over
	if _, err := h.Read(9, Input, 100, 2); err == nil {
		t.Error("read from a host that hung up")
	}
	read()
	if len(connections) != 2 {
		t.Errorf("%d connections, want 2", len(connections))
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	l.Close()
	if _, err := h.Read(1, Input, 100, 2); err == nil {
		t.Error("read from nobody")
	}
	began := time.Now()
	h.rest = began.Add(time.Hour) // it rests as long as it should, which is not so long
	if _, err := h.Read(1, Input, 100, 2); err == nil || !errors.Is(err, h.why) {
		t.Errorf("while it rests: %v", err)
	}
}
