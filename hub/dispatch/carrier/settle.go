package carrier

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// Retry has a message that is aside worked in again.
func (d *Desk) Retry(ctx context.Context, actor, reason, carrier string, number int64) (Message, error) {
	m, err := d.change(ctx, actor, reason, carrier, number, Due, fact.CarrierMessageWasRetried)
	if p := d.carriers[carrier]; p != nil && err == nil {
		wake(p.came)
	}
	return m, err
}

// Drop says that a message which is aside does not count; reason says why.
func (d *Desk) Drop(ctx context.Context, actor, reason, carrier string, number int64) (Message, error) {
	if reason == "" {
		return Message{}, record.Invalidf("reason: say why the message does not count")
	}
	return d.change(ctx, actor, reason, carrier, number, Dropped, fact.CarrierMessageWasDropped)
}

func (d *Desk) change(ctx context.Context, actor, reason, carrier string, number int64, to, typ string) (Message, error) {
	if err := fact.CheckNote("reason", reason); err != nil {
		return Message{}, record.Invalid(err)
	}
	m, _, err := d.Message(ctx, carrier, number)
	if err != nil || m.State == to {
		return m, err
	}
	if m.State != Aside {
		return m, record.Refusedf("number %d: the message is %s, and not aside", number, m.State)
	}
	settled := int64(0)
	if to == Dropped {
		settled = d.now()
	}
	_, err = d.o.Events.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		n, err := ch.Tx().Exec(ctx, "UPDATE carrier_message SET state = $1, settled_ms = $2 WHERE number = $3 AND state = 'aside'", to, settled, number)
		if err != nil || n == 0 {
			return err // or somebody was faster
		}
		_, err = ch.Append(ctx, event.New{Stream: "carrier/" + carrier, Expect: -1, Type: typ, Reason: reason, Data: fact.CarrierMessageSettled{Carrier: carrier, Number: number, Digest: m.Digest}})
		return err
	})
	if err != nil {
		return m, err
	}
	m, _, err = d.Message(ctx, carrier, number)
	return m, err
}

// CallAgain has a call that was parked made again.
func (d *Desk) CallAgain(ctx context.Context, actor, reason, carrier, id string) (Call, error) {
	c, err := d.changeCall(ctx, actor, reason, carrier, id, Due, fact.CarrierCallWasRetried)
	if p := d.carriers[carrier]; p != nil && err == nil {
		wake(p.due)
	}
	return c, err
}

// DropCall says that a call which was parked need not be made; reason says why,
// such as that it was done by telephone.
func (d *Desk) DropCall(ctx context.Context, actor, reason, carrier, id string) (Call, error) {
	if reason == "" {
		return Call{}, record.Invalidf("reason: say why the call need not be made")
	}
	return d.changeCall(ctx, actor, reason, carrier, id, Withdrawn, fact.CarrierCallWasDropped)
}

func (d *Desk) changeCall(ctx context.Context, actor, reason, carrier, id, to, typ string) (Call, error) {
	if err := fact.CheckNote("reason", reason); err != nil {
		return Call{}, record.Invalid(err)
	}
	c, err := d.Call(ctx, carrier, id)
	if err != nil || c.State == to {
		return c, err
	}
	if c.State != Failed {
		return c, record.Refusedf("id %q: the call is %s, and not failed", id, c.State)
	}
	_, err = d.o.Events.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		n, err := ch.Tx().Exec(ctx, "UPDATE carrier_call SET state = $1, attempts = 0, since_ms = 0, due_ms = $2 WHERE id = $3 AND state = 'failed'", to, d.now(), id)
		if err != nil || n == 0 {
			return err
		}
		_, err = ch.Append(ctx, event.New{Stream: "carrier/" + carrier, Expect: -1, Type: typ, Reason: reason, Data: fact.CarrierCallSettled{Carrier: carrier, Call: id, Kind: c.Kind, Job: c.Job}})
		return err
	})
	if err != nil {
		return c, fmt.Errorf("call %s: %w", id, err)
	}
	return d.Call(ctx, carrier, id)
}
