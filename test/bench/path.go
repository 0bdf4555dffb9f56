package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"frostline/test/rig"
)

// sizes measures the agent's binary as it is shipped.
func sizes(ctx context.Context, dir string, r *report) error {
	out := filepath.Join(dir, "edge-arm64")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "./cmd/frostline-edge")
	cmd.Dir, cmd.Env = rig.Root(), append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for arm64: %w\n%s", err, b)
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	r.add("edge binary, linux/arm64, stripped", float64(info.Size())/1e6, "MB", "<= 20", "")
	return nil
}

// edgeMemory runs an agent with 50 sensors at 1 Hz and measures what it takes.
func edgeMemory(ctx context.Context, dir string, r *report) error {
	dir = filepath.Join(dir, "edge")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	const name, sensors = "bench-50", 50
	s, err := startStack(ctx, dir, thermometers(name, sensors))
	if err != nil {
		return err
	}
	defer s.stop()
	e, err := s.newEdge(ctx, name, sensors, s.mqtt)
	if err != nil {
		return err
	}
	if err := e.start(ctx); err != nil {
		return err
	}
	kept := func() uint64 {
		st, err := e.panel.Status(ctx)
		if err != nil {
			return 0
		}
		return st.Journal.Readings
	}
	if err := e.until(ctx, "ten seconds of readings", e.process, func() bool { return kept() >= 10*sensors }); err != nil {
		return err
	}
	before, bytes := kept(), procField(e.process.Pid(), "io", "write_bytes")
	if err := e.until(ctx, "thirty more", e.process, func() bool { return kept() >= before+30*sensors }); err != nil {
		return err
	}
	written := procField(e.process.Pid(), "io", "write_bytes") - bytes
	r.add("edge, written to disk, 50 readings a commit", written/float64(kept()-before), "B/reading", "<= 500", "write_bytes of the process; the file system's own journal is not in it")
	r.add("edge, resident memory, 50 sensors at 1 Hz", procField(e.process.Pid(), "status", "VmRSS")/1000, "MB", "<= 40", "")
	return e.stop()
}

