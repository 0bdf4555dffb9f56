package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// self is who goes on with a rollout by its rules.
const self = "hub/rollout"

// advance goes on with the rollout that is under way as far as it may: it ends,
// stops, or asks the gateways of the next wave. k.changing is held.
func (k *Keeper) advance(ctx context.Context) error {
	for {
		r, err := current(ctx, k.o.Store)
		if err != nil || r == nil {
			return err
		}
		if err := k.dropGone(ctx, r); err != nil {
			return err
		}
		if r.State == Stopped {
			return k.withdraw(ctx, *r) // again, where the hub ended meanwhile
		}
		if failed := r.count(Failed) - r.forgiven; r.State != Stopped && failed >= r.Failures {
			why := fmt.Sprintf("%d gateways failed, and %d stop it", failed, r.Failures)
			if err := k.change(ctx, self, "", r, Stopped, r.Wave, why); err != nil {
				return err
			}
			continue
		}
		if r.State != Running {
			return nil
		}
		if err := k.askWave(ctx, r); err != nil {
			return err
		}
		more, err := k.next(ctx, r)
		if err != nil || !more {
			return err
		}
	}
}

// next begins the next wave, or ends the rollout, where that is due.
func (k *Keeper) next(ctx context.Context, r *Rollout) (more bool, err error) {
	total, confirmed := 0, 0
	for _, c := range r.Counts[:r.Wave] {
		for phase, n := range c {
			if phase != Gone && phase != Failed {
				total += n
			}
		}
		confirmed += c[Confirmed]
	}
	if confirmed*100 < total*r.Quorum {
		if r.settled != 0 {
			return false, k.settleAt(ctx, r, 0)
		}
		return false, nil
	}
	now := k.o.Now().UnixMilli()
	if r.settled == 0 {
		if err := k.settleAt(ctx, r, now); err != nil {
			return false, err
		}
	}
	switch {
	case r.Wave == len(r.Waves):
		return false, k.change(ctx, self, "", r, Done, r.Wave, fmt.Sprintf("%d of %d gateways have confirmed it", r.count(Confirmed), r.all()))
	case now-r.settled < r.Soak.Milliseconds():
		return false, nil
	}
	return true, k.change(ctx, self, "", r, Running, r.Wave+1, fmt.Sprintf("%d of %d gateways of the waves before have confirmed it", confirmed, total))
}

func (r *Rollout) all() (n int) {
	for _, c := range r.Counts {
		for _, x := range c {
			n += x
		}
	}
	return n
}

func (k *Keeper) settleAt(ctx context.Context, r *Rollout, at int64) error {
	_, err := k.o.Events.Command(ctx, self, func(ctx context.Context, c event.Change) error {
		_, err := c.Tx().Exec(ctx, "UPDATE rollout SET settled_ms = $2 WHERE id = $1", r.ID, at)
		return err
	})
	if err == nil {
		r.settled = at
	}
	return err
}

// dropGone leaves out gateways that were revoked.
func (k *Keeper) dropGone(ctx context.Context, r *Rollout) error {
	enrolled := map[string]bool{}
	for _, g := range k.o.Enrolled() {
		enrolled[g] = true
	}
	all, err := members(ctx, k.o.Store, "SELECT "+memberColumns+" WHERE rollout = $1 AND phase NOT IN ($2, $3, $4)", r.ID, Confirmed, Failed, Gone)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(m Member) bool { return enrolled[m.Gateway] })
	for _, m := range all {
		if err := k.keepMember(ctx, r, m, Member{Gateway: m.Gateway, Wave: m.Wave, Phase: Gone, Reason: "it is no longer enrolled", Told: m.Told, number: m.number}); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	return r.tally(ctx, k.o.Store)
}

// askWave asks the gateways up to the present wave that were not asked yet.
func (k *Keeper) askWave(ctx context.Context, r *Rollout) error {
	all, err := members(ctx, k.o.Store, "SELECT "+memberColumns+" WHERE rollout = $1 AND wave <= $2 AND phase = $3 ORDER BY gateway", r.ID, r.Wave, Waiting)
	if err != nil || len(all) == 0 {
		return err
	}
	rel, err := k.Release(ctx, r.Release)
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := k.tell(ctx, r.ID, m.Gateway, rel, Asked); err != nil {
			return err
		}
	}
	return r.tally(ctx, k.o.Store)
}

// withdraw tells those who have not begun to run a release that none is wanted.
func (k *Keeper) withdraw(ctx context.Context, r Rollout) error {
	all, err := members(ctx, k.o.Store, "SELECT "+memberColumns+" WHERE rollout = $1 AND phase IN ($2, $3) ORDER BY gateway", r.ID, Asked, Fetching)
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := k.tell(ctx, r.ID, m.Gateway, Release{}, Waiting); err != nil {
			return err
		}
	}
	return nil
}

// tell keeps what a gateway of a rollout is told, then tells it.
func (k *Keeper) tell(ctx context.Context, rollout int64, gateway string, rel Release, phase string) error {
	return k.choose(ctx, gateway, rel, func(ctx context.Context, c event.Change, number int64) error {
		_, err := c.Tx().Exec(ctx, "UPDATE rollout_gateway SET phase = $3, number = $4, reason = '', have = 0, size = 0 WHERE rollout = $1 AND gateway = $2", rollout, gateway, phase, number)
		return err
	})
}

// choose keeps under a number above all that a gateway has heeded which release it
// is to run, and sends it.
func (k *Keeper) choose(ctx context.Context, gateway string, rel Release, also func(ctx context.Context, c event.Change, number int64) error) error {
	k.mu.Lock()
	last, told := k.choices[gateway], k.last[gateway]
	k.mu.Unlock()
	// By the clock, so that a hub whose store came from a backup goes on above
	// what its gateways have heeded.
	now := k.o.Now().UnixMilli()
	c := choice{number: max(last.number+1, now, int64(min(told.GetNumber(), 1<<52))+1), release: rel.ID, set: now}
	_, err := k.o.Events.Command(ctx, self, func(ctx context.Context, ch event.Change) error {
		if _, err := ch.Tx().Exec(ctx, `INSERT INTO rollout_choice (gateway, number, release, set_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT (gateway) DO UPDATE SET number = excluded.number, release = excluded.release, set_ms = excluded.set_ms`, gateway, c.number, c.release, c.set); err != nil {
			return err
		}
		return also(ctx, ch, c.number)
	})
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.choices[gateway] = c
	k.mu.Unlock()
	k.send(gateway, c, rel)
	return nil
}

// send sends what a gateway was told. What the broker does not take is sent when
// the gateway is heard again.
func (k *Keeper) send(gateway string, c choice, rel Release) {
	k.mu.Lock()
	k.sent[gateway] = k.o.Now()
	k.mu.Unlock()
	payload, err := mandate.SignRelease(&pb.Release{Gateway: gateway, Number: uint64(c.number), Manifest: rel.manifest, Signature: rel.signature, SetUtcMs: c.set}, k.o.Key)
	if err == nil {
		err = k.o.Publish(gateway, topic.Command, payload)
	}
	if err != nil {
		k.o.Log.Warn("choice of release is not sent now; it is when the gateway is heard again", "gateway", gateway, "version", rel.Version, "error", err)
	}
}

// again is the least time before a gateway that says nothing to what it was told
// is told again.
const again = time.Minute
