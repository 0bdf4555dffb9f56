package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"frostline/test/rig"
)

// slots is where releases lie. A path of the machine as it is read here may begin
// with where its files lie.
const slots = "/var/lib/frostline-edge/update/"

// compile makes a program of this module for the machine, under a version.
func compile(t *testing.T, out, version, source string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X frostline/proto/version.Version="+version, "-o", out, source)
	cmd.Dir, cmd.Env = rig.Root(), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", source, err, said)
	}
}

// TestReleaseUnderTheUnit: a hub brings another release to an installed gateway,
// which runs it from a slot in the state directory under the hardened unit, as
// the same process, and confirms it; and the next start runs it again.
func TestReleaseUnderTheUnit(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: takes a minute")
	}
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("NOT TESTED: this is not Debian: ", err)
	}
	dir := t.TempDir()
	build(t, dir, "1.0")
	m := boot(t, dir)
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := m.run("journalctl -u frostline-edge -u hub -o cat -n 30; ls -lR /var/lib/frostline-edge/update; readlink /proc/$(systemctl show -p MainPID --value frostline-edge)/exe; /packages/frostline --socket /hub/frostline.sock rollout status", "")
			t.Logf("the services say\n%s", said)
		}
	})
	compile(t, filepath.Join(dir, "edge"), "v9.1.0", "./cmd/frostline-edge")
	for _, p := range []string{"frostline", "frostline-hub"} {
		compile(t, filepath.Join(dir, p), "v9.1.0", "./cmd/"+p)
	}
	const hub = "/packages/frostline --socket /hub/frostline.sock "
	m.do(t, "systemd-run -q --unit=hub /packages/frostline-hub serve --data /hub --web 127.0.0.1:8090 --mqtt 127.0.0.1:8893 --enrol 127.0.0.1:8894")
	m.do(t, "/packages/frostline release key /release.key >/dev/null")
	key := strings.TrimSpace(m.do(t, "/packages/frostline release key /release.key"))
	key = key[strings.Index(key, "frostline-release:"):]
	key, _, _ = strings.Cut(key, "\n")
	m.do(t, "dpkg -i /packages/frostline-edge_1.0_amd64.deb && cat > /etc/frostline/gateway.yaml", configured+fmt.Sprintf("update: {keys: [%q], connected: 1m, alone: 2m}\n", key))
	var code string
	must(t, "a code of the hub", func() bool {
		out, err := m.run(hub+"enrol packaged --json", "")
		_, rest, _ := strings.Cut(string(out), `"code":`)
		parts := strings.Split(rest, `"`)
		if err != nil || len(parts) < 2 {
			return false
		}
		code = parts[1]
		return true
	})
	m.do(t, "frostline-edge enrol --hub 127.0.0.1:8894 --code "+code+" && systemctl start frostline-edge")
	pid := strings.TrimSpace(m.do(t, "systemctl show -p MainPID --value frostline-edge"))
	m.do(t, "/packages/frostline release sign --key /release.key --version v9.1.0 --out /v9.1.0.release linux/amd64=/packages/edge && "+
		hub+"release publish /v9.1.0.release --trust "+key+" && "+hub+"rollout start v9.1.0 --wave 100% --soak 0s")
	must(t, "the release to run from its slot", func() bool {
		out, _ := m.run("readlink /proc/"+pid+"/exe", "")
		return strings.Contains(string(out), slots)
	})
	must(t, "the release to be confirmed", func() bool {
		out, err := m.run(hub+"rollout status", "")
		return err == nil && strings.Contains(string(out), "done")
	})
	status := m.do(t, "cat /proc/"+pid+"/status; systemctl show -p MainPID,NRestarts frostline-edge; frostline-edge status")
	for _, want := range []string{"CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "MainPID=" + pid + "\n", "NRestarts=0\n", "v9.1.0", "confirmed, from the hub"} {
		if !strings.Contains(status, want) {
			t.Errorf("the release's process has not %q:\n%s", want, status)
		}
	}
	m.do(t, "systemctl kill -s KILL frostline-edge")
	must(t, "the release to run after it was killed", func() bool {
		out, _ := m.run("readlink /proc/$(systemctl show -p MainPID --value frostline-edge)/exe && frostline-edge status", "")
		return strings.Contains(string(out), slots) && strings.Contains(string(out), "v9.1.0")
	})
}
