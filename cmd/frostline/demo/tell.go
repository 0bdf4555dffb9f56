package demo

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/hub/api"
)

// planned is how many hours have to be recorded for what goes wrong in them to
// have happened.
const planned = 8 * time.Hour

// prepare records the hours before now, and meanwhile tells the hub of the
// company that its stories are about.
func (d *demo) prepare(ctx context.Context) error {
	fresh := true
	for _, p := range d.places {
		fresh = fresh && !exists(d.path(p.gateway, "recorded"))
	}
	switch {
	case d.Hours < planned && !d.teller.Begun():
		d.say("stories of packages are told where at least %s are recorded; this has %s", planned, d.Hours)
		return d.record(ctx)
	case fresh:
		if err := d.teller.Begin(time.Now().Add(-d.Hours)); err != nil {
			return err
		}
	case !d.teller.Begun():
		d.say("%s is of an earlier version: it goes on without stories of packages; remove it, or choose another with --dir", d.dir)
		return d.record(ctx)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.record(ctx) })
	if !d.teller.Done() {
		g.Go(func() error {
			if err := d.teller.Company(ctx); err != nil {
				return fmt.Errorf("tell the hub of the company: %w", err)
			}
			return nil
		})
	}
	return g.Wait()
}

// tell tells the hub what happened to packages, once it has all that was
// recorded.
func (d *demo) tell(ctx context.Context) error {
	if !d.teller.Begun() || d.teller.Done() {
		return nil
	}
	began := time.Now()
	if err := d.drained(ctx); err != nil {
		return err
	}
	if err := d.teller.Tell(ctx); err != nil {
		return fmt.Errorf("tell the hub the stories of packages: %w", err)
	}
	d.say("the stories of %d packages are told, in %.1f s", len(d.teller.Lines()), time.Since(began).Seconds())
	return nil
}

// drainWithin is long enough for a backlog of hours, not of weeks.
const drainWithin = 2 * time.Minute

// drained waits until the hub has all that gateways have recorded.
func (d *demo) drained(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	hub := api.NewClient(d.path("hub", "frostline.sock"))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		accounts, err := hub.Accounts(within)
		if err != nil && within.Err() == nil {
			return fmt.Errorf("ask the hub what it has: %w", err)
		}
		waiting := len(d.places)
		for _, a := range accounts {
			if a.Committed > 0 && a.Holes == 0 && a.Pending < justTaken {
				waiting--
			}
		}
		if waiting <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-within.Done():
			return fmt.Errorf("%d of %d gateways have not sent what they recorded after %s; their logs are in %s", waiting, len(d.places), drainWithin, d.path("log"))
		case <-tick.C:
		}
	}
}

// justTaken readings of a gateway may always be on their way.
const justTaken = 100
