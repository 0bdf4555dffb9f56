// Package health puts together how the parts of the hub are doing, for people
// (a list of what is wrong), for programs (health checks) and for Prometheus.
//
// A part is asked by a function that its owner gives. What is asked is kept for
// a moment, so that many who look cost no more than one. A part that does not
// answer in time counts as wrong. Since when something has been wrong is
// noticed here, at the first look; a look is taken at least every Every while
// Run runs, and what goes wrong and right again is logged once each. How long each
// part was well is held against an objective for it.
package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Figure is one number that a part tells of itself.
type Figure struct {
	Name    string // of the metric behind "frostline_", as Prometheus wants it: snake_case with its unit, _total for a counter
	Help    string
	Counter bool     // it only rises while the hub runs
	Labels  []string // names and values in turn
	Value   float64
}

// Report is how a part is doing.
type Report struct {
	// Problem says what is wrong, in a line for an operator, with the remedy
	// where there is one; "" when all is well.
	Problem string
	Figures []Figure
}

// Part is asked how it is doing. Ask is called by one goroutine at a time and
// returns soon after ctx ends; an error is a problem.
type Part struct {
	Name string
	Ask  func(ctx context.Context) (Report, error)
}

// Standing is a part and how it is doing.
type Standing struct {
	Name    string
	Problem string    // in a line; "" when it is well
	Since   time.Time // when the problem was noticed; zero when it is well
}

// Times of a Board.
const (
	fresh  = time.Second      // a look is kept for so long
	within = 5 * time.Second  // an answer has to come
	Every  = 15 * time.Second // looks that Run takes, at least
)

// Board knows all parts. Its methods may be called from any goroutine.
type Board struct {
	parts []Part
	now   func() time.Time
	log   *slog.Logger

	turn  chan struct{} // held by who looks
	mu    sync.Mutex
	at    time.Time // of the last look
	seen  []standing
	since map[string]time.Time // wrong parts

	memory memory // guarded by mu
}

type standing struct {
	name string
	Report
}

// NewBoard makes a board of parts, which are shown in the order given.
func NewBoard(parts []Part, now func() time.Time, log *slog.Logger) (*Board, error) {
	if log == nil {
		return nil, errors.New("health: logger is not set")
	}
	if now == nil {
		now = time.Now
	}
	names := map[string]bool{}
	for _, p := range parts {
		if p.Name == "" || p.Ask == nil || names[p.Name] {
			return nil, fmt.Errorf("health: part %q: want a name of its own and a way to ask", p.Name)
		}
		names[p.Name] = true
	}
	return &Board{parts: parts, now: now, log: log, turn: make(chan struct{}, 1), since: map[string]time.Time{}}, nil
}

// Run looks now and then until ctx ends, so that what goes wrong is in the log
// although nobody looks.
func (b *Board) Run(ctx context.Context) error {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	defer func() { b.save(b.now(), true) }()
	for { // not at once: parts begin at the same time
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			b.look(ctx)
			b.save(b.now(), false)
		}
	}
}

// Parts tells of every part, in order, and what is wrong with it.
func (b *Board) Parts(ctx context.Context) []Standing {
	seen := b.look(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Standing, 0, len(seen))
	for _, s := range seen {
		p := Standing{Name: s.name, Problem: s.Problem}
		if s.Problem != "" {
			p.Since = b.since[s.name]
		}
		all = append(all, p)
	}
	return all
}

// Checks gives a check for each part by its name: nil when it is well.
func (b *Board) Checks() map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	for _, p := range b.parts {
		all[p.Name] = func(ctx context.Context) error {
			parts := b.Parts(ctx)
			i := slices.IndexFunc(parts, func(v Standing) bool { return v.Name == p.Name })
			if i >= 0 && parts[i].Problem == "" {
				return nil
			}
			if i < 0 {
				return errors.New("not asked yet")
			}
			return errors.New(parts[i].Problem)
		}
	}
	return all
}

// look asks all parts, unless that was done a moment ago. When ctx ends before
// its turn, it gives what was seen last.
func (b *Board) look(ctx context.Context) []standing {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.seen
	}
	b.mu.Lock()
	recent := !b.at.IsZero() && b.now().Sub(b.at).Abs() < fresh
	seen := b.seen
	b.mu.Unlock()
	if recent {
		return seen
	}
	// Whoever asks may go away: what is asked is for others too.
	ctx = context.WithoutCancel(ctx)
	seen = make([]standing, len(b.parts))
	var all sync.WaitGroup
	for i, p := range b.parts {
		all.Go(func() { seen[i] = standing{p.Name, ask(ctx, p)} })
	}
	all.Wait()
	b.mu.Lock()
	was := b.at
	b.at, b.seen = b.now(), seen
	b.count(was, b.at)
	b.notice()
	b.mu.Unlock()
	return seen
}

func ask(ctx context.Context, p Part) Report {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := p.Ask(ctx)
	if err != nil {
		r.Problem = strings.TrimPrefix(r.Problem+"; "+err.Error(), "; ")
	}
	r.Problem = line(r.Problem)
	return r
}

// notice takes in what has become wrong or right. The mutex is held.
func (b *Board) notice() {
	for _, s := range b.seen {
		at, wrong := b.since[s.name]
		switch {
		case s.Problem != "" && !wrong:
			b.since[s.name] = b.at
			b.log.Warn("a part of the hub is not well", "name", s.name, "problem", s.Problem)
		case s.Problem == "" && wrong:
			delete(b.since, s.name)
			b.log.Info("a part of the hub is well again", "name", s.name, "after", b.at.Sub(at).Round(time.Second))
		}
	}
}

// line makes one line of bounded length.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:299]) + "…"
	}
	return s
}
