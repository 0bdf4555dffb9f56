package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/onewire"
)

// W1Root is where Linux shows the 1-Wire devices it drives.
const W1Root = "/sys/bus/w1/devices"

var (
	// ErrChecksum is wrapped where a device answered and its checksum was wrong.
	ErrChecksum = errors.New("checksum is wrong")
	// ErrNotReady is wrapped where a conversion has not finished.
	ErrNotReady = errors.New("conversion has not finished")
)

// W1 is the kernel's 1-Wire bus with its w1_therm driver. It is safe for
// concurrent use.
//
// See https://docs.kernel.org/w1/slaves/w1_therm.html. What the page does not
// say, and drivers/w1/slaves/w1_therm.c does: a write to therm_bulk_read
// returns only when the conversion is over; what is read meanwhile, or went
// wrong for good, is empty; and w1_slave shows a scratchpad of nothing but
// zeros, as a shorted bus gives, as valid and 0.000 °C.
type W1 struct {
	root string

	mu   sync.Mutex
	bulk map[string]*conversion          // of all sensors, the last by bus master
	own  map[onewire.Address]*conversion // of a single sensor, where there is no bulk
}

// conversion is work the kernel does for us in a goroutine, because the files
// of sysfs block.
type conversion struct {
	begun time.Time
	stale bool          // outlived the tick it was begun for; guarded by W1.mu
	done  chan struct{} // closed at its end; what follows is set by then
	value int64         // milli-degrees; of a single sensor's only
	err   error
}

// bulkRetry is how long sensors convert one by one after the kernel has refused
// to convert all, which it does where it finds none that can.
const bulkRetry = time.Hour

// shared is how old a conversion of all sensors may be that another one joins.
const shared = time.Second

func newConversion() *conversion { return &conversion{begun: time.Now(), done: make(chan struct{})} }

func (c *conversion) running() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// NewW1 makes a W1 on the given directory, [W1Root] where empty.
func NewW1(root string) *W1 {
	if root == "" {
		root = W1Root
	}
	return &W1{root: root, bulk: map[string]*conversion{}, own: map[onewire.Address]*conversion{}}
}

// Devices lists the devices the kernel has found. There are none where the
// kernel drives no 1-Wire bus.
func (w *W1) Devices() ([]onewire.Address, error) {
	entries, err := os.ReadDir(w.root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list 1-Wire devices: %w", err)
	}
	var found []onewire.Address
	for _, e := range entries {
		if a, err := ParseROM(e.Name()); err == nil {
			found = append(found, a)
		}
	}
	return found, nil
}

// Begin begins a conversion and returns at once: of all sensors on the bus
// together if the kernel can, and this user may ask it to; else of this one.
// While one is under way, another is not begun.
func (w *W1) Begin(addr onewire.Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.beginAll(addr) {
		delete(w.own, addr)
		return
	}
	if c := w.own[addr]; c != nil && c.running() {
		c.stale = true
		return
	}
	c := newConversion()
	w.own[addr] = c
	go func() {
		defer close(c.done)
		c.value, c.err = w.read(addr)
	}()
}

// beginAll begins a conversion of all sensors on the bus of addr, or joins one
// just begun. w.mu is held.
func (w *W1) beginAll(addr onewire.Address) bool {
	file := w.bulkFile(addr)
	if file == "" {
		return false
	}
	if c := w.bulk[file]; c != nil && c.running() {
		c.stale = c.stale || time.Since(c.begun) > shared
		return true
	} else if c != nil && c.err != nil && time.Since(c.begun) < bulkRetry {
		return false
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return false // an older kernel, or not allowed: one by one is as good
	}
	c := newConversion()
	w.bulk[file] = c
	go func() {
		defer close(c.done)
		_, err := f.WriteString("trigger\n")
		c.err = errors.Join(err, f.Close())
	}()
	return true
}

