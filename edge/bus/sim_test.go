package bus

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/onewire"

	"frostline/proto/simbus"
)

// server is a small simulator: an I²C device at 0x44 that gives back, byte for
// byte inverted, what was last written to it; 1-Wire devices that answer a
// search and read as 0xAA; a line.
type server struct {
	network, path string

	mu    sync.Mutex
	l     net.Listener
	conns []net.Conn
	roms  []onewire.Address
	high  bool
	mute  bool // take requests and do not answer
	short bool // answer too few bytes
	log   []simbus.Op
}

func (s *server) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen(s.network, s.path)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.l = l
	s.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			go s.serve(c)
		}
	}()
}

func (s *server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.l.Close()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *server) serve(c net.Conn) {
	name, err := simbus.ReadFrame(c)
	if err != nil {
		return
	}
	answer := []byte{byte(simbus.StatusOK)}
	if strings.HasPrefix(string(name), "no-") {
		answer = append([]byte{byte(simbus.StatusError)}, "there is no such bus"...)
	}
	var (
		last      []byte
		bit       int
		searching []onewire.Address
	)
	for simbus.WriteFrame(c, answer) == nil {
		q, err := simbus.ReadFrame(c)
		if err != nil {
			return
		}
		s.mu.Lock()
		answer = []byte{byte(simbus.StatusOK)}
		s.log = append(s.log, simbus.Op(q[0]))
		switch simbus.Op(q[0]) {
		case simbus.OpI2C:
			if binary.BigEndian.Uint16(q[1:]) != 0x44 {
				answer = append([]byte{byte(simbus.StatusNack)}, "nobody there"...)
				break
			}
			if len(q) > 5 {
				last = nil
				for _, b := range q[5:] {
					last = append(last, ^b)
				}
			}
			r := make([]byte, binary.BigEndian.Uint16(q[3:]))
			copy(r, last)
			answer = append(answer, r...)
		case simbus.OpReset:
			answer = append(answer, 0)
			if len(s.roms) > 0 {
				answer[1] = 1
			}
		case simbus.OpWrite:
			if q[2] == 0xF0 {
				bit, searching = 0, s.roms
			}
		case simbus.OpRead:
			for range binary.BigEndian.Uint16(q[1:]) {
				answer = append(answer, 0xAA)
			}
		case simbus.OpTriplet:
			var zero, one, taken byte
			for _, a := range searching {
				if a>>bit&1 == 0 {
					zero = 1
				} else {
					one = 1
				}
			}
			switch taken = q[1]; {
			case one == 0:
				taken = 0
			case zero == 0:
				taken = 1
			}
			var left []onewire.Address
			for _, a := range searching {
				if byte(a>>bit&1) == taken {
					left = append(left, a)
				}
			}
			searching, bit = left, bit+1
			answer = append(answer, zero, one, taken)
		case simbus.OpSPI:
			for _, b := range q[1:] {
				answer = append(answer, ^b)
			}
		case simbus.OpDrive:
			s.high = q[1] == 1
			answer = answer[:1]
		case simbus.OpGPIO:
			answer = append(answer, 0)
			if s.high {
				answer[1] = 1
			}
		}
		if s.short {
			answer = answer[:len(answer)-1]
		}
		mute := s.mute
		s.mu.Unlock()
		if mute {
			_, _ = simbus.ReadFrame(c) // until the client gives up
			return
		}
	}
}

