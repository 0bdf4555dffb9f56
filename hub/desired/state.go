package desired

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// State is the desired state of a gateway; Version is 0 where none was set.
type State struct {
	Gateway  string
	Version  int64
	Document string
	Set      int64 // UTC, Unix ms
	Actor    string
	Reason   string
}

// Persons is the part of Document that persons have set, and the version under
// which they did; the rest is the hub's own Addition.
func (s State) Persons() (document string, version int64) {
	document, own, _ := split(s.Document)
	if own < 0 {
		own = s.Version
	}
	return document, own
}

func stream(gateway string) string { return "mandate/" + gateway }

// load reads standings.
func (k *Keeper) load(ctx context.Context) error {
	rows, err := k.o.Store.Query(ctx, "SELECT gateway, version FROM desired_state")
	if err != nil {
		return err
	}
	for rows.Next() {
		var gateway string
		var version int64
		if err := rows.Scan(&gateway, &version); err != nil {
			return errors.Join(err, rows.Close())
		}
		k.change(gateway, func(s *Standing) { s.Version = version })
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	rows, err = k.o.Store.Query(ctx, "SELECT gateway, running, trial, refused, reason, digest, key_id, told_ms FROM desired_report")
	if err != nil {
		return err
	}
	for rows.Next() {
		var gateway, key string
		var trial int64
		var r Standing
		if err := rows.Scan(&gateway, &r.Running, &trial, &r.Refused, &r.Reason, &r.Digest, &key, &r.Told); err != nil {
			return errors.Join(err, rows.Close())
		}
		k.change(gateway, func(s *Standing) {
			r.Version, r.Trial = s.Version, trial != 0
			r.Keyless, r.Stranger = key == "", key != "" && key != k.keyID
			*s = r
		})
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Get gives the desired state of a gateway. The error wraps ErrUnknown where
// there is no such gateway.
func (k *Keeper) Get(ctx context.Context, gateway string) (State, error) {
	if !k.o.Enrolled(gateway) {
		return State{}, fmt.Errorf("gateway %q: %w, or not enrolled", gateway, ErrUnknown)
	}
	return get(ctx, k.o.Store, gateway)
}

func get(ctx context.Context, q store.Querier, gateway string) (State, error) {
	s := State{Gateway: gateway}
	err := q.QueryRow(ctx, "SELECT version, document, set_ms, actor, reason FROM desired_state WHERE gateway = $1", gateway).
		Scan(&s.Version, &s.Document, &s.Set, &s.Actor, &s.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, err
}

// Set makes a document the desired state of a gateway: whole, under a version
// above all that the gateway has had, but for what the hub adds to it, which
// stays; see Compose. What the gateway says to it shows in its Standing; it is the
// gateway that knows whether it can run it. The same document again is no other
// version, unless it was refused. expect is the version that has to be set now,
// not counting those in which the hub alone has changed what it adds, or -1 for
// any. The error wraps ErrUnknown, ErrInvalid or ErrChanged.
func (k *Keeper) Set(ctx context.Context, actor, reason, gateway, document string, expect int64) (State, error) {
	switch {
	case !k.o.Enrolled(gateway):
		return State{}, fmt.Errorf("gateway %q: %w, or not enrolled", gateway, ErrUnknown)
	case len(document) > mandate.MaxDocument:
		return State{}, fmt.Errorf("document of %d bytes: %w: want at most %d", len(document), ErrInvalid, mandate.MaxDocument)
	case !utf8.ValidString(document) || strings.ContainsFunc(document, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }):
		return State{}, fmt.Errorf("document: %w: want UTF-8 without control characters", ErrInvalid)
	}
	return k.put(ctx, actor, reason, gateway, func(was State, version int64) (string, error) {
		if _, own := was.Persons(); expect >= 0 && (expect > was.Version || expect < own) {
			return "", fmt.Errorf("desired state of %s is version %d, and %d was expected: %w", gateway, was.Version, expect, ErrChanged)
		}
		old, own := was.Persons()
		if persons, _, _ := split(document); was.Version > 0 && strings.TrimRight(persons, "\n") == strings.TrimRight(old, "\n") {
			return kept(document, was, own), nil
		}
		return kept(document, was, version), nil
	})
}

// set makes a document the desired state whole, where expect is set now.
func (k *Keeper) set(ctx context.Context, actor, reason, gateway, document string, expect int64) (State, error) {
	return k.put(ctx, actor, reason, gateway, func(was State, _ int64) (string, error) {
		if was.Version != expect {
			return "", fmt.Errorf("desired state of %s is version %d, and %d was expected: %w", gateway, was.Version, expect, ErrChanged)
		}
		return document, nil
	})
}

// put sets what make gives of the state now set and the version to come.
func (k *Keeper) put(ctx context.Context, actor, reason, gateway string, make func(was State, version int64) (string, error)) (State, error) {
	var state State
	_, err := k.o.Events.Command(ctx, actor, func(ctx context.Context, c event.Change) (err error) {
		if state, err = get(ctx, c, gateway); err != nil {
			return err
		}
		// A hub whose store came from a backup may know less than the gateway.
		now := k.Standing(gateway)
		version := max(state.Version, now.Running, now.Refused) + 1
		document, err := make(state, version)
		if err != nil {
			return err
		}
		if state.Version > 0 && state.Document == document && now.Refused != state.Version && now.Running <= state.Version {
			return nil
		}
		state = State{gateway, version, document, k.o.Now().UnixMilli(), actor, reason}
		if _, err := c.Append(ctx, event.New{Stream: stream(gateway), Expect: -1, Type: fact.GatewayWasConfigured, Reason: reason,
			Data: fact.GatewayConfigured{Gateway: gateway, Version: state.Version, Document: document}}); err != nil {
			return err
		}
		_, err = c.Tx().Exec(ctx, `INSERT INTO desired_state (gateway, version, document, set_ms, actor, reason) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (gateway) DO UPDATE SET version = excluded.version, document = excluded.document, set_ms = excluded.set_ms, actor = excluded.actor, reason = excluded.reason`,
			gateway, state.Version, document, state.Set, actor, reason)
		return err
	})
	if err != nil {
		return State{}, err
	}
	k.change(gateway, func(s *Standing) { s.Version = max(s.Version, state.Version) })
	k.publish(state)
	return state, nil
}

// publish sends a desired state, retained. What the broker does not take now is
// sent when the gateway tells that it runs another.
func (k *Keeper) publish(s State) {
	payload, err := mandate.SignDesired(&pb.Desired{Gateway: s.Gateway, Version: uint64(s.Version), Document: s.Document, SetUtcMs: s.Set}, k.o.Key)
	if err == nil {
		err = k.o.Publish(s.Gateway, topic.Config, payload)
	}
	if err != nil {
		k.o.Log.Warn("desired state is not sent now; it is when the gateway is heard again", "gateway", s.Gateway, "version", s.Version, "error", err)
	}
}
