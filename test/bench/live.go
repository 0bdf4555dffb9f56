package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"
)

// live measures how fast readings are evaluated for 10,000 open packages as
// they come: in 200 compartments of 50, and each with a logger of its own.
func live(ctx context.Context, dir string, r *report) error {
	for _, c := range []struct {
		name                    string
		compartments, onGateway int
		warm                    int64
		rounds, ticks           int
		aim                     string
	}{
		{"each with a thermometer of its own", 10_000, 20, 0, 30, 10, ">= 300000"},
		{"50 to a thermometer", 200, 20, 0, 60, 30, ">= 300000"},
		{"50 to a thermometer, all of them in an excursion", 200, 20, 6000, 30, 30, ""},
	} {
		if err := evaluated(ctx, filepath.Join(dir, "live"+c.name[:2]+fmt.Sprint(c.warm)), r, c.name, c.compartments, c.onGateway, c.warm, c.rounds, c.ticks, c.aim); err != nil {
			return err
		}
	}
	return nil
}

func evaluated(ctx context.Context, dir string, r *report, name string, compartments, onGateway int, warm int64, rounds, ticks int, aim string) (err error) {
	var clock atomic.Int64
	clock.Store(noon)
	h, err := openHub(ctx, dir, &clock, settings{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	const packages = 10_000
	f := newFleet(compartments, onGateway, second, ticks)
	for i := range packages {
		f.pack(i%compartments, int64(i/compartments))
	}
	if err := f.tell(ctx, h.events); err != nil {
		return err
	}
	if err := h.run(ctx); err != nil {
		return err
	}
	const settling = 2
	var all [][]parcel
	for i := range settling + rounds {
		var round []parcel
		for _, g := range f.gateways {
			if i == settling-1 && warm != 0 {
				g.shift = func(int, int64) int64 { return warm }
			}
			p, err := g.parcel(1)
			if err != nil {
				return err
			}
			round = append(round, p)
		}
		all = append(all, round)
	}
	perRound := uint64(ticks * compartments)
	// A round is fed while the one before is worked in, as readings of one
	// moment come from all gateways.
	feed := func(from, to int) error {
		for i := from; i < to; i++ {
			if err := until(ctx, func() bool { return h.engine.Status().Readings+perRound >= uint64(i)*perRound }, func() string { return "a round" }); err != nil {
				return err
			}
			clock.Store(noon + int64(i+1)*int64(ticks)*second)
			for _, p := range all[i] {
				if err := h.feed(ctx, p, 1<<20); err != nil {
					return err
				}
			}
		}
		return h.settled(ctx, uint64(to)*perRound)
	}
	if err := feed(0, settling); err != nil {
		return err
	}
	was := h.engine.Status()
	if was.Open != packages {
		return fmt.Errorf("%d packages are followed, want %d", was.Open, packages)
	}
	cpu, began := cpuTime(), time.Now()
	if err := feed(settling, settling+rounds); err != nil {
		return err
	}
	took, used := time.Since(began), cpuTime()-cpu
	is := h.engine.Status()
	n := float64(is.Readings - was.Readings)
	if want := uint64(packages/compartments) * (is.Readings - was.Readings); is.Evaluated-was.Evaluated < want {
		return fmt.Errorf("%d readings were evaluated for packages, want %d", is.Evaluated-was.Evaluated, want)
	}
	r.add("live, 10,000 packages, "+name, n/took.Seconds(), "readings/s", aim,
		fmt.Sprintf("from parcels through intake, SQLite and history to verdicts; %.3g million evaluations/s; %.3g readings/s/core; %d judged again", float64(is.Evaluated-was.Evaluated)/took.Seconds()/1e6, n/used.Seconds(), is.Judged-was.Judged))
	return nil
}
