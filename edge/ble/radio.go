package ble

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"frostline/edge/outage"
)

// Radio is a Bluetooth adapter that listens to advertisements while anybody
// hears it. It is safe for concurrent use.
type Radio struct {
	adapter string
	bus     string // D-Bus address; empty: the system's
	log     *slog.Logger

	mu      sync.Mutex
	hearers map[Address]map[*hearer]struct{}
	count   int
	stop    context.CancelFunc // of the loop, while there are hearers
	ended   chan struct{}
	err     error // why it does not listen; nil while it does
	heard   uint64
	outage  outage.Outage
	made    time.Time // of outage's clock
}

type hearer struct{ each func(Advertisement) }

// again is how long a radio rests that has failed.
const again = time.Second

// ParseName takes the name of a radio apart: an adapter of BlueZ, such as hci0,
// or one on another D-Bus than the system's, hci0@unix:path=/run/test/bus.
func ParseName(name string) (adapter, bus string, err error) {
	adapter, bus, other := strings.Cut(name, "@")
	n := strings.TrimPrefix(adapter, "hci")
	if n == adapter || n == "" || len(n) > 3 || strings.Trim(n, "0123456789") != "" || other && !strings.Contains(bus, ":") {
		return "", "", fmt.Errorf("radio %q: want an adapter such as hci0, or hci0@DBUS-ADDRESS", name)
	}
	return adapter, bus, nil
}

// NewRadio makes a radio without opening anything.
func NewRadio(name string, log *slog.Logger) (*Radio, error) {
	adapter, bus, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	return &Radio{adapter: adapter, bus: bus, log: log, hearers: map[Address]map[*hearer]struct{}{},
		err: fmt.Errorf("radio %s: nobody listens yet", adapter), made: time.Now(),
		outage: outage.Outage{Log: log.With("adapter", adapter), Fails: "radio does not listen", Works: "radio listens again"}}, nil
}

// Hear calls each for every advertisement of a device, until ctx ends. each
// must not block. The radio listens from the first Hear to the end of the last.
func (r *Radio) Hear(ctx context.Context, device Address, each func(Advertisement)) {
	h := &hearer{each}
	r.mu.Lock()
	if r.hearers[device] == nil {
		r.hearers[device] = map[*hearer]struct{}{}
	}
	r.hearers[device][h] = struct{}{}
	if r.count++; r.count == 1 {
		loop, cancel := context.WithCancel(context.WithoutCancel(ctx))
		before := r.ended // of hearers before
		ended := make(chan struct{})
		r.stop, r.ended = cancel, ended
		go func() {
			defer close(ended)
			if before != nil {
				<-before
			}
			r.run(loop)
		}()
	}
	r.mu.Unlock()

	<-ctx.Done()
	r.mu.Lock()
	delete(r.hearers[device], h)
	if len(r.hearers[device]) == 0 {
		delete(r.hearers, device)
	}
	var ended chan struct{}
	if r.count--; r.count == 0 {
		r.stop()
		ended = r.ended
	}
	r.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// Err says why the radio does not listen; nil while it does.
func (r *Radio) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Heard counts the advertisements of devices that somebody hears.
func (r *Radio) Heard() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

// run listens until ctx ends; what fails is begun again each second, and told
// once.
func (r *Radio) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.listen(ctx)
		if ctx.Err() != nil {
			r.mu.Lock()
			r.err = fmt.Errorf("radio %s: nobody listens any more", r.adapter)
			r.mu.Unlock()
			return
		}
		r.set(err)
		rest := time.NewTimer(again)
		select {
		case <-ctx.Done():
		case <-rest.C:
		}
		rest.Stop()
	}
}

// set keeps why it does not listen, nil where it does, and tells what is news.
func (r *Radio) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Since(r.made).Milliseconds()
	if r.err = nil; err == nil {
		r.outage.Worked(now)
		return
	}
	r.err = fmt.Errorf("radio %s: %w", r.adapter, err)
	r.outage.Failed(now, "", err)
}

// give hands an advertisement to those who hear the device.
func (r *Radio) give(a Advertisement) {
	r.mu.Lock()
	r.outage.Worked(time.Since(r.made).Milliseconds())
	var to []*hearer
	for h := range r.hearers[a.Address] {
		to = append(to, h)
	}
	if len(to) > 0 {
		r.heard++
	}
	r.mu.Unlock()
	for _, h := range to {
		h.each(a)
	}
}
