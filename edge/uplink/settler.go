package uplink

import (
	"context"
	"fmt"
	"sync"

	"frostline/edge/journal"
)

// settler tells the journal what the hub has committed, beside the session, so
// that deleting segments never delays a parcel. Of what waits for an epoch only
// the latest counts: an acknowledgement says all that those before it said.
type settler struct {
	journal Journal
	report  func(epoch uint32, err error) // of what went wrong
	wake    chan struct{}

	mu      sync.Mutex
	commits map[uint32]journal.Commit
	restart string
}

func newSettler(j Journal, report func(uint32, error)) *settler {
	return &settler{journal: j, report: report, wake: make(chan struct{}, 1), commits: map[uint32]journal.Commit{}}
}

// commit passes on what is committed. It does not wait.
func (s *settler) commit(c journal.Commit) {
	s.mu.Lock()
	s.commits[c.Epoch] = c
	s.mu.Unlock()
	s.ring()
}

// startEpoch has a new epoch begun, after what is committed is passed on.
func (s *settler) startEpoch(reason string) {
	s.mu.Lock()
	s.restart = reason
	s.mu.Unlock()
	s.ring()
}

func (s *settler) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run passes on until ctx ends, and what is left then.
func (s *settler) run(ctx context.Context) {
	for {
		s.pass()
		select {
		case <-s.wake:
		case <-ctx.Done():
			s.pass()
			return
		}
	}
}

func (s *settler) pass() {
	s.mu.Lock()
	commits, restart := s.commits, s.restart
	s.commits, s.restart = map[uint32]journal.Commit{}, ""
	s.mu.Unlock()
	for _, c := range commits {
		if err := s.journal.Acknowledge(c); err != nil {
			s.report(c.Epoch, fmt.Errorf("acknowledge up to block %d of epoch %d: %w", c.Committed, c.Epoch, err))
		}
	}
	if restart != "" {
		if err := s.journal.StartEpoch(restart); err != nil {
			s.report(0, fmt.Errorf("start a new epoch: %w", err))
		}
	}
}
