package fleet

import (
	"context"

	"frostline/hub/history"
	"frostline/hub/intake/batch"
	"frostline/hub/view"
	"frostline/proto/reading"
)

// waiting is how many batches may wait for Run.
const waiting = 1024

// Watch implements web.Feed: fn is told of each commit from now on, in order,
// until stop is called. Of a backlog parcel it is told the newest reading of
// each series, of a live one all.
func (f *Fleet) Watch(fn func(view.Batch)) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := f.next
	f.next++
	f.watchers[id] = fn
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, id)
	}
}

// Run follows the commits until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	sub := f.feed.Subscribe(waiting)
	defer sub.Close()
	for {
		b, lagged, err := sub.Next(ctx)
		if err != nil {
			return nil // ctx has ended
		}
		if lagged > 0 { // what was missed is in history
			f.mu.Lock()
			clear(f.latest)
			f.version++
			f.mu.Unlock()
		}
		f.tell(ctx, b)
	}
}

// tell updates the newest readings and passes a batch on.
func (f *Fleet) tell(ctx context.Context, b *batch.Batch) {
	out := view.Batch{Gateway: b.Gateway, Received: b.Received}
	for _, boot := range b.Boots {
		for i := range boot.Columns {
			col := &boot.Columns[i]
			s, ok := f.registry.Lookup(b.Gateway, b.Epoch, col.Series)
			if !ok {
				continue // its meaning has not come yet; history keeps it
			}
			from := 0
			if !b.Live {
				from = len(col.Ticks) - 1
			}
			at := 0
			col.Each(func(tick, value int64, q reading.Quality) {
				if at++; at <= from {
					return
				}
				out.Readings = append(out.Readings, view.Taken{Sensor: s.Sensor, Quantity: s.Quantity, Reading: view.Reading{
					Epoch: b.Epoch, Boot: boot.Boot, Tick: tick, Value: value, Quality: q, Received: b.Received,
				}})
			})
		}
	}
	dating, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	f.mu.Lock()
	for i := range out.Readings {
		t := &out.Readings[i]
		k := history.Key{Gateway: b.Gateway, Sensor: t.Sensor, Quantity: t.Quantity}
		// A series that nobody has asked for yet is left to history, which may
		// hold a newer reading than a backlog brings.
		if now, known := f.latest[k]; known && (now == nil || later(&t.Reading, now)) {
			r := t.Reading
			f.latest[k] = &r
		}
	}
	watchers := make([]func(view.Batch), 0, len(f.watchers))
	for _, fn := range f.watchers {
		watchers = append(watchers, fn)
	}
	f.mu.Unlock()
	if len(watchers) == 0 || len(out.Readings) == 0 {
		return
	}
	for i := range out.Readings {
		t := &out.Readings[i]
		if r, err := f.date(dating, b.Gateway, t.Reading); err == nil {
			t.Reading = r
		}
		calibrate(f.calibrations(view.Series{Gateway: b.Gateway, Sensor: t.Sensor, Quantity: t.Quantity}), &t.Reading)
	}
	for _, fn := range watchers {
		fn(out)
	}
}
