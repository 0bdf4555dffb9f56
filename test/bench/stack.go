package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"frostline/edge/panel"
	"frostline/test/rig"
)

// stack is a hub, a simulator and gateways: the real binaries.
type stack struct {
	dir, bin    string
	web         string
	mqtt, enrol string
	hub, sim    *rig.Process
}

// wait bounds everything that is waited for.
const wait = 2 * time.Minute

func startStack(ctx context.Context, dir string, scenario string, hub ...string) (*stack, error) {
	bin, err := rig.Build()
	if err != nil {
		return nil, err
	}
	s := &stack{dir: dir, bin: bin}
	for _, addr := range []*string{&s.web, &s.mqtt, &s.enrol} {
		port, err := rig.FreePort()
		if err != nil {
			return nil, err
		}
		*addr = "127.0.0.1:" + strconv.Itoa(port)
	}
	file := filepath.Join(dir, "scenario.yaml")
	if err := os.WriteFile(file, []byte(scenario), 0o600); err != nil {
		return nil, err
	}
	if s.sim, err = rig.Start("firmware-sim", filepath.Join(dir, "sim.log"), filepath.Join(bin, "firmware-sim"), "run", "--scenario", file, "--dir", filepath.Join(dir, "sim")); err != nil {
		return nil, err
	}
	if s.hub, err = rig.Start("hub", filepath.Join(dir, "hub.log"), filepath.Join(bin, "frostline-hub"), append([]string{"serve",
		"--data", filepath.Join(dir, "hub"), "--web", s.web, "--mqtt", s.mqtt, "--enrol", s.enrol, "--log-level", "warn"}, hub...)...); err != nil {
		return nil, err
	}
	return s, s.until(ctx, "the hub", s.hub, func() bool { return s.cli(ctx, nil, "gateways") == nil })
}

// until waits for a condition, or for a process to end.
func (s *stack) until(ctx context.Context, what string, p *rig.Process, ok func() bool) error {
	return s.within(ctx, wait, what, p, ok)
}

func (s *stack) within(ctx context.Context, wait time.Duration, what string, p *rig.Process, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := rig.Until(ctx, what, func() (bool, error) {
		select {
		case <-p.Done():
			cancel()
		default:
		}
		return ok(), nil
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.Tail(2000))
	}
	return nil
}

// cli runs the command line against the hub and decodes its JSON.
func (s *stack) cli(ctx context.Context, into any, args ...string) error {
	args = append(args, "--json", "--socket", filepath.Join(s.dir, "hub", "frostline.sock"))
	out, err := exec.CommandContext(ctx, filepath.Join(s.bin, "frostline"), args...).Output()
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(out, into)
}

func (s *stack) stop() {
	for _, p := range []*rig.Process{s.sim, s.hub} {
		if p != nil {
			_ = p.Stop(10 * time.Second)
		}
	}
}

// thermometers is a scenario of boards with n MCP9808 each, eight on a bus.
func thermometers(n int, boards ...string) string {
	var b strings.Builder
	b.WriteString("seed: 1\nboards:\n")
	for _, name := range boards {
		board(&b, name, n)
	}
	return b.String()
}

// contacts adds a board with n door contacts, a GPIO line each: they can be
// read ten times a second, as thermometers cannot.
func contacts(scenario, name string, n int) string {
	var b strings.Builder
	b.WriteString(scenario)
	board(&b, name, 0)
	for i := range n {
		fmt.Fprintf(&b, "      - {name: c-%02d, kind: contact, bus: gpio-%d, senses: room.door}\n", i, i+1)
	}
	return b.String()
}

func board(b *strings.Builder, name string, n int) {
	fmt.Fprintf(b, "  - name: %s\n    world:\n      - name: room\n        room: {setpoint_c: 4.6, band_c: 0.9, cooling_w: 1500, walls_w_per_k: 25, door_w_per_k: 250, air_kj_per_k: 150, goods_kj_per_k: 3000, goods_w_per_k: 120, surroundings: {base_c: 17, ambient_share: 0.3}, openings: {every: 12m, night: 70m, lasts: 30s}}\n    devices:\n", name)
	for i := range n {
		fmt.Fprintf(b, "      - {name: t-%02d, kind: mcp9808, bus: i2c-%d, address: 0x%02x, senses: room.air, offset_c: %.1f}\n", i, 1+i/8, 0x18+i%8, float64(i%5)/10)
	}
}

// edge is a gateway of the stack with n of those thermometers.
type edge struct {
	*stack
	name, dir, config string
	process           *rig.Process
	panel             *panel.Client
}

// newEdge enrols a gateway with sensors as sensor lists them, by number.
func (s *stack) newEdge(ctx context.Context, board string, n int, sensor func(e *edge, i int) string, hub string) (*edge, error) {
	e := &edge{stack: s, name: board, dir: filepath.Join(s.dir, board)}
	e.config, e.panel = filepath.Join(s.dir, board+".yaml"), panel.NewClient(e.dir)
	var b strings.Builder
	fmt.Fprintf(&b, "gateway: %s\ndata: %s\nhub: {address: %q, enrol: %q}\npanel: {listen: \"off\"}\nsensors:\n", board, e.dir, hub, "https://"+s.enrol)
	for i := range n {
		fmt.Fprintln(&b, "  - "+sensor(e, i))
	}
	if err := os.WriteFile(e.config, []byte(b.String()), 0o600); err != nil {
		return nil, err
	}
	var made struct {
		Code string `json:"code"`
	}
	if err := s.cli(ctx, &made, "enrol", board); err != nil {
		return nil, fmt.Errorf("make a code: %w", err)
	}
	return e, e.run(ctx, "enrol", "--code", made.Code)
}

// thermometer is the ith at 1 Hz, contact at 10 Hz.
func thermometer(e *edge, i int) string {
	return fmt.Sprintf("{id: t-%02d, driver: mcp9808, bus: \"sim:unix:%s/i2c-%d\", address: \"0x%02x\", interval: 1s, timeout: 500ms}", i, e.board(), 1+i/8, 0x18+i%8)
}

func contact(e *edge, i int) string {
	return fmt.Sprintf("{id: c-%02d, driver: door, bus: \"sim:unix:%s/gpio-%d\", interval: 100ms, timeout: 50ms, options: {debounce: 5ms}}", i, e.board(), i+1)
}

// board is the socket of the simulated board.
func (e *edge) board() string { return filepath.Join(e.stack.dir, "sim", e.name+".sock") }

// run runs a command of frostline-edge to its end.
func (e *edge) run(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, filepath.Join(e.bin, "frostline-edge"), append(args, "--config", e.config)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("frostline-edge %s: %w\n%s", args[0], err, out)
	}
	return nil
}

func (e *edge) start(ctx context.Context) error { return e.startBy(ctx, rig.Start) }

// startBy starts the agent by rig.Start, or from another place of the network.
func (e *edge) startBy(ctx context.Context, start func(name, log, path string, args ...string) (*rig.Process, error)) (err error) {
	e.process, err = start(e.name, filepath.Join(e.stack.dir, e.name+".log"), filepath.Join(e.bin, "frostline-edge"), "run", "--config", e.config, "--log-level", "warn")
	if err != nil {
		return err
	}
	return e.until(ctx, "the agent", e.process, func() bool { _, err := e.panel.Status(ctx); return err == nil })
}

func (e *edge) stop() error { return e.process.Stop(15 * time.Second) }

// procField reads a number from a file of /proc.
func procField(pid int, file, field string) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			v, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return v
		}
	}
	return 0
}
