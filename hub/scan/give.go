package scan

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// atOnce bounds the statements that custody is given together.
const atOnce = 100

// give gives custody what is due, gateway by gateway, and notes what became of
// it. A hub that dies in between gives the same statements again.
func (k *Keeper) give(ctx context.Context) error {
	for {
		gateway, all, err := k.due(ctx)
		if err != nil || len(all) == 0 {
			return err
		}
		statements := make([]Statement, len(all))
		for i, l := range all {
			statements[i] = *l.statement
		}
		outcomes, err := k.o.Custody.Take(ctx, "gateway/"+gateway, "scanned at the gateway", statements)
		if err != nil {
			return fmt.Errorf("give scans of gateway %s to custody: %w", gateway, err)
		}
		if len(outcomes) != len(all) {
			return fmt.Errorf("custody told of %d statements, of %d given", len(outcomes), len(all))
		}
		err = k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for i, o := range outcomes {
				if o.State == "known" {
					o.State = Taken
				}
				if _, err := tx.Exec(ctx, `UPDATE scan_line SET state = $1, problem = $2 WHERE fact = $3 AND state = 'due'`, o.State, clip(o.Problem), all[i].fact); err != nil {
					return err
				}
				if o.State != Taken {
					k.o.Log.Warn("a scan of a gateway is not in effect", "gateway", gateway, "statement", all[i].fact, "state", o.State, "problem", o.Problem)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// due gives what custody was not given yet, of one gateway.
func (k *Keeper) due(ctx context.Context) (gateway string, all []line, err error) {
	rows, err := k.o.Store.Query(ctx, `SELECT gateway, part, n, fact, body, state, problem FROM scan_line WHERE state = 'due' ORDER BY gateway, root, part, n LIMIT $1`, atOnce)
	if err != nil {
		return "", nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var of string
		l, err := readLine(rows, &of)
		if err != nil {
			return "", nil, err
		}
		if gateway == "" {
			gateway = of
		}
		if of != gateway {
			break
		}
		all = append(all, l)
	}
	return gateway, all, rows.Err()
}

// Outcomes of statements.
const (
	Taken    = "taken"     // it is in effect
	SetAside = "set_aside" // custody keeps it until what it speaks of is known
	Refused  = "refused"   // see Problem
	Dropped  = "dropped"   // a person has dropped it
)

// Outcomes lists them.
var Outcomes = []string{Due, Taken, SetAside, Refused, Dropped}

// settled notes what became of statements that were set aside.
func (k *Keeper) settled(ctx context.Context, events []event.Event) error {
	type news struct{ fact, state, problem string }
	var all []news
	for _, e := range events {
		if e.Type != fact.ScanWasSettled && e.Type != fact.ScanWasSetAside {
			continue
		}
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return err
		}
		switch d := v.(type) {
		case *fact.ScanSettled:
			n := news{fact: d.ID, state: Taken}
			if d.How != "accepted" {
				n.state, n.problem = Dropped, "a person has dropped it: "+e.Reason
			}
			all = append(all, n)
		case *fact.ScanSetAside:
			all = append(all, news{d.ID, SetAside, d.Problem})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, n := range all {
			if _, err := tx.Exec(ctx, `UPDATE scan_line SET state = $1, problem = $2 WHERE fact = $3`, n.state, clip(n.problem), n.fact); err != nil {
				return err
			}
		}
		return nil
	})
}
