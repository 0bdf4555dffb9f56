package carrier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"frostline/hub/record"
	"frostline/hub/store"
)

const (
	atOnce    = 100 // messages looked up together
	look      = 5 * time.Second
	firstWait = time.Second / 4
	mostWait  = 30 * time.Second
)

// workIn works in the messages of a partner until ctx ends.
func (d *Desk) workIn(ctx context.Context, p *partner) {
	for pause := firstWait; ctx.Err() == nil; {
		n, err := d.Settle(ctx, p.Carrier)
		if ctx.Err() != nil {
			return
		}
		p.held[0].say(d.o.Log, "working in what a carrier sends", p.Carrier, err)
		switch {
		case err != nil:
			d.counts.failures.Add(1)
			wait(ctx, pause, nil)
			pause = min(2*pause, mostWait)
		case n == 0:
			wait(ctx, look, p.came)
			pause = firstWait
		}
	}
}

// Settle works in the messages of a partner that are due, and says how many. An
// error lies in the hub: what is left stays due.
func (d *Desk) Settle(ctx context.Context, carrier string) (n int, err error) {
	p := d.carriers[carrier]
	if p == nil {
		return 0, d.has(carrier)
	}
	list, err := d.Messages(ctx, carrier, Due, 0, atOnce)
	if err != nil {
		return 0, err
	}
	for _, m := range list {
		_, body, err := d.Message(ctx, carrier, m.Number)
		if err != nil {
			return n, err
		}
		problem, err := d.apply(ctx, p, body)
		if err != nil {
			return n, fmt.Errorf("message %d: %w", m.Number, err)
		}
		state := Done
		if problem != nil {
			state = Aside
			d.o.Log.Warn("a message of a carrier is set aside", "carrier", carrier, "message", m.Number, "problem", clip(problem.Error()))
		}
		if err := d.settle(ctx, m.Number, Due, state, problem); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// settle notes what became of a message that is in a state.
func (d *Desk) settle(ctx context.Context, number int64, from, to string, problem error) error {
	text, settled := "", int64(0)
	if problem != nil {
		text = clip(problem.Error())
	}
	if to == Done || to == Dropped {
		settled = d.now()
	}
	return d.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE carrier_message SET state = $1, problem = $2, settled_ms = $3 WHERE number = $4 AND state = $5", to, text, settled, number, from)
		return err
	})
}

func clip(s string) string {
	if r := []rune(s); len(r) > 1000 {
		return string(r[:1000]) + "…"
	}
	return s
}

// apply makes reports of a message. problem says what of it a person has to look
// at; what is well is reported all the same. err lies in the hub.
func (d *Desk) apply(ctx context.Context, p *partner, body []byte) (problem, err error) {
	notices, problem := p.Read(body)
	problems := []error{problem}
	for _, n := range notices {
		if n.Means.Ignore {
			continue
		}
		err := d.report(ctx, p, n)
		if errors.Is(err, record.ErrInvalid) || errors.Is(err, record.ErrRefused) || errors.Is(err, record.ErrNotFound) || errors.Is(err, record.ErrExists) {
			problems = append(problems, fmt.Errorf("status %q: %w", short(n.Code), err))
			continue
		}
		if err != nil {
			return nil, err
		}
		d.counts.reports.Add(1)
	}
	return errors.Join(problems...), nil
}
