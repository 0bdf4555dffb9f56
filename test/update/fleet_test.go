// Package update tests how gateways get other releases of their agent: the real
// hub, the real agents in several versions and programs that are no agents, and
// power cuts in between.
package update

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/edge/update"
	sim "frostline/firmware-sim"
	"frostline/firmware-sim/scenario"
	"frostline/hub/api"
	"frostline/test/rig"
)

const patience = 90 * time.Second

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := rig.Build(); err == nil {
		os.RemoveAll(dir)
	}
	if programs != "" {
		os.RemoveAll(programs)
	}
	os.Exit(code)
}

// programs are built once.
var (
	programs string
	building sync.Mutex
)

// program builds a version of the agent, or of what is none, and gives its path.
func program(t *testing.T, version, source string) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	if programs == "" {
		dir, err := os.MkdirTemp("", "frostline-update-")
		if err != nil {
			t.Fatal(err)
		}
		programs = dir
	}
	path := filepath.Join(programs, version+"-"+filepath.Base(source))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	variable, more := "main.version", []string{}
	if source == agent || source == deaf {
		variable = "frostline/proto/version.Version"
	}
	if source == deaf {
		source, more = agent, []string{"-overlay", deafness(t)}
	}
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath"}, more...), "-ldflags", "-s -w -X "+variable+"="+version, "-o", path, source)...)
	cmd.Dir = rig.Root()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s %s: %v\n%s", source, version, err, out)
	}
	return path
}

// deafness gives an overlay in which the uplink passes over acknowledgements.
func deafness(t *testing.T) string {
	t.Helper()
	file := filepath.Join(rig.Root(), "edge", "uplink", "hear.go")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const hears = "if err := s.acknowledged(m); err != nil {"
	if bytes.Count(b, []byte(hears)) != 1 {
		t.Fatalf("%s: want %q in it once", file, hears)
	}
	other := filepath.Join(programs, "hear.go.txt")
	b = bytes.Replace(b, []byte(hears), []byte("if err := error(nil); err != nil {"), 1)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: other}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, b, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(programs, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	agent = "./cmd/frostline-edge"
	deaf  = agent + "-deaf" // the agent, but that it does not hear acknowledgements
	crash = "./test/update/testdata/crash"
	hang  = "./test/update/testdata/hang"
)

// fleet is a hub and gateways.
type fleet struct {
	*testing.T
	dir   string
	bin   string
	key   string // of releases, printed
	enrol string
	hub   *rig.Process
	hubDo []string
	vans  []*van
}

// van is a gateway, started again whenever its program ends, as by a service
// manager.
type van struct {
	*fleet
	id, config, data, program string

	mu      sync.Mutex
	process *rig.Process
	off     bool
	starts  int
}

// newFleet starts a hub and enrols gateways, which run the version v1.0.0.
func newFleet(t *testing.T, gateways int) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT TESTED: takes a minute; run without -short")
	}
	bin, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{T: t, dir: t.TempDir(), bin: bin, enrol: loopback(t)}
	f.key = strings.TrimSpace(f.frostline("release", "key", f.at("release.key")))
	var boards strings.Builder
	for i := range gateways {
		fmt.Fprintf(&boards, `  - name: van-%d
    socket: %s
    world: [{name: room, room: {setpoint_c: 4.6, band_c: 0.9, cooling_w: 1500, walls_w_per_k: 25, air_kj_per_k: 150, surroundings: {base_c: 17, ambient_share: 0.3}}}]
    devices: [{name: probe, kind: tmp117, bus: i2c-1, address: 0x48, senses: room.air, lag: 1s}]
`, i+1, f.at(fmt.Sprintf("van-%d.sock", i+1)))
	}
	s, err := scenario.Parse([]byte("seed: 5\nboards:\n" + boards.String()))
	if err != nil {
		t.Fatal(err)
	}
	running, err := sim.Start(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { running.Stop() })
	f.hubDo = []string{"serve", "--data", f.at("hub"), "--web", loopback(t), "--enrol", f.enrol, "--mqtt", loopback(t)}
	f.startHub()
	for i := range gateways {
		f.vans = append(f.vans, f.admit(fmt.Sprintf("van-%d", i+1)))
	}
	t.Cleanup(func() {
		for _, v := range f.vans {
			v.stop()
		}
		if f.hub != nil {
			f.hub.Kill()
		}
		if t.Failed() {
			for _, v := range f.vans {
				b, _ := os.ReadFile(filepath.Join(f.dir, v.id+".log"))
				t.Logf("%s said:\n%s", v.id, b[max(0, len(b)-6000):])
			}
			t.Logf("the hub said:\n%s", f.hub.Tail(3000))
		}
	})
	return f
}

