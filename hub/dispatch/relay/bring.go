package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/proto/pb"
)

// follow notices new messages.
func (r *Relay) follow(ctx context.Context) error {
	if r.position < 0 { // what came before this run is looked at once
		r.position, r.dirty = r.o.Events.Last(), true
	}
	for last := r.o.Events.Last(); r.position < last; {
		events, err := r.o.Events.Read(ctx, r.position, page, fact.CourierWasMessaged)
		if err != nil {
			return err
		}
		r.dirty = r.dirty || len(events) > 0
		if r.position = last; len(events) == page {
			r.position = events[page-1].Position
		}
	}
	return nil
}

// commandID names the commands for a message to a gateway, one after the other.
func commandID(message, gateway string, attempt int) string {
	return fmt.Sprintf("message/%s/%s/%d", message, gateway, attempt)
}

// hear works in what gateways told. What could not be kept waits.
func (r *Relay) hear(ctx context.Context) error {
	var errs []error
	for gateway, s := range r.told.Take() {
		if err := r.settle(ctx, gateway, s); err != nil {
			errs = append(errs, fmt.Errorf("gateway %s: %w", gateway, err))
			r.told.Back(gateway, s)
		}
	}
	return errors.Join(errs...)
}

// settle keeps what a gateway told of messages that it was asked to show.
func (r *Relay) settle(ctx context.Context, gateway string, s *pb.State) error {
	for _, o := range s.Outcomes {
		r.newest[gateway] = max(r.newest[gateway], int64(min(o.Number, 1<<53)))
	}
	for _, x := range s.Shown[max(0, len(s.Shown)-32):] {
		for _, now := range []struct {
			so     bool
			status string
			at     int64
		}{{true, "shown", x.ShownUtcMs}, {x.Confirmed, "confirmed", x.ConfirmedUtcMs}} {
			k := fact.MessageReceived{Message: x.Message, Gateway: gateway, Status: now.status}
			if !now.so || r.kept[k] {
				continue
			}
			if _, asked, err := r.o.Gateways.Asked(ctx, commandID(x.Message, gateway, 0), gateway); err != nil {
				return err
			} else if !asked {
				r.strange(gateway, x.Message)
				r.keep(k)
				continue
			}
			told := k
			told.At = now.at
			if err := r.o.Dispatch.Received(ctx, told); err != nil && !errors.Is(err, record.ErrNotFound) && !errors.Is(err, record.ErrInvalid) {
				return err
			}
			r.keep(k)
		}
	}
	return nil
}

func (r *Relay) keep(k fact.MessageReceived) {
	if len(r.kept) >= most {
		clear(r.kept)
	}
	r.kept[k] = true
}

// strange counts a receipt that a gateway has no reason to give, and says so once.
func (r *Relay) strange(gateway, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Strange++; r.status.Strange == 1 {
		r.o.Log.Warn("a gateway tells of a message that it was not asked to show; that counts for nothing", "gateway", gateway, "message", message)
	}
}

// bring asks for what no gateway shows yet.
func (r *Relay) bring(ctx context.Context) error {
	routes, err := r.o.Dispatch.Open(ctx)
	if err != nil {
		return fmt.Errorf("open routes: %w", err)
	}
	now, waiting, tried := r.o.Now(), 0, map[string]time.Time{}
	var errs []error
	for _, route := range routes {
		var gateways []string
		looked := false
		for _, m := range route.Messages {
			if left := time.UnixMilli(m.At).Add(Life).Sub(now); left > 0 {
				if !looked {
					if gateways, err = r.Panels(ctx, route.Courier); err != nil {
						errs = append(errs, fmt.Errorf("route %s: %w", route.ID, err))
						break
					}
					looked = true
				}
				n, err := r.one(ctx, route, m, gateways, left, tried)
				waiting += n
				if err != nil {
					errs = append(errs, fmt.Errorf("message %s: %w", m.ID, err))
				}
			}
		}
	}
	r.tried = tried
	r.mu.Lock()
	r.status.Waiting = waiting
	r.mu.Unlock()
	return errors.Join(errs...)
}

// Panels names the gateways in a courier's vehicle, which messages are brought
// to; none where it has no vehicle. It is safe for concurrent use.
func (r *Relay) Panels(ctx context.Context, courier string) ([]string, error) {
	c, err := r.o.Dispatch.Courier(ctx, courier)
	if err != nil || c.Vehicle == "" {
		return nil, err
	}
	return r.o.Gateways.Of(ctx, c.Vehicle)
}

// one asks each gateway for a message that it does not show yet; waiting is how
// many those are, one where there is no gateway at all.
func (r *Relay) one(ctx context.Context, route dispatch.Route, m fact.CourierMessaged, gateways []string, left time.Duration, tried map[string]time.Time) (waiting int, err error) {
	if len(gateways) == 0 {
		return 1, nil
	}
	for _, gateway := range gateways {
		if slices.ContainsFunc(route.Received, func(x fact.MessageReceived) bool { return x.Message == m.ID && x.Gateway == gateway }) {
			continue
		}
		over, err := r.ask(ctx, m, gateway, left, tried)
		if err != nil {
			return waiting, fmt.Errorf("gateway %s: %w", gateway, err)
		}
		if !over {
			waiting++
		}
	}
	return waiting, nil
}

// ask asks a gateway, again where it has to be; over is whether it refused for
// good.
func (r *Relay) ask(ctx context.Context, m fact.CourierMessaged, gateway string, left time.Duration, tried map[string]time.Time) (over bool, err error) {
	for n := range attempts {
		id := commandID(m.ID, gateway, n)
		a, was, err := r.o.Gateways.Asked(ctx, id, gateway)
		if err != nil {
			return false, err
		}
		if !was {
			before := commandID(m.ID, gateway, n-1)
			if last, ok := r.tried[before]; ok && r.o.Now().Sub(last) < between {
				tried[before] = last
				return false, nil
			}
			tried[id] = r.o.Now()
			_, err = r.o.Gateways.Ask(ctx, id, gateway, m, left)
			return false, err
		}
		if last, ok := r.tried[id]; ok {
			tried[id] = last
		}
		switch {
		case a.Answered && a.Done: // its State says so soon
			return false, nil
		case !a.Answered && r.newest[gateway] <= a.Number: // on its way
			return false, nil
		case n == attempts-1:
			why := a.Detail
			if !a.Answered {
				why = "it was overtaken by other commands"
			}
			err := r.o.Dispatch.Received(ctx, fact.MessageReceived{Message: m.ID, Route: m.Route, Gateway: gateway, Status: "refused", Note: why})
			return err == nil, err
		}
	}
	return false, nil
}
