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

// path measures from the sensor to a browser's event stream: a gateway with 20
// sensors at 10 Hz, idle and while other gateways drain 576,000 readings each;
// and what such a drain and live readings at 1 Hz take on the wire.
func path(ctx context.Context, dir string, r *report) error {
	dir = filepath.Join(dir, "path")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	const live, sensors = "bench-live", 20
	names := []string{"bench-a", "bench-b", "bench-c"}
	s, err := startStack(ctx, dir, contacts(thermometers(sensors, names...), live, sensors))
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

	began := time.Now()
	var edges []*edge
	for i, name := range names {
		hub := s.mqtt
		if i == 0 {
			hub = link.Addr()
		}
		e, err := s.newEdge(ctx, name, sensors, thermometer, hub)
		if err != nil {
			return err
		}
		if err := e.run(ctx, "record", "--for", "8h", "--simulator", e.board()); err != nil {
			return err
		}
		edges = append(edges, e)
	}
	r.add("recording 8 h of 20 sensors at 1 Hz", time.Since(began).Seconds()/float64(len(names)), "s", "", "the edge's own code at accelerated time")

	e, err := s.newEdge(ctx, live, sensors, contact, s.mqtt)
	if err != nil {
		return err
	}
	if err := e.start(ctx); err != nil {
		return err
	}
	var door struct {
		URL string `json:"url"`
	}
	if err := s.cli(ctx, &door, "user", "invite", "--role", "operator", "--id", "bench", "--name", "Bench"); err != nil {
		return fmt.Errorf("invite somebody who watches: %w", err)
	}
	browser, pages, err := rig.SignIn(ctx, door.URL)
	if err != nil {
		return fmt.Errorf("sign in at the pages: %w", err)
	}
	watch := &watcher{http: browser, url: pages + "/live?gateway=" + live}
	watching, unwatch := context.WithCancel(ctx)
	defer unwatch()
	go watch.run(watching)
	const span = 30
	quiet := func() error {
		watch.take()
		return s.until(ctx, "idle seconds", s.hub, func() bool { return watch.seconds() >= span })
	}
	for range 2 { // the first is for settling
		if err := quiet(); err != nil {
			return err
		}
	}
	idle := watch.take()
	r.add("sampling to browser, idle, p50", percentile(idle, 50), "ms", "", fmt.Sprintf("%d values of %d sensors at 10 Hz", len(idle), sensors))
	r.add("sampling to browser, idle, p99", percentile(idle, 99), "ms", "<= 150", "")

	var draining []float64
	took, drained := 0.0, uint64(0)
	for _, e := range edges {
		watch.take()
		began := time.Now()
		if err := e.start(ctx); err != nil {
			return err
		}
		if err := e.until(ctx, "the backlog to drain", e.process, func() bool {
			st, err := e.panel.Status(ctx)
			return err == nil && st.Journal.PendingBlocks <= 1
		}); err != nil {
			return err
		}
		took += time.Since(began).Seconds()
		draining = append(draining, watch.take()...)
		drained += status(ctx, e)
		if e == edges[0] {
			r.add("backlog on the wire", float64(link.Up.Load())/float64(drained), "B/reading", "<= 1.5", "TCP payload upwards, TLS and MQTT included")
			continue // it goes on, to be measured live
		}
		if err := e.stop(); err != nil {
			return err
		}
	}
	n := float64(len(edges))
	r.add("draining a backlog", took/n, "s", "<= 5", fmt.Sprintf("%.0f readings, from the start of the agent; mean of %d", float64(drained)/n, len(edges)))
	r.add("sampling to browser, draining, p50", percentile(draining, 50), "ms", "", fmt.Sprintf("%d values, during the drains of other gateways", len(draining)))
	r.add("sampling to browser, draining, p99", percentile(draining, 99), "ms", "<= 150", "")
	r.add("draining to idle, p99", percentile(draining, 99)/percentile(idle, 99), "times", "<= 1.5", "")

	up, before := link.Up.Load(), status(ctx, edges[0])
	if err := quiet(); err != nil {
		return err
	}
	bytes := float64(link.Up.Load()-up) / float64(status(ctx, edges[0])-before)
	r.add("live on the wire", bytes, "B/reading", "", "TCP payload upwards, TLS included, 20 readings a parcel, a seal a minute")
	r.add("live on the wire, before TLS", bytes-22.0/sensors, "B/reading", "<= 8", "less the 22 bytes that TLS adds to each record")
	r.add("hub, highest resident memory", procField(s.hub.Pid(), "status", "VmHWM")/1000, "MB", "", "after all drains")
	if err := edges[0].stop(); err != nil {
		return err
	}
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
	http *http.Client // signed in
	url  string

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
	resp, err := w.http.Do(req)
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