func loopback(t *testing.T) string {
	t.Helper()
	port, err := rig.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

func (f *fleet) at(name string) string { return filepath.Join(f.dir, name) }

func (f *fleet) startHub() {
	f.Helper()
	p, err := rig.Start("hub", f.at("hub.log"), filepath.Join(f.bin, "frostline-hub"), f.hubDo...)
	if err != nil {
		f.Fatal(err)
	}
	f.hub = p
	rig.Must(f, patience, "the hub to answer", func() (bool, error) {
		_, err := f.client().Accounts(f.Context())
		return err == nil, err
	})
}

func (f *fleet) client() *api.Client { return api.NewClient(f.at("hub/frostline.sock")) }

func (f *fleet) admit(id string) *van {
	f.Helper()
	v := &van{fleet: f, id: id, config: f.at(id + ".yaml"), data: f.at(id), program: f.at(id + "-program")}
	f.install(v, "v1.0.0")
	text := fmt.Sprintf(`gateway: %s
data: %s
panel: {listen: off}
update: {keys: [%q], connected: 5s, alone: 8s}
sensors:
  - {id: box, driver: tmp117, bus: "sim:unix:%s.sock/i2c-1", address: 0x48, interval: 500ms}
`, id, v.data, f.key, f.at(id))
	if err := os.WriteFile(v.config, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	var code struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal([]byte(f.frostline("enrol", id, "--json")), &code); err != nil {
		f.Fatal(err)
	}
	if out, err := exec.Command(v.program, "enrol", "--config", v.config, "--hub", f.enrol, "--code", code.Code).CombinedOutput(); err != nil {
		f.Fatalf("enrol %s: %v\n%s", id, err, out)
	}
	v.start()
	return v
}

// install puts a version where the package has it.
func (f *fleet) install(v *van, version string) {
	f.Helper()
	b, err := os.ReadFile(program(f.T, version, agent))
	if err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(v.program+".new", b, 0o700); err != nil {
		f.Fatal(err)
	}
	if err := os.Rename(v.program+".new", v.program); err != nil {
		f.Fatal(err)
	}
}

// frostline runs the command line.
func (f *fleet) frostline(args ...string) string {
	f.Helper()
	out, err := f.try(args...)
	if err != nil {
		f.Fatalf("frostline %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (f *fleet) try(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(f.bin, "frostline"), append(args, "--socket", f.at("hub/frostline.sock"))...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return string(out) + said.String(), err
	}
	return string(out), nil
}

// publish signs a release of a program and gives it to the hub.
func (f *fleet) publish(version, source string, more ...string) {
	f.Helper()
	file := f.at(version + ".release")
	f.frostline(append([]string{"release", "sign", "--key", f.at("release.key"), "--version", version, "--out", file,
		runtime.GOOS + "/" + runtime.GOARCH + "=" + program(f.T, version, source)}, more...)...)
	f.frostline("release", "verify", file, "--trust", f.key)
	f.frostline("release", "publish", file, "--trust", f.key)
}

// start has the van's program run, and run again when it ends.
func (v *van) start() {
	v.mu.Lock()
	v.off = false
	v.mu.Unlock()
	v.again()
}

func (v *van) again() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.off {
		return
	}
	p, err := rig.Start(v.id, v.at(v.id+".log"), v.program, "run", "--config", v.config)
	if err != nil {
		v.Error(err)
		return
	}
	v.process = p
	v.starts++
	go func() {
		<-p.Done()
		v.again()
	}()
}

// cut ends it by SIGKILL; it comes up again at once.
func (v *van) cut() {
	v.mu.Lock()
	p := v.process
	v.mu.Unlock()
	p.Kill()
}

func (v *van) stop() {
	v.mu.Lock()
	v.off = true
	p := v.process
	v.mu.Unlock()
	if p != nil {
		p.Kill()
	}
}

// runs waits until the hub hears a version from the van, with nothing on trial.
func (v *van) runs(version string) {
	v.Helper()
	rig.Must(v, patience, v.id+" to run "+version, func() (bool, error) {
		gs, err := v.client().Gateways(v.Context())
		if err != nil {
			return false, err
		}
		for _, g := range gs {
			if g.Gateway == v.id && g.Link == "online" {
				s, err := update.Look(filepath.Join(v.data, "update"))
				if os.IsNotExist(err) {
					err = nil
				}
				return g.Version == version && s.Trial == "", err
			}
		}
		return false, nil
	})
}

// rollout waits for the newest rollout to be in a state.
func (f *fleet) rollout(state string) api.Rollout {
	f.Helper()
	var r api.Rollout
	rig.Must(f, patience, "the rollout to be "+state, func() (bool, error) {
		all, err := f.client().Rollouts(f.Context(), 1)
		if err != nil || len(all) == 0 {
			return false, err
		}
		r = all[0]
		return r.State == state, nil
	})
	return r
}

// gateway tells how far a gateway is in a rollout.
func (f *fleet) gateway(rollout int64, id string) api.RolloutGateway {
	f.Helper()
	all, err := f.client().RolloutGateways(f.Context(), rollout)
	if err != nil {
		f.Fatal(err)
	}
	for _, g := range all {
		if g.Gateway == id {
			return g
		}
	}
	f.Fatalf("%s is not in rollout %d", id, rollout)
	return api.RolloutGateway{}
}

// settle waits until the hub has all that every gateway kept, and wants the
// account to add up and the chains to verify.
func (f *fleet) settle() {
	f.Helper()
	rig.Must(f, patience, "the account to add up", func() (bool, error) {
		_, err := f.try("account")
		return err == nil, err
	})
	for _, v := range f.vans {
		v.gaps()
		v.stop()
		if out, err := exec.Command(program(f.T, "v1.1.0", agent), "journal", "verify", "--config", v.config).CombinedOutput(); err != nil {
			f.Errorf("journal of %s: %v\n%s", v.id, err, out)
		}
	}
}

// gaps logs between which ticks there are no readings.
func (v *van) gaps() {
	v.Helper()
	var last int64
	var rows [][]string
	// An agent that has just begun again has yet to send what it took before.
	rig.Must(v, patience, "the history of "+v.id, func() (bool, error) {
		out, err := v.try("history", v.id+"/box/temperature", "--from", "-1h")
		if err != nil {
			return false, err
		}
		rows, err = csv.NewReader(strings.NewReader(out)).ReadAll()
		return len(rows) >= 2, err
	})
	const tick = 10 // boottime_ms
	var found []int64
	for _, row := range rows[1:] {
		at, err := strconv.ParseInt(row[tick], 10, 64)
		if err != nil || at <= last || at%500 != 0 {
			v.Fatalf("history of %s: tick %q after %d: %v", v.id, row[tick], last, err)
		}
		if last > 0 && at-last > 500 {
			found = append(found, at-last)
		}
		last = at
	}
	v.Logf("%s: %d readings, ms without any: %v", v.id, len(rows)-1, found)
}
