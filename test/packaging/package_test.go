package packaging

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"frostline/test/rig"
)

// build makes the gateway's package for this machine, in a folder.
func build(t *testing.T, dir, version string) string {
	t.Helper()
	mk, err := os.ReadFile(filepath.Join(rig.Root(), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	nfpm := regexp.MustCompile(`(?m)^NFPM\s*:=\s*(\S+)$`).FindSubmatch(mk)
	if nfpm == nil {
		t.Fatal("the Makefile does not name nfpm")
	}
	cmd := exec.Command("packaging/build", "amd64")
	cmd.Dir = rig.Root()
	cmd.Env = append(os.Environ(), "GO=go", "NFPM="+string(nfpm[1]), "PACKAGES=frostline-edge", "DEB_VERSION="+version, "OUT="+dir, "SOURCE_DATE_EPOCH=1790000000")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build package: %v\n%s", err, out)
	}
	return filepath.Join(dir, "frostline-edge_"+version+"_amd64.deb")
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestPackage builds the gateway's package and looks at it; then installs,
// upgrades, removes and purges it on a machine of its own, under systemd.
func TestPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: takes half a minute")
	}
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("NOT TESTED: this is not Debian: ", err)
	}
	dir := t.TempDir()
	old := build(t, dir, "1.0")
	first := sum(t, old)
	if again := sum(t, build(t, dir, "1.0")); again != first {
		t.Errorf("the same package built again has the hash %x, want %x", again, first)
	}
	looks(t, old)
	newer(t, dir, old)
	m := boot(t, dir)
	m.installs(t)
	m.upgrades(t)
	m.goes(t)
}

// newer makes version 1.1 of a package, with nothing else changed.
func newer(t *testing.T, dir, deb string) {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	output(t, "dpkg-deb", "--raw-extract", deb, raw)
	output(t, "sed", "-i", "s/^Version: .*/Version: 1.1/", filepath.Join(raw, "DEBIAN", "control"))
	output(t, "dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", raw, filepath.Join(dir, "frostline-edge_1.1_amd64.deb"))
}

func sum(t *testing.T, file string) [32]byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}

// looks checks what is in a package.
func looks(t *testing.T, deb string) {
	t.Helper()
	files := output(t, "dpkg-deb", "--contents", deb)
	for _, want := range []string{
		`-rwxr-xr-x root/root .* \./usr/bin/frostline-edge`, `-rw-r--r-- root/root .* \./lib/systemd/system/frostline-edge\.service`,
		`-rw-r--r-- root/root .* \./etc/frostline/gateway\.yaml`, `.* \./usr/share/doc/frostline-edge/OPERATING\.md`, `.* \./usr/share/doc/frostline-edge/notices\.gz`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(files) {
			t.Errorf("the package has no %s in\n%s", want, files)
		}
	}
	if c := output(t, "dpkg-deb", "--info", deb, "conffiles"); strings.TrimSpace(c) != "/etc/frostline/gateway.yaml" {
		t.Errorf("conffiles are %q", c)
	}
	if _, err := exec.LookPath("lintian"); err != nil {
		t.Log("NOT TESTED: lintian is not installed")
		return
	}
	if out, err := exec.Command("lintian", "--fail-on", "error,warning", deb).CombinedOutput(); err != nil {
		t.Errorf("lintian: %v\n%s", err, out)
	}
}

// installs: the service runs, without rights, and reads a sensor.
func (m machine) installs(t *testing.T) {
	if out := m.do(t, "dpkg -i /packages/frostline-edge_1.0_amd64.deb && frostline-edge check && systemctl is-enabled frostline-edge; systemctl is-active frostline-edge || true"); !strings.Contains(out, "name this gateway") || !strings.HasSuffix(out, "enabled\ninactive\n") {
		t.Errorf("the installation of a gateway without a name says\n%s", out)
	}
	m.do(t, "cat > /etc/frostline/gateway.yaml && systemctl start frostline-edge && systemctl is-active frostline-edge", configured)
	pid := strings.TrimSpace(m.do(t, "systemctl show -p MainPID --value frostline-edge"))
	status := m.do(t, "cat /proc/"+pid+"/status")
	for _, want := range []string{"CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want) {
			t.Errorf("the agent's process has not %q:\n%s", want, status)
		}
	}
	if uid := regexp.MustCompile(`Uid:\t0\b`).FindString(status); uid != "" {
		t.Error("the agent runs as root")
	}
	if out := m.do(t, "systemd-analyze verify --man=no /lib/systemd/system/frostline-edge.service 2>&1"); strings.Contains(out, "frostline") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	m.do(t, "systemd-analyze security --threshold=20 frostline-edge.service")
	m.until(t, "a reading kept", func(s standing) bool { return s.Journal.Readings >= 2 })
	// What root does with the agent's files is done as their owner.
	if out := m.do(t, "frostline-edge doctor 2>&1 || true; find /var/lib/frostline-edge ! -user frostline-edge"); !strings.Contains(out, "acting as frostline-edge") || strings.Contains(out, "\n/var/lib") {
		t.Errorf("root left files in the agent's directory, or said nothing of it:\n%s", out)
	}
}

