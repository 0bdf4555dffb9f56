// Package registry knows the gateways that have spoken, and which sensors and
// series they have.
//
// What it knows comes from two sides, whichever is first: the State that a
// gateway sends when it connects, and the events of its chain once they are
// committed. On the meaning of a series id the chain has the last word, because
// it is evidence. A sensor is the same from one epoch to the next when gateway,
// sensor id and quantity are; series ids are not.
//
// All of it is in memory. Run writes changes to the store within a second. What
// a crash takes is told again: by the chain, which is read at start, and by the
// gateways, which send their State to a hub that has started.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Store is what the registry needs of the hub's store.
type Store interface {
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	store.Querier
}

// Evidence gives events that intake has committed.
type Evidence interface {
	// Told gives the committed events of a kind: with the gateway, epoch and
	// block, and the hub's clock when it was received, Unix ms; in the order of
	// the chain within an epoch.
	Told(ctx context.Context, kind string, yield func(gateway string, epoch uint32, at int64, e batch.Event) error) error
	// Recent is Told for the newest events alone, newest first.
	Recent(ctx context.Context, kind string, limit int, yield func(gateway string, epoch uint32, at int64, e batch.Event) error) error
}

// Limits of what is kept of a gateway.
const (
	maxSeries = 65536 // of one gateway and epoch
	maxFaults = 50    // of one gateway
	maxText   = 200   // bytes of a text from the wire
)

// Registry answers who is there. Its methods may be called from any goroutine.
type Registry struct {
	store Store
	log   *slog.Logger

	mu       sync.RWMutex
	gateways map[string]*gateway
	names    map[nameKey]string
	dirty    map[string]bool         // gateways to be written
	series   map[seriesKey]*declared // to be written
	refused  uint64                  // States that could not be read
	disputed uint64                  // declarations that contradict an earlier one
}

type seriesKey struct {
	gateway string
	epoch   uint32
	series  uint32
}

type nameKey struct{ gateway, sensor string }

// gateway is what is known of one.
type gateway struct {
	id       string
	first    int64
	heard    int64
	online   bool
	changed  int64
	state    *pb.State // last birth
	raw      []byte    // of it
	received int64     // its birth in this run of the hub, 0 none
	config   string    // version last applied, by the chain
	epochs   map[uint32]*epoch
	faults   []Fault // newest first

	alarms       map[string][]step       // by id; steps in the order of the chain
	calibrations map[string]Calibrations // by sensor
}

// epoch is the series of one epoch.
type epoch struct {
	series map[uint32]*declared
	byName map[sensorKey]uint32 // the newest id of a sensor's quantity
}

type sensorKey struct {
	sensor   string
	quantity reading.Quantity
}

// declared is the meaning of a series id.
type declared struct {
	sensorKey
	model    string
	address  string
	interval time.Duration
	chained  bool
}

// New reads the registry from the store, and from the evidence what a crash
// may have kept from it.
func New(ctx context.Context, s Store, e Evidence, log *slog.Logger) (*Registry, error) {
	r := &Registry{
		store: s, log: log, gateways: map[string]*gateway{}, names: map[nameKey]string{},
		dirty: map[string]bool{}, series: map[seriesKey]*declared{},
	}
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("load registry: %w", err)
	}
	for _, kind := range []string{"series", "config", "alarm", "calibration"} {
		if err := e.Told(ctx, kind, r.told); err != nil {
			return nil, fmt.Errorf("load registry: %w", err)
		}
	}
	for _, kind := range []string{"fault", "gap", "clock-step", "epoch-start", "malformed"} {
		var recent []func() error
		err := e.Recent(ctx, kind, 1000, func(gateway string, epoch uint32, at int64, e batch.Event) error {
			recent = append(recent, func() error { return r.told(gateway, epoch, at, e) })
			return nil
		})
		for i := len(recent) - 1; i >= 0 && err == nil; i-- {
			err = recent[i]()
		}
		if err != nil {
			return nil, fmt.Errorf("load registry: %w", err)
		}
	}
	return r, nil
}

func (r *Registry) told(gateway string, epoch uint32, at int64, e batch.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.event(gateway, epoch, at, &e)
	return nil
}

