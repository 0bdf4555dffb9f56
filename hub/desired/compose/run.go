package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/hub/desired"
	"frostline/hub/fact"
)

// touching are the types of events that change what a gateway is to know.
var touching = []string{
	fact.WasAttached, fact.PackageWasPacked, fact.PackageWasAssigned, fact.PackageWasClosed, fact.UnitWasReceived,
	fact.ProfileDefined, fact.ProductDefined, fact.DefinedBy(fact.Site), fact.DefinedBy(fact.Zone), fact.DefinedBy(fact.Vehicle),
	fact.DefinedBy(fact.Compartment), fact.DefinedBy(fact.Gateway), fact.RecordRetired,
	fact.CourierWasDefined, fact.JobWasPlanned, fact.JobWasCancelled, fact.RouteWasPlanned, fact.RouteWasReported,
	fact.StopWasReported, fact.StopWasHeld, fact.GatewayWasConfigured, fact.GatewayHasReported,
}

// Run composes until ctx ends; it then returns nil.
func (c *Composer) Run(ctx context.Context) error {
	if c.o.Config.Off {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		c.say(ctx, c.Step(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// say logs the first failure of a row, and that it is over.
func (c *Composer) say(ctx context.Context, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil && c.status.Failing == "":
		c.o.Log.Warn("gateways are not told of packages and next stops; trying again", "error", err)
		c.status.Failing = err.Error()
	case err != nil:
		c.status.Failing = err.Error()
	case c.status.Failing != "":
		c.o.Log.Info("gateways are told of packages and next stops again")
		c.status.Failing = ""
	}
}

// Step looks for events, and has a round where it is time for one.
func (c *Composer) Step(ctx context.Context) error {
	if err := c.follow(ctx); err != nil {
		return err
	}
	now := c.o.Now()
	due := now.Sub(c.round) >= each || !c.first.IsZero() && (now.Sub(c.last) >= quiet || now.Sub(c.first) >= most)
	for _, m := range c.set {
		due = due || m.later && now.Sub(m.at) >= pause
	}
	if !due {
		return nil
	}
	if err := c.Round(ctx); err != nil {
		return err
	}
	c.round, c.first = now, time.Time{}
	return nil
}

// follow notices events.
func (c *Composer) follow(ctx context.Context) error {
	if c.position < 0 {
		c.position = c.o.Events.Last() // the first round comes at once
	}
	for last := c.o.Events.Last(); c.position < last; {
		events, err := c.o.Events.Read(ctx, c.position, page, touching...)
		if err != nil {
			return err
		}
		for _, e := range events {
			c.position = e.Position
			if e.Actor == Actor {
				continue
			}
			if c.last = c.o.Now(); c.first.IsZero() {
				c.first = c.last
			}
		}
		if len(events) < page { // and none of these types up to last
			c.position = max(c.position, last)
		}
	}
	return nil
}

// Round works out what gateways are to know, and tells those that do not.
func (c *Composer) Round(ctx context.Context) error {
	all, err := c.additions(ctx)
	if err != nil {
		return err
	}
	status := Status{}
	enrolled := c.o.World.Enrolled()
	var errs []error
	for _, gateway := range enrolled {
		if slices.Contains(c.o.Config.Except, gateway) {
			continue
		}
		m, now := c.set[gateway], c.o.Now()
		if m.later = !m.at.IsZero() && now.Sub(m.at) < pause; m.later {
			c.set[gateway] = m
			continue
		}
		done, err := c.o.Keeper.Compose(ctx, Actor, reason(all[gateway]), gateway, all[gateway], retry)
		switch {
		case errors.Is(err, desired.ErrUnknown) || errors.Is(err, desired.ErrChanged):
			continue // revoked, or set by somebody else, since: the next round knows
		case err != nil:
			errs = append(errs, fmt.Errorf("gateway %s: %w", gateway, err))
			continue
		}
		if done.Changed {
			m.at = now
			status.Versions++
		}
		if c.set[gateway] = m; m.at.IsZero() {
			delete(c.set, gateway)
		}
		c.tell(gateway, done)
		if done.Why != "" {
			status.Unadded++
		} else if n := len(all[gateway].Packages) - done.Left; n > 0 || all[gateway].NextStop != nil {
			status.Gateways++
			status.Packages += n
			status.Left += done.Left
		}
	}
	for gateway := range c.set {
		if !slices.Contains(enrolled, gateway) {
			delete(c.set, gateway)
			delete(c.said, gateway)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	status.Failing, status.Versions = c.status.Failing, c.status.Versions+status.Versions
	c.status = status
	return errors.Join(errs...)
}

// tell logs what was left out, once.
func (c *Composer) tell(gateway string, done desired.Composed) {
	why := done.Why
	if why == "" && done.Left > 0 {
		why = "there is no place for the profiles of so many packages: those of what they are in are watched"
	}
	if c.said[gateway] == why {
		return
	}
	c.said[gateway] = why
	if why == "" {
		c.o.Log.Info("a gateway is told of all packages again", "gateway", gateway)
		return
	}
	c.o.Log.Warn("a gateway is not told of all packages", "gateway", gateway, "left", done.Left, "reason", why)
}

func reason(a desired.Addition) string {
	text := fmt.Sprintf("%d packages are or will be beside it", len(a.Packages))
	if a.NextStop != nil {
		text += ", next stop " + a.NextStop.Place
	}
	return text
}
