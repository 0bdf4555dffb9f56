package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"frostline/test/rig"
)

// edgeSpan is how long an agent is watched.
const edgeSpan = 20 * time.Second

// clockTick is the unit of the processor times in /proc/PID/stat: it is 100 Hz
// on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// edgeLoad runs an agent with 50 sensors at 1 Hz while a page of its panel is
// open, and measures what it takes and how late it samples.
func edgeLoad(ctx context.Context, dir string, r *report) error {
	dir = filepath.Join(dir, "edge")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	const name, sensors = "bench-50", 50
	s, err := startStack(ctx, dir, thermometers(sensors, name))
	if err != nil {
		return err
	}
	defer s.stop()
	e, err := s.newEdge(ctx, name, sensors, thermometer, s.mqtt)
	if err != nil {
		return err
	}
	web, err := e.listen()
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
	closed, err := e.watch(ctx, web)
	if err != nil {
		return err
	}
	r.add("edge, processor, 50 sensors at 1 Hz, panel closed", closed.share, "% of a core", "", fmt.Sprintf("over %v", edgeSpan))
	opened, look := context.WithCancel(ctx)
	defer look()
	var events atomic.Int64
	for _, face := range []string{"wall", "driver"} {
		go follow(opened, web+"/live/"+face, &events)
	}
	if err := e.until(ctx, "the pages to come", e.process, func() bool { return events.Load() > 10 }); err != nil {
		return err
	}
	before, bytes := kept(), procField(e.process.Pid(), "io", "write_bytes")
	told := events.Load()
	open, err := e.watch(ctx, web)
	if err != nil {
		return err
	}
	told = events.Load() - told
	written := procField(e.process.Pid(), "io", "write_bytes") - bytes
	r.add("edge, dirtied in the page cache, 50 readings a commit", written/float64(kept()-before), "B/reading", "", "write_bytes of the process, which counts large folios whole: about twice what reaches the device")
	note := fmt.Sprintf("wall and driver's page followed: %d events in %v", told, edgeSpan)
	r.add("edge, resident memory, 50 sensors at 1 Hz, panel open", procField(e.process.Pid(), "status", "VmRSS")/1000, "MB", "<= 40", note)
	r.add("edge, processor, 50 sensors at 1 Hz, panel open", open.share, "% of a core", "<= 3", note)
	r.add("edge, sampling jitter, p99", open.jitter, "ms", "< 20", "from the tick to asking a sensor, within a bucket of frostline_edge_sampling_lateness_seconds")
	r.add("machine, a sleeper woken late meanwhile, p99", open.baseline, "ms", "", "what no program here can better: the machine's other work")
	return e.stop()
}

// listen has the agent's panel listen, and gives its URL.
func (e *edge) listen() (url string, err error) {
	port, err := rig.FreePort()
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(e.config)
	if err != nil {
		return "", err
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	b = []byte(strings.Replace(string(b), `listen: "off"`, fmt.Sprintf("listen: %q", address), 1))
	return "http://" + address, os.WriteFile(e.config, b, 0o600)
}

// watched is what an agent took over a while.
type watched struct {
	share    float64 // of a core, percent
	jitter   float64 // 99th percentile, ms
	baseline float64 // of a sleeper of this program, likewise
}

// watch leaves the agent alone for a while.
func (e *edge) watch(ctx context.Context, web string) (w watched, err error) {
	before, err := lateness(ctx, web)
	if err != nil {
		return w, err
	}
	cpu, began := processor(e.process.Pid()), time.Now()
	if w.baseline, err = sleeper(ctx, edgeSpan); err != nil {
		return w, err
	}
	w.share = 100 * (processor(e.process.Pid()) - cpu).Seconds() / time.Since(began).Seconds()
	after, err := lateness(ctx, web)
	if err != nil {
		return w, err
	}
	w.jitter = quantile(before, after, 0.99)
	return w, nil
}

// sleeper wakes fifty times a second, and tells by how much it is late.
func sleeper(ctx context.Context, span time.Duration) (p99 float64, err error) {
	const step = 20 * time.Millisecond
	var late []float64
	for next := time.Now().Add(step); span > 0; next, span = next.Add(step), span-step {
		select {
		case <-time.After(time.Until(next)):
			late = append(late, ms(max(time.Since(next), 0)))
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return percentile(late, 99), nil
}

// processor is the time that a process has had, in its own code and the kernel's.
func processor(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ") // after the name, which may have spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// bucket counts measurements up to a bound, ms.
type bucket struct{ upTo, count float64 }

// lateness asks the agent's metrics by how much sensors were asked too late.
func lateness(ctx context.Context, web string) (all []bucket, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, web+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), `frostline_edge_sampling_lateness_seconds_bucket{le="`)
		if !ok {
			continue
		}
		bound, count, _ := strings.Cut(rest, `"} `)
		b := bucket{}
		if b.upTo, err = strconv.ParseFloat(bound, 64); err == nil {
			b.count, err = strconv.ParseFloat(count, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("metric %q: %w", lines.Text(), err)
		}
		b.upTo *= 1000
		all = append(all, b)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the agent's metrics have no sampling lateness")
	}
	return all, nil
}

// quantile estimates one of what was counted between two looks, evenly within a bucket.
func quantile(before, after []bucket, q float64) float64 {
	n := slices.Clone(after)
	for i := range n {
		n[i].count -= before[i].count
	}
	want, low := q*n[len(n)-1].count, bucket{}
	for _, b := range n {
		if b.count >= want {
			return low.upTo + (b.upTo-low.upTo)*(want-low.count)/max(b.count-low.count, 1)
		}
		low = b
	}
	return low.upTo
}

// follow reads an event stream as a page does, and counts what comes.
func follow(ctx context.Context, url string, events *atomic.Int64) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	for {
		line, err := in.ReadString('\n')
		if strings.HasPrefix(line, "data:") {
			events.Add(1)
		}
		if err != nil {
			return
		}
	}
}