// Read gives what the conversion begun last has measured, in milli-degrees
// Celsius, and waits for its end until ctx is over. The error wraps ErrNotReady,
// ErrChecksum or ErrNack where one of them is why.
func (w *W1) Read(ctx context.Context, addr onewire.Address) (int64, error) {
	for range 2 { // once more where another sensor has begun a conversion of all
		w.mu.Lock()
		c, single := w.own[addr]
		if !single {
			c = w.bulk[w.bulkFile(addr)]
		}
		w.mu.Unlock()
		if c == nil {
			break
		}
		select { // a conversion that hangs in the kernel stays where Begin sees it
		case <-c.done:
		case <-ctx.Done():
			return 0, fmt.Errorf("bus w1: read %s: %w: %w", FormatROM(addr), ErrNotReady, context.Cause(ctx))
		}
		w.mu.Lock()
		stale := c.stale
		if single {
			delete(w.own, addr)
		}
		w.mu.Unlock()
		if stale {
			break
		}
		if single {
			return c.value, c.err
		}
		if c.err != nil {
			return 0, fmt.Errorf("bus w1: convert on all sensors for %s: %w: %w", FormatROM(addr), ErrNotReady, c.err)
		}
		if v, err := w.read(addr); !errors.Is(err, ErrNotReady) {
			return v, err
		}
	}
	return 0, fmt.Errorf("bus w1: read %s: %w", FormatROM(addr), ErrNotReady)
}

// bulkFile is the file that begins a conversion on all sensors that share a
// bus master with addr; empty where the kernel does not know addr.
func (w *W1) bulkFile(addr onewire.Address) string {
	dir, err := filepath.EvalSymlinks(w.dir(addr))
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(dir), "therm_bulk_read")
}

func (w *W1) dir(addr onewire.Address) string { return filepath.Join(w.root, FormatROM(addr)) }

// read reads one sensor: what was converted by a bulk conversion, or after a
// conversion of its own.
func (w *W1) read(addr onewire.Address) (int64, error) {
	rom := FormatROM(addr)
	b, err := os.ReadFile(filepath.Join(w.dir(addr), "w1_slave"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("bus w1: read %s: %w: the kernel lists no such device: check the wiring, and that w1-gpio and w1-therm are loaded", rom, ErrNack)
	}
	if err != nil {
		return 0, fmt.Errorf("bus w1: read %s: %w", rom, err)
	}
	v, err := parseW1Slave(byte(addr), string(b))
	if err != nil {
		return 0, fmt.Errorf("bus w1: read %s: %w", rom, err)
	}
	return v, nil
}

// ds18s20 is the family whose temperature the kernel divides by a counter.
const ds18s20 = 0x10

// parseW1Slave reads what the kernel shows of a sensor of a family:
//
//	72 01 4b 46 7f ff 0e 10 57 : crc=57 YES
//	72 01 4b 46 7f ff 0e 10 57 t=23125
func parseW1Slave(family byte, s string) (int64, error) {
	if s == "" {
		return 0, fmt.Errorf("%w, or went wrong: the kernel shows nothing", ErrNotReady)
	}
	var (
		ram [9]byte
		v   int64
		bad = fmt.Errorf("the kernel shows %.80q, want t= and a number after crc= and YES", s)
	)
	first, second, _ := strings.Cut(strings.TrimSpace(s), "\n")
	bytes, verdict, ok := strings.Cut(first, ": crc=")
	if !ok {
		return 0, bad
	}
	if strings.HasSuffix(strings.TrimSpace(verdict), "NO") {
		return 0, ErrChecksum
	}
	fields := strings.Fields(bytes)
	_, t, ok := strings.Cut(second, "t=")
	if !ok || len(fields) != len(ram) || !strings.HasSuffix(strings.TrimSpace(verdict), "YES") {
		return 0, bad
	}
	for i, f := range fields {
		if _, err := fmt.Sscanf(f, "%02x", &ram[i]); err != nil {
			return 0, bad
		}
	}
	if ram == [9]byte{} {
		return 0, fmt.Errorf("%w: nothing but zeros: the data line is held low", ErrNack)
	}
	if family == ds18s20 && ram[7] == 0 {
		return 0, fmt.Errorf("%w: a counter of 0, which the kernel shows as 0.000 °C", ErrChecksum)
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(t), "%d", &v); err != nil {
		return 0, bad
	}
	return v, nil
}
