package desired

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// Life is how long a command is good for.
const Life = 2 * time.Minute

// Command is something that a gateway was asked to do once. Times are UTC, Unix
// ms.
type Command struct {
	Gateway  string
	Number   int64
	Kind     string
	Argument string
	Actor    string
	Reason   string
	Asked    int64
	Expires  int64
	Answered int64 // 0: not yet
	Done     bool
	Detail   string // what was done, or why not
	Report   string // of diagnostics
}

const commandColumns = "gateway, number, kind, argument, actor, reason, asked_ms, expires_ms, answered_ms, done, detail, report"

func scanCommand(scan func(...any) error) (c Command, err error) {
	var done int64
	err = scan(&c.Gateway, &c.Number, &c.Kind, &c.Argument, &c.Actor, &c.Reason, &c.Asked, &c.Expires, &c.Answered, &done, &c.Detail, &c.Report)
	c.Done = done != 0
	return c, err
}

// Ask asks a gateway to do something once, within Life; it is told to a gateway
// that is connected, or that comes back in time. id names the request: asked
// again under the same it is the same command. The error wraps ErrUnknown or
// ErrInvalid.
func (k *Keeper) Ask(ctx context.Context, actor, reason, id, gateway, kind, argument string) (Command, error) {
	return k.AskFor(ctx, actor, reason, id, gateway, kind, argument, Life)
}

// AskFor is Ask of a command that is good for another time than Life.
func (k *Keeper) AskFor(ctx context.Context, actor, reason, id, gateway, kind, argument string, life time.Duration) (Command, error) {
	if !k.o.Enrolled(gateway) {
		return Command{}, fmt.Errorf("gateway %q: %w, or not enrolled", gateway, ErrUnknown)
	}
	if _, err := mandate.ParseArgument(kind, argument); err != nil {
		return Command{}, fmt.Errorf("argument: %w: %w", ErrInvalid, err)
	}
	if len(argument) > mandate.MaxArgument {
		return Command{}, fmt.Errorf("argument of %d bytes: %w: want at most %d", len(argument), ErrInvalid, mandate.MaxArgument)
	}
	var c Command
	_, err := k.o.Events.Command(ctx, actor, func(ctx context.Context, ch event.Change) (err error) {
		c, err = scanCommand(ch.QueryRow(ctx, "SELECT "+commandColumns+" FROM desired_command WHERE id = $1 AND gateway = $2", id, gateway).Scan)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var last int64
		if err := ch.QueryRow(ctx, "SELECT COALESCE(MAX(number), 0) FROM desired_command WHERE gateway = $1", gateway).Scan(&last); err != nil {
			return err
		}
		// By the clock, so that a hub whose store came from a backup goes on
		// above what its gateways have done.
		now := k.o.Now().UnixMilli()
		c = Command{Gateway: gateway, Number: max(last+1, now), Kind: kind, Argument: argument, Actor: actor, Reason: reason, Asked: now, Expires: now + life.Milliseconds()}
		if _, err := ch.Append(ctx, event.New{Stream: stream(gateway), Expect: -1, Type: fact.GatewayWasCommanded, Reason: reason,
			Data: fact.GatewayCommanded{Gateway: gateway, Number: c.Number, Kind: kind, Argument: argument, Expires: c.Expires}}); err != nil {
			return err
		}
		_, err = ch.Tx().Exec(ctx, `INSERT INTO desired_command (gateway, number, id, kind, argument, actor, reason, asked_ms, expires_ms, answered_ms, done, detail, report)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '', '')`, gateway, c.Number, id, kind, argument, actor, reason, c.Asked, c.Expires)
		return err
	})
	if err != nil {
		return Command{}, err
	}
	if c.Answered == 0 {
		k.send(c)
	}
	return c, nil
}

// send sends a command. What the broker does not take is sent when the gateway
// is heard again before it expires.
func (k *Keeper) send(c Command) {
	payload, err := mandate.SignCommand(&pb.Command{Gateway: c.Gateway, Number: uint64(c.Number), Kind: c.Kind, Argument: c.Argument, ExpiresUtcMs: c.Expires}, k.o.Key)
	if err == nil {
		err = k.o.Publish(c.Gateway, topic.Command, payload)
	}
	if err != nil {
		k.o.Log.Warn("command is not sent now; it is if the gateway is heard before it expires", "gateway", c.Gateway, "command", c.Kind, "number", c.Number, "error", err)
	}
}

// Asked gives the command that was asked for under an id. The error wraps
// ErrUnknown.
func (k *Keeper) Asked(ctx context.Context, gateway, id string) (Command, error) {
	c, err := scanCommand(k.o.Store.QueryRow(ctx, "SELECT "+commandColumns+" FROM desired_command WHERE id = $1 AND gateway = $2", id, gateway).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("command %q of gateway %q: %w", id, gateway, ErrUnknown)
	}
	return c, err
}

// Commands lists what a gateway was asked for, newest first, below a number; 0
// for all.
func (k *Keeper) Commands(ctx context.Context, gateway string, below int64, limit int) ([]Command, error) {
	if !k.o.Enrolled(gateway) {
		return nil, fmt.Errorf("gateway %q: %w, or not enrolled", gateway, ErrUnknown)
	}
	if below == 0 {
		below = 1 << 53
	}
	return commands(ctx, k.o.Store, "SELECT "+commandColumns+" FROM desired_command WHERE gateway = $1 AND number < $2 ORDER BY number DESC LIMIT $3", gateway, below, limit)
}

// Command gives one command. The error wraps ErrUnknown.
func (k *Keeper) Command(ctx context.Context, gateway string, number int64) (Command, error) {
	c, err := scanCommand(k.o.Store.QueryRow(ctx, "SELECT "+commandColumns+" FROM desired_command WHERE gateway = $1 AND number = $2", gateway, number).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("command %d of gateway %q: %w", number, gateway, ErrUnknown)
	}
	return c, err
}

// open are the commands that a gateway has not answered and may still begin,
// oldest first.
func (k *Keeper) open(ctx context.Context, gateway string) ([]Command, error) {
	return commands(ctx, k.o.Store, "SELECT "+commandColumns+" FROM desired_command WHERE gateway = $1 AND answered_ms = 0 AND expires_ms > $2 ORDER BY number", gateway, k.o.Now().UnixMilli())
}

func commands(ctx context.Context, q store.Querier, query string, args ...any) ([]Command, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var all []Command
	for rows.Next() {
		c, err := scanCommand(rows.Scan)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, c)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
