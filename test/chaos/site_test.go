package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/edge/agent"
	"frostline/edge/panel"
	"frostline/hub/api"
	"frostline/test/rig"
)

// site is a whole cold chain of real programs: a hub, a broker if it is not
// the hub's own, gateways each behind a link of its own, and their sensors.
type site struct {
	testing.TB
	*chance
	dir      string
	hub      *machine
	broker   *machine // nil where the hub's own serves
	sensors  *machine
	gateways []*gateway
	mqtt     string // where the gateways' links lead
	enrol    string
	web      string // of the hub's pages and its interface for programs
}

// gateway is one frostline-edge.
type gateway struct {
	*machine
	id     string
	config string
	data   string
	link   *rig.Link
}

// layout says what a site consists of.
type layout struct {
	gateways int
	broker   string                  // "" for the hub's own, "mosquitto" or "nats"
	dirs     func(of string) string  // where the hub, or a gateway, keeps its data; nil: within the site's folder
	journal  string                  // more lines of the gateways' journal configuration
	forget   bool                    // the journals keep nothing that is acknowledged, as they come
	few      bool                    // two sensors a second apart instead of many in haste
	config   func(dir string) string // the hub's configuration file; nil: none
}

// build makes a site and starts hub, broker and sensors. The gateways are
// enrolled and do not run yet.
func build(t testing.TB, c *chance, l layout) *site {
	t.Helper()
	s := &site{TB: t, chance: c, dir: folder(t), enrol: loopback(t), mqtt: loopback(t), web: loopback(t)}
	data := func(of string) string {
		if l.dirs != nil {
			return l.dirs(of)
		}
		return filepath.Join(s.dir, of)
	}
	hub := []string{"serve", "--data", data("hub"), "--web", s.web, "--enrol", s.enrol}
	inner := loopback(t) // where the hub meets an external broker
	switch l.broker {
	case "":
		hub = append(hub, "--mqtt", s.mqtt)
	case "mosquitto":
		hub = append(hub, "--broker", "mqtts://"+inner)
	case "nats":
		hub = append(hub, "--broker", "tls://"+inner)
	}
	if l.config != nil {
		file := filepath.Join(s.dir, "hub.yaml")
		s.write(file, l.config(s.dir))
		hub = append(hub, "--config", file)
	}
	s.hub = newMachine(t, s.dir, "hub", command(t, "frostline-hub"), hub...)
	for i := range l.gateways {
		id := fmt.Sprintf("van-%d", i+1)
		link, err := rig.NewLink(s.mqtt)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		running(t, cancel, func() error { return link.Run(ctx) })
		g := &gateway{id: id, data: data(id), config: filepath.Join(s.dir, id+".yaml"), link: link}
		g.machine = newMachine(t, s.dir, id, command(t, "frostline-edge"), "run", "--config", g.config)
		s.gateways = append(s.gateways, g)
		s.write(g.config, s.configuration(g, l))
	}
	scenario := filepath.Join(s.dir, "scenario.yaml")
	s.write(scenario, s.scenario())
	s.sensors = newMachine(t, s.dir, "firmware-sim", command(t, "firmware-sim"), "run", "--scenario", scenario, "--dir", s.dir)
	s.must(s.sensors.start())
	s.must(s.hub.start())
	s.await("the hub to answer", s.answers)
	for _, g := range s.gateways {
		s.admit(g)
	}
	if l.broker != "" {
		s.external(l.broker, inner)
	}
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) await(what string, ok func() (bool, error)) {
	s.Helper()
	rig.Must(s.TB, patience, what, ok)
}

func (s *site) write(path, text string) {
	s.Helper()
	s.must(os.WriteFile(path, []byte(text), 0o600))
}

// run runs a command of the project and gives its standard output.
func (s *site) run(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(command(s.TB, name), args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, said.Bytes())
	}
	return out, err
}

// socket is how the hub is asked on its own machine.
func (s *site) socket() string { return filepath.Join(s.hubData(), "frostline.sock") }

func (s *site) hubData() string { return s.hub.args[2] }

func (s *site) answers() (bool, error) {
	ctx, cancel := context.WithTimeout(s.Context(), 5*time.Second)
	defer cancel()
	_, err := api.NewClient(s.socket()).Accounts(ctx)
	return err == nil, err
}

// admit enrols a gateway as an operator does.
func (s *site) admit(g *gateway) {
	s.Helper()
	out, err := s.run("frostline", "enrol", g.id, "--socket", s.socket(), "--json")
	s.must(err)
	var code struct {
		Code string `json:"code"`
	}
	s.must(json.Unmarshal(out, &code))
	_, err = s.run("frostline-edge", "enrol", "--config", g.config, "--hub", s.enrol, "--code", code.Code)
	s.must(err)
}

// external starts a broker by the configuration that the hub prints.
func (s *site) external(kind, inner string) {
	s.Helper()
	dir := filepath.Join(s.dir, "broker")
	_, err := s.run("frostline", "broker-config", kind, "--dir", dir, "--host", "127.0.0.1", "--gateways", s.mqtt, "--hub", inner, "--socket", s.socket())
	s.must(err)
	program, file := "mosquitto", filepath.Join(dir, "mosquitto.conf")
	if kind == "nats" {
		program, file = "nats-server", filepath.Join(dir, "nats.conf")
	} else if os.Getuid() == 0 { // it would give up the right to read its own files
		conf, err := os.ReadFile(file)
		s.must(err)
		s.write(file, string(conf)+"\nuser root\n")
	}
	s.broker = newMachine(s.TB, s.dir, program, tool(s.TB, program), "-c", file)
	s.must(s.broker.start())
}

// tool finds a program that the machine has to provide.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	cannot(t, name+" is not installed: install Debian's package "+name)
	return ""
}

// cannot says loudly that a test does not run. In CI it must.
func cannot(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("CI has to run this test: ", why)
	}
	t.Skip("NOT TESTED: ", why)
}

// machines lists what can be killed.
func (s *site) machines() []*machine {
	out := []*machine{s.hub, s.sensors}
	if s.broker != nil {
		out = append(out, s.broker)
	}
	for _, g := range s.gateways {
		out = append(out, g.machine)
	}
	return out
}

// startAll starts what does not run.
func (s *site) startAll() {
	s.Helper()
	for _, m := range s.machines() {
		s.must(m.start())
	}
}

// status asks a gateway.
func (g *gateway) status(ctx context.Context) (panel.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return panel.NewClient(g.data).Status(ctx)
}

// reconnect spares a gateway the rest of its wait before the next attempt, as
// an operator can.
func (g *gateway) reconnect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c := panel.NewClient(g.data)
	return errors.Join(c.SetLink(ctx, false), c.SetLink(ctx, true))
}

// journal is the directory of a gateway's journal.
func (g *gateway) journal() string { return agent.JournalDir(g.data) }

// account asks the hub by the command line, which also judges by its exit
// status.
func (s *site) account() ([]api.Account, error) {
	out, err := s.run("frostline", "account", "--json", "--socket", s.socket())
	if err != nil {
		return nil, err
	}
	var as []api.Account
	if err := json.Unmarshal(out, &as); err != nil {
		return nil, err
	}
	for _, a := range as {
		if !a.AddsUp || a.Difference != 0 || a.Quarantined != 0 {
			return as, fmt.Errorf("the account of %s, epoch %d: %+v", a.Gateway, a.Epoch, a)
		}
	}
	return as, nil
}
