package rig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRadioLosesPacketsAndTCPMakesUpForIt also shows that what runs behind the
// radio has no other way out.
func TestRadioLosesPacketsAndTCPMakesUpForIt(t *testing.T) {
	path := Path{Rate: 8_000_000, Delay: 2 * time.Millisecond, Loss: 0.05}
	r, err := NewRadio("127.0.0.1:1", path, path, 1)
	if errors.Is(err, ErrNoNamespace) {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI has to run this test: ", err)
		}
		t.Skip("NOT TESTED: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	const bytes = 256 << 10
	if _, err := r.Bulk(ctx, bytes); err != nil {
		t.Fatal(err)
	}
	up, down := r.Carried()
	if up.Bytes.Load() < bytes || up.Lost.Load() == 0 || down.Packets.Load() == 0 {
		t.Errorf("%d bytes and %d packets went up, %d were lost, %d came down: want all bytes and some losses",
			up.Bytes.Load(), up.Packets.Load(), up.Lost.Load(), down.Packets.Load())
	}
	out := filepath.Join(t.TempDir(), "out")
	p, err := r.Start("cat", out, "/bin/cat", "/proc/self/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	var devices []string
	for line := range strings.Lines(p.Tail(10_000)) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			devices = append(devices, strings.TrimSpace(name))
		}
	}
	for _, d := range devices {
		if d == "eth0" || strings.HasPrefix(d, "veth") || strings.HasPrefix(d, "en") {
			t.Errorf("devices behind the radio: %v", devices)
		}
	}
	if !strings.Contains(strings.Join(devices, " "), "radio") {
		t.Errorf("devices behind the radio: %v: want the radio", devices)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
