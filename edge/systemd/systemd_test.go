package systemd

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestManagerHearsWhatIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := New(path, "2000000", "", 7)
	if err != nil || m.Watchdog != 2*time.Second {
		t.Fatalf("New gave %+v, %v", m, err)
	}
	ctx := t.Context()
	heard := func(err error, want string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(buf[:n]); got != want {
			t.Errorf("the manager heard %q, want %q", got, want)
		}
	}
	heard(m.Ready(ctx, "two\nSTOPPING=1"), "READY=1\nSTATUS=two STOPPING=1")
	heard(m.Alive(ctx), "WATCHDOG=1")
	heard(m.Status(ctx, strings.Repeat("°", 600)), "STATUS="+strings.Repeat("°", maxStatus/2)+"…")
	if err := (Manager{}).Ready(ctx, ""); err != nil {
		t.Errorf("without a manager: %v", err)
	}
	l.Close()
	if err := m.Alive(ctx); err == nil {
		t.Error("nobody listened, and no error said so")
	}
}

func TestNewRefusesWhatMakesNoSense(t *testing.T) {
	for _, c := range []struct{ socket, usec, pid, want string }{
		{"notify", "", "", "NOTIFY_SOCKET"},
		{"/run/n", "soon", "", "WATCHDOG_USEC"},
		{"/run/n", "-1", "", "WATCHDOG_USEC"},
		{"/run/n", "1", "", "WATCHDOG_USEC"},
	} {
		if _, err := New(c.socket, c.usec, c.pid, 7); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q, %q): got %v, want an error of %s", c.socket, c.usec, err, c.want)
		}
	}
	if m, err := New("@abstract", "2000000", "8", 7); err != nil || m.Watchdog != 0 {
		t.Errorf("a watchdog for another process: got %v, %v", m.Watchdog, err)
	}
}
