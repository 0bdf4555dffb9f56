// Package packaging tests gateways as they are installed: the Debian package
// under a real service manager, and what the agent tells that manager.
package packaging

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"frostline/test/rig"
)

const patience = 20 * time.Second

// manager hears what the agent tells its service manager.
type manager struct {
	mu    sync.Mutex
	heard []string
}

func listen(t *testing.T, path string) *manager {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m := &manager{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := l.Read(buf)
			if err != nil {
				return
			}
			first, _, _ := strings.Cut(string(buf[:n]), "=")
			m.mu.Lock()
			m.heard = append(m.heard, first)
			m.mu.Unlock()
		}
	}()
	return m
}

// count tells how often a message came, after the first from of all.
func (m *manager) count(name string, from int) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.heard[min(from, len(m.heard)):] {
		if h == name {
			n++
		}
	}
	return n
}

func (m *manager) all() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.heard)
}

func must(t *testing.T, what string, ok func() bool) {
	t.Helper()
	rig.Must(t, patience, what, func() (bool, error) { return ok(), nil })
}

// TestWatchdogIsFedByProgressAlone: the real agent says that it is ready and
// alive; on a disk that takes nothing and says nothing it is alive no more,
// until the disk goes on; and it says that it stops.
func TestWatchdogIsFedByProgressAlone(t *testing.T) {
	dir := t.TempDir()
	agent := filepath.Join(dir, "frostline-edge")
	build := exec.Command("go", "build", "-o", agent, "./cmd/frostline-edge")
	build.Dir, build.Env = rig.Root(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	disk := volume(t, dir)
	port, err := rig.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "gateway.yaml")
	// A sensor that does not answer gives readings too: that it does not.
	text := fmt.Sprintf("gateway: watched\ndata: %s/data\npanel: {listen: \"127.0.0.1:%d\"}\nw1-root: %s\nsensors:\n  - {id: none, driver: ds18b20, bus: w1, address: 28-0316a2794b2c, interval: 1s, timeout: 100ms}\n", disk, port, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "notify")
	m := listen(t, socket)
	p, err := rig.Start("agent", filepath.Join(dir, "log"), "/usr/bin/env", "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=1000000", agent, "run", "--config", config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	defer func() {
		if t.Failed() {
			t.Log(p.Tail(4000))
		}
	}()
	must(t, "READY=1", func() bool { return m.count("READY", 0) == 1 })
	must(t, "WATCHDOG=1 three times", func() bool { return m.count("WATCHDOG", 0) >= 3 })
	metrics(t, port)

	freeze(t, disk)
	must(t, "the agent's own word that the watchdog runs out", func() bool { return strings.Contains(p.Tail(4000), "no reading was kept for too long") })
	from := m.all()
	must(t, "word of how it is, while nothing is kept", func() bool { return m.count("STATUS", from) >= 3 })
	if n := m.count("WATCHDOG", from); n > 0 {
		t.Errorf("the watchdog was fed %d times while no reading was kept", n)
	}
	thaw(t, disk)
	must(t, "WATCHDOG=1 again", func() bool { return m.count("WATCHDOG", from) >= 2 })
	if !strings.Contains(p.Tail(4000), "readings are kept again") {
		t.Error("the log does not say that readings are kept again")
	}
	if err := p.Stop(patience); err != nil {
		t.Fatal(err)
	}
	must(t, "STOPPING=1", func() bool { return m.count("STOPPING", 0) == 1 })
}

// metrics looks whether Prometheus can read what the agent says, and whether
// names, kinds and units follow its conventions.
func metrics(t *testing.T, port int) {
	t.Helper()
	r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var text strings.Builder
	problems, err := promlint.New(tee{r, &text}).Lint()
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("scrape: status %d: %v\n%s", r.StatusCode, err, text.String())
	}
	for _, p := range problems {
		t.Errorf("metric %s: %s", p.Metric, p.Text)
	}
	doc, err := os.ReadFile(filepath.Join(rig.Root(), "docs", "OPERATING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^# HELP frostline_edge_(\w+)`).FindAllStringSubmatch(text.String(), -1) {
		if !regexp.MustCompile("`" + m[1] + "[`{]").Match(doc) {
			t.Errorf("docs/OPERATING.md does not say what %s is", m[1])
		}
	}
	for _, want := range []string{
		`frostline_edge_sensor_failures_total{bus="w1",sensor="none"}`, `frostline_edge_bus_failures_total{bus="w1"}`,
		`frostline_edge_readings_taken_total{quality="no-answer"}`, "frostline_edge_readings_kept_total ", "frostline_edge_journal_well 1",
		`frostline_edge_sampling_lateness_seconds_bucket{le="0.02"}`, "frostline_edge_uplink_connected 0", "frostline_edge_clock_dated ",
		`frostline_edge_state{state="silent"} 1`, `frostline_edge_alarms{acknowledged="false",kind="excursion"} 0`, "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text.String(), "\n"+want) {
			t.Errorf("a scrape lacks %q in\n%s", want, text.String())
		}
	}
}

type tee struct {
	r  *http.Response
	to *strings.Builder
}

func (t tee) Read(b []byte) (int, error) {
	n, err := t.r.Body.Read(b)
	t.to.Write(b[:n])
	return n, err
}

// volume is a file system of the test's own, which can be frozen.
func volume(t *testing.T, dir string) string {
	t.Helper()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "disk")
	err := os.Mkdir(at, 0o700)
	if err == nil {
		err = os.WriteFile(image, nil, 0o600)
	}
	if err == nil {
		err = os.Truncate(image, 64<<20)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{{"/sbin/mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, at}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Skipf("NOT TESTED: an ext4 image cannot be mounted; run as root, with loop devices and e2fsprogs: %v: %s", err, out)
		}
	}
	t.Cleanup(func() {
		_ = exec.Command("fsfreeze", "--unfreeze", at).Run() // it is thawed already unless the test failed
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := rig.Until(ctx, "unmounted", func() (bool, error) { return exec.Command("umount", at).Run() == nil, nil }); err != nil {
			t.Error(err)
		}
	})
	return at
}

func freeze(t *testing.T, disk string) {
	t.Helper()
	if out, err := exec.Command("fsfreeze", "--freeze", disk).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: a file system cannot be frozen here: %v: %s", err, out)
	}
}

func thaw(t *testing.T, disk string) {
	t.Helper()
	if out, err := exec.Command("fsfreeze", "--unfreeze", disk).CombinedOutput(); err != nil {
		t.Fatalf("thaw: %v: %s", err, out)
	}
}
