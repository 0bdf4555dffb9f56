package dispatch

import (
	"context"
	"reflect"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

const (
	maxWindows = 20
	maxService = 4 * 3600  // s
	maxLoad    = 5_000_000 // g
)

// Plan enters a job, or changes one that no courier has begun. expected is as
// in Define.
func (d *Dispatch) Plan(ctx context.Context, actor, reason string, j fact.JobPlanned, expected int64) (Job, error) {
	var out Job
	err := d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		out, err = d.plan(ctx, ch, reason, j, expected)
		return err
	})
	return out, err
}

// plan is Plan within a command.
func (d *Dispatch) plan(ctx context.Context, ch event.Change, reason string, j fact.JobPlanned, expected int64) (Job, error) {
	ref := fact.Ref{Kind: fact.Job, ID: j.ID}
	if err := checkJob(j); err != nil {
		return Job{}, err
	}
	old, found, err := d.o.Model.jobs.Get(ctx, ch, j.ID)
	if err != nil || found && reflect.DeepEqual(old.JobPlanned, j) {
		return old, err
	}
	if err := record.Expect(ref, expected, old.Revision, found); err != nil {
		return Job{}, err
	}
	if found && old.Shipment != j.Shipment {
		return Job{}, record.Refusedf("shipment %q: the job is about shipment %q; plan another job", j.Shipment, old.Shipment)
	}
	if err := d.untouched(ctx, ch, old); err != nil {
		return Job{}, err
	}
	known, err := d.o.Shipments.Known(ctx, ch, fact.Ref{Kind: fact.Shipment, ID: j.Shipment})
	if err != nil {
		return Job{}, err
	}
	if !known {
		return Job{}, record.Invalidf("shipment %q: there is no such shipment; plan it first", j.Shipment)
	}
	for field, r := range map[string]fact.Ref{"from": j.From, "to": j.To} {
		if err := d.located(ctx, ch, field, r); err != nil {
			return Job{}, err
		}
		if err := d.used(ctx, ch, r); err != nil {
			return Job{}, err
		}
	}
	if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.JobWasPlanned, Reason: reason, Data: j}); err != nil {
		return Job{}, err
	}
	return record.Get(ctx, ch, d.o.Model.jobs, ref)
}

func checkJob(j fact.JobPlanned) error {
	if err := (fact.Ref{Kind: fact.Job, ID: j.ID}).Check(); err != nil {
		return record.Invalidf("id: %w", err)
	}
	if err := (fact.Ref{Kind: fact.Shipment, ID: j.Shipment}).Check(); err != nil {
		return record.Invalidf("shipment: %w", err)
	}
	if j.Replaces != "" {
		if err := (fact.Ref{Kind: fact.Job, ID: j.Replaces}).Check(); err != nil || j.Replaces == j.ID {
			return record.Invalidf("replaces %q: want the id of another job", j.Replaces)
		}
	}
	if j.Ready != 0 {
		if err := fact.CheckTime("ready", j.Ready); err != nil {
			return record.Invalid(err)
		}
	}
	if len(j.Windows) > maxWindows {
		return record.Invalidf("windows: %d of them; want at most %d", len(j.Windows), maxWindows)
	}
	for i, w := range j.Windows {
		if err := w.Check(); err != nil {
			return record.Invalidf("windows.%d: %w", i, err)
		}
		if i > 0 && w.From <= j.Windows[i-1].Until {
			return record.Invalidf("windows.%d: begins before the one before has ended; give them in order, apart", i)
		}
	}
	if j.Service < 0 || j.Service > maxService {
		return record.Invalidf("service %d: want 0 to %d s", j.Service, maxService)
	}
	if j.Load < 0 || j.Load > maxLoad {
		return record.Invalidf("load %d: want 0 to %d g", j.Load, maxLoad)
	}
	return nil
}

// untouched fails where a courier has begun with the job, or it was cancelled.
func (d *Dispatch) untouched(ctx context.Context, ch event.Change, j Job) error {
	if j.Cancelled {
		return record.Refusedf("id %q: the job was cancelled; plan another", j.ID)
	}
	if j.Route == "" {
		return nil
	}
	r, found, err := d.o.Model.routes.Get(ctx, ch, j.Route)
	if err != nil || !found {
		return err
	}
	for _, s := range r.Visits() {
		if s.Job == j.ID && s.Status != "planned" {
			return record.Refusedf("id %q: stop %s of route %s is %s already", j.ID, s.ID, r.ID, s.Status)
		}
	}
	return nil
}

// CancelJob ends a job that no courier has begun. Its stops stay in the route
// until that is planned anew.
func (d *Dispatch) CancelJob(ctx context.Context, actor, reason, id string, expected int64) (Job, error) {
	if reason == "" {
		return Job{}, record.Invalidf("reason: say why the job is cancelled")
	}
	ref := fact.Ref{Kind: fact.Job, ID: id}
	var out Job
	err := d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		if out, err = record.Get(ctx, ch, d.o.Model.jobs, ref); err != nil || out.Cancelled {
			return err
		}
		if err := record.Expect(ref, expected, out.Revision, true); err != nil {
			return err
		}
		if err := d.untouched(ctx, ch, out); err != nil {
			return err
		}
		if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.JobWasCancelled, Reason: reason, Data: fact.JobCancelled{ID: id}}); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, d.o.Model.jobs, ref)
		return err
	})
	return out, err
}

// Job gives a job.
func (d *Dispatch) Job(ctx context.Context, id string) (Job, error) {
	return record.Get(ctx, d.o.Store, d.o.Model.jobs, fact.Ref{Kind: fact.Job, ID: id})
}

// Jobs lists up to limit jobs after an id: of one shipment, or waiting for a
// route, or, where both are left out, all.
func (d *Dispatch) Jobs(ctx context.Context, shipment string, waiting bool, after string, limit int) ([]Job, error) {
	switch {
	case shipment != "":
		return record.Docs(d.o.Model.jobs.Find(ctx, d.o.Store, "shipment", shipment, after, limit))
	case waiting:
		return record.Docs(d.o.Model.jobs.Find(ctx, d.o.Store, "state", "waiting", after, limit))
	}
	return record.Docs(d.o.Model.jobs.List(ctx, d.o.Store, after, limit))
}
