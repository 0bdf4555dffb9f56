package bus

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"frostline/edge/sensor"
	sim "frostline/firmware-sim"
	"frostline/firmware-sim/control"
	"frostline/proto/reading"
	"frostline/proto/truetime"
	"frostline/test/rig"
)

// program is the path of a program that .ci/install installs.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/usr/local/sbin/"} {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed: run .ci/install", name)
	return ""
}

// Debian's gpsd reads the simulated receiver from its terminal, and the
// gateway reads gpsd: position and time are the receiver's, a lost fix is seen,
// and nothing is made up while gpsd is away.
func TestThroughGPSD(t *testing.T) {
	gpsd := program(t, "gpsd")
	dir := t.TempDir()
	s := sim.Demo(dir)
	for i := range s.Boards {
		if s.Boards[i].Name == "van-1" {
			s.Boards = s.Boards[i : i+1]
			break
		}
	}
	board := s.Boards[0]
	ctx, cancel := context.WithCancel(t.Context())
	simulation, err := sim.Start(ctx, s, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := simulation.Stop(); err != nil {
			t.Error(err)
		}
	})
	steer, err := control.Dial(ctx, "unix", board.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { steer.Close() })

	free, err := rig.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free)
	var said bytes.Buffer
	start := func() *exec.Cmd {
		// -N in the foreground, -n without waiting for a client, -b read-only.
		c := exec.CommandContext(ctx, gpsd, "-N", "-n", "-b", "-S", port, filepath.Join(dir, board.Name+".gnss"))
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	stop := func(c *exec.Cmd) {
		_ = c.Process.Kill() // it may have ended
		var exit *exec.ExitError
		if err := c.Wait(); err != nil && !errors.As(err, &exit) {
			t.Error(err)
		}
	}
	daemon := start()
	defer func() { stop(daemon) }()

	began := time.Now()
	now := func() int64 { return time.Since(began).Milliseconds() + 1 }
	anchors := make(chan truetime.Anchor, 100)
	d, err := sensor.Open(sensor.Spec{ID: "position", Driver: "gnss", Bus: "gpsd:127.0.0.1:" + port}, sensor.Env{
		Now: now, Log: quiet, OnTime: func(a truetime.Anchor) { anchors <- a },
	})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{})
	go func() { defer close(heard); d.(sensor.Runner).Run(ctx) }()
	t.Cleanup(func() { cancel(); <-heard })

	// until waits for a reading.
	until := func(what string, is func([]sensor.Value, error) bool) []sensor.Value {
		t.Helper()
		var vs []sensor.Value
		rig.Must(t, time.Minute, what, func() (bool, error) {
			var err error
			vs, err = d.Read(ctx)
			return is(vs, err), err
		})
		return vs
	}
	fixed := func(vs []sensor.Value, err error) bool { return err == nil && vs[0].Quality == reading.OK }
	vs := until("a fix", fixed)
	if lat, lon := vs[0].Value, vs[1].Value; lat < 474_000_000 || lat > 478_000_000 || lon > -1_220_000_000 || lon < -1_225_000_000 {
		t.Errorf("the van is at %d %d, want Seattle", lat, lon)
	}
	until("satellites in use", func(vs []sensor.Value, err error) bool {
		return err == nil && vs[4].Quality == reading.OK && vs[4].Value >= 4
	})
	select {
	case a := <-anchors:
		truth := began.UnixMilli() + a.At - 1
		if d := a.UTC - truth; max(d, -d) > a.Uncertainty+1000 { // the board's clock began up to a second off
			t.Errorf("anchor %+v is %d ms off", a, d)
		}
	case <-time.After(60 * time.Second):
		t.Errorf("no anchor; gpsd says %s", said.String())
	}

	if err := steer.Fault(ctx, "gnss", "fix-loss", nil); err != nil {
		t.Fatal(err)
	}
	until("the loss of the fix", func(vs []sensor.Value, err error) bool { return err == nil && vs[0].Quality == reading.NoFix })
	if err := steer.Fault(ctx, "gnss", "none", nil); err != nil {
		t.Fatal(err)
	}
	until("the fix again", fixed)

	stop(daemon)
	until("no answer while gpsd is away", func(_ []sensor.Value, err error) bool { return sensor.QualityOf(err) == reading.NoAnswer })
	daemon = start()
	until("a fix after gpsd's restart", fixed)
}
