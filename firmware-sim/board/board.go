// Package board is one gateway's worth of simulated hardware: a world, sensors
// that look at it, the buses they hang on and a clock. Whatever happens on a
// bus or by control happens under the board's lock, at one moment of simulated
// time.
package board

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/clock"
	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/scenario"
	"frostline/firmware-sim/world"
)

// sensor is a device of any kind.
type sensor interface {
	Name() string
	Fault() fault.Fault
	SetFault(f fault.Fault, now time.Duration) error
	FlippedFrames() uint64
	True() float64
}

// installed is a sensor with what the scenario says about it.
type installed struct {
	spec   scenario.Device
	sensor sensor
}

// wiring is a bus with the lock that a clock-stretching device holds.
type wiring struct {
	name string
	bus  bus.Bus
	held sync.Mutex
}

// Board is a running board. Its methods are safe for concurrent use.
type Board struct {
	name    string
	seed    uint64
	log     *slog.Logger
	wall    func() time.Time
	changed chan struct{} // has an element when the clock was changed

	wirings []*wiring // fixed once built

	mu           sync.Mutex // guards everything below
	clock        *clock.Clock
	world        *world.World
	origin       time.Duration // simulated time that clients call 0 ms
	devices      []*installed
	receivers    []*receiver
	lines        []*modbusLine // fixed once built
	folders      []*folder
	folderFailed bool
	air          air
	second       time.Duration // next whole second of UTC
	plan         []planned     // what goes wrong by itself
	taken        int           // steps of plan that have been taken since 0 ms
}

// Options are what a board needs from outside.
type Options struct {
	Seed uint64
	Log  *slog.Logger     // default: discards
	Wall func() time.Time // real time; default time.Now
}

// New builds a board from a checked scenario. It opens nothing and starts
// nothing.
func New(spec scenario.Board, o Options) (*Board, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	b := &Board{
		name: spec.Name, seed: o.Seed, wall: o.Wall,
		log:     o.Log.With("board", spec.Name),
		changed: make(chan struct{}, 1),
		clock:   clock.New(o.Wall, spec.Speed),
		air:     air{bus: spec.DBus},
	}
	w, err := world.New(world.Config{Seed: o.Seed, Start: spec.StartTime(o.Wall()), Objects: spec.World})
	if err != nil {
		return nil, fmt.Errorf("board %s: %w", spec.Name, err)
	}
	b.world = w
	for _, d := range spec.Devices {
		if err := b.install(d); err != nil {
			return nil, fmt.Errorf("board %s, device %s: %w", spec.Name, d.Name, err)
		}
	}
	if b.plan, err = plan(spec.Schedule); err == nil {
		err = rehearse(spec, o, b.plan)
	}
	if err != nil {
		return nil, fmt.Errorf("board %s, schedule: %w", spec.Name, err)
	}
	if spec.Driven {
		b.clock = clock.NewDriven(o.Wall)
	}
	b.second = b.nextSecond(0)
	return b, nil
}

// Name is the board's name.
func (b *Board) Name() string { return b.name }

// Open makes the terminals of the receivers, and the Bluetooth adapter of the
// loggers. Close must follow.
func (b *Board) Open() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.receivers {
		if err := r.open(); err != nil {
			return errors.Join(fmt.Errorf("board %s, device %s: %w", b.name, r.gnss.Name(), err), b.closeReceivers())
		}
	}
	for _, l := range b.lines {
		if err := l.open(); err != nil {
			return errors.Join(fmt.Errorf("board %s: %w", b.name, err), b.closeReceivers())
		}
	}
	for _, f := range b.folders {
		if err := f.open(); err != nil {
			return errors.Join(fmt.Errorf("board %s: %w", b.name, err), b.closeReceivers())
		}
	}
	b.showFolders(b.clock.Now())
	if err := b.air.open(); err != nil {
		return errors.Join(fmt.Errorf("board %s: bluetooth: %w", b.name, err), b.closeReceivers())
	}
	return nil
}

// Close removes the terminals of the receivers and the Bluetooth adapter.
func (b *Board) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closeReceivers()
}

func (b *Board) closeReceivers() error {
	failed := b.air.close()
	for _, r := range b.receivers {
		failed = errors.Join(failed, r.close())
	}
	for _, l := range b.lines {
		failed = errors.Join(failed, l.close())
	}
	for _, f := range b.folders {
		failed = errors.Join(failed, f.close())
	}
	return failed
}

// Run keeps the board alive in real mode, so that receivers send each second,
// until the context ends, which gives nil.
func (b *Board) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range b.lines {
		group.Go(func() error { return b.serve(ctx, l) })
	}
	group.Go(func() error { return b.live(ctx) })
	return group.Wait()
}

// live lets the clock's receivers speak until ctx ends.
func (b *Board) live(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.changed:
		case <-timer.C:
		}
		timer.Reset(b.tick())
	}
}

// longestNap bounds the time between two ticks, so that a long row of steps
// never piles up.
const longestNap = 10 * time.Second

// tick brings the board to the present and says how long it may rest.
func (b *Board) tick() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp(0)
	nap := min(longestNap, b.clock.Until(b.clock.Now()+time.Second))
	if next, ok := b.nextBurst(); ok {
		nap = min(nap, b.clock.Until(next))
	}
	if next, ok := b.air.nextTransmission(); ok {
		nap = min(nap, b.clock.Until(next))
	}
	return max(nap, time.Millisecond)
}

// poke makes Run look at the clock again.
func (b *Board) poke() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// catchUp brings world and receivers to the present of the clock. Wait is how
// long a receiver's reader is given. The lock is held.
func (b *Board) catchUp(wait time.Duration) {
	now := b.clock.Now()
	b.emit(now, wait)
	b.transmit(now)
	b.follow(now)
	b.world.AdvanceTo(now)
	b.showFolders(now)
}

// Session is one client's access to a bus. It is not safe for concurrent use.
type Session struct {
	board  *Board
	wiring *wiring
	master bus.Master
}

// Attach gives a client access to a bus by its name.
func (b *Board) Attach(name string) (*Session, error) {
	names := make([]string, len(b.wirings))
	for i, w := range b.wirings {
		if w.name == name {
			return &Session{board: b, wiring: w, master: w.bus.Attach()}, nil
		}
		names[i] = w.name
	}
	return nil, fmt.Errorf("board %s has no bus %q: want one of %s", b.name, name, strings.Join(names, ", "))
}

// Do executes one request of proto/simbus and gives the response. A device
// that stretches the clock holds up everybody on its bus, in real mode: driven
// time cannot pass during a transaction.
func (s *Session) Do(ctx context.Context, request []byte) []byte {
	s.wiring.held.Lock()
	defer s.wiring.held.Unlock()
	b := s.board
	b.mu.Lock()
	b.catchUp(0)
	response, hold := s.master.Do(b.clock.Now(), request)
	if b.clock.Driven() {
		hold = 0
	}
	hold = time.Duration(float64(hold) / b.clock.Speed())
	b.mu.Unlock()
	if hold > 0 {
		stretch := time.NewTimer(hold)
		defer stretch.Stop()
		select {
		case <-stretch.C:
		case <-ctx.Done():
		}
	}
	return response
}
