package agent

import (
	"context"
	"fmt"
	"time"

	"frostline/edge/panel"
	"frostline/edge/update"
	"frostline/proto/pb"
)

// Update is how a gateway gets other releases of its agent. The zero value is a
// gateway that gets none.
type Update struct {
	Keeper *update.Keeper // nil for none
	Source update.Source
}

const (
	updateLook  = time.Second
	updateRest  = 3 // times as long as a piece took nothing is fetched
	updateFirst = 5 * time.Second
	updateMost  = 5 * time.Minute
	toldParts   = 10 // times in a release that the hub is told how far it is
)

// release takes the hub's choice of a release.
func (a *agent) release(ctx context.Context, payload []byte) error {
	defer a.link.changed()
	fetch, err := a.c.Update.Keeper.Offer(payload, a.identity.MandateKey())
	if err != nil {
		a.refused(ctx, "updates", err)
		return err
	}
	if fetch {
		select {
		case a.releases <- struct{}{}:
		default:
		}
	}
	return nil
}

// update proves the release that runs, where it is on trial, and then fetches the
// one that is wanted, until ctx ends.
func (a *agent) update(ctx context.Context) error {
	k := a.c.Update.Keeper
	if k == nil {
		return nil
	}
	if k.Begin() {
		a.anew("the program in the slot is not the release that it should be")
		return nil
	}
	if k.Trial() && !a.proveRelease(ctx) {
		return nil
	}
	return a.fetchReleases(ctx)
}

// anew ends the agent, to be started again by the program that chooses what runs.
func (a *agent) anew(why string) {
	a.log.Info("starting again", "why", why)
	a.again.Store(true)
	a.end()
}

// proveRelease waits until the hub has acknowledged readings that this program
// has taken, and goes back where that does not come about. It gives false when
// the agent is to end.
func (a *agent) proveRelease(ctx context.Context) bool {
	k, limits := a.c.Update.Keeper, a.c.Update.Keeper.Limits()
	a.log.Info("this release is on trial until the hub acknowledges readings of it", "version", a.c.Version, "connected", limits.Connected, "alone", limits.Alone)
	look := time.NewTicker(updateLook)
	defer look.Stop()
	var connected, alone time.Duration
	var p proof
	taken := false
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return false
		case <-look.C:
		}
		s, up := a.link.status()
		span := min(time.Since(last), 10*updateLook) // a gateway that slept tried nothing
		last = time.Now()
		if up && s.Connected {
			connected += span
		} else {
			alone += span
		}
		if !taken && (a.progress.last.Load() != nil || a.patience() == 0) {
			taken = true
			tip := a.journal.Tip()
			p = proof{epoch: tip.Epoch, block: tip.Last}
		}
		if taken && p.given(a.journal.Stats()) {
			if err := k.Confirm(); err != nil {
				a.trouble("updates", err) // tried again
				continue
			}
			a.log.Info("this release is confirmed", "version", a.c.Version)
			a.link.changed()
			return true
		}
		again := false
		switch {
		case connected > limits.Connected:
			again = k.Undo(fmt.Sprintf("the hub acknowledged nothing within %v of connection", limits.Connected))
		case alone > limits.Alone:
			again = k.Postpone(fmt.Sprintf("there was no connection to the hub for %v", limits.Alone))
		}
		if again {
			a.anew("the release on trial did not prove itself")
			return false
		}
	}
}

// fetchReleases fetches what is wanted, while there is a connection to the hub:
// a piece, then nothing for three times as long as that took, so that most of the
// link and the disk is left to readings.
func (a *agent) fetchReleases(ctx context.Context) error {
	k := a.c.Update.Keeper
	wait, failed := updateFirst, false
	rest := time.NewTimer(0)
	defer rest.Stop()
	told := -1
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.releases:
			wait, failed = updateFirst, false
		case <-rest.C:
		}
		if s, up := a.link.status(); !up || !s.Connected || s.LastAck.IsZero() {
			rest.Reset(updateLook)
			continue
		}
		began := time.Now()
		step, err := k.Fetch(ctx, a.c.Update.Source)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if !failed {
				a.log.Warn("the release that the hub wants is held up", "error", err)
				a.faults.add(a.clock.Now(), "updates", err.Error())
			}
			a.link.changed()
			failed = true
			rest.Reset(wait)
			wait = min(2*wait, updateMost)
		case step == update.Staged:
			a.anew("a release is on trial from now on")
			return nil
		case step == update.Idle:
			// A release that was chosen, or put off, wakes this.
			rest.Reset(updateMost)
		default:
			if failed {
				a.log.Info("the release that the hub wants is fetched again")
			}
			wait, failed = updateFirst, false
			if r := k.Report(); r.Size > 0 && int(toldParts*r.Have/r.Size) != told {
				told = int(toldParts * r.Have / r.Size)
				a.link.changed()
			}
			rest.Reset(updateRest * time.Since(began))
		}
	}
}

// reportRelease is what the hub is told of releases.
func (a *agent) reportRelease(s *pb.State) {
	if a.c.Update.Keeper != nil {
		s.Release = a.c.Update.Keeper.Report()
	}
}

// shownRelease is what becomes of the release that the hub wants, for people; nil
// where this gateway takes none.
func (a *agent) shownRelease() *panel.Release {
	if a.c.Update.Keeper == nil {
		return nil
	}
	r := a.c.Update.Keeper.Report()
	if len(r.KeyId) == 0 {
		return nil
	}
	out := &panel.Release{Phase: update.Phases[min(int(r.Phase), len(update.Phases)-1)], Reason: r.Reason, Packaged: r.Running == "" && r.Phase != update.OnTrial}
	if r.Phase == update.Fetching {
		out.Have, out.Size = r.Have, r.Size
	}
	return out
}

// release tells Prometheus how far the release is that the hub wants.
func (c collector) release(e emitter) {
	if c.a.c.Update.Keeper == nil {
		return
	}
	r := c.a.c.Update.Keeper.Report()
	for phase, word := range update.Phases {
		e.gauge(descRelease, truth(r.Phase == uint32(phase)), word)
	}
	if r.Size > 0 {
		e.gauge(descFetched, float64(r.Have))
		e.gauge(descFetch, float64(r.Size))
	}
}
