package agent

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"frostline/edge/journal"
	"frostline/edge/scan"
	"frostline/proto/block"
	"frostline/proto/pb"
)

// scanDir is where the scanner keeps its state.
func scanDir(data string) string { return filepath.Join(data, "scan") }

// openScanner makes what takes scans, with what was aboard before.
func (a *agent) openScanner() (err error) {
	a.scanner, err = scan.New(scan.Config{
		Dir: scanDir(a.c.Data), BootID: a.clock.BootID(), Now: a.clock.Now,
		UTC: func(at int64) (utc, uncertainty int64, ok bool) {
			m, ok := a.keeper.UTC(at)
			return m.UTC, m.Uncertainty, ok && !m.Conflict
		},
		Chain: &scanChain{agent: a}, Around: around{a}, Watched: a.isWatched, Changed: a.rewatch, Told: a.link.seal,
		Log: a.log.With("part", "scanner"),
	})
	return err
}

// scanChain lets the scanner tell the journal.
type scanChain struct {
	*agent
	mu    sync.Mutex
	epoch uint32 // in which this boot is known to have begun on disk
}

// Began implements scan.Chain. A boot of which nothing is on disk would give its
// ordinal to the next.
func (c *scanChain) Began(ctx context.Context) (epoch, boot uint32, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tip := c.journal.Tip()
	if tip.Epoch == 0 || tip.Epoch != c.epoch {
		if err := c.journal.Flush(ctx); err != nil {
			return 0, 0, err
		}
		if tip = c.journal.Tip(); tip.Epoch == 0 || tip.Last == 0 {
			return 0, 0, errors.New("the journal has not been read yet")
		}
		c.epoch = tip.Epoch
	}
	return tip.Epoch, tip.Boot, nil
}

// Tell implements scan.Chain.
func (c *scanChain) Tell(ctx context.Context, e *pb.Event) (at scan.Place, kept bool, err error) {
	k, err := c.journal.Append(ctx, nil, []*pb.Event{e})
	switch {
	case errors.Is(err, journal.ErrHeld):
		return at, false, nil
	case err != nil:
		return at, false, err
	}
	return scan.Place{Epoch: k.Epoch, Block: k.First + uint64(len(k.Blocks)) - 1}, true, nil
}

// Flush implements scan.Chain.
func (c *scanChain) Flush(ctx context.Context) (at scan.Place, err error) {
	if err := c.journal.Flush(ctx); err != nil {
		return at, err
	}
	tip := c.journal.Tip()
	return scan.Place{Epoch: tip.Epoch, Block: tip.Last}, nil
}

// Fate implements scan.Chain.
func (c *scanChain) Fate(at scan.Place) (committed, lost bool) {
	return c.journal.Fate(at.Epoch, at.Block)
}

// Recent implements scan.Chain.
func (c *scanChain) Recent(_ context.Context, yield func(scan.Place, uint32, *pb.Event)) error {
	tip := c.journal.Tip()
	for _, p := range c.journal.Pending() {
		if p.Epoch != tip.Epoch {
			if err := c.scans(p.Epoch, p.Last, yield); err != nil {
				return err
			}
		}
	}
	return c.scans(tip.Epoch, tip.Last, yield)
}

// scans gives the scans that are left of an epoch.
func (c *scanChain) scans(epoch uint32, last uint64, yield func(scan.Place, uint32, *pb.Event)) error {
	for next := uint64(1); next <= last; {
		run, err := c.journal.Read(epoch, next, 256, 1<<20)
		if err != nil || len(run.Blocks) == 0 {
			return err
		}
		for i, raw := range run.Blocks {
			b, err := block.Decode(raw)
			if err != nil {
				return err
			}
			for _, e := range b.Events {
				if m, err := block.DecodeEvent(e); err == nil && m.GetScan() != nil {
					yield(scan.Place{Epoch: epoch, Block: run.First + uint64(i)}, b.Boot, m)
				}
			}
		}
		next = run.First + uint64(len(run.Blocks))
	}
	return nil
}
