package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
)

const (
	weeks   = 8
	week    = 7 * day
	inWeeks = weeks * week
	// latest begins the eight hours that come late, two days before the end.
	latest = inWeeks - 2*day
)

// weeksOf measures a hub with eight weeks of history and 10,000 open packages:
// what a late block costs, a start, and the memory of the packages. 9,500 were
// packed at any time of the eight weeks, fifty to a thermometer read each
// minute. 500 are in one room since a week at most, its thermometer read every
// ten seconds.
func weeksOf(ctx context.Context, dir string, r *report) (err error) {
	var clock atomic.Int64
	clock.Store(noon)
	dir = filepath.Join(dir, "weeks")
	h, err := openHub(ctx, dir, &clock, settings{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	const crowd, room, compartments = 9500, 500, 190
	f := newFleet(compartments, 19, 60*second, 480) // blocks of 8 h
	for i := range crowd {
		f.pack(i%compartments, int64(i)*inWeeks/crowd)
	}
	cold := newFridges("room", 1, 10*second, 2880)
	f.gateways = append(f.gateways, cold)
	for i := range room {
		f.pack(compartments, inWeeks-week+int64(i)*(week-3*day)/room)
	}
	if err := h.run(ctx); err != nil {
		return err
	}
	var late parcel
	fed := uint64(0)
	began := time.Now()
	for at := int64(0); at < inWeeks; at += 8 * hour {
		clock.Store(noon + at + 8*hour)
		for _, g := range f.gateways {
			p, err := g.parcel(1)
			if err != nil {
				return err
			}
			if g == cold && at == latest {
				late = p
				continue
			}
			if err := h.feed(ctx, p, 64); err != nil {
				return err
			}
			fed += p.readings
		}
	}
	if err := h.settled(ctx, fed); err != nil {
		return err
	}
	filled := time.Since(began)
	if err := f.tell(ctx, h.events); err != nil {
		return err
	}
	began = time.Now()
	if err := h.engine.Settled(ctx, h.events.Last()); err != nil {
		return err
	}
	if s := h.engine.Status(); s.Open != crowd+room || s.Revisions < crowd+room {
		return fmt.Errorf("packages were not judged: %+v", s)
	}
	r.add("10,000 packages with up to 8 weeks of history, judged at once", time.Since(began).Seconds(), "s", "",
		fmt.Sprintf("after their facts were told; %d readings, fed in %.3g s; store of %.3g MB", fed, filled.Seconds(), float64(h.bytes())/1e6))

	// The late block.
	at, was := h.events.Last(), h.engine.Status().Revisions
	cpu, began := cpuTime(), time.Now()
	if err := h.feed(ctx, late, 64); err != nil {
		return err
	}
	if err := until(ctx, func() bool { return h.engine.Status().Revisions >= was+room }, func() string { return fmt.Sprintf("revisions: %+v", h.engine.Status()) }); err != nil {
		return err
	}
	took, used := time.Since(began), cpuTime()-cpu
	events, err := h.events.Read(ctx, at, event.MaxRead, fact.VerdictWasRevised)
	if err != nil {
		return err
	}
	if len(events) != room {
		return fmt.Errorf("a late block: %d verdicts were revised, want %d", len(events), room)
	}
	r.add("late block of 8 h, until 500 packages of 10,000 are revised", took.Seconds(), "s", "<= 1",
		fmt.Sprintf("from its parcel until %d events of revised verdicts are committed; processor %.3g s", room, used.Seconds()))
	return h.restarts(ctx, r, &clock, crowd+room)
}

// restarts stops the hub and starts it again.
func (h *hub) restarts(ctx context.Context, r *report, clock *atomic.Int64, packages int) error {
	if err := h.close(); err != nil {
		return err
	}
	h.stop, h.engine = nil, nil
	cpu, began := cpuTime(), time.Now()
	n, err := openHub(ctx, h.dir, clock, settings{url: h.url})
	if err != nil {
		return err
	}
	*h = *n
	opened := time.Since(began)
	before := heap()
	again := time.Now()
	if err := h.run(ctx); err != nil {
		return err
	}
	loaded := time.Since(again)
	if err := until(ctx, func() bool { s := h.engine.Status(); return s.Open == packages && s.Waiting == 0 }, func() string { return fmt.Sprintf("all states: %+v", h.engine.Status()) }); err != nil {
		return err
	}
	live := time.Since(again)
	r.add("start, until the states of 10,000 packages are live", (opened + live).Seconds(), "s", "<= 10",
		fmt.Sprintf("store, readings and read models %.3g s, facts %.3g s, judging %.3g s; processor %.3g s", opened.Seconds(), loaded.Seconds(), (live-loaded).Seconds(), (cpuTime()-cpu).Seconds()))
	if n := h.engine.Status().Revisions; n != 0 {
		return fmt.Errorf("a start revised %d verdicts, of which nothing has changed", n)
	}
	r.add("memory of an open package", (heap()-before)/float64(packages), "B", "", "facts, evaluator and last verdict; heap after a collection")
	return nil
}

// heap is what is in use after a collection, bytes.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