// path measures one gateway with 20 sensors at 1 Hz from the sensor to a
// browser's event stream: idle, and while 576,000 older readings drain.
func path(ctx context.Context, dir string, r *report) error {
	dir = filepath.Join(dir, "path")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	const name, sensors = "bench-20", 20
	s, err := startStack(ctx, dir, thermometers(name, sensors))
	if err != nil {
		return err
	}
	defer s.stop()
	link, err := rig.NewLink(s.mqtt)
	if err != nil {
		return err
	}
	linked, unlink := context.WithCancel(ctx)
	defer unlink()
	go link.Run(linked)
	e, err := s.newEdge(ctx, name, sensors, link.Addr())
	if err != nil {
		return err
	}
	began := time.Now()
	if err := e.run(ctx, "record", "--for", "8h", "--simulator", e.board()); err != nil {
		return err
	}
	r.add("recording 8 h of 20 sensors at 1 Hz", time.Since(began).Seconds(), "s", "", "the edge's own code at accelerated time")

	watch := &watcher{url: "http://" + s.web + "/live?gateway=" + name}
	watching, unwatch := context.WithCancel(ctx)
	defer unwatch()
	go watch.run(watching)

	// Drain: from the start of the agent until nothing is pending.
	began = time.Now()
	if err := e.start(ctx); err != nil {
		return err
	}
	st, err := e.panel.Status(ctx)
	if err != nil {
		return err
	}
	backlog := st.Journal.Readings // all of it, though some is committed by now
	if err := e.until(ctx, "the backlog to drain", e.process, func() bool {
		st, err := e.panel.Status(ctx)
		return err == nil && st.Journal.PendingBlocks <= 1
	}); err != nil {
		return err
	}
	up := float64(link.Up.Load())
	r.add("draining the backlog", time.Since(began).Seconds(), "s", "<= 5", fmt.Sprintf("%d readings, from the start of the agent", backlog))
	r.add("backlog on the wire", up/float64(backlog), "B/reading", "<= 1.5", "TCP payload upwards, TLS, MQTT and the live readings meanwhile included")
	draining := watch.take()
	hubMemory := procField(s.hub.Pid(), "status", "VmHWM") / 1000

	// Idle.
	if err := s.until(ctx, "30 idle seconds", s.hub, func() bool { return watch.seconds() >= 30 }); err != nil {
		return err
	}
	idle := watch.take()
	r.add("sampling to browser, idle, p50", percentile(idle, 50), "ms", "", fmt.Sprintf("%d values of %d sensors", len(idle), sensors))
	r.add("sampling to browser, idle, p99", percentile(idle, 99), "ms", "<= 150", "")
	upBefore, st1 := link.Up.Load(), status(ctx, e)
	if err := s.until(ctx, "30 more", s.hub, func() bool { return watch.seconds() >= 30 }); err != nil {
		return err
	}
	st2 := status(ctx, e)
	live := float64(link.Up.Load()-upBefore) / float64(st2-st1)
	// A parcel a second: TLS adds 22 bytes to each record, which are not the
	// project's to save.
	r.add("live on the wire", live, "B/reading", "", "TCP payload upwards, TLS included, 20 readings a parcel")
	r.add("live on the wire, before TLS", live-22.0/sensors, "B/reading", "<= 8", "less 22 bytes of TLS a record")

	// Live while draining: record again, offline, then watch both.
	if err := e.stop(); err != nil {
		return err
	}
	watch.take()
	if err := e.run(ctx, "record", "--for", "8h", "--simulator", e.board()); err != nil {
		return err
	}
	watch.take()
	if err := e.start(ctx); err != nil {
		return err
	}
	if err := e.until(ctx, "the second backlog to drain", e.process, func() bool {
		st, err := e.panel.Status(ctx)
		return err == nil && st.Journal.PendingBlocks <= 1
	}); err != nil {
		return err
	}
	draining = append(draining, watch.take()...)
	r.add("sampling to browser, draining, p50", percentile(draining, 50), "ms", "", fmt.Sprintf("%d values, two drains", len(draining)))
	r.add("sampling to browser, draining, p99", percentile(draining, 99), "ms", "<= 150", "")
	r.add("draining to idle, p99", percentile(draining, 99)/percentile(idle, 99), "times", "<= 1.5", "")
	r.add("hub, highest resident memory", math.Max(hubMemory, procField(s.hub.Pid(), "status", "VmHWM")/1000), "MB", "", "after both drains")
	return e.stop()
}

func status(ctx context.Context, e *edge) uint64 {
	st, err := e.panel.Status(ctx)
	if err != nil {
		return 0
	}
	return st.Journal.Readings
}

// watcher follows the hub's event stream as a page does, and notes how long
// after its sampling tick each value came.
type watcher struct {
	url string

	mu    sync.Mutex
	late  []float64 // ms
	since time.Time
}

// fresh tells live values from those of a backlog.
const fresh = 10 * time.Second

func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		_ = w.follow(ctx)
	}
}

func (w *watcher) follow(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		now := time.Now()
		var told struct {
			Values []struct {
				Taken int64 `json:"t"`
				Dated bool  `json:"d"`
			} `json:"values"`
		}
		if json.Unmarshal([]byte(data), &told) != nil {
			continue
		}
		w.mu.Lock()
		for _, v := range told.Values {
			if late := now.Sub(time.UnixMilli(v.Taken)); v.Dated && late < fresh {
				w.late = append(w.late, ms(late))
			}
		}
		w.mu.Unlock()
	}
	return lines.Err()
}

// take gives what was noted since the last take.
func (w *watcher) take() []float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.late
	w.late, w.since = nil, time.Now()
	return out
}

// seconds since the last take, once values have come.
func (w *watcher) seconds() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.late) == 0 {
		return 0
	}
	return time.Since(w.since).Seconds()
}

func percentile(v []float64, p float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return v[min(int(float64(len(v))*p/100), len(v)-1)]
}