// get finds or makes a gateway. mu is held.
func (r *Registry) get(id string, at int64) *gateway {
	g := r.gateways[id]
	if g == nil {
		g = &gateway{id: id, first: at, epochs: map[uint32]*epoch{}}
		r.gateways[id] = g
		r.dirty[id] = true
	}
	return g
}

func (g *gateway) epoch(n uint32) *epoch {
	e := g.epochs[n]
	if e == nil {
		e = &epoch{series: map[uint32]*declared{}, byName: map[sensorKey]uint32{}}
		g.epochs[n] = e
	}
	return e
}

// Heard notes that a message of an admitted gateway came in.
func (r *Registry) Heard(id string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.get(id, at.UnixMilli())
	g.heard = max(g.heard, at.UnixMilli())
	r.dirty[id] = true
}

// ErrState is wrapped by the error about a State that cannot be read.
var ErrState = errors.New("malformed state")

// State takes a gateway's birth or last will. One that the broker has kept from
// earlier (retained) says how the gateway last was, not that it was heard now.
func (r *Registry) State(id string, payload []byte, at time.Time, retained bool) error {
	s, err := parseState(payload)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.refused++
		return fmt.Errorf("state of gateway %s: %w", id, err)
	}
	ms := at.UnixMilli()
	g := r.get(id, ms)
	r.dirty[id] = true
	if !retained {
		g.heard = max(g.heard, ms)
	}
	if g.online != s.Online || g.changed == 0 {
		g.online, g.changed = s.Online, ms
	}
	if !s.Online { // a last will was written before what it is about
		return nil
	}
	g.state, g.raw, g.received = s, payload, ms
	if s.Epoch > 0 {
		for _, d := range s.Series {
			r.declare(g, s.Epoch, d, false)
		}
	}
	return nil
}

// Committed takes what a commit tells of series, configuration and faults.
func (r *Registry) Committed(b *batch.Batch) {
	if len(b.Events) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range b.Events {
		r.event(b.Gateway, b.Epoch, b.Received, &b.Events[i])
	}
}

// event takes an event of a chain. mu is held.
func (r *Registry) event(id string, epoch uint32, at int64, e *batch.Event) {
	g := r.get(id, at)
	switch k := e.Event.GetKind().(type) {
	case *pb.Event_SeriesDeclared:
		r.declare(g, epoch, k.SeriesDeclared, true)
	case *pb.Event_ConfigApplied:
		g.config = clip(k.ConfigApplied.Version)
	case *pb.Event_Alarm:
		g.alarm(epoch, at, e)
	case *pb.Event_Calibration:
		r.calibrate(g, epoch, at, e)
	default:
		if f, ok := faultOf(epoch, e); ok {
			g.fault(f, at)
		}
	}
}

// declare gives a series id its meaning. mu is held.
func (r *Registry) declare(g *gateway, n uint32, m *pb.SeriesDeclared, chained bool) {
	e := g.epoch(n)
	d := &declared{
		sensorKey: sensorKey{clip(m.Sensor), reading.Quantity(min(m.Quantity, 255))}, model: clip(m.Model), address: clip(m.Address),
		interval: time.Duration(m.IntervalMs) * time.Millisecond, chained: chained,
	}
	old := e.series[m.Id]
	switch {
	case m.Sensor == "" || m.Quantity == 0 || m.Quantity > 255, old == nil && len(e.series) >= maxSeries:
		r.disputed++
		return
	case old == nil:
	case *old == *d:
		return
	case old.sensorKey != d.sensorKey && old.chained:
		// An id has one meaning for the rest of the epoch.
		r.disputed++
		if chained {
			g.fault(Fault{Part: "series", Detail: fmt.Sprintf("epoch %d: id %d is declared as %s of %s after %s of %s",
				n, m.Id, d.quantity, d.sensor, old.quantity, old.sensor)}, g.heard)
		}
		return
	case old.chained && !chained: // the same series; the chain knows its details
		return
	case old.sensorKey != d.sensorKey:
		r.disputed++
		if e.byName[old.sensorKey] == m.Id {
			delete(e.byName, old.sensorKey)
		}
	}
	e.series[m.Id] = d
	if was, ok := e.byName[d.sensorKey]; !ok || m.Id > was {
		e.byName[d.sensorKey] = m.Id
	}
	r.series[seriesKey{g.id, n, m.Id}] = d
}