func (s *server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func simulator(t *testing.T) (*server, *Set, string) {
	t.Helper()
	s := &server{network: "unix", path: filepath.Join(t.TempDir(), "sim.sock")}
	s.start(t)
	t.Cleanup(s.stop)
	set := NewSet("", slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, set, "sim:unix:" + s.path + "/"
}

func TestSimI2C(t *testing.T) {
	s, set, name := simulator(t)
	b := set.I2C(name + "i2c-1")
	if set.I2C(name+"i2c-1") != b {
		t.Error("two handles for one bus: transactions would interleave")
	}
	echo := func() error {
		r := make([]byte, 3)
		if err := b.Tx(0x44, []byte{1, 2, 3}, r); err != nil {
			return err
		}
		if r[0] != 0xFE || r[2] != 0xFC {
			t.Errorf("got % x", r)
		}
		return nil
	}
	if err := echo(); err != nil {
		t.Fatal(err)
	}
	err := b.Tx(0x45, []byte{1}, nil)
	if !errors.Is(err, ErrNack) || !strings.Contains(err.Error(), "0x45") {
		t.Errorf("absent device: got %v", err)
	}
	if err := echo(); err != nil {
		t.Errorf("after a device did not answer: %v", err)
	}
	// The simulator restarts: one operation may fail, the next connects.
	s.stop()
	if err := echo(); err == nil || errors.Is(err, ErrNack) {
		t.Errorf("without simulator: got %v", err)
	}
	s.start(t)
	if err := echo(); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	// It is in the registry like any other bus.
	found := false
	for _, r := range i2creg.All() {
		found = found || r.Name == registryName(name+"i2c-1")
	}
	if !found {
		t.Error("the bus is not in periph's registry")
	}
	s.set(func() { s.short = true })
	if err := echo(); err == nil {
		t.Error("a short answer was taken")
	}
	s.set(func() { s.short = false })
	if err := echo(); err != nil {
		t.Errorf("after a short answer: %v", err)
	}
	s.set(func() { s.mute = true })
	if err := echo(); err == nil {
		t.Error("no answer, no error")
	}
	s.set(func() { s.mute = false })
	if err := echo(); err != nil {
		t.Errorf("after silence: %v", err)
	}
	if err := b.Tx(0x44, make([]byte, 5000), nil); err == nil {
		t.Error("a transfer beyond the limit was taken")
	}
	if err := set.I2C(name+"no-bus").Tx(0x44, []byte{1}, nil); err == nil || !strings.Contains(err.Error(), "no such bus") {
		t.Errorf("unknown bus: got %v", err)
	}
	if err := set.I2C("sim:unix:nowhere").Tx(0x44, []byte{1}, nil); err == nil {
		t.Error("a malformed name was taken")
	}
}

func TestSimOneWire(t *testing.T) {
	s, set, name := simulator(t)
	b := set.OneWire(name + "w1")
	if err := b.Tx([]byte{0xCC, 0x44}, nil, onewire.StrongPullup); !errors.Is(err, ErrNack) {
		t.Errorf("empty bus: got %v", err)
	}
	var roms []onewire.Address
	for _, r := range []string{"28-0316a2794b2c", "28-0316a2794b2d", "28-ffffffffffff", "10-000000000001"} {
		a, err := ParseROM(r)
		if err != nil {
			t.Fatal(err)
		}
		roms = append(roms, a)
	}
	s.set(func() { s.roms, s.log = roms, nil })
	found, err := b.Search(false)
	if err != nil || len(found) != len(roms) {
		t.Fatalf("found %x %v, want %x", found, err, roms)
	}
	for _, r := range roms {
		if !slices.Contains(found, r) {
			t.Errorf("%x was not found", r)
		}
	}
	s.set(func() { s.log = nil })
	r := make([]byte, 9)
	if err := b.Tx([]byte{0x55}, r, onewire.WeakPullup); err != nil || r[8] != 0xAA {
		t.Errorf("got % x %v", r, err)
	}
	if want := []simbus.Op{simbus.OpReset, simbus.OpWrite, simbus.OpRead}; len(s.log) != 3 || s.log[0] != want[0] || s.log[1] != want[1] || s.log[2] != want[2] {
		t.Errorf("operations %v, want %v", s.log, want)
	}
	// While the bus powers a conversion nobody else gets at it.
	if err := b.Hold([]byte{0xCC, 0x44}, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Tx([]byte{0xCC}, nil, onewire.WeakPullup); err != nil {
		t.Errorf("after holding: %v", err)
	}
	s.stop()
	if err := b.Hold([]byte{0xCC, 0x44}, 0); err == nil {
		t.Error("held a bus that is gone")
	}
	s.start(t)
	if _, err := b.Search(false); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

// A line that cannot be read is an error, never a level.
func TestSimLine(t *testing.T) {
	s, set, name := simulator(t)
	l := set.Line(name + "gpio-17")
	for _, high := range []bool{false, true} {
		s.set(func() { s.high = high })
		if v, err := l.Level(gpio.PullUp); err != nil || bool(v) != high {
			t.Errorf("got %v %v, want %v", v, err, high)
		}
	}
	for _, high := range []bool{false, true} {
		if err := l.Drive(gpio.Level(high)); err != nil {
			t.Fatal(err)
		}
		if v, err := l.Level(gpio.Float); err != nil || bool(v) != high {
			t.Errorf("driven to %v: the line is %v, %v", high, v, err)
		}
	}
	s.stop()
	if err := l.Drive(gpio.Low); err == nil {
		t.Error("without simulator: a line was driven")
	}
	if v, err := l.Level(gpio.PullUp); err == nil {
		t.Errorf("without simulator: got %v and no error", v)
	}
	s.start(t)
	if v, err := l.Level(gpio.PullUp); err != nil || v != gpio.High {
		t.Errorf("after a restart: got %v %v", v, err)
	}
	if _, err := set.Line("NO-SUCH-LINE").Level(gpio.PullUp); err == nil {
		t.Error("a line this host does not have was read")
	}
}

// Transactions of two goroutines on one bus do not interleave.
func TestSimOneWireDoesNotInterleave(t *testing.T) {
	s, set, name := simulator(t)
	b := set.OneWire(name + "w1")
	s.set(func() { s.roms = []onewire.Address{1} })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if err := b.Tx([]byte{0x55, 1}, make([]byte, 2), onewire.WeakPullup); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	want := []simbus.Op{simbus.OpReset, simbus.OpWrite, simbus.OpRead}
	for i, op := range s.log {
		if op != want[i%3] {
			t.Fatalf("operation %d is %d, want %d", i, op, want[i%3])
		}
	}
	if len(s.log) != 600 {
		t.Errorf("%d operations, want 600", len(s.log))
	}
}

func TestAbsentHardware(t *testing.T) {
	set := NewSet("", slog.New(slog.DiscardHandler))
	err := set.I2C("/dev/i2c-99").Tx(0x44, []byte{1}, nil)
	if err == nil || !strings.Contains(err.Error(), "/dev/i2c-99 does not exist") {
		t.Errorf("got %v", err)
	}
	if err := set.OneWire("ds2482").Tx([]byte{1}, nil, false); err == nil {
		t.Error("a 1-Wire bus that does not exist was used")
	}
	if p, err := set.Serial(filepath.Join(t.TempDir(), "ttyUSB9"), 9600); err == nil {
		p.Close()
		t.Error("a port that does not exist was opened")
	}
}

func TestSimOverTCP(t *testing.T) {
	s := &server{network: "tcp", path: "127.0.0.1:0"}
	s.start(t)
	t.Cleanup(s.stop)
	set := NewSet("", slog.New(slog.DiscardHandler))
	r := make([]byte, 1)
	if err := set.I2C("sim:tcp:"+s.l.Addr().String()+"/i2c-1").Tx(0x44, []byte{1}, r); err != nil || r[0] != 0xFE {
		t.Errorf("got % x %v", r, err)
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
}
