// Package sim runs simulated boards: a scenario's sensors behind their sockets
// and serial lines, in this process. The command firmware-sim is a thin shell
// around it, and tests of other packages start their hardware here.
package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"frostline/firmware-sim/board"
	"frostline/firmware-sim/control"
	"frostline/firmware-sim/scenario"
	"frostline/firmware-sim/server"
)

// The vocabulary of scenarios.
type (
	Scenario = scenario.Scenario
	Board    = scenario.Board
	Device   = scenario.Device
)

// Demo gives the scenario of the demonstration, five boards whose names are
// gateway ids, with sockets DIR/BOARD.sock and receivers at DIR/BOARD.gnss. Its
// Boards say which device is on which bus, for whoever writes the
// configuration of the gateways.
func Demo(dir string) Scenario { return scenario.Demo().In(dir) }

// BusName is the name by which a gateway reaches a bus of a board, as in
// sim:unix:/run/frost/van-1.sock/w1.
func BusName(b Board, bus string) string { return "sim:unix:" + b.Socket + "/" + bus }

// place is a board with the sockets it is served on.
type place struct {
	board     *board.Board
	server    *server.Server
	listeners []net.Listener
}

// Simulation is a scenario that is open: its sockets accept connections and
// its serial lines exist, but nothing is answered before Run.
type Simulation struct {
	log    *slog.Logger
	places []*place
}

// Open builds the boards of a scenario and opens their sockets and serial
// lines. Missing folders are made. Nothing is left behind when it fails.
// Run or Close must follow.
func Open(s Scenario, log *slog.Logger) (*Simulation, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s = s.WithDefaults()
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	sim := &Simulation{log: log}
	for _, spec := range s.Boards {
		if err := sim.open(spec, s.Seed); err != nil {
			return nil, errors.Join(err, sim.Close())
		}
	}
	return sim, nil
}

func (s *Simulation) open(spec Board, seed uint64) error {
	b, err := board.New(spec, board.Options{Seed: seed, Log: s.log})
	if err != nil {
		return err
	}
	for _, path := range append([]string{spec.Socket}, ports(spec)...) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("board %s: %w", spec.Name, err)
		}
	}
	p := &place{board: b, server: server.New(b, s.log)}
	l, err := server.Listen(spec.Socket)
	if err != nil {
		return fmt.Errorf("board %s: %w", spec.Name, err)
	}
	p.listeners = append(p.listeners, l)
	s.places = append(s.places, p) // from here on Close cleans up
	if spec.TCP != "" {
		l, err := net.Listen("tcp", spec.TCP)
		if err != nil {
			return fmt.Errorf("board %s: tcp %s: %w", spec.Name, spec.TCP, err)
		}
		p.listeners = append(p.listeners, l)
	}
	return b.Open()
}

func ports(b Board) []string {
	var list []string
	for _, d := range b.Devices {
		if d.Pty != "" {
			list = append(list, d.Pty)
		}
	}
	return list
}

// Run serves all boards until the context ends, which gives nil, and closes
// everything. One board that fails ends all.
func (s *Simulation) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range s.places {
		group.Go(func() error { return p.board.Run(ctx) })
		for _, l := range p.listeners {
			group.Go(func() error { return p.server.Serve(ctx, l) })
		}
	}
	return errors.Join(group.Wait(), s.Close())
}

// Close removes sockets and serial lines. It is called by Run, and needed
// alone where Run never is.
func (s *Simulation) Close() error {
	var failed error
	for _, p := range s.places {
		for _, l := range p.listeners {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				failed = errors.Join(failed, err)
			}
		}
		failed = errors.Join(failed, p.board.Close())
	}
	return failed
}

// Board gives a board by name, to be steered in this process; nil where there
// is none.
func (s *Simulation) Board(name string) control.Target {
	for _, p := range s.places {
		if p.board.Name() == name {
			return p.board
		}
	}
	return nil
}

// Addr gives the address at which a board listens on TCP, as in 127.0.0.1:7001;
// empty where it does not.
func (s *Simulation) Addr(name string) string {
	for _, p := range s.places {
		if p.board.Name() == name && len(p.listeners) > 1 {
			return p.listeners[1].Addr().String()
		}
	}
	return ""
}

// Running is a simulation in the background.
type Running struct {
	*Simulation
	cancel context.CancelFunc
	done   chan struct{}
	err    error // after done
}

// Start opens a scenario and runs it in the background until the context ends
// or Stop is called. When it returns, sockets and serial lines are there.
func Start(ctx context.Context, s Scenario, log *slog.Logger) (*Running, error) {
	sim, err := Open(s, log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &Running{Simulation: sim, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = sim.Run(ctx)
	}()
	return r, nil
}

// Stop ends the simulation and waits until its sockets and serial lines are
// gone. It may be called again and gives the same.
func (r *Running) Stop() error {
	r.cancel()
	<-r.done
	return r.err
}
