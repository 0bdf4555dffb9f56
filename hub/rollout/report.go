package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/inbox"
	"frostline/proto/mandate"
	"frostline/proto/pb"
)

const beat = 5 * time.Second

// Told takes a gateway's State; it never blocks. Of several that wait the last
// one counts.
func (k *Keeper) Told(gateway string, payload []byte) {
	if s := inbox.Read(payload); s != nil {
		k.told.Put(gateway, s)
	}
}

// Run works in what gateways tell, and goes on with what is under way, until ctx
// ends; it returns nil then.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.told.Rang():
		case <-tick.C:
		}
		err := k.Settle(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if failing != (err != nil) {
			if failing = err != nil; failing {
				k.o.Log.Error("rollouts are held up; trying again", "error", err)
			} else {
				k.o.Log.Info("rollouts go on again")
			}
		}
	}
}

// Settle works in what gateways have told so far, and goes on with the rollout
// that is under way. What could not be kept waits.
func (k *Keeper) Settle(ctx context.Context) error {
	k.changing.Lock()
	defer k.changing.Unlock()
	told := k.told.Take()
	r, err := current(ctx, k.o.Store)
	if err != nil {
		for gateway, s := range told {
			k.told.Back(gateway, s)
		}
		return err
	}
	var errs []error
	for gateway, s := range told {
		if err := k.settle(ctx, r, gateway, s); err != nil {
			errs = append(errs, fmt.Errorf("gateway %s: %w", gateway, err))
			k.told.Back(gateway, s)
		}
	}
	for _, goOn := range []func(context.Context) error{k.advance, k.repair} {
		if err := goOn(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// settle keeps what a gateway told, and tells it what it has not heeded.
func (k *Keeper) settle(ctx context.Context, r *Rollout, gateway string, s *pb.State) error {
	k.mu.Lock()
	c, chosen := k.choices[gateway]
	sent := k.sent[gateway]
	if s.Release != nil {
		k.last[gateway] = s.Release
	}
	k.mu.Unlock()
	if r != nil {
		if err := k.member(ctx, r, gateway, s); err != nil {
			return err
		}
	}
	switch {
	case !chosen || s.Release == nil:
		return nil
	case int64(min(s.Release.Number, 1<<52)) > c.number && s.Release.Release != c.release:
		// This hub's store came from a backup: it says it again, above that.
		rel, err := k.chosen(ctx, c)
		if err != nil {
			return err
		}
		return k.choose(ctx, gateway, rel, func(context.Context, event.Change, int64) error { return nil })
	case int64(s.Release.Number) < c.number && k.o.Now().Sub(sent) >= beat: // else it may be under way
		return k.resend(ctx, gateway, c)
	}
	return nil
}

// repair tells again what gateways that were heard have not heeded for a while.
func (k *Keeper) repair(ctx context.Context) error {
	late := map[string]choice{}
	k.mu.Lock()
	for gateway, c := range k.choices {
		if t := k.last[gateway]; t != nil && int64(min(t.Number, 1<<52)) < c.number && k.o.Now().Sub(k.sent[gateway]) >= again {
			late[gateway] = c
		}
	}
	k.mu.Unlock()
	for gateway, c := range late {
		if err := k.resend(ctx, gateway, c); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) resend(ctx context.Context, gateway string, c choice) error {
	rel, err := k.chosen(ctx, c)
	if err == nil {
		k.send(gateway, c, rel)
	}
	return err
}

// chosen is the release of a choice; the zero value for none.
func (k *Keeper) chosen(ctx context.Context, c choice) (Release, error) {
	if c.release == "" {
		return Release{}, nil
	}
	return k.Release(ctx, c.release)
}

// member works a report into the rollout that is under way.
func (k *Keeper) member(ctx context.Context, r *Rollout, gateway string, s *pb.State) error {
	all, err := members(ctx, k.o.Store, "SELECT "+memberColumns+" WHERE rollout = $1 AND gateway = $2", r.ID, gateway)
	if err != nil || len(all) == 0 {
		return err
	}
	was := all[0]
	now := was
	now.Told = k.o.Now().UnixMilli()
	t := s.Release
	switch {
	case was.Phase == Gone:
		return nil
	case t == nil:
		now.Reason = "its agent, " + clip(s.Version) + ", cannot be updated by its hub: install a package"
	case t.Running == r.Release:
		now.Phase, now.Reason = Confirmed, ""
	case t.Release != r.Release || was.number == 0 || int64(min(t.Number, 1<<52)) < was.number:
		return nil // it speaks of another
	default:
		now.Phase = map[uint32]string{0: was.Phase, 1: Fetching, 2: Trial, 3: Confirmed, 4: Failed}[t.Phase]
		now.Reason, now.Have, now.Size = clip(t.Reason), int64(min(t.Have, 1<<52)), int64(min(t.Size, 1<<52))
		if now.Phase == "" {
			return nil // of a later version
		}
	}
	same := now
	same.Told = was.Told
	if same == was {
		return nil
	}
	return k.keepMember(ctx, r, was, now)
}

// keepMember keeps how far a gateway is; a step forward is an event.
func (k *Keeper) keepMember(ctx context.Context, r *Rollout, was, now Member) error {
	_, err := k.o.Events.Command(ctx, "gateway/"+now.Gateway, func(ctx context.Context, c event.Change) error {
		if now.Phase != was.Phase && (now.Phase == Trial || now.Phase == Confirmed || now.Phase == Failed) {
			if _, err := c.Append(ctx, event.New{Stream: "mandate/" + now.Gateway, Expect: -1, Type: fact.GatewayHasUpdated, Data: fact.GatewayUpdated{
				Gateway: now.Gateway, Rollout: r.ID, Release: r.Release, Version: r.Version, Phase: now.Phase, Reason: now.Reason}}); err != nil {
				return err
			}
		}
		_, err := c.Tx().Exec(ctx, "UPDATE rollout_gateway SET phase = $3, reason = $4, have = $5, size = $6, told_ms = $7 WHERE rollout = $1 AND gateway = $2",
			r.ID, now.Gateway, now.Phase, now.Reason, now.Have, now.Size, now.Told)
		return err
	})
	return err
}

// clip makes a text from the wire fit for storing and showing.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > mandate.MaxDetail {
		s = strings.ToValidUTF8(s[:mandate.MaxDetail], "")
	}
	return s
}
