// Package demo runs a whole cold chain on this machine: simulated sensors, a
// gateway agent for each zone and vehicle, and the hub, all of them the real
// programs with files of their own. It starts and stops them and shows how
// they are; it does none of their work.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"frostline/cmd/frostline/demo/story"
	"frostline/hub/api"
)

// Options of a demonstration.
type Options struct {
	Dir   string        // where everything is kept
	Bin   string        // folder of the four programs
	Hours time.Duration // of history recorded at the first start
	Out   io.Writer
	In    *os.File // keys are read from it where it is a terminal
}

type demo struct {
	Options
	dir, bin string
	places   []place
	ports    ports
	hub, sim *process
	edges    map[string]*process
	teller   *story.Teller
}

// ports are chosen once and kept, because gateways are told of them.
type ports struct {
	Web   int `json:"web"`
	MQTT  int `json:"mqtt"`
	Enrol int `json:"enrol"`
	Panel int `json:"panel"` // of the first gateway; the others follow
}

const (
	startGrace = 30 * time.Second
	stopGrace  = 15 * time.Second
)

// Run shows a demonstration until ctx ends or the user quits. It then ends all
// programs in order and returns nil. What they have kept stays in Options.Dir:
// the next Run goes on from there.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	d := &demo{Options: o, dir: dir, bin: o.Bin, places: places(filepath.Join(dir, "sim")), edges: map[string]*process{}}
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o700); err != nil {
		return fmt.Errorf("make the demonstration's folder: %w", err)
	}
	lock, err := d.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := d.choosePorts(); err != nil {
		return err
	}
	if d.teller, err = story.Open(story.Options{Dir: dir, Socket: d.path("hub", "frostline.sock"), Web: d.loopback(d.ports.Web), Pages: d.pages()}); err != nil {
		return err
	}
	defer d.stopAll()
	if err := d.startAll(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return d.watch(ctx)
}

// lock keeps a second demonstration out of the same folder.
func (d *demo) lock() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(d.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("a demonstration runs in %s already: end it, or choose another folder with --dir", d.dir)
	}
	return f, nil
}

// startAll brings everything up: hub, simulator, then each gateway through its
// enrolment and, the first time, its history.
func (d *demo) startAll(ctx context.Context) error {
	began := time.Now()
	var err error
	d.say("starting the hub")
	if d.hub, err = d.start("hub", "frostline-hub", "serve", "--data", d.path("hub"),
		"--web", d.loopback(d.ports.Web), "--mqtt", d.loopback(d.ports.MQTT), "--enrol", d.loopback(d.ports.Enrol)); err != nil {
		return err
	}
	if d.sim, err = d.start("firmware-sim", "firmware-sim", "run", "--demo", "--dir", d.path("sim")); err != nil {
		return err
	}
	if err := d.await(ctx, d.hub, func() bool { return answers(d.path("hub", "frostline.sock")) }); err != nil {
		return err
	}
	d.say("the hub's pages are at %s/", d.pages())
	for i, p := range d.places {
		if err := d.await(ctx, d.sim, func() bool { return exists(p.socket) }); err != nil {
			return err
		}
		if err := d.writeConfig(i, p); err != nil {
			return err
		}
		if err := d.enrol(ctx, p); err != nil {
			return err
		}
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	for _, p := range d.places {
		if d.edges[p.gateway], err = d.start(p.gateway, "frostline-edge", "run", "--config", d.config(p)); err != nil {
			return err
		}
	}
	for _, p := range d.places {
		if err := d.await(ctx, d.edges[p.gateway], func() bool { return answers(d.path(p.gateway, "edge.sock")) }); err != nil {
			return err
		}
	}
	if err := d.tell(ctx); err != nil {
		return err
	}
	d.say("everything runs, %.0f s after the start", time.Since(began).Seconds())
	return nil
}

// enrol gets a gateway its certificate, unless it has one.
func (d *demo) enrol(ctx context.Context, p place) error {
	if exists(d.path(p.gateway, "enrolled")) {
		return nil
	}
	code, err := api.NewClient(d.path("hub", "frostline.sock")).Code(ctx, p.gateway)
	if err != nil {
		return err
	}
	if err := d.run(ctx, "frostline-edge", "enrol", "--config", d.config(p), "--code", code.Code); err != nil {
		return err
	}
	d.say("%s is enrolled", p.gateway)
	return d.mark(p, "enrolled")
}

// record lets each gateway live through the hours before now, with no hub in
// reach, two at a time.
func (d *demo) record(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, p := range d.places {
		if d.Hours <= 0 || exists(d.path(p.gateway, "recorded")) {
			continue
		}
		g.Go(func() error {
			began := time.Now()
			if err := d.run(ctx, "frostline-edge", "record", "--config", d.config(p), "--for", d.Hours.String(), "--simulator", p.socket); err != nil {
				return err
			}
			d.say("%s has recorded %s offline, in %.1f s", p.gateway, d.Hours, time.Since(began).Seconds())
			return d.mark(p, "recorded")
		})
	}
	return g.Wait()
}

// await waits until something holds, or its process or ctx ends.
func (d *demo) await(ctx context.Context, p *process, ok func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(startGrace)
	for !ok() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.done:
			return fmt.Errorf("%s ended: %v; the end of %s:\n%s", p.name, p.err, p.log, p.lastLines())
		case <-late:
			return fmt.Errorf("%s is not ready after %s; the end of %s:\n%s", p.name, startGrace, p.log, p.lastLines())
		case <-tick.C:
		}
	}
	return nil
}

// stopAll ends the gateways first, so that they can say goodbye to the hub.
func (d *demo) stopAll() {
	d.say("stopping; everything is kept in %s", d.dir)
	var g errgroup.Group
	for _, p := range d.edges {
		g.Go(func() error { p.stop(stopGrace); return nil })
	}
	_ = g.Wait()
	d.sim.stop(stopGrace)
	d.hub.stop(stopGrace)
}

// choosePorts takes the usual ports where they are free, else any, and keeps
// to what was chosen before.
func (d *demo) choosePorts() error {
	file := d.path("ports.json")
	if b, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(b, &d.ports); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		for _, p := range []int{d.ports.Web, d.ports.MQTT, d.ports.Enrol} {
			if !free(p) {
				return fmt.Errorf("port %d is in use and the gateways of %s know it: end what uses it, or start anew in another folder with --dir", p, d.dir)
			}
		}
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	taken := map[int]bool{}
	d.ports = ports{Web: pick(8080, 1, taken), MQTT: pick(8883, 1, taken), Enrol: pick(8884, 1, taken), Panel: pick(8480, len(d.places), taken)}
	b, err := json.Marshal(d.ports)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// pick finds n free ports in a row, at usual or above, that are not taken, and
// takes them.
func pick(usual, n int, taken map[int]bool) int {
	for first := usual; first < usual+1000; first++ {
		ok := true
		for p := first; p < first+n && ok; p++ {
			ok = !taken[p] && free(p)
		}
		if ok {
			for p := first; p < first+n; p++ {
				taken[p] = true
			}
			return first
		}
	}
	return usual
}

func free(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func answers(socket string) bool {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}
func (d *demo) config(p place) string    { return d.path(p.gateway, "gateway.yaml") }
func (d *demo) loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
func (d *demo) pages() string {
	return "http://" + net.JoinHostPort("localhost", strconv.Itoa(d.ports.Web))
}
func (d *demo) say(format string, a ...any) { fmt.Fprintf(d.Out, format+"\r\n", a...) }
func (d *demo) mark(p place, what string) error {
	return os.WriteFile(d.path(p.gateway, what), nil, 0o600)
}
