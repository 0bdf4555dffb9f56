package tty

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.bug.st/serial"
)

func open(t *testing.T) *Port {
	t.Helper()
	p, err := Open(filepath.Join(t.TempDir(), "gnss"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func send(t *testing.T, p *Port, s string) int {
	t.Helper()
	lost, err := p.Send([]byte(s), 0)
	if err != nil {
		t.Fatal(err)
	}
	return lost
}

// The library with which gateways open serial ports reads bytes as they were sent.
func TestSerialLibraryReadsRawBytes(t *testing.T) {
	p := open(t)
	s, err := serial.Open(p.Link(), &serial.Mode{BaudRate: 9600})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := "$GNRMC\x00\x03\x04\x11\x13\x7f\xff\r\n" // nothing is taken for a control character
	send(t, p, want)
	if err := s.SetReadTimeout(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 0, 64)
	for len(got) < len(want) {
		b := make([]byte, 64)
		n, err := s.Read(b)
		if err != nil || n == 0 {
			t.Fatalf("read %d bytes, %v, after %q", n, err, got)
		}
		got = append(got, b[:n]...)
	}
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLateReaderGetsThePresent(t *testing.T) {
	p := open(t)
	for range 5000 { // far beyond what a terminal buffers
		send(t, p, strings.Repeat("x", 300)+"\r\n")
	}
	waitUnread(t, p)
	if lost := send(t, p, "now\r\n"); lost == 0 {
		t.Error("nothing lost though nobody reads")
	}
	f, err := os.Open(p.Link())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil || line != "now\r\n" {
		t.Errorf("first line %q, %v, want the last one sent", line, err)
	}
}

// waitUnread waits until the terminal has passed on what was sent.
func waitUnread(t *testing.T, p *Port) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); p.unread() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the terminal passed nothing on")
		}
	}
}

// A reader that keeps up loses nothing, however fast seconds follow.
func TestReaderWhoKeepsUpLosesNothing(t *testing.T) {
	p := open(t)
	f, err := os.Open(p.Link())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const n = 2000
	lines := make(chan int)
	go func() {
		count := 0
		for in := bufio.NewScanner(f); in.Scan(); {
			if in.Text() == "end" {
				break
			}
			count++
		}
		lines <- count
	}()
	burst := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 4)
	for range n {
		if lost, err := p.Send([]byte(burst), 5*time.Second); err != nil || lost != 0 {
			t.Fatalf("lost %d bytes, %v", lost, err)
		}
	}
	if _, err := p.Send([]byte("end\r\n"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if got := <-lines; got != 4*n {
		t.Errorf("read %d lines, want %d", got, 4*n)
	}
}

func TestKilledReaderDoesNotKeepThePort(t *testing.T) {
	p := open(t)
	s, err := serial.Open(p.Link(), &serial.Mode{BaudRate: 9600})
	if err != nil {
		t.Fatal(err)
	}
	_ = s // never closed: a killed process releases nothing explicitly
	send(t, p, "x\r\n")
	again, err := serial.Open(p.Link(), &serial.Mode{BaudRate: 9600})
	if err != nil {
		t.Fatalf("open after a killed reader: %v", err)
	}
	again.Close()
	s.Close()
}

func TestLinkIsReplacedAndRemoved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gnss")
	if err := os.Symlink("/dev/pts/from-an-earlier-run", path); err != nil {
		t.Fatal(err)
	}
	p, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(path); err != nil || to != p.Device() {
		t.Errorf("link leads to %s, %v, want %s", to, err, p.Device())
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the link is still there")
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a regular file was replaced")
	}
}
