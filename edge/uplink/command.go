package uplink

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// Command runs one kind of command. It may take its time; an error is logged
// and counted. ctx ends with the uplink.
type Command func(ctx context.Context, body []byte) error

// maxCommandKind bounds the name of a kind, in bytes.
const maxCommandKind = 32

// maxJobs is how many commands and documents may wait.
const maxJobs = 64

// Handle registers what a kind of command does; it replaces what was there. A
// command's payload is its kind, a line feed, and a body. Kinds are 1 to 32
// characters of a-z, 0-9 and '-'.
func (u *Uplink) Handle(kind string, c Command) { u.runner.handle(kind, c) }

// runner runs commands and hands on configuration one after the other.
type runner struct {
	log   *slog.Logger
	count func(func(*Status))
	jobs  chan func(context.Context)

	mu     sync.Mutex
	kinds  map[string]Command
	logged string // the error of the last command that was ignored
}

func newRunner(log *slog.Logger, count func(func(*Status))) *runner {
	return &runner{log: log, count: count, jobs: make(chan func(context.Context), maxJobs), kinds: map[string]Command{}}
}

func (r *runner) handle(kind string, c Command) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds[kind] = c
}

func (r *runner) run(ctx context.Context) {
	for {
		select {
		case job := <-r.jobs:
			job(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// add has job run later; what finds no room is dropped and counted.
func (r *runner) add(job func(context.Context)) {
	select {
	case r.jobs <- job:
	default:
		r.count(func(s *Status) { s.Dropped++ })
		r.log.Warn("uplink: too many commands are waiting, one is dropped", "waiting", maxJobs)
	}
}

// command finds out what a payload asks for and has it run.
func (r *runner) command(payload []byte) {
	kind, body, _ := bytes.Cut(payload, []byte("\n"))
	c, err := r.find(kind)
	if err != nil {
		r.count(func(s *Status) { s.BadCommands++ })
		r.mu.Lock()
		repeated := r.logged == err.Error()
		r.logged = err.Error()
		r.mu.Unlock()
		if !repeated {
			r.log.Warn("uplink: command is ignored", "error", err)
		}
		return
	}
	r.add(func(ctx context.Context) {
		if err := c(ctx, body); err != nil {
			r.count(func(s *Status) { s.BadCommands++ })
			r.log.Warn("uplink: command failed", "kind", string(kind), "error", err)
			return
		}
		r.count(func(s *Status) { s.Commands++ })
	})
}

func (r *runner) find(kind []byte) (Command, error) {
	if len(kind) == 0 || len(kind) > maxCommandKind {
		return nil, fmt.Errorf("its kind has %d bytes: want 1 to %d", len(kind), maxCommandKind)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.kinds[string(kind)]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("its kind %q is not known to this version", kind)
}
