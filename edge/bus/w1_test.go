package bus

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"periph.io/x/conn/v3/onewire"
)

const good = "a2 01 4b 46 7f ff 0e 10 d8 : crc=d8 YES\na2 01 4b 46 7f ff 0e 10 d8 t=26125\n"

func TestParseW1Slave(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       int64
		err        error // what it wraps; nil and want 0 for any
	}{
		{"good", good, 26125, nil},
		{"below zero", "5e ff 4b 46 7f ff 02 10 8d : crc=8d YES\n5e ff 4b 46 7f ff 02 10 8d t=-10125\n", -10125, nil},
		{"bad checksum", "a2 01 4b 46 7f ff 0e 10 00 : crc=d8 NO\na2 01 4b 46 7f ff 0e 10 d8 t=26125\n", 0, ErrChecksum},
		{"shorted bus", "00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n", 0, ErrNack},
		{"in progress", "", 0, ErrNotReady},
	} {
		got, err := parseW1Slave(0x28, tt.text)
		if got != tt.want || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: got %d, %v, want %d, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
	for _, text := range []string{"\n", "xx", good[:20], good[:40], ": crc= YES\n t=1", "zz 01 4b 46 7f ff 0e 10 d8 : crc=d8 YES\nt=26125"} {
		if v, err := parseW1Slave(0x28, text); err == nil {
			t.Errorf("%q: got %d, want an error", text, v)
		}
	}
}

// A DS18S20 whose counter reads 0 is shown as 0.000 °C with a right checksum.
func TestParseW1SlaveCounter(t *testing.T) {
	const text = "aa 00 4b 46 ff ff 0c 10 87 : crc=87 YES\naa 00 4b 46 ff ff 0c 10 87 t=85000\n"
	if v, err := parseW1Slave(0x10, text); err != nil || v != 85_000 {
		t.Errorf("got %d, %v", v, err)
	}
	const none = "aa 00 4b 46 ff ff 0c 00 b6 : crc=b6 YES\naa 00 4b 46 ff ff 0c 00 b6 t=0\n"
	if v, err := parseW1Slave(0x10, none); !errors.Is(err, ErrChecksum) {
		t.Errorf("counter of 0: got %d, %v", v, err)
	}
	if v, err := parseW1Slave(0x28, none); err != nil || v != 0 {
		t.Errorf("a DS18B20 has no such counter: got %d, %v", v, err)
	}
}

func FuzzParseW1Slave(f *testing.F) {
	f.Add(byte(0x28), good)
	f.Add(byte(0x10), "aa 00 4b 46 ff ff 0c 10 87 : crc=87 YES\naa 00 4b 46 ff ff 0c 10 87 t=85000\n")
	f.Fuzz(func(t *testing.T, family byte, text string) {
		if v, err := parseW1Slave(family, text); err != nil && v != 0 {
			t.Errorf("%q: got %d beside %v", text, v, err)
		}
	})
}

// fakeSysfs builds the directories Linux shows for one bus master with one sensor.
func fakeSysfs(t *testing.T, rom string) (root, master string) {
	t.Helper()
	dir := t.TempDir()
	root, master = filepath.Join(dir, "bus"), filepath.Join(dir, "w1_bus_master1")
	for _, d := range []string{root, filepath.Join(master, rom)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{rom: filepath.Join(master, rom), "w1_bus_master1": master} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root, master
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const rom = "28-0316a2794b2c"

func address(t *testing.T) onewire.Address {
	t.Helper()
	a, err := ParseROM(rom)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestW1WithoutBulk(t *testing.T) {
	root, master := fakeSysfs(t, rom)
	w, a := NewW1(root), address(t)
	if found, err := w.Devices(); err != nil || len(found) != 1 || found[0] != a {
		t.Fatalf("got %x %v, want %x", found, err, a)
	}
	write(t, filepath.Join(master, rom, "w1_slave"), good)
	w.Begin(a)
	if v, err := w.Read(context.Background(), a); v != 26125 || err != nil {
		t.Errorf("got %d %v", v, err)
	}
	if v, err := w.Read(context.Background(), a); !errors.Is(err, ErrNotReady) {
		t.Errorf("the same measurement twice: got %d %v", v, err)
	}
	if err := os.RemoveAll(filepath.Join(master, rom)); err != nil {
		t.Fatal(err)
	}
	w.Begin(a)
	if v, err := w.Read(context.Background(), a); !errors.Is(err, ErrNack) {
		t.Errorf("unplugged: got %d %v", v, err)
	}
}

// The kernel's file is a FIFO here: a write to it blocks until the test reads,
// as the kernel's does until the conversion is over.
func TestW1BulkIsSharedAndNeverOverlaps(t *testing.T) {
	root, master := fakeSysfs(t, rom)
	w, a := NewW1(root), address(t)
	bulk := filepath.Join(master, "therm_bulk_read")
	if err := syscall.Mkfifo(bulk, 0o600); err != nil {
		t.Fatal(err)
	}
	// Both ends are held open here, so that opening never blocks; and the FIFO
	// is full, so that a write does.
	kernel, err := os.OpenFile(bulk, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	full := make([]byte, 65536)
	if _, err := kernel.Write(full); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(master, rom, "w1_slave"), good)
	w.Begin(a)
	w.Begin(a) // joins
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if v, err := w.Read(ctx, a); !errors.Is(err, ErrNotReady) {
		t.Errorf("while converting: got %d %v", v, err)
	}
	if _, err := kernel.Read(full); err != nil { // room for the trigger: the conversion ends
		t.Fatal(err)
	}
	if v, err := w.Read(context.Background(), a); v != 26125 || err != nil {
		t.Errorf("got %d %v", v, err)
	}
	n, err := kernel.Read(full)
	if got := string(full[:n]); err != nil || got != "trigger\n" {
		t.Errorf("the kernel was told %q %v, want one trigger", got, err)
	}
}

func TestW1WithoutBusHasNoDevices(t *testing.T) {
	if found, err := NewW1(filepath.Join(t.TempDir(), "none")).Devices(); err != nil || len(found) != 0 {
		t.Errorf("got %v %v", found, err)
	}
}

func TestROM(t *testing.T) {
	for _, s := range []string{"28-0316a2794b2c", "7a00000131825228"} {
		a, err := ParseROM(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseROM(FormatROM(a)); err != nil || back != a {
			t.Errorf("%s: %x came back as %x %v", s, a, back, err)
		}
		if !onewire.CheckCRC(romBytes(a)) {
			t.Errorf("%s: %x has a wrong checksum", s, a)
		}
	}
	for _, s := range []string{"", "28", "28-", "28-0316a2794b2", "zz-0316a2794b2c", "7b00000131825228", "28-0316a2794b2c0", "w1_bus_master1", "1234567890123456x"} {
		if a, err := ParseROM(s); err == nil {
			t.Errorf("%q: got %x, want an error", s, a)
		}
	}
}
