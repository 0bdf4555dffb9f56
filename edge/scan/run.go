package scan

import (
	"context"
	"slices"
	"time"
)

// look is how often Run looks whether the hub has more.
const look = 2 * time.Second

// Run puts into the chain what a restart or a full disk kept from it, and notes
// what the hub has, until ctx ends.
func (s *Scanner) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if s.store.damaged {
			s.recover(ctx)
		}
		s.advance(ctx)
		select {
		case <-ctx.Done():
			s.advance(context.WithoutCancel(ctx)) // a stopping agent may tell what happened last
			return nil
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// advance brings each record as far as it goes.
func (s *Scanner) advance(ctx context.Context) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-s.turn }()
	s.note()
	s.tellAll(ctx)
	s.note()
	if !s.unsaved {
		return
	}
	if err := s.store.save(s.c.Now(), s.records); err == nil {
		s.mu.Lock()
		s.unsaved = false
		s.mu.Unlock()
	}
}

// tellAll tells the chain what it does not have. The caller has the turn.
func (s *Scanner) tellAll(ctx context.Context) {
	held := false
	for _, r := range s.records {
		if r.Place == nil && !r.held {
			if err := s.tell(ctx, r); err != nil {
				return
			}
			s.touch()
		}
		held = held || r.held
	}
	if !held {
		return
	}
	at, err := s.c.Chain.Flush(ctx)
	if err != nil {
		return // the journal says why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.held {
			r.held, r.Place, s.unsaved = false, &at, true
		}
	}
}

func (s *Scanner) touch() {
	s.mu.Lock()
	s.unsaved = true
	s.mu.Unlock()
}

// tell tells the chain of a record. The caller has the turn.
func (s *Scanner) tell(ctx context.Context, r *record) error {
	epoch, boot, err := s.c.Chain.Began(ctx)
	if err == nil {
		var at Place
		var kept bool
		if at, kept, err = s.c.Chain.Tell(ctx, r.message(s.c.Now(), epoch, boot, s.c.BootID)); err == nil {
			s.mu.Lock()
			if r.held = !kept; kept {
				r.Place = &at
			}
			s.mu.Unlock()
		}
	}
	if err != nil {
		s.chain.Failed(s.c.Now(), "", err)
		return err
	}
	s.chain.Worked(s.c.Now())
	if s.c.Told != nil {
		s.c.Told()
	}
	return nil
}

// note notes which records the hub has and when they were, and forgets those
// that nobody needs. The caller has the turn.
func (s *Scanner) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.Place != nil && !r.Done {
			committed, lost := s.c.Chain.Fate(*r.Place)
			switch {
			case committed:
				r.Done, s.unsaved = true, true
			case lost: // a full or damaged journal gave it up: it is told again
				s.c.Log.Warn("the chain has lost a scan, which is told again", "scan", r.ID, "epoch", r.Place.Epoch, "block", r.Place.Block)
				r.Place, s.unsaved = nil, true
			}
		}
		if r.BootID != s.c.BootID {
			continue
		}
		if utc, uncertainty, ok := s.c.UTC(r.Boottime); ok && (r.UTC == nil || 2*uncertainty < r.UTC.Uncertainty) {
			r.UTC, s.unsaved = &dated{utc, uncertainty}, true
		}
	}
	if left := forget(s.records); len(left) < len(s.records) {
		s.records, s.unsaved = slices.Clip(left), true
	}
}