// upgrades: another process runs, with all that was kept before, and goes on.
func (m machine) upgrades(t *testing.T) {
	was := m.until(t, "readings kept", func(s standing) bool { return s.Journal.Readings >= 4 })
	m.do(t, "dpkg -i --force-confold /packages/frostline-edge_1.1_amd64.deb && systemctl is-active frostline-edge")
	is := m.until(t, "readings kept by the new agent", func(s standing) bool { return s.UptimeMs < was.UptimeMs && s.Journal.Readings > was.Journal.Readings })
	if is.Journal.Epoch != was.Journal.Epoch || is.Journal.Lost != 0 || is.Journal.Damaged != 0 || is.Journal.Pending != is.Journal.Readings {
		t.Errorf("before the upgrade %+v, after it %+v: want the same epoch and nothing lost", was.Journal, is.Journal)
	}
	log := m.do(t, "journalctl -u frostline-edge -o cat")
	if n := strings.Count(log, "stopped; everything taken is kept"); n != 1 {
		t.Errorf("the agent said %d times that it stopped in order, want once, at the upgrade\n%s", n, log)
	}
}

// goes: removal keeps readings and keys, purge deletes them.
func (m machine) goes(t *testing.T) {
	m.do(t, "dpkg --remove frostline-edge && ! systemctl is-active --quiet frostline-edge && test -d /var/lib/frostline-edge/journal && test -f /etc/frostline/gateway.yaml")
	m.do(t, "dpkg -i /packages/frostline-edge_1.1_amd64.deb && systemctl is-active frostline-edge")
	m.do(t, "dpkg --purge frostline-edge")
	left := m.do(t, `systemctl --failed --no-legend 'frostline*'; find /etc /lib/systemd /lib/udev /usr/bin /usr/lib/sysusers.d /usr/share/doc /usr/share/lintian /var/lib \( -name '*frostline-edge*' -o -path /etc/frostline \) -newer /etc/machine-id`)
	if left != "" {
		t.Errorf("a purge leaves\n%s", left)
	}
}

const configured = `gateway: packaged
sensors:
  - {id: none, driver: ds18b20, bus: w1, address: 28-0316a2794b2c, interval: 1s, timeout: 100ms}
`

// standing is what a test looks at of the agent's status.
type standing struct {
	UptimeMs int64 `json:"uptime_ms"`
	Journal  struct {
		Epoch    uint32 `json:"epoch"`
		Readings uint64 `json:"readings"`
		Pending  uint64 `json:"pending_readings"`
		Lost     uint64 `json:"lost_readings"`
		Damaged  int    `json:"damaged_segments"`
	} `json:"journal"`
}

func (m machine) until(t *testing.T, what string, ok func(standing) bool) (s standing) {
	t.Helper()
	must(t, what, func() bool {
		out, err := m.run("frostline-edge status --json 2>/dev/null", "")
		if err != nil {
			return false
		}
		s = standing{}
		return json.NewDecoder(bytes.NewReader(out)).Decode(&s) == nil && ok(s)
	})
	return s
}

// machine is a booted one: the pid of its process 1.
type machine struct{ pid string }

// run has a shell of the machine run a script.
func (m machine) run(script, in string) ([]byte, error) {
	cmd := exec.Command("nsenter", "-t", m.pid, "-m", "-n", "-p", "-i", "-u", "-C", "-r", "-w", "timeout", "60", "sh", "-c", script)
	cmd.Stdin = strings.NewReader(in)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
	return cmd.Output()
}

func (m machine) do(t *testing.T, script string, in ...string) string {
	t.Helper()
	out, err := m.run(script, strings.Join(in, ""))
	if err != nil {
		said := ""
		if e, ok := err.(*exec.ExitError); ok {
			said = string(e.Stderr)
		}
		log, _ := m.run("journalctl -u frostline-edge -o cat -n 30", "")
		t.Fatalf("%s: %v\n%s%s\nthe service says\n%s", script, err, out, said, log)
	}
	return string(out)
}

// boot starts a machine.
func boot(t *testing.T, packages string) machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: installing it needs root")
	}
	log := filepath.Join(t.TempDir(), "console")
	p, err := rig.Start("machine", log, "unshare", "-m", "-n", "-p", "-f", "-i", "-u", "-C", "--kill-child", "testdata/machine", t.TempDir(), packages)
	if err != nil {
		t.Skip("NOT TESTED: no namespaces: ", err)
	}
	t.Cleanup(p.Kill)
	var m machine
	must(t, "systemd, or its failure", func() bool {
		select {
		case <-p.Done():
			t.Skipf("NOT TESTED: systemd does not start in namespaces here:\n%s", p.Tail(2000))
		default:
		}
		child, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.Pid(), p.Pid()))
		m.pid = strings.TrimSpace(string(child))
		if err != nil || m.pid == "" {
			return false
		}
		out, _ := m.run("systemctl is-system-running", "") // it exits 1 while starting
		state := strings.TrimSpace(string(out))
		return state == "running" || state == "degraded"
	})
	m.do(t, "ip link set lo up")
	return m
}
