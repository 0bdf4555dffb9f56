package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"frostline/proto/thermal"
)

// sample is how long something took by the clock, and of the processor.
type sample struct{ wall, cpu time.Duration }

// repeated does something so many times and gives what each took, by the clock
// in order.
func repeated(n int, do func() error) ([]sample, error) {
	var all []sample
	for range n {
		cpu, began := cpuTime(), time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		all = append(all, sample{time.Since(began), cpuTime() - cpu})
	}
	slices.SortFunc(all, func(a, b sample) int { return int(a.wall - b.wall) })
	return all, nil
}

// spread adds the median and tells the best, and what the processor took.
func (r *report) spread(name string, all []sample, aim, note string) {
	cpu := time.Duration(0)
	for _, s := range all {
		cpu += s.cpu
	}
	r.add(name, ms(all[len(all)/2].wall), "ms", aim, fmt.Sprintf("%smedian of %d, best %.3g ms, processor %.3g ms", note, len(all), ms(all[0].wall), ms(cpu)/float64(len(all))))
}

// verdicts measures one package over 30 days of readings every 10 s, all of
// them in stored chunks: nothing of the package or its sensor is in the engine.
func verdicts(ctx context.Context, dir string, r *report) error {
	var clock atomic.Int64
	clock.Store(noon)
	h, err := openHub(ctx, filepath.Join(dir, "verdict"), &clock, settings{mergeEvery: time.Second})
	if err != nil {
		return err
	}
	defer h.close()
	const step, days, onGateway = 10 * second, 30, 20
	f := newFleet(onGateway, onGateway, step, 360)
	f.pack(0, 0)
	f.profile = "controlled-room" // with spans of warmth and an MKT rule
	f.pack(1, 0)
	f.packages[1].id = "ROOM"
	if err := f.tell(ctx, h.events); err != nil {
		return err
	}
	if err := h.run(ctx); err != nil {
		return err
	}
	g, fed := f.gateways[0], uint64(0)
	for range days * 24 {
		p, err := g.parcel(1)
		if err != nil {
			return err
		}
		clock.Store(noon + g.at)
		if err := h.feed(ctx, p, 8); err != nil {
			return err
		}
		fed += p.readings
	}
	if err := h.settled(ctx, fed); err != nil {
		return err
	}
	if err := h.merged(ctx); err != nil {
		return err
	}
	const readings = days * day / step
	judged := func(id string) func() error {
		return func() error {
			j, err := h.engine.Judgements(ctx, id)
			if err != nil {
				return err
			}
			if v := &j.Judgements[0].Verdict; v.Monitored < (days-1)*day {
				return fmt.Errorf("package %s was monitored for %d ms", id, v.Monitored)
			}
			return nil
		}
	}
	took, err := repeated(31, judged(f.packages[0].id))
	if err != nil {
		return err
	}
	r.spread("verdict over 30 days of readings every 10 s, from cold", took, "<= 20", fmt.Sprintf("%d readings from stored chunks; ", readings))
	if took, err = repeated(11, judged("ROOM")); err != nil {
		return err
	}
	r.spread("the same with an MKT rule, all of it out of range", took, "", "controlled-room, at 5 °C; ")
	history, err := h.engine.History(ctx, f.packages[0].id, "")
	if err != nil {
		return err
	}
	profile, err := thermal.Named("refrigerated")
	if err != nil {
		return err
	}
	if took, err = repeated(31, func() error { _, err := thermal.Evaluate(&profile, &history); return err }); err != nil {
		return err
	}
	r.spread("baseline: its readings in memory through the evaluator", took, "", "")
	size := 0
	if took, err = repeated(31, func() error {
		c, err := h.engine.Chart(ctx, f.packages[0].id, "", 0, 0, 360)
		if err != nil {
			return err
		}
		out, err := json.Marshal(c)
		size = len(out)
		return err
	}); err != nil {
		return err
	}
	r.spread("chart of 30 days for a phone, from cold", took, "<= 30", "360 columns; ")
	r.add("chart of 30 days for a phone", float64(size)/1000, "KB", "<= 20", "JSON before compression")
	return nil
}
