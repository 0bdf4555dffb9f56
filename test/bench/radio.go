package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"frostline/test/rig"
)

// radio measures the link that a gateway is made for: three days of 8 sensors
// at 1 Hz after an outage, over 256 kbit/s with 200 ms of delay and 2 % loss in
// each direction, and how old the live readings are meanwhile when the hub has
// committed them. The kernels' own TCP meets the loss.
func radio(ctx context.Context, dir string, r *report) error {
	path := rig.Path{Rate: 256_000, Delay: 200 * time.Millisecond, Loss: 0.02}
	err := overRadio(ctx, filepath.Join(dir, "radio"), r, path)
	if errors.Is(err, rig.ErrNoNamespace) {
		fmt.Fprintln(os.Stderr, "bench: radio is NOT measured:", err)
		return nil
	}
	return err
}

const outage = 72 * time.Hour

func overRadio(ctx context.Context, dir string, r *report, path rig.Path) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	const name, gateway, sensors = "256 kbit/s, 200 ms and 2 % loss each way", "bench-radio", 8
	s, err := startStack(ctx, dir, thermometers(sensors, gateway), "--public", rig.RadioHost)
	if err != nil {
		return err
	}
	defer s.stop()
	air, err := rig.NewRadio(s.mqtt, path, path, 1)
	if err != nil {
		return err
	}
	onAir, silence := context.WithCancel(ctx)
	defer silence()
	go air.Run(onAir)

	// The baseline: what TCP can make of this link, of so many bytes.
	const bulk = 512 << 10
	took, err := air.Bulk(ctx, bulk)
	if err != nil {
		return err
	}
	plain := bulk / took.Seconds()
	r.add(name+": plain TCP", plain/1000, "kB/s", "", "the baseline: payload of one bulk transfer of 512 KiB")

	e, err := s.newEdge(ctx, gateway, sensors, thermometer, air.Addr())
	if err != nil {
		return err
	}
	if err := e.run(ctx, "record", "--for", outage.String(), "--simulator", e.board()); err != nil {
		return err
	}
	began, from := time.Now(), boottime()
	watch, err := watchCommits(ctx, filepath.Join(dir, "hub", "frostline.db"), from)
	if err != nil {
		return err
	}
	defer watch.stop()
	up, _ := air.Carried()
	base := up.Bytes.Load()
	if err := e.startBy(ctx, air.Start); err != nil {
		return err
	}
	defer e.process.Kill()
	if err := e.within(ctx, 20*time.Minute, "the backlog to drain", e.process, func() bool {
		st, err := e.panel.Status(ctx)
		return err == nil && st.Journal.PendingBlocks <= 3
	}); err != nil {
		return err
	}
	drained := time.Since(began)
	old, live := watch.take()
	r.add(name+": draining 72 h of 8 sensors at 1 Hz", drained.Minutes(), "min", "<= 15", fmt.Sprintf("%d readings, from the start of the agent", old))
	carried := float64(up.Bytes.Load() - base)
	r.add(name+": drain on the wire", carried/float64(old+len(live)), "B/reading", "", fmt.Sprintf("IP packets upwards, what was sent again included; %d packets lost, %d overflowed", up.Lost.Load(), up.Overflowed.Load()))
	r.add(name+": drain, of what plain TCP takes for its bytes", drained.Seconds()/(carried/plain), "times", "", "")
	r.add(name+": live while draining, taken to committed, p50", percentile(live, 50), "ms", "", fmt.Sprintf("%d live readings, none left out; %.0f expected", len(live), drained.Seconds()*sensors))
	r.add(name+": live while draining, taken to committed, p99", percentile(live, 99), "ms", "<= 2000", fmt.Sprintf("worst %.0f ms", percentile(live, 100)))
	base = up.Bytes.Load()
	if err := e.until(ctx, "a minute without backlog", e.process, func() bool { return watch.count() >= 60*sensors }); err != nil {
		return err
	}
	_, idle := watch.take()
	r.add(name+": live without backlog, p50", percentile(idle, 50), "ms", "", "the baseline: the link alone")
	r.add(name+": live without backlog, p99", percentile(idle, 99), "ms", "", "")
	r.add(name+": live on the wire", float64(up.Bytes.Load()-base)/float64(len(idle)), "B/reading", "", "IP packets upwards; 8 readings a parcel")
	return e.stop()
}
