package dscsa

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/trace/dscsa/deadline"

	"golang.org/x/sync/errgroup"
)

const (
	actor      = "system/dscsa"
	lookEvery  = 20 * time.Second
	atOnce     = 1000
	consumerID = "dscsa"
)

// Run watches the clocks, what becomes of excursions, and which products the
// catalog gets, until ctx ends; it then returns nil.
func (d *Desk) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.o.Log.Consume(ctx, consumerID, d.follow) })
	g.Go(func() error {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		failing, swept := false, false
		for {
			err := d.remind(ctx)
			if err == nil && !swept {
				// What was set aside before the hub could learn again waits for no event.
				err = d.relearnAll(ctx, keyUnits, unitsAside)
				swept = err == nil
			}
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil && !failing:
				d.o.Logger.Error("duties under the DSCSA could not be looked at; trying again", "error", err)
			case err == nil && failing:
				d.o.Logger.Info("duties under the DSCSA can be looked at again")
			}
			failing = err != nil
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	return g.Wait()
}

// remind tells, by an event and in the log, of each clock that has come to
// another stage; once for each stage.
func (d *Desk) remind(ctx context.Context) error {
	now := d.now()
	requests, err := d.allRequests(ctx)
	if err != nil {
		return err
	}
	for _, r := range requests {
		stage := deadline.At(r.Received, r.Due, now)
		if !stage.Beyond(deadline.Stage(r.Stage)) {
			continue
		}
		ref := fact.Ref{Kind: fact.TraceRequest, ID: r.ID}
		if err := d.reminded(ctx, ref, fact.TraceWasReminded, stage, fact.TraceReminded{ID: r.ID, Stage: string(stage), Due: r.Due}); err != nil {
			return err
		}
		d.o.Logger.Warn("trace request waits for an answer", "request", r.ID, "stage", stage, "due", time.UnixMilli(r.Due).UTC())
	}
	cases, err := d.allSuspicions(ctx, Illegitimate)
	if err != nil {
		return err
	}
	for _, s := range cases {
		stage := deadline.At(s.Determined, s.Due, now)
		if len(s.Untold()) == 0 || !stage.Beyond(deadline.Stage(s.Stage)) {
			continue
		}
		ref := fact.Ref{Kind: fact.Suspect, ID: s.ID}
		if err := d.reminded(ctx, ref, fact.SuspectHasBeenReminded, stage, fact.SuspectReminded{ID: s.ID, Stage: string(stage), Due: s.Due}); err != nil {
			return err
		}
		d.o.Logger.Warn("illegitimate product has to be told of", "case", s.ID, "to", s.Untold(), "stage", stage, "due", time.UnixMilli(s.Due).UTC())
	}
	return nil
}

func (d *Desk) reminded(ctx context.Context, ref fact.Ref, typ string, stage deadline.Stage, data any) error {
	_, err := d.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		_, err := ch.Append(ctx, event.New{ID: fmt.Sprintf("reminder:%s:%s", ref, stage), Stream: ref.String(), Expect: -1, Type: typ, Data: data})
		return err
	})
	return err
}

// allRequests gives all open requests.
func (d *Desk) allRequests(ctx context.Context) (all []TraceRequest, err error) {
	for after := ""; ; {
		part, err := d.Requests(ctx, "open", after, atOnce)
		if err != nil {
			return nil, err
		}
		if all = append(all, part...); len(part) < atOnce {
			return all, nil
		}
		after = part[len(part)-1].ID
	}
}

// allSuspicions gives all cases in a state.
func (d *Desk) allSuspicions(ctx context.Context, state string) (all []Suspicion, err error) {
	for after := ""; ; {
		part, err := d.Suspicions(ctx, state, after, atOnce)
		if err != nil {
			return nil, err
		}
		if all = append(all, part...); len(part) < atOnce {
			return all, nil
		}
		after = part[len(part)-1].ID
	}
}

// Status is how the duties stand.
type Status struct {
	Open, Overdue int64 // trace requests without an answer, and those beyond their deadline
	Proposed      int64 // product that a person has to decide about
	Suspect       int64
	Untold        int64 // cases of illegitimate product of which somebody has to be told yet
	Late          int64 // of these, beyond their 24 hours
	Exceptions    int64 // open
	Incomplete    int64 // documents that lack something, or whose units were set aside
}

// Status tells how the duties stand.
func (d *Desk) Status(ctx context.Context) (s Status, err error) {
	now := d.now()
	requests, err := d.allRequests(ctx)
	if err != nil {
		return s, err
	}
	for _, r := range requests {
		if s.Open++; r.State == "overdue" {
			s.Overdue++
		}
	}
	cases, err := d.allSuspicions(ctx, Illegitimate)
	if err != nil {
		return s, err
	}
	for _, c := range cases {
		if len(c.Untold()) > 0 {
			s.Untold++
			if now >= c.Due {
				s.Late++
			}
		}
	}
	states, err := d.o.Model.suspicions.Tally(ctx, d.o.Store, "state")
	if err != nil {
		return s, err
	}
	s.Proposed, s.Suspect = states[Proposed], states[Suspected]
	open, err := d.o.Model.discrepancies.Tally(ctx, d.o.Store, "state")
	if err != nil {
		return s, err
	}
	s.Exceptions = open["open"]
	documents, err := d.o.Model.statements.Tally(ctx, d.o.Store, "state")
	s.Incomplete = documents["incomplete"]
	return s, err
}
