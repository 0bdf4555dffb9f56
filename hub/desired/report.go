package desired

import (
	"context"
	"encoding/hex"
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

const (
	// again is the least time before a desired state is sent again to a gateway
	// that does not say anything to it.
	again = time.Minute
	// retry is the wait after what gateways told could not be kept.
	retry = 5 * time.Second
)

// Told takes a gateway's State; it never blocks. Of several that wait the last
// one counts.
func (k *Keeper) Told(gateway string, payload []byte) {
	if s := inbox.Read(payload); s != nil && s.Config != nil { // else an agent that obeys nobody
		k.told.Put(gateway, s)
	}
}

// Run works in what gateways tell, until ctx ends; it returns nil then.
func (k *Keeper) Run(ctx context.Context) error {
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.told.Rang():
		}
		err := k.Settle(ctx)
		if err == nil {
			if failing {
				k.o.Log.Info("what gateways tell of their configuration is kept again")
			}
			failing = false
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		if !failing {
			k.o.Log.Error("what gateways tell of their configuration cannot be kept; trying again", "error", err)
		}
		failing = true
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retry):
		}
		k.told.Ring()
	}
}

// Settle works in what gateways have told so far. What could not be kept waits.
func (k *Keeper) Settle(ctx context.Context) error {
	var errs []error
	for gateway, s := range k.told.Take() {
		err := k.settle(ctx, gateway, s)
		if err == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("gateway %s: %w", gateway, err))
		k.told.Back(gateway, s)
	}
	return errors.Join(errs...)
}

// settle keeps what a gateway told, and sends what it lacks.
func (k *Keeper) settle(ctx context.Context, gateway string, s *pb.State) error {
	if !k.o.Enrolled(gateway) {
		return nil
	}
	was := k.Standing(gateway)
	now := k.read(was, s.Config)
	if err := k.answered(ctx, gateway, s.Outcomes); err != nil {
		return err
	}
	same := now
	same.Told = was.Told
	if same != was || was.Told == 0 {
		if err := k.reported(ctx, gateway, s.Config, was, now); err != nil {
			return err
		}
		k.change(gateway, func(s *Standing) { now.Version = s.Version; *s = now })
	}
	return k.repair(ctx, gateway, now, s.Outcomes)
}

// read takes a report from the wire.
func (k *Keeper) read(was Standing, r *pb.ConfigReport) Standing {
	key := keyText(r)
	return Standing{
		Version: was.Version, Running: number(r.Running), Trial: r.Trial, Refused: number(r.Refused), Reason: clip(r.Reason), Digest: clip(r.Digest),
		Told: k.o.Now().UnixMilli(), Keyless: key == "", Stranger: key != "" && key != k.keyID,
	}
}

func number(n uint64) int64 { return int64(min(n, 1<<52)) }

func clip(s string) string {
	s = readable(s, false)
	if len(s) > mandate.MaxDetail {
		s = strings.ToValidUTF8(s[:mandate.MaxDetail], "")
	}
	return s
}

// readable makes a text from the wire fit for storing and showing.
func readable(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' && lines {
			return r
		}
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// reported keeps a report; that another version runs or was refused is an event.
func (k *Keeper) reported(ctx context.Context, gateway string, r *pb.ConfigReport, was, now Standing) error {
	_, err := k.o.Events.Command(ctx, "gateway/"+gateway, func(ctx context.Context, c event.Change) error {
		if was.Told == 0 || now.Running != was.Running || now.Trial != was.Trial || now.Refused != was.Refused || now.Digest != was.Digest {
			if _, err := c.Append(ctx, event.New{Stream: stream(gateway), Expect: -1, Type: fact.GatewayHasReported,
				Data: fact.GatewayReported{Gateway: gateway, Running: now.Running, Trial: now.Trial, Refused: now.Refused, Reason: now.Reason, Digest: now.Digest}}); err != nil {
				return err
			}
		}
		_, err := c.Tx().Exec(ctx, `INSERT INTO desired_report (gateway, running, trial, refused, reason, digest, key_id, told_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (gateway) DO UPDATE SET running = excluded.running, trial = excluded.trial, refused = excluded.refused, reason = excluded.reason,
digest = excluded.digest, key_id = excluded.key_id, told_ms = excluded.told_ms`,
			gateway, now.Running, flag(now.Trial), now.Refused, now.Reason, now.Digest, keyText(r), now.Told)
		return err
	})
	return err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// answered keeps what came of commands, each once; what a gateway tells later of
// one that it had begun counts.
func (k *Keeper) answered(ctx context.Context, gateway string, told []*pb.Outcome) error {
	for _, o := range told[max(0, len(told)-16):] {
		c, err := k.Command(ctx, gateway, number(o.Number))
		if errors.Is(err, ErrUnknown) {
			continue // of another hub, or before a backup
		}
		if err != nil {
			return err
		}
		report := c.Report
		if len(o.Report) > 0 {
			report = readable(string(o.Report[:min(len(o.Report), mandate.MaxReport)]), true)
		}
		detail := clip(o.Detail)
		if c.Answered != 0 && c.Done == o.Done && c.Detail == detail && c.Report == report {
			continue
		}
		_, err = k.o.Events.Command(ctx, "gateway/"+gateway, func(ctx context.Context, ch event.Change) error {
			if _, err := ch.Append(ctx, event.New{Stream: stream(gateway), Expect: -1, Type: fact.GatewayHasAnswered,
				Data: fact.GatewayAnswered{Gateway: gateway, Number: c.Number, Kind: c.Kind, Done: o.Done, Detail: detail}}); err != nil {
				return err
			}
			_, err := ch.Tx().Exec(ctx, "UPDATE desired_command SET answered_ms = $3, done = $4, detail = $5, report = $6 WHERE gateway = $1 AND number = $2",
				gateway, c.Number, k.o.Now().UnixMilli(), flag(o.Done), detail, report)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// repair sends what a gateway that was just heard lacks.
func (k *Keeper) repair(ctx context.Context, gateway string, now Standing, told []*pb.Outcome) error {
	if now.Stranger || now.Keyless {
		return nil // it would refuse all
	}
	now.Version = k.Standing(gateway).Version
	k.mu.Lock()
	last := k.sent[gateway]
	k.mu.Unlock()
	if now.Version > now.Running && now.Version > now.Refused && (last.version != now.Version || k.o.Now().Sub(last.at) >= again) {
		state, err := get(ctx, k.o.Store, gateway)
		if err != nil {
			return err
		}
		k.mu.Lock()
		k.sent[gateway] = sent{state.Version, k.o.Now()}
		k.mu.Unlock()
		k.publish(state)
	}
	open, err := k.open(ctx, gateway)
	if err != nil {
		return err
	}
	newest := int64(0)
	for _, o := range told {
		newest = max(newest, number(o.Number))
	}
	for _, c := range open {
		if c.Number > newest { // others it would refuse as overtaken
			k.send(c)
		}
	}
	return nil
}

// keyText is the key that a gateway trusts, hex; "" for none.
func keyText(r *pb.ConfigReport) string { return hex.EncodeToString(r.KeyId[:min(len(r.KeyId), 8)]) }
